"""What a guard says while it works."""

from __future__ import annotations

import io
import os
import sys
import threading
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from translation_job_guard import progress
from translation_job_guard.jobs import AMAZON_TRANSLATE, Job, JobState
from translation_job_guard.progress import Voice, label
from translation_job_guard.teardown import Policy, Record, Report

RUNNING = Job(AMAZON_TRANSLATE, "a", JobState.RUNNING, "IN_PROGRESS")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def report_of(*jobs: Job) -> Report:
    """A teardown that has seen these jobs."""
    report = Report(
        AMAZON_TRANSLATE, "eu-west-1", "123456789012", Policy(), datetime(2025, 1, 31, 12, tzinfo=timezone.utc)
    )
    for index, job in enumerate(jobs):
        report.records[f"{job.id}{index}"] = Record(job, job, seen_at=0.0)
    return report


def test_a_guard_is_called_by_its_stack_and_name() -> None:
    """The same name is in many stacks."""
    assert label("dev", "guard") == "dev/guard"
    assert label("", "guard") == "guard"


def test_every_line_begins_with_the_guards_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Also a message of several lines, which becomes one."""
    Voice("dev/guard").say("refused\nCode: 401\r\n  Message: no")
    assert capsys.readouterr().out == "[dev/guard] refused Code: 401 Message: no\n"


def test_a_line_holds_no_secret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the key of the guard's variable nor a signature."""
    monkeypatch.setenv("MY_KEY", "0123456789abcdef")
    Voice("dev/guard", "MY_KEY").say("0123456789abcdef https://s/c?sig=fedcba9876543210")
    out = capsys.readouterr().out
    assert "0123456789abcdef" not in out
    assert "fedcba9876543210" not in out


def test_there_is_at_most_one_line_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    """However many changes there are: CI logs are read by people."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    for count in range(1, 13):
        clock.now += 0.25
        voice.observe(report_of(*[RUNNING] * count))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["[guard] 1 in flight", "[guard] 5 in flight", "[guard] 9 in flight"]


def test_an_unchanged_wait_is_said_once_and_then_twice_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a change; and now and then that it still goes on, or CI takes it for hung."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    report = report_of(RUNNING)
    for _second in range(100):
        voice.observe(report)
        clock.now += 1
    assert capsys.readouterr().out.splitlines() == ["[guard] 1 in flight"] * 4


def test_a_change_back_is_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line says how things stand."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    for count in (1, 2, 1):
        voice.observe(report_of(*[RUNNING] * count))
        clock.now += 1
    assert capsys.readouterr().out.splitlines() == [
        "[guard] 1 in flight",
        "[guard] 2 in flight",
        "[guard] 1 in flight",
    ]


def test_the_jobs_are_counted_once_a_second_however_many_answers_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the line stays the same: each of thousands of answers would count thousands of jobs."""
    counted: list[float] = []
    clock = Clock()

    def standing(_report: Report) -> str:
        counted.append(clock.now)
        return "3 in flight"

    monkeypatch.setattr(progress, "_standing", standing)
    voice = Voice("guard", clock=clock)
    for _answer in range(40):
        voice.observe(report_of(RUNNING))
        clock.now += 0.125
    assert counted == [1000, 1001, 1002, 1003, 1004]


def test_nothing_seen_is_nothing_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The closing line says that nothing was in flight."""
    Voice("guard").observe(report_of())
    assert capsys.readouterr().out == ""


def test_a_line_counts_what_is_in_flight_stopping_asked_ended_and_undecided(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each job once, where it stands."""
    report = report_of(RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, RUNNING)
    _waiting, asked, stopping, also_stopping, ended, vanished = report.records.values()
    asked.asks = 1
    for record in (stopping, also_stopping):
        record.asks = 1
        record.now = replace(RUNNING, state=JobState.STOPPING)
    ended.now, ended.ended_at = replace(RUNNING, state=JobState.STOPPED), 1.0
    vanished.vanished, vanished.ended_at = True, 1.0
    report.undecided["x"] = RUNNING
    Voice("guard").observe(report)
    assert capsys.readouterr().out == (
        "[guard] 4 in flight, 2 stopping, 1 asked to stop, 2 ended, 1 not tied to a container yet\n"
    )


class YieldingStream(io.StringIO):
    """Lets another thread go on after each piece that is written, as a pipe to the engine may."""

    def write(self, text: str) -> int:
        written = super().write(text)
        os.sched_yield()
        return written


def test_two_voices_do_not_mix_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards work side by side in one process; each line is whole and of one guard."""
    stream = YieldingStream()
    monkeypatch.setattr(sys, "stdout", stream)
    texts = {name: f"{name} stops its jobs" for name in ("first", "second", "third", "fourth")}
    ready = threading.Barrier(len(texts))

    def speak(name: str) -> None:
        voice = Voice(name)
        ready.wait(timeout=10)
        for _ in range(200):
            voice.say(texts[name])

    threads = [threading.Thread(target=speak, args=(name,)) for name in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 800
    assert set(lines) == {f"[{name}] {text}" for name, text in texts.items()}
