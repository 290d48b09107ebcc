"""Decide how to stop what is in flight in a scope, and when it is quiet: a state machine without I/O.

Its script yields batches of requests and receives their answers; ``runner.run`` sends them. The package's docstring
explains the rules. When a job is asked to stop again: ``schedule.stop_is_due``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from translation_job_guard.errors import Denied, JobNotFound, Rejected, ServiceError, Throttled, Transient
from translation_job_guard.jobs import Coverage, Job, JobState
from translation_job_guard.services.reading import LONGEST_WAIT
from translation_job_guard.teardown import messages
from translation_job_guard.teardown.failures import CannotTell, TeardownError
from translation_job_guard.teardown.observations import Observations, Patience
from translation_job_guard.teardown.report import Mode, Report, TeardownOptions
from translation_job_guard.teardown.schedule import FASTEST_POLL, SLOWEST_POLL, next_poll, stop_is_due

__all__ = ["Answers", "List", "Locate", "Look", "Request", "Script", "Stop", "Teardown", "Value", "Wait"]

LOCATE_AT_ONCE = 128
"""Batches whose documents are read before the next stop requests go out, and are in memory at the same time."""


# Requests of the script, and their answers.


@dataclass(frozen=True)
class List:
    """List what is in flight."""


@dataclass(frozen=True)
class Locate:
    """Read what a job reads and writes."""

    job: Job


@dataclass(frozen=True)
class Stop:
    """Ask a job to stop."""

    job: Job


@dataclass(frozen=True)
class Look:
    """Read the present state of jobs that are no longer listed."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Wait:
    """Let time pass."""

    seconds: float


Request: TypeAlias = "List | Locate | Stop | Look | Wait"
Value: TypeAlias = "Sequence[Job] | Job | JobState | Mapping[str, Job | None] | ServiceError | None"


@dataclass(frozen=True)
class Answers:
    """The answers to a batch of requests.

    Args:
        now: the seconds since the start of the teardown.
        values: each request with its answer or error, in any order. A request that was not answered in time is missing.
        unsent: the missing requests that did not even go out.
    """

    now: float
    values: Sequence[tuple[Request, Value]]
    unsent: Sequence[Request] = ()


Script: TypeAlias = "Generator[Sequence[Request], Answers, None]"


