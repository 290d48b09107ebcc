"""Both services in memory, as honest as the real ones: throttling, caches, late answers, and faults on demand."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, TypeAlias, TypeVar

from translation_job_guard.errors import JobNotFound, ServiceError
from translation_job_guard.jobs import AMAZON_TRANSLATE, Documents, Job, JobState
from translation_job_guard.services import amazon, reading
from translation_job_guard.services.reading import Reads, read
from translation_job_guard.testing.world import Bucket, SimulatedClock, SimulatedJob

__all__ = ["ACCOUNT", "Call", "Crash", "Operation", "SimulatedService"]

Operation: TypeAlias = Literal["account", "list", "locate", "stop", "look", "prove"]

ACCOUNT: Final = "123456789012"
"""The account ID that the simulated credentials lead to."""
_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/translate"
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
        self._on_amazon = service == AMAZON_TRANSLATE
        self.place = "eu-west-1" if self._on_amazon else "https://translator.cognitiveservices.azure.com"
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
        self._stops = Bucket(stops_per_second, self.clock)
        self._locates = Bucket(reads_per_second, self.clock)

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
        """Let somebody submit a job, now or later, and return it; ``SimulatedJob`` explains the arguments."""
        given = {name: value for name, value in locals().items() if name != "self"}
        number = len(self.jobs) + 1
        made: dict[str, Any] = {
            "service": self.service,
            "id": f"{number:032x}" if self._on_amazon else f"00000000-0000-4000-8000-{number:012x}",
            "role_arn": role_arn or (_ROLE if self._on_amazon else None),
            "submitted_at": self.clock.now() if submitted_at is None else submitted_at,
        }
        job = self.jobs[made["id"]] = SimulatedJob(**(given | made))
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
        """Let calls of an operation raise an error.

        Args:
            operation: the operation; None for any.
            error: a ``ServiceError``, or a ``Crash``.
            times: how often; None for always.
            skip: the number of calls that succeed before.
            took_effect: the request is carried out, and only its answer is lost.
        """
        self._faults.append(_Fault(operation, error, times, skip, took_effect))

    def mend(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    @property
    def stops_per_second(self) -> float | None:
        """The rate over which stop requests are throttled; None: no limit."""
        return self._stops.rate

    @stops_per_second.setter
    def stops_per_second(self, rate: float | None) -> None:
        self._stops = Bucket(rate, self.clock)

    def serve_from_cache(self, begin: float, end: float, age: float = 60.0) -> None:
        """Answer reads from a cache; the answers are marked as cached.

        Args:
            begin: from when, in seconds on the clock.
            end: until when, in seconds on the clock.
            age: the answers show what was true so many seconds before.
        """
        self._cached.append((begin, end, age))

    def stop_by_others(self, job: SimulatedJob) -> None:
        """Let somebody else ask to stop a job, for instance with ``clock.at``. It is not in the log of calls."""
        with contextlib.suppress(ServiceError):
            job.request_stop(self.clock.now())

    # The protocol.

    def account(self, reads: Reads | None = None) -> str:  # noqa: ARG002 - one request in this world
        """See ``JobService``."""
        return self._perform("account", (), lambda: ACCOUNT)

    def close(self) -> None:
        """Do nothing: there are no connections to close."""

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:  # noqa: ARG002 - one request in this world
        """See ``JobService``."""
        pages = self._amazon_pages if self._on_amazon else self._azure_pages

        def sweep(behind: float) -> Sequence[Job]:
            # The later sight of a job is the newer one.
            jobs = {job.id: job for page in pages(behind) for job in page}
            return list(jobs.values())

        return self._perform("list", (), lambda: self._fresh(sweep), tuple)

    def locate(self, job: Job, reads: Reads | None = None) -> Job:
        """See ``JobService``."""

        def look_up() -> Job:
            if self._on_amazon:
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
            return JobState.STOPPING if self._on_amazon else None

        return self._perform("stop", (job.id,), ask)

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
        self._perform("prove", (), lambda: None)

    # How it is done.

    def _perform(
        self,
        operation: Operation,
        asked: tuple[str, ...],
        work: Callable[[], _T],
        answered: Callable[[_T], tuple[Job, ...]] = lambda _answer: (),
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
            raise JobNotFound(f"Job {job.id} does not exist.")
        rows = known.rows(at)
        urls = (url for row in rows for url in (row.source, row.target) if url)
        return replace(job, rows=rows, locations=tuple(dict.fromkeys(urls)))

    def _known(self, id_: str) -> SimulatedJob:
        job = self.jobs.get(id_)
        if job is None or job.state(self.clock.now()) is None:
            raise JobNotFound(f"Job {id_} does not exist.")
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
        words = {state: word for word, state in amazon.STATES.items()} if self._on_amazon else _AZURE_WORDS
        return Job(
            service=self.service,
            id=job.id,
            state=state,
            service_state=words[state],
            name=job.name if self._on_amazon else None,
            submitted_at=self.began + timedelta(seconds=job.submitted_at),
            role_arn=job.role_arn if self._on_amazon else None,
            locations=tuple(job.locations) if self._on_amazon else (),
            locations_listed=self._on_amazon,
            changed_at=None if self._on_amazon else self.began + timedelta(seconds=job.changed_at(now)),
            documents=None if self._on_amazon else Documents(job.total(now)),
        )
