"""The commands that texts mention exist; those that guides print in blocks run in `test_guides.py` and `test_ci.py`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stacks.commands import unknown
from tests.stacks.support import ROOT
from tests.stacks.test_guides import NOT_HERE

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_in_a_text_exist_with_the_options_they_are_given(page: Path) -> None:
    """Those of `pulumi` and of this project."""
    mentioned = re.findall(r"`((?:pulumi|translation-job-guard) [^`]*)`", page.read_text(encoding="utf-8"))
    assert [problem for command in mentioned for problem in unknown(command)] == []


def test_commands_that_cannot_run_here_exist() -> None:
    """As far as they are of `pulumi`."""
    assert [problem for command in NOT_HERE for problem in unknown(command)] == []


def test_commands_are_known_by_their_aliases_and_no_others() -> None:
    """`pulumi stack rm` is an alias in some releases. What is unknown gets the help of its group from `pulumi`."""
    assert unknown("pulumi stack rm --yes dev") == []
    assert unknown("pulumi stack remov --yes dev") == ["pulumi stack remov --yes dev: there is no option --yes"]
    assert unknown("pulumi stak rm") == ["pulumi stak rm: there is no such command"]


def test_commands_are_found_wherever_they_are_in_a_script() -> None:
    """Behind a pipe, a keyword, a time limit or an assignment; a separator in quotes is none."""
    script = "for a in b; do A=b timeout 5m pulumi stak; done | { pulumi stuk || pulumi 'a|b'; } # pulumi no"
    assert [one.partition(":")[0] for one in unknown(script)] == ["pulumi stak", "pulumi stuk", "pulumi a|b"]
