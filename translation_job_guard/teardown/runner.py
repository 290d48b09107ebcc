"""Perform what a teardown's script asks for: over a ``JobService``, in worker threads, until the deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol, TypeAlias

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
"""Seconds that mode ``ignore`` takes at most to find out what is in flight."""
_SHORTEST_SLEEP: Final = 0.001
"""Seconds of the shortest pause: one of a float's last digits may not move the clock at all."""


class Clock(Protocol):
    """Time as the runner sees it."""

    def now(self) -> float:
        """Return monotonic seconds."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return monotonic seconds."""
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
    """Tear down: stop and wait as ``options`` says, until quiet.

    Args:
        service: where the jobs are.
        covers: whether a job is in scope.
        options: mode and durations.
        account: the account that ``service`` leads to, already checked.
        pace: the pace of stop requests; share one for each account and region.
        read_pace: the pace of reads; share one for each account and region, or resource.
        clock: by default the machine's.
        observe: called as the report grows.
        workers: requests under way at once; 0 sends them one after the other in this thread, for simulations.
        spent: seconds that were needed to get here; they count as part of the teardown.

    Returns:
        What was done.

    Raises:
        TeardownError: it did not reach quiet; the error carries the report.
    """
    clock = clock or RealClock()
    started = datetime.now(timezone.utc) - timedelta(seconds=spent)
    report = Report(service.service, service.place, account, options, started, elapsed=spent)
    script = Teardown(covers, options, report).script()
    with _Runner(service, pace or Pace(), read_pace or Pace(), clock, report, observe, workers) as runner:
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


