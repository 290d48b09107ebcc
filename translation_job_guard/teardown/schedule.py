"""When a teardown asks again: the intervals between listings, and between stop requests for one job. All in seconds."""

from __future__ import annotations

from translation_job_guard.errors import Denied, Transient
from translation_job_guard.jobs import JobState
from translation_job_guard.teardown.report import Record

__all__ = ["ASK_AGAIN_AFTER", "ASK_AGAIN_AT_MOST", "FASTEST_POLL", "SLOWEST_POLL", "next_poll", "stop_is_due"]

FASTEST_POLL = 0.5
"""From one listing to the next at least: at most two rounds a second."""
SLOWEST_POLL = 15.0
"""From one listing to the next at most, unless a poll interval was given."""
ASK_AGAIN_AFTER = 5.0
"""After this a job that took a stop request and still runs is asked again; the interval doubles with each request."""
ASK_AGAIN_AT_MOST = 60.0
"""Between two stop requests for one job at most."""


def stop_is_due(record: Record, now: float) -> bool:
    """Check whether a job is to be asked, or asked again, to stop."""
    stopping = record.now.state is JobState.STOPPING
    if (stopping and not record.doubted) or isinstance(record.last_error, Denied):
        return False
    if record.asked_at is None:
        return not stopping
    if record.now.state not in record.asked_in and not stopping:
        # A queued job may not take a stop request before it runs. Once for each state: answers may flap.
        return True
    # Whether a request whose answer was lost took effect is not known: ask again soon.
    lost = isinstance(record.last_error, Transient)
    first, most = (FASTEST_POLL, SLOWEST_POLL) if lost else (ASK_AGAIN_AFTER, ASK_AGAIN_AT_MOST)
    doublings = min(record.asks - 1, 10)
    return now - record.asked_at >= min(first * 2.0**doublings, most)


def next_poll(given: float | None, since_news: float) -> float:
    """Return the interval from one listing's beginning to the next's: the one that was given, else one that grows.

    Args:
        given: the guard's ``poll_interval``.
        since_news: how long ago an answer last changed what is known.
    """
    return min(since_news / 8, SLOWEST_POLL) if given is None else given
