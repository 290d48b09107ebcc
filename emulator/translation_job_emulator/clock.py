"""Time: a real clock, a stepped one, and the timeline of what is due when."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


def in_microseconds(when: float) -> float:
    """Round a time to microseconds, to remove the error of adding fractions of seconds.

    What is due in 0.3 s is then due after three steps of 0.1 s, too.
    """
    return round(when, 6)


class Clock(Protocol):
    """Seconds since the epoch."""

    def now(self) -> float:
        """Return the seconds since the epoch."""


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()


class SteppedClock:
    """A clock that stands still until it is told to advance.

    It starts at the present time, so that a client's "submitted in the last ten minutes" means what it says.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = float(int(time.time())) if start is None else start

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"`seconds` is {seconds:g}; expected 0 or more, since a clock does not go back")
        self._now = in_microseconds(self._now + seconds)


class Timeline:
    """What is due when.

    Nothing happens by itself: `settle` does everything that is due, in order, each at its own time. So every access
    finds the states that the clock implies, whichever clock it is and however far it has moved.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._settling: float | None = None

    @property
    def now(self) -> float:
        """Return the time of the event that is being settled, else the clock's."""
        return self.clock.now() if self._settling is None else self._settling

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Plan an action."""
        heapq.heappush(self._due, (in_microseconds(when), next(self._order), action))

    def next_due(self) -> float | None:
        """Return when the next action is due, or None."""
        return self._due[0][0] if self._due else None

    def settle(self) -> int:
        """Do everything that is due, and return the number of actions."""
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
        """Forget everything that is planned."""
        self._due.clear()
