"""How long a teardown takes and what it asks, against the limit that the service sets and a loop of the SDK."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import loops
from bench.emulated import REGION, STOP_LATENCY, Emulated
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Coverage, Job, coverage
from translation_job_guard.pace import Pace
from translation_job_guard.runner import WORKERS, run
from translation_job_guard.services import JobService, amazon, azure
from translation_job_guard.teardown import FASTEST_POLL, Ending, Policy, Report

__all__ = ["Case", "Run", "connect", "measure", "tear_down"]

ALLOWED = 5.0
"""Stop requests a second that a throttled place lets through: what AWS documents."""


@dataclass(frozen=True)
class Case:
    """So many jobs of the guard's, among others'."""

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
        """The larger of the two."""
        return max(self.by_rate(case), self.by_steps(case))


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Items 1 and 2 of the benchmarks: time, and requests by operation."""
    for case in _cases(plan):
        taken = [_beside_a_loop(emulated, case) for _ in range(plan.choose(1, 3))]
        runs = [run for run, _ in taken]
        for against, references, bar in (
            ("limit: the larger of the next two", [one.limit(case) for one in runs], Bar(1.15)),
            ("max(N ÷ rate, latency) + listing + poll", [one.by_rate(case) for one in runs], None),
            ("listing + last stop + latency + listing", [one.by_steps(case) for one in runs], None),
            ("sequential loop of the SDK that waits", [by_hand for _, by_hand in taken], None),
        ):
            pairs = tuple(Pair(one.seconds, reference) for one, reference in zip(runs, references, strict=True))
            show(Figure("teardown", str(case), "s", against, pairs, bar))
        for figure in _requests(case, runs):
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
    """The service as a guard connects to it."""
    if service == AMAZON_TRANSLATE:
        return amazon.connect(REGION, amazon.Credentials(), emulated.url)
    return azure.connect(emulated.place(service), azure.Credentials("AZURE_DOCUMENT_TRANSLATION_KEY"), "2024-05-01")


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
    report = run(service, covers, Policy(quiet_period=0.0), account="", pace=Pace())
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


def _beside_a_loop(emulated: Emulated, case: Case) -> tuple[Run, float]:
    run = tear_down(emulated, case)
    emulated.fill(case.service, case.jobs, ended=case.ended, neighbours=case.neighbours, rate=case.rate)
    loop: Any = loops.amazon if case.service == AMAZON_TRANSLATE else loops.azure
    begun = time.perf_counter()
    loop(emulated)
    return run, time.perf_counter() - begun


def _requests(case: Case, runs: Sequence[Run]) -> list[Figure]:
    def figure(what: str, against: str, pairs: list[Pair], unit: str = "requests", bar: Bar | None = None) -> Figure:
        return Figure("requests", f"{case}: {what}", unit, against, tuple(pairs), bar)

    found = [
        figure(
            "stop requests",
            "one a job" if case.rate is None else "one a job; the others were throttled",
            [Pair(case.jobs + run.refused, case.jobs) for run in runs],
            # Nothing is sent twice without cause; how much a place throttles is told by none but its answers.
            bar=Bar(1.0) if case.rate is None else None,
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
