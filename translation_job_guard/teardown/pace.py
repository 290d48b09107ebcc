"""How fast requests may go out to one place: learned from its answers, shared by everything in this process."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Literal

from translation_job_guard.services.reading import LONGEST_WAIT

__all__ = ["Pace", "pace_of"]

FIRST_RATE = 5.0
"""Requests a second after the first throttled answer, until more is known: what AWS documents for
StopTextTranslationJob. Too many cost a few requests, too few cost time."""
SLOWEST = 0.5
"""The slowest pace, in requests a second: nothing is given up before the timeout."""

_AT_ONCE = 4
"""Requests that go out before any answer. A place that allows fewer throttles at most so many."""
_MORE_IN = 0.05
"""Seconds in which the number of requests without an answer may double: about the time of one answer."""
_WINDOW = 5.0
"""Seconds of answers from which the allowed rate is learned."""
_MEASURED = 1.0
"""Seconds between two throttled answers from which on they make a measurement."""
_ABOVE = 1.02
"""How much faster than the measured rate requests go: only a throttled answer shows the limit."""
_BELOW = 0.85
"""The smallest part of its speed that a pace keeps when it was too fast."""
_BELOW_NOTHING = 0.5
"""The same if nothing was accepted since."""
_DOUBLES_IN = 4.0
"""Seconds of use without a throttled answer after which the pace has doubled, while little is known."""
_DOUBLES_IN_KNOWN = 8.0
"""The same, once the rate was measured."""


class Pace:
    """A pace that is unlimited until the place throttles, then follows what it accepts.

    Services count requests with token buckets. A throttled answer says that the bucket is empty, so between two of
    them exactly as many requests were accepted as the place allows in that time: this is the measured rate. From one
    throttled answer to the next the pace grows, slowly at first, to notice when more is allowed.

    All times are seconds of one monotonic clock that the caller reads. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base: float | None = None
        self._known = False
        self._next = 0.0
        self._began: float | None = None
        self._turns = 0
        self._accepted: deque[float] = deque()
        self._throttled: deque[float] = deque()
        self._last_turn = 0.0
        self._used = 0.0

    @property
    def rate(self) -> float | None:
        """Requests a second that the place seems to allow; None until a request was throttled."""
        return self._base

    def turn(self, now: float) -> float:
        """Ask for a turn: 0 if the request may go out now, else the seconds to wait before asking again."""
        with self._lock:
            if now < self._next:
                return self._next - now
            if self._began is None:
                self._began = now
            if self._base is None:
                self._turns += 1
                if self._turns >= _AT_ONCE:
                    self._next = self._began + _MORE_IN * math.log2((self._turns + 1) / _AT_ONCE)
            else:
                # A turn that was taken late does not slow the next one down.
                pause = 1 / self._speed()
                self._next = max(self._next, now - pause) + pause
                # A pace that nobody uses does not grow.
                self._used += min(now - self._last_turn, 2 * pause)
                self._last_turn = now
            return 0.0

    def delay(self, now: float) -> float:
        """Return the seconds until the next request may go out."""
        with self._lock:
            return max(self._next - now, 0.0)

    def accepted(self, now: float) -> None:
        """Note that a request was not throttled."""
        with self._lock:
            self._accepted.append(now)
            self._forget(now)
            if self._base is not None and not self._known:
                self._base = max(self._base, self._held(now))

    def throttled(self, now: float, retry_after: float | None = None) -> None:
        """Note that a request was throttled.

        Args:
            now: the time.
            retry_after: the seconds to wait, if the service said them.
        """
        with self._lock:
            self._forget(now)
            if self._base is None:
                self._base = max(FIRST_RATE, self._held(now))
            elif self._throttled and now - self._throttled[0] >= _MEASURED:
                since = self._throttled[0]
                count = sum(at > since for at in self._accepted)
                # A small bucket runs over while the pace is below the limit, which makes the measured rate too low.
                kept = _BELOW if count else _BELOW_NOTHING
                self._base = max(SLOWEST, count / (now - since), kept * self._speed())
                self._known = count > 0
            self._throttled.append(now)
            self._last_turn = now
            self._used = 0.0
            self._next = max(self._next, now + max(1 / self._base, min(retry_after or 0.0, LONGEST_WAIT)))

    def _held(self, now: float) -> float:
        # Before the first throttled answer, what the bucket held was accepted: one second's worth, as a first guess.
        return len(self._accepted) / max(now - (now if self._began is None else self._began), 1.0)

    def _speed(self) -> float:
        assert self._base is not None
        doubles_in = _DOUBLES_IN_KNOWN if self._known else _DOUBLES_IN
        return self._base * (_ABOVE + (self._used / doubles_in) ** 2)

    def _forget(self, now: float) -> None:
        for times in (self._accepted, self._throttled):
            while times and times[0] < now - _WINDOW:
                times.popleft()


_paces: dict[tuple[str, str, str, str], Pace] = {}
_paces_lock = threading.Lock()


def pace_of(service: str, account: str, place: str, kind: Literal["stop", "read"] = "stop") -> Pace:
    """Return the one pace of this process for an account and region, or a resource: one for stops, one for reads."""
    with _paces_lock:
        return _paces.setdefault((service, account, place, kind), Pace())
