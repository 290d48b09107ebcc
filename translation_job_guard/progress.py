"""What a guard says while it works: at most one line a second, one a change, each with the guard's name."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from translation_job_guard.jobs import JobState
from translation_job_guard.redaction import redact
from translation_job_guard.teardown import Ending, Report

__all__ = ["Say", "Voice", "label"]

Say = Callable[[str], None]

_EVERY = 1.0
_ALIVE = 30.0
"""Seconds after which an unchanged wait says that it still goes on."""

_printing = threading.Lock()


def label(stack: str, name: str) -> str:
    """How a guard is called in what it says: ``stack/name``."""
    return f"{stack}/{name}" if stack else name


class Voice:
    """Prints a guard's lines to standard output, where Pulumi shows them live on the stack's row, or to ``out``."""

    def __init__(
        self,
        label: str,
        key_env: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        out: TextIO | None = None,
    ) -> None:
        self._label = label
        self._key_env = key_env
        self._clock = clock
        self._out = out
        self._said_at = self._looked_at = float("-inf")
        self._said = ""

    def say(self, text: str) -> None:
        """One line, at once."""
        # Guards work side by side in one process: one write a line keeps them apart.
        with _printing:
            # A service's message may have several lines: only the first would have the guard's name.
            line = f"[{self._label}] {' '.join(redact(text, self._key_env).split())}"
            print(line, file=self._out or sys.stdout, flush=True)

    def observe(self, report: Report) -> None:
        """One line about a teardown under way, if it is time and there is news. Fit as ``teardown.run``'s observer."""
        now = self._clock()
        # To count all jobs after each answer of thousands takes longer than the teardown.
        if now - self._looked_at < _EVERY:
            return
        text = _standing(report)
        self._looked_at = now if text else self._looked_at
        if not text or (text == self._said and now - self._said_at < _ALIVE):
            return
        self._said, self._said_at = text, now
        self.say(text)


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
    ended = len(report.records) - report.count(Ending.IN_FLIGHT)
    if ended:
        parts.append(f"{ended} ended")
    if report.undecided:
        parts.append(f"{len(report.undecided)} not tied to a container yet")
    return ", ".join(parts)
