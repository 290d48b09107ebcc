"""The teardown with the real SDKs, over HTTP, against the emulator with faults: DESIGN's invariants 1 to 6.

What is checked is read from the emulator's request log and from the jobs' final states. Its clock is stepped: whatever
the runner or an SDK would wait for is stepped, so that nothing here waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.emulator import REGION
from tests.support.services import KEY_ENV, guard
from translation_job_guard import lifecycle
from translation_job_guard.arguments import GuardArguments
from translation_job_guard.emulator import Control, Emulator
from translation_job_guard.errors import TeardownError
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Scope,
    coverage,
)
from translation_job_guard.pace import Pace
from translation_job_guard.runner import run
from translation_job_guard.services import JobService
from translation_job_guard.teardown import Mode, Policy

KEY = "emulator-key"
ROLE = "arn:aws:iam::123456789012:role/"
CONTAINER = "https://account.blob.core.windows.net/"
PATIENT = 5_000.0
LATE = 3.0
"""Seconds for which a job is not listed, where that is so."""
LONGEST_REQUEST = 10.0
"""Seconds that one request may take with the SDKs' own attempts, none of which takes any time here but the pauses."""

IN_FLIGHT = {"SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED", "NotStarted", "Running", "Cancelling"}
WORDS = {
    AMAZON_TRANSLATE: ("SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED"),
    AZURE_DOCUMENT_TRANSLATION: ("NotStarted", "Running", "Cancelling"),
}
LIST = {AMAZON_TRANSLATE: "ListTextTranslationJobs", AZURE_DOCUMENT_TRANSLATION: "GetTranslationsStatus"}
STOP = {AMAZON_TRANSLATE: "StopTextTranslationJob", AZURE_DOCUMENT_TRANSLATION: "CancelTranslation"}
OPERATIONS = {
    "list": LIST,
    "stop": STOP,
    "other": {AMAZON_TRANSLATE: "DescribeTextTranslationJob", AZURE_DOCUMENT_TRANSLATION: "GetDocumentsStatus"},
}


class Crash(BaseException):
    """The process is killed."""


class SteppedClock:
    """The emulator's clock as the runner's."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._began = control.now()
        self._now = self._began
        self.crash_after: int | None = None

    def now(self) -> float:
        return self._now - self._began

    def sleep(self, seconds: float) -> None:
        with self._lock:
            if self.crash_after is not None:
                self.crash_after -= 1
                if self.crash_after < 0:
                    raise Crash
            self._control.advance(seconds)
            self._now += seconds

    @property
    def today(self) -> float:
        """The emulator's time."""
        return self._now


@dataclass(frozen=True)
class FaultPlan:
    """A fault to order. ``about``: of which operation."""

    kind: str
    about: str
    times: int
    after: int
    when: str
    status: int
    retry_after: int | None

    @property
    def definite(self) -> bool:
        return self.kind in ("denied", "expired")


@dataclass(frozen=True)
class JobPlan:
    """A job to be. ``state`` counts as in ``WORDS``; a job that comes later is queued."""

    own: bool
    state: int
    comes_after: float
    run_time: float
    stop_latency: float


@dataclass(frozen=True)
class Scenario:
    service: str
    policy: Policy
    jobs: tuple[JobPlan, ...]
    faults: tuple[FaultPlan, ...]
    crash_after: int | None
    workers: int
    settings: dict[str, Any]
    behaviour: tuple[str, ...]


def scenarios() -> st.SearchStrategy[Scenario]:
    faults = st.builds(
        FaultPlan,
        kind=st.sampled_from(["throttle", "error", "drop"] * 4 + ["denied", "expired"]),
        about=st.sampled_from(["list", "list", "stop", "stop", "stop", "other"]),
        # Also more than the SDKs try again by themselves.
        times=st.sampled_from([1, 2, 4, 7]),
        after=st.integers(0, 4),
        when=st.sampled_from(["before", "after"]),
        status=st.sampled_from([500, 503]),
        retry_after=st.sampled_from([None, None, 2]),
    )
    jobs = st.builds(
        JobPlan,
        own=st.sampled_from([True, True, False]),
        state=st.sampled_from([0, 1, 1, 2]),
        comes_after=st.sampled_from([-100.0, -100.0, -1.0, 0.7, 3.1]),
        run_time=st.sampled_from([0.5, 4.0, 600.0, 600.0]),
        stop_latency=st.sampled_from([0.0, 0.4, 2.0, 9.0]),
    )
    policies = st.builds(
        Policy,
        mode=st.sampled_from([Mode.CANCEL] * 5 + [Mode.DRAIN]),
        timeout=st.sampled_from([PATIENT, PATIENT, PATIENT, 8.0]),
        quiet_period=st.sampled_from([0.0, 1.0, 3.0]),
    )
    ways = st.fixed_dictionaries(
        {
            "max_running": st.sampled_from([1, 10]),
            "azure_max_running": st.sampled_from([1, None]),
            "azure_page_size": st.sampled_from([2, 50]),
            "stop_submitted": st.sampled_from(["stop", "stopped", "ignore", "refuse"]),
            "azure_cancel_queued": st.sampled_from(["cancel", "cancelled", "ignore", "refuse"]),
            "stop_ended": st.sampled_from(["answer", "refuse", "not-found"]),
            "azure_cancel_refused": st.sampled_from([400, 409]),
            "error_status": st.sampled_from(["documented", "model"]),
            "rates": st.sampled_from([{}, {}, {STOP[AMAZON_TRANSLATE]: 2, STOP[AZURE_DOCUMENT_TRANSLATION]: 2}]),
        }
    )
    return st.builds(
        Scenario,
        service=st.sampled_from([AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION]),
        policy=policies,
        jobs=st.lists(jobs, min_size=1, max_size=7).map(tuple),
        faults=st.lists(faults, min_size=1, max_size=3).map(tuple),
        crash_after=st.sampled_from([None] * 6 + [0, 1, 3]),
        workers=st.sampled_from([0, 0, 6]),
        settings=ways,
        behaviour=st.lists(st.sampled_from(["ignore-stop", "lose-race", "late"]), max_size=2, unique=True).map(tuple),
    )


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(clock="stepped") as server, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_TRANSLATE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv(KEY_ENV, KEY)
        yield server


