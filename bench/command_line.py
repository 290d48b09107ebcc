"""How soon the command line answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.emulated import ENVIRONMENT, REGIONS, SLOW, SLOWEST_REGION, Emulated, slow_region
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from translation_job_guard.jobs import AMAZON_TRANSLATE

__all__ = ["measure"]

STEPS = 5_000
RECORDED = Path(__file__).parents[1] / "tests" / "golden" / "previews"
_COMMAND = str(Path(sys.executable).parent / "translation-job-guard")


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Item 7 of the benchmarks."""
    helps = []
    _run(_COMMAND, "--help")  # to warm up
    for _ in range(plan.choose(3, 11)):
        typer = _run(sys.executable, "-c", "import typer")
        helps.append(Pair(_run(_COMMAND, "--help"), typer))
    show(Figure("command line", "--help", "s", "python -c 'import typer'", tuple(helps), Bar(0.3, Of.VALUE)))

    with tempfile.TemporaryDirectory() as directory:
        preview, state = _previews(Path(directory), emulated.url)
        read = "import json, sys; [json.load(open(name)) for name in sys.argv[1:]]"
        command = (_COMMAND, "plan", "--preview", str(preview), "--state", str(state), "--output", "json")
        plans = []
        for _ in range(plan.choose(3, 11)):
            reading = _run(sys.executable, "-c", read, str(preview), str(state))
            plans.append(Pair(_run(*command), reading))
    what = f"plan --preview of {STEPS:,} steps"
    show(Figure("command line", what, "s", "reading the JSON", tuple(plans), Bar(1.0, Of.DIFFERENCE)))

    emulated.fill(AMAZON_TRANSLATE, 10, ended=100, neighbours=10)
    scans = []
    with slow_region(emulated):
        for _ in range(plan.choose(1, 5)):
            slowest = _scan(emulated, SLOWEST_REGION)
            scans.append(Pair(_scan(emulated, *REGIONS), slowest))
    what = f"scan of {len(REGIONS)} regions, one of them {SLOW:g} s slower"
    show(Figure("command line", what, "s", "scan of the slowest one", tuple(scans), Bar(1.0, Of.DIFFERENCE)))


def _previews(directory: Path, url: str) -> tuple[Path, Path]:
    """Write a recorded preview and its state, with many more resources that the update does not change."""
    preview, state = (
        json.loads((RECORDED / name).read_text(encoding="utf-8").replace("EMULATOR", url))
        for name in ("replace-delete-first.json", "replace-delete-first.state.json")
    )
    for number in range(STEPS - len(preview["steps"])):
        urn = f"urn:pulumi:dev::test::aws:sqs/queue:Queue::queue-{number}"
        resource = {"urn": urn, "custom": True, "id": f"queue-{number}", "type": "aws:sqs/queue:Queue"}
        resource |= {"inputs": {"name": f"queue-{number}"}, "outputs": {"name": f"queue-{number}", "delaySeconds": 0}}
        preview["steps"].append({"op": "same", "urn": urn, "oldState": resource, "newState": resource})
        state["deployment"]["resources"].append(resource)
    paths = directory / "preview.json", directory / "state.json"
    for path, document in zip(paths, (preview, state), strict=True):
        path.write_text(json.dumps(document), encoding="utf-8")
    return paths


def _scan(emulated: Emulated, *regions: str) -> float:
    emulated.forget_requests()
    asked = [argument for region in regions for argument in ("--region", region)]
    seconds = _run(_COMMAND, "scan", *asked, "--endpoint-url", emulated.url, "--output", "json")
    looked = emulated.requests(by="region").keys() & set(REGIONS)
    if looked != set(regions):
        raise RuntimeError(f"looked at {sorted(looked)} only")
    return seconds


def _run(*command: str) -> float:
    begun = time.perf_counter()
    ended = subprocess.run(
        command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=120, check=False
    )
    seconds = time.perf_counter() - begun
    if ended.returncode not in (0, 1):  # 1: jobs are in flight
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr}")
    return seconds
