"""The process that a guard works in: where its lines go, and what an interruption does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import aws, start
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import Interrupted
from translation_job_guard.guard import operations
from translation_job_guard.guard.host import Host, current_host, working_in
from translation_job_guard.jobs import AMAZON_TRANSLATE


def stored(emulator: Emulator) -> dict[str, Any]:
    return {
        "name": "guard",
        "stack": "dev",
        "region": "eu-west-1",
        "scope": [{"job_name_prefixes": ["pr-17-"]}],
        "endpoint_url": emulator.url,
        "quiet_period": 0.2,
    }


@pytest.fixture
def job(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """A running job that does not stop soon."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    emulator.control.settings(stop_latency=100_000)
    return start(aws(emulator), JobName="pr-17-a")


def test_by_default_lines_go_to_standard_output_and_nobody_interrupts() -> None:
    """A dynamic resource: Pulumi shows what it prints, and tells it of no Ctrl-C."""
    host = current_host()
    assert host.write is None
    assert not host.interrupted


def test_an_interruption_ends_the_wait_and_says_what_was_asked(
    emulator: Emulator, job: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the jobs and says how to go on; a receipt is left; nothing is printed."""
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_RECEIPTS", str(tmp_path))
    lines: list[str] = []
    interruption = threading.Event()

    def interrupt() -> None:
        emulator.control.wait_for_requests()
        interruption.set()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with working_in(Host(lines.append, interruption, keys="press Ctrl-C")), pytest.raises(Interrupted) as raised:
        operations.delete(AMAZON_TRANSLATE, stored(emulator))
    thread.join()
    assert "1 job is in flight, 1 asked to stop" in str(raised.value)
    assert job in str(raised.value)
    assert "run it again" in str(raised.value)
    assert any("To stop waiting, press Ctrl-C;" in line for line in lines)
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir())


def test_mode_ignore_goes_on_through_an_interruption(
    emulator: Emulator, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but a usage error may fail it."""
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "ignore")
    lines: list[str] = []
    interruption = threading.Event()
    interruption.set()
    with working_in(Host(lines.append, interruption)):
        operations.delete(AMAZON_TRANSLATE, stored(emulator))
    assert any("mode ignore" in line for line in lines)
    assert emulator.control.job(job)["state"] == "IN_PROGRESS"
