"""The example stacks with a schedule that submits jobs all the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks import test_amazon as amazon
from tests.stacks import test_azure as azure
from tests.stacks.scheduler import Scheduler
from tests.stacks.support import PROGRAMS, deleted_first, deleted_in_order, example
from tests.support.plugins import environment, keyless
from translation_job_guard.emulator import Emulator


@dataclass(frozen=True)
class Cloud:
    """What differs between the two example stacks."""

    config: Mapping[str, str]
    environment: Callable[[Emulator], dict[str, str]]
    submit: Callable[[Emulator, Mapping[str, str]], str]
    guard: str
    protected: tuple[str, ...]
    start: str
    stop: str
    stopped: str


def _translate(emulator: Emulator, schedule: Mapping[str, str]) -> str:
    source, target = f"s3://{schedule['source']}/documents/", f"s3://{schedule['target']}/"
    return amazon.translate(emulator, schedule["role"], source, target)


CLOUDS = {
    "amazon": Cloud(
        amazon.CONFIG,
        environment,
        _translate,
        "jobs",
        amazon.PROTECTED,
        "StartTextTranslationJob",
        "StopTextTranslationJob",
        "STOPPED",
    ),
    "azure": Cloud(
        azure.CONFIG,
        keyless,
        lambda emulator, schedule: azure.batches(emulator, "translator-1", schedule, 1)[0],
        "batches",
        azure.PROTECTED,
        "StartTranslation",
        "CancelTranslation",
        "Cancelled",
    ),
}


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_a_schedule_that_depends_on_the_guard_goes_first(
    workspace: MakeWorkspace, emulator: Emulator, cloud: Cloud
) -> None:
    """The schedule is deleted first, then the guard stops what it has submitted, then the rest goes.

    No job is submitted after the guard has begun, none fails, and none is left in flight.
    """
    emulator.control.settings(azure_resources="explicit")
    with Scheduler(lambda schedule: cloud.submit(emulator, schedule)) as scheduler:
        config = {**cloud.config, "scheduler": scheduler.url}
        stack = example(workspace, config, cloud.environment(emulator), PROGRAMS / "scheduled.py")
        stack.up().check()
        scheduler.wait_for(3)
        since = emulator.control.last_request()
        destroyed = stack.destroy().check()
        submitted = list(scheduler.submitted)

    assert scheduler.failed is None
    assert deleted_in_order(destroyed, "nightly", cloud.guard)
    assert deleted_first(destroyed, cloud.guard, cloud.protected)
    assert {job["id"] for job in emulator.control.jobs()} == set(submitted)
    assert states(emulator, submitted) == {cloud.stopped}
    starts = emulator.control.requests(operation=cloud.start)
    stops = emulator.control.requests(since, operation=cloud.stop)
    assert len(starts) == len(submitted)
    assert starts[-1]["ended"] <= stops[0]["started"]
    assert not stack.resources()
