"""Find the resources that must exist until a guard is deleted: jobs need them, or the guard does to stop jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from translation_job_guard.policies.access import JOBS, STOPPING, needed_permissions
from translation_job_guard.policies.nodes import Kind, Node
from translation_job_guard.policies.stack import Stack

__all__ = ["Assignments", "nearest", "needed_with"]

_READS_BLOBS: Final = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "storage blob data contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "storage blob data owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "storage blob data reader",
}
"""The roles on a storage account or container that batches need: IDs and names of Azure's built-in roles."""
_USES_KEYS: Final = {
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": "key vault crypto service encryption user",
    "12338af0-0e69-4776-bea7-57ae8d297424": "key vault crypto user",
}
"""The roles on a key vault that an account with a customer-managed key needs."""
_CANCELS: Final = {
    "a97b65f3-24c7-4388-baec-2e87135dc908": "cognitive services user",
    "25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68": "cognitive services contributor",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "owner",
}
"""The roles on a Translator account that permit cancelling batches, or reading the key that does."""
_GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def needed_with(
    stack: Stack, roots: Iterable[Node], assignments: Assignments, assumed: Node | None = None
) -> list[Node]:
    """Return these resources, and those that must exist as long as they are used.

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
            waiting += _companions(stack, node)
    if assumed is not None:
        needed |= {node.urn: node for node in (assumed, *needed_permissions(stack, assumed, STOPPING))}
    needed |= {node.urn: node for node in list(assignments.needed(needed))}
    return [needed[urn] for urn in sorted(needed)]


def nearest(stack: Stack, missing: Sequence[Node]) -> list[Node]:
    """Return the resources that none of the others depends on: whoever depends on these depends on all."""
    of_others: set[str] = set().union(*(stack.before(node) for node in missing))
    return [node for node in missing if node.urn not in of_others]


class Assignments:
    """The Azure role assignments of a stack, by the resource that they are on and by whom they are for."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_end: dict[str, list[Node]] = {}
        for node in stack.of(Kind.ASSIGNMENT):
            for urn in set(stack.flows_into(node, "scope", "principalId")):
                self._by_end.setdefault(urn, []).append(node)

    def needed(self, used: Mapping[str, Node]) -> Iterable[Node]:
        """Yield the assignments that jobs need which use these resources, or that stopping those jobs needs.

        These are roles on the account for somebody outside of the stack, who may be the one who destroys it, and roles
        on containers and keys for the account or for somebody outside. Jobs do not need the roles of other resources of
        the stack.
        """
        accounts = {urn for urn, node in used.items() if node.kind is Kind.ACCOUNT}
        stores = {urn for urn, node in used.items() if node.kind in (Kind.STORAGE, Kind.CONTAINER)}
        identities = accounts.union(*(self._stack.before(used[urn]) for urn in accounts))
        for node in {one.urn: one for urn in used for one in self._by_end.get(urn, ())}.values():
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
            return any(found in roles for found in _GUID.findall(id_.lower())[-1:])
        # A role that the stack defines itself is made for what the stack does.
        return bool(self._stack.flows_into(node, "roleDefinitionId", "roleDefinitionName"))


def _companions(stack: Stack, node: Node) -> list[Node]:
    """Return what must exist as long as ``node`` is used, although ``node`` does not depend on it."""
    if node.kind is Kind.ROLE:
        return needed_permissions(stack, node, JOBS)
    if node.kind is Kind.BUCKET:
        settings = stack.encryptions.get(node.urn, ())
        return [key for one in settings for key in stack.picked(stack.before(one), Kind.KEY)]
    # The storage account of a container, for the role assignments on it.
    return stack.picked(stack.before(node), Kind.STORAGE) if node.kind is Kind.CONTAINER else []
