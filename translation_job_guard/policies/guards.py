"""Rules over a guard's own properties: what it does when it is deleted, and how much it answers for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN
from translation_job_guard.policies.coverage_prediction import at_account
from translation_job_guard.policies.rule import GuardRule, Report, StackRule, judge_each, option
from translation_job_guard.policies.stack import Guard, Kind, Stack
from translation_job_guard.policies.values import any_unknown
from translation_job_guard.teardown import Mode

__all__ = ["GUARD_CANCELS_ON_DELETE", "GUARD_SCOPE_BOUNDED"]

_MODES = [mode.value for mode in Mode]
_CONSEQUENCES = {
    Mode.CANCEL.value: "it stops its jobs instead of letting them end",
    Mode.DRAIN.value: "it stops nothing: the teardown waits for jobs that go on costing money",
    Mode.FAIL.value: "the teardown is refused while a job is in flight, and somebody has to stop the jobs by hand",
    Mode.IGNORE.value: "it stops nothing: its jobs go on without the roles, buckets and accounts that they need",
}


@dataclass(frozen=True)
class CancelsOptions:
    """The options of guard-cancels-on-delete."""

    allowed_modes: tuple[str, ...] = option(
        "allowedModes",
        ["cancel"],
        type="array",
        items={"type": "string", "enum": _MODES},
        minItems=1,
        description="The modes that a guard may have; the first is what remediation sets.",
    )


@dataclass(frozen=True)
class BoundedOptions:
    """The options of guard-scope-bounded."""

    allowed_guards: tuple[str, ...] = option(
        "allowedGuards",
        [],
        type="array",
        items={"type": "string"},
        description="Names of guards that may answer for a whole region or resource; * stands for anything.",
    )
    allowed_stacks: tuple[str, ...] = option(
        "allowedStacks",
        [],
        type="array",
        items={"type": "string"},
        description="Stacks whose guards may answer for a whole region or resource, as name or project/name; * stands "
        "for anything.",
    )


def _cancels(name: str, properties: Mapping[str, Any], options: CancelsOptions) -> str | None:
    mode = properties.get("on_delete") or DEFAULTS["on_delete"]
    allowed = _allowed(options)
    if not isinstance(mode, str) or mode in allowed:
        return None
    # A value that is no mode is refused by the guard itself, and could be anything.
    consequence = _CONSEQUENCES.get(mode)
    if consequence is None:
        return None
    return (
        f"Guard '{name}' has on_delete=\"{mode}\", so when it is deleted {consequence}. "
        f"Allowed here: {', '.join(allowed)}. Write\n"
        f'    on_delete="{allowed[0]}",\n'
        'in the guard, or set this rule to the level "remediate", which does so by itself.'
    )


def _cancel_instead(properties: Mapping[str, Any], options: CancelsOptions) -> Mapping[str, Any]:
    return {"on_delete": _allowed(options)[0]} if _cancels("", properties, options) else {}


def _allowed(options: CancelsOptions) -> list[str]:
    return [mode for mode in options.allowed_modes if mode in _MODES] or [Mode.CANCEL.value]


def _bounded(stack: Stack, options: BoundedOptions, report: Report) -> None:
    def judge(guard: Guard) -> None:
        flags = [
            (flag, where, instead)
            for scope in (guard.scopes if isinstance(guard.scopes, list) else [])
            if isinstance(scope, Mapping)
            for flag, where, instead in (
                (
                    "whole_region",
                    "every Amazon Translate job of the account in its region",
                    "data_access_role_arns=[role.arn]",
                ),
                ("whole_resource", "every batch of the Translator resource", "source_container_urls=[…]"),
            )
            if scope.get(flag) is True and not (flag == "whole_resource" and _has_own_account(stack, guard))
        ]
        here, project = guard.properties.get("stack"), guard.properties.get("project")
        own = [name for name in (here, f"{project}/{here}") if isinstance(name, str)]
        if not flags or _matches([guard.name], options.allowed_guards) or _matches(own, options.allowed_stacks):
            return
        flag, everything, instead = flags[0]
        instead_of_it = (
            "leave scope out, and it is derived from protects"
            if flag == "whole_region"
            else "give this stack a Translator account of its own, and put it into protects"
        )
        report(
            f"Guard '{guard.name}' has {flag}=True: when it is deleted it stops {everything}, whoever started it, "
            f"other stacks' jobs included. Name the jobs of this stack instead:\n"
            f"    {instead},\n"
            f"or {instead_of_it}. Where a stack does own everything there, waive it in the pack's configuration:\n"
            '    {"guard-scope-bounded": {"waivers": [{"stack": "…", "reason": "…"}]}}',
            guard.urn,
        )

    judge_each("guard-scope-bounded", report, stack.guards, judge)


def _has_own_account(stack: Stack, guard: Guard) -> bool:
    """Check whether the account at the guard's place is this stack's, or may turn out to be.

    Whoever has both has an account per environment. That an account came from ``get`` is not visible here.
    """
    if any(at_account(stack, guard, account) for account in stack.of(Kind.ACCOUNT)):
        return True
    # Not known yet: what the guard protects may turn out to be it.
    return guard.place is UNKNOWN and any_unknown(guard.properties.get("protects"))


def _matches(names: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


GUARD_CANCELS_ON_DELETE = GuardRule(
    name="guard-cancels-on-delete",
    description="Checks whether a guard stops its jobs when it is deleted.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=CancelsOptions,
    remedy='Write on_delete="cancel", or leave it out.',
    judge=_cancels,
    mend=_cancel_instead,
)

GUARD_SCOPE_BOUNDED = StackRule(
    name="guard-scope-bounded",
    description="Checks whether a guard answers for the jobs of its own stack only.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=BoundedOptions,
    remedy="Name the stack's roles, buckets or containers in the guard's scope instead of everything.",
    check=_bounded,
)
