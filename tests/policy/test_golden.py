"""The golden stacks, through the pack's own handler with real requests."""

from __future__ import annotations

import pytest

from tests.policy.stacks import amazon, azure, reach
from tests.policy.stacks.case import Case
from tests.policy.support import judge
from translation_job_guard.policies import NAMES

CASES = [
    pytest.param(case, id=f"{module.__name__.rpartition('.')[2]}-{case.name}")
    for module in (amazon, azure, reach)
    for case in module.CASES
]
LIVE = (
    "orphaned-translation-jobs",
    "overdue-translation-jobs",
    "abandoned-translation-jobs",
    "translation-places-reachable",
)
OFFLINE = {name: {"enforcementLevel": "disabled"} for name in LIVE if name in NAMES}


@pytest.mark.parametrize("case", CASES)
def test_a_golden_stack_has_its_violations_and_no_others(case: Case) -> None:
    """What the pack says of a stack is exactly what is written beside it."""
    found = judge(case.build(), {**OFFLINE, **case.config})
    assert sorted(f"{one.rule} {one.name}" for one in found) == sorted(case.expected), found
    messages = "\n".join(one.message for one in found)
    for text in case.says:
        assert text in messages
    assert "could not be judged" not in messages
