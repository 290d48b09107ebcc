"""How service modules read: at a pace, with retries, and never from a cache.

A read is one GET or List request: a page of a listing, the documents of a batch, the state of some jobs. ``read`` sends
it when the caller's ``Reads`` allows it, retries transient errors, and waits when the service throttles. ``fresh`` asks
again when an answer came from a cache. ``pages`` follows links.

Why a cache matters: Azure Document Translation answers GETs from a cache by URL for up to 60 seconds, whoever asks, and
a DELETE does not empty it (recorded traffic). A teardown that trusts such an answer reports quiet while jobs run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from translation_job_guard.errors import Abandoned, StaleAnswer, Throttled, Transient

__all__ = ["LONGEST_WAIT", "Reads", "fresh", "pages", "read", "retry_after"]

LONGEST_WAIT: Final = 30.0
"""The longest wait, in seconds, that one throttled answer can order, whatever its Retry-After says: a single wrong
header must not stop every guard of the process."""
ATTEMPTS: Final = 3
"""Number of times that a read is sent if it fails with transient errors."""
FIRST_PAUSE: Final = 0.5
"""Seconds before the second attempt; twice as many before the third."""
AGAIN_AT_ONCE: Final = 3
"""Number of times that a cached answer is asked for again, each time under another URL, before the caller waits."""
THROTTLED_AT_MOST: Final = 5
"""Throttled answers in a row after which ``Reads`` without a pace still tries again."""

_T = TypeVar("_T")


class Reads:
    """When the next read may go out, and whether anybody still waits for its answer.

    This class has no pace: it is for one look from the command line. A teardown has its own subclass, which follows the
    pace of the place. Methods may be called from several threads at once.

    Args:
        until: the deadline on ``time.monotonic``'s clock; None for none.
    """

    def __init__(self, until: float | None = None) -> None:
        self._until = until
        self._throttled = 0

    @classmethod
    def lasting(cls, seconds: float) -> Reads:
        """Return reads whose answers nobody waits for after so many seconds."""
        return cls(time.monotonic() + seconds)

    def turn(self) -> None:
        """Wait until a read may go out.

        Raises:
            Abandoned: nobody waits for the answer any more.
        """
        self._refuse_late(0.0)

    def accepted(self) -> None:
        """Note that the service accepted a read."""
        self._throttled = 0

    def throttled(self, error: Throttled) -> None:
        """Note that the service throttled a read, which is sent again after the next ``turn``.

        Raises:
            Throttled: too many reads in a row were throttled; this one is not sent again.
        """
        self._throttled += 1
        if self._throttled > THROTTLED_AT_MOST:
            raise error
        self.pause(min(error.retry_after or FIRST_PAUSE * 2.0**self._throttled, LONGEST_WAIT))

    def pause(self, seconds: float) -> None:
        """Let ``seconds`` pass before a read is sent again.

        Raises:
            Abandoned: nobody waits for the answer any more.
        """
        self._refuse_late(seconds)
        time.sleep(seconds)

    def _refuse_late(self, seconds: float) -> None:
        if self._until is not None and time.monotonic() + seconds >= self._until:
            raise Abandoned("the time for this request is over")


def read(request: Callable[[], _T], reads: Reads | None) -> _T:
    """Send one read, and send it again after a transient error or a throttled answer.

    Args:
        request: sends it and returns the answer.
        reads: sets the pace; None for no pace.

    Raises:
        ServiceError: the service refused it, or transient errors did not end.
    """
    reads = reads or Reads()
    attempt = 0
    while True:
        reads.turn()
        try:
            answer = request()
        except (Throttled, Transient) as error:
            attempt += isinstance(error, Transient)
            if attempt >= ATTEMPTS:
                raise
            try:
                if isinstance(error, Throttled):
                    reads.throttled(error)
                else:
                    reads.pause(FIRST_PAUSE * attempt)
            except Abandoned:
                # What the service said is more helpful than that time ran out.
                raise error from None
        else:
            reads.accepted()
            return answer


def fresh(ask: Callable[[], tuple[_T, bool]], what: str) -> _T:
    """Return an answer that does not come from a cache.

    Args:
        ask: sends the request, under another URL each time; returns the answer and whether it came from a cache.
        what: the service's name of the operation, for the error.

    Raises:
        StaleAnswer: every answer came from a cache.
    """
    for _ in range(1 + AGAIN_AT_ONCE):
        answer, cached = ask()
        if not cached:
            return answer
    raise StaleAnswer(
        f"{what}: every answer came from a cache (it has an Age header), so it does not show what is in flight now. "
        "Run this again in a minute; if that does not help, look for a proxy in front of the service that caches.",
        operation=what,
    )


def pages(page: Callable[[str | None], tuple[_T, str | None]], operation: str) -> Iterator[_T]:
    """Yield every page of a listing.

    Args:
        page: reads one page, the first one for None; returns it and the link to the next one, None if it is the last.
        operation: the service's name of the operation, for the error.

    Raises:
        Transient: a link was followed before, so the pages would never end.
    """
    link: str | None = None
    followed: set[str] = set()
    while True:
        found, link = page(link)
        yield found
        if link is None:
            return
        if link in followed:
            raise Transient(f"{operation}: the pages of the answer repeat.", operation=operation)
        followed.add(link)


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header (RFC 9110: a number or a date) asks for; None if unreadable."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max((moment - datetime.now(timezone.utc)).total_seconds(), 0.0)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
