"""Parse and format durations as people write them: seconds, or "90s", "15m", "1h30m"."""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any

__all__ = ["format_duration", "parse_duration"]

LONGEST = 366 * 86_400.0
"""Seconds. Longer durations are mistakes (milliseconds), and some clocks cannot wait for them."""

# "1h30" is refused: it could mean an hour and a half, or an hour and thirty seconds.
_WRITTEN = re.compile(r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?|(?P<number>\d+(?:\.\d+)?)")


def parse_duration(value: Any) -> float:
    """Return the seconds of a duration.

    Args:
        value: A number of seconds, or text such as ``"90s"``, ``"15m"``, ``"1h30m"`` or ``"90"``.

    Raises:
        ValueError: It is neither, or longer than a year. The message does not repeat the value.
    """
    seconds = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            seconds = float(value)
    elif isinstance(value, str) and value.strip():
        match = _WRITTEN.fullmatch(value.strip().lower())
        if match:
            hours, minutes, rest = (float(match[part] or 0) for part in "hms")
            seconds = hours * 3600 + minutes * 60 + rest + float(match["number"] or 0)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError('is not a valid duration; expected seconds, or "90s", "15m" or "1h30m"')
    if seconds > LONGEST:
        raise ValueError("is not a valid duration; expected at most a year")
    return seconds


def format_duration(seconds: float) -> str:
    """Return a duration for people: ``"0.4 s"``, ``"14 s"``, ``"2 min 5 s"`` or ``"1 h 30 min"``."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h" + (f" {rest} min" if rest else "")
