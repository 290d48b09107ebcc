"""Suggest code to paste: one guard for each role and region, or Azure account, the same in the messages of every rule.

A pack knows the names of resources, not the variables of a program. So variables are named after resources, and the
message says which names to replace. No property of a resource is repeated, except for the region of a guard.

What to suggest is decided here. How it is written in a language is the business of a module like ``suggested_python``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain, count

from translation_job_guard.policies import suggested_python as language
from translation_job_guard.policies.access import buckets_of
from translation_job_guard.policies.needs import Assignments, nearest, needed_with
from translation_job_guard.policies.nodes import Kind, Node
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.suggested_python import SuggestedGuard

__all__ = ["SuggestedCode"]


class SuggestedCode:
    """The code that messages about one stack suggest."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def guard(self, node: Node, place: str | None = None) -> str:
        """Return a guard for the jobs of a role or bucket, or for the batches of an account or container.

        A guard for an account of the stack covers all batches there, since the account is deleted with the stack. With
        a scope by containers it would have to wait for every batch whose documents are not known yet.

        Args:
            node: the resource.
            place: the region of the jobs, by default the stack's; an endpoint changes nothing.
        """
        stack, used = self._stack, [node]
        region = place if node.kind in (Kind.ROLE, Kind.BUCKET) else None
        if node.kind is Kind.ROLE:
            used += [one for one in buckets_of(stack, node) if region is None or one.text("region") in (None, region)]
        elif node.kind is Kind.ACCOUNT:
            used += stack.of(Kind.CONTAINER)
        before = {one.urn for one in used}.union(*(stack.before(one) for one in used))
        needed = [one for one in needed_with(stack, used, self._assignments) if one.urn not in before]
        protects = [*used, *nearest(stack, needed)]
        stores = stack.picked(stack.before(node), Kind.STORAGE) if node.kind is Kind.CONTAINER else []
        code, names = language.guard(
            SuggestedGuard(
                name=f"{self._guard_names[node.urn]}-guard{f'-{region}' if region else ''}",
                region=region,
                node=node,
                storage=self._variables[stores[0].urn] if stores else None,
                variable=self._variables[node.urn],
                protects=[self._variables[one.urn] for one in protects],
            )
        )
        return (
            f"{_indented(code)}\nReplace {', '.join(names)} with your program's variables: here they follow the names "
            "of the resources. In a component that is used more than once, derive the guard's name from the "
            "component's name."
        )

    def protects(self, nodes: Sequence[Node]) -> str:
        """Return the argument ``protects`` of a guard that has it already, with these resources added."""
        return _indented([language.protects(["…", *(self._variables[node.urn] for node in nodes)])])

    @cached_property
    def _assignments(self) -> Assignments:
        return Assignments(self._stack)

    @cached_property
    def _variables(self) -> Mapping[str, str]:
        """A variable for each resource by its URN, no two of them equal."""
        return _distinct(
            [(node.urn, language.identifier(node.name), language.identifier(node.kind.value)) for node in self._nodes],
            "_",
        )

    @cached_property
    def _guard_names(self) -> Mapping[str, str]:
        """The name of a guard for each resource by its URN, no two of them equal, and none that the stack has."""
        taken = {guard.name.partition("-guard")[0] for guard in self._stack.guards if "-guard" in guard.name}
        named = [(node.urn, re.sub(r"[^\w.-]+", "-", node.name), node.kind.value) for node in self._nodes]
        return _distinct([(urn, name, kind.replace(" ", "-")) for urn, name, kind in named], "-", taken)

    @property
    def _nodes(self) -> Iterable[Node]:
        return (node for node in self._stack.nodes.values() if node.kind is not Kind.GUARD)


def _indented(code: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in code)


def _distinct(named: Sequence[tuple[str, str, str]], separator: str, taken: Iterable[str] = ()) -> Mapping[str, str]:
    """Return a name for each URN: the one given, followed by the kind and a number where others have it too."""
    wanted = Counter(name for _, name, _ in named)
    used, found = set(taken), {}
    for urn, name, kind in named:
        longer = f"{name.rstrip(separator)}{separator}{kind}"
        choices = chain(
            [name] if wanted[name] == 1 else [], [longer], (f"{longer}{separator}{number}" for number in count(2))
        )
        found[urn] = next(choice for choice in choices if choice not in used)
        used.add(found[urn])
    return found
