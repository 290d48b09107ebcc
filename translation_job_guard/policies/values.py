"""Convert the properties that a policy receives to plain values.

pulumi-policy raises an exception when a rule reads a value that is not known yet. Here such a value is ``UNKNOWN``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_policy import proxy

from translation_job_guard.guard.properties import UNKNOWN

__all__ = ["URL_SELECTORS", "any_unknown", "entry", "known", "texts"]

URL_SELECTORS: Final = ("container_urls", "source_container_urls", "target_container_urls")
"""The selectors of an Azure scope that are URLs of containers."""

_PLACEHOLDERS: Final = frozenset(value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_"))
"""What the engine sends in place of a value that is not known yet: one text for each type."""


def known(value: Any) -> Any:
    """Return ``value`` as plain dictionaries and lists, with ``UNKNOWN`` for what is not known yet, at any depth."""
    if isinstance(value, str):
        return UNKNOWN if value in _PLACEHOLDERS else value
    if isinstance(value, Mapping):
        return {key: entry(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [entry(value, index) for index in range(len(value))]
    return value


def entry(container: Any, key: Any) -> Any:
    """Return one entry of a mapping or list as a plain value; None if there is none."""
    try:
        return known(container[key])
    except (KeyError, IndexError):
        return None
    except proxy.UnknownValueError:
        return UNKNOWN


def any_unknown(value: Any) -> bool:
    """Check whether a plain value is ``UNKNOWN``, as a whole or anywhere inside."""
    if isinstance(value, Mapping):
        return any(map(any_unknown, value.values()))
    if isinstance(value, list):
        return any(map(any_unknown, value))
    return value is UNKNOWN


def texts(values: Any) -> list[str]:
    """Return the known texts in a list that are not empty; nothing of any other value."""
    return [value for value in values if isinstance(value, str) and value] if isinstance(values, list) else []
