"""A clock that moves only when something sleeps, and jobs and rate limits that follow it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from translation_job_guard.errors import JobNotFound, Rejected, Throttled
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, DocumentRow, JobState

__all__ = ["Bucket", "SimulatedClock", "SimulatedJob"]


class SimulatedClock:
    """Seconds that pass only when something sleeps. Starts at 0."""

    def __init__(self) -> None:
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Return the seconds since the start."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass; what was planned for them happens."""
        until = self._now + seconds
        while self._events and self._events[0][0] <= until:
            at, _, action = heapq.heappop(self._events)
            self._now = max(self._now, at)
            action()
        # An action may have slept itself.
        self._now = max(self._now, until)

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan what somebody else does in the middle of a teardown.

        Args:
            seconds: when, since the clock's start.
            action: what to do then.
        """
        heapq.heappush(self._events, (seconds, next(self._order), action))


@dataclass(eq=False)
class SimulatedJob:
    """A job whose states follow the clock: queued, running, ended, or stopped before that.

    Args:
        service: ``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``.
        id: the service's ID of it.
        name: Amazon Translate's JobName.
        role_arn: Amazon Translate's DataAccessRoleArn.
        locations: S3 URIs of an Amazon job; the URLs of the documents that an Azure batch reads.
        submitted_at: when it is submitted, in seconds on the clock; it may be in the future.
        queued_for: seconds that it waits before it runs.
        runs_for: seconds that it runs if nobody stops it.
        ends_as: its state after that.
        stop_takes: seconds from a stop request that takes effect to the end.
        ignores_stops: the number of stop requests that are accepted and have no effect.
        stoppable_while_queued: whether a stop request is accepted before it runs; if not, it is refused.
        stop_loses_race: it ends by itself (``ends_as``) although a stop request was accepted.
        listed_after: seconds after its submission until listings show it.
        hidden: from when until when (on the clock) listings leave it out, although it is in flight.
        located_after: for each location, seconds after submission until the service lists the document that reads it
            (Azure; by default 0).
        vanishes_at: when the service forgets it, in seconds on the clock.
        counted_after: seconds after submission until the service has counted the documents (Azure); before that their
            total is 0. None: the total grows with the documents that are listed.
        targets: for each location, the URL that its document writes (Azure); without one, only the location is known.
        targets_after: seconds after submission until the service shows the targets.
    """

    service: str
    id: str
    name: str | None
    role_arn: str | None
    locations: Sequence[str]
    submitted_at: float = 0.0
    queued_for: float = 0.0
    runs_for: float = 3600.0
    ends_as: JobState = JobState.SUCCEEDED
    stop_takes: float = 2.0
    ignores_stops: int = 0
    stoppable_while_queued: bool = True
    stop_loses_race: bool = False
    listed_after: float = 0.0
    hidden: tuple[float, float] | None = None
    located_after: Sequence[float] = ()
    vanishes_at: float | None = None
    counted_after: float | None = None
    targets: Sequence[str] = ()
    targets_after: float = 0.0
    stopping_at: float | None = field(default=None, init=False)

    def state(self, now: float) -> JobState | None:
        """Return its true state; None before its submission and once the service has forgotten it."""
        if now < self.submitted_at or (self.vanishes_at is not None and now >= self.vanishes_at):
            return None
        if self.stopping_at is not None and now >= self.stopping_at:
            if now < self.stopping_at + self.stop_takes:
                return JobState.STOPPING
            return self.ends_as if self.stop_loses_race else JobState.STOPPED
        if now < self.submitted_at + self.queued_for:
            return JobState.QUEUED
        return JobState.RUNNING if now < self.submitted_at + self.queued_for + self.runs_for else self.ends_as

    def in_flight(self, now: float) -> bool:
        """Check whether it has truly not ended."""
        state = self.state(now)
        return state is not None and state.in_flight

    def listed(self, now: float) -> bool:
        """Check whether a listing of this moment shows it."""
        late = now < self.submitted_at + self.listed_after
        hidden = self.hidden is not None and self.hidden[0] <= now < self.hidden[1]
        return self.in_flight(now) and not late and not hidden

    def changed_at(self, now: float) -> float:
        """Return when it came into the state that it has at ``now``."""
        runs = self.submitted_at + self.queued_for
        changes = [self.submitted_at, runs, runs + self.runs_for]
        if self.stopping_at is not None:
            changes = [at for at in changes if at < self.stopping_at]
            changes += [self.stopping_at, self.stopping_at + self.stop_takes]
        return max((at for at in changes if at <= now), default=self.submitted_at)

    def rows(self, now: float) -> tuple[DocumentRow, ...]:
        """Return the documents that the service lists."""
        age = now - self.submitted_at
        delays = itertools.chain(self.located_after, itertools.repeat(0.0))
        targets = itertools.chain(self.targets, itertools.repeat(None))
        return tuple(
            DocumentRow(source, target if age >= self.targets_after else None, ended=target is None)
            for source, target, delay in zip(self.locations, targets, delays)  # noqa: B905 - two of them are endless
            if age >= delay
        )

    def total(self, now: float) -> int:
        """Return how many documents the service has counted."""
        if self.counted_after is None:
            return len(self.rows(now))
        return len(self.locations) if now >= self.submitted_at + self.counted_after else 0

    def request_stop(self, now: float) -> None:
        """Take a stop request, whoever sends it.

        Raises:
            JobNotFound: the service does not know the job.
            Rejected: the job cannot be stopped yet, or has ended.
        """
        state = self.state(now)
        if state is None:
            raise JobNotFound(f"stop: job {self.id} does not exist.", operation="stop")
        if not state.in_flight:
            raise Rejected(f"stop: {self.id} has ended.", operation="stop")
        if state is JobState.QUEUED and not self.stoppable_while_queued:
            raise Rejected(f"stop: {self.id} is not running yet.", operation="stop")
        if state is JobState.STOPPING:
            if self.service == AZURE_DOCUMENT_TRANSLATION:
                raise Rejected(f"stop: {self.id} is being cancelled.", operation="stop")
        elif self.ignores_stops:
            self.ignores_stops -= 1
        else:
            self.stopping_at = now


class Bucket:
    """Throttle requests of one kind.

    Args:
        rate: requests a second that are accepted; None for no limit.
        clock: the time that passes between requests.
    """

    def __init__(self, rate: float | None, clock: SimulatedClock) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = max(1.0, rate or 0.0)
        self._refilled_at = clock.now()

    def take(self, operation: str) -> None:
        """Take a request.

        Raises:
            Throttled: there were too many.
        """
        if self.rate is None:
            return
        now = self._clock.now()
        self._tokens = min(self._tokens + (now - self._refilled_at) * self.rate, max(1.0, self.rate))
        self._refilled_at = now
        if self._tokens < 1.0:
            raise Throttled(f"{operation}: too many requests.", operation=operation)
        self._tokens -= 1.0
