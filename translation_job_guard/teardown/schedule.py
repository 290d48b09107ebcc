"""When a teardown asks a job to stop again, and when it lists again. All times are in seconds."""

from __future__ import annotations

from translation_job_guard.errors import Denied, Transient
from translation_job_guard.jobs import JobState
from translation_job_guard.teardown.report import Record

__all__ = ["ASK_AGAIN_AFTER", "ASK_AGAIN_AT_MOST", "FASTEST_POLL", "SLOWEST_POLL", "next_poll", "stop_is_due"]

FASTEST_POLL = 0.5
"""The shortest interval from one listing to the next: at most two rounds a second."""
SLOWEST_POLL = 15.0
"""The longest interval from one listing to the next, unless a poll interval was given."""
ASK_AGAIN_AFTER = 5.0
"""The interval after which a job that accepted a stop request and still runs is asked again. It doubles each time."""
ASK_AGAIN_AT_MOST = 60.0
"""The longest interval between two stop requests for one job."""


def stop_is_due(record: Record, now: float) -> bool:
    """Check whether a stop request for a job is due, the first one or another one.

    A job that is not stopping is asked at once. If it still runs, it is asked again after ``ASK_AGAIN_AFTER`` seconds,
    then after twice as long, and so on up to ``ASK_AGAIN_AT_MOST``; at once when it has come into a state in which it
    was not asked yet; and after ``FASTEST_POLL`` seconds, then doubled, if the answer to the last request was lost.

    Args:
        record: what is known of the job.
        now: seconds since the start of the teardown.
    """
    stopping = record.now.state is JobState.STOPPING
    if (stopping and not record.doubted) or isinstance(record.last_error, Denied):
        return False
    if record.asked_at is None:
        return not stopping
    if record.now.state not in record.asked_in and not stopping:
        # A queued job may refuse a stop request until it runs. Once for each state: answers may flap.
        return True
    # Whether a request whose answer was lost took effect is not known: ask again soon.
    lost = isinstance(record.last_error, Transient)
    first, most = (FASTEST_POLL, SLOWEST_POLL) if lost else (ASK_AGAIN_AFTER, ASK_AGAIN_AT_MOST)
    doublings = min(record.asks - 1, 10)
    return now - record.asked_at >= min(first * 2.0**doublings, most)


def next_poll(given: float | None, since_news: float) -> float:
    """Return the interval from the beginning of one listing to the next: the given one, else one that grows.

    Args:
        given: the guard's ``poll_interval``; None to let it grow.
        since_news: how long ago an answer last changed what is known.
    """
    return min(since_news / 8, SLOWEST_POLL) if given is None else given
