"""The rule over deletion order: a guard goes before everything that its jobs and its own stopping need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.policies.needs import Assignments, nearest, needed_with
from translation_job_guard.policies.rule import Report, StackRule, judge_each
from translation_job_guard.policies.stack import Guard, Kind, Node, Stack
from translation_job_guard.policies.suggested_code import block, listed, protects
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import URL_SELECTORS, texts

__all__ = ["GUARD_DELETED_FIRST"]

_NAME = "guard-deleted-first"
_TIED = (Kind.ROLE, Kind.PERMISSION, Kind.BUCKET, Kind.KEY, Kind.ACCOUNT, Kind.STORAGE, Kind.CONTAINER, Kind.ASSIGNMENT)


@dataclass(frozen=True)
class OrderOptions:
    """guard-deleted-first has no options."""


def _check(stack: Stack, _options: OrderOptions, report: Report) -> None:
    assignments = Assignments(stack)

    def judge(guard: Guard) -> None:
        needed = _needed(stack, guard, assignments)
        missing = nearest(stack, [node for node in needed if node.urn not in stack.before(guard)])
        turned = [node for node in missing if guard.urn in stack.before(node)]
        if turned:
            report(
                f"Guard '{guard.name}' is deleted after the {listed(turned)}: that depends on the guard, and the "
                "guard's jobs or its stopping need it. Turn the dependency round: take the guard out of what it "
                f"depends on, and give the guard\n{block([protects(stack, turned, '…, ')])}",
                guard.urn,
            )
        rest = [node for node in missing if node not in turned]
        if rest:
            them = "it" if len(rest) == 1 else "them"
            report(
                f"Guard '{guard.name}' does not depend on the {listed(rest)}: `pulumi destroy` may take {them} away "
                "before the guard has stopped its jobs, which then fail half-way or cannot be stopped any more. Add "
                f"{them} to what the guard protects:\n{block([protects(stack, rest, '…, ')])}",
                guard.urn,
            )

    judge_each(_NAME, report, stack.guards, judge)


def _needed(stack: Stack, guard: Guard, assignments: Assignments) -> list[Node]:
    """Return what the guard's jobs and its own stopping need, as far as the stack has it and tells."""
    own = guard.text("assume_role_arn")
    flows = [stack.nodes[urn] for urn in stack.flows_into(guard, "assume_role_arn") if urn in stack.nodes]
    assumed = stack.roles.get(own or "") or next((node for node in flows if node.kind is Kind.ROLE), None)
    return needed_with(stack, _roots(stack, guard), assignments, assumed)


def _roots(stack: Stack, guard: Guard) -> Iterable[Node]:
    if guard.service == AMAZON_TRANSLATE:
        for stored, _ in guard.readable_scopes:
            if stored.get("whole_region") is True:
                yield from (role for role in stack.of(Kind.ROLE) if role.trust is Trust.YES)
            for arn in _values(stored, "data_access_role_arns"):
                if arn in stack.roles:
                    yield stack.roles[arn]
            for uri in _values(stored, "s3_uri_prefixes"):
                if bucket := stack.bucket_of(uri):
                    yield bucket
    else:
        if account := stack.account_of(guard.place):
            yield account
        for stored, _ in guard.readable_scopes:
            for url in (url for kind in URL_SELECTORS for url in _values(stored, kind)):
                if container := stack.container_of(url):
                    yield container
    named = set(stack.flows_into(guard, "scope"))
    for urn in stack.direct(guard):
        node = stack.nodes.get(urn)
        if node is None or node.kind not in _TIED:
            continue
        # A role that Translate cannot assume is a producer's, say: its policies are not what the jobs need.
        if node.kind is not Kind.ROLE or urn in named or node.trust is not Trust.NO:
            yield node


def _values(stored: object, name: str) -> list[str]:
    value = stored.get(name) if isinstance(stored, dict) else None
    return texts(value) if isinstance(value, list) else []


GUARD_DELETED_FIRST = StackRule(
    name=_NAME,
    description="Checks whether a guard is deleted before everything that its jobs need.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=OrderOptions,
    remedy="Give the guard everything that its jobs need in protects: role, role's policies, buckets, keys, account, "
    "containers and role assignments.",
    check=_check,
)
