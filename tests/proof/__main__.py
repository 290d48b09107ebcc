"""Explore: ``python -m tests.proof``, or ``--nightly MINUTES`` for ever larger worlds, or ``--page`` for the docs."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor

from tests.proof import bounds, page
from tests.proof.explorer import Result, explore
from tests.proof.machine import Code
from tests.proof.world import World

PROCESSES = 2


def main() -> int:
    """Explore worlds in two processes, print each, and the shortest counterexample if there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--nightly", type=float, metavar="MINUTES", help="ever larger worlds, for so long")
    parser.add_argument("--page", action="store_true", help="write docs/teardown.md")
    parser.add_argument("--keep", action="store_true", help="write what was explored down for the docs")
    options = parser.parse_args()
    if options.page:
        page.PAGE.write_text(page.page(), encoding="utf-8")
        return 0
    until = time.monotonic() + options.nightly * 60 if options.nightly else None
    return prove(bounds.nightly() if options.nightly else bounds.ci(), until, keep=options.keep)


def prove(worlds: Iterable[World], until: float | None = None, *, keep: bool = False) -> int:
    """Explore ``worlds`` until ``until`` on the monotonic clock; return 1 if something does not hold."""
    rows = ["| world | states | distinct ends |", "|---|---|---|"]
    states = steps = count = 0
    ends: Counter[str] = Counter()
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("fork")) as pool:
        for result in _results(pool, iter(worlds), until):
            told = ", ".join(f"{number:,} {end}" for end, number in sorted(result.ends.items()))
            part = "" if result.whole else ", time was over before all were reached"
            print(f"{result.states:9,} states; distinct ends: {told or 'none'}{part}; {result.world}", flush=True)
            if result.counterexample:
                print(f"\nShortest counterexample:\n\n{result.counterexample.story(Code())}\n")
                print(f"The test that replays it:\n\n{result.counterexample.test()}")
                pool.shutdown(wait=False, cancel_futures=True)
                return 1
            rows.append(f"| {result.world} | {result.states:,} | {told or 'none'}{part} |")
            count += 1
            states += result.states
            steps += result.steps
            ends.update(result.ends)
    every = ", ".join(f"{number:,} {end}" for end, number in sorted(ends.items()))
    whole = f"{count} worlds, {states:,} states, {steps:,} steps; distinct ends: {every}. Everything holds."
    print(whole)
    if keep:
        page.EXPLORED.write_text("\n".join([whole, "", *rows, ""]), encoding="utf-8")
    return 0


def _results(pool: Executor, worlds: Iterator[World], until: float | None) -> Iterator[Result]:
    """Yield results in the order of the worlds, of which there may be endlessly many."""
    under_way: deque[Future[Result]] = deque()
    while True:
        while len(under_way) < 2 * PROCESSES and (until is None or time.monotonic() < until):
            world = next(worlds, None)
            if world is None:
                break
            under_way.append(pool.submit(explore, world, None, until))
        if not under_way:
            return
        yield under_way.popleft().result()


if __name__ == "__main__":
    sys.exit(main())
