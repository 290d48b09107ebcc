"""Find what ``ignore_changes`` must not reach: a guard that is blind to a change stops the wrong jobs, or none."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

__all__ = ["DECISIVE", "blinding"]

DECISIVE: Final = frozenset(
    {"scope", "protects", "triggers", "region", "endpoint", "expected_account_id", "account_resource_id"}
)
"""The properties that decide whether a guard is replaced, and which jobs it stops."""


def blinding(ignored: Iterable[str], decisive: Collection[str] = DECISIVE) -> list[str]:
    """Return the entries of ``ignore_changes`` that reach a decisive property, in whatever spelling.

    Args:
        ignored: Property paths.
        decisive: The decisive properties, by the names of the program's language.
    """
    return sorted(path for path in ignored if _first_key(path) in {"*", None, *decisive})


def _first_key(path: str) -> str | None:
    """Return the first key of a property path; None if there is none or the path cannot be parsed.

    The grammar of Pulumi's ``resource.ParsePropertyPath``: ``a.b``, ``a[0]``, ``a["b"]``, ``["a"]``, ``*`` and ``[*]``,
    with any number of dots before a key.
    """
    match = re.match(r'\.*(?:\["((?:\\"|[^"])*)"\]|\[(\*)\]|([^.\[]+))', path.strip())
    if match is None:
        return None
    quoted, star, plain = match.groups()
    return str(star or plain or quoted.replace('\\"', '"')).strip()
