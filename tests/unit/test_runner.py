"""The runner: worker threads, the deadline, and the pace. Threads wait on each other here, never on the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

import pytest

from translation_job_guard.errors import Rejected, Throttled, Transient
from translation_job_guard.jobs import AMAZON_TRANSLATE, Coverage, Job, JobState
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import CannotTell, Mode, Report, TeardownOptions, TeardownTimeout
from translation_job_guard.teardown.pace import Pace
from translation_job_guard.teardown.runner import RealClock, run
from translation_job_guard.testing import SimulatedService, tear_down

TIME_LIMIT = 20.0
"""Seconds after which a thread that should have come is missed."""


class GatedService:
    """Jobs that end when they are asked to; hooks run inside the calls, in the runner's threads."""

    service = AMAZON_TRANSLATE
    place = "eu-west-1"

    def __init__(self, jobs: int, *, on_list: Callable[[], None], on_stop: Callable[[Job], None]) -> None:
        self.jobs = {f"job-{number}": JobState.RUNNING for number in range(jobs)}
        self.stops: list[str] = []
        self._on_list = on_list
        self._on_stop = on_stop

    def account(self, reads: Reads | None = None) -> str:  # noqa: ARG002
        return "123456789012"

    def close(self) -> None:
        """Nothing to close."""

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:  # noqa: ARG002
        self._on_list()
        return [Job(self.service, id_, state, state.value) for id_, state in self.jobs.items() if state.in_flight]

    def locate(self, job: Job, reads: Reads | None = None) -> Job:  # noqa: ARG002
        return job

    def stop(self, job: Job) -> JobState | None:
        self.stops.append(job.id)
        self._on_stop(job)
        self.jobs[job.id] = JobState.STOPPED
        return None

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:  # noqa: ARG002
        return {job.id: Job(self.service, job.id, self.jobs[job.id], "") for job in jobs}

    def prove(self, reads: Reads | None = None) -> None: ...


def _nothing(*_: object) -> None:
    return None


def _everything(_job: Job) -> Coverage:
    return Coverage.COVERED


