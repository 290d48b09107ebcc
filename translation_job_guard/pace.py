"""How fast requests may go out to one place: learnt from its answers, shared by everything in this process."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Pace", "pace_of"]

_WINDOW = 2.0
"""Seconds over which accepted requests are counted to learn the allowed rate."""
_SEARCH = 1.2
"""How much faster each accepted request lets the next ones go, from the first limit met to the next: a place that
allows no burst has shown little of its rate by then."""
_GROWTH = 1.01
"""The same from then on, around the rate that was learnt."""
_SLOWEST = 0.5
"""Requests a second below which no throttling pushes the pace: nothing is given up while the timeout lasts."""
_DEAF = 0.5
"""Seconds in which further throttled answers say nothing new: those requests were out already."""


class Pace:
    """A pace that is unlimited until the place throttles, then follows what it accepts.

    All times are seconds of one monotonic clock that the caller reads. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._growth = _SEARCH
        self._next = 0.0
        self._accepted: deque[float] = deque()
        self._first: float | None = None
        self._throttled_at: float | None = None

    @property
    def rate(self) -> float | None:
        """Requests a second; None while no limit was met."""
        return self._rate

    def turn(self, now: float) -> float:
        """Ask for a turn: 0 if the request may go out now, else the seconds to wait before asking again."""
        with self._lock:
            if now < self._next:
                return self._next - now
            if self._first is None:
                self._first = now
            if self._rate is not None:
                # A turn that was taken late does not slow the next one down.
                self._next = max(self._next, now - 1 / self._rate) + 1 / self._rate
            return 0.0

    def accepted(self, now: float) -> None:
        """Tell that a request was not throttled."""
        with self._lock:
            self._accepted.append(now)
            self._forget(now)
            if self._rate is not None:
                # An answer that was under way when the limit was met tells nothing about the pace since.
                late = self._throttled_at is not None and now - self._throttled_at < _DEAF
                self._rate *= _GROWTH if late else self._growth

    def throttled(self, now: float, retry_after: float | None = None) -> None:
        """Tell that a request was throttled; ``retry_after`` in seconds where the service said it."""
        with self._lock:
            if retry_after is not None:
                self._next = max(self._next, now + retry_after)
            if self._throttled_at is not None and now - self._throttled_at < _DEAF:
                return
            self._throttled_at = now
            self._forget(now)
            first = now if self._first is None else self._first
            span = min(_WINDOW, max(now - first, 1.0))
            learnt = len(self._accepted) / span
            if self._rate is not None:
                self._growth = _GROWTH
            self._rate = max(_SLOWEST, learnt)
            self._next = max(self._next, now + 1 / self._rate)

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] < now - _WINDOW:
            self._accepted.popleft()


_paces: dict[tuple[str, str, str], Pace] = {}
_paces_lock = threading.Lock()


def pace_of(service: str, account: str, place: str) -> Pace:
    """The one pace of this process for an account and region, or a resource."""
    with _paces_lock:
        return _paces.setdefault((service, account, place), Pace())
