"""Both services in memory, with a clock of their own: try what a guard would do, with no cloud, no network, no waiting.

Which jobs would a teardown with this scope stop, and what would it say?

>>> from translation_job_guard.jobs import AmazonScope
>>> from translation_job_guard.testing import SimulatedService, tear_down
>>> service = SimulatedService()
>>> mine = service.add(name="pr-17-manual", runs_for=3600, stop_takes=4)
>>> theirs = service.add(name="pr-170-manual", runs_for=3600)
>>> report = tear_down(service, [AmazonScope(job_name_prefixes=("pr-17-",))])
>>> report.summary()
'1 stopped; 8 s'
>>> theirs.state(service.clock.now())
<JobState.RUNNING: 'running'>

What if the service throttles, answers are lost, and the first stop request is ignored?

>>> from translation_job_guard.errors import Throttled, Transient
>>> service = SimulatedService()
>>> stubborn = service.add(name="pr-17-manual", ignores_stops=1)
>>> service.fail("list", Throttled("Slow down.", retry_after=10))
>>> service.fail("stop", Transient("Connection reset."), took_effect=True)
>>> report = tear_down(service, [AmazonScope(job_name_prefixes=("pr-17-",))])
>>> [call.operation for call in service.calls[:3]]
['list', 'list', 'stop']
>>> report.records[stubborn.id].asks
2

With pytest, ``pytest_plugins = ["translation_job_guard.pytest_plugin"]`` in a conftest gives each test a new service.
Everything here runs in the calling thread: the clock moves when the service is called and when something sleeps.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Final, Literal, TypeAlias, TypeVar

from translation_job_guard.errors import JobNotFound, Rejected, ServiceError, Throttled
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    DocumentRow,
    Documents,
    Job,
    JobState,
    Scope,
    coverage,
)
from translation_job_guard.services import amazon, reading
from translation_job_guard.services.reading import Reads, read
from translation_job_guard.teardown import Report, TeardownOptions
from translation_job_guard.teardown.pace import Pace
from translation_job_guard.teardown.runner import Observer, run

__all__ = ["Call", "Crash", "Operation", "SimulatedClock", "SimulatedJob", "SimulatedService", "tear_down"]

Operation: TypeAlias = Literal["account", "list", "locate", "stop", "look", "prove"]

_ROLE: Final = "arn:aws:iam::123456789012:role/translate"
_AZURE_WORDS: Final[Mapping[JobState, str]] = {
    JobState.QUEUED: "NotStarted",
    JobState.RUNNING: "Running",
    JobState.STOPPING: "Cancelling",
    JobState.STOPPED: "Cancelled",
    JobState.SUCCEEDED: "Succeeded",
    JobState.SUCCEEDED_IN_PART: "Succeeded",
    JobState.FAILED: "Failed",
}
_T = TypeVar("_T")


class Crash(BaseException):
    """The process dies here. No ``Exception``, so nothing between the service and a test may swallow it."""


class SimulatedClock:
    """Seconds that pass only when something sleeps. Starts at 0."""

    def __init__(self) -> None:
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass, and with them what was planned."""
        until = self._now + seconds
        while self._events and self._events[0][0] <= until:
            at, _, action = heapq.heappop(self._events)
            self._now = max(self._now, at)
            action()
        # An action may have slept itself.
        self._now = max(self._now, until)

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan ``action``: someone else's deed in the middle of a teardown.

        Args:
            seconds: since the clock's start.
        """
        heapq.heappush(self._events, (seconds, next(self._order), action))


@dataclass(eq=False)
class SimulatedJob:
    """A job that goes its way by the clock: queued, running, ended, or stopped on the way. Durations in seconds.

    Args:
        submitted_at: on the clock; later than now makes it arrive then.
        queued_for: how long it waits before it runs.
        runs_for: how long it runs if nobody stops it.
        ends_as: how it ends then.
        stop_takes: from a stop request that takes effect to the end.
        ignores_stops: so many stop requests are answered and have no effect.
        stoppable_while_queued: whether it takes a stop request before it runs; if not, that is refused.
        stop_loses_race: it ends by itself (``ends_as``) although a stop request was accepted.
        listed_after: how long after its submission listings do not show it yet.
        hidden: from when until when (on the clock) listings leave it out, although it is in flight.
        located_after: for each location, how long after submission the service lists the document that reads it (Azure;
            by default at once).
        counted_after: how long after submission the service has counted the documents (Azure); before that their total
            is 0. None: the total grows with the documents that are listed.
        targets: for each location, the URL that its document writes (Azure); without one, only the location is known.
        targets_after: how long after submission the service tells the targets.
        vanishes_at: on the clock; from then on the service knows no such job.
    """

    service: str
    id: str
    name: str | None
    role_arn: str | None
    locations: tuple[str, ...]
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
    located_after: tuple[float, ...] = ()
    vanishes_at: float | None = None
    counted_after: float | None = None
    targets: tuple[str, ...] = ()
    targets_after: float = 0.0
    stopping_at: float | None = field(default=None, init=False)

    def state(self, now: float) -> JobState | None:
        """Its true state; None before its submission and once the service has forgotten it."""
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
        """Whether it truly has not ended."""
        state = self.state(now)
        return state is not None and state.in_flight

    def listed(self, now: float) -> bool:
        """Whether a listing of this moment shows it."""
        late = now < self.submitted_at + self.listed_after
        hidden = self.hidden is not None and self.hidden[0] <= now < self.hidden[1]
        return self.in_flight(now) and not late and not hidden

    def changed_at(self, now: float) -> float:
        """When it came into the state that it has at ``now``."""
        runs = self.submitted_at + self.queued_for
        changes = [self.submitted_at, runs, runs + self.runs_for]
        if self.stopping_at is not None:
            changes = [at for at in changes if at < self.stopping_at]
            changes += [self.stopping_at, self.stopping_at + self.stop_takes]
        return max((at for at in changes if at <= now), default=self.submitted_at)

    def rows(self, now: float) -> tuple[DocumentRow, ...]:
        """Return the documents that the service lists."""
        delays = itertools.chain(self.located_after, itertools.repeat(0.0))
        targets = itertools.chain(self.targets, itertools.repeat(None))
        told = now >= self.submitted_at + self.targets_after
        return tuple(
            DocumentRow(source, target if told else None, ended=target is None)
            for source, target, delay in zip(self.locations, targets, delays)  # noqa: B905 - two of them are endless
            if now >= self.submitted_at + delay
        )

    def total(self, now: float) -> int:
        """Return how many documents the service has counted."""
        if self.counted_after is None:
            return len(self.rows(now))
        return len(self.locations) if now >= self.submitted_at + self.counted_after else 0

    def request_stop(self, now: float) -> None:
        """What a stop request does to it, whoever sends it.

        Raises:
            JobNotFound: the service does not know it.
            Rejected: it cannot be stopped, now or any more.
        """
        state = self.state(now)
        if state is None:
            raise JobNotFound(f"stop: there is no job {self.id}.", operation="stop")
        if not state.in_flight:
            raise Rejected(f"stop: {self.id} has ended.", operation="stop")
        if state is JobState.QUEUED and not self.stoppable_while_queued:
            raise Rejected(f"stop: {self.id} does not run yet.", operation="stop")
        if state is JobState.STOPPING:
            if self.service == AZURE_DOCUMENT_TRANSLATION:
                raise Rejected(f"stop: {self.id} is being cancelled.", operation="stop")
        elif self.ignores_stops:
            self.ignores_stops -= 1
        else:
            self.stopping_at = now


@dataclass(frozen=True)
class Call:
    """One call of the service, as its log has it. Times are on the clock.

    ``asked`` are the ids that it was called with, ``answered`` the jobs that it answered, ``error`` what it raised.
    """

    operation: Operation
    asked: tuple[str, ...]
    began: float
    ended: float
    answered: tuple[Job, ...] = ()
    error: BaseException | None = None


@dataclass
class _Fault:
    operation: Operation | None
    error: BaseException
    times: int | None
    skip: int
    took_effect: bool


class _Bucket:
    """Throttles requests of one kind over a rate; None: no limit."""

    def __init__(self, rate: float | None, clock: SimulatedClock) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = max(1.0, rate or 0.0)
        self._refilled_at = clock.now()

    def take(self, operation: str) -> None:
        if self.rate is None:
            return
        now = self._clock.now()
        self._tokens = min(self._tokens + (now - self._refilled_at) * self.rate, max(1.0, self.rate))
        self._refilled_at = now
        if self._tokens < 1.0:
            raise Throttled(f"{operation}: too many requests.", operation=operation)
        self._tokens -= 1.0


class SimulatedService:
    """A ``JobService`` in memory, of either service.

    Listings are as honest as the services': Amazon Translate's states are swept one after the other, Azure's pages
    shift while batches end, and every page takes ``latency``, in which jobs move on.

    Args:
        service: ``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``.
        clock: share one to have several services in one world.
        latency: seconds that each request takes.
        page_size: jobs in one page of a listing.
        stops_per_second: stop requests over this rate are throttled; None: no limit.
        reads_per_second: the same of the requests that read the documents of batches.
        lags: for each node of the service, by how many seconds it is behind; requests go to one after the other.
    """

    def __init__(
        self,
        service: str = AMAZON_TRANSLATE,
        *,
        clock: SimulatedClock | None = None,
        latency: float = 0.05,
        page_size: int = 100,
        stops_per_second: float | None = None,
        reads_per_second: float | None = None,
        lags: Sequence[float] = (0.0,),
    ) -> None:
        self.service = service
        self.place = "eu-west-1" if service == AMAZON_TRANSLATE else "https://translator.cognitiveservices.azure.com"
        self.clock = clock or SimulatedClock()
        self.latency = latency
        self.page_size = page_size
        self.jobs: dict[str, SimulatedJob] = {}
        self.calls: list[Call] = []
        self.began = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self._faults: list[_Fault] = []
        self.lags = tuple(lags)
        self._nodes = itertools.cycle(self.lags)
        self._cached: list[tuple[float, float, float]] = []
        self._stops = _Bucket(stops_per_second, self.clock)
        self._locates = _Bucket(reads_per_second, self.clock)

    def add(
        self,
        *,
        name: str | None = None,
        role_arn: str | None = None,
        locations: Sequence[str] = (),
        submitted_at: float | None = None,
        queued_for: float = 0.0,
        runs_for: float = 3600.0,
        ends_as: JobState = JobState.SUCCEEDED,
        stop_takes: float = 2.0,
        ignores_stops: int = 0,
        stoppable_while_queued: bool = True,
        stop_loses_race: bool = False,
        listed_after: float = 0.0,
        hidden: tuple[float, float] | None = None,
        located_after: Sequence[float] = (),
        vanishes_at: float | None = None,
        counted_after: float | None = None,
        targets: Sequence[str] = (),
        targets_after: float = 0.0,
    ) -> SimulatedJob:
        """Someone starts a job, now or later; the arguments are ``SimulatedJob``'s.

        Args:
            name: Amazon Translate's JobName.
            role_arn: its DataAccessRoleArn.
            locations: its S3 URIs, or its documents' URLs at Azure.
        """
        number = len(self.jobs) + 1
        amazon_job = self.service == AMAZON_TRANSLATE
        job = SimulatedJob(
            self.service,
            f"{number:032x}" if amazon_job else f"00000000-0000-4000-8000-{number:012x}",
            name,
            role_arn or (_ROLE if amazon_job else None),
            tuple(locations),
            self.clock.now() if submitted_at is None else submitted_at,
            queued_for,
            runs_for,
            ends_as,
            stop_takes,
            ignores_stops,
            stoppable_while_queued,
            stop_loses_race,
            listed_after,
            hidden,
            tuple(located_after),
            vanishes_at,
            counted_after,
            tuple(targets),
            targets_after,
        )
        self.jobs[job.id] = job
        return job

    def fail(
        self,
        operation: Operation | None,
        error: BaseException,
        *,
        times: int | None = 1,
        skip: int = 0,
        took_effect: bool = False,
    ) -> None:
        """Order a fault: calls of ``operation`` raise ``error``.

        Args:
            operation: None for any.
            error: a ``ServiceError``, or a ``Crash``.
            times: how often; None: always.
            skip: how many calls go well before.
            took_effect: the request is carried out, and only its answer is lost.
        """
        self._faults.append(_Fault(operation, error, times, skip, took_effect))

    def mend(self) -> None:
        """Take back all faults."""
        self._faults.clear()

    @property
    def stops_per_second(self) -> float | None:
        """Stop requests over this rate are throttled; None: no limit."""
        return self._stops.rate

    @stops_per_second.setter
    def stops_per_second(self, rate: float | None) -> None:
        self._stops = _Bucket(rate, self.clock)

    def serve_from_cache(self, begin: float, end: float, age: float = 60.0) -> None:
        """Answer reads from a cache: they show what was true ``age`` seconds before, and are marked as cached.

        Args:
            begin: on the clock.
            end: on the clock.
        """
        self._cached.append((begin, end, age))

    def stop_by_others(self, job: SimulatedJob) -> None:
        """Someone else asks to stop a job; nothing of it is in the log. Fit for ``clock.at``."""
        with contextlib.suppress(ServiceError):
            job.request_stop(self.clock.now())

    # The protocol.

    def account(self, reads: Reads | None = None) -> str:  # noqa: ARG002 - one request in this world
        """See ``JobService``."""
        return self._perform("account", (), lambda: "123456789012", lambda _answer: ())

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:  # noqa: ARG002 - one request in this world
        """See ``JobService``."""
        pages = self._amazon_pages if self.service == AMAZON_TRANSLATE else self._azure_pages

        def sweep(behind: float) -> Sequence[Job]:
            # The later sight of a job is the newer one.
            jobs = {job.id: job for page in pages(behind) for job in page}
            return list(jobs.values())

        return self._perform("list", (), lambda: self._fresh(sweep), tuple)

    def locate(self, job: Job, reads: Reads | None = None) -> Job:
        """See ``JobService``."""

        def look_up() -> Job:
            if self.service == AMAZON_TRANSLATE:
                return job
            self._locates.take("locate")
            return self._fresh(lambda behind: self._located(job, behind))

        return self._perform(
            "locate",
            (job.id,),
            lambda: read(look_up, reads or Reads()),
            lambda answer: (answer,),
        )

    def stop(self, job: Job) -> JobState | None:
        """See ``JobService``."""

        def ask() -> JobState | None:
            self._stops.take("stop")
            self._known(job.id).request_stop(self.clock.now())
            # Azure's SDK returns nothing.
            return JobState.STOPPING if self.service == AMAZON_TRANSLATE else None

        return self._perform("stop", (job.id,), ask, lambda _answer: ())

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:  # noqa: ARG002
        """See ``JobService``."""

        def look_at_all(behind: float) -> Mapping[str, Job | None]:
            return {job.id: self._shown(self.jobs[job.id], behind) if job.id in self.jobs else None for job in jobs}

        return self._perform(
            "look",
            tuple(job.id for job in jobs),
            lambda: self._fresh(look_at_all),
            lambda answer: tuple(job for job in answer.values() if job is not None),
        )

    def prove(self, reads: Reads | None = None) -> None:  # noqa: ARG002
        """See ``JobService``."""
        self._perform("prove", (), lambda: None, lambda _answer: ())

    # How it is done.

    def _perform(
        self,
        operation: Operation,
        asked: tuple[str, ...],
        work: Callable[[], _T],
        answered: Callable[[_T], tuple[Job, ...]],
    ) -> _T:
        began = self.clock.now()
        fault = self._due(operation)
        jobs: tuple[Job, ...] = ()
        failure: BaseException | None = None
        try:
            self.clock.sleep(self.latency)
            if fault is not None and not fault.took_effect:
                raise fault.error
            answer = work()
            if fault is not None:
                raise fault.error
            jobs = answered(answer)
            return answer
        except BaseException as error:
            failure = error
            raise
        finally:
            self.calls.append(Call(operation, asked, began, self.clock.now(), jobs, failure))

    def _due(self, operation: Operation) -> _Fault | None:
        due: _Fault | None = None
        for fault in self._faults:
            if fault.operation not in (None, operation):
                continue
            if fault.skip:
                fault.skip -= 1
            elif due is None and fault.times != 0:
                due = fault
        if due is not None and due.times is not None:
            due.times -= 1
        return due

    def _fresh(self, ask: Callable[[float], _T]) -> _T:
        """Ask one node, again while the answer comes from a cache; ``ask`` takes how far the answer is behind."""
        first = True

        def once() -> tuple[_T, bool]:
            nonlocal first
            if not first:
                self.clock.sleep(self.latency)
            first = False
            now, node = self.clock.now(), next(self._nodes)
            ages = [age for begin, end, age in self._cached if begin <= now < end]
            return ask(max(ages, default=node)), bool(ages)

        return reading.fresh(once, "read")

    def _located(self, job: Job, behind: float) -> Job:
        at = self.clock.now() - behind
        known = self.jobs.get(job.id)
        if known is None or known.state(at) is None:
            raise JobNotFound(f"There is no job {job.id}.")
        rows = known.rows(at)
        urls = (url for row in rows for url in (row.source, row.target) if url)
        return replace(job, rows=rows, locations=tuple(dict.fromkeys(urls)))

    def _known(self, id_: str) -> SimulatedJob:
        job = self.jobs.get(id_)
        if job is None or job.state(self.clock.now()) is None:
            raise JobNotFound(f"There is no job {id_}.")
        return job

    def _amazon_pages(self, behind: float) -> Iterator[Iterable[Job]]:
        # The order of the states is the service module's: what it sweeps in another order, this misses too.
        for number, state in enumerate(state for state in amazon.STATES.values() if state.in_flight):
            after = ""
            while True:
                if number or after:
                    self.clock.sleep(self.latency)
                now = self.clock.now() - behind
                rest = sorted(
                    job.id
                    for job in self.jobs.values()
                    if job.listed(now) and job.state(now) is state and job.id > after
                )
                yield [self._shown_now(id_, behind) for id_ in rest[: self.page_size]]
                if len(rest) <= self.page_size:
                    break
                after = rest[self.page_size - 1]

    def _azure_pages(self, behind: float) -> Iterator[Iterable[Job]]:
        # Next pages go by number and shift when batches end, so the next listing starts at the last batch seen.
        seen: set[str] = set()
        since, first = float("-inf"), True
        while True:
            skip, new, more = 0, False, True
            while more and not new:
                if not first:
                    self.clock.sleep(self.latency)
                first = False
                now = self.clock.now() - behind
                listed = sorted(
                    (job.submitted_at, job.id)
                    for job in self.jobs.values()
                    if job.listed(now) and job.submitted_at >= since
                )
                page = listed[skip : skip + self.page_size]
                skip += len(page)
                more = len(listed) > skip
                new = any(id_ not in seen for _, id_ in page)
                seen |= {id_ for _, id_ in page}
                yield [self._shown_now(id_, behind) for _, id_ in page]
            if not new or not more:
                return
            since = max(self.jobs[id_].submitted_at for id_ in seen) - 1

    def _shown_now(self, id_: str, behind: float) -> Job:
        shown = self._shown(self.jobs[id_], behind)
        assert shown is not None
        return shown

    def _shown(self, job: SimulatedJob, behind: float) -> Job | None:
        now = self.clock.now() - behind
        state = job.state(now)
        if state is None:
            return None
        on_amazon = self.service == AMAZON_TRANSLATE
        words = {state: word for word, state in amazon.STATES.items()} if on_amazon else _AZURE_WORDS
        return Job(
            service=self.service,
            id=job.id,
            state=state,
            service_state=words[state],
            name=job.name if on_amazon else None,
            submitted_at=self.began + timedelta(seconds=job.submitted_at),
            role_arn=job.role_arn if on_amazon else None,
            locations=job.locations if on_amazon else (),
            changed_at=None if on_amazon else self.began + timedelta(seconds=job.changed_at(now)),
            documents=None if on_amazon else Documents(job.total(now)),
        )


def tear_down(
    service: SimulatedService,
    scopes: Sequence[Scope],
    options: TeardownOptions | None = None,
    *,
    pace: Pace | None = None,
    observe: Observer = lambda _report: None,
) -> Report:
    """The teardown of a guard with these scopes, in the service's simulated time.

    Args:
        options: mode and durations; the guard's defaults without it.
        pace: a new one by default, as in a new process.
        observe: called as the report grows.

    Raises:
        TeardownError: as a guard's deletion would.
    """
    return run(
        service,
        partial(coverage, scopes),
        options or TeardownOptions(),
        account="123456789012",
        pace=pace,
        clock=service.clock,
        observe=observe,
        workers=0,
    )