class HeldClock(RealClock):
    """The machine's clock, which jumps on demand: a deadline is reached without a wait for it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


def test_stop_requests_are_under_way_at_once() -> None:
    """As many stop requests as there are workers are out together: each waits here until all are."""
    together = threading.Barrier(8)
    service = GatedService(8, on_list=_nothing, on_stop=lambda _job: _met(together))
    report = run(service, _everything, TeardownOptions(quiet_period=0), account="a", clock=HeldClock(), workers=8)
    assert report.quiet
    assert sorted(service.stops) == sorted(service.jobs)
    assert report.requests["stop"] == 8


def _met(barrier: threading.Barrier) -> None:
    barrier.wait(TIME_LIMIT)


def test_the_observer_hears_of_every_answer() -> None:
    """A long round of stop requests can be watched while it goes on."""
    heard: list[int] = []
    service = GatedService(5, on_list=_nothing, on_stop=_nothing)
    run(
        service,
        _everything,
        TeardownOptions(quiet_period=0),
        account="a",
        clock=HeldClock(),
        observe=lambda report: heard.append(len(report.records)),
        workers=2,
    )
    assert len(heard) >= 5


def test_the_time_before_the_teardown_counts() -> None:
    """Whoever set ten seconds reads of ten seconds, and they are over after ten."""
    service = SimulatedService()
    service.add(name="own", ignores_stops=100)
    options = TeardownOptions(timeout=10, quiet_period=0)
    with pytest.raises(TeardownTimeout, match=r"^10 s \(timeout\) passed") as caught:
        run(service, _everything, options, account="a", clock=service.clock, workers=0, spent=6.0)
    assert service.clock.now() == pytest.approx(4.0)
    assert caught.value.report is not None
    assert caught.value.report.elapsed == pytest.approx(10.0)
    first, second = [call for call in service.calls if call.operation == "list"][:2]
    assert second.began - first.began < 1.0, "what it took is not the listing's"


def test_requests_stuck_at_the_deadline_are_left_behind() -> None:
    """A request that never returns does not hold up the teardown; requests that were not sent yet are abandoned."""
    release, out = threading.Event(), threading.Semaphore(0)

    def stuck(_job: Job) -> None:
        out.release()
        release.wait(TIME_LIMIT)

    clock = HeldClock()
    service = GatedService(5, on_list=_nothing, on_stop=stuck)

    def covers(_job: Job) -> Coverage:
        # The listing has come: leave little of the timeout for the stop requests.
        if not clock.ahead:
            clock.ahead = 59.5
        return Coverage.COVERED

    with pytest.raises(TeardownTimeout, match=r"5 jobs are still in flight.*\(3 of them could not be asked") as caught:
        run(service, covers, TeardownOptions(timeout=60), account="a", clock=clock, workers=2)
    asked = [record.asks for record in caught.value.report.records.values()]
    assert sorted(asked) == [0, 0, 0, 1, 1]
    assert all(out.acquire(timeout=TIME_LIMIT) for _ in range(2))
    release.set()
    for thread in threading.enumerate():
        if thread.name == "translation-job-guard":
            thread.join(TIME_LIMIT)
    assert len(service.stops) == 2


def test_a_listing_stuck_at_the_deadline_is_no_success() -> None:
    """No answer in time is an error that says so."""
    release = threading.Event()
    clock = HeldClock()
    clock_at_start = clock.now()
    service = GatedService(0, on_list=lambda: _stuck(release), on_stop=_nothing)
    with pytest.raises(TeardownTimeout, match="no answer came in time"):
        run(service, _everything, TeardownOptions(timeout=0.2, quiet_period=0), account="a", clock=clock, workers=1)
    release.set()
    assert clock.now() - clock_at_start < TIME_LIMIT


def _stuck(release: threading.Event) -> None:
    release.wait(TIME_LIMIT)


def test_mode_ignore_does_not_wait_for_a_missing_answer() -> None:
    """Mode ignore goes on at its own deadline, which the guard's timeout only shortens."""
    release = threading.Event()
    service = GatedService(0, on_list=lambda: _stuck(release), on_stop=_nothing)
    report = run(service, _everything, TeardownOptions(mode=Mode.IGNORE, timeout=0.2), account="a", workers=1)
    release.set()
    assert not report.looked


def test_a_mistake_in_a_worker_is_raised_where_it_can_be_seen() -> None:
    """What is no error of the service ends the teardown: it is a mistake, and never a success."""

    def broken(_job: Job) -> None:
        raise ZeroDivisionError

    service = GatedService(2, on_list=_nothing, on_stop=broken)
    with pytest.raises(ZeroDivisionError):
        run(service, _everything, TeardownOptions(), account="a", clock=HeldClock(), workers=2)


def test_an_error_of_the_service_comes_back_from_a_worker() -> None:
    """An error of the service in a worker is an answer like any other."""

    def refused() -> None:
        raise Rejected("list: 400.")

    service = GatedService(0, on_list=refused, on_stop=_nothing)
    with pytest.raises(CannotTell, match=r"400\."):
        run(service, _everything, TeardownOptions(), account="a", clock=HeldClock(), workers=2)


def test_retry_after_holds_every_stop_request_back() -> None:
    """Retry-After of one stop request is for all of them, and the throttled one is sent again."""
    service = SimulatedService()
    jobs = [service.add() for _ in range(3)]
    service.fail("stop", Throttled("slow", retry_after=9))
    report = tear_down(service, [_Whole()])
    stops = [call for call in service.calls if call.operation == "stop"]
    assert [call.asked for call in stops] == [(jobs[0].id,), (jobs[0].id,), (jobs[1].id,), (jobs[2].id,)]
    assert stops[1].began >= 9
    assert [record.asks for record in report.records.values()] == [1, 1, 1]


