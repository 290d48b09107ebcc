"""A golden stack: what it has, and what the pack says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.policy.support import Resource


@dataclass(frozen=True)
class Case:
    """`expected` are "rule name" texts. `says` and `silent` are what messages must and must not contain."""

    name: str
    build: Callable[[], list[Resource]]
    expected: tuple[str, ...]
    says: tuple[str, ...]
    config: Mapping[str, Mapping[str, Any]]


class Cases(list[Case]):
    """The stacks of one family, each a function whose docstring says what it shows."""

    def case(
        self, *expected: str, says: tuple[str, ...] = (), config: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Callable[[Callable[[], list[Resource]]], Callable[[], list[Resource]]]:
        def add(build: Callable[[], list[Resource]]) -> Callable[[], list[Resource]]:
            assert build.__doc__, "a golden stack says what it shows"
            name = getattr(build, "__name__", "")
            self.append(Case(name, build, expected, says, config or {}))
            return build

        return add
