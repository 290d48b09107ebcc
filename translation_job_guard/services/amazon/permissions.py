"""What the credentials of a guard of Amazon Translate jobs have to be allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from translation_job_guard.services import Permission

__all__ = ["PERMISSIONS", "STATEMENT"]

PERMISSIONS: Final = (
    Permission("translate:ListTextTranslationJobs", "find the jobs in flight"),
    Permission("translate:StopTextTranslationJob", "stop them"),
    Permission("translate:DescribeTextTranslationJob", "tell how a job ended", optional=True),
)
"""All three take only ``Resource: "*"``. ``sts:GetCallerIdentity`` needs no permission."""

STATEMENT: Final[Mapping[str, Any]] = {
    "Effect": "Allow",
    "Action": [permission.name for permission in PERMISSIONS],
    "Resource": "*",
}
"""The statement of an IAM policy that gives them."""
