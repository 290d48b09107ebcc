"""Describe the stored properties of a guard: their format, their defaults, and values that are not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["DEFAULTS", "FORMAT", "UNKNOWN", "Unknown"]

FORMAT: Final = 1
"""The version of the stored properties."""

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
"""The values of properties that an older release did not store."""


class Unknown:
    """The type of ``UNKNOWN``, a value that is not known yet."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
