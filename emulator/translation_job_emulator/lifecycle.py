"""What the jobs of both services have in common: they are queued, run, stop and end.

The services differ in the names of the states, in what a job needs, and in HTTP. That is in their own modules.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from translation_job_emulator.clock import Timeline, in_microseconds
from translation_job_emulator.settings import Settings

PlaceName = tuple[str, str]
"""Account and region at AWS; resource name and an empty text at Azure."""

Key = tuple[float, int]
"""The position of a job in the order of submission: its time, and a number for jobs with the same time."""


@dataclasses.dataclass(frozen=True)
class States:
    """A service's names for the states of its jobs."""

    queued: str
    running: str
    stopping: str
    stopped: str
    succeeded: str
    ended: frozenset[str]

    @property
    def in_flight(self) -> tuple[str, str, str]:
        """Return the states of jobs that have not ended, in the order in which a job goes through them."""
        return (self.queued, self.running, self.stopping)

    def __contains__(self, state: object) -> bool:
        return state in self.ended or state in self.in_flight


@dataclasses.dataclass
class Job:
    """What jobs of both services have in common. Times are seconds since the epoch."""

    id: str
    place: PlaceName
    state: str
    submitted: float
    sequence: int
    updated: float = 0.0
    ready: float = 0.0
    started: float | None = None
    stop_requested: float | None = None
    ended: float | None = None
    message: str | None = None
    run_time: float | None = None
    stop_latency: float | None = None
    outcome: str | None = None
    """The state that the job ends in by itself; None for success."""
    wins_race: bool = False
    """Whether it succeeds although it was asked to stop."""
    visible: float = 0.0
    """From when on listings show it."""
    moves: int = 0
    """The number of changes of state, so that what was due in an earlier state is dropped."""

    @property
    def key(self) -> Key:
        """Return where the job is in the order of submission."""
        return (self.submitted, self.sequence)


J = TypeVar("J", bound=Job)


class Place(Generic[J]):
    """The jobs of one account and region, or of one resource, in the order of submission and by state."""

    def __init__(self) -> None:
        self.jobs: dict[str, J] = {}
        self.holding: set[str] = set()
        """Ids of the jobs that count as running."""
        self._by_key: dict[Key, J] = {}
        self._keys: list[Key] = []
        self._keys_by_state: dict[str, list[Key]] = {}

    def add(self, job: J) -> None:
        """Add a job in its state."""
        self.jobs[job.id] = job
        self._by_key[job.key] = job
        insort(self._keys, job.key)
        insort(self._keys_by_state.setdefault(job.state, []), job.key)

    def remove(self, job: J) -> None:
        """Remove a job."""
        del self.jobs[job.id], self._by_key[job.key]
        self.holding.discard(job.id)
        _drop(self._keys, job.key)
        _drop(self._keys_by_state[job.state], job.key)

    def move(self, job: J, state: str) -> None:
        """Move a job to another state."""
        _drop(self._keys_by_state[job.state], job.key)
        job.state = state
        insort(self._keys_by_state.setdefault(state, []), job.key)

    def count(self, state: str) -> int:
        """Return the number of jobs in a state."""
        return len(self._keys_by_state.get(state, ()))

    def first_ready(self, state: str, now: float) -> J | None:
        """Return the oldest job in a state that is ready, or None. A job that is not ready does not delay others."""
        jobs = (self._by_key[key] for key in self._keys_by_state.get(state, ()))
        return next((job for job in jobs if job.ready <= now), None)

    def listing(
        self, states: Iterable[str] | None = None, *, newest_first: bool = True, after: Key | None = None
    ) -> Iterator[J]:
        """Return jobs in the order of submission.

        It is lazy: a page costs what it shows, not what there is.

        Args:
            states: only jobs in these states; None for all.
            newest_first: the direction.
            after: the key of the last job of the page before.
        """
        orders = [self._keys] if states is None else [self._keys_by_state.get(state, []) for state in set(states)]
        merged = heapq.merge(*(_slice(keys, newest_first, after) for keys in orders), reverse=newest_first)
        return (self._by_key[key] for key in merged)


