"""Teardowns with everything that can go wrong.

What is in scope is said by a job's making (`JobPlan.own`), never by the predicate under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    JobNotFound,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    JobState,
    Scope,
)
from translation_job_guard.teardown import (
    Mode,
    TeardownOptions,
)
from translation_job_guard.testing import Operation, SimulatedJob, SimulatedService

PATIENT = 2_000.0
"""A timeout in which everything ends that can end."""

_FOREVER = 1e6

LONG_ENOUGH = 300.0
"""Seconds in which the service tells the documents of every batch."""

_ROLE = "arn:aws:iam::123456789012:role/own"

CONTAINER = "https://account.blob.core.windows.net/own"

_CREATED_AFTER = -300.0


@dataclass(frozen=True)
class JobPlan:
    """A job to be. ``own``: in scope; ``differs``: in which way a foreign one is not."""

    own: bool
    differs: int
    submitted_at: float
    queued_for: float
    runs_for: float
    ends_as: JobState
    stop_takes: float
    ignores_stops: int
    stoppable_while_queued: bool
    stop_loses_race: bool
    late: float
    hidden: tuple[float, float] | None
    located_after: float
    counted_after: float | None
    target_after: float
    vanishes_after: float | None
    others_stop_at: float | None


@dataclass(frozen=True)
class FaultPlan:
    """A fault to be: ``error`` is a class of error, ``retry_after`` for throttling."""

    operation: Operation | None
    error: type[ServiceError]
    retry_after: float | None
    took_effect: bool
    skip: int
    times: int | None

    @property
    def definite(self) -> bool:
        """Not one that passes by itself."""
        return not issubclass(self.error, (Throttled, Transient))

    def make(self) -> ServiceError:
        text = f"{self.operation}: planned."
        if self.error is Throttled:
            return Throttled(text, retry_after=self.retry_after)
        return self.error(text)


@dataclass(frozen=True)
class Scenario:
    """A world and a guard. ``crashes``: after so many calls each, and whether the request still took effect."""

    service: str
    options: TeardownOptions
    jobs: tuple[JobPlan, ...]
    faults: tuple[FaultPlan, ...]
    crashes: tuple[tuple[int, bool], ...]
    page_size: int
    stops_per_second: float | None
    latency: float = 0.05
    cached: tuple[tuple[float, float], ...] = ()
    """From when, and for how long, answers come from a cache."""
    behind: float = 0.0
    """Which part of the quiet period every second node is behind."""
    reads_per_second: float | None = None


def _faults() -> st.SearchStrategy[FaultPlan]:
    passing = st.builds(
        FaultPlan,
        operation=st.sampled_from(["list", "locate", "stop", "look", None]),
        error=st.sampled_from([Throttled, Transient]),
        retry_after=st.sampled_from([None, 0.0, 7.0]),
        took_effect=st.booleans(),
        skip=st.integers(0, 8),
        times=st.sampled_from([1, 2, 5, 5, None]),
    )
    definite = st.builds(
        FaultPlan,
        operation=st.sampled_from(["list", "locate", "stop", "stop", "look"]),
        error=st.sampled_from([Denied, CredentialsUnusable, JobNotFound, Rejected]),
        retry_after=st.none(),
        took_effect=st.just(False),
        skip=st.integers(0, 8),
        times=st.sampled_from([1, 2, None]),
    )
    return st.one_of(passing, passing, definite)


def job_plans(**narrowed: st.SearchStrategy[Any]) -> st.SearchStrategy[JobPlan]:
    """Jobs that go every way; ``narrowed`` fields as given."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "own": st.sampled_from([True, True, False]),
        "differs": st.integers(0, 2),
        "submitted_at": st.one_of(st.just(-100.0), st.floats(0.0, 12.0)),
        "queued_for": st.sampled_from([0.0, 0.0, 100.07, 100.12, 104.0, 120.0]),
        "runs_for": st.sampled_from([0.3, 4.0, 100.07, 100.12, 103.0, _FOREVER]),
        "ends_as": st.sampled_from([JobState.SUCCEEDED, JobState.SUCCEEDED_IN_PART, JobState.FAILED]),
        "stop_takes": st.sampled_from([0.1, 0.4, 2.0, 9.0]),
        "ignores_stops": st.sampled_from([0, 0, 0, 1, 2]),
        "stoppable_while_queued": st.booleans(),
        "stop_loses_race": st.sampled_from([False, False, True]),
        "late": st.sampled_from([0.0, 0.0, 0.5, 0.99]),
        "hidden": st.sampled_from([None, None, None, (0.0, 1.0), (2.0, 8.0), (4.0, 9.0)]),
        "located_after": st.sampled_from([0.0, 0.0, 1.0, 101.0, 110.0]),
        "counted_after": st.sampled_from([None, None, 0.0, 101.0, 104.0]),
        "target_after": st.sampled_from([0.0, 0.0, 101.0, 105.0]),
        "vanishes_after": st.sampled_from([None, None, None, 101.0, 105.0]),
        "others_stop_at": st.sampled_from([None, None, None, 0.3, 2.2, 6.0]),
    }
    return st.builds(JobPlan, **{**fields, **narrowed})


