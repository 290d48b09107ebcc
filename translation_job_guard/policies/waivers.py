"""Waivers: findings that a team has decided to live with, for a reason and usually until a day.

Each rule's configuration has its own. A finding under a valid waiver is no violation of its rule; the rule
``translation-waivers``, which runs last, lists what was waived, so that a waiver is never silent.
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
    "description": "Findings to accept. A finding that a valid waiver matches is no violation of this rule, and is "
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
        """Whether its last day has passed, in UTC."""
        return self.until is not None and datetime.now(timezone.utc).date() > self.until

    def matches(self, finding: Finding) -> bool:
        """Return whether the finding is of its resource and stack."""
        names = (finding.name, finding.urn)
        return self._is_of(finding.stacks) and any(fnmatchcase(name, self.resource) for name in names)

    def names_exactly(self, stacks: Iterable[str]) -> bool:
        """Return whether it names this stack without a placeholder."""
        return not set(self.stack) & set("*?[") and self.stack in stacks

    def _is_of(self, stacks: Iterable[str]) -> bool:
        return any(fnmatchcase(stack, self.stack) for stack in stacks)

    def __str__(self) -> str:
        until = f" until {self.until}" if self.until else ""
        return f"resource {self.resource!r} of stack {self.stack!r}{until} ({self.reason})"


@dataclass(frozen=True)
class Finding:
    """What a rule found. ``name`` is the resource's, or the place's where it is of the whole stack."""

    rule: str
    name: str
    urn: str
    stacks: tuple[str, ...]


@dataclass
class Ledger:
    """The waivers of a pack's rules and what they matched, from the first resource of a validation to its last rule."""

    waivers: dict[str, tuple[Waiver, ...]] = field(default_factory=dict)
    """By rule, as far as the rules have run."""
    matched: dict[tuple[str, Waiver], dict[Finding, None]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    """The rules over resources that have told what is wrong with their configuration."""

    def accepts(self, finding: Finding) -> bool:
        """Return whether a valid waiver of the finding's rule matches it, and remember each that does."""
        matching = [waiver for waiver in self.waivers.get(finding.rule, ()) if waiver.matches(finding)]
        for waiver in matching:
            self.matched.setdefault((finding.rule, waiver), {})[finding] = None
        return any(not waiver.expired for waiver in matching)

    def close(self) -> Ledger:
        """Return what was gathered, and begin anew for the next validation."""
        gathered = Ledger(self.waivers, self.matched)
        self.waivers, self.matched = {}, {}
        self.told.clear()
        return gathered


def read_waivers(value: Any) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
    """Read the waivers of a rule's configuration; returns the valid ones, and what is wrong with the others."""
    if not isinstance(value, (list, tuple)):
        return (), ("`waivers` is not a list",)
    waivers, problems = [], []
    for number, one in enumerate(value):
        name = f"`waivers[{number}]`"
        if not isinstance(one, Mapping):
            problems.append(f"{name} is not an object with {', '.join(_FIELDS)}")
            continue
        given: dict[str, Any] = {key: one.get(key) for key in _FIELDS if one.get(key) is not None}
        unknown = sorted(set(one) - set(_FIELDS))
        until = _day(given.get("until"))
        if unknown:
            problems.append(f"{name} has unknown fields ({', '.join(unknown)}); expected {', '.join(_FIELDS)}")
        elif not all(isinstance(text, str) for text in given.values()) or not str(given.get("reason", "")).strip():
            problems.append(f"{name} has no reason; add one, as text")
        elif "until" in given and until is None:
            problems.append(f"{name}.until is not a valid day; expected one like 2026-12-31")
        else:
            waivers.append(Waiver(given.get("resource", "*"), given.get("stack", "*"), given["reason"], until))
    return tuple(waivers), tuple(problems)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
