"""Memory and time of a teardown that sees ten thousand jobs, in a process as Pulumi's for dynamic providers is."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from bench.emulated import ENVIRONMENT, Emulated
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from bench.teardown import Case, connect
from translation_job_guard.jobs import AMAZON_TRANSLATE, coverage
from translation_job_guard.teardown import TeardownOptions
from translation_job_guard.teardown.runner import run

__all__ = ["measure"]

LISTED = 10_000
MOST = 150.0


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Item 5 of the benchmarks."""
    for own in plan.choose((100,), (100, LISTED)):
        emulated.fill(AMAZON_TRANSLATE, own, ended=0, neighbours=LISTED - own)
        ended = subprocess.run(
            [sys.executable, "-m", "bench.memory", emulated.url],
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        found = json.loads(ended.stdout)
        case = str(Case(AMAZON_TRANSLATE, own, None, 0, LISTED - own))
        what = f"{case}, {LISTED:,} listed"
        pairs = (Pair(found["peak"], found["before"]),)
        show(
            Figure("memory", what, "MB", "the process before: pulumi.dynamic and botocore", pairs, Bar(MOST, Of.VALUE))
        )
        times = (Pair(found["seconds"], found["listing"]),)
        show(Figure("memory", what, "s", "one listing of all of them", times))


def _main(url: str) -> None:
    import pulumi.dynamic  # noqa: F401 - what the process has anyhow

    import translation_job_guard.provider  # noqa: F401 - the same

    emulated = Emulated(url)
    service = connect(emulated, AMAZON_TRANSLATE)
    service.account()
    before = _peak()
    begun = time.perf_counter()
    listed = len(service.list_in_flight())
    listing = time.perf_counter() - begun
    assert listed == LISTED, f"{listed} jobs listed"
    covers = partial(coverage, (emulated.scope(AMAZON_TRANSLATE),))
    begun = time.perf_counter()
    run(service, covers, TeardownOptions(quiet_period=0.0), account="")
    seconds = time.perf_counter() - begun
    print(json.dumps({"before": before, "peak": _peak(), "seconds": seconds, "listing": listing}))


def _peak() -> float:
    """Return the most memory that the process has used, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux what getrusage says begins with what the parent had when it forked.
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1_000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)


if __name__ == "__main__":
    _main(sys.argv[1])
