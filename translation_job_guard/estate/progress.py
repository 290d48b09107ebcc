"""Say on standard error how far a look is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Final, TextIO

from translation_job_guard.jobs import counted
from translation_job_guard.looking import Sight

__all__ = ["Progress"]

LINES: Final = 10
"""Plain lines for one look, besides the first."""


class Progress:
    """How many places were looked at, how many of them failed, and how many jobs were found so far.

    Use it as a context manager. Output that cannot be written ends no look.

    Args:
        stream: where to write; standard error by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: Any = None
        self._task: Any = None
        self.total = 0
        self.done = 0
        self.failed = 0
        self.jobs = 0

    def __enter__(self) -> Progress:
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bars

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[says]}"))
            self._bar = Bars(*columns, TimeElapsedColumn(), console=Console(file=self._stream), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("finding accounts", total=None, says="")
        else:
            self._say("Finding the accounts and subscriptions of the estate.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, places: int) -> None:
        """Say how many places there are to look at."""
        self.total = self.done + places
        if self._bar is not None:
            self._bar.update(self._task, total=self.total, completed=self.done, description="looking", says=self.says)
        else:
            self._say(f"Looking at {counted(places, 'place', 'places')}.")

    def seen(self, sight: Sight) -> None:
        """Count one place that was looked at."""
        self.count(failed=sight.failure is not None, jobs=len(sight.jobs))

    def count(self, *, failed: bool, jobs: int = 0) -> None:
        """Count one place, whether something failed there, and its jobs."""
        self.done += 1
        self.failed += failed
        self.jobs += jobs
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, says=self.says)
        elif self.total and self.done * LINES // self.total > (self.done - 1) * LINES // self.total:
            self._say(self.says)

    @property
    def says(self) -> str:
        """How far the look is, in words."""
        of = f" of {self.total:,}" if self.total else ""
        places = f"{self.done:,}{of} {'place' if (self.total or self.done) == 1 else 'places'}"
        return f"{places}: {self.failed:,} failed, {counted(self.jobs, 'job', 'jobs')} found so far"

    def _say(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except (OSError, ValueError):
            return  # a reader that has gone away, or a character that cannot be encoded
