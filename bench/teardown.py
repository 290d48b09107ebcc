"""How long a teardown takes and what it asks, against the limit that the service sets and a loop of the SDK."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench import loops
from bench.emulated import CONTAINER, REGION, STOP_LATENCY, Emulated
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AzureScope,
    Coverage,
    Job,
    coverage,
)
from translation_job_guard.services import JobService, amazon, azure
from translation_job_guard.teardown import Ending, Report, TeardownOptions
from translation_job_guard.teardown.pace import Pace
from translation_job_guard.teardown.runner import WORKERS, run
from translation_job_guard.teardown.schedule import FASTEST_POLL

__all__ = ["Case", "Run", "connect", "measure", "tear_down"]

ALLOWED = 5.0
"""Stop requests a second that a throttled place lets through: what AWS documents."""
QUIET = 3.0
READ_LAG = 0.5
"""Seconds after which every listing of the emulator shows a batch that was submitted (with its defaults: 0.3)."""
FIRST_ROW = 2.6 - READ_LAG
"""Seconds from the start of the teardown until the emulator lists its first document, with its defaults."""
MANY = 50
"""Jobs from which on a loop takes so long that one is reference enough."""


@dataclass(frozen=True)
class Case:
    """The number of the guard's own jobs, and of others."""

    service: str
    jobs: int
    rate: float | None
    ended: int
    neighbours: int

    def __str__(self) -> str:
        cloud = "Amazon" if self.service == AMAZON_TRANSLATE else "Azure"
        return f"{cloud}, {self.jobs:,} jobs, {f'{self.rate:g} stops/s' if self.rate else 'not throttled'}"


@dataclass(frozen=True)
class Run:
    """One teardown, and what was measured beside it."""

    seconds: float
    sight: float
    last_listing: float
    bare_rate: float
    report: Report
    refused: int

    def by_rate(self, case: Case) -> float:
        """The slower of stopping and ending, one listing, one poll interval: as if jobs ended while others wait for
        their turn, the last one included."""
        stopping = case.jobs / case.rate if case.rate else 0.0
        return max(stopping, STOP_LATENCY) + self.sight + FASTEST_POLL

    def by_steps(self, case: Case) -> float:
        """See, send the last request, wait until that job has ended, see again.

        The rate of requests is what the SDK's own client reaches in the same threads as it comes, so an estimate.
        """
        stopping = case.jobs / self.bare_rate
        if case.rate:
            stopping = max(stopping, (case.jobs - case.rate) / case.rate)
        return self.sight + stopping + STOP_LATENCY + self.last_listing

    def limit(self, case: Case) -> float:
        """Return the larger of the two limits."""
        return max(self.by_rate(case), self.by_steps(case))


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Items 1 and 2 of the benchmarks: time, and requests by operation."""
    for case in _cases(plan):
        runs = [tear_down(emulated, case) for _ in range(plan.choose(1, 3))]
        # Of few jobs a loop is quick and its time varies: the median of nine is the reference.
        loops_taken = [_by_hand(emulated, case) for _ in range(plan.choose(3, 9) if case.jobs < MANY else len(runs))]
        by_hand = [median(loops_taken)] * len(runs) if case.jobs < MANY else loops_taken
        for against, references, bar in (
            ("limit: the larger of the next two", [one.limit(case) for one in runs], Bar(1.15)),
            ("max(N ÷ rate, latency) + listing + poll", [one.by_rate(case) for one in runs], None),
            ("listing + last stop + latency + listing", [one.by_steps(case) for one in runs], None),
            ("sequential loop of the SDK that waits", by_hand, Bar(1.1 if case.jobs < MANY else 1.0)),
        ):
            pairs = tuple(Pair(one.seconds, reference) for one, reference in zip(runs, references, strict=True))
            show(Figure("teardown", str(case), "s", against, pairs, bar))
        for figure in _requests(case, runs):
            show(figure)
    for figure in _right_after_a_look(plan, emulated):
        show(figure)


def _cases(plan: Plan) -> list[Case]:
    ended, neighbours = plan.choose((500, 100), (5_000, 500))
    free: Sequence[int] = plan.choose((10, 200), (10, 200, 1_000))
    throttled: Sequence[int] = plan.choose((10, 50), (10, 200))
    return [
        Case(service, jobs, rate, ended, neighbours)
        for service in (AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION)
        for rate, counts in ((None, free), (ALLOWED, throttled))
        for jobs in counts
    ]


def connect(emulated: Emulated, service: str) -> JobService:
    """Connect to the service as a guard does."""
    if service == AMAZON_TRANSLATE:
        return amazon.AmazonConnection(REGION, endpoint_url=emulated.url).open()
    return azure.AzureConnection(
        emulated.place(service), key_env="AZURE_DOCUMENT_TRANSLATION_KEY", api_version="2024-05-01"
    ).open()


def tear_down(emulated: Emulated, case: Case) -> Run:
    """One teardown, its listing and the SDK's own rate before it, all over warm connections."""
    emulated.fill(case.service, case.jobs, ended=case.ended, neighbours=case.neighbours, rate=case.rate)
    service = connect(emulated, case.service)
    covers = partial(coverage, (emulated.scope(case.service),))
    with ThreadPoolExecutor(WORKERS) as pool:
        own = _locate(service, covers, service.list_in_flight(), pool)  # to warm up
        begun = time.perf_counter()
        jobs = service.list_in_flight()
        own = _locate(service, covers, jobs, pool)
        sight = time.perf_counter() - begun
        ask = loops.ask(emulated, case.service)
        begun = time.perf_counter()
        list(pool.map(lambda job: ask(job.id), own))
        bare_rate = len(own) / (time.perf_counter() - begun)
    emulated.forget_requests()
    begun = time.perf_counter()
    report = run(service, covers, TeardownOptions(quiet_period=0.0), account="", pace=Pace())
    seconds = time.perf_counter() - begun
    stopped = report.count(Ending.STOPPED)
    if stopped != case.jobs or len(report.records) != case.jobs:
        raise RuntimeError(f"{stopped} of {case.jobs} jobs were stopped: {report.summary()}")
    begun = time.perf_counter()
    service.list_in_flight()
    last_listing = time.perf_counter() - begun
    sent = emulated.requests()["StopTextTranslationJob"] + emulated.requests()["CancelTranslation"]
    return Run(seconds, sight, last_listing, bare_rate, report, sent - case.jobs)


