"""Keep, update or replace: what a changed guard comes to. Pure, over the old and the new properties.

As dangerous as a teardown: a replacement stops jobs, and one that is missing lets the engine take away what running
jobs need.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from translation_job_guard.arguments import DEFAULTS, UNKNOWN

__all__ = ["Answer", "Decision", "decide"]

_PLACE = ("region", "endpoint", "expected_account_id")
"""The new place is proven before the old guard goes: create first."""


class Answer(enum.Enum):
    """What a change comes to."""

    KEEP = "keep"
    UPDATE = "update"
    REPLACE = "replace"


@dataclass(frozen=True)
class Decision:
    """What a change comes to. ``because`` are the properties that ask for a replacement."""

    answer: Answer
    delete_first: bool = False
    because: tuple[str, ...] = ()


def decide(old: Mapping[str, Any], new: Mapping[str, Any]) -> Decision:
    """What the change from ``old`` to ``new`` comes to.

    Args:
        old: the properties in the state, of this or an older release.
        new: the properties that the program asks for; ``UNKNOWN`` where they are not known yet, at any depth.
    """
    first = list(_delete_first(old, new))
    place = [name for name in _PLACE if _moved(name, old, new)]
    if first or place:
        return Decision(Answer.REPLACE, bool(first), tuple(dict.fromkeys([*first, *place])))
    # Everything counts, __provider too: "no change" would freeze old code and old properties in the state.
    names = (set(old) | set(new)) - {"account_id"}
    changed = any(_get(old, name) != _get(new, name) for name in names)
    return Decision(Answer.UPDATE if changed else Answer.KEEP)


def _delete_first(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    if _get(old, "triggers") != _get(new, "triggers"):
        yield "triggers"
    # Unknown as a whole: the engine asks so when something that the property depends on is about to be replaced
    # delete-first. Only a replacement gets the guard called before that. The Translator resource may be known to the
    # guard by its id alone, its endpoint being written out.
    for name in ("protects", "scope", *_PLACE, "account_resource_id"):
        if _get(new, name) is UNKNOWN:
            yield name
    if _replaced(_get(old, "protects"), _get(new, "protects")):
        yield "protects"


def _replaced(old: Any, new: Any) -> bool:
    """Whether something protected has another id than before, or one that is not known yet."""
    before, after = _ids(old), _ids(new)
    return any(urn in after and id_ is not None and after[urn] != id_ for urn, id_ in before.items())


def _ids(protects: Any) -> Mapping[str, Any]:
    if not isinstance(protects, Sequence):
        return {}
    return {
        one["urn"]: one.get("id")
        for one in protects
        if isinstance(one, Mapping) and one.get("urn") is not UNKNOWN and one.get("urn") is not None
    }


def _get(properties: Mapping[str, Any], name: str) -> Any:
    # A property that an older release did not store is as its default: a new release must not replace every guard.
    value = properties.get(name)
    return DEFAULTS.get(name) if value is None else value


def _moved(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a property says that the guard's jobs are somewhere else now."""
    before, after = _get(old, name), _get(new, name)
    if name == "expected_account_id":
        # To write down the account that the guard is in, or to take the note away, moves nothing.
        here = before or old.get("account_id")
        return None not in (here, after) and bool(here != after)
    if name == "endpoint":
        return _same_endpoint(before) != _same_endpoint(after)
    return bool(before != after)


def _same_endpoint(value: Any) -> object:
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
