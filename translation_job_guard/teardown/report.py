"""What a teardown has to do, and what it did: its options, one record for each job, and the report."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import ServiceError
from translation_job_guard.jobs import Job, JobState, counted, named

__all__ = ["Ending", "Mode", "Occasion", "Record", "Report", "TeardownOptions"]


class Mode(enum.Enum):
    """What a guard does when it is deleted."""

    CANCEL = "cancel"
    DRAIN = "drain"
    FAIL = "fail"
    IGNORE = "ignore"


class Occasion(enum.Enum):
    """What the teardown was for."""

    DELETE = "delete"
    UPDATE = "update"
    CANCEL = "cancel"


@dataclass(frozen=True)
class TeardownOptions:
    """The options of a teardown. All durations are in seconds.

    Args:
        mode: what to do with jobs in flight.
        grace_period: how long jobs may end by themselves before they are asked to stop.
        timeout: how long the teardown may take.
        quiet_period: how long after a listing that shows nothing another one has to show the same.
        poll_interval: from one listing to the next; None lets it grow with the wait.
        undecided_timeout: how long an undecided batch is waited for, once everything in scope has ended.
        leave_undecided: whether the teardown then succeeds without it; else it fails.
    """

    mode: Mode = Mode.CANCEL
    grace_period: float = 0.0
    timeout: float = 1800.0
    quiet_period: float = 3.0
    poll_interval: float | None = None
    undecided_timeout: float = 120.0
    leave_undecided: bool = False


class Ending(enum.Enum):
    """Final outcome of one job."""

    STOPPED = "stopped"
    STOPPED_BY_OTHERS = "stopped by others"
    BY_ITSELF = "ended by itself"
    VANISHED = "vanished"
    UNKNOWN = "ended, how is not known"
    IN_FLIGHT = "in flight"


@dataclass
class Record:
    """What happened to one job. Times are seconds since the teardown's start.

    Args:
        before: the job as it was first seen.
        now: the job as it was last seen.
        seen_at: when it was first seen.
        came_late: whether it was missing in the first listing.
        asks: the number of stop requests.
        asked_at: when the last stop request went out.
        ended_at: when an answer first showed that it has ended.
        vanished: the service does not know it any more.
        looked: whether its state after its end was read.
        doubted: an older answer contradicts that it is stopping, so the stop request may have been lost.
        last_error: the error of the last stop request.
        asked_in: the states in which it was asked to stop.
    """

    before: Job
    now: Job
    seen_at: float
    came_late: bool = False
    asks: int = 0
    asked_at: float | None = None
    ended_at: float | None = None
    vanished: bool = False
    looked: bool = False
    doubted: bool = False
    last_error: ServiceError | None = None
    asked_in: frozenset[JobState] = frozenset()
    _before_asking: tuple[float | None, frozenset[JobState], ServiceError | None] = (None, frozenset(), None)

    @property
    def ending(self) -> Ending:
        """The outcome, as far as is known now."""
        if self.ended_at is None:
            return Ending.IN_FLIGHT
        if self.vanished:
            return Ending.VANISHED
        if self.now.in_flight:
            return Ending.UNKNOWN
        if self.now.state is JobState.STOPPED:
            return Ending.STOPPED if self.asks else Ending.STOPPED_BY_OTHERS
        return Ending.BY_ITSELF

    def asked(self, at: float) -> None:
        """Note that a stop request goes out."""
        self._before_asking = (self.asked_at, self.asked_in, self.last_error)
        self.asks += 1
        self.asked_at = at
        self.asked_in |= {self.now.state}
        self.last_error = None

    def shown(self, job: Job) -> bool:
        """Note what a fresh answer shows; return whether the state changed.

        The service has several nodes, and one may be behind (recorded traffic: states go backwards). An older answer
        does not show the job's state, but it may be a sign that a stop request was lost.
        """
        if self._is_older(job):
            self.doubted = self.doubted or (self.now.state is JobState.STOPPING and job.state is not JobState.STOPPING)
            return False
        changed = self.now.state is not job.state
        self.doubted = False
        self.now = job
        return changed

    def known_better(self, job: Job) -> bool:
        """Check whether the job is known to have ended, and ``job`` comes from an older answer.

        Amazon does not say since when a job has been in its state; there an end is final, because no job starts again.
        """
        return not self.now.in_flight and (job.changed_at is None or self._is_older(job))

    def _is_older(self, job: Job) -> bool:
        known, new = self.now.changed_at, job.changed_at
        return known is not None and new is not None and new < known

    def not_sent(self) -> None:
        """Take back ``asked``: time ran out before the stop request went out."""
        self.asks -= 1
        self.asked_at, self.asked_in, self.last_error = self._before_asking


@dataclass
class Report:
    """What a teardown did, successful or not.

    Args:
        service: ``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``.
        place: the region or endpoint.
        account: the account that was checked before.
        options: the options of the teardown.
        started: when it began.
        elapsed: the seconds since then.
        records: the jobs in scope, by ID.
        undecided: batches in flight of which it is not known whether they are in scope, by ID.
        requests: the number of requests that were sent, by kind.
        waited: the seconds in which the service let no request through, because there had been too many.
        quiet: whether it has ended successfully, with nothing in flight in scope.
        looked: whether a listing was read, and everything that could be decided was.
    """

    service: str
    place: str
    account: str
    options: TeardownOptions
    started: datetime
    elapsed: float = 0.0
    records: dict[str, Record] = field(default_factory=dict)
    undecided: dict[str, Job] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    waited: float = 0.0
    quiet: bool = False
    looked: bool = False

    def sight(self, job: Job, now: float, *, came_late: bool) -> bool:
        """Note that a fresh listing shows a job in flight and in scope; return whether that is news."""
        record = self.records.get(job.id)
        if record is None:
            self.records[job.id] = Record(job, job, now, came_late=came_late)
            return True
        if record.known_better(job):
            # It has ended, whatever a node shows that is behind.
            return False
        news = record.shown(job) or record.ended_at is not None
        record.ended_at = None
        record.vanished = record.looked = False
        return news

    def let_go(self, job: Job) -> None:
        """Note that a job is not in scope.

        In an update, a batch that grows may turn out to be in the new scope. Earlier stop requests are not undone.
        """
        self.records.pop(job.id, None)

    def no_longer_listed(self, listed: Collection[str], now: float) -> bool:
        """Note that all jobs but those with the ``listed`` IDs have ended; return whether that is news."""
        ended = [record for id_, record in self.records.items() if id_ not in listed and record.ended_at is None]
        for record in ended:
            record.ended_at = now
        return bool(ended)

    @property
    def left(self) -> list[Record]:
        """The jobs that are still in flight, as far as is known."""
        return [record for record in self.records.values() if record.ending is Ending.IN_FLIGHT]

    def count(self, ending: Ending) -> int:
        """Return the number of jobs with an outcome."""
        return sum(record.ending is ending for record in self.records.values())

    def summary(self) -> str:
        """Return one line: what was stopped, what ended by itself, the time, and the charges where they are known."""
        parts = [
            f"{self.count(ending)} {ending.value}"
            for ending in Ending
            if ending is not Ending.IN_FLIGHT and self.count(ending)
        ]
        already = sum(
            record.before.state is JobState.STOPPING and record.ending is Ending.STOPPED_BY_OTHERS
            for record in self.records.values()
        )
        if already:
            parts.append(f"{already} of them found stopping already")
        if self.left:
            parts.append(f"{len(self.left)} still in flight")
        text = ", ".join(parts) if parts else "nothing was in flight"
        charged = [record.now.characters_charged for record in self.records.values()]
        known = [characters for characters in charged if characters is not None]
        if known:
            finished = sum(
                record.now.documents.succeeded for record in self.records.values() if record.now.documents is not None
            )
            text += f"; {counted(finished, 'document', 'documents')} finished"
            text += f", {counted(sum(known), 'character', 'characters')} charged as far as known"
        if self.undecided and self.quiet:
            text += f"; left undecided, in scope or not: {named(self.undecided.values())}"
        return f"{text}; {format_duration(self.elapsed)}"
