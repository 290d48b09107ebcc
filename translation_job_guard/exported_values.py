"""Read values out of an exported stack: resources' types, names and outputs, and what is secret in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from translation_job_guard.resource_types import plain_type

__all__ = ["SECRET", "SIGNATURE", "is_hidden", "output", "revealed", "type_of"]

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
"""What marks a secret in a state, and on the wire (Pulumi's sdk/go/common/resource/sig)."""
_HIDDEN: Final = object()
"""An encrypted value."""


def type_of(resource: Mapping[str, Any]) -> str:
    """Return a resource's type without its API version."""
    return plain_type(str(resource.get("type") or ""))


def output(resource: Mapping[str, Any], name: str) -> Any:
    """Return an output of a resource; None if it is not there or encrypted."""
    value = revealed((resource.get("outputs") or {}).get(name))
    return None if is_hidden(value) else value


def revealed(value: Any) -> Any:
    """Return a value without Pulumi's envelopes around secrets; what is encrypted in it stays hidden.

    Raises:
        ValueError: An envelope is not as Pulumi writes it; or TypeError, or RecursionError.
    """
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return revealed(json.loads(value["plaintext"])) if "plaintext" in value else _HIDDEN
        return {key: revealed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [revealed(one) for one in value]
    return value


def is_hidden(value: Any) -> bool:
    """Check whether anything in a revealed value is encrypted."""
    if isinstance(value, Mapping):
        return any(map(is_hidden, value.values()))
    if isinstance(value, list):
        return any(map(is_hidden, value))
    return value is _HIDDEN
