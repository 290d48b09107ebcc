"""The rules as policies, for the ready pack and for packs of your own.

A pack of your own takes them in::

    from pulumi_policy import PolicyPack
    from translation_job_guard.policies import policies
    PolicyPack("team", [*our_own, *policies()])

``run_pack()`` in ``__main__.py`` starts a pack of these rules only, which is faster. No cloud's SDK is imported until a
live rule looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Policy

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.policies.disjoint import GUARD_SCOPES_DISJOINT
from translation_job_guard.policies.guarded import (
    TRANSLATION_RESOURCES_GUARDED,
    TRANSLATION_RESOURCES_POSSIBLY_GUARDED,
)
from translation_job_guard.policies.guards import GUARD_CANCELS_ON_DELETE, GUARD_SCOPE_BOUNDED
from translation_job_guard.policies.live import live_rules
from translation_job_guard.policies.order import GUARD_DELETED_FIRST
from translation_job_guard.policies.pack import start
from translation_job_guard.policies.rule import Rule
from translation_job_guard.policies.waivers import Ledger
from translation_job_guard.policies.waivers_rule import waivers_rule

__all__ = ["NAMES", "policies", "rules", "run_pack"]


def _rules(ledger: Ledger) -> Mapping[str, Rule[Any]]:
    # The rules that look share their looks within one pack, so each pack has its own.
    return {
        rule.name: rule
        for rule in (
            *live_rules(),
            TRANSLATION_RESOURCES_GUARDED,
            TRANSLATION_RESOURCES_POSSIBLY_GUARDED,
            GUARD_DELETED_FIRST,
            GUARD_CANCELS_ON_DELETE,
            GUARD_SCOPE_BOUNDED,
            GUARD_SCOPES_DISJOINT,
            # The last one: it lists what the others found.
            waivers_rule(ledger),
        )
    }


def rules() -> Mapping[str, Rule[Any]]:
    """Return the rules by name, in the order in which they run: what they are, their options and their defaults."""
    return _rules(Ledger())


NAMES: Final = tuple(rules())
"""The names of the rules, in the order in which they run."""


def policies(
    levels: Mapping[str, EnforcementLevel | str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    only: Iterable[str] | None = None,
) -> list[Policy]:
    """Return the rules as policies for a pack.

    Args:
        levels: enforcement levels by rule, other than the rules' own: ``"advisory"``, ``"mandatory"``, ``"remediate"``
            or ``"disabled"``.
        options: options by rule, as in the pack's configuration, which still goes before them.
        only: the rules to have; by default all.

    Raises:
        InvalidArgument: there is no such rule, level or option.
    """
    levels, options = levels or {}, options or {}
    wanted = NAMES if only is None else tuple(only)
    for name in (*levels, *options, *wanted):
        if name not in NAMES:
            raise InvalidArgument(f"There is no rule {name!r}: there are {', '.join(NAMES)}.")
    chosen = {name: _level(name, level) for name, level in levels.items()}
    ledger = Ledger()
    own = _rules(ledger).items()
    return [rule.policy(chosen.get(name), options.get(name), ledger) for name, rule in own if name in wanted]


def run_pack(
    name: str = "translation-job-guard",
    levels: Mapping[str, EnforcementLevel | str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    only: Iterable[str] | None = None,
) -> None:
    """Run a pack of these rules until its process is ended; all else in a stack costs it next to nothing.

    Args:
        name: the name of the pack.
        levels: enforcement levels by rule, as in ``policies``.
        options: options by rule, as in ``policies``.
        only: the rules to have; by default all.

    Raises:
        InvalidArgument: there is no such rule, level or option.
    """
    start(name, policies(levels, options, only))


def _level(rule: str, level: EnforcementLevel | str) -> EnforcementLevel:
    try:
        return EnforcementLevel(level)
    except ValueError:
        there = ", ".join(one.value for one in EnforcementLevel)
        raise InvalidArgument(f"The level of {rule} must be one of {there}.") from None
