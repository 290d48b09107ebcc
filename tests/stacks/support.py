"""The example stacks in a workspace, and the order in which the engine deletes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from stacks.workspace import Result, Workspace
from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import before
from translation_job_guard.emulator import Emulator

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "stacks"
PROGRAMS = Path(__file__).parent / "programs"
PROJECT = "translation-job-guard"


def example(
    workspace: MakeWorkspace,
    config: Mapping[str, str],
    env: Mapping[str, str],
    program: Path = STACKS,
    stack: str = "dev",
) -> Workspace:
    """Make one of the example stacks, the one that `config` names; keys without a namespace are the project's."""
    made: Workspace = workspace(program, project=PROJECT, stack=stack, env=dict(env))
    configure(made, config)
    return made


def configure(workspace: Workspace, config: Mapping[str, str]) -> None:
    workspace.config |= {key if ":" in key else f"{PROJECT}:{key}": value for key, value in config.items()}


def deleted_in_order(result: Result, *names: str, operation: str = "delete") -> bool:
    """Check whether each deletion had ended before the next began."""
    return all(before(result, (operation, first), (operation, then)) for first, then in pairwise(names))


def deleted_first(result: Result, guard: str, others: Iterable[str], operation: str = "delete") -> bool:
    """Check whether the guard's deletion had ended before any of the others began."""
    return all(deleted_in_order(result, guard, other, operation=operation) for other in others)


def ended_before(emulator: Emulator, jobs: Sequence[str], state: str, operation: str, **match: str) -> bool:
    """Check whether all jobs had ended, in this state, when the last such request came in."""
    request = emulator.control.requests(operation=operation, match=match)[-1]
    found = [emulator.control.job(job) for job in jobs]
    return all(job["state"] == state and job["ended"] <= request["started"] for job in found)


def dependencies(workspace: Workspace, name: str) -> set[str]:
    """Return what a resource depends on in the state: an order that came out right may have been luck."""
    return {urn.rpartition("::")[2] for urn in workspace.resources()[name]["dependencies"]}
