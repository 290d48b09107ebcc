"""Time: a real clock, a stepped one, and the timeline of what is due when."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


def in_microseconds(when: float) -> float:
    """Return a time without the error that adding fractions of seconds leaves.

    What is due 0.3 s from now is due after three steps of 0.1 s, too.
    """
    return round(when, 6)


class Clock(Protocol):
    """Seconds since the epoch."""

    def now(self) -> float: ...


class RealClock:
    def now(self) -> float:
        return time.time()


class SteppedClock:
    """Stands still until it is told to advance.

    It starts at today's time, so that a client's "submitted after ten minutes ago" means what it says.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = float(int(time.time())) if start is None else start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("a clock does not go back: seconds must not be negative")
        self._now = in_microseconds(self._now + seconds)


class Timeline:
    """What is due when. Nothing happens by itself: `settle` does all that is due, in order, each at its own time.

    So states are those that the clock says at every access, whichever clock it is and however far it went.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._settling: float | None = None

    @property
    def now(self) -> float:
        """The time of the event that is being settled, else the clock's."""
        return self.clock.now() if self._settling is None else self._settling

    def at(self, when: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (in_microseconds(when), next(self._order), action))

    def next_due(self) -> float | None:
        return self._due[0][0] if self._due else None

    def settle(self) -> int:
        """Does everything that is due; returns how many events that were."""
        until = self.clock.now()
        done = 0
        while self._due and self._due[0][0] <= until:
            when, _, action = heapq.heappop(self._due)
            self._settling = when
            try:
                action()
            finally:
                self._settling = None
            done += 1
        return done

    def clear(self) -> None:
        self._due.clear()
