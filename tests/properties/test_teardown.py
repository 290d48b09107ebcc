"""The teardown, in worlds where everything goes wrong that can."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.properties.invariants import check
from tests.properties.scenarios import Scenario, scenarios

pytestmark = pytest.mark.no_cover


@given(scenarios())
def test_invariants_hold_whatever_goes_wrong(scenario: Scenario) -> None:
    """DESIGN's invariants 1 to 6 hold under every fault, with racing jobs, other actors, and crashes anywhere."""
    check(scenario)
