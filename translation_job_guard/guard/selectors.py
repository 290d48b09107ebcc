"""The selectors of each service's scope: their names, their kinds, and which values are valid."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from translation_job_guard.guard import values
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

__all__ = ["SELECTORS", "Kind", "Selector"]


class Kind(enum.Enum):
    """What a selector does."""

    LIST = "list"
    """Selects jobs that match any of its values."""
    TIME = "time"
    """Narrows what the others select; alone it selects nothing."""
    WHOLE = "whole"
    """Selects every job of the place; stands alone."""


@dataclass(frozen=True)
class Selector:
    """One selector of a scope.

    Attributes:
        check: Checks its value, or each element of its list.
        kind: What it does.
    """

    check: values.Check
    kind: Kind = Kind.LIST


SELECTORS: Final[Mapping[str, Mapping[str, Selector]]] = {
    AMAZON_TRANSLATE: {
        "data_access_role_arns": Selector(values.ROLE_ARN),
        "s3_uri_prefixes": Selector(values.s3_uri),
        "job_name_prefixes": Selector(values.job_name),
        "job_ids": Selector(values.JOB_ID),
        "submitted_after": Selector(values.time, Kind.TIME),
        "whole_region": Selector(values.boolean, Kind.WHOLE),
    },
    AZURE_DOCUMENT_TRANSLATION: {
        "translation_ids": Selector(values.UUID),
        "container_urls": Selector(values.container_url),
        "source_container_urls": Selector(values.container_url),
        "target_container_urls": Selector(values.container_url),
        "created_after": Selector(values.time, Kind.TIME),
        "whole_resource": Selector(values.boolean, Kind.WHOLE),
    },
}
"""The selectors of each service, by their names in a stored scope."""
