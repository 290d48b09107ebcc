"""A guard's stored properties: their format, and what one is that is not there or not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["DEFAULTS", "FORMAT", "UNKNOWN", "Unknown"]

FORMAT: Final = 1
"""Of the stored properties."""

DEFAULTS: Final[Mapping[str, Any]] = {
    "on_delete": "cancel",
    "grace_period": 0,
    "timeout": "30m",
    "quiet_period": "3s",
    "poll_interval": None,
    "undecided_timeout": "2m",
    "triggers": [],
    "protects": [],
    "expected_account_id": None,
    "profile": None,
    "assume_role_arn": None,
    "endpoint_url": None,
    "api_version": "2024-05-01",
    "key_env": "AZURE_DOCUMENT_TRANSLATION_KEY",
    "account_resource_id": None,
    "stack": "",
    "project": "",
    "name": "",
    "format": FORMAT,
}
"""What a property is that an older release did not store."""


class Unknown:
    """A value that is not known yet. One instance: ``UNKNOWN``."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
