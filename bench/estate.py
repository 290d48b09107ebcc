"""A look at an estate: how long, how much processor time and how much memory it takes for each place."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.emulated import CALL, ENVIRONMENT, REGIONS, Emulated
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from translation_job_guard.estate.finding import find
from translation_job_guard.estate.request import DEFAULT_CONCURRENCY, EstateRequest
from translation_job_guard.looking import look

__all__ = ["measure"]

ACCOUNTS, TRANSLATORS = 100, 300
PROCESSOR = 0.010
"""Seconds of processor time that a place may take in the bound: the interpreter's lock lets one thread compute."""
SUBSCRIPTION = "00000001-0000-0000-0000-000000000000"


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Measure 1,500 places of AWS and 300 of Azure, each by itself."""
    _fill(emulated)
    for case, places in (("aws", ACCOUNTS * len(REGIONS)), ("azure", TRANSLATORS)):
        runs = [_run(emulated, case) for _ in range(plan.choose(1, 3))]
        what = f"{places:,} places of {'AWS' if case == 'aws' else 'Azure'}, {DEFAULT_CONCURRENCY} at once"
        times = [Pair(run["seconds"], _bound(run["calls"], places)) for run in runs]
        show(Figure("estate", what, "s", "the larger of calls and processor time", tuple(times), Bar(1.3)))
        each = [Pair(run["processor"] / places * 1_000, PROCESSOR * 1_000) for run in runs]
        show(Figure("estate", f"{what}: processor time of one", "ms", "the bound's", tuple(each), Bar(12, Of.VALUE)))
        memory = [Pair(run["peak"], run["before"]) for run in runs]
        show(Figure("estate", f"{what}: memory", "MB", "the process before", tuple(memory), Bar(150, Of.VALUE)))


def _bound(calls: int, places: int) -> float:
    return max(calls * CALL / DEFAULT_CONCURRENCY, places * PROCESSOR)


def _fill(emulated: Emulated) -> None:
    emulated.control.reset()
    emulated.control.settings(azure_cache_seconds=0, azure_read_lag=0)
    for number in range(TRANSLATORS):
        name = f"translator-{number}"
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/bench"
        id_ = f"{group}/providers/Microsoft.CognitiveServices/accounts/{name}"
        emulated.control.put_azure_account(name, resource_id=id_)
    emulated.control.fault(kind="slow", seconds=CALL)


def _run(emulated: Emulated, case: str) -> dict[str, Any]:
    """Look in a process of its own, as the command line does."""
    since = emulated.control.last_request()
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": emulated.url,
        "IDENTITY_ENDPOINT": f"{emulated.url}/azure-identity/token",
        "IDENTITY_HEADER": "emulator",
        "TRANSLATION_JOB_GUARD_ARM_ENDPOINT": f"{emulated.url}/azure-arm",
    }
    command = [sys.executable, "-m", "bench.estate", case]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)
    return {**json.loads(ended.stdout), "calls": emulated.control.last_request() - since}


def _main(case: str) -> None:
    accounts = tuple(f"1{number:011}" for number in range(ACCOUNTS)) if case == "aws" else ()
    request = EstateRequest(
        accounts=accounts,
        role_name="look" if accounts else None,
        subscriptions=() if accounts else (SUBSCRIPTION,),
        regions=REGIONS,
    )
    before, begun, processor = _peak(), time.perf_counter(), time.process_time()
    found = find(request, here="us-east-1", timeout=60)
    seen = look(found.connections, timeout=60, wants_locations=lambda _, jobs: jobs, workers=request.concurrency)
    seconds = time.perf_counter() - begun
    if failed := [sight.error for sight in (*found.sights, *seen) if sight.error]:
        raise RuntimeError(f"{len(failed)} places could not be looked at: {failed[0]}")
    used = time.process_time() - processor
    print(json.dumps({"seconds": seconds, "processor": used, "before": before, "peak": _peak()}))


def _peak() -> float:
    """Return the most memory that this process has had, in MB."""
    # Not ru_maxrss, which on Linux also counts the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    _main(sys.argv[1])
