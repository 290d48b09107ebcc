"""The rules as policies, for the ready pack and for packs of your own.

A pack of your own takes them in::

    from pulumi_policy import PolicyPack
    from translation_job_guard.policies import policies
    PolicyPack("team", [*our_own, *policies()])

``run_pack()`` in ``__main__.py`` starts a pack of these rules only, which is faster. No cloud's SDK is imported until a
rule looks at the cloud.
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


def rules(ledger: Ledger | None = None) -> Mapping[str, Rule[Any]]:
    """Return the rules by name, in the order in which they run.

    Args:
        ledger: the waivers of the pack. Rules share what they find only within one pack, so each pack needs its own.
    """
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
            # The last one, since it lists what waivers of the others accepted.
            waivers_rule(ledger or Ledger()),
        )
    }


NAMES: Final = tuple(rules())
"""The names of the rules, in the order in which they run."""


def policies(
    levels: Mapping[str, EnforcementLevel | str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    only: Iterable[str] | None = None,
) -> list[Policy]:
    """Return the rules as policies for a pack.

    Args:
        levels: enforcement levels by rule, in place of the rules' own: ``"advisory"``, ``"mandatory"``,
            ``"remediate"`` or ``"disabled"``.
        options: options by rule, as in a pack's configuration, which takes precedence.
        only: the names of the rules to return; by default all.

    Raises:
        InvalidArgument: there is no such rule, level or option.
    """
    levels, options, ledger = levels or {}, options or {}, Ledger()
    wanted = NAMES if only is None else tuple(only)
    for name in (*levels, *options, *wanted):
        if name not in NAMES:
            raise InvalidArgument(f"`{name}` is not a rule; expected {', '.join(NAMES)}.")
    valid = [level.value for level in EnforcementLevel]
    for name, level in levels.items():
        if level not in (*EnforcementLevel, *valid):
            raise InvalidArgument(f"`{level}` is not a valid level of {name}; expected {', '.join(valid)}.")
    return [
        rule.policy(EnforcementLevel(levels[name]) if name in levels else None, options.get(name), ledger)
        for name, rule in rules(ledger).items()
        if name in wanted
    ]


def run_pack(
    name: str = "translation-job-guard",
    levels: Mapping[str, EnforcementLevel | str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    only: Iterable[str] | None = None,
) -> None:
    """Run a pack of these rules until its process is ended.

    Such a pack leaves out the resources that no rule reads, which makes it much faster than a pack with other rules.

    Args:
        name: the name of the pack.
        levels: enforcement levels by rule, as in ``policies``.
        options: options by rule, as in ``policies``.
        only: the names of the rules to run; by default all.

    Raises:
        InvalidArgument: there is no such rule, level or option.
    """
    start(name, policies(levels, options, only))
