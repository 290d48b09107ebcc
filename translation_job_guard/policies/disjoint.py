"""The rule about guards side by side: what happens to a job must not depend on which guard is deleted first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.jobs import SCOPES, Coverage, DocumentRow, Job, JobState, Scope, coverage
from translation_job_guard.policies.nodes import Guard, Kind
from translation_job_guard.policies.rule import NoOptions, Report, StackRule, judge_each
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.values import URL_SELECTORS, any_unknown, texts
from translation_job_guard.services.registry import place_key
from translation_job_guard.teardown import Mode

__all__ = ["GUARD_SCOPES_DISJOINT"]

_NAME = "guard-scopes-disjoint"
_MODES = frozenset(mode.value for mode in Mode)
_ROLES: Final = "data_access_role_arns"
_SOURCES: Final = "source_container_urls"
_MATCHING: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    _ROLES: lambda value: {"role_arn": value},
    "s3_uri_prefixes": lambda value: {"locations": (value,)},
    "job_name_prefixes": lambda value: {"name": value},
    "job_ids": lambda value: {"id": value},
    "translation_ids": lambda value: {"id": value},
    _SOURCES: lambda value: {"rows": (DocumentRow(value),)},
}
"""The facts of a job that a value of each kind of selector selects; ``coverage`` says what else selects it."""


@dataclass(frozen=True)
class _Part:
    """One scope of a guard. ``roles`` are the URNs of the roles that it is made from."""

    service: str
    stored: Mapping[str, Any]
    roles: frozenset[str]

    @cached_property
    def covers_everything(self) -> bool:
        return self.stored.get("whole_region") is True or self.stored.get("whole_resource") is True

    @cached_property
    def values(self) -> Mapping[str, list[str]]:
        """The known values of each kind of selector that the scope has."""
        return {kind: texts(self.stored[kind]) for kind in (*_MATCHING, *URL_SELECTORS) if self.stored.get(kind)}

    @cached_property
    def conditions(self) -> Sequence[tuple[list[list[str]], list[list[str]]]]:
        """The ways to apply the URL selectors to a document: the lists that its source and its target must meet."""
        source, target, either = (
            [self.values[kind]] if kind in self.values else []
            for kind in (_SOURCES, "target_container_urls", "container_urls")
        )
        return [(source + either, target), (source, target + either)] if either else [(source, target)]


def _check(stack: Stack, _options: NoOptions, report: Report) -> None:
    earlier: dict[Hashable, list[tuple[Guard, Sequence[_Part]]]] = {}

    def judge(guard: Guard) -> None:
        if guard.mode not in _MODES or not isinstance(guard.place, str):
            return
        parts, others = _parts(stack, guard), earlier.setdefault(place_key(guard.service, guard.place), [])
        conflicting = (
            other
            for other, theirs in others
            if other.mode != guard.mode and any(_overlap(part, one) for part in parts for one in theirs)
        )
        other = next(conflicting, None)
        others.append((guard, parts))
        if other is not None:
            report(
                f"Guards '{other.name}' (on_delete=\"{other.mode}\") and '{guard.name}' (on_delete=\"{guard.mode}\") "
                "cover the same jobs: what happens to these depends on which guard is deleted first. Give both the "
                "same mode,\n"
                f'    on_delete="{guard.mode}",\n'
                "or make their scopes disjoint, for instance by different roles or job_name_prefixes.",
                guard.urn,
            )

    judge_each(_NAME, report, stack.guards, judge)


def _parts(stack: Stack, guard: Guard) -> Sequence[_Part]:
    flows = frozenset(role.urn for role in stack.sources(guard, Kind.ROLE, "scope"))
    # The graph has the roles of the whole property. It does not tell which scope has which role.
    return [
        _Part(guard.service, stored, flows if any_unknown(stored.get(_ROLES)) else frozenset())
        for stored in guard.stored_scopes
    ]


def _overlap(one: _Part, other: _Part) -> bool:
    """Check whether there is a job that both scopes cover for certain: every kind that both have shares a value."""
    if one.covers_everything or other.covers_everything:
        return True
    shared = [
        (kind == _ROLES and bool(one.roles & other.roles)) or _one_job(one.service, kind, [values, other.values[kind]])
        for kind, values in one.values.items()
        if kind in other.values and kind not in URL_SELECTORS
    ]
    return all(shared) and _share_documents(one, other, default=bool(shared))


def _share_documents(one: _Part, other: _Part, *, default: bool) -> bool:
    """Check whether a document can meet the URL selectors of both scopes; ``default`` if no side of it is in both.

    A document has a source and a target, so each selector of URLs is a condition on one of them: ``container_urls`` on
    either, and here both ways are tried.
    """
    met = [
        all(_one_job(one.service, _SOURCES, mine + theirs) for mine, theirs in zip(first, second, strict=True))
        for first in one.conditions
        for second in other.conditions
        if any(mine and theirs for mine, theirs in zip(first, second, strict=True))
    ]
    return any(met) if met else default


def _one_job(service: str, kind: str, lists: Sequence[Sequence[str]]) -> bool:
    """Check whether one job meets a selector of this kind with each of the lists; none is met while it is unknown."""
    if not all(lists):
        return False
    scopes = [_scope(service, kind, tuple(values)) for values in lists]
    return not lists or any(
        all(coverage((scope,), _job(service, kind, value)) is Coverage.COVERED for scope in scopes)
        for value in {value for values in lists for value in values}
    )


# Kept, since each guard is compared with all others.
@lru_cache(maxsize=4096)
def _scope(service: str, kind: str, values: tuple[str, ...]) -> Scope:
    selector: dict[str, Any] = {kind: values}
    return SCOPES[service](**selector)


@lru_cache(maxsize=4096)
def _job(service: str, kind: str, value: str) -> Job:
    facts = {"id": "", **_MATCHING[kind](value)}
    return Job(service=service, state=JobState.RUNNING, service_state="", **facts)


GUARD_SCOPES_DISJOINT = StackRule(
    name=_NAME,
    description="Checks whether two guards of a stack cover the same jobs with different modes.",
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    options=NoOptions,
    fix="Give both guards the same on_delete, or make their scopes disjoint.",
    check=_check,
)
