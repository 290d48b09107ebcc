"""The rules about the options of a guard: what it does when it is deleted, and how many jobs it covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN
from translation_job_guard.policies.coverage_prediction import is_at_account
from translation_job_guard.policies.nodes import Guard, Kind
from translation_job_guard.policies.rule import GuardRule, Report, StackRule, judge_each, option
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.values import any_unknown
from translation_job_guard.teardown import Mode

__all__ = ["GUARD_CANCELS_ON_DELETE", "GUARD_SCOPE_BOUNDED"]

_BOUNDED = "guard-scope-bounded"
_CONSEQUENCES = {
    Mode.CANCEL.value: "it stops its jobs instead of letting them end",
    Mode.DRAIN.value: "it stops nothing, and the teardown waits for jobs that cost money",
    Mode.FAIL.value: "the teardown is refused while a job is in flight, and somebody has to stop the jobs by hand",
    Mode.IGNORE.value: "it stops nothing, and its jobs continue without the roles, buckets and accounts that they need",
}
_WHOLE = {
    "whole_region": (
        "every Amazon Translate job of the account in its region",
        "data_access_role_arns=[role.arn]",
        "leave scope out, so that it is derived from protects",
    ),
    "whole_resource": (
        "every batch of the Translator resource",
        "source_container_urls=[…]",
        "give this stack a Translator account of its own, and protect it with the guard",
    ),
}
"""For each option that covers everything: what it covers, and two ways to cover less."""


@dataclass(frozen=True)
class CancelsOptions:
    """The options of guard-cancels-on-delete."""

    allowed_modes: tuple[str, ...] = option(
        "allowedModes",
        ["cancel"],
        type="array",
        items={"type": "string", "enum": list(_CONSEQUENCES)},
        minItems=1,
        description="The modes that a guard may have. Remediation sets the first one.",
    )

    @property
    def modes(self) -> list[str]:
        """The allowed modes that exist."""
        return [mode for mode in self.allowed_modes if mode in _CONSEQUENCES] or [Mode.CANCEL.value]


@dataclass(frozen=True)
class BoundedOptions:
    """The options of guard-scope-bounded."""

    allowed_guards: tuple[str, ...] = option(
        "allowedGuards",
        [],
        type="array",
        items={"type": "string"},
        description="Names of guards that may cover a whole region or resource; * matches anything.",
    )
    allowed_stacks: tuple[str, ...] = option(
        "allowedStacks",
        [],
        type="array",
        items={"type": "string"},
        description="Stacks whose guards may cover a whole region or resource, as name or project/name; * matches "
        "anything.",
    )


def _judge_mode(name: str, properties: Mapping[str, Any], options: CancelsOptions) -> str | None:
    mode = properties.get("on_delete") or DEFAULTS["on_delete"]
    # The guard itself refuses a value that is not a mode. Such a value could be anything, so no message repeats it.
    if not isinstance(mode, str) or mode in options.modes or mode not in _CONSEQUENCES:
        return None
    return (
        f"Guard '{name}' has on_delete=\"{mode}\": when it is deleted, {_CONSEQUENCES[mode]}. "
        f"Allowed here: {', '.join(options.modes)}. Write\n"
        f'    on_delete="{options.modes[0]}",\n'
        'in the guard, or set this rule to the level "remediate", which changes it for you.'
    )


def _allowed_mode(properties: Mapping[str, Any], options: CancelsOptions) -> Mapping[str, Any]:
    return {"on_delete": options.modes[0]} if _judge_mode("", properties, options) else {}


def _check_scope(stack: Stack, options: BoundedOptions, report: Report) -> None:
    def judge(guard: Guard) -> None:
        whole = [flag for flag in _WHOLE for stored in guard.stored_scopes if stored.get(flag) is True]
        here, project = guard.properties.get("stack"), guard.properties.get("project")
        stacks = [name for name in (here, f"{project}/{here}") if isinstance(name, str)]
        if (
            not whole
            or (whole[0] == "whole_resource" and _has_own_account(stack, guard))
            or _matches([guard.name], options.allowed_guards)
            or _matches(stacks, options.allowed_stacks)
        ):
            return
        everything, instead, other = _WHOLE[whole[0]]
        report(
            f"Guard '{guard.name}' has {whole[0]}=True: when it is deleted, it stops {everything}, whoever started it, "
            f"and so the jobs of other stacks too. Select the jobs of this stack instead:\n"
            f"    {instead},\n"
            f"or {other}. If everything there belongs to the stack, waive this finding in the configuration of the "
            "pack:\n"
            f'    {{"{_BOUNDED}": {{"waivers": [{{"stack": "…", "reason": "…"}}]}}}}',
            guard.urn,
        )

    judge_each(_BOUNDED, report, stack.guards, judge)


def _has_own_account(stack: Stack, guard: Guard) -> bool:
    """Check whether the account at the guard's endpoint is this stack's, or may turn out to be.

    A stack that has both has an account per environment. A pack cannot see whether an account came from ``get``.
    """
    if any(is_at_account(stack, guard, account) for account in stack.of(Kind.ACCOUNT)):
        return True
    # The endpoint is not known yet, and the guard may protect the account.
    return guard.place is UNKNOWN and any_unknown(guard.properties.get("protects"))


def _matches(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


GUARD_CANCELS_ON_DELETE = GuardRule(
    name="guard-cancels-on-delete",
    description="Checks whether a guard stops its jobs when it is deleted.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=CancelsOptions,
    fix='Write on_delete="cancel", or leave it out.',
    judge=_judge_mode,
    changes=_allowed_mode,
)

GUARD_SCOPE_BOUNDED = StackRule(
    name=_BOUNDED,
    description="Checks whether a guard covers the jobs of its own stack only.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=BoundedOptions,
    fix="Select the stack's roles, buckets or containers in the guard's scope instead of everything.",
    check=_check_scope,
)
