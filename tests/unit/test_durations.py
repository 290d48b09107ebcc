"""Durations as people write them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        (90, 90),
        (1.5, 1.5),
        ("90", 90),
        ("90s", 90),
        ("1.5s", 1.5),
        ("15m", 900),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h30m5s", 5405),
        (" 15M ", 900),
    ],
)
def test_a_duration_is_seconds_or_text(value: Any, seconds: float) -> None:
    """Numbers are seconds; text has units, each at most once and in their order."""
    assert parse_duration(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "-1",
        -1,
        math.nan,
        math.inf,
        10**400,
        "nan",
        "soon",
        "5 minutes",
        "1d",
        "30m1h",
        "1.5h",
        "1h30",  # half past one, or one hour and thirty seconds?
        "15m30",
        True,
        None,
        [],
        {},
    ],
)
def test_what_is_no_duration_is_refused_without_repeating_it(value: Any) -> None:
    """The reason says what to write instead."""
    with pytest.raises(ValueError, match=r"not a valid duration; expected seconds"):
        parse_duration(value)


@pytest.mark.parametrize("value", ["8785h", 1_800_000_000])
def test_what_is_longer_than_a_year_is_refused(value: Any) -> None:
    """It is a slip of the hand, such as milliseconds."""
    with pytest.raises(ValueError, match=r"expected at most a year"):
        parse_duration(value)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_units_add_up(hours: int, minutes: int, seconds: int) -> None:
    """Any combination means the sum of its parts."""
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (1, "1 s"),
        (14.4, "14 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (900, "15 min"),
        (3599.6, "1 h"),
        (5400, "1 h 30 min"),
        (7205, "2 h"),
    ],
)
def test_a_duration_is_written_for_people(seconds: float, text: str) -> None:
    """The two largest units, rounded, and never sixty of one."""
    assert format_duration(seconds) == text
