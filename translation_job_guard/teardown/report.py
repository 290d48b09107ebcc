"""What a teardown is told to do, and what it did: options, one record for each job, the report."""

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
    """How a teardown goes. All durations in seconds; ``poll_interval`` None lets the interval grow with the wait.

    ``undecided_timeout`` bounds the wait for each batch of which it is not known whether it is in scope, once
    everything in scope has ended; then the teardown fails, or goes on with ``leave_undecided``.
    """

    mode: Mode = Mode.CANCEL
    grace_period: float = 0.0
    timeout: float = 1800.0
    quiet_period: float = 3.0
    poll_interval: float | None = None
    undecided_timeout: float = 120.0
    leave_undecided: bool = False


class Ending(enum.Enum):
    """How a job's part in a teardown came out."""

    STOPPED = "stopped"
    STOPPED_BY_OTHERS = "stopped by others"
    BY_ITSELF = "ended by itself"
    VANISHED = "vanished"
    UNKNOWN = "ended, how is not known"
    IN_FLIGHT = "in flight"


@dataclass
class Record:
    """What happened to one job. Times are seconds since the teardown's start.

    ``doubted``: an older answer contradicts that it is stopping, so the stop request may have been lost. ``asked_in``:
    the states in which it was asked to stop.
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
        """How it came out, as far as is known now."""
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
        """Take what a fresh answer shows; return whether anything changed.

        The service has several nodes, and one may be behind (recorded traffic: states go backwards). What an older
        answer shows is not the job's state, but it may be right that a stop request was lost.
        """
        if self._is_older(job):
            self.doubted = self.doubted or (self.now.state is JobState.STOPPING and job.state is not JobState.STOPPING)
            return False
        changed = self.now.state is not job.state
        self.doubted = False
        self.now = job
        return changed

    def known_better(self, job: Job) -> bool:
        """Return whether the job is known to have ended, and ``job`` is an older sight of it.

        Where the service does not tell since when a job is in its state, an end is final: no job starts again.
        """
        return not self.now.in_flight and (job.changed_at is None or self._is_older(job))

    def _is_older(self, job: Job) -> bool:
        known, new = self.now.changed_at, job.changed_at
        return known is not None and new is not None and new < known

    def not_sent(self) -> None:
        """Note that the stop request did not go out after all: time ran out first."""
        self.asks -= 1
        self.asked_at, self.asked_in, self.last_error = self._before_asking


@dataclass
class Report:
    """What a teardown did, also a failed one. Counts of requests are of attempts that reached an answer or an error.

    ``undecided`` are batches in flight of which it is not known whether they are in scope. ``waited`` are the seconds
    in which the service let no request through, because there had been too many.
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
        """Note that a fresh answer shows ``job`` in flight and in scope; return whether that is news."""
        record = self.records.get(job.id)
        if record is None:
            self.records[job.id] = Record(job, job, now, came_late=came_late)
            return True
        if record.known_better(job):
            # What has ended stays so, whatever a node shows that is behind.
            return False
        news = record.shown(job) or record.ended_at is not None
        record.ended_at = None
        record.vanished = record.looked = False
        return news

    def let_go(self, job: Job) -> None:
        """Note that ``job`` is not in scope.

        In an update a batch that grows can come to be the new scope's: what it was asked before is not undone.
        """
        self.records.pop(job.id, None)

    def no_longer_listed(self, listed: Collection[str], now: float) -> bool:
        """Note that jobs which are not among the ids ``listed`` have ended; return whether that is news."""
        ended = [record for id_, record in self.records.items() if id_ not in listed and record.ended_at is None]
        for record in ended:
            record.ended_at = now
        return bool(ended)

    @property
    def left(self) -> list[Record]:
        """The jobs that are still in flight, as far as is known."""
        return [record for record in self.records.values() if record.ending is Ending.IN_FLIGHT]

    def count(self, ending: Ending) -> int:
        """How many jobs came out so."""
        return sum(record.ending is ending for record in self.records.values())

    def summary(self) -> str:
        """One line: what was stopped, what ended by itself, how long it took, and what was charged where known."""
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
