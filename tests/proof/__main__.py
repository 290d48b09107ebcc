"""Explore: ``python -m tests.proof``, or ``--nightly MINUTES`` for ever larger worlds, or ``--page`` for the docs."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor

from tests.proof import bounds, page
from tests.proof.bounds import PROCESSES
from tests.proof.explorer import Result, explore
from tests.proof.machine import Code
from tests.proof.world import World


def main() -> int:
    """Explore worlds in two processes, print each, and the shortest counterexample if there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--nightly", type=float, metavar="MINUTES", help="explore ever larger worlds, for so long")
    parser.add_argument("--keep", action="store_true", help="keep what was explored for docs/teardown.md")
    parser.add_argument("--page", action="store_true", help="write docs/teardown.md, and explore nothing")
    options = parser.parse_args()
    if options.page:
        page.PAGE.write_text(page.page(), encoding="utf-8")
        return 0
    if options.nightly:
        results = explored(bounds.nightly(), time.monotonic() + options.nightly * 60)
        kept, text = page.EXPLORED_AT_NIGHT, page.explored_at_night(results, options.nightly)
    else:
        results = explored(bounds.ci())
        kept, text = page.EXPLORED, page.explored(results)
    if any(result.counterexample for result in results):
        return 1
    print(f"{text.partition(chr(10))[0]} {sum(result.seconds for result in results):.0f} s of processor time.")
    if options.keep:
        kept.write_text(text, encoding="utf-8")
        page.PAGE.write_text(page.page(), encoding="utf-8")
    elif not options.nightly and kept.read_text(encoding="utf-8") != text:
        print(f"\nEverything holds, but {page.PAGE.name} says something else of it; run `make prove-keep`.")
        return 1
    return 0


def explored(worlds: Iterable[World], until: float | None = None) -> list[Result]:
    """Explore ``worlds`` until ``until`` on the monotonic clock, or until something does not hold, and print each."""
    results = []
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("fork")) as pool:
        for result in _results(pool, iter(worlds), until):
            results.append(result)
            part = "" if result.whole else ", time was over before all were reached"
            print(f"{result.states:9,} states{part}; {page.ends([result])}; {result.world}", flush=True)
            if result.counterexample:
                print(f"\nShortest counterexample:\n\n{result.counterexample.story(Code())}\n")
                print(f"The test that replays it:\n\n{result.counterexample.test()}")
                pool.shutdown(wait=False, cancel_futures=True)
                break
    return results


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
