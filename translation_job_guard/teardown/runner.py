"""Does what a teardown's script asks: over a ``JobService``, in worker threads, against the clock."""

from __future__ import annotations

import enum
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final, Literal, Protocol, TypeAlias

from translation_job_guard.errors import Abandoned, ServiceError, Throttled, Transient
from translation_job_guard.jobs import Coverage, Job
from translation_job_guard.services import JobService
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import Mode, Report, TeardownOptions
from translation_job_guard.teardown.machine import Answers, List, Locate, Look, Request, Stop, Teardown, Value, Wait
from translation_job_guard.teardown.pace import Pace

__all__ = ["Clock", "Observer", "RealClock", "run"]

WORKERS: Final = 32
"""Requests under way at once."""
IGNORE_LOOKS_FOR: Final = 15.0
"""Seconds that mode ``ignore`` takes at most to find out what is left."""
_SHORTEST_SLEEP: Final = 0.001
"""A pause of a float's last digits may not move the clock at all."""


class Clock(Protocol):
    """Time as the runner sees it."""

    def now(self) -> float:
        """Monotonic seconds."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        time.sleep(seconds)


Observer: TypeAlias = Callable[[Report], None]
"""Called from the runner's thread whenever something may have changed; never raises, never blocks."""


def run(
    service: JobService,
    covers: Callable[[Job], Coverage],
    options: TeardownOptions,
    *,
    account: str,
    pace: Pace | None = None,
    read_pace: Pace | None = None,
    clock: Clock | None = None,
    observe: Observer = lambda _report: None,
    workers: int = WORKERS,
    spent: float = 0.0,
) -> Report:
    """Tear down: stop and wait as ``options`` says until quiet.

    Args:
        service: where the jobs are.
        covers: whether a job is in scope.
        options: mode and durations.
        account: the account that ``service`` leads to, already checked.
        pace: the pace of stop requests; share one for each account and region.
        read_pace: the pace of reads; share one for each account and region, or resource.
        clock: the machine's by default.
        observe: called as the report grows.
        workers: requests under way at once; 0 makes them one after the other in this thread, for simulations.
        spent: seconds that it took to get here, which count.

    Returns:
        What was done.

    Raises:
        TeardownError: it did not reach quiet; the error carries the report.
    """
    clock = clock or RealClock()
    started = datetime.now(timezone.utc) - timedelta(seconds=spent)
    report = Report(service.service, service.place, account, options, started, elapsed=spent)
    script = Teardown(covers, options, report).script()
    with _Runner(service, pace or Pace(), read_pace or Pace(), clock, report, options, observe, workers) as runner:
        try:
            batch = next(script)
            while True:
                batch = script.send(runner.perform(batch))
                observe(report)
        except StopIteration:
            pass
        finally:
            report.elapsed = runner.since_start()
    return report


class _Late(enum.Enum):
    """Not sent, or not answered, before time ran out."""

    LATE = enum.auto()


_LATE: Final = _Late.LATE