def teardown_options(**narrowed: st.SearchStrategy[Any]) -> st.SearchStrategy[TeardownOptions]:
    """Options of every kind; ``narrowed`` fields as given."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "mode": st.sampled_from([Mode.CANCEL] * 6 + [Mode.DRAIN, Mode.FAIL, Mode.IGNORE]),
        "grace_period": st.sampled_from([0.0, 0.0, 0.0, 3.3]),
        "timeout": st.sampled_from([PATIENT, PATIENT, PATIENT, 60.0, 12.0, 4.0, 4.0]),
        "quiet_period": st.sampled_from([3.0, 3.0, 1.0, 0.2, 0.0]),
        "poll_interval": st.sampled_from([None, None, None, 0.5, 5.0]),
        "undecided_timeout": st.sampled_from([LONG_ENOUGH, LONG_ENOUGH, 3.0]),
        "leave_undecided": st.sampled_from([False, False, True]),
    }
    return st.builds(TeardownOptions, **{**fields, **narrowed})


def scenarios(**narrowed: st.SearchStrategy[Any]) -> st.SearchStrategy[Scenario]:
    """Every kind of world and guard; ``narrowed`` fields as given."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "service": st.sampled_from([AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION]),
        "options": teardown_options(),
        "jobs": st.lists(job_plans(), max_size=8).map(tuple),
        "faults": st.lists(_faults(), max_size=3).map(tuple),
        "crashes": st.lists(st.tuples(st.integers(0, 25), st.booleans()), max_size=2).map(tuple),
        "page_size": st.sampled_from([2, 2, 3, 100]),
        "stops_per_second": st.sampled_from([None, None, 5.0, 0.7, 0.7]),
        # With the last one a listing takes longer than the shortest poll interval.
        "latency": st.sampled_from([0.05, 0.05, 0.05, 0.3]),
        "cached": st.lists(
            st.tuples(st.sampled_from([0.0, 0.4, 2.0, 3.2, 6.0]), st.sampled_from([0.1, 1.0, 4.0, 30.0])), max_size=2
        ).map(tuple),
        # More than the quiet period bears, nobody can tell.
        "behind": st.sampled_from([0.0, 0.0, 0.0, 0.5, 0.9]),
        "reads_per_second": st.sampled_from([None, None, 2.0]),
    }
    return st.builds(Scenario, **{**fields, **narrowed})


