"""Which examples the profiles try."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st


def tried(profile: str) -> list[int]:
    """Return some examples that a property is tried with."""
    examples: list[int] = []

    @settings(settings.get_profile(profile), max_examples=20)
    @given(st.integers())
    def property_(example: int) -> None:
        examples.append(example)

    property_()
    return examples


def test_ci_tries_the_same_examples_each_time() -> None:
    """A change that fails in CI fails in each run."""
    assert tried("ci") == tried("ci")


def test_nightly_runs_try_other_examples_each_time() -> None:
    """Each night looks where no night has looked before."""
    assert tried("nightly") != tried("nightly")
