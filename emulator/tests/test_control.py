"""The emulator's control endpoint, its log, and the emulator as a program."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest

from emulator_fixtures import aws, azure, listed, start, submit
from translation_job_emulator import Control, ControlError, Emulator


def test_waiting_for_requests_that_come_later(emulator: Emulator) -> None:
    """It returns as soon as there are enough, with the entries."""
    client = aws(emulator)
    job_id = start(client)
    since = emulator.control.last_request()
    thread = threading.Thread(target=client.stop_text_translation_job, kwargs={"JobId": job_id})
    thread.start()
    [call] = emulator.control.wait_for_requests(since=since)
    thread.join()
    assert (call["operation"], call["parameters"], call["status"]) == ("StopTextTranslationJob", {"JobId": job_id}, 200)
    assert call["sequence"] == since + 1
    assert call["started"] <= call["ended"]


def test_waiting_has_an_end(stepped: Emulator) -> None:
    """TimeoutError says how far it came; the timeout is real time, with a stepped clock, too."""
    with pytest.raises(TimeoutError, match="0 of 1 StopTextTranslationJob"):
        stepped.control.wait_for_requests(timeout=0.05)
    with pytest.raises(TimeoutError, match=r"job nobody is unknown .* expected STOPPED"):
        stepped.control.wait_for_job("nobody", ["STOPPED"], timeout=0.05)


def test_waiting_for_a_job_by_the_real_clock(emulator: Emulator) -> None:
    """The emulator moves on when something is due, also if nobody else asks."""
    client = aws(emulator)
    job_id = start(client)
    client.stop_text_translation_job(JobId=job_id)
    job = emulator.control.wait_for_job(job_id, ["STOPPED"])
    assert job["ended"] - job["stop_requested"] == pytest.approx(0.05, abs=0.001)


def test_waiting_for_a_job_by_the_stepped_clock(stepped: Emulator) -> None:
    """Advancing the clock wakes who waits."""
    [job_id] = stepped.control.add_jobs([{"state": "STOP_REQUESTED"}])
    found = []
    thread = threading.Thread(target=lambda: found.append(stepped.control.wait_for_job(job_id, ["STOPPED"])))
    thread.start()
    stepped.control.advance(2)
    thread.join()
    assert [job["state"] for job in found] == ["STOPPED"]


def test_requests_can_be_picked(stepped: Emulator) -> None:
    """By service, operation and what they are about."""
    client = aws(stepped)
    jobs = [start(client), start(client)]
    for job_id in jobs:
        client.stop_text_translation_job(JobId=job_id)
    list(azure(stepped).list_translation_statuses())
    control = stepped.control
    assert len(control.requests(service="translate")) == 4
    assert len(control.requests(operation="StopTextTranslationJob")) == 2
    assert len(control.requests(operation="StopTextTranslationJob", match={"JobId": jobs[0]})) == 1
    assert [call["resource"] for call in control.requests(service="document-translation")] == ["translator"]
    assert len(control.requests(since=control.requests()[2]["sequence"])) == 2


def test_jobs_of_both_services(uncached: Emulator) -> None:
    """With whose they are, what they use, their state and their times, oldest first."""
    job_id, translation = start(aws(uncached)), submit(azure(uncached))
    amazon, microsoft = uncached.control.jobs()
    now = uncached.control.now()
    assert amazon == {
        "service": "translate",
        "id": job_id,
        "account": "123456789012",
        "region": "eu-west-1",
        "name": "job",
        "state": "IN_PROGRESS",
        "role": "arn:aws:iam::123456789012:role/translate",
        "input": "s3://input-bucket/in/",
        "output": f"s3://output-bucket/out/123456789012-TranslateText-{job_id}/",
        "documents": 3,
        "documents_done": 0,
        "submitted": now,
        "started": now,
        "stop_requested": None,
        "ended": None,
        "message": None,
    }
    assert (microsoft["service"], microsoft["id"]) == ("document-translation", translation)
    assert (microsoft["resource"], microsoft["state"], microsoft["documents"]) == ("translator", "Running", 3)
    assert microsoft["sources"] == ["https://storage.blob.core.windows.net/source"]
    assert microsoft["targets"] == ["https://storage.blob.core.windows.net/target"]


def test_jobs_can_be_added_changed_and_removed(stepped: Emulator) -> None:
    """Thousands at once, in any state; from there they go on by themselves."""
    control = stepped.control
    ids = control.add_jobs([{"region": "eu-west-1", "state": "COMPLETED"} for _ in range(3000)])
    [runs, waits] = control.add_jobs(
        [{"id": "runs", "region": "eu-west-1", "run_time": 5}, {"region": "eu-west-1", "state": "SUBMITTED"}]
    )
    assert runs == "runs"
    assert len(listed(aws(stepped), MaxResults=500)) == 3002
    control.advance(5)
    assert control.job(runs)["state"] == "COMPLETED"
    control.set_job(waits, state="FAILED", message="no reason")
    entry = aws(stepped).describe_text_translation_job(JobId=waits)["TextTranslationJobProperties"]
    assert (entry["JobStatus"], entry["Message"]) == ("FAILED", "no reason")
    control.set_job(runs, state="SUBMITTED")
    assert control.job(runs)["state"] == "IN_PROGRESS"
    for job_id in (*ids[:10], runs):
        control.remove_job(job_id)
    assert len(control.jobs()) == 2991


def test_a_job_may_end_otherwise(stepped: Emulator) -> None:
    """Its outcome is what it ends in by itself."""
    [job_id] = stepped.control.add_jobs([{"outcome": "COMPLETED_WITH_ERROR", "region": "eu-west-1"}])
    stepped.control.advance(600)
    job = aws(stepped).describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]
    assert job["JobStatus"] == "COMPLETED_WITH_ERROR"
    assert job["JobDetails"]["DocumentsWithErrorsCount"] == 1


def test_what_cannot_be_is_refused(stepped: Emulator) -> None:
    """With a sentence, and nothing is changed."""
    control = stepped.control
    for refused, words in (
        (lambda: control.settings(stop_latency=-1), "-1 is not a valid stop_latency"),
        (lambda: control.settings(colour="blue"), "'colour' is not a setting"),
        (lambda: control.add_jobs([{"state": "Running"}]), "'Running' is not a state of translate"),
        (lambda: control.add_jobs([{"id": "a"}, {"id": "a"}]), "there is already a job a"),
        (lambda: control.set_job("nobody", state="FAILED"), "there is no job nobody"),
        (lambda: control.job("nobody"), "there is no job nobody"),
        (lambda: control.advance(-1), "a clock does not go back"),
    ):
        with pytest.raises(ControlError, match=words):
            refused()
    assert stepped.control.settings()["stop_latency"] == 2


def test_a_real_clock_cannot_be_advanced(emulator: Emulator) -> None:
    """The error says how to get one that can."""
    with pytest.raises(ControlError, match="start the emulator with clock='stepped'"):
        emulator.control.advance(1)


def test_a_reset_makes_it_as_new(stepped: Emulator) -> None:
    """Jobs, faults, log and settings; but the numbers of requests go on."""
    control = stepped.control
    start(aws(stepped), ClientToken="token")
    last = control.last_request()
    control.settings(stop_latency=77, max_running=1)
    control.fault(kind="throttle")
    control.reset()
    assert (control.jobs(), control.requests(), control.faults()) == ([], [], [])
    assert control.settings()["stop_latency"] == 2
    assert control.last_request() == last
    assert len(listed(aws(stepped))) == 0
    assert start(aws(stepped), ClientToken="token")


def test_settings_are_checked_before_it_starts() -> None:
    """A misspelled one is a ValueError with the names that there are."""
    with pytest.raises(ValueError, match="'stop_latenzy' is not a setting"):
        Emulator(stop_latenzy=1).start()


def test_it_runs_as_a_program() -> None:
    """It prints its address and the variables that direct the SDKs there, and ends cleanly on a signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        command = [
            sys.executable,
            "-m",
            "translation_job_emulator",
            "--stop-latency",
            "3",
            "--set",
            "max_running=2",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            url = process.stdout.readline().split()[-1]
            exported = dict(
                line.removeprefix("export ").strip().split("=", 1)
                for line in (process.stdout.readline() for _ in range(6))
            )
            assert exported["AWS_ENDPOINT_URL"] == url
            assert exported["AZURE_DOCUMENT_TRANSLATION_ENDPOINT"] == f"{url}/azure/translator"
            settings = Control(url).settings()
            assert (settings["stop_latency"], settings["max_running"]) == (3, 2)
            os.kill(process.pid, number)
            assert process.wait(timeout=30) == 0
            assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_said_in_one_line(emulator: Emulator) -> None:
    """And the exit code is 2."""
    port = emulator.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "translation_job_emulator", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "the emulator cannot start" in ended.stderr
    assert ended.stdout == ""


def test_it_ends_although_someone_waits() -> None:
    """Who waits on the log is answered, and open connections do not hold it up."""
    with Emulator() as emulator:
        opened = urllib.request.urlopen(f"{emulator.url}/_control/health")
        control = emulator.control

        def wait() -> None:
            # Answered with nothing, or cut off if it came too late to be.
            with contextlib.suppress(TimeoutError, OSError):
                control.wait_for_requests(count=5, timeout=15)

        waiting = threading.Thread(target=wait)
        waiting.start()
    waiting.join(timeout=10)
    opened.close()
    assert not waiting.is_alive()


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    """Another address has to be asked for."""
    with Emulator() as emulator:
        assert emulator.url.startswith("http://127.0.0.1:")
    with Emulator(host="localhost") as emulator:
        assert Control(emulator.url).requests() == []


def test_two_emulators_do_not_share_jobs(stepped: Emulator) -> None:
    """Each has its own port, clock, jobs and log."""
    with Emulator(clock="stepped") as other:
        job_id = start(aws(other))
        assert [job["id"] for job in other.control.jobs()] == [job_id]
        assert stepped.control.jobs() == []
        assert other.url != stepped.url
