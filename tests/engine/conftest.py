"""Engine tests run the real Pulumi engine, each in a workspace of its own, against the emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stacks.workspace import Workspace
from tests.support.emulator import emulator, real_server

__all__ = ["MakeWorkspace", "emulator", "real_server", "workspace"]

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[MakeWorkspace]:
    """Make a Workspace from the arguments of Workspace, and end its processes after the test."""
    with ExitStack() as stack:

        def make(program: str | Path, **arguments: Any) -> Workspace:
            number = len(list(tmp_path.glob("workspace-*")))
            return stack.enter_context(Workspace(tmp_path / f"workspace-{number}", program, **arguments))

        yield make
