"""Which worlds are explored: in CI all of a fixed size, at night ever larger ones until time is over."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.proof.world import ABSENT, RUNNING, STOPPING, World

MODES = ("cancel", "drain", "fail", "ignore")
_BUSY = (ABSENT, RUNNING, STOPPING)
"""Leaves out jobs that are queued: they differ only in that a stop request may be refused."""
_PAIRS = {"amazon": [("own", "own"), ("own", "foreign")], "azure": [("own", "own"), ("own", "foreign")]}
_UNDECIDED = ("own, documents to be counted", "own, documents to come", "foreign, documents to come")
SHORT = 12.0
"""A timeout of three polls: enough to ask, to see it stopped, and to confirm quiet."""


def quick() -> Iterator[World]:
    """Yield worlds of one job and one disturbance: some seconds."""
    for service, mode in itertools.product(_PAIRS, MODES):
        yield World(service, mode, ("own",), 1, races=False, begin=_BUSY, timeout=SHORT)


def ci() -> Iterator[World]:
    """Yield the worlds of `make prove`, the largest first: about 5 minutes of one core.

    Two jobs with any two disturbances, three jobs with one, in all modes, by both services' rules, with a timeout of
    three polls; and one job with a timeout of five, queued jobs and lost races included.
    """
    for mode, other in itertools.product(MODES, _UNDECIDED[::2]):
        yield World("azure", mode, ("own", other), 2, races=False, begin=(ABSENT, RUNNING), timeout=SHORT)
    for mode, (service, pairs) in itertools.product(MODES, _PAIRS.items()):
        for jobs in pairs:
            yield World(service, mode, jobs, 2, races=False, begin=_BUSY, timeout=SHORT)
        yield World(service, mode, ("own", "own", "foreign"), 1, races=False, begin=_BUSY, timeout=SHORT)
    for mode in MODES:
        yield World(
            "azure", mode, (_UNDECIDED[0], _UNDECIDED[2]), 1, races=False, begin=(ABSENT, RUNNING), timeout=SHORT
        )
    yield from _one_job()


def _one_job() -> Iterator[World]:
    """Yield worlds of one job, with everything else that a guard can be made for."""
    for service in _PAIRS:
        yield World(service, "cancel", ("own",), 1)
        yield World(service, "drain", ("own",), 1)
        yield World(service, "cancel", ("own",), 1, grace=5.0)
        yield World(service, "cancel", ("own",), 2, quiet=0.0, begin=_BUSY, timeout=SHORT)
        yield World(service, "cancel", ("own",), 1, listing_takes=1.0, begin=_BUSY, timeout=SHORT)
    for kind in _UNDECIDED:
        yield World("azure", "cancel", (kind,), 2, races=False, begin=_BUSY, timeout=SHORT)
        yield World("azure", "cancel", (kind,), 1, leave_undecided=True, begin=_BUSY)
    yield World("azure", "cancel", ("grows into the scope",), 2, races=False, begin=_BUSY, timeout=SHORT)
    yield World("azure", "cancel", ("grows out of the old scope",), 2, update=True, begin=_BUSY, timeout=SHORT)


def nightly() -> Iterator[World]:
    """Yield ever larger worlds: more jobs, then more disturbances, then more time."""
    kinds = {"amazon": ["own", "foreign"], "azure": ["own", "foreign", *_UNDECIDED, "grows into the scope"]}
    for size in itertools.count(3):
        # One more of anything at a time: jobs, disturbances, polls.
        for count, disturbances in ((count, size - count) for count in range(1, size)):
            for mode, service in itertools.product(MODES, kinds):
                for jobs in itertools.combinations_with_replacement(kinds[service], count):
                    for timeout in (SHORT, 25.0):
                        yield World(service, mode, jobs, disturbances, timeout=timeout)
