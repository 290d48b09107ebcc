"""Properties as a policy gets them, made plain: what is not known yet becomes ``UNKNOWN`` instead of an exception."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pulumi_policy import proxy

from translation_job_guard.guard.properties import UNKNOWN

__all__ = ["URL_SELECTORS", "any_unknown", "entry", "known", "texts"]

URL_SELECTORS: Final = ("container_urls", "source_container_urls", "target_container_urls")
"""The selectors of an Azure scope that are URLs of containers."""

_NOT_KNOWN: Final = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)


def known(value: Any) -> Any:
    """``value`` as plain dictionaries and lists, with ``UNKNOWN`` for what is not known yet, at any depth."""
    if isinstance(value, str):
        return UNKNOWN if value in _NOT_KNOWN else value
    if isinstance(value, Mapping):
        return {key: entry(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [entry(value, index) for index in range(len(value))]
    return value


def entry(container: Any, key: Any) -> Any:
    """One entry of a mapping or list, as ``known`` has it; None where there is none."""
    try:
        return known(container[key])
    except (KeyError, IndexError):
        return None
    except proxy.UnknownValueError:
        return UNKNOWN


def any_unknown(value: Any) -> bool:
    """Whether something in ``value`` is ``UNKNOWN``."""
    if isinstance(value, Mapping):
        return any(any_unknown(one) for one in value.values())
    if isinstance(value, list):
        return any(any_unknown(one) for one in value)
    return value is UNKNOWN


def texts(values: Iterable[Any]) -> list[str]:
    """Those of ``values`` that are known text."""
    return [value for value in values if isinstance(value, str) and value]
