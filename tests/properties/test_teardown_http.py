"""The teardown with the real SDKs, over HTTP, against the emulator with faults: DESIGN's invariants 1 to 6.

What is checked is read from the emulator's request log and from the jobs' final states. Its clock is stepped: whatever
the runner or an SDK would wait for is stepped, so that nothing here waits.

Azure's cache is on, and holds listings from before the jobs came; documents are listed one by one, and their targets
may be told late. Success is only right by the last fresh listing: one that was answered without an ``Age``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given, settings

from tests.properties.http_scenarios import (
    LIST,
    OPERATIONS,
    PATIENT,
    STOP,
    WORDS,
    JobPlan,
    Scenario,
    longer_than_retries,
    looked_before,
    scenarios,
    targets_told_late,
)
from tests.support.emulator import REGION
from tests.support.services import KEY_ENV, guard
from translation_job_emulator import Control, Emulator, azure_cache
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Scope,
    coverage,
)
from translation_job_guard.services import JobService
from translation_job_guard.services.azure import listing, service
from translation_job_guard.teardown import Mode, TeardownError, TeardownOptions, Undecided
from translation_job_guard.teardown.pace import Pace
from translation_job_guard.teardown.runner import run

pytestmark = pytest.mark.no_cover

KEY = "emulator-key"

ROLE = "arn:aws:iam::123456789012:role/"

CONTAINER = "https://account.blob.core.windows.net/"

LATE = 3.0
"""Seconds for which a job is not listed, where that is so."""

READ_LAG = 0.3
"""Seconds for which a fresh listing of Azure may be without a new batch (the emulator's default)."""

LONGEST_REQUEST = 10.0
"""Seconds that one request may take with the SDKs' own attempts, none of which takes any time here but the pauses."""

IN_FLIGHT = {"SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED", "NotStarted", "Running", "Cancelling"}


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


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(clock="stepped") as server, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_TRANSLATE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv(KEY_ENV, KEY)
        yield server


@given(scenario=scenarios())
@example(scenario=looked_before("service"))
@example(scenario=looked_before("gateway"))
@example(scenario=targets_told_late())
@example(scenario=longer_than_retries(AMAZON_TRANSLATE, "throttle"))
@example(scenario=longer_than_retries(AMAZON_TRANSLATE, "error"))
@example(scenario=longer_than_retries(AZURE_DOCUMENT_TRANSLATION, "error"))
@example(scenario=longer_than_retries(AZURE_DOCUMENT_TRANSLATION, "drop"))
@settings(max_examples=max(settings.default.max_examples // 50, 1))  # type: ignore[union-attr]
def test_invariants_hold_over_http(emulator: Emulator, scenario: Scenario) -> None:
    """Whatever goes wrong between the SDKs and the services, and wherever it is interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(emulator, scenario, patch)
        world.check(world.tear_down(scenario.options, scenario.crash_after))
        # 3: once nothing is wrong any more, the next one finishes.
        emulator.control.clear_faults()
        emulator.control.settings(
            stop_submitted="stop", azure_cancel_queued="cancel", rates={}, azure_document_path="unless-failed"
        )
        last = world.tear_down(TeardownOptions(timeout=PATIENT, quiet_period=scenario.options.quiet_period), None)
        assert last.outcome is None, f"the next teardown did not finish: {last.outcome!r}"
        world.check(last)


def _cached_answers_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(service, "fresh", lambda ask, *_: ask()[0])


def _one_url_for_all_listings(patch: pytest.MonkeyPatch) -> None:
    _cached_answers_believed(patch)
    patch.setattr(listing, "fresh_start", lambda _: {"createdDateTimeUtcStart": "2019-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("mistake", "cache", "found"),
    [
        (None, "service", False),
        (None, "gateway", False),
        (_cached_answers_believed, "gateway", True),
        (_one_url_for_all_listings, "service", True),
    ],
)
def test_a_broken_freshness_rule_is_found(
    emulator: Emulator, mistake: Any, cache: Literal["service", "gateway"], found: bool
) -> None:
    """The invariants have teeth: whoever believes a cached answer reports success while jobs run."""
    scenario = looked_before(cache)
    with pytest.MonkeyPatch.context() as patch:
        if mistake:
            mistake(patch)
        world = World(emulator, scenario, patch)
        with pytest.raises(AssertionError, match="success with") if found else nullcontext():
            world.check(world.tear_down(scenario.options, None))


@dataclass(frozen=True)
class Run:
    """One teardown: what came of it, and what the emulator saw."""

    options: TeardownOptions
    began: float
    took: float
    calls: list[dict[str, Any]]
    waiting: set[str]
    outcome: BaseException | None


class World:
    """A scenario, set up in the emulator."""

    def __init__(self, emulator: Emulator, scenario: Scenario, patch: pytest.MonkeyPatch) -> None:
        self.scenario = scenario
        self.control = emulator.control
        self.control.reset()
        self.control.settings(**scenario.settings)
        if scenario.azure.cache == "gateway":
            # Its pages would have one key all.
            self.control.settings(azure_page_size=50)
            patch.setattr(azure_cache, "url_of", _url_of_gateway)
        self.clock = SteppedClock(self.control)
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=self.clock.sleep))
        patch.setattr(
            "azure.core.pipeline.transport._base.HttpTransport.sleep", lambda _self, seconds: self.clock.sleep(seconds)
        )
        self.guard = self._guard(emulator)
        # Makes no request, but an account of Azure that is not there yet.
        self.service: JobService = self.guard.connection.open()
        self.account = lifecycle.verify_account(self.service, self.guard.connection.account_id)
        if scenario.service == AZURE_DOCUMENT_TRANSLATION:
            self._look_before()
        plans = [self._entry(plan) for plan in scenario.jobs]
        ids = self.control.add_jobs(plans)
        self.own = {id_ for id_, plan in zip(ids, scenario.jobs, strict=True) if plan.own}
        self.told_at = {
            id_: entry["submitted"] + plan.first_row for id_, entry, plan in zip(ids, plans, scenario.jobs, strict=True)
        }
        self._order_faults()

    def _look_before(self) -> None:
        """Look once, so that each node of the cache keeps a listing without a job."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(service, "fresh", lambda ask, *_: ask()[0])
            for _ in range(3):
                self.service.list_in_flight()

    def tear_down(self, options: TeardownOptions, crash_after: int | None) -> Run:
        began, since = self.clock.today, self.control.last_request()
        stop_states = WORDS[self.scenario.service][:2]
        shown = self.clock.today - (LATE if "late" in self.scenario.behaviour else 0.0)
        waiting = {
            job["id"]
            for job in self.control.jobs()
            if job["id"] in self.own and job["state"] in stop_states and job["submitted"] <= shown
        }
        if self.scenario.service == AZURE_DOCUMENT_TRANSLATION:
            # The owner of the others is not known yet.
            told = {id_ for id_ in waiting if self.told_at[id_] <= self.clock.today}
            waiting = set() if self.scenario.may_stay_undecided else told
        self.clock.crash_after = crash_after
        outcome: BaseException | None = None
        try:
            run(
                self.service,
                partial(coverage, self.guard.scopes),
                options,
                account=self.account,
                pace=Pace(),
                clock=self.clock,
                workers=self.scenario.workers,
            )
        except (TeardownError, Crash) as error:
            outcome = error
        self.clock.crash_after = None
        return Run(options, began, self.clock.today - began, self.control.requests(since), waiting, outcome)

    def check(self, run: Run) -> None:
        stops = [call for call in run.calls if call["operation"] == STOP[self.scenario.service]]
        listings = self._listings(run)
        # 1, and every mode does what it says.
        asked = {self._id(call) for call in stops}
        assert asked <= self.own, "a job out of scope was asked to stop"
        assert run.options.mode is Mode.CANCEL or not stops, "a job was asked to stop in mode drain"
        # 2
        if run.outcome is None:
            assert listings, "success without a look"
            since = listings[-1]["started"] - (LATE if "late" in self.scenario.behaviour else READ_LAG)
            left = [
                job
                for job in self.control.jobs()
                if job["id"] in self.own and job["state"] in IN_FLIGHT and job["submitted"] < since
            ]
            assert left == [], "success with a job in scope in flight"
        # 4
        patient = run.options.timeout == PATIENT and not any(fault.definite for fault in self.scenario.faults)
        undecided = isinstance(run.outcome, Undecided) and self.scenario.may_stay_undecided
        if patient and not isinstance(run.outcome, Crash) and not undecided:
            assert run.outcome is None, f"a teardown with time enough failed: {run.outcome!r}"
        # 5
        wrong = {fault.about for fault in self.scenario.faults}
        if run.options.mode is Mode.CANCEL and patient and not wrong - {"stop"} and len(listings) > 1:
            before = {self._id(call) for call in stops if call["sequence"] < listings[1]["sequence"]}
            assert run.waiting <= before, "a wait for a state before all stop requests were sent"
        # 6
        assert run.took <= run.options.timeout + LONGEST_REQUEST, "it went on after its timeout"
        late = [call for call in stops if call["started"] > run.began + run.options.timeout]
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
        by_target = self.scenario.azure.selector == "target_container_urls"
        source, target = ("shared", owner) if by_target else (owner, "shared")
        return {
            **entry,
            "resource": "translator",
            "source": f"{CONTAINER}{source}",
            "target": f"{CONTAINER}{target}",
            "documents": plan.documents,
            "first_row": entry["submitted"] + plan.first_row,
            "row_interval": plan.row_interval,
        }

    def _guard(self, emulator: Emulator) -> GuardArguments:
        if self.scenario.service == AMAZON_TRANSLATE:
            scope: Scope = AmazonScope(data_access_role_arns=(f"{ROLE}own",))
            return guard(emulator, AMAZON_TRANSLATE, scopes=(scope,), account_id="123456789012")
        selector: dict[str, Any] = {self.scenario.azure.selector: (f"{CONTAINER}own",)}
        scope = AzureScope(**selector)
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
        """Return the first request of each listing that was answered, and not from a cache."""
        calls = [call for call in run.calls if call["operation"] == LIST[self.scenario.service]]
        calls = [call for call in calls if call["status"] == 200]
        if self.scenario.service == AMAZON_TRANSLATE:
            first = WORDS[AMAZON_TRANSLATE][0]
            return [
                call
                for call in calls
                if call["parameters"]["Filter"].get("JobStatus") == first and "NextToken" not in call["parameters"]
            ]
        first_pages = [call for call in calls if not {"skip", "ids"} & call["parameters"].keys()]
        # Later pages are asked for by the time of a batch: none is as old.
        return [
            call
            for call in first_pages
            if call["parameters"]["createdDateTimeUtcStart"] < "2021" and call.get("age") is None
        ]

    def _id(self, call: dict[str, Any]) -> str:
        return str(call["parameters"]["JobId" if self.scenario.service == AMAZON_TRANSLATE else "id"])


def _url_of_gateway(request: Any) -> str:
    """Return a URL without the parameters that a reader varies."""
    query = [(name, value) for name, value in parse_qsl(request.raw_query) if name not in ("top", VARIED)]
    return f"{request.raw_path or request.path}?{urlencode(query)}"


VARIED = "createdDateTimeUtcStart"