class Teardown:
    """The decisions of one teardown.

    Args:
        covers: returns whether a job is in scope. Nothing else decides what may be stopped.
        options: mode and durations.
        report: filled in on the way; the time that has elapsed in it counts.
    """

    def __init__(self, covers: Callable[[Job], Coverage], options: TeardownOptions, report: Report) -> None:
        self.report = report
        self._options = options
        self._now = self._changed_at = report.elapsed
        self._listings = 0
        self._list_began = 0.0
        self._list_took = 0.0
        self._observations = Observations(covers)
        self._patience = Patience(options.undecided_timeout)
        self._list_error: ServiceError | None = None
        self._locate_error: ServiceError | None = None
        self._not_before = 0.0
        self._may_not_look = False

    def script(self) -> Script:
        """Yield batches of requests and receive their answers, until quiet.

        Raises:
            TeardownError: it did not reach quiet.
        """
        options = self._options
        if options.mode is Mode.IGNORE:
            yield from self._ignore()
            return
        while True:
            yield from self._list()
            if self._nothing_left() and (yield from self._stays_quiet()):
                self.report.quiet = True
                return
            if options.mode is Mode.FAIL and self.report.left:
                raise messages.refused(self.report)
            yield from self._stop()
            yield from self._wait(self._pause())
            yield from self._wait_for_the_last()

    def _ignore(self) -> Script:
        # The way out when an account is gone: list once, and succeed in any case.
        answers = yield [List()]
        self._take(answers)
        for request, value in answers.values:
            if isinstance(request, List) and not isinstance(value, ServiceError):
                undecided = self._take_listing(value)
                with contextlib.suppress(CannotTell):
                    yield from self._locate(undecided)
                self.report.looked = True

    def _list(self) -> Script:
        """List, and decide whether each job is in scope. Transient errors are retried until the timeout."""
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
                    raise messages.cannot_tell(self.report, value)
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
        """Read the documents of undecided batches, some at a time, and send the stop requests that are due beside them.

        A neighbour may have hundreds of batches, and their documents are read at the pace of the service. Jobs that are
        known to be in scope do not wait for that: a short timeout could end before any stop request went out.
        """
        self._locate_error = None
        for start in range(0, len(undecided), LOCATE_AT_ONCE):
            part = undecided[start : start + LOCATE_AT_ONCE]
            answers = yield [*self._due_stops(), *map(Locate, part)]
            self._take_stops(answers)
            self._take_located(answers)

    def _take_listing(self, value: Value) -> list[Job]:
        """Note which listed jobs are in scope; return those whose documents have to be read first."""
        assert isinstance(value, Sequence)
        self._listings += 1
        # A job that is listed twice counts once; the later entry is the newer one.
        listed = {job.id: self._observations.completed(job) for job in value if job.in_flight}
        undecided: list[Job] = []
        for job in listed.values():
            decision = self._observations.decide(job)
            if decision is Coverage.UNKNOWN:
                undecided.append(job)
            else:
                self._take_decided(job, decision)
        if self.report.no_longer_listed(listed, self._now):
            self._changed_at = self._now
        self.report.undecided = {job.id: job for job in undecided}
        return undecided

    def _take_located(self, answers: Answers) -> None:
        open_ = self.report.undecided
        for request, value in answers.values:
            if not isinstance(request, Locate):
                continue
            if isinstance(value, ServiceError):
                # A listed batch that is not found has gone or is too new: the next listing shows which.
                # A batch whose documents are refused stays undecided: it must not keep the others from being stopped.
                if not isinstance(value, (Transient, Throttled, JobNotFound, Rejected)):
                    raise messages.cannot_tell(self.report, value)
                self._locate_error = value
            elif isinstance(value, Job):
                decision = self._observations.decide_located(value)
                if decision is not Coverage.UNKNOWN:
                    del open_[value.id]
                    self._take_decided(value, decision)

    def _take_decided(self, job: Job, decision: Coverage) -> None:
        if decision is Coverage.OUTSIDE:
            self.report.let_go(job)
        elif self.report.sight(job, self._now, came_late=self._listings > 1):
            self._changed_at = self._now

    def _nothing_left(self) -> bool:
        return not self.report.left and all(self._patience.is_over(id_, self._now) for id_ in self.report.undecided)

    def _time_undecided(self) -> None:
        """Begin to wait for undecided batches once everything in scope has ended."""
        if self.report.left:
            self._patience.since.clear()
        elif self._patience.note(self.report.undecided, self._observations.documents, self._now):
            self._changed_at = self._now

    def _refuse_undecided(self) -> None:
        """Fail once the wait for every undecided batch is over, unless they may be left."""
        if self.report.undecided and not self._options.leave_undecided and self._nothing_left():
            raise messages.undecided(self.report, self._locate_error)

    def _stays_quiet(self) -> Generator[Sequence[Request], Answers, bool]:
        """Check a listing that showed nothing, by the jobs' own states and by another listing."""
        empty_at = self._now
        yield from self._look_at_ends()
        if self.report.left:
            return False
        if self._options.quiet_period:
            due = empty_at + self._options.quiet_period
            if due > self._options.timeout:
                raise messages.unconfirmed(self.report)
            yield from self._wait(max(due - self._now, FASTEST_POLL))
            yield from self._list()
            if not self._nothing_left():
                return False
            yield from self._look_at_ends()
        return self._nothing_left()

    def _look_at_ends(self) -> Script:
        """Read how jobs ended that are no longer listed; those that are still in flight count as such again."""
        ended = [record for record in self.report.records.values() if record.ended_at is not None and not record.looked]
        if not ended:
            return
        answers = yield [Look(tuple(record.now for record in ended))]
        self._take(answers)
        for request, value in answers.values:
            # Not knowing how a job ended is not worth a failure: the listing has shown that it did.
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
                    # Even an older answer counts: it is not certain then that the job has ended.
                    record.ended_at, record.looked = None, False

    def _stop(self) -> Script:
        """Send every due stop request before polling."""
        if due := self._due_stops():
            self._take_stops((yield due))

    def _due_stops(self) -> list[Request]:
        """Return the stop requests that are due now, and note them as sent; ``schedule`` says when they are due."""
        options = self._options
        if options.mode is not Mode.CANCEL or self._now < options.grace_period:
            return []
        due = [
            record
            for record in self.report.left
            if stop_is_due(record, self._now)
            and record.before.id not in self.report.undecided
            # Not again before another listing has shown its state.
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
        left = self._options.timeout - self._now
        self._take((yield [Wait(min(seconds, left))]))
        if seconds >= left:
            # By the last digit of a float the timeout may not be reached yet, but there is no time left for anything.
            raise self._out_of_time()
        self._check_time()

    def _wait_for_the_last(self) -> Script:
        """Delay a long listing until the job that was asked last has ended, at most for as long as a listing takes.

        A listing that begins just before that end still shows the job in flight, and was in vain. To ask for the state
        of one job costs little.
        """
        asked = [record for record in self.report.left if record.asks and not record.last_error]
        given = self._options.poll_interval is not None
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
                # A listing may still show it, from a node that is behind.
                record = self.report.records[last]
                record.shown(job)
                record.ended_at = self._changed_at = self._now
                record.looked = True
            if job is None or not job.in_flight:
                # A guard works without the permission to look; without it, do not ask again.
                self._may_not_look = isinstance(value, ServiceError) and not isinstance(value, (Transient, Throttled))
                if self._not_before > self._now:
                    yield from self._wait(0.0)
                return
            yield from self._wait(max(FASTEST_POLL, self._list_took / 10))

    def _pause(self) -> float:
        """Return the seconds until the next listing. Intervals count from the beginning of one to the next."""
        interval = next_poll(self._options.poll_interval, self._now - self._changed_at)
        since = self._now - self._list_began
        # Never more than half of the time listing: others have the same quota.
        pause = max(interval - since, self._list_took)
        if self._options.mode is Mode.CANCEL and self._now < self._options.grace_period:
            pause = min(pause, self._options.grace_period - self._now)
        pause = min([pause, *self._patience.left(self.report.undecided, self._now)])
        return max(pause, FASTEST_POLL - since)

    def _check_time(self) -> None:
        if self._now >= self._options.timeout:
            raise self._out_of_time()

    def _refuse_denied(self) -> None:
        # Only after a listing that came after the request: a job that ended meanwhile needs no permission.
        for record in self.report.left:
            if isinstance(record.last_error, Denied) and record.now.state is not JobState.STOPPING:
                raise messages.denied(self.report, record.last_error)

    def _out_of_time(self) -> TeardownError:
        return messages.out_of_time(self.report, listed=self._listings > 0, error=self._list_error)