def test_a_pace_is_shared_between_teardowns() -> None:
    """What one teardown learnt of an account's limit holds for the next one with the same pace."""
    pace = Pace()
    service = SimulatedService(stops_per_second=2)
    for _ in range(10):
        service.add()
    tear_down(service, [_Whole()], pace=pace)
    throttled = sum(isinstance(call.error, Throttled) for call in service.calls)
    assert throttled
    first = len(service.calls)
    for _ in range(10):
        service.add()
    tear_down(service, [_Whole()], pace=pace)
    assert sum(isinstance(call.error, Throttled) for call in service.calls[first:]) <= throttled


def test_refusals_do_not_slow_the_pace() -> None:
    """A refused stop request is one that the place took; one whose answer was lost tells nothing."""

    class Counting(Pace):
        taken = 0

        def accepted(self, now: float) -> None:
            self.taken += 1
            super().accepted(now)

    pace = Counting()
    service = SimulatedService()
    for _ in range(3):
        service.add(stop_takes=1)
    service.fail("stop", Rejected("400"), took_effect=True)
    service.fail("stop", Transient("reset"), skip=1, took_effect=True)
    tear_down(service, [_Whole()], pace=pace)
    assert pace.taken == 2


def test_a_stop_request_whose_turn_comes_too_late_is_not_sent() -> None:
    """A Retry-After beyond the timeout is not waited for with a request in hand."""
    service = SimulatedService()
    service.add()
    service.fail("stop", Throttled("slow", retry_after=100), times=None)
    with pytest.raises(TeardownTimeout, match="1 of them could not be asked"):
        tear_down(service, [_Whole()], TeardownOptions(timeout=30))
    assert sum(call.operation == "stop" for call in service.calls) == 1


def test_without_a_clock_it_is_the_machines() -> None:
    """The default clock is real, and nothing in flight needs no sleep."""
    reports: list[Report] = []
    service = GatedService(0, on_list=_nothing, on_stop=_nothing)
    report = run(service, _everything, TeardownOptions(quiet_period=0), account="a", observe=reports.append)
    assert report.quiet
    assert report.elapsed < TIME_LIMIT
    RealClock().sleep(0)


class _Whole:
    """A scope of everything."""

    def coverage(self, _job: Job) -> Coverage:
        return Coverage.COVERED


class MachineTime:
    """Stands for the machine's time: a sleep takes none, and moves it on."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 1000.0 + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_the_machines_clock_waits_for_the_quiet_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a clock of its own a teardown sleeps on the machine's, between the two listings."""
    machine = MachineTime()
    monkeypatch.setattr("translation_job_guard.teardown.runner.time", machine)
    listed_at: list[float] = []
    service = GatedService(0, on_list=lambda: listed_at.append(machine.monotonic()), on_stop=_nothing)
    report = run(service, _everything, TeardownOptions(quiet_period=7), account="a", workers=0)
    first, second = listed_at
    assert second - first == pytest.approx(7)
    assert report.elapsed == pytest.approx(7)


def test_no_thread_of_a_teardown_keeps_the_process() -> None:
    """The interpreter waits at its exit for a thread that is no daemon, however long its request takes."""
    daemons: list[bool] = []

    def note(*_: object) -> None:
        daemons.append(threading.current_thread().daemon)

    service = GatedService(3, on_list=note, on_stop=note)
    run(service, _everything, TeardownOptions(quiet_period=0), account="a", clock=HeldClock(), workers=2)
    assert len(daemons) >= 5
    assert all(daemons)


def test_an_ended_job_in_a_listing_is_not_in_flight() -> None:
    """Whatever the service shows, what has ended is neither stopped nor waited for."""

    class ShowsEnded(GatedService):
        def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:
            running = super().list_in_flight(reads)
            return [*running, *(Job(self.service, id_, state, "") for id_, state in self.jobs.items())]

    service = ShowsEnded(2, on_list=_nothing, on_stop=_nothing)
    service.jobs["job-0"] = JobState.SUCCEEDED
    report = run(service, _everything, TeardownOptions(), account="a", clock=HeldClock(), workers=0)
    assert report.quiet
    assert service.stops == ["job-1"]
    assert report.records.keys() == {"job-1"}
