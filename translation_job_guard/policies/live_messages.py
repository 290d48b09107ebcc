"""Write the parts of messages about jobs in flight and about places that cannot be looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Final

from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Job, counted

__all__ = ["in_flight", "job_lines", "pronoun", "unreachable"]

_LISTED_AT_MOST: Final = 5
_STATEMENT: Final = json.dumps({"Effect": "Allow", "Action": ["translate:ListTextTranslationJobs"], "Resource": "*"})
# The data actions of this role only read.
_ROLE: Final = (
    'az role assignment create --role "Cognitive Services Data Reader" --assignee OBJECT_ID --scope RESOURCE_ID'
)
_PERMISSIONS: Final[Mapping[str, str]] = {
    AMAZON_TRANSLATE: " Looking needs only this statement in the IAM policy of the credentials, and no permission to "
    f"stop jobs:\n    {_STATEMENT}",
    AZURE_DOCUMENT_TRANSLATION: " Looking needs a key of the Translator resource, or only this role, and no permission "
    f"to cancel:\n    {_ROLE}",
}
"""The permissions that are enough to list jobs, by service."""


def in_flight(jobs: Sequence[Job], state: str = "in flight") -> str:
    """Return ``1 job is in flight`` or ``2 jobs are in flight``."""
    return f"{counted(len(jobs), 'job is', 'jobs are')} {state}"


def pronoun(jobs: Sequence[Job], one: str = "it", many: str = "them") -> str:
    """Return a word for one job or for many."""
    return one if len(jobs) == 1 else many


def job_lines(jobs: Sequence[Job], notes: Mapping[str, str] | None = None) -> str:
    """Return a line for each of the oldest jobs, and how many others there are.

    Args:
        jobs: the jobs.
        notes: what to add to the line of a job, by its ID.
    """
    now = datetime.now(timezone.utc)
    oldest = sorted(jobs, key=lambda job: (job.submitted_at or now, job.id))[:_LISTED_AT_MOST]
    lines = [f"    {_described(job, now, (notes or {}).get(job.id))}" for job in oldest]
    if len(jobs) > len(lines):
        lines.append(f"    and {len(jobs) - len(lines)} more")
    return "\n".join(lines)


def unreachable(what: str, reason: str, service: str | None = None) -> str:
    """Return a message about a place that could not be looked at, with the permissions that looking needs."""
    return (
        f"{what} could not be looked at, so it is not known whether jobs are in flight there: {reason}."
        f"{_PERMISSIONS.get(service or '', '')}"
    )


def _described(job: Job, now: datetime, note: str | None) -> str:
    parts = [str(job)]
    if job.submitted_at is not None:
        parts.append(f"for {format_duration(max(0.0, (now - job.submitted_at).total_seconds()))}")
    if job.documents is not None and job.documents.total:
        parts.append(counted(job.documents.total, "document", "documents"))
    return ", ".join([*parts, *([f"without {note}"] if note else [])])
