"""Run the work of each call where somebody can interrupt it.

The engine calls ``Cancel`` at the first Ctrl-C, while the calls under way go on, and waits for them. It also calls it
at the end of every run, when nothing is under way.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from translation_job_guard.errors import Interrupted
from translation_job_guard.guard.host import Host, working_in

__all__ = ["Calls"]

_T = TypeVar("_T")

_PATIENCE: Final = 0.7
"""Seconds that interrupted work has to say where it is: the user waits for a second at most."""


class _Call:
    """One call under way. Its outcomes are result and error; None comes first if it is interrupted."""

    def __init__(self) -> None:
        self.interruption = threading.Event()
        self.outcomes: queue.SimpleQueue[tuple[Any, BaseException | None] | None] = queue.SimpleQueue()

    def run(self, work: Callable[[], Any], host: Host) -> None:
        with working_in(host):
            try:
                self.outcomes.put((work(), None))
            except BaseException as error:  # carried to the thread that waits, which raises it
                self.outcomes.put((None, error))


class Calls:
    """The calls under way."""

    def __init__(self) -> None:
        self._under_way: set[_Call] = set()
        self._lock = threading.Lock()

    def perform(self, work: Callable[[], _T], write: Callable[[str], None]) -> _T:
        """Return ``work``'s result.

        Args:
            work: Is called in a thread of its own.
            write: Writes one line of the guard.

        Raises:
            Interrupted: Somebody interrupted the call, and the work did not end by itself soon after.
            BaseException: What the work raised.
        """
        call = _Call()
        host = Host(write, call.interruption, keys="press Ctrl-C")
        with self._lock:
            self._under_way.add(call)
        try:
            # A daemon: what hangs in an SDK must not keep the process.
            threading.Thread(target=call.run, args=(work, host), name="translation-job-guard-call", daemon=True).start()
            outcome = call.outcomes.get() or _soon(call)
        finally:
            with self._lock:
                self._under_way.discard(call)
        result: _T
        result, error = outcome
        if error is not None:
            raise error
        return result

    def interrupt(self) -> None:
        """Interrupt every call under way."""
        with self._lock:
            for call in self._under_way:
                call.interruption.set()
                call.outcomes.put(None)


def _soon(call: _Call) -> tuple[Any, BaseException | None]:
    try:
        outcome = call.outcomes.get(timeout=_PATIENCE)
    except queue.Empty:
        outcome = None
    return outcome or (
        None,
        Interrupted(
            "interrupted while it waited for an answer of the service. Nothing is lost: run it again, and it goes on "
            "from there."
        ),
    )
