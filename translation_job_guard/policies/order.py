"""The rule over deletion order: a guard goes before everything that its jobs and its own stopping need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.policies.remedy import block, listed, protects
from translation_job_guard.policies.rule import Report, StackRule, each
from translation_job_guard.policies.stack import Guard, Kind, Node, Stack
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import URL_SELECTORS, texts

__all__ = ["GUARD_DELETED_FIRST"]

_NAME = "guard-deleted-first"
_TIED = (Kind.ROLE, Kind.PERMISSION, Kind.BUCKET, Kind.KEY, Kind.ACCOUNT, Kind.STORAGE, Kind.CONTAINER, Kind.ASSIGNMENT)


@dataclass(frozen=True)
class OrderOptions:
    """guard-deleted-first has no options."""


def _check(stack: Stack, _options: OrderOptions, report: Report) -> None:
    assignments = _Assignments(stack)

    def judge(guard: Guard) -> None:
        needed = _needed(stack, guard, assignments)
        missing = _nearest(stack, [node for node in needed if node.urn not in stack.before(guard)])
        turned = [node for node in missing if guard.urn in stack.before(node)]
        if turned:
            report(
                f"Guard '{guard.name}' is deleted after the {listed(turned)}: that depends on the guard, and the "
                "guard's jobs or its stopping need it. Turn the dependency round: take the guard out of what it "
                f"depends on, and give the guard\n{block([protects(turned, '…, ')])}",
                guard.urn,
            )
        rest = [node for node in missing if node not in turned]
        if rest:
            them = "it" if len(rest) == 1 else "them"
            report(
                f"Guard '{guard.name}' does not depend on the {listed(rest)}: `pulumi destroy` may take {them} away "
                "before the guard has stopped its jobs, which then fail half-way or cannot be stopped any more. Add "
                f"{them} to what the guard protects:\n{block([protects(rest, '…, ')])}",
                guard.urn,
            )

    each(_NAME, report, stack.guards, judge)


class _Assignments:
    """Azure role assignments by what they are on and by whom they are for."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_end: dict[str, list[Node]] = {}
        for node in stack.of(Kind.ASSIGNMENT):
            for urn in {*stack.flows_into(node, "scope"), *stack.flows_into(node, "principalId")}:
                self._by_end.setdefault(urn, []).append(node)

    def needed(self, tied: Mapping[str, Node]) -> Iterable[Node]:
        """Those that jobs tied to these resources, or stopping them, need.

        That is the rights on the account, and the rights of the account or of somebody outside of the stack on the
        containers. What another resource of the stack may do with the containers is not the jobs' business.
        """
        accounts = {urn for urn, node in tied.items() if node.kind is Kind.ACCOUNT}
        stores = {urn for urn, node in tied.items() if node.kind in (Kind.STORAGE, Kind.CONTAINER)}
        identities = accounts.union(*(self._stack.before(tied[urn]) for urn in accounts))
        for node in {one.urn: one for urn in tied for one in self._by_end.get(urn, ())}.values():
            scope = set(self._stack.flows_into(node, "scope"))
            principal = set(self._stack.flows_into(node, "principalId"))
            if accounts & (scope | principal) or (stores & scope and (not principal or identities & principal)):
                yield node


def _needed(stack: Stack, guard: Guard, assignments: _Assignments) -> list[Node]:
    """What the guard's jobs and its own stopping need, as far as the stack has it and tells."""
    needed: dict[str, Node] = {}
    waiting = list(_roots(stack, guard))
    while waiting:
        node = waiting.pop()
        if node.urn not in needed:
            needed[node.urn] = node
            waiting += _with(stack, node)
    needed.update({node.urn: node for node in list(assignments.needed(needed))})
    return [needed[urn] for urn in sorted(needed)]


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
        if (own := guard.text("assume_role_arn")) in stack.roles:
            yield stack.roles[str(own)]
    else:
        if account := stack.account_of(guard.place):
            yield account
        for stored, _ in guard.readable_scopes:
            for url in (url for kind in URL_SELECTORS for url in _values(stored, kind)):
                if container := stack.container_of(url):
                    yield container
    named = {*stack.flows_into(guard, "scope"), *stack.flows_into(guard, "assume_role_arn")}
    for urn in stack.direct(guard):
        node = stack.nodes.get(urn)
        if node is None or node.kind not in _TIED:
            continue
        # A role that Translate cannot assume is a producer's, say: its policies are not what the jobs need.
        if node.kind is not Kind.ROLE or urn in named or node.trust is not Trust.NO:
            yield node


def _with(stack: Stack, node: Node) -> Iterable[Node]:
    """What has to be there as long as ``node`` is used, though ``node`` does not depend on it."""
    if node.kind is Kind.ROLE:
        yield from stack.permissions.get(node.urn, ())
    if node.kind is Kind.BUCKET:
        for encryption in stack.encryptions.get(node.urn, ()):
            yield from (stack.nodes[urn] for urn in _of(stack, stack.before(encryption), Kind.KEY))
    if node.kind is Kind.CONTAINER:
        # For the role assignments on it.
        yield from (stack.nodes[urn] for urn in _of(stack, stack.before(node), Kind.STORAGE))


def _nearest(stack: Stack, missing: Sequence[Node]) -> list[Node]:
    """Without those that come by themselves with another one that is missing."""
    with_others: set[str] = set().union(*(stack.before(node) for node in missing))
    return [node for node in missing if node.urn not in with_others]


def _of(stack: Stack, urns: Iterable[str], *kinds: Kind) -> list[str]:
    return sorted(urn for urn in urns if urn in stack.nodes and stack.nodes[urn].kind in kinds)


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
