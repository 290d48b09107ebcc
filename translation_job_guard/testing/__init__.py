"""Try what a guard would do: both services in memory, with a clock of their own, no cloud, no network and no waiting.

Which jobs would a teardown with this scope stop, and what would it say?

>>> from translation_job_guard.jobs import AmazonScope
>>> from translation_job_guard.testing import SimulatedService, tear_down
>>> service = SimulatedService()
>>> mine = service.add(name="pr-17-manual", runs_for=3600, stop_takes=4)
>>> theirs = service.add(name="pr-170-manual", runs_for=3600)
>>> report = tear_down(service, [AmazonScope(job_name_prefixes=("pr-17-",))])
>>> report.summary()
'1 stopped; 8 s'
>>> theirs.state(service.clock.now())
<JobState.RUNNING: 'running'>

What if the service throttles, answers are lost, and the first stop request is ignored?

>>> from translation_job_guard.errors import Throttled, Transient
>>> service = SimulatedService()
>>> stubborn = service.add(name="pr-17-manual", ignores_stops=1)
>>> service.fail("list", Throttled("Slow down.", retry_after=10))
>>> service.fail("stop", Transient("Connection reset."), took_effect=True)
>>> report = tear_down(service, [AmazonScope(job_name_prefixes=("pr-17-",))])
>>> [call.operation for call in service.calls[:3]]
['list', 'list', 'stop']
>>> report.records[stubborn.id].asks
2

With pytest, ``pytest_plugins = ["translation_job_guard.pytest_plugin"]`` in a conftest gives each test a new service.
Everything here runs in the calling thread. The clock moves when the service is called and when something sleeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from translation_job_guard.jobs import Scope, coverage
from translation_job_guard.teardown import Report, TeardownOptions
from translation_job_guard.teardown.pace import Pace
from translation_job_guard.teardown.runner import Observer, run
from translation_job_guard.testing.service import ACCOUNT, Call, Crash, Operation, SimulatedService
from translation_job_guard.testing.world import SimulatedClock, SimulatedJob

__all__ = ["Call", "Crash", "Operation", "SimulatedClock", "SimulatedJob", "SimulatedService", "tear_down"]


def tear_down(
    service: SimulatedService,
    scopes: Sequence[Scope],
    options: TeardownOptions | None = None,
    *,
    pace: Pace | None = None,
    observe: Observer = lambda _report: None,
) -> Report:
    """Tear down what is in the scopes as a guard's deletion would, in the service's simulated time.

    Args:
        service: where the jobs are.
        scopes: a job is in scope if any of them covers it.
        options: mode and durations; by default the guard's defaults.
        pace: the pace of stop requests; by default a new one, as in a new process.
        observe: called as the report grows.

    Raises:
        TeardownError: it did not reach quiet.
    """
    return run(
        service,
        partial(coverage, scopes),
        options or TeardownOptions(),
        account=ACCOUNT,
        pace=pace,
        clock=service.clock,
        observe=observe,
        workers=0,
    )
