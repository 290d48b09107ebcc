"""Stop what is in flight in a scope, and wait until quiet. Knows no cloud and no Pulumi.

The decisions as a state machine without I/O: a script yields batches of requests and is sent their answers.
``runner.run`` does what it asks, over a ``JobService`` and a clock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import Denied, JobNotFound, Rejected, ServiceError, Throttled, Transient
from translation_job_guard.jobs import Coverage, Job, JobState, counted, named
from translation_job_guard.services.reading import LONGEST_WAIT
from translation_job_guard.teardown.failures import (
    CannotTell,
    TeardownError,
    TeardownRefused,
    TeardownTimeout,
    Undecided,
)
from translation_job_guard.teardown.report import Mode, Policy, Record, Report
from translation_job_guard.teardown.schedule import FASTEST_POLL, SLOWEST_POLL

__all__ = ["Answers", "List", "Locate", "Look", "Request", "Script", "Stop", "Teardown", "Value", "Wait"]

LOCATE_AT_ONCE = 64
"""Batches whose documents are read before the next stop requests go out, and are in memory at the same time."""


# Requests of the script, and answers to it.


@dataclass(frozen=True)
class List:
    """List what is in flight."""


@dataclass(frozen=True)
class Locate:
    """Find out what a job reads and writes."""

    job: Job


@dataclass(frozen=True)
class Stop:
    """Ask to end a job."""

    job: Job


@dataclass(frozen=True)
class Look:
    """Look at the present state of jobs that are no longer listed."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Wait:
    """Let time pass."""

    seconds: float


Request: TypeAlias = "List | Locate | Stop | Look | Wait"
Value: TypeAlias = "Sequence[Job] | Job | JobState | Mapping[str, Job | None] | ServiceError | None"


@dataclass(frozen=True)
class Answers:
    """What came back for a batch, in any order; a request that was not finished in time is missing.

    ``unsent`` are the missing ones that did not even go out.
    """

    now: float
    values: Sequence[tuple[Request, Value]]
    unsent: Sequence[Request] = ()


Script: TypeAlias = "Generator[Sequence[Request], Answers, None]"


