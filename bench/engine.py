"""What a guard adds to `pulumi up` and `pulumi destroy` when nothing is in flight, on the real engine."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.emulated import CALL, ENVIRONMENT, Emulated
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from stacks.workspace import Workspace
from translation_job_guard.jobs import AMAZON_TRANSLATE

__all__ = ["measure"]

QUIET_PERIOD = 0.5
MANY = 50
ENGINE_THREADS = 4
"""Of the process that runs the dynamic providers of a stack (pulumi.dynamic)."""
_PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class _Times:
    """Seconds of one update and one destroy."""

    up: float
    destroy: float


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Items 3 and 4 of the benchmarks: one guard, and fifty in one stack."""
    emulated.fill(AMAZON_TRANSLATE, 0, ended=100, neighbours=0)
    with tempfile.TemporaryDirectory() as directory:
        for service in ("amazon", "azure"):
            _one(plan, emulated, Path(directory), service, show)
        _many(emulated, Path(directory), plan.choose(20, MANY), show)


def _one(plan: Plan, emulated: Emulated, root: Path, service: str, show: Show) -> None:
    taken = []
    for number in range(plan.choose(2, 7)):
        # By turns which comes first: what warms up the machine is not always the same.
        names = ["noop", "guards"] if number % 2 else ["guards", "noop"]
        times = {name: _cycle(emulated, root / f"{service}-{number}-{name}", name, service, 1) for name in names}
        taken.append((times["guards"], times["noop"]))
    against = "the same with a dynamic resource that does nothing"
    ups = tuple(Pair(guard.up, noop.up) for guard, noop in taken)
    show(Figure("engine", f"pulumi up, one {service} guard", "s", against, ups))
    destroys = tuple(Pair(guard.destroy, noop.destroy) for guard, noop in taken)
    show(
        Figure(
            "engine",
            f"pulumi destroy, one {service} guard, quiet_period {QUIET_PERIOD} s",
            "s",
            against,
            destroys,
            Bar(QUIET_PERIOD + 1.0, Of.DIFFERENCE),
        )
    )


def _many(emulated: Emulated, root: Path, count: int, show: Show) -> None:
    noop = _cycle(emulated, root / "many-noop", "noop", "amazon", count)
    guards = _cycle(emulated, root / "many-guards", "guards", "amazon", count)
    against = "the same with dynamic resources that do nothing"
    show(Figure("engine", f"pulumi up, {count} guards", "s", against, (Pair(guards.up, noop.up),)))
    show(Figure("engine", f"pulumi destroy, {count} guards", "s", against, (Pair(guards.destroy, noop.destroy),)))
    # An identity call, a listing of three states, the quiet period, another listing; four guards at a time.
    floor = noop.destroy + math.ceil(count / ENGINE_THREADS) * (7 * CALL + QUIET_PERIOD)
    show(
        Figure(
            "engine",
            f"pulumi destroy, {count} guards",
            "s",
            f"floor: {ENGINE_THREADS} at a time, each only its requests and quiet_period",
            (Pair(guards.destroy, floor),),
        )
    )


def _cycle(emulated: Emulated, root: Path, program: str, service: str, count: int) -> _Times:
    config = {
        "bench:count": str(count),
        "bench:service": service,
        "bench:emulator": emulated.url,
        "bench:quiet-period": str(QUIET_PERIOD),
    }
    root.mkdir()
    with Workspace(root, _PROGRAMS / f"{program}.py", config=config, env=dict(ENVIRONMENT), time_limit=600) as stack:
        begun = time.perf_counter()
        stack.up().check()
        up = time.perf_counter() - begun
        begun = time.perf_counter()
        stack.destroy().check()
        return _Times(up, time.perf_counter() - begun)
