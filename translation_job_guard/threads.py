"""Work in parallel, in threads that are abandoned at a deadline or an interruption."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["each", "each_within"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


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
    todo: queue.SimpleQueue[tuple[int, _In]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, _Out | None, BaseException | None]] = queue.SimpleQueue()
    closed = threading.Event()

    def run() -> None:
        while not closed.is_set():
            try:
                index, item = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, work(item), None))
            except BaseException as error:  # carried to the caller's thread, which raises it there
                done.put((index, None, error))

    count = 0
    for count, item in enumerate(items, 1):
        todo.put((count - 1, item))
    # Not a ThreadPoolExecutor: the interpreter waits for its threads, so one place that hangs would block the command.
    for _ in range(min(workers, count)):
        threading.Thread(target=run, name="translation-job-guard-look", daemon=True).start()
    try:
        for _ in range(count):
            left = None if deadline is None else max(deadline - time.monotonic(), 0.001)
            try:
                index, result, error = done.get(timeout=left)
            except queue.Empty:
                return
            if error is not None:
                raise error
            yield index, result  # type: ignore[misc]  # set, where there is no error
    finally:
        closed.set()


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
    todo: queue.SimpleQueue[tuple[int, _In]] = queue.SimpleQueue()
    events: queue.SimpleQueue[tuple[int, float | None, _Out | None, BaseException | None]] = queue.SimpleQueue()
    closed = threading.Event()

    def run() -> None:
        while not closed.is_set():
            try:
                index, item = todo.get_nowait()
            except queue.Empty:
                return
            events.put((index, time.monotonic(), None, None))
            try:
                events.put((index, None, work(item), None))
            except BaseException as error:  # carried to the caller's thread, which raises it there
                events.put((index, None, None, error))

    def add_worker() -> None:
        threading.Thread(target=run, name="translation-job-guard-look", daemon=True).start()

    left = 0
    for left, item in enumerate(items, 1):
        todo.put((left - 1, item))
    for _ in range(min(workers, left)):
        add_worker()
    begun: dict[int, float] = {}  # in the order in which they began
    try:
        while left:
            wait = max(next(iter(begun.values())) + limit - time.monotonic(), 0.0) if begun else None
            try:
                index, began, result, error = events.get(timeout=wait)
            except queue.Empty:
                index = next(iter(begun))
                del begun[index]
                add_worker()
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
    finally:
        closed.set()