@dataclass(eq=False)
class _Runner:
    """Performs batches in worker threads, which are left behind when time runs out and send nothing more."""

    service: JobService
    pace: Pace
    read_pace: Pace
    clock: Clock
    report: Report
    observe: Observer
    workers: int

    def __post_init__(self) -> None:
        options = self.report.options
        limit = min(options.timeout, IGNORE_LOOKS_FOR) if options.mode is Mode.IGNORE else options.timeout
        self.start = self.clock.now() - self.report.elapsed
        self.deadline = self.start + limit
        self._threads = 0
        self._work: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Request, Value | BaseException]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._sending = threading.Lock()
        self._reads = _PacedReads(self)
        self._waited_until = 0.0
        self._sent: set[int] = set()
        """Requests of the current batch that went out and were not turned away by throttling."""

    def __enter__(self) -> _Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for _thread in range(self._threads):
            self._work.put(None)

    def since_start(self) -> float:
        return self.clock.now() - self.start

    def is_late(self, seconds: float) -> bool:
        """Check whether nobody will wait any more in ``seconds`` seconds."""
        return self._closed.is_set() or self.clock.now() + seconds >= self.deadline

    def slow_down(self, pace: Pace, error: Throttled) -> None:
        """Let a pace follow a throttled answer, and count the seconds in which it lets nothing through once."""
        now = self.clock.now()
        pace.throttled(now, error.retry_after)
        resumes = now + pace.delay(now)
        with self._sending:
            self.report.waited += max(resumes - max(now, self._waited_until), 0.0)
            self._waited_until = max(self._waited_until, resumes)

    def perform(self, batch: Sequence[Request]) -> Answers:
        for request in batch:
            if isinstance(request, Wait):
                self.clock.sleep(request.seconds)
        calls = [request for request in batch if not isinstance(request, Wait)]
        self._sent.clear()
        answers = self._in_threads(calls) if self.workers else ((request, self._call(request)) for request in calls)
        values = [(request, value) for request, value in answers if not isinstance(value, Abandoned)]
        with self._sending:
            unsent = [request for request in calls if id(request) not in self._sent]
        return Answers(self.since_start(), values, unsent)

    def _in_threads(self, calls: Sequence[Request]) -> Iterator[tuple[Request, Value]]:
        if self._closed.is_set():
            return
        while self._threads < min(self.workers, len(calls)):
            self._threads += 1
            threading.Thread(target=self._worker, name="translation-job-guard", daemon=True).start()
        for request in calls:
            self._work.put(request)
        for _ in calls:
            try:
                request, value = self._done.get(timeout=max(self.deadline - self.clock.now(), 0.001))
            except queue.Empty:
                # Requests under way are left behind; with the lock, no other goes out.
                with self._sending:
                    self._closed.set()
                return
            if isinstance(value, BaseException) and not isinstance(value, ServiceError):
                raise value
            yield request, value
            if len(calls) > 1:
                self.observe(self.report)

    def _worker(self) -> None:
        while (request := self._work.get()) is not None:
            try:
                self._done.put((request, self._call(request)))
            except BaseException as error:  # carried to the runner's thread, which raises it there
                self._done.put((request, error))

    def _call(self, request: Request) -> Value:
        """Send one request; throttled stop requests are sent again at the pace that the place allows.

        Returns:
            What the service answered, also if that is an error; ``Abandoned`` if there was no time.
        """
        pace = self.pace if isinstance(request, Stop) else None
        while not self._closed.is_set():
            if pace and (delay := pace.turn(self.clock.now())):
                if self.is_late(delay):
                    break
                self.clock.sleep(max(delay, _SHORTEST_SLEEP))
                continue
            if not self._goes_out(request):
                break
            value = self._answer(request)
            if pace and isinstance(value, Throttled):
                self.slow_down(pace, value)
                with self._sending:
                    self._sent.discard(id(request))
                continue
            # A refusal is an answer too: the place has taken the request.
            if pace and not isinstance(value, (Transient, Abandoned)):
                pace.accepted(self.clock.now())
            return value
        return Abandoned("the time for this request is over")

    def _goes_out(self, request: Request) -> bool:
        """Note that a request is sent now, unless there is no time for it."""
        with self._sending:
            if self.is_late(0.0):
                return False
            self._sent.add(id(request))
            kind = type(request).__name__.lower()
            self.report.requests[kind] = self.report.requests.get(kind, 0) + 1
            return True

    def _answer(self, request: Request) -> Value:
        try:
            return self._send(request)
        except ServiceError as error:
            return error

    def _send(self, request: Request) -> Value:
        if isinstance(request, List):
            return self.service.list_in_flight(self._reads)
        if isinstance(request, Locate):
            return self.service.locate(request.job, self._reads)
        if isinstance(request, Stop):
            return self.service.stop(request.job)
        assert isinstance(request, Look)
        return self.service.look(request.jobs, self._reads)


class _PacedReads(Reads):
    """Reads of one teardown: at the pace that the place allows, and none after the deadline."""

    def __init__(self, runner: _Runner) -> None:
        super().__init__()
        self._runner = runner
        self._last: Throttled | None = None

    def turn(self) -> None:
        """Wait until the pace allows one more read."""
        while delay := self._runner.read_pace.turn(self._runner.clock.now()):
            self.pause(max(delay, _SHORTEST_SLEEP))
        self._refuse_late(0.0)

    def accepted(self) -> None:
        """Note that the service accepted a read."""
        self._last = None
        self._runner.read_pace.accepted(self._runner.clock.now())

    def throttled(self, error: Throttled) -> None:
        """Note that the service throttled a read: the pace follows, and the read is sent again."""
        self._last = error
        self._runner.slow_down(self._runner.read_pace, error)

    def pause(self, seconds: float) -> None:
        """Let ``seconds`` pass, unless that is past the deadline."""
        self._refuse_late(seconds)
        self._runner.clock.sleep(seconds)
        self._refuse_late(0.0)

    def _refuse_late(self, seconds: float) -> None:
        if self._runner.is_late(seconds):
            # What the service said last tells more than that time ran out.
            raise self._last or Abandoned("the time for this request is over")