class Teardown:
    """The decisions of one teardown.

    Args:
        covers: whether a job is in scope; the one source of what may be stopped.
        policy: mode and durations.
        report: filled in as it goes; what has elapsed in it counts.
    """

    def __init__(self, covers: Callable[[Job], Coverage], policy: Policy, report: Report) -> None:
        self.report = report
        self._covers = covers
        self._policy = policy
        self._now = self._changed_at = report.elapsed
        self._listings = 0
        self._list_began = 0.0
        self._list_took = 0.0
        self._located: dict[str, Job] = {}
        self._outside_at: dict[str, int] = {}
        """Totals at which batches were found to be out of scope. Their documents are not kept: there may be many."""
        self._totals: dict[str, int] = {}
        self._documents: dict[str, int] = {}
        """How many documents of each undecided batch were listed at the most."""
        self._undecided_since: dict[str, tuple[float, int]] = {}
        """From when each undecided batch is waited for, and how many documents it had then."""
        self._list_error: ServiceError | None = None
        self._locate_error: ServiceError | None = None
        self._not_before = 0.0
        self._may_not_look = False

    def script(self) -> Script:
        """Yield batches of requests; send their answers. Returns when quiet, or raises a ``TeardownError``.

        Times sent are seconds since the start.
        """
        policy = self._policy
        if policy.mode is Mode.IGNORE:
            yield from self._ignore()
            return
        while True:
            yield from self._list()
            if self._nothing_left() and (yield from self._stays_quiet()):
                self.report.quiet = True
                return
            if policy.mode is Mode.FAIL and self.report.left:
                raise self._error(TeardownRefused, self._refusal())
            yield from self._stop()
            yield from self._wait(self._pause())
            yield from self._wait_for_the_last()

    def _ignore(self) -> Script:
        # The way out when an account is gone: one look, and on in any case.
        answers = yield [List()]
        self._take(answers)
        for request, value in answers.values:
            if isinstance(request, List) and not isinstance(value, ServiceError):
                undecided = self._take_listing(value)
                with contextlib.suppress(CannotTell):
                    yield from self._locate(undecided)
                self.report.looked = True

    def _list(self) -> Script:
        """List, and decide of each job whether it is in scope. Retries what can pass until time runs out."""
        pause = FASTEST_POLL
        while True:
            self._list_began = self._now
            answers = yield [List()]
            self._take(answers)
            self._list_took = self._now - self._list_began
            value = next((value for request, value in answers.values if isinstance(request, List)), None)
            if isinstance(value, ServiceError):
                self._list_error = value
                if not isinstance(value, (Transient, Throttled)):
                    raise self._error(CannotTell, self._cannot_tell(value))
            elif value is not None:
                self._list_error = None
                break
            yield from self._wait(pause)
            pause = min(pause * 2, SLOWEST_POLL)
        undecided = self._take_listing(value)
        self._refuse_denied()
        yield from self._locate(undecided)
        self.report.looked = True
        self._time_undecided()
        self._refuse_undecided()

    def _locate(self, undecided: Sequence[Job]) -> Script:
        """Read the documents of batches, some at a time, and send the stop requests that are due beside them.

        A neighbour may have hundreds of batches, and their documents are read at the pace of the service: what is known
        to be in scope is not kept waiting for that, or a short timeout would end before any stop request went out.
        """
        self._locate_error = None
        for start in range(0, len(undecided), LOCATE_AT_ONCE):
            part = undecided[start : start + LOCATE_AT_ONCE]
            answers = yield [*self._due_stops(), *map(Locate, part)]
            self._take_stops(answers)
            self._take_located(answers)

    def _take_listing(self, value: Value) -> list[Job]:
        """Sort a listing into what is in scope and what is not; return what has to be located first."""
        assert isinstance(value, Sequence)
        first = self._listings == 0
        self._listings += 1
        # Ids seen twice count once, and the later sight is the newer one.
        listed = {job.id: self._with_what_is_known(job) for job in value if job.in_flight}
        undecided: list[Job] = []
        for job in listed.values():
            decision = self._decide(job)
            if decision is Coverage.COVERED:
                self._sight(job, first)
            elif decision is Coverage.UNKNOWN:
                undecided.append(job)
            else:
                self._outside(job)
        for id_, record in self.report.records.items():
            if id_ not in listed and record.ended_at is None:
                record.ended_at = self._now
                self._changed_at = self._now
        self._first = first
        self.report.undecided = {job.id: job for job in undecided}
        return undecided

    def _take_located(self, answers: Answers) -> None:
        open_ = self.report.undecided
        for request, value in answers.values:
            if not isinstance(request, Locate):
                continue
            if isinstance(value, ServiceError):
                # A batch that was listed and is not found has gone or is too new: the next listing tells which.
                # One whose documents are refused stays undecided: it must not keep the others from being stopped.
                if not isinstance(value, (Transient, Throttled, JobNotFound, Rejected)):
                    raise self._error(CannotTell, self._cannot_tell(value))
                self._locate_error = value
            elif isinstance(value, Job):
                decision = self._decide(value)
                if decision is Coverage.UNKNOWN:
                    # Its documents are read again with the next listing; there may be too many to keep them.
                    self._documents[value.id] = max(self._documents.get(value.id, 0), len(value.rows))
                    continue
                del open_[value.id]
                if decision is Coverage.COVERED:
                    before = self._located.get(value.id)
                    if before is None or len(value.rows) >= len(before.rows):
                        self._located[value.id] = value
                    self._sight(value, self._first)
                else:
                    self._outside(value)

    def _with_what_is_known(self, job: Job) -> Job:
        """Return ``job`` with the highest total seen (a lower one is an older answer) and the documents read before."""
        if job.documents is None:
            return job
        total = self._totals[job.id] = max(self._totals.get(job.id, 0), job.documents.total)
        located = self._located.get(job.id)
        rows, locations = (located.rows, located.locations) if located is not None else (job.rows, job.locations)
        return replace(job, documents=replace(job.documents, total=total), rows=rows, locations=locations)

    def _decide(self, job: Job) -> Coverage:
        total = job.documents.total if job.documents else 0
        if self._outside_at.get(job.id, -1) >= total > 0 and not job.rows:
            # Its documents were read, and there are no more of them now.
            return Coverage.OUTSIDE
        decision = self._covers(job)
        if decision is Coverage.OUTSIDE and job.rows:
            # A listing that is behind counts fewer documents than were read.
            self._outside_at[job.id] = max(total, len(job.rows))
            self._located.pop(job.id, None)
        return decision

    def _sight(self, job: Job, first: bool) -> None:
        record = self.report.records.get(job.id)
        if record is None:
            self.report.records[job.id] = Record(job, job, self._now, came_late=not first)
            self._changed_at = self._now
            return
        if record.known_better(job):
            # What has ended stays so, whatever a node shows that is behind.
            return
        if record.shown(job) or record.ended_at is not None:
            self._changed_at = self._now
        record.ended_at = None
        record.vanished = record.looked = False

    def _outside(self, job: Job) -> None:
        # In an update a batch that grows can come to be the new scope's: what it was asked before is not undone.
        self.report.records.pop(job.id, None)

    def _nothing_left(self) -> bool:
        return not self.report.left and all(map(self._given_up, self.report.undecided))

    def _time_undecided(self) -> None:
        """Note from when on each undecided batch is waited for.

        The wait begins when everything in scope has ended, for each batch by itself, and begins anew when more of its
        documents are listed: the service lists them one by one (recorded traffic). A listing that goes without the
        batch does not end the wait: it may come from a node that is behind.
        """
        undecided = self.report.undecided
        if self.report.left:
            self._undecided_since.clear()
            return
        for id_ in undecided:
            documents = self._documents.get(id_, 0)
            if id_ not in self._undecided_since or documents > self._undecided_since[id_][1]:
                self._undecided_since[id_] = (self._now, documents)
                self._changed_at = self._now

    def _refuse_undecided(self) -> None:
        """Fail once every undecided batch was waited for, unless it may be left."""
        if self.report.undecided and not self._policy.leave_undecided and self._nothing_left():
            raise self._error(Undecided, self._not_decided())

    def _given_up(self, id_: str) -> bool:
        """Whether an undecided batch was waited for long enough."""
        return id_ in self._undecided_since and self._now >= self._give_up_at(id_)

    def _give_up_at(self, id_: str) -> float:
        return self._undecided_since[id_][0] + self._policy.undecided_timeout

    def _stays_quiet(self) -> Generator[Sequence[Request], Answers, bool]:
        """Whether a listing that showed nothing is confirmed: by the jobs' own states, and by another listing."""
        empty_at = self._now
        yield from self._look_at_ends()
        if self.report.left:
            return False
        if self._policy.quiet_period:
            due = empty_at + self._policy.quiet_period
            if due > self._policy.timeout:
                raise self._error(TeardownTimeout, self._unconfirmed())
            yield from self._wait(max(due - self._now, FASTEST_POLL))
            yield from self._list()
            if not self._nothing_left():
                return False
            yield from self._look_at_ends()
        return self._nothing_left()

    def _look_at_ends(self) -> Script:
        """Learn how jobs ended that are no longer listed; what still is in flight counts as such again."""
        ended = [record for record in self.report.records.values() if record.ended_at is not None and not record.looked]
        if not ended:
            return
        answers = yield [Look(tuple(record.now for record in ended))]
        self._take(answers)
        for request, value in answers.values:
            # How a job ended is worth knowing and not worth failing for: the listing has shown that it did.
            if not isinstance(request, Look) or not isinstance(value, Mapping):
                continue
            for record in ended:
                if record.before.id not in value:
                    continue
                record.looked = True
                now = value[record.before.id]
                if now is None:
                    record.vanished = True
                    continue
                record.shown(now)
                if now.in_flight:
                    # Also by an older answer: that it has ended is not sure then.
                    record.ended_at, record.looked = None, False

    def _stop(self) -> Script:
        """Send every stop request that is due, before the next look at any state."""
        if due := self._due_stops():
            self._take_stops((yield due))

    def _due_stops(self) -> list[Request]:
        """Return the stop requests that are due now, noted as sent."""
        policy = self._policy
        if policy.mode is not Mode.CANCEL or self._now < policy.grace_period:
            return []
        due = [
            record
            for record in self.report.left
            if record.wants_stop(self._now)
            and record.before.id not in self.report.undecided
            # Not again before its state was looked at again.
            and (record.asked_at is None or record.asked_at < self._list_began)
        ]
        for record in due:
            record.asked(self._now)
            self._changed_at = self._now
        return [Stop(record.now) for record in due]

    def _take_stops(self, answers: Answers) -> None:
        for request in answers.unsent:
            if isinstance(request, Stop):
                self.report.records[request.job.id].not_sent()
        self._take(answers)

    def _take(self, answers: Answers) -> None:
        self._now = answers.now
        for request, value in answers.values:
            if isinstance(value, Throttled) and value.retry_after is not None:
                self._not_before = max(self._not_before, self._now + min(value.retry_after, LONGEST_WAIT))
            if not isinstance(request, Stop):
                continue
            record = self.report.records[request.job.id]
            if isinstance(value, ServiceError):
                record.last_error = value
            elif isinstance(value, JobState) and value.in_flight:
                record.now = replace(record.now, state=value)
        self.report.elapsed = self._now

    def _wait(self, seconds: float) -> Script:
        self._check_time()
        seconds = max(seconds, self._not_before - self._now, 0.0)
        left = self._policy.timeout - self._now
        self._take((yield [Wait(min(seconds, left))]))
        if seconds >= left:
            # By a clock's last digit it may not be quite over; there is time for nothing in any case.
            raise self._error(TeardownTimeout, self._out_of_time())
        self._check_time()

    def _wait_for_the_last(self) -> Script:
        """Hold back a listing that takes long until the job that was asked last has ended, for its own time at most.

        One that begins just before shows that job in flight, and is all for nothing; one job is a small thing to ask.
        """
        asked = [record for record in self.report.left if record.asks and not record.last_error]
        given = self._policy.poll_interval is not None
        if self._list_took <= FASTEST_POLL or given or self._may_not_look or not asked:
            return
        last = max(reversed(asked), key=lambda record: record.asked_at or 0.0).before.id
        until = self._now + self._list_took
        while self._now < until:
            answers = yield [Look((self.report.records[last].now,))]
            self._take(answers)
            value = next((value for _, value in answers.values), None)
            job = value.get(last) if isinstance(value, Mapping) else None
            if job is not None and not job.in_flight:
                # A listing of a node that is behind may still show it.
                record = self.report.records[last]
                record.shown(job)
                record.ended_at = self._changed_at = self._now
                record.looked = True
            if job is None or not job.in_flight:
                # Not every permission to look is one that a guard must have: it is not asked for in vain each time.
                self._may_not_look = isinstance(value, ServiceError) and not isinstance(value, (Transient, Throttled))
                if self._not_before > self._now:
                    yield from self._wait(0.0)
                return
            yield from self._wait(max(FASTEST_POLL, self._list_took / 10))

    def _pause(self) -> float:
        """Seconds until the next listing. Intervals are from one's beginning to the next."""
        interval = self._policy.poll_interval
        if interval is None:
            interval = min((self._now - self._changed_at) / 8, SLOWEST_POLL)
        since = self._now - self._list_began
        # Never more than half of the time listing: others have the same quota.
        pause = max(interval - since, self._list_took)
        if self._policy.mode is Mode.CANCEL and self._now < self._policy.grace_period:
            pause = min(pause, self._policy.grace_period - self._now)
        give_up = [self._give_up_at(id_) - self._now for id_ in self._undecided_since.keys() & self.report.undecided]
        pause = min([pause, *(due for due in give_up if due > 0)])
        return max(pause, FASTEST_POLL - since)

    def _check_time(self) -> None:
        if self._now >= self._policy.timeout:
            raise self._error(TeardownTimeout, self._out_of_time())

    def _refuse_denied(self) -> None:
        # Only after the listing that came after the request: a job that ended meanwhile needs no permission.
        for record in self.report.left:
            if isinstance(record.last_error, Denied) and record.now.state is not JobState.STOPPING:
                happened = f"{record.last_error} Still in flight: {_names(self.report.left)}."
                advice = f"{_NOTHING_TAKEN} Add the permission and run the same command again."
                raise self._error(CannotTell, (happened, advice))

    def _error(self, kind: type[TeardownError], said: tuple[str, str]) -> TeardownError:
        """Return an error that says what happened, and what to do in a Pulumi operation."""
        happened, advice = said
        return kind(happened, self.report, advice=advice)

    def _refusal(self) -> tuple[str, str]:
        left = self.report.left
        return (
            f'{counted(len(left), "job is", "jobs are")} in flight and on_delete is "fail": {self._named(left)}.',
            "Nothing was stopped or taken away. Let them end, or set TRANSLATION_JOB_GUARD_ON_DELETE=cancel (or drain) "
            "for one run, and run the same command again.",
        )

    def _cannot_tell(self, error: ServiceError) -> tuple[str, str]:
        return (
            f"What is in flight in {self.report.place} cannot be determined: {error}",
            f"{_NOTHING_TAKEN} Correct this and run the same command again. If the account is gone for good, "
            f"TRANSLATION_JOB_GUARD_ON_DELETE=ignore goes on without looking. {_RUNBOOK}",
        )

    def _unconfirmed(self) -> tuple[str, str]:
        return (
            f"{format_duration(self._policy.timeout)} (timeout) passed before it was confirmed that nothing is in "
            "flight.",
            "Run the same command again, which goes on from here.",
        )

    def _not_decided(self) -> tuple[str, str]:
        waited = format_duration(self._policy.undecided_timeout)
        because = f" (last error: {self._locate_error})" if self._locate_error else ""
        return (
            f"{self._undecided_named()}. The guard waited {waited} (undecided_timeout) for their documents after "
            f"everything in scope had ended{because}.",
            f"{_NOTHING_TAKEN} Narrow the scope with source_container_urls or translation_ids, run the same command "
            "again, or leave these batches for one run with TRANSLATION_JOB_GUARD_UNDECIDED=leave. "
            f"{_RUNBOOK}",
        )

    def _undecided_named(self) -> str:
        undecided = self.report.undecided.values()
        batches = counted(len(undecided), "batch is", "batches are")
        return (
            f"{batches} in flight of which the service does not tell yet whether "
            f"{'it is' if len(undecided) == 1 else 'they are'} in scope (undecided): {named(undecided)}"
        )

    def _out_of_time(self) -> tuple[str, str]:
        left, undecided = self.report.left, self.report.undecided
        unlisted = not self._listings or self._list_error is not None
        if not (left or undecided or unlisted):
            return self._unconfirmed()
        says = [f"{format_duration(self._policy.timeout)} (timeout) passed"]
        if left:
            says.append(f"and {counted(len(left), 'job is', 'jobs are')} still in flight: {self._named(left)}")
            unasked = sum(not record.asks and record.now.state is not JobState.STOPPING for record in left)
            if unasked and self._policy.mode is Mode.CANCEL:
                says.append(f"({unasked} of them could not be asked to stop in time)")
            late = [record for record in self.report.records.values() if record.came_late]
            if late:
                says.append(
                    f"({len(late)} came in after the start: {_names(late)}; something still submits, stop that first)"
                )
        if undecided:
            says.append(f"and {self._undecided_named()}")
        if unlisted:
            says.append(f"and what is in flight could not be listed: {self._list_error or 'no answer came in time'}")
        leave = ", TRANSLATION_JOB_GUARD_UNDECIDED=leave to leave undecided batches" if undecided else ""
        return (
            f"{' '.join(says).rstrip('.')}.",
            f"{_NOTHING_TAKEN} Run the same command again, which goes on from here; or for one run set "
            "TRANSLATION_JOB_GUARD_TIMEOUT=1h to wait longer, TRANSLATION_JOB_GUARD_ON_DELETE=drain to let the "
            "jobs end by themselves, or TRANSLATION_JOB_GUARD_ON_DELETE=ignore to go on without them (they keep "
            f"running and costing money, and fail or write into what is being deleted){leave}. {_RUNBOOK}",
        )

    def _named(self, records: Sequence[Record]) -> str:
        """Name jobs with how long they have been in flight and how often they were asked to stop."""
        now = self.report.started + timedelta(seconds=self._now)
        return ", ".join(_described(record, now) for record in records[:_NAMED_AT_MOST]) + (
            f" and {len(records) - _NAMED_AT_MOST} more" if len(records) > _NAMED_AT_MOST else ""
        )


_NAMED_AT_MOST = 10
_NOTHING_TAKEN = "Nothing they need was taken away."
_RUNBOOK = "See docs/runbook.md."


def _described(record: Record, now: datetime) -> str:
    details = []
    if record.now.submitted_at is not None:
        details.append(f"for {format_duration(max(round((now - record.now.submitted_at).total_seconds()), 0))}")
    if record.asks:
        details.append(f"asked {counted(record.asks, 'time', 'times')}")
    return " ".join([str(record.now), *([f"({', '.join(details)})"] if details else [])])


def _names(records: Iterable[Record]) -> str:
    return named(record.now for record in records)
