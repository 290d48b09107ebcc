"""Which worlds are explored: in CI all of a fixed size, at night ever larger ones until time is over."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

from tests.proof.world import ABSENT, RUNNING, STOPPING, World

MODES = ("cancel", "drain", "fail", "ignore")
_BUSY = (ABSENT, RUNNING, STOPPING)
"""Leaves out jobs that are queued: they differ only in that a stop request may be refused."""
_LATE = ("own, counted late", "own, listed late", "foreign, listed late")
_KINDS = {"amazon": ("own", "foreign"), "azure": ("own", "foreign", *_LATE, "grows into the scope")}
PROCESSES = 2
SHORT = 12.0
"""A timeout of three polls: enough to ask, to see it stopped, and to confirm quiet."""
LONG = 25.0
"""A timeout of five polls: enough to get to quiet after a disturbance."""


def quick() -> Iterator[World]:
    """Yield worlds of one job and one disturbance: some seconds."""
    for service, mode in itertools.product(_KINDS, MODES):
        yield World(service, mode, ("own",), 1, races=False, begin=_BUSY, timeout=SHORT)


def ci() -> Iterator[World]:
    """Yield the worlds of `make prove`, the largest first: about four minutes of one core.

    Two jobs with any two disturbances, and three jobs with one, in all modes, by both services' rules, with a timeout
    of five polls, or of three where a batch is undecided at first; one job with queued jobs and lost races included.
    """
    for mode, late in itertools.product(MODES, _LATE[::2]):
        yield World("azure", mode, ("own", late), 2, races=False, begin=(ABSENT, RUNNING), timeout=SHORT)
    for mode, service in itertools.product(MODES, ("azure", "amazon")):
        for other in ("own", "foreign"):
            yield World(service, mode, ("own", other), 2, races=False, begin=_BUSY, timeout=LONG)
        yield World(service, mode, ("own", "own", "foreign"), 1, races=False, begin=_BUSY, timeout=LONG)
    for mode in MODES:
        yield World("azure", mode, (_LATE[0], _LATE[2]), 1, races=False, begin=(ABSENT, RUNNING), timeout=LONG)
    yield from _one_job()


def _one_job() -> Iterator[World]:
    """Yield worlds of one job, with everything else that a guard can be made for."""
    for service in _KINDS:
        yield World(service, "cancel", ("own",), 1)
        yield World(service, "drain", ("own",), 1)
        yield World(service, "cancel", ("own",), 1, grace=5.0)
        yield World(service, "cancel", ("own",), 2, quiet=0.0, begin=_BUSY, timeout=SHORT)
        yield World(service, "cancel", ("own",), 1, listing_takes=1.0, begin=_BUSY, timeout=SHORT)
    for kind in _LATE:
        yield World("azure", "cancel", (kind,), 2, races=False, begin=_BUSY, timeout=SHORT)
        yield World("azure", "cancel", (kind,), 1, leave_undecided=True, begin=_BUSY)
    yield World("azure", "cancel", ("grows into the scope",), 2, races=False, begin=_BUSY, timeout=SHORT)
    yield World("azure", "cancel", ("grows out of the scope",), 2, update=True, begin=_BUSY, timeout=SHORT)


def nightly() -> Iterator[World]:
    """Yield ever larger worlds, without end."""
    for size in itertools.count(_SMALLEST):
        yield from of_size(size)


_SMALLEST = 2


def of_size(size: int) -> list[World]:
    """Return the worlds of the nightly run that have ``size`` jobs and disturbances together."""
    return [
        World(service, mode, jobs, size - count, timeout=timeout)
        for count in range(1, size)
        for mode, service in itertools.product(MODES, _KINDS)
        for jobs in itertools.combinations_with_replacement(_KINDS[service], count)
        for timeout in (SHORT, LONG)
    ]


def size_reached(worlds: Collection[World]) -> int:
    """Return the largest size of which, and of all smaller ones, every world of the nightly run is in ``worlds``."""
    done = set(worlds)
    return next(size for size in itertools.count(_SMALLEST - 1) if not done.issuperset(of_size(size + 1)))
