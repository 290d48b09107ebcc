"""What somebody sees of a guard that fails or waits, on the real engine."""

from __future__ import annotations

from stacks.workspace import Running
from tests.engine.conftest import MakeWorkspace
from tests.support.emulator import aws, start
from translation_job_guard.emulator import Emulator

PROGRAM = """
import pulumi
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

AmazonTranslateJobGuard(
    "guard",
    region="eu-west-1",
    scope=AmazonTranslateScope(job_name_prefixes=["pr-17-"]),
    on_delete=pulumi.Config("test").require("mode"),
    quiet_period=0.5,
)
"""


def test_a_failure_is_one_line_without_a_traceback(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """On the guard's own row: what happened, and what to do. Pulumi puts the class in front of it."""
    stack = workspace(PROGRAM, config={"test:mode": "fail"}, env=emulator.environment)
    stack.up().check()
    job = start(aws(emulator), JobName="pr-17-a")
    refused = stack.destroy().check(fails=True)
    assert "Traceback" not in refused.output
    assert 'File "' not in refused.output
    row = next(line for line in refused.output.splitlines() if "guard" in line and "error: " in line)
    assert "error: translation_job_guard.teardown.TeardownRefused: [dev/guard] 1 job is in flight" in row
    assert job in row
    assert "run the same command again" in row


def test_a_second_interrupt_stops_waiting_and_loses_nothing(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """The first one changes nothing to be seen. The state keeps the guard, and there is no lock to remove."""
    emulator.control.settings(stop_latency=100_000)
    stack = workspace(PROGRAM, config={"test:mode": "cancel"}, env=emulator.environment)
    stack.up().check()
    job = start(aws(emulator), JobName="pr-17-a")
    running: Running = stack.start("destroy")
    running.wait_for("To stop waiting, press Ctrl-C twice")
    running.interrupt()
    running.wait_for("cancelling")
    assert running.process.poll() is None
    running.interrupt()
    assert running.wait().exit_code != 0
    assert "guard" in stack.resources()
    assert emulator.control.job(job)["state"] == "STOP_REQUESTED"
    stack.env = {**stack.env, "TRANSLATION_JOB_GUARD_ON_DELETE": "dev/guard=ignore"}
    left = stack.destroy().check()
    assert "mode ignore: left as it is: 1 still in flight" in left.output
    assert "guard" not in stack.resources()
