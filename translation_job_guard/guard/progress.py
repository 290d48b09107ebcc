"""Print what a guard does.

Every line begins with the guard's name. While it waits there is at most one line a second, and only for a change.
Output that cannot be written or encoded is dropped: it never fails a teardown.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

from translation_job_guard.durations import format_duration
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.host import current_host
from translation_job_guard.jobs import JobState
from translation_job_guard.redaction import printable, redact
from translation_job_guard.teardown import Ending, Mode, Report

__all__ = ["Voice", "guard_voice", "label", "one_line", "stored_voice"]

_EVERY = 1.0
_ALIVE = 30.0
"""Seconds after which an unchanged wait prints a line all the same."""

_printing = threading.Lock()


def label(stack: str, name: str) -> str:
    """Return the name of a guard in its output: ``stack/name``."""
    return f"{stack}/{name}" if stack else name


def one_line(text: str) -> str:
    """Return ``text`` as one line without control characters."""
    return " ".join(printable(text).split())


class Voice:
    """Prints a guard's lines where its host says: to standard output, by default.

    Args:
        label: The guard's name, with which each line begins.
        key_env: An environment variable whose value is a secret.
        clock: Returns monotonic seconds.
        out: A stream to print to instead of where the host says.
        way_out: How to stop waiting; printed once, with the first line about a wait.
    """

    def __init__(
        self,
        label: str,
        key_env: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        out: TextIO | None = None,
        way_out: str = "",
    ) -> None:
        self.label = label
        self.key_env = key_env
        self._clock = clock
        self._out = out
        self._write = current_host().write if out is None else None
        self._way_out = way_out
        self._said_at = self._looked_at = float("-inf")
        self._said = ""
        self._began: float | None = None

    def say(self, text: str) -> None:
        """Print one line at once; drop it if it cannot be printed."""
        # The stream may be closed or broken.
        with suppress(Exception):
            # A service's message may have several lines, of which only the first would have the guard's name.
            line = one_line(f"[{self.label}] {redact(text, self.key_env)}")
            if self._write is not None:
                self._write(line)
                return
            out = self._out or sys.stdout
            # Guards work in parallel in one process: one write for each line keeps their lines whole.
            with _printing:
                try:
                    print(line, file=out, flush=True)
                except UnicodeEncodeError:
                    encoding = getattr(out, "encoding", None) or "ascii"
                    print(line.encode(encoding, "backslashreplace").decode(encoding), file=out, flush=True)

    def say_waiting(self, text: str, news: str | None = None) -> None:
        """Print a line about a wait that goes on; the first one says how to stop waiting.

        Args:
            text: The line.
            news: The part of it that matters; while it stays the same, a line is printed every 30 s at most.
        """
        news, now = text if news is None else news, self._clock()
        if news == self._said and now - self._said_at < _ALIVE:
            return
        self._said, self._said_at = news, now
        way_out, self._way_out = self._way_out, ""
        self.say(f"{text}. {way_out}" if way_out else text)

    def observe(self, report: Report) -> None:
        """Print a line about a teardown under way, if one is due. Can be ``runner.run``'s observer."""
        now = self._clock()
        # The report's own time is set once a step, and a step may send thousands of requests.
        self._began = now - report.elapsed if self._began is None else self._began
        # Counting all jobs after each of thousands of answers would take longer than the teardown.
        if now - self._looked_at < _EVERY:
            return
        standing = _standing(report)
        if not standing:
            return
        self._looked_at = now
        if report.options.mode not in (Mode.CANCEL, Mode.DRAIN):
            self._way_out = ""  # other modes do not wait for jobs
        elapsed = max(now - self._began, report.elapsed)
        self.say_waiting(f"{standing}; {_times(report, elapsed)}", news=standing)


def guard_voice(guard: GuardArguments, way_out: str = "") -> Voice:
    """Return the voice of a guard; ``way_out`` says how to stop waiting."""
    return Voice(label(guard.stack, guard.name), guard.connection.secret_env, way_out=way_out)


def stored_voice(properties: Mapping[str, Any]) -> Voice:
    """Return the voice of a guard whose properties may be unreadable."""
    key_env = properties.get("key_env")
    return Voice(
        label(str(properties.get("stack") or ""), str(properties.get("name") or "guard")),
        key_env if isinstance(key_env, str) else None,
    )


def _standing(report: Report) -> str:
    if not report.records and not report.undecided:
        return ""
    left = report.left
    stopping = sum(record.now.state is JobState.STOPPING for record in left)
    asked = sum(record.asks > 0 for record in left)
    parts = [f"{len(left)} in flight"]
    if stopping:
        parts.append(f"{stopping} stopping")
    if asked > stopping:
        parts.append(f"{asked - stopping} asked to stop")
    again = max((record.asks for record in left), default=0) - 1
    if again > 0:
        parts.append(f"asked again ({again})")
    ended = len(report.records) - report.count(Ending.IN_FLIGHT)
    if ended:
        parts.append(f"{ended} ended")
    if report.undecided:
        parts.append(f"{len(report.undecided)} undecided")
    return ", ".join(parts)


def _times(report: Report, elapsed: float) -> str:
    if report.options.mode is Mode.IGNORE:
        return format_duration(elapsed)
    if report.undecided and not report.left:
        wait = format_duration(report.options.undecided_timeout)
        return f"{format_duration(elapsed)} so far, waiting {wait} at most for the documents of each undecided batch"
    left = max(report.options.timeout - elapsed, 0.0)
    return f"{format_duration(elapsed)} so far, {format_duration(left)} left"
