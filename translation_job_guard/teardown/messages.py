"""The texts of the errors that a teardown ends in: what happened, to which jobs, and every way out.

The first part of each message says what happened, in any use; the advice is for a Pulumi operation.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import ServiceError
from translation_job_guard.jobs import JobState, counted, named
from translation_job_guard.teardown.failures import CannotTell, TeardownRefused, TeardownTimeout, Undecided
from translation_job_guard.teardown.report import Mode, Record, Report

__all__ = ["cannot_tell", "denied", "out_of_time", "refused", "unconfirmed", "undecided"]

_NOTHING_TAKEN = "Nothing they need was taken away."
_RUNBOOK = "See docs/runbook.md."


def refused(report: Report) -> TeardownRefused:
    """Return the error of mode ``fail`` while jobs are in flight."""
    left = report.left
    return TeardownRefused(
        f'{counted(len(left), "job is", "jobs are")} in flight and on_delete is "fail": {_described(report, left)}.',
        report,
        advice="Nothing was stopped or taken away. Let them end, or set TRANSLATION_JOB_GUARD_ON_DELETE=cancel (or "
        "drain) for one run, and run the same command again.",
    )


def cannot_tell(report: Report, error: ServiceError) -> CannotTell:
    """Return the error for a listing, or documents, that cannot be read."""
    return CannotTell(
        f"What is in flight in {report.place} cannot be determined: {error}",
        report,
        advice=f"{_NOTHING_TAKEN} Correct this and run the same command again. If the account is gone for good, "
        f"TRANSLATION_JOB_GUARD_ON_DELETE=ignore goes on without looking. {_RUNBOOK}",
    )


def denied(report: Report, error: ServiceError) -> CannotTell:
    """Return the error for jobs in flight that may not be stopped."""
    return CannotTell(
        f"{error} Still in flight: {_names(report.left)}.",
        report,
        advice=f"{_NOTHING_TAKEN} Add the permission and run the same command again.",
    )


def unconfirmed(report: Report) -> TeardownTimeout:
    """Return the error for a timeout between the listing that showed nothing and the one that confirms it."""
    return TeardownTimeout(
        f"{format_duration(report.options.timeout)} (timeout) passed before it was confirmed that nothing is in "
        "flight.",
        report,
        advice="Run the same command again, which goes on from here.",
    )


def undecided(report: Report, error: ServiceError | None) -> Undecided:
    """Return the error for undecided batches that were waited for long enough.

    Args:
        report: what the teardown did.
        error: the last error of reading their documents.
    """
    waited = format_duration(report.options.undecided_timeout)
    because = f" (last error: {error})" if error else ""
    return Undecided(
        f"{_undecided_named(report)}. The guard waited {waited} (undecided_timeout) for their documents after "
        f"everything in scope had ended{because}.",
        report,
        advice=f"{_NOTHING_TAKEN} Narrow the scope with source_container_urls or translation_ids, run the same command "
        "again, or leave these batches for one run with TRANSLATION_JOB_GUARD_UNDECIDED=leave. "
        f"{_RUNBOOK}",
    )


def out_of_time(report: Report, *, listed: bool, error: ServiceError | None) -> TeardownTimeout:
    """Return the error for a timeout.

    Args:
        report: what the teardown did.
        listed: whether a listing was ever read.
        error: the error of the last listing, if that failed.
    """
    left, open_ = report.left, report.undecided
    unlisted = not listed or error is not None
    if not (left or open_ or unlisted):
        return unconfirmed(report)
    says = [f"{format_duration(report.options.timeout)} (timeout) passed", *_left_in_words(report)]
    if open_:
        says.append(f"and {_undecided_named(report)}")
    if unlisted:
        says.append(f"and what is in flight could not be listed: {error or 'no answer came in time'}")
    leave = ", TRANSLATION_JOB_GUARD_UNDECIDED=leave to leave undecided batches" if open_ else ""
    return TeardownTimeout(
        f"{' '.join(says).rstrip('.')}.",
        report,
        advice=f"{_NOTHING_TAKEN} Run the same command again, which goes on from here; or for one run set "
        "TRANSLATION_JOB_GUARD_TIMEOUT=1h to wait longer, TRANSLATION_JOB_GUARD_ON_DELETE=drain to let the "
        "jobs end by themselves, or TRANSLATION_JOB_GUARD_ON_DELETE=ignore to go on without them (they keep "
        f"running and costing money, and fail or write into what is being deleted){leave}. {_RUNBOOK}",
    )


def _left_in_words(report: Report) -> Iterable[str]:
    left = report.left
    if not left:
        return
    yield f"and {counted(len(left), 'job is', 'jobs are')} still in flight: {_described(report, left)}"
    unasked = sum(not record.asks and record.now.state is not JobState.STOPPING for record in left)
    if unasked and report.options.mode is Mode.CANCEL:
        yield f"({unasked} of them could not be asked to stop in time)"
    late = [record for record in report.records.values() if record.came_late]
    if late:
        yield f"({len(late)} came in after the start: {_names(late)}; something still submits, stop that first)"


def _undecided_named(report: Report) -> str:
    open_ = report.undecided.values()
    return (
        f"{counted(len(open_), 'batch is', 'batches are')} in flight of which the service does not tell yet whether "
        f"{'it is' if len(open_) == 1 else 'they are'} in scope (undecided): {named(open_)}"
    )


def _described(report: Report, records: Iterable[Record]) -> str:
    """Name jobs with how long they have been in flight and how often they were asked to stop."""
    now = report.started + timedelta(seconds=report.elapsed)
    return named(_with_history(record, now) for record in records)


def _with_history(record: Record, now: datetime) -> str:
    details = []
    if record.now.submitted_at is not None:
        details.append(f"for {format_duration(max(round((now - record.now.submitted_at).total_seconds()), 0))}")
    if record.asks:
        details.append(f"asked {counted(record.asks, 'time', 'times')}")
    return " ".join([str(record.now), *([f"({', '.join(details)})"] if details else [])])


def _names(records: Iterable[Record]) -> str:
    return named(record.now for record in records)
