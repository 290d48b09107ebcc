"""The rule about deletion order: a guard is deleted before everything that its jobs need or that it needs itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.policies.needs import Assignments, nearest, needed_with
from translation_job_guard.policies.nodes import Guard, Kind, Node
from translation_job_guard.policies.rule import NoOptions, Report, StackRule, judge_each
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.suggested_code import SuggestedCode
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import URL_SELECTORS, texts

__all__ = ["GUARD_DELETED_FIRST"]

_NAME = "guard-deleted-first"
_USED = frozenset(Kind) - {Kind.GUARD, Kind.POLICY, Kind.ENCRYPTION}
_NAMED_AT_MOST = 5


def _check(stack: Stack, _options: NoOptions, report: Report) -> None:
    assignments, code = Assignments(stack), SuggestedCode(stack)

    def judge(guard: Guard) -> None:
        needed = _needed(stack, guard, assignments)
        missing = nearest(stack, [node for node in needed if node.urn not in stack.before(guard)])
        dependent = [node for node in missing if guard.urn in stack.before(node)]
        if dependent:
            they, them = ("it depends", "it") if len(dependent) == 1 else ("they depend", "them")
            report(
                f"Guard '{guard.name}' is deleted after the {_listed(dependent)}: {they} on the guard, although the "
                f"guard or its jobs need {them}. Reverse the dependency: remove the guard from what {they} on, and "
                f"give the guard\n{code.protects(dependent)}",
                guard.urn,
            )
        others = [node for node in missing if node not in dependent]
        if others:
            them = "it" if len(others) == 1 else "them"
            report(
                f"Guard '{guard.name}' does not depend on the {_listed(others)}: `pulumi destroy` may delete {them} "
                "before the guard has stopped its jobs, which then fail half-way or cannot be stopped any more. "
                f"Add {them} to what the guard protects:\n{code.protects(others)}",
                guard.urn,
            )

    judge_each(_NAME, report, stack.guards, judge)


def _needed(stack: Stack, guard: Guard, assignments: Assignments) -> list[Node]:
    """Return what the guard and its jobs need, as far as the stack has it and tells."""
    assumed = stack.roles.get(guard.text("assume_role_arn") or "")
    if assumed is None:
        assumed = next(iter(stack.sources(guard, Kind.ROLE, "assume_role_arn")), None)
    return needed_with(stack, _used(stack, guard), assignments, assumed)


def _used(stack: Stack, guard: Guard) -> Iterable[Node]:
    """Yield what the guard's jobs use: what its scope or endpoint names, and what it depends on itself."""
    account = stack.account_of(guard.place)
    named: list[Node | None] = [account] if account else []
    for stored in guard.stored_scopes:
        if stored.get("whole_region") is True:
            yield from stack.translate_roles
        named += map(stack.roles.get, texts(stored.get("data_access_role_arns")))
        named += map(stack.bucket_of, texts(stored.get("s3_uri_prefixes")))
        named += (stack.container_of(url) for kind in URL_SELECTORS for url in texts(stored.get(kind)))
    yield from (node for node in named if node is not None)
    in_scope = set(stack.flows_into(guard, "scope"))
    for node in (stack.nodes[urn] for urn in stack.direct(guard) if urn in stack.nodes):
        # A role that Amazon Translate cannot assume belongs to another resource, so jobs do not need its policies.
        if node.kind in _USED and (node.kind is not Kind.ROLE or node.urn in in_scope or node.trust is not Trust.NO):
            yield node


def _listed(nodes: Sequence[Node]) -> str:
    """Return resources for a sentence, the first few by name and the rest counted."""
    named = [node.label for node in nodes[:_NAMED_AT_MOST]]
    if len(nodes) > _NAMED_AT_MOST:
        named.append(f"{len(nodes) - _NAMED_AT_MOST} more")
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


GUARD_DELETED_FIRST = StackRule(
    name=_NAME,
    description="Checks whether a guard is deleted before everything that its jobs need.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=NoOptions,
    fix="Let the guard protect everything that its jobs need: the role and its policies, buckets, keys, the account, "
    "containers and role assignments.",
    check=_check,
)
