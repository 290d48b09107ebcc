"""Work in parallel, in threads that are abandoned at a deadline or an interruption."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Generic, TypeVar

__all__ = ["each", "each_within"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class _Pool(Generic[_In, _Out]):
    """Daemon threads that do the same work for each item, and put what happens into ``events``.

    An event has an item's index, the moment at which its work began if it is about that, the result, and what the work
    raised. No ThreadPoolExecutor: the interpreter waits for its threads, so one place that hangs would block the
    command.
    """

    def __init__(self, work: Callable[[_In], _Out], items: Iterable[_In], workers: int) -> None:
        self._work = work
        self._todo: queue.SimpleQueue[tuple[int, _In]] = queue.SimpleQueue()
        self.events: queue.SimpleQueue[tuple[int, float | None, _Out | None, BaseException | None]] = (
            queue.SimpleQueue()
        )
        self._closed = threading.Event()
        for entry in enumerate(items):
            self._todo.put(entry)
        self.count = self._todo.qsize()
        for _ in range(min(workers, self.count)):
            self.add_worker()

    def add_worker(self) -> None:
        """Start one more thread."""
        threading.Thread(target=self._run, name="translation-job-guard-look", daemon=True).start()

    def close(self) -> None:
        """Let no thread begin with another item."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                index, item = self._todo.get_nowait()
            except queue.Empty:
                return
            self.events.put((index, time.monotonic(), None, None))
            try:
                self.events.put((index, None, self._work(item), None))
            except BaseException as error:  # carried to the caller's thread, which raises it there
                self.events.put((index, None, None, error))


def each(
    work: Callable[[_In], _Out], items: Iterable[_In], *, workers: int, deadline: float | None = None
) -> Iterator[tuple[int, _Out]]:
    """Do the same work for each item; yield the item's index and the result when it is done.

    Args:
        work: what to do with an item.
        items: the items.
        workers: the largest number of threads.
        deadline: on ``time.monotonic``'s clock; what is not done by then is never yielded. None for none.

    Raises:
        BaseException: what ``work`` raised.
    """
    with closing(_Pool(work, items, workers)) as pool:
        left = pool.count
        while left:
            wait = None if deadline is None else max(deadline - time.monotonic(), 0.001)
            try:
                index, began, result, error = pool.events.get(timeout=wait)
            except queue.Empty:
                return
            if error is not None:
                raise error
            if began is None:
                left -= 1
                yield index, result  # type: ignore[misc]  # set, where there is no error


def each_within(
    work: Callable[[_In], _Out], items: Iterable[_In], *, workers: int, limit: float
) -> Iterator[tuple[int, _Out | None]]:
    """Yield (index, result) of each item as it is done, and (index, None) for one that takes longer than the limit.

    An item that takes too long is left to its thread, and another thread takes its place among the workers.

    Args:
        work: what to do with an item; it never returns None.
        items: what to work on.
        workers: how many at once.
        limit: seconds for one item, from when its work begins.

    Raises:
        BaseException: what ``work`` raised.
    """
    begun: dict[int, float] = {}  # in the order in which they began
    with closing(_Pool(work, items, workers)) as pool:
        left = pool.count
        while left:
            wait = max(next(iter(begun.values())) + limit - time.monotonic(), 0.0) if begun else None
            try:
                index, began, result, error = pool.events.get(timeout=wait)
            except queue.Empty:
                index = next(iter(begun))
                del begun[index]
                pool.add_worker()
                left -= 1
                yield index, None
                continue
            if began is not None:
                begun[index] = began
            elif begun.pop(index, None) is not None:
                if error is not None:
                    raise error
                left -= 1
                yield index, result