class _Runner:
    """Performs batches in worker threads, which are left behind when time runs out and send nothing more."""

    def __init__(
        self,
        service: JobService,
        pace: Pace,
        read_pace: Pace,
        clock: Clock,
        report: Report,
        options: TeardownOptions,
        observe: Observer,
        workers: int,
    ) -> None:
        self._service = service
        self._pace = pace
        self._clock = clock
        self._report = report
        self._observe = observe
        self._start = clock.now() - report.elapsed
        limit = min(options.timeout, IGNORE_LOOKS_FOR) if options.mode is Mode.IGNORE else options.timeout
        self._deadline = self._start + limit
        self._max_workers = workers
        self._threads = 0
        self._work: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Request, Value | BaseException | Literal[_Late.LATE]]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._sending = threading.Lock()
        self._reads = _PacedReads(read_pace, clock, self._deadline, self._closed, self._made_wait)
        self._waited_until = 0.0
        self._sent: set[int] = set()
        """Requests of the present batch that went out and were not turned away by throttling."""

    def __enter__(self) -> _Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for _thread in range(self._threads):
            self._work.put(None)

    def since_start(self) -> float:
        return self._clock.now() - self._start

    def perform(self, batch: Sequence[Request]) -> Answers:
        values: list[tuple[Request, Value]] = []
        calls = [request for request in batch if not isinstance(request, Wait)]
        for request in batch:
            if isinstance(request, Wait):
                self._clock.sleep(request.seconds)
        self._sent.clear()
        if self._max_workers:
            self._in_threads(calls, values)
        else:
            for request in calls:
                value = self._call(request)
                if value is not _LATE:
                    values.append((request, value))
        with self._sending:
            unsent = [request for request in calls if id(request) not in self._sent]
        return Answers(self.since_start(), values, unsent)

    def _in_threads(self, calls: Sequence[Request], values: list[tuple[Request, Value]]) -> None:
        if self._closed.is_set():
            return
        while self._threads < min(self._max_workers, len(calls)):
            self._threads += 1
            threading.Thread(target=self._worker, name="translation-job-guard", daemon=True).start()
        for request in calls:
            self._work.put(request)
        for _ in calls:
            left = self._deadline - self._clock.now()
            try:
                request, value = self._done.get(timeout=max(left, 0.001))
            except queue.Empty:
                # What is under way is left behind; with the lock, nothing more goes out.
                with self._sending:
                    self._closed.set()
                return
            if isinstance(value, BaseException) and not isinstance(value, ServiceError):
                raise value
            if value is not _LATE:
                values.append((request, value))
            if len(calls) > 1:
                self._observe(self._report)

    def _worker(self) -> None:
        while (request := self._work.get()) is not None:
            try:
                self._done.put((request, self._call(request)))
            except BaseException as error:  # carried to the runner's thread, which raises it there
                self._done.put((request, error))

    def _call(self, request: Request) -> Value | Literal[_Late.LATE]:
        """Send one request; stops that are throttled are sent again at the pace that the place allows."""
        while not self._closed.is_set():
            if isinstance(request, Stop) and (delay := self._pace.turn(self._clock.now())):
                if self._clock.now() + delay >= self._deadline:
                    return _LATE
                self._clock.sleep(max(delay, _SHORTEST_SLEEP))
                continue
            with self._sending:
                if self._closed.is_set() or self._clock.now() >= self._deadline:
                    return _LATE
                self._sent.add(id(request))
                kind = type(request).__name__.lower()
                self._report.requests[kind] = self._report.requests.get(kind, 0) + 1
            try:
                value = self._send(request)
            except Abandoned:
                return _LATE
            except Throttled as error:
                if isinstance(request, Stop):
                    now = self._clock.now()
                    self._pace.throttled(now, error.retry_after)
                    self._made_wait(now, self._pace.delay(now))
                    with self._sending:
                        self._sent.discard(id(request))
                    continue
                return error
            except ServiceError as error:
                # A refusal is an answer too: the place has taken the request.
                if isinstance(request, Stop) and not isinstance(error, Transient):
                    self._pace.accepted(self._clock.now())
                return error
            if isinstance(request, Stop):
                self._pace.accepted(self._clock.now())
            return value
        return _LATE

    def _made_wait(self, now: float, delay: float) -> None:
        """Count the seconds in which the service lets nothing through, once however many requests wait."""
        with self._sending:
            self._report.waited += max(now + delay - max(now, self._waited_until), 0.0)
            self._waited_until = max(self._waited_until, now + delay)

    def _send(self, request: Request) -> Value:
        if isinstance(request, List):
            return self._service.list_in_flight(self._reads)
        if isinstance(request, Locate):
            return self._service.locate(request.job, self._reads)
        if isinstance(request, Stop):
            return self._service.stop(request.job)
        assert isinstance(request, Look)
        return self._service.look(request.jobs, self._reads)


class _PacedReads(Reads):
    """Reads of one teardown: at the pace that the place allows, and none after the deadline."""

    def __init__(
        self,
        pace: Pace,
        clock: Clock,
        deadline: float,
        closed: threading.Event,
        made_wait: Callable[[float, float], None],
    ) -> None:
        super().__init__()
        self._pace = pace
        self._clock = clock
        self._deadline = deadline
        self._closed = closed
        self._made_wait = made_wait
        self._last: Throttled | None = None

    def turn(self) -> None:
        """Wait until the pace allows one more read."""
        while True:
            delay = self._pace.turn(self._clock.now())
            if not delay:
                self._refuse_late(0.0)
                return
            self.pause(max(delay, _SHORTEST_SLEEP))

    def accepted(self) -> None:
        """Note that the service took a read."""
        self._last = None
        self._pace.accepted(self._clock.now())

    def throttled(self, error: Throttled) -> None:
        """Note that the service throttled a read: the pace follows, and the read is sent again."""
        now = self._clock.now()
        self._last = error
        self._pace.throttled(now, error.retry_after)
        self._made_wait(now, self._pace.delay(now))

    def pause(self, seconds: float) -> None:
        """Let ``seconds`` pass, unless that is past the deadline."""
        self._refuse_late(seconds)
        self._clock.sleep(seconds)
        self._refuse_late(0.0)

    def _refuse_late(self, seconds: float) -> None:
        if self._closed.is_set() or self._clock.now() + seconds >= self._deadline:
            # What the service said last tells more than that time ran out.
            raise self._last or Abandoned("the time for this request is over")
