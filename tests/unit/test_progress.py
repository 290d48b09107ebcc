"""What a guard says while it works."""

from __future__ import annotations

import io
import os
import sys
import threading
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from translation_job_guard.guard.progress import Voice, label
from translation_job_guard.jobs import AMAZON_TRANSLATE, Job, JobState
from translation_job_guard.teardown import Mode, Record, Report, TeardownOptions

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
        AMAZON_TRANSLATE, "eu-west-1", "123456789012", TeardownOptions(), datetime(2025, 1, 31, 12, tzinfo=timezone.utc)
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
    assert [line.partition(";")[0] for line in lines] == [
        "[guard] 1 in flight",
        "[guard] 5 in flight",
        "[guard] 9 in flight",
    ]


def test_an_unchanged_wait_is_said_once_and_then_twice_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a change; and now and then that it still goes on, or CI takes it for hung."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    report = report_of(RUNNING)
    for _second in range(100):
        voice.observe(report)
        clock.now += 1
    assert capsys.readouterr().out.splitlines() == [
        "[guard] 1 in flight; 0.0 s so far, 30 min left",
        "[guard] 1 in flight; 30 s so far, 29 min 30 s left",
        "[guard] 1 in flight; 1 min so far, 29 min left",
        "[guard] 1 in flight; 1 min 30 s so far, 28 min 30 s left",
    ]


def test_a_change_back_is_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line says how things stand."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    for count in (1, 2, 1):
        voice.observe(report_of(*[RUNNING] * count))
        clock.now += 1
    assert [line.partition(";")[0] for line in capsys.readouterr().out.splitlines()] == [
        "[guard] 1 in flight",
        "[guard] 2 in flight",
        "[guard] 1 in flight",
    ]


def test_jobs_are_counted_once_a_second() -> None:
    """Also while the line stays the same: each of thousands of answers would count thousands of jobs."""
    counted: list[float] = []
    clock = Clock()

    class Counted(Report):
        @property
        def left(self) -> list[Record]:
            counted.append(clock.now)
            return super().left

    report = Counted(**vars(report_of(RUNNING)))
    voice = Voice("guard", clock=clock)
    for _answer in range(40):
        voice.observe(report)
        clock.now += 0.125
    assert counted == [1000, 1001, 1002, 1003, 1004]


def test_nothing_seen_is_nothing_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The closing line says that nothing was in flight."""
    Voice("guard").observe(report_of())
    assert capsys.readouterr().out == ""


def test_a_line_counts_jobs_by_what_is_known_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each job once, where it stands."""
    report = report_of(RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, RUNNING)
    _waiting, asked, stopping, also_stopping, ended, vanished = report.records.values()
    asked.asks = 4
    for record in (stopping, also_stopping):
        record.asks = 1
        record.now = replace(RUNNING, state=JobState.STOPPING)
    ended.now, ended.ended_at = replace(RUNNING, state=JobState.STOPPED), 1.0
    vanished.vanished, vanished.ended_at = True, 1.0
    report.undecided["x"] = RUNNING
    Voice("guard").observe(report)
    assert capsys.readouterr().out == (
        "[guard] 4 in flight, 2 stopping, 1 asked to stop, asked again (3), 2 ended, 1 undecided; "
        "0.0 s so far, 30 min left\n"
    )


def test_times_are_those_of_the_whole_teardown(capsys: pytest.CaptureFixture[str]) -> None:
    """What went before the first line counts, and so does the time of one long step, in which the report stands."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    report = report_of(RUNNING)
    report.elapsed = 65.0
    voice.observe(report)
    clock.now += 120
    voice.observe(report)
    clock.now += 3600
    voice.observe(report)
    assert [line.partition("; ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "1 min 5 s so far, 28 min 55 s left",
        "3 min 5 s so far, 26 min 55 s left",
        "1 h 3 min so far, 0.0 s left",
    ]


def test_the_first_line_says_how_to_stop_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    """Once: a guard does not see Ctrl-C, so nothing else says it."""
    clock = Clock()
    voice = Voice("guard", clock=clock, way_out="Press this")
    for count in (1, 2):
        voice.observe(report_of(*[RUNNING] * count))
        clock.now += 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("left. Press this")
    assert second.endswith("left")


@pytest.mark.parametrize("mode", [Mode.FAIL, Mode.IGNORE])
def test_a_mode_that_does_not_wait_needs_no_way_out(mode: Mode, capsys: pytest.CaptureFixture[str]) -> None:
    """It is over with the next line."""
    report = report_of(RUNNING)
    report.options = TeardownOptions(mode=mode)
    Voice("guard", way_out="Press this").observe(report)
    assert "Press this" not in capsys.readouterr().out


def test_a_wait_is_printed_again_for_news_or_after_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    """The same news again is not worth a line."""
    clock = Clock()
    voice = Voice("guard", clock=clock)
    for text, news, seconds in (("a1", "a", 10), ("a2", "a", 10), ("b1", "b", 10), ("b2", "b", 30), ("b3", "b", 1)):
        voice.say_waiting(text, news)
        clock.now += seconds
    assert capsys.readouterr().out.splitlines() == ["[guard] a1", "[guard] b1", "[guard] b3"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", "red"),
        ("a\x9b2Jb\x00", "ab"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("Übersetzung 翻訳 é", "Übersetzung 翻訳 é"),
        ("two\nlines\r\nand\ta tab", "two lines and a tab"),
    ],
)
def test_control_characters_never_reach_a_terminal(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of jobs and texts of services are anybody's: they are shown, not obeyed."""
    Voice("guard").say(text)
    assert capsys.readouterr().out == f"[guard] {shown}\n"


def test_what_a_narrow_stream_cannot_encode_is_written_out() -> None:
    """Half of the machines that run CI print ASCII."""
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Voice("guard", out=narrow).say("translates Übersetzung")
    assert narrow.buffer.getvalue() == b"[guard] translates \\xdcbersetzung\n"


class BrokenStream(io.StringIO):
    """Its reader has gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_what_cannot_be_written_is_left_out() -> None:
    """The engine was killed, or the stream closed: the teardown goes on all the same."""
    closed = io.StringIO()
    closed.close()
    for stream in (BrokenStream(), closed):
        voice = Voice("guard", out=stream)
        voice.say("quiet")
        voice.observe(report_of(RUNNING))


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
