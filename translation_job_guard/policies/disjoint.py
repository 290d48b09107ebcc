"""The rule over guards side by side: what happens to a job must not depend on which guard comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    SCOPES,
    AzureScope,
    Coverage,
    DocumentRow,
    Job,
    JobState,
    Scope,
    coverage,
)
from translation_job_guard.policies.rule import Report, StackRule, judge_each
from translation_job_guard.policies.stack import Guard, Kind, Stack
from translation_job_guard.policies.values import URL_SELECTORS, any_unknown, texts
from translation_job_guard.services.registry import place_key
from translation_job_guard.teardown import Mode

__all__ = ["GUARD_SCOPES_DISJOINT"]

_NAME = "guard-scopes-disjoint"
_KINDS: Mapping[str, tuple[str, ...]] = {
    AMAZON_TRANSLATE: ("data_access_role_arns", "s3_uri_prefixes", "job_name_prefixes", "job_ids"),
    AZURE_DOCUMENT_TRANSLATION: ("translation_ids", *URL_SELECTORS),
}
_MODES = frozenset(mode.value for mode in Mode)
_PATHS = ("s3_uri_prefixes", *URL_SELECTORS)


@dataclass(frozen=True)
class DisjointOptions:
    """guard-scopes-disjoint has no options."""


@dataclass(frozen=True)
class _Part:
    """One scope of a guard. ``roles`` are the URNs of the roles that it is made from."""

    guard: Guard
    stored: Mapping[str, Any]
    roles: frozenset[str]


def _check(stack: Stack, _options: DisjointOptions, report: Report) -> None:
    seen: dict[Any, list[_Part]] = {}

    def judge(guard: Guard) -> None:
        if guard.mode not in _MODES or not isinstance(guard.place, str):
            return
        place = place_key(guard.service, guard.place)
        other: Guard | None = None
        for part in _parts(stack, guard):
            other = other or next(
                (
                    before.guard
                    for key in _looked_up(part)
                    for before in seen.get((place, *key), ())
                    if before.guard is not guard and before.guard.mode != guard.mode and _meet(before, part)
                ),
                None,
            )
            for key in _found_by(part):
                seen.setdefault((place, *key), []).append(part)
        if other is not None:
            report(
                f"Guards '{other.name}' (on_delete=\"{other.mode}\") and '{guard.name}' (on_delete=\"{guard.mode}\") "
                "cover the same jobs: which of the two is deleted first decides what becomes of them. Give both the "
                "same mode,\n"
                f'    on_delete="{guard.mode}",\n'
                "or make their scopes disjoint, for instance by different roles or job_name_prefixes.",
                guard.urn,
            )

    judge_each(_NAME, report, stack.guards, judge)


def _parts(stack: Stack, guard: Guard) -> Iterable[_Part]:
    flows = frozenset(
        urn for urn in stack.flows_into(guard, "scope") if urn in stack.nodes and stack.nodes[urn].kind is Kind.ROLE
    )
    for stored, _ in guard.readable_scopes:
        arns = stored.get("data_access_role_arns")
        # Which of the roles flow into which scope is only told by the whole property.
        yield _Part(guard, stored, flows if any_unknown(arns) else frozenset())


def _whole(part: _Part) -> bool:
    return part.stored.get("whole_region") is True or part.stored.get("whole_resource") is True


def _looked_up(part: _Part) -> Iterable[tuple[str, ...]]:
    """Under what the scopes before this one are found that may meet it."""
    yield ("whole",)
    if _whole(part):
        yield ("any",)
    yield from (("role", urn) for urn in part.roles)
    for kind, value in _selectors(part):
        yield "below", kind, value
        yield from (("exactly", kind, above) for above in _above(kind, value))


def _found_by(part: _Part) -> Iterable[tuple[str, ...]]:
    """Under what a later scope finds this one."""
    yield ("any",)
    if _whole(part):
        yield ("whole",)
    yield from (("role", urn) for urn in part.roles)
    for kind, value in _selectors(part):
        yield "exactly", kind, value
        yield from (("below", kind, above) for above in _above(kind, value))


def _selectors(part: _Part) -> Iterable[tuple[str, str]]:
    for kind in _KINDS[part.guard.service]:
        for value in _values(part, kind):
            # One key for all URLs: a container that one scope reads from, another reads from or writes to.
            yield ("url" if kind in URL_SELECTORS else kind), _path(value) if kind in _PATHS else value


def _path(uri: str) -> str:
    # As coarse as it may be: it only finds what `_meet` then decides.
    parts = urlsplit(uri)
    return f"{parts.hostname or ''}/{unquote(parts.path).strip('/')}".rstrip("/").lower()


def _above(kind: str, value: str) -> Iterable[str]:
    """The value itself and every shorter one that it begins with."""
    if kind in (*_PATHS, "url"):
        segments = value.split("/")
        return ["/".join(segments[:count]) for count in range(1, len(segments) + 1)]
    if kind == "job_name_prefixes":
        return [value[:count] for count in range(1, len(value) + 1)]
    return [value]


def _meet(one: _Part, other: _Part) -> bool:
    """Whether there is a job that both scopes cover, for certain."""
    if _whole(one) or _whole(other):
        return True
    kinds = [kind for kind in _KINDS[one.guard.service] if kind not in URL_SELECTORS]
    shared = [_share(one, other, kind) for kind in kinds if one.stored.get(kind) and other.stored.get(kind)]
    if (documents := _share_documents(one, other)) is not None:
        shared.append(documents)
    return bool(shared) and all(shared)


def _share_documents(one: _Part, other: _Part) -> bool | None:
    """Whether there is a document that meets the URL selectors of both; None if no side of it is in both scopes.

    A document has a source and a target, so each selector of URLs is a condition on one of them: ``container_urls`` on
    either, and here both ways are tried.
    """
    met = [
        all(_common([*first[side], *second[side]]) for side in ("source", "target"))
        for first in _conditions(one)
        for second in _conditions(other)
        if any(first[side] and second[side] for side in ("source", "target"))
    ]
    return any(met) if met else None


def _conditions(part: _Part) -> Iterable[Mapping[str, list[list[str]]]]:
    """The ways to put a scope's URL selectors on the two sides of a document: the lists that each side has to meet."""
    own = {
        side: [_values(part, kind)] if part.stored.get(kind) else []
        for side, kind in (("source", "source_container_urls"), ("target", "target_container_urls"))
    }
    if not part.stored.get("container_urls"):
        return [own]
    either = _values(part, "container_urls")
    return [{**own, side: [*own[side], either]} for side in own]


