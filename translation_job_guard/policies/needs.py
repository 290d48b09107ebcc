"""Find everything that has to outlive a guard: what its jobs use, and what its own stopping uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from translation_job_guard.policies.access import JOBS, STOPPING, needed_permissions
from translation_job_guard.policies.stack import Kind, Node, Stack

__all__ = ["Assignments", "nearest", "needed_with"]

_READS_BLOBS: Final = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "storage blob data contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "storage blob data owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "storage blob data reader",
}
"""The roles on a storage account or container that batches need: Azure's ids and names of built-in roles."""
_USES_KEYS: Final = {
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": "key vault crypto service encryption user",
    "12338af0-0e69-4776-bea7-57ae8d297424": "key vault crypto user",
}
"""The roles that an account with a key of the customer's needs on the vault."""
_CANCELS: Final = {
    "a97b65f3-24c7-4388-baec-2e87135dc908": "cognitive services user",
    "25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68": "cognitive services contributor",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "owner",
}
"""The roles on a Translator account with which one can cancel batches, or read the key that can."""
_GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def needed_with(
    stack: Stack, roots: Iterable[Node], assignments: Assignments, assumed: Node | None = None
) -> list[Node]:
    """Return these resources, and what has to be there as long as they are used.

    Args:
        stack: the stack that has them.
        roots: what jobs use.
        assignments: the role assignments of the stack.
        assumed: the role that the guard assumes.
    """
    needed: dict[str, Node] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node.urn not in needed:
            needed[node.urn] = node
            waiting += _with(stack, node)
    if assumed is not None:
        needed |= {node.urn: node for node in (assumed, *needed_permissions(stack, assumed, STOPPING))}
    needed |= {node.urn: node for node in list(assignments.needed(needed))}
    return [needed[urn] for urn in sorted(needed)]


def nearest(stack: Stack, missing: Sequence[Node]) -> list[Node]:
    """Return those of the resources that do not come by themselves with another one of them."""
    with_others: set[str] = set().union(*(stack.before(node) for node in missing))
    return [node for node in missing if node.urn not in with_others]


class Assignments:
    """Azure role assignments by what they are on and by whom they are for."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_end: dict[str, list[Node]] = {}
        for node in stack.of(Kind.ASSIGNMENT):
            for urn in {*stack.flows_into(node, "scope"), *stack.flows_into(node, "principalId")}:
                self._by_end.setdefault(urn, []).append(node)

    def needed(self, tied: Mapping[str, Node]) -> Iterable[Node]:
        """Yield those that jobs tied to these resources, or stopping them, need.

        That is rights to cancel on the account of somebody outside of the stack, who may be the one who destroys it,
        and rights on the containers, and on keys, of the account or of somebody outside. What another resource of the
        stack may do is not the jobs' business, and neither are rights that no job uses.
        """
        accounts = {urn for urn, node in tied.items() if node.kind is Kind.ACCOUNT}
        stores = {urn for urn, node in tied.items() if node.kind in (Kind.STORAGE, Kind.CONTAINER)}
        identities = accounts.union(*(self._stack.before(tied[urn]) for urn in accounts))
        for node in {one.urn: one for urn in tied for one in self._by_end.get(urn, ())}.values():
            scope = set(self._stack.flows_into(node, "scope"))
            principal = set(self._stack.flows_into(node, "principalId"))
            if accounts & scope:
                useful = not principal and self._gives(node, _CANCELS)
            elif stores & scope:
                useful = (not principal or bool(identities & principal)) and self._gives(node, _READS_BLOBS)
            else:
                useful = bool(accounts & principal) and self._gives(node, {**_READS_BLOBS, **_USES_KEYS})
            if useful:
                yield node

    def _gives(self, node: Node, roles: Mapping[str, str]) -> bool:
        name, id_ = node.text("roleDefinitionName"), node.text("roleDefinitionId")
        if name is not None:
            return name.lower() in roles.values()
        if id_ is not None:
            found = _GUID.findall(id_.lower())
            return bool(found) and found[-1] in roles
        # A role that the stack defines itself is made for something that it does.
        return bool(self._stack.flows_into(node, "roleDefinitionId", "roleDefinitionName"))


def _with(stack: Stack, node: Node) -> Iterable[Node]:
    """Yield what has to be there as long as ``node`` is used, though ``node`` does not depend on it."""
    if node.kind is Kind.ROLE:
        yield from needed_permissions(stack, node, JOBS)
    if node.kind is Kind.BUCKET:
        for encryption in stack.encryptions.get(node.urn, ()):
            yield from stack.picked(stack.before(encryption), Kind.KEY)
    if node.kind is Kind.CONTAINER:
        # For the role assignments on it.
        yield from stack.picked(stack.before(node), Kind.STORAGE)
