"""When a teardown asks again: the intervals between listings and between stop requests for one job. All in seconds."""

from __future__ import annotations

__all__ = ["ASK_AGAIN_AFTER", "ASK_AGAIN_AT_MOST", "FASTEST_POLL", "SLOWEST_POLL"]

FASTEST_POLL = 0.5
"""Seconds from one listing to the next at least: at most two rounds a second."""
SLOWEST_POLL = 15.0
"""Seconds from one listing to the next at most, unless a poll interval was given."""
ASK_AGAIN_AFTER = 5.0
"""Seconds after which a job that took a stop request and still runs is asked again; doubles with each time."""
ASK_AGAIN_AT_MOST = 60.0
"""Seconds between two stop requests for one job at most."""
