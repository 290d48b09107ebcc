"""Decide whether a changed guard is kept, updated or replaced. Pure, over the old and the new properties.

This is as dangerous as a teardown: a replacement stops jobs, and a replacement that is missing lets the engine delete
what running jobs need.

A protected resource is known by its URN and its id. Pulumi changes URNs without touching the resource (aliases,
``stack rename``, ``state rename``, another parent, another version of a provider's type), and in the same ``up`` it may
replace the resource. So a URN that is gone proves nothing: the old ID is searched under the new URNs of the same type,
and if it is not found while any URN is new, the resource counts as replaced, because an alias may change the type too.
Each new URN matches one old resource: two protected resources may have the same type and ID, and one of them must not
hide that the other was replaced.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN
from translation_job_guard.services import endpoint_key

__all__ = ["Answer", "Decision", "decide"]

_PLACE = ("region", "endpoint", "expected_account_id")
"""A change of these creates the new guard first: the new place is proven before the old guard is deleted."""


class Answer(enum.Enum):
    """What the engine has to do about a change."""

    KEEP = "keep"
    UPDATE = "update"
    REPLACE = "replace"


@dataclass(frozen=True)
class Decision:
    """What the engine has to do about a change, and why.

    Attributes:
        delete_first: Whether a replacement deletes the old guard before it creates the new one.
        because: The properties that require a replacement.
        unprotected: The stored URNs that an update removes from ``protects``. Nothing was replaced, and the guard will
            not act when these resources are deleted.
    """

    answer: Answer
    delete_first: bool = False
    because: tuple[str, ...] = ()
    unprotected: tuple[str, ...] = ()


def decide(old: Mapping[str, Any], new: Mapping[str, Any]) -> Decision:
    """Return what the change from ``old`` to ``new`` needs.

    Args:
        old: The properties in the state, of this or an older release.
        new: The properties that the program sets; ``UNKNOWN`` where they are not known yet, at any depth.
    """
    requested = [] if _same(_get(old, "triggers"), _get(new, "triggers")) else ["triggers"]
    needed = list(_needed(old, new))
    place = [name for name in _PLACE if _moved(name, old, new)]
    if requested or needed or place:
        # What the jobs need will be deleted, and they must end before that. A trigger alone can wait until the new
        # place is proven: a place that does not work must not cost the old guard and its jobs.
        delete_first = bool(needed) or not place
        return Decision(Answer.REPLACE, delete_first, tuple(dict.fromkeys([*requested, *needed, *place])))
    # Every property counts, __provider too: "no change" would freeze old code in the state.
    names = (set(old) | set(new)) - {"account_id"}
    if all(_same(_get(old, name), _get(new, name)) for name in names):
        return Decision(Answer.KEEP)
    gone, _ = _compare(_get(old, "protects"), _get(new, "protects"))
    return Decision(Answer.UPDATE, unprotected=gone)


def _needed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    """Name the properties which show that something the jobs need is being replaced."""
    # The engine makes a property unknown as a whole when something that it depends on is about to be replaced
    # delete-first. Only a replacement gets the guard called before that. The guard may know the Translator resource by
    # its ID alone, if its endpoint is a constant.
    for name in ("protects", "scope", *_PLACE, "account_resource_id"):
        if _get(new, name) is UNKNOWN:
            yield name
    _, replaced = _compare(_get(old, "protects"), _get(new, "protects"))
    if replaced:
        yield "protects"


def _compare(old: Any, new: Any) -> tuple[tuple[str, ...], bool]:
    """Return the old URNs that are no longer protected, and whether any protected resource was replaced."""
    before, after = _entries(old), _entries(new)
    ids = {urn: id_ for urn, id_ in after if urn is not UNKNOWN}
    known = {urn for urn, _ in before}
    unclaimed = Counter((_type(urn), id_) for urn, id_ in ids.items() if urn not in known)
    appeared = any(urn not in known for urn, _ in after)
    # A URN that is not known yet may be of any type.
    new_types = {_type(urn) for urn, _ in after if urn not in known}
    gone: list[str] = []
    replaced = False
    for urn, id_ in dict.fromkeys(before):  # a resource in a component may also be listed by itself
        if urn is UNKNOWN or (urn in ids and (id_ is None or ids[urn] == id_)):
            continue
        if urn in ids:
            replaced = True
        elif id_ is not None and unclaimed[_type(urn), id_]:
            unclaimed[_type(urn), id_] -= 1  # only renamed
        elif id_ is not None and appeared:
            replaced = True
        elif not {_type(urn), None} & new_types:
            gone.append(str(urn))
    return tuple(gone), replaced


def _entries(protects: Any) -> Sequence[tuple[Any, Any]]:
    """Return URN and ID of each entry; both are unknown for an entry that is not known yet."""
    if not isinstance(protects, Sequence):
        return ()
    pairs = [
        (one.get("urn"), one.get("id")) if isinstance(one, Mapping) else (one, one)
        for one in protects
        if one is UNKNOWN or isinstance(one, Mapping)
    ]
    # An edited state may have anything there, lists included.
    return [(_text(urn), _text(id_)) for urn, id_ in pairs if urn is not None]


def _text(value: Any) -> Any:
    return value if value is None or value is UNKNOWN else str(value)


_VERSION: Final = re.compile(r"/v\d\w*(?=:)|V\d+(?=:|$)")
"""The version in a type: azure-native's ``storage/v20230101:BlobContainer``, aws's ``s3/bucketV2:BucketV2``."""


def _type(urn: Any) -> str | None:
    """Return the type in a URN without its parents' types and its version; None if the URN is not known yet.

    A provider's new version of a type takes over the resources of the old one through an alias.
    """
    if urn is UNKNOWN:
        return None
    parts = str(urn).split("::", 3)
    return _VERSION.sub("", parts[2].rpartition("$")[2]) if len(parts) == 4 else ""


def _get(properties: Mapping[str, Any], name: str) -> Any:
    # A property that an older release did not store has its default: a new release must not replace every guard.
    value = properties.get(name)
    return DEFAULTS.get(name) if value is None else value


def _same(one: Any, other: Any) -> bool:
    """Check whether two values are equal at any depth, where True is not 1. Numbers arrive as floats: 1 is 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _moved(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Check whether a property says that the guard's jobs are at another place now."""
    before, after = _get(old, name), _get(new, name)
    if name == "expected_account_id":
        # To add or remove the account that the guard is in changes no place.
        here = before or old.get("account_id")
        return None not in (here, after) and bool(here != after)
    if name == "endpoint":
        return _endpoint(before) != _endpoint(after)
    return bool(before != after)


def _endpoint(value: Any) -> object:
    return endpoint_key(value) if isinstance(value, str) else value
