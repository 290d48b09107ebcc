"""Worlds for teardowns over HTTP: jobs, faults and settings of the emulator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from hypothesis import strategies as st

from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
)
from translation_job_guard.teardown import Mode, TeardownOptions

PATIENT = 5_000.0

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
    """A job to be. ``state`` counts as in ``WORDS``; a job that comes later is queued.

    The documents of an Azure batch are listed from ``first_row`` seconds after its submission, one every
    ``row_interval`` seconds.
    """

    own: bool
    state: int
    comes_after: float
    run_time: float
    stop_latency: float
    documents: int = 3
    first_row: float = 0.0
    row_interval: float = 0.0


@dataclass(frozen=True)
class AzureWays:
    """How an Azure batch is known to be the guard's, and which cache stands before the service.

    ``gateway``: the cache knows an URL by what does not change from one read to the next, so it also answers reads that
    ask at an URL of their own.
    """

    selector: Literal["container_urls", "source_container_urls", "target_container_urls"] = "container_urls"
    cache: Literal["service", "gateway"] = "service"


@dataclass(frozen=True)
class Scenario:
    service: str
    options: TeardownOptions
    jobs: tuple[JobPlan, ...]
    faults: tuple[FaultPlan, ...]
    crash_after: int | None
    workers: int
    settings: dict[str, Any]
    behaviour: tuple[str, ...]
    azure: AzureWays = AzureWays()

    @property
    def may_stay_undecided(self) -> bool:
        """Whether the service may never tell whether a batch is in scope: no target before the document is done."""
        late = (
            self.settings.get("azure_document_path") == "succeeded" and self.azure.selector != "source_container_urls"
        )
        return self.service == AZURE_DOCUMENT_TRANSLATION and late


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
        documents=st.sampled_from([1, 3, 5]),
        first_row=st.sampled_from([0.0, 0.0, 1.5]),
        row_interval=st.sampled_from([0.0, 0.3, 1.0]),
    )
    teardown_options = st.builds(
        TeardownOptions,
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
            "azure_document_path": st.sampled_from(["unless-failed", "unless-failed", "succeeded"]),
            "error_status": st.sampled_from(["documented", "model"]),
            "rates": st.sampled_from([{}, {}, {STOP[AMAZON_TRANSLATE]: 2, STOP[AZURE_DOCUMENT_TRANSLATION]: 2}]),
        }
    )
    return st.builds(
        Scenario,
        service=st.sampled_from([AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION]),
        options=teardown_options,
        jobs=st.lists(jobs, min_size=1, max_size=7).map(tuple),
        faults=st.lists(faults, min_size=1, max_size=3).map(tuple),
        crash_after=st.sampled_from([None] * 6 + [0, 1, 3]),
        workers=st.sampled_from([0, 0, 6]),
        settings=ways,
        behaviour=st.lists(st.sampled_from(["ignore-stop", "lose-race", "late"]), max_size=2, unique=True).map(tuple),
        azure=st.builds(AzureWays),
    )


def longer_than_retries(service: str, kind: str) -> Scenario:
    """Every operation fails more often than the SDKs try it again."""
    faults = tuple(FaultPlan(kind, about, 7, 1, "before", 503, None) for about in OPERATIONS)
    jobs = tuple(JobPlan(own, state, -100.0, 600.0, 0.4) for own in (True, False) for state in (0, 1, 2))
    return Scenario(service, TeardownOptions(timeout=PATIENT, quiet_period=1.0), jobs, faults, None, 0, {}, ())


def looked_before(cache: Literal["service", "gateway"]) -> Scenario:
    """Nothing goes wrong, and each node of the cache has a listing from before the jobs."""
    jobs = tuple(JobPlan(own, 1, -1.0, 600.0, 0.4, 3, 0.0, 0.3) for own in (True, False))
    options = TeardownOptions(timeout=PATIENT, quiet_period=1.0)
    return Scenario(AZURE_DOCUMENT_TRANSLATION, options, jobs, (), None, 0, {}, (), AzureWays(cache=cache))


def targets_told_late() -> Scenario:
    """No document of a running batch tells its target, which is what the scope goes by."""
    ways = AzureWays("target_container_urls")
    return replace(looked_before("service"), settings={"azure_document_path": "succeeded"}, azure=ways)