def _locate(
    service: JobService, covers: Callable[[Job], Coverage], jobs: Sequence[Job], pool: ThreadPoolExecutor
) -> list[Job]:
    """The jobs in scope, as a first sight finds them: where a listing does not tell, each is asked for its places."""

    def known(job: Job) -> Job:
        return service.locate(job) if covers(job) is Coverage.UNKNOWN else job

    return [job for job in pool.map(known, jobs) if covers(job) is Coverage.COVERED]


def _by_hand(emulated: Emulated, case: Case) -> float:
    """Return the seconds that the loop takes, which has to stop all jobs."""
    emulated.fill(case.service, case.jobs, ended=case.ended, neighbours=case.neighbours, rate=case.rate)
    loop: Any = loops.amazon if case.service == AMAZON_TRANSLATE else loops.azure
    begun = time.perf_counter()
    stopped = loop(emulated)
    seconds = time.perf_counter() - begun
    if stopped != case.jobs:
        raise RuntimeError(f"the loop stopped {stopped} of {case.jobs} jobs")
    return seconds


def _right_after_a_look(plan: Plan, emulated: Emulated) -> list[Figure]:
    """Measure teardowns of batches that were submitted just after a look, whose answer the cache still has."""
    container = AzureScope(container_urls=(CONTAINER,))
    figures = []
    for scope, what, more in (
        (AzureScope(whole_resource=True), "whole resource", 0.0),
        (container, "by container, from the first document on", FIRST_ROW),
    ):
        pairs = []
        for _ in range(plan.choose(1, 3)):
            emulated.fill(AZURE_DOCUMENT_TRANSLATION, 0, ended=0, neighbours=0)
            service = connect(emulated, AZURE_DOCUMENT_TRANSLATION)
            begun = time.perf_counter()
            service.list_in_flight()
            listing = time.perf_counter() - begun
            emulated.submit(4)
            # A destroy takes longer than this to begin; until then a listing may be behind the submission.
            time.sleep(READ_LAG)
            begun = time.perf_counter()
            report = run(
                service, partial(coverage, (scope,)), TeardownOptions(quiet_period=QUIET), account="", pace=Pace()
            )
            seconds = time.perf_counter() - begun
            if report.count(Ending.STOPPED) != 4:
                raise RuntimeError(f"not all 4 batches were stopped: {report.summary()}")
            pairs.append(Pair(seconds, STOP_LATENCY + 2 * listing + QUIET + more + 2.0))
        against = "stop latency + two listings + quiet period + 2 s" + (" + first document" if more else "")
        figures.append(
            Figure("teardown", f"Azure, 4 batches submitted after a look, {what}", "s", against, tuple(pairs), Bar(1.0))
        )
    return figures


def _requests(case: Case, runs: Sequence[Run]) -> list[Figure]:
    def figure(what: str, against: str, pairs: list[Pair], unit: str = "requests", bar: Bar | None = None) -> Figure:
        return Figure("requests", f"{case}: {what}", unit, against, tuple(pairs), bar)

    found = [
        figure(
            "stop requests",
            "one a job" if case.rate is None else "one a job; the others were throttled",
            [Pair(case.jobs + run.refused, case.jobs) for run in runs],
            # No request is repeated without cause. Only the answers tell how much a place throttles.
            bar=Bar(1.0 if case.rate is None else 1.3),
        ),
        figure(
            "listing rounds a second",
            "most allowed",
            [Pair(run.report.requests["list"] / math.ceil(run.seconds), 2.0) for run in runs],
            "1/s",
            Bar(2.0, Of.VALUE),
        ),
    ]
    if case.service == AZURE_DOCUMENT_TRANSLATION:
        in_flight = case.jobs + case.neighbours
        pairs = [Pair(run.report.requests.get("locate", 0), in_flight) for run in runs]
        found.append(figure("documents asked for", "once a batch in flight", pairs, bar=Bar(1.0)))
    return found
