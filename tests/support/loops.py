"""Event loops for programs that run in the process of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["own_loops"]


@contextmanager
def own_loops() -> Iterator[None]:
    """Give this thread a loop of its own, whatever other tests have done to the one there was.

    Pulumi's in-process monitor works in threads of the loop's executor. It needs a loop in each and closes none.
    """
    loops = [asyncio.new_event_loop()]
    asyncio.set_event_loop(loops[0])

    def loop_of_thread() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    with ThreadPoolExecutor(max_workers=4, initializer=loop_of_thread) as executor:
        loops[0].set_default_executor(executor)
        yield
    for loop in loops:
        loop.close()
    asyncio.set_event_loop(None)