def _common(choices: list[list[str]]) -> bool:
    """Whether one URL is below one of each list."""
    scopes = [AzureScope(source_container_urls=tuple(urls)) for urls in choices if urls]
    if len(scopes) < len(choices):
        return False  # one list is not known yet
    urls = [_job_reading(url) for known in choices for url in known]
    return not urls or any(all(coverage((scope,), job) is Coverage.COVERED for scope in scopes) for job in urls)


def _job_reading(url: str) -> Job:
    return Job(AZURE_DOCUMENT_TRANSLATION, "", JobState.RUNNING, "", rows=(DocumentRow(url),))


def _share(one: _Part, other: _Part, kind: str) -> bool:
    values = [_values(one, kind), _values(other, kind)]
    if kind == "data_access_role_arns" and one.roles & other.roles:
        return True
    if not all(values):
        return False
    scopes = [_only(one.guard.service, kind, known) for known in values]
    return any(
        all(coverage((scope,), _job_with(one.guard.service, kind, value)) is Coverage.COVERED for scope in scopes)
        for value in {*values[0], *values[1]}
    )


def _values(part: _Part, kind: str) -> list[str]:
    value = part.stored.get(kind)
    return texts(value) if isinstance(value, list) else []


def _only(service: str, kind: str, values: list[str]) -> Scope:
    selector: dict[str, Any] = {kind: tuple(values)}
    return SCOPES[service](**selector)


def _job_with(service: str, kind: str, value: str) -> Job:
    return Job(
        service=service,
        id=value if kind in ("job_ids", "translation_ids") else "",
        state=JobState.RUNNING,
        service_state="",
        name=value if kind == "job_name_prefixes" else None,
        role_arn=value if kind == "data_access_role_arns" else None,
        locations=(value,) if kind in _PATHS else (),
    )


GUARD_SCOPES_DISJOINT = StackRule(
    name=_NAME,
    description="Checks whether two guards of a stack cover the same jobs with different modes.",
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    options=DisjointOptions,
    remedy="Give both guards the same on_delete, or make their scopes disjoint.",
    check=_check,
)