class Lifecycle(Generic[J]):
    """Moves jobs of one service through their states as the timeline says."""

    states: States

    def __init__(self, timeline: Timeline, settings: Settings, changed: Callable[[], None]) -> None:
        self.timeline = timeline
        self.settings = settings
        self._changed = changed
        self._places: dict[PlaceName, Place[J]] = {}
        self._sequence = itertools.count(1)

    # Jobs and places

    def place(self, name: PlaceName) -> Place[J]:
        """Return the jobs of a place."""
        found = self._places.get(name)
        if found is None:
            found = self._places[name] = Place()
        return found

    def jobs(self) -> Iterator[J]:
        """Return the jobs of all places."""
        return (job for place in self._places.values() for job in place.jobs.values())

    def find(self, job_id: str) -> J | None:
        """Return a job by its ID, or None."""
        return next((place.jobs[job_id] for place in self._places.values() if job_id in place.jobs), None)

    def clear(self) -> None:
        """Forget all jobs."""
        self._places.clear()

    # For clients and tests

    def next_sequence(self) -> int:
        """Return a number for a new job."""
        return next(self._sequence)

    def enter(self, job: J) -> None:
        """Add a new job, in whatever state it is."""
        self.place(job.place).add(job)
        job.updated = max(job.submitted, job.updated)
        if not job.ready:
            job.ready = in_microseconds(job.submitted + self.settings.start_latency)
        if not job.visible:
            job.visible = in_microseconds(job.submitted + self.settings.listing_delay)
        self._arrived(job)
        self._changed()

    def put(self, job: J, state: str) -> None:
        """Move a job to a state now. It goes on from there like other jobs in that state."""
        if job.state in self.states.ended and state not in self.states.ended:
            job.started = job.stop_requested = job.ended = None
            job.wins_race = False
        self.place(job.place).move(job, state)
        job.updated = self.timeline.now
        job.moves += 1
        self._arrived(job)
        self._changed()

    def discard(self, job: J) -> None:
        """Remove a job."""
        self.place(job.place).remove(job)
        job.moves += 1
        self._fill(job.place)
        self._changed()

    def stop(self, job: J) -> None:
        """Ask a job to stop."""
        job.stop_requested = self.timeline.now
        self.put(job, self.states.stopping)

    # For the services to override

    def slots(self) -> int | None:
        """Return how many jobs of a place may run at once; None for any number."""
        raise NotImplementedError

    def on_start(self, job: J) -> None:
        """Do what the service does when a job begins to run."""

    # The transitions

    def _arrived(self, job: J) -> None:
        now, states, place = self.timeline.now, self.states, self.place(job.place)
        if job.state == states.queued:
            place.holding.discard(job.id)
            job.started = job.stop_requested = None
            self._later(job, max(job.ready, now), lambda: self._fill(job.place))
            if job.ready <= now:
                self._fill(job.place)
        elif job.state == states.running:
            place.holding.add(job.id)
            job.stop_requested = None
            job.started = job.started if job.started is not None else now
            self._later(job, self.end_by_itself(job), lambda: self.put(job, job.outcome or states.succeeded))
            self.on_start(job)
        elif job.state == states.stopping:
            job.stop_requested = job.stop_requested if job.stop_requested is not None else now
            latency = self.settings.stop_latency if job.stop_latency is None else job.stop_latency
            stopped, itself = job.stop_requested + latency, self.end_by_itself(job)
            if job.wins_race or (job.started is not None and itself <= stopped):
                self._later(job, min(stopped, itself), lambda: self.put(job, job.outcome or states.succeeded))
            else:
                self._later(job, stopped, lambda: self.put(job, states.stopped))
        else:
            place.holding.discard(job.id)
            job.ended = job.ended if job.ended is not None else now
            self._fill(job.place)

    def end_by_itself(self, job: J) -> float:
        """Return when a job ends if nobody stops it."""
        run_time = self.settings.run_time if job.run_time is None else job.run_time
        return (self.timeline.now if job.started is None else job.started) + run_time

    def _fill(self, name: PlaceName) -> None:
        place, slots = self.place(name), self.slots()
        while slots is None or len(place.holding) < slots:
            waiting = place.first_ready(self.states.queued, self.timeline.now)
            if waiting is None:
                return
            self.put(waiting, self.states.running)

    def _later(self, job: J, when: float, action: Callable[[], None]) -> None:
        moves = job.moves

        def act() -> None:
            if job.moves == moves:
                action()

        self.timeline.at(when, act)


def _drop(keys: list[Key], key: Key) -> None:
    at = bisect_left(keys, key)
    if at < len(keys) and keys[at] == key:
        del keys[at]


def _slice(keys: list[Key], newest_first: bool, after: Key | None) -> Iterator[Key]:
    if newest_first:
        end = len(keys) if after is None else bisect_left(keys, after)
        return (keys[at] for at in range(end - 1, -1, -1))
    start = 0 if after is None else bisect_right(keys, after)
    return (keys[at] for at in range(start, len(keys)))
