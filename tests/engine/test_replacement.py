"""What hides from a guard, and what does not: the table of `docs/lifecycle.md`, row by row, on the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from stacks.workspace import Result, Workspace
from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import CREDENTIALS, before, jobs, states
from translation_job_guard.emulator import Emulator
from translation_job_guard.state import parse_state

ROOT = Path(__file__).parent.parent.parent
REPLACED = Path(__file__).parent / "programs" / "replaced.py"
STOPS_FIRST = "stops its jobs first"

Act = Callable[[Workspace], Result]


def _table() -> dict[str, tuple[str, str]]:
    """Return what the guard does and what to do instead, by what you do."""
    text = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    section = text.split("## What the guard cannot see\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip()[1:-1].split("|") for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return {what: (does, instead) for what, does, instead in cells[2:]}


def _urn(stack: Workspace, name: str) -> str:
    return str(stack.resources()[name]["urn"])


def _up(**config: str) -> Act:
    """Change the configuration, and run `up`."""

    def act(stack: Workspace) -> Result:
        stack.config |= {f"test:{key}": value for key, value in config.items()}
        return stack.up()

    return act


def _after_a_stack_rename(stack: Workspace) -> Result:
    stack.rename("other").check()
    return _up(role="translate-2")(stack)


def _targeted(*more: str) -> Act:
    def act(stack: Workspace) -> Result:
        stack.config["test:role"] = "translate-2"
        return stack.up("--target", _urn(stack, "role"), *more)

    return act


def _replaced(*names: str) -> Act:
    def act(stack: Workspace) -> Result:
        return stack.up(*(option for name in names for option in ("--replace", _urn(stack, name))))

    return act


def _without_its_state(stack: Workspace) -> Result:
    stack.run("state", "delete", _urn(stack, "guard"), "--stack", stack.stack, "--yes").check()
    return stack.destroy()


@dataclass(frozen=True)
class Scenario:
    """What a row does in a stack of some shape, and what it does so that the guard acts."""

    act: Act
    shape: str = "plain"
    instead: Act | None = None
    says: str | None = None
    obstacle: str | None = None


SCENARIOS = {
    "rename a protected resource with an alias, and replace it in the same `up`": Scenario(
        _up(shape="renamed", role="translate-2")
    ),
    "`pulumi stack rename`, then replace a protected resource": Scenario(_after_a_stack_rename),
    "give a protected resource another parent, and replace it in the same `up`": Scenario(
        _up(shape="another parent", role="translate-2")
    ),
    "replace a resource inside a protected component": Scenario(_up(role="translate-2"), shape="component"),
    "`pulumi up --target RESOURCE`, which replaces a protected resource": Scenario(
        _targeted(), instead=_targeted("--target-dependents")
    ),
    "`pulumi up --replace URN` of a protected resource that has the same id again": Scenario(
        _replaced("role"), instead=_replaced("role", "guard")
    ),
    "take a resource out of `protects`, and replace it in the same `up`": Scenario(
        _up(shape="unprotected", role="translate-2"),
        instead=_up(shape="unprotected", role="translate-2", release="2"),
        says="no longer protected: pulumi-python:dynamic/stand-in:StandIn role",
    ),
    "a stack transformation that sets `retain_on_delete=True` on the guard": Scenario(
        lambda stack: stack.destroy(), shape="retained", obstacle="retainOnDelete"
    ),
    "`deleted_with` that the guard inherits from its parent": Scenario(
        lambda stack: stack.destroy(), shape="deleted with", obstacle="deletedWith"
    ),
    "`pulumi state delete` of the guard": Scenario(_without_its_state),
    "`pulumi stack rm --force`": Scenario(lambda stack: stack.run("stack", "rm", stack.stack, "--force", "--yes")),
}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory, real_server: Emulator) -> Iterator[Callable[[str], Workspace]]:
    """Return the stack of a shape, brought up once: tests change copies of it."""
    with ExitStack() as entered:

        @cache
        def brought_up(shape: str) -> Workspace:
            config = {"test:emulator": real_server.url, "test:shape": shape}
            root = tmp_path_factory.mktemp("stack") / "workspace"
            stack = entered.enter_context(Workspace(root, REPLACED, env=dict(CREDENTIALS), config=config))
            stack.up().check()
            return stack

        yield brought_up


@pytest.fixture
def stack_of(workspace: MakeWorkspace, stacks: Callable[[str], Workspace]) -> Callable[[Scenario], Workspace]:
    """Make the stack that a scenario begins with."""

    def make(scenario: Scenario) -> Workspace:
        original = stacks(scenario.shape)
        return workspace(REPLACED, env=dict(original.env), config=dict(original.config), copy_of=original)

    return make


def test_every_row_has_its_scenario() -> None:
    """And each scenario its row."""
    assert list(_table()) == list(SCENARIOS)
    for what, (does, instead) in _table().items():
        assert (does == STOPS_FIRST) == (instead == ""), what


@pytest.mark.parametrize("what", SCENARIOS)
def test_the_guard_does_what_the_table_says(
    what: str, stack_of: Callable[[Scenario], Workspace], emulator: Emulator
) -> None:
    """It stops the jobs before what they need goes; or the engine does not call it, and they run on."""
    scenario, (does, _instead) = SCENARIOS[what], _table()[what]
    stack = stack_of(scenario)
    if scenario.obstacle:
        (guard,) = parse_state(json.dumps(stack.export_state()), "state").guards
        assert any(obstacle.startswith(scenario.obstacle) for obstacle in guard.obstacles), "plan and doctor say so"
    mine = jobs(emulator, "arn:aws:iam::123456789012:role/translate-dev", 2)
    done = scenario.act(stack).check()
    if does == STOPS_FIRST:
        assert states(emulator, mine) == {"STOPPED"}
        assert before(done, ("delete-replaced", "guard"), ("delete-replaced", "role"))
    else:
        assert states(emulator, mine) == {"IN_PROGRESS"}
    assert scenario.says is None or scenario.says in done.output


@pytest.mark.parametrize("what", [what for what, scenario in SCENARIOS.items() if scenario.instead])
def test_what_to_do_instead_stops_the_jobs(
    what: str, stack_of: Callable[[Scenario], Workspace], emulator: Emulator
) -> None:
    """Where the table says how, the guard acts before what its jobs need goes."""
    scenario = SCENARIOS[what]
    assert scenario.instead is not None
    stack = stack_of(scenario)
    mine = jobs(emulator, "arn:aws:iam::123456789012:role/translate-dev", 2)
    done = scenario.instead(stack).check()
    assert states(emulator, mine) == {"STOPPED"}
    assert before(done, ("delete-replaced", "guard"), ("delete-replaced", "role"))