class World:
    """A scenario come true: the service, and which of its jobs are whose."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.service = SimulatedService(
            scenario.service,
            latency=scenario.latency,
            page_size=scenario.page_size,
            stops_per_second=scenario.stops_per_second,
            reads_per_second=scenario.reads_per_second,
            lags=(0.0, self.lag) if self.lag else (0.0,),
        )
        for begin, seconds in scenario.cached:
            self.service.serve_from_cache(begin, begin + seconds)
        self.own: dict[str, SimulatedJob] = {}
        self._own_known_after: dict[str, float] = {}
        submitted = float("-inf")
        for plan in sorted(scenario.jobs, key=lambda plan: plan.submitted_at):
            # Azure's listing goes on from a second before the last batch that it saw: see services/azure/listing.py.
            submitted = max(plan.submitted_at, submitted + 1.01) if self._azure else plan.submitted_at
            self._add(plan, submitted)

    @property
    def lag(self) -> float:
        """By how many seconds an answer that is not marked as cached may be behind."""
        return self.scenario.behind * self.scenario.options.quiet_period

    @property
    def _azure(self) -> bool:
        return self.scenario.service == AZURE_DOCUMENT_TRANSLATION

    def _add(self, plan: JobPlan, submitted: float) -> None:
        older = 0.0
        targets: list[str] = []
        if self._azure:
            name, role = None, None
            locations, located, older = self._batch(plan)
            submitted -= older
            if plan.target_after:
                # The scope has the target container, which the service shows later.
                targets, locations = locations, [f"{CONTAINER}-source/{n}.docx" for n, _ in enumerate(locations)]
        else:
            name, role, locations, located = self._text_job(plan)
        job = self.service.add(
            name=name,
            role_arn=role,
            locations=locations,
            located_after=located,
            submitted_at=submitted,
            queued_for=plan.queued_for + older,
            # Only a stop request ends some jobs; a mode that sends none would wait for ever.
            runs_for=plan.runs_for if self.scenario.options.mode is Mode.CANCEL else min(plan.runs_for, 900.0),
            ends_as=plan.ends_as,
            stop_takes=plan.stop_takes,
            ignores_stops=plan.ignores_stops,
            stoppable_while_queued=plan.stoppable_while_queued,
            stop_loses_race=plan.stop_loses_race,
            # Later than the quiet period bears, nobody can tell.
            listed_after=plan.late * self.scenario.options.quiet_period,
            hidden=plan.hidden,
            vanishes_at=None if plan.vanishes_after is None else submitted + older + plan.vanishes_after,
            counted_after=plan.counted_after,
            targets=targets,
            targets_after=plan.target_after if targets else 0.0,
        )
        if plan.own:
            self.own[job.id] = job
            self._own_known_after[job.id] = max([*located, plan.target_after]) if located else 0.0
        if plan.others_stop_at is not None:
            self.service.clock.at(plan.others_stop_at, lambda: self.service.stop_by_others(job))

    @staticmethod
    def _text_job(plan: JobPlan) -> tuple[str, str, list[str], list[float]]:
        wrong = None if plan.own else plan.differs
        return (
            "pr-170-manual" if wrong == 0 else "pr-17-manual",
            f"{_ROLE}-2" if wrong == 1 else _ROLE,
            ["s3://shared/in/", "s3://own-2/out/" if wrong == 2 else "s3://own/out/"],
            [],
        )

    @staticmethod
    def _batch(plan: JobPlan) -> tuple[list[str], list[float], float]:
        """Its locations, when each is known, and how much older than planned it is."""
        if not plan.own and plan.differs == 0:
            return [f"{CONTAINER}/in.docx"], [plan.located_after], -2 * _CREATED_AFTER
        # A batch that grows: its first document is known before the one that ties it to the container.
        other = f"{CONTAINER}-2/out.docx"
        ours = other if not plan.own else f"{CONTAINER}/in.docx"
        grows = plan.located_after if plan.differs == 1 else 0.0
        return [other, ours], [plan.located_after, plan.located_after + grows], 0.0

    @property
    def scopes(self) -> Sequence[Scope]:
        """The guard's: all kinds of selector must match."""
        if self._azure:
            began = datetime(2026, 1, 1, tzinfo=timezone.utc)
            return [AzureScope(container_urls=(CONTAINER,), created_after=began + timedelta(seconds=_CREATED_AFTER))]
        return [
            AmazonScope(
                data_access_role_arns=(_ROLE,), s3_uri_prefixes=("s3://own/",), job_name_prefixes=("pr-17-", "x-")
            )
        ]

    def plain(self, id_: str, now: float) -> bool:
        """Whether every answer of now shows an own job, and what ties it to the guard is known."""
        job = self.own[id_]
        known = now - self.lag >= job.submitted_at + self._own_known_after[id_]
        return self.listed(job, now) and known

    def listed(self, job: SimulatedJob, now: float) -> bool:
        """Whether every listing of now shows a job, also that of a node that is behind."""
        return job.listed(now) and job.listed(now - self.lag)