def longer_than_retries(service: str, kind: str) -> Scenario:
    """Every operation fails more often than the SDKs try it again."""
    faults = tuple(FaultPlan(kind, about, 7, 1, "before", 503, None) for about in OPERATIONS)
    jobs = tuple(JobPlan(own, state, -100.0, 600.0, 0.4) for own in (True, False) for state in (0, 1, 2))
    return Scenario(service, Policy(timeout=PATIENT, quiet_period=1.0), jobs, faults, None, 0, {}, ())


@given(scenario=scenarios())
@example(scenario=longer_than_retries(AMAZON_TRANSLATE, "throttle"))
@example(scenario=longer_than_retries(AMAZON_TRANSLATE, "error"))
@example(scenario=longer_than_retries(AZURE_DOCUMENT_TRANSLATION, "error"))
@example(scenario=longer_than_retries(AZURE_DOCUMENT_TRANSLATION, "drop"))
@settings(max_examples=max(settings.default.max_examples // 50, 1))  # type: ignore[union-attr]
def test_invariants_hold_over_http(emulator: Emulator, scenario: Scenario) -> None:
    """Whatever goes wrong between the SDKs and the services, and wherever it is interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(emulator, scenario, patch)
        world.check(world.tear_down(scenario.policy, scenario.crash_after))
        # 3: once nothing is wrong any more, the next one finishes.
        emulator.control.clear_faults()
        emulator.control.settings(stop_submitted="stop", azure_cancel_queued="cancel", rates={})
        last = world.tear_down(Policy(timeout=PATIENT, quiet_period=scenario.policy.quiet_period), None)
        assert last.outcome is None, f"the next teardown did not finish: {last.outcome!r}"
        world.check(last)


@dataclass(frozen=True)
class Run:
    """One teardown: what came of it, and what the emulator saw."""

    policy: Policy
    began: float
    took: float
    calls: list[dict[str, Any]]
    waiting: set[str]
    outcome: BaseException | None


class World:
    """A scenario come true."""

    def __init__(self, emulator: Emulator, scenario: Scenario, patch: pytest.MonkeyPatch) -> None:
        self.scenario = scenario
        self.control = emulator.control
        self.control.reset()
        self.control.settings(**scenario.settings)
        self.clock = SteppedClock(self.control)
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=self.clock.sleep))
        patch.setattr(
            "azure.core.pipeline.transport._base.HttpTransport.sleep", lambda _self, seconds: self.clock.sleep(seconds)
        )
        plans = [self._entry(plan) for plan in scenario.jobs]
        ids = self.control.add_jobs(plans)
        self.own = {id_ for id_, plan in zip(ids, scenario.jobs, strict=True) if plan.own}
        self.guard = self._guard(emulator)
        # Makes no request, but an account of Azure that is not there yet.
        self.service: JobService = lifecycle.connect(self.guard)
        self.account = lifecycle.verify_account(self.guard, self.service)
        self._order_faults()

    def tear_down(self, policy: Policy, crash_after: int | None) -> Run:
        began, since = self.clock.today, self.control.last_request()
        stop_states = WORDS[self.scenario.service][:2]
        shown = self.clock.today - (LATE if "late" in self.scenario.behaviour else 0.0)
        waiting = {
            job["id"]
            for job in self.control.jobs()
            if job["id"] in self.own and job["state"] in stop_states and job["submitted"] <= shown
        }
        self.clock.crash_after = crash_after
        outcome: BaseException | None = None
        try:
            run(
                self.service,
                partial(coverage, self.guard.scopes),
                policy,
                account=self.account,
                pace=Pace(),
                clock=self.clock,
                workers=self.scenario.workers,
            )
        except (TeardownError, Crash) as error:
            outcome = error
        self.clock.crash_after = None
        return Run(policy, began, self.clock.today - began, self.control.requests(since), waiting, outcome)

    def check(self, run: Run) -> None:
        stops = [call for call in run.calls if call["operation"] == STOP[self.scenario.service]]
        listings = self._listings(run)
        # 1, and every mode does what it says.
        asked = {self._id(call) for call in stops}
        assert asked <= self.own, "a job out of scope was asked to stop"
        assert run.policy.mode is Mode.CANCEL or not stops, "a job was asked to stop in mode drain"
        # 2
        if run.outcome is None:
            assert listings, "success without a look"
            since = listings[-1]["started"] - (LATE if "late" in self.scenario.behaviour else 0.0)
            left = [
                job
                for job in self.control.jobs()
                if job["id"] in self.own and job["state"] in IN_FLIGHT and job["submitted"] < since
            ]
            assert left == [], "success with a job in scope in flight"
        # 4
        patient = run.policy.timeout == PATIENT and not any(fault.definite for fault in self.scenario.faults)
        if patient and not isinstance(run.outcome, Crash):
            assert run.outcome is None, f"a teardown with time enough failed: {run.outcome!r}"
        # 5
        wrong = {fault.about for fault in self.scenario.faults}
        if run.policy.mode is Mode.CANCEL and patient and not wrong - {"stop"} and len(listings) > 1:
            before = {self._id(call) for call in stops if call["sequence"] < listings[1]["sequence"]}
            assert run.waiting <= before, "a wait for a state before all stop requests were sent"
        # 6
        assert run.took <= run.policy.timeout + LONGEST_REQUEST, "it went on after its timeout"
        late = [call for call in stops if call["started"] > run.began + run.policy.timeout]
        assert late == [], "a stop request after the deadline"
        # 7
        assert KEY not in str(run.outcome)

    def _entry(self, plan: JobPlan) -> dict[str, Any]:
        later = plan.comes_after > 0
        entry: dict[str, Any] = {
            "state": WORDS[self.scenario.service][0 if later else plan.state],
            "submitted": self.clock.today + plan.comes_after,
            "run_time": plan.run_time,
            "stop_latency": plan.stop_latency,
        }
        owner = "own" if plan.own else "other"
        if self.scenario.service == AMAZON_TRANSLATE:
            return {**entry, "region": REGION, "role": f"{ROLE}{owner}"}
        return {**entry, "resource": "translator", "source": f"{CONTAINER}{owner}", "target": f"{CONTAINER}result"}

    def _guard(self, emulator: Emulator) -> GuardArguments:
        if self.scenario.service == AMAZON_TRANSLATE:
            scope: Scope = AmazonScope(data_access_role_arns=(f"{ROLE}own",))
            return guard(emulator, AMAZON_TRANSLATE, scopes=(scope,), account_id="123456789012")
        scope = AzureScope(container_urls=(f"{CONTAINER}own",))
        return guard(emulator, AZURE_DOCUMENT_TRANSLATION, scopes=(scope,))

    def _order_faults(self) -> None:
        for fault in self.scenario.faults:
            details: dict[str, Any] = {"when": fault.when}
            if fault.kind == "error":
                details["status"] = fault.status
            if fault.kind in ("throttle", "denied", "expired"):
                details["when"] = "before"
            if fault.retry_after is not None:
                details["retry_after"] = fault.retry_after
            operation = OPERATIONS[fault.about][self.scenario.service]
            self.control.fault(operation, fault.kind, times=fault.times, after=fault.after, **details)
        for kind in self.scenario.behaviour:
            if kind == "late":
                self.control.fault(LIST[self.scenario.service], "late", seconds=LATE)
            else:
                self.control.fault(STOP[self.scenario.service], kind, times=2, per_job=True)

    def _listings(self, run: Run) -> list[dict[str, Any]]:
        """The first answered request of each listing."""
        calls = [call for call in run.calls if call["operation"] == LIST[self.scenario.service]]
        calls = [call for call in calls if call["status"] == 200]
        if self.scenario.service == AMAZON_TRANSLATE:
            first = WORDS[AMAZON_TRANSLATE][0]
            return [
                call
                for call in calls
                if call["parameters"]["Filter"].get("JobStatus") == first and "NextToken" not in call["parameters"]
            ]
        following = {"skip", "createdDateTimeUtcStart", "ids"}
        return [call for call in calls if not following & call["parameters"].keys()]

    def _id(self, call: dict[str, Any]) -> str:
        return str(call["parameters"]["JobId" if self.scenario.service == AMAZON_TRANSLATE else "id"])
