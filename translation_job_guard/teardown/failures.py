"""The errors that a teardown ends in. Each carries the report."""

from __future__ import annotations

from translation_job_guard.errors import GuardError
from translation_job_guard.teardown.report import Report

__all__ = ["CannotTell", "TeardownError", "TeardownRefused", "TeardownTimeout", "Undecided"]


class TeardownError(GuardError):
    """A teardown did not reach quiet. ``report`` says what it did."""

    def __init__(self, message: str, report: Report, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.report = report


class TeardownTimeout(TeardownError):
    """Time ran out with jobs in flight, or before a listing showed that there are none."""


class TeardownRefused(TeardownError):
    """Mode ``fail``, and jobs are in flight."""


class CannotTell(TeardownError):
    """It cannot be determined what is in flight, or stopping it is not permitted."""


class Undecided(CannotTell):
    """Batches are in flight of which it is not known whether they are in scope."""


for _error in (TeardownError, TeardownTimeout, TeardownRefused, CannotTell, Undecided):
    # Pulumi prints the module before the message: show the one that people import from.
    _error.__module__ = "translation_job_guard.teardown"
del _error
