"""Waivers: findings that a team has decided to accept, for a reason and usually until a certain day.

Each rule has waivers in its configuration. A finding with a valid waiver does not violate its rule. The rule
``translation-waivers`` runs last and lists what was waived, so that no waiver is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from fnmatch import fnmatchcase
from typing import Any, Final

__all__ = ["SCHEMA", "Finding", "Ledger", "Waiver", "read_waivers"]

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "array",
    "description": "Findings to accept. A finding that a valid waiver matches does not violate this rule, and is "
    "listed by translation-waivers.",
    "items": {
        "type": "object",
        "properties": {
            "resource": {"type": "string", "description": "Name or URN of the resource; * stands for anything."},
            "stack": {"type": "string", "description": "Stack, as name or project/name; * stands for anything."},
            "reason": {"type": "string", "minLength": 1, "description": "Why the finding is accepted."},
            "until": {"type": "string", "description": "The last day on which the waiver counts, as 2026-12-31."},
        },
        "required": ["reason"],
        "additionalProperties": False,
    },
}
_FIELDS: Final = ("resource", "stack", "reason", "until")


@dataclass(frozen=True)
class Waiver:
    """One waiver. ``resource`` and ``stack`` are globs."""

    resource: str
    stack: str
    reason: str
    until: date | None = None

    @property
    def expired(self) -> bool:
        """Whether the last day has passed, in UTC."""
        return self.until is not None and datetime.now(timezone.utc).date() > self.until

    def matches(self, finding: Finding) -> bool:
        """Check whether the finding is about a resource and in a stack of this waiver."""
        return any(fnmatchcase(stack, self.stack) for stack in finding.stacks) and any(
            fnmatchcase(name, self.resource) for name in (finding.name, finding.urn)
        )

    def names_exactly(self, stacks: Iterable[str]) -> bool:
        """Check whether the waiver names this stack without a wildcard."""
        return not set(self.stack) & set("*?[") and self.stack in stacks

    def __str__(self) -> str:
        until = f" until {self.until}" if self.until else ""
        return f"resource {self.resource!r} of stack {self.stack!r}{until} ({self.reason})"


@dataclass(frozen=True)
class Finding:
    """What a rule found. ``name`` is the name of the resource, or of the place if the finding is about none."""

    rule: str
    name: str
    urn: str
    stacks: tuple[str, ...]


@dataclass
class Ledger:
    """The waivers of a pack and what they matched, from the first resource of a validation to its last rule."""

    waivers: dict[str, tuple[Waiver, ...]] = field(default_factory=dict)
    """The waivers of each rule that has run."""
    matched: dict[tuple[str, Waiver], dict[Finding, None]] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    """The rules over resources that have reported the errors in their configuration."""

    def accepts(self, finding: Finding) -> bool:
        """Check whether a valid waiver of the rule matches the finding, and remember every waiver that does."""
        matching = [waiver for waiver in self.waivers.get(finding.rule, ()) if waiver.matches(finding)]
        for waiver in matching:
            self.matched.setdefault((finding.rule, waiver), {})[finding] = None
        return any(not waiver.expired for waiver in matching)

    def close(self) -> Ledger:
        """Return the waivers and matches of this validation, and forget them for the next one."""
        closed = Ledger(self.waivers, self.matched)
        self.waivers, self.matched, self.checked = {}, {}, set()
        return closed


def read_waivers(value: Any) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
    """Return the valid waivers in a rule's configuration, and an error for each of the others."""
    if not isinstance(value, (list, tuple)):
        return (), ("`waivers` is not a list",)
    read = [_read(f"`waivers[{number}]`", one) for number, one in enumerate(value)]
    return (
        tuple(one for one in read if isinstance(one, Waiver)),
        tuple(one for one in read if isinstance(one, str)),
    )


def _read(name: str, one: Any) -> Waiver | str:
    """Return one waiver, or what is wrong with it."""
    if not isinstance(one, Mapping):
        return f"{name} is not an object with {', '.join(_FIELDS)}"
    if unknown := sorted(set(one) - set(_FIELDS)):
        return f"{name} has unknown fields ({', '.join(unknown)}); expected {', '.join(_FIELDS)}"
    given: dict[str, Any] = {key: one.get(key) for key in _FIELDS if one.get(key) is not None}
    if not all(isinstance(text, str) for text in given.values()) or not given.get("reason", "").strip():
        return f"{name} has no reason; add one, as text"
    until = _day(given.get("until"))
    if "until" in given and until is None:
        return f"{name}.until is not a valid day; expected one like 2026-12-31"
    return Waiver(given.get("resource", "*"), given.get("stack", "*"), given["reason"], until)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
