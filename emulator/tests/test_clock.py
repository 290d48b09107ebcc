"""The timeline: everything in order, each at its own time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_job_emulator.clock import SteppedClock, Timeline


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 20)))
def test_what_happens_does_not_depend_on_how_often_one_looks(due: list[int], steps: list[int]) -> None:
    """Settled in many steps or in one, every event happens once, in order, at its own time."""
    clock = SteppedClock(0)
    timeline = Timeline(clock)
    happened: list[float] = []
    for when in due:
        timeline.at(when, lambda: happened.append(timeline.now))
    for step in steps:
        clock.advance(step)
        timeline.settle()
        assert happened == sorted(when for when in due if when <= clock.now())


def test_an_event_may_bring_about_another_in_its_past() -> None:
    """What an event schedules is settled in the same go, if it is due."""
    clock = SteppedClock(0)
    timeline = Timeline(clock)
    happened: list[float] = []
    timeline.at(1, lambda: timeline.at(timeline.now + 1, lambda: happened.append(timeline.now)))
    clock.advance(10)
    assert timeline.settle() == 2
    assert happened == [2]
    assert timeline.now == 10


def test_a_clock_does_not_go_back() -> None:
    """ValueError."""
    with pytest.raises(ValueError, match="does not go back"):
        SteppedClock().advance(-1)


@pytest.mark.parametrize("start", range(1_790_000_000, 1_790_000_020))
def test_steps_of_a_fraction_add_up(start: int) -> None:
    """What is due after 0.3 s is due after three steps of 0.1 s, at any time of day."""
    clock = SteppedClock(start)
    timeline = Timeline(clock)
    for _ in range(7):
        timeline.at(clock.now() + 0.3, lambda: None)
        for _ in range(3):
            clock.advance(0.1)
        assert timeline.settle() == 1
