"""What must hold of every teardown: DESIGN's invariants 1 to 6."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tests.properties.scenarios import CONTAINER, LONG_ENOUGH, PATIENT, Scenario, World
from translation_job_guard.errors import (
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import (
    AZURE_DOCUMENT_TRANSLATION,
    JobState,
)
from translation_job_guard.teardown import (
    CannotTell,
    Mode,
    Report,
    TeardownError,
    TeardownOptions,
    TeardownRefused,
    TeardownTimeout,
    Undecided,
)
from translation_job_guard.testing import Call, Crash, tear_down

_TINY = 1e-6

_LONGEST_PACE = 10.0
"""Seconds that pacing may hold a stop request back, the longest Retry-After included."""

_IGNORE_LOOKS_FOR = 15.0


@dataclass(frozen=True)
class Run:
    """One teardown: when it was, its calls, and how it came out. ``report`` is None after a crash."""

    options: TeardownOptions
    began: float
    ended: float
    calls: Sequence[Call]
    outcome: BaseException | None
    report: Report | None

    @property
    def listings(self) -> list[Call]:
        return [call for call in self.calls if call.operation == "list"]


def check(scenario: Scenario) -> None:
    """Run a scenario to its end, crash by crash, and check every invariant of each run."""
    world = World(scenario)
    for fault in scenario.faults:
        world.service.fail(
            fault.operation, fault.make(), times=fault.times, skip=fault.skip, took_effect=fault.took_effect
        )
    for calls, took_effect in scenario.crashes:
        world.service.fail(None, Crash(), skip=calls, took_effect=took_effect)
    for _ in range(len(scenario.crashes) + 1):
        run = _run(world, scenario.options)
        check_run(world, run)
        if not isinstance(run.outcome, Crash):
            break
    if not scenario.crashes:
        check_patience(scenario, run)
    # 3: whatever happened, the next teardown finishes, once nothing is wrong any more.
    world.service.mend()
    quiet = scenario.options.quiet_period
    run = _run(world, TeardownOptions(timeout=PATIENT, quiet_period=quiet, undecided_timeout=LONG_ENOUGH))
    check_run(world, run)
    assert run.outcome is None, f"the next teardown did not finish: {run.outcome!r}"


def _run(world: World, options: TeardownOptions) -> Run:
    clock, log = world.service.clock, world.service.calls
    began, first = clock.now(), len(log)
    outcome: BaseException | None = None
    report: Report | None = None
    try:
        report = tear_down(world.service, world.scopes, options)
    except TeardownError as error:
        outcome, report = error, error.report
    except Crash as error:
        outcome = error
    return Run(options, began, clock.now(), log[first:], outcome, report)


def check_run(world: World, run: Run) -> None:
    """Invariants 1, 2, 4, 5 and 6 of one run."""
    _listings_miss_nothing(world, run)
    _only_own_jobs_are_asked(world, run)
    _modes_stop_what_they_say(run)
    _requests_are_bounded(run)
    _all_stop_requests_before_the_next_look(world, run)
    _ends_in_time(run)
    if run.report is not None:
        stops = sum(call.operation == "stop" for call in run.calls)
        assert run.report.requests.get("stop", 0) == stops, "the report's count of requests is wrong"
        assert set(run.report.records) <= set(world.own), "the report has a job of someone else"
    if run.outcome is None:
        if run.options.mode is not Mode.IGNORE:
            _success_is_true(world, run)
    elif not isinstance(run.outcome, Crash):
        _failure_is_due(world, run)


def check_patience(scenario: Scenario, run: Run) -> None:
    """4: with time enough and nothing definitely wrong, a teardown ends well, however jobs end."""
    passes = all(fault.times is not None and not fault.definite for fault in scenario.faults)
    passes = passes and scenario.options.undecided_timeout == LONG_ENOUGH
    if passes and scenario.options.timeout == PATIENT and scenario.options.mode in (Mode.CANCEL, Mode.DRAIN):
        assert run.outcome is None, f"a teardown with time enough failed: {run.outcome!r}"


def _listings_miss_nothing(world: World, run: Run) -> None:
    # What 2 rests on: a job that is in flight all through a listing is in it, however others move meanwhile.
    for call in run.listings:
        if call.error is None:
            there = {
                id_
                for id_, job in world.service.jobs.items()
                if world.listed(job, call.began) and world.listed(job, call.ended)
            }
            assert there <= {job.id for job in call.answered}, "a listing missed a job"


def _only_own_jobs_are_asked(world: World, run: Run) -> None:
    # 1, and nothing is asked before it was listed.
    listed: set[str] = set()
    for call in run.calls:
        if call.operation == "list":
            listed |= {job.id for job in call.answered}
        elif call.operation == "stop":
            (id_,) = call.asked
            assert id_ in world.own, "a job out of scope was asked to stop"
            assert id_ in listed, "a job was asked to stop before it was listed"


def _modes_stop_what_they_say(run: Run) -> None:
    stops = [call for call in run.calls if call.operation == "stop"]
    if run.options.mode is not Mode.CANCEL:
        assert not stops, f"mode {run.options.mode.value} asked a job to stop"
    for call in stops:
        assert call.began >= run.began + run.options.grace_period - _TINY, "a stop request within the grace period"


def _requests_are_bounded(run: Run) -> None:
    for first, third in zip(run.listings, run.listings[2:]):  # noqa: B905 - that one is shorter is the point
        assert third.began - first.began >= 1.0 - _TINY, "more than two listing rounds within a second"
    for previous, stop in itertools.pairwise(run.calls):
        if previous.operation == stop.operation == "stop" and previous.asked == stop.asked:
            assert stop.began > previous.ended or isinstance(previous.error, Throttled), "a stop was repeated at once"


def _all_stop_requests_before_the_next_look(world: World, run: Run) -> None:
    # 5: each own job that a listing shows and that was not asked yet is asked before anything is looked at again.
    if run.options.mode is not Mode.CANCEL:
        return
    deadline = run.began + run.options.timeout
    asked: set[str] = set()
    tied: set[str] = set() if world.scenario.service == AZURE_DOCUMENT_TRANSLATION else set(world.own)
    due: set[str] = set()
    shown: set[str] = set()
    over: set[str] = set()
    for call in run.calls:
        if call.operation in ("list", "look"):
            assert not due or call.began > deadline - _LONGEST_PACE, "a wait for a state before all stop requests"
        if call.operation == "list":
            past_grace = call.ended > run.began + run.options.grace_period + _TINY
            shown = {
                job.id
                for job in call.answered
                if past_grace and job.id in world.own and job.state is not JobState.STOPPING
            }
        elif call.operation == "locate":
            tied |= {job.id for job in call.answered if any(uri.startswith(f"{CONTAINER}/") for uri in job.locations)}
        elif call.operation == "stop":
            asked |= set(call.asked)
        elif call.operation == "look":
            # A node that is behind may list again what is known to have ended.
            over |= {job.id for job in call.answered if not job.in_flight}
        due = (shown & tied) - asked - over


def _ends_in_time(run: Run) -> None:
    # 6: and no request begins after the deadline.
    limit = run.options.timeout
    if run.options.mode is Mode.IGNORE:
        limit = min(limit, _IGNORE_LOOKS_FOR)
    longest = max((call.ended - call.began for call in run.calls), default=0.0)
    assert run.ended - run.began <= limit + longest + _TINY, "it went on after its timeout"
    assert all(call.began < run.began + limit for call in run.calls), "a request began after the deadline"


def _success_is_true(world: World, run: Run) -> None:
    # 2: at the last listing nothing in scope is in flight, and at another one a quiet period before.
    assert run.listings, "success without a look"
    last = run.listings[-1]
    assert last.error is None, "success although the last listing failed"
    undecided = run.report.undecided if run.report is not None else {}
    assert run.options.leave_undecided or not undecided, "success with an undecided batch"
    for id_ in world.own.keys() - undecided.keys():
        left = world.plain(id_, last.began) and world.plain(id_, last.ended)
        assert not left, "success with a job in scope in flight"
    failed_looks = any(call.operation == "look" and call.error is not None for call in run.calls)
    for id_ in run.report.records if run.report is not None and not failed_looks else ():
        # A job that this teardown knows is looked at, and counts although listings leave it out.
        assert not world.own[id_].in_flight(run.ended), "success with a job in flight that was known"
    looks = [call for call in run.calls if call.operation == "look" and call.began >= last.began]
    for look in looks:
        assert not any(job.in_flight for job in look.answered), "success although a look showed a job in flight"
    if run.options.quiet_period:
        before = next((call for call in reversed(run.listings[:-1]) if call.error is None), None)
        assert before is not None, "success without a second look"
        assert last.began - before.ended >= run.options.quiet_period - _TINY, "the second look came too early"
        for listing in (before, last):
            seen = {job.id for job in listing.answered} & set(world.own) - set(undecided)
            assert not any(world.plain(id_, listing.began) for id_ in seen), "quiet was not quiet"


def _failure_is_due(world: World, run: Run) -> None:
    # 4: a job that ends by itself, vanishes or loses a race is not an error; only these are.
    errors = [call.error for call in run.calls if isinstance(call.error, ServiceError)]
    definite = [error for error in errors if not isinstance(error, (Throttled, Transient))]
    assert str(run.outcome), "an error that says nothing"
    if isinstance(run.outcome, TeardownRefused):
        assert run.options.mode is Mode.FAIL
        assert any(job.id in world.own for call in run.listings for job in call.answered), "refused without a job"
    elif isinstance(run.outcome, Undecided):
        assert run.report is not None
        assert run.report.undecided, "undecided, and no batch is"
        assert not run.report.left, "it gave up while a job in scope was in flight"
        assert not run.options.leave_undecided, "it may leave undecided batches"
        assert run.ended - run.began >= run.options.undecided_timeout, "it did not wait for undecided batches"
    elif isinstance(run.outcome, CannotTell):
        assert definite, "it could not tell, and nothing was wrong"
    else:
        assert isinstance(run.outcome, TeardownTimeout)
        assert run.report is not None
        unconfirmed = "confirmed" in str(run.outcome)
        assert unconfirmed or run.ended - run.began >= run.options.timeout - _TINY, "it gave up before its timeout"
        for record in run.report.left[:10]:
            assert record.before.id in str(run.outcome), "the error does not name a job that is left"
