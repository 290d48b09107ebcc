"""The documentation speaks of what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CODE_OF_CONDUCT.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "engine" / "README.md",
    ROOT / "emulator" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def links(page: Path) -> Iterator[tuple[str, str]]:
    """(path, anchor) of each link of a page that stays within the project."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            path, _, anchor = target.partition("#")
            yield path, anchor


def headings(page: Path) -> set[str]:
    """The anchors of a page, as the forges make them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and in it to a heading, or to a test of that name."""
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}, which does not exist"
        if anchor and target.suffix == ".py":
            assert f"def {anchor}(" in target.read_text(encoding="utf-8"), f"{path} has no {anchor}"
        elif anchor:
            assert anchor in headings(target), f"{path or page.name} has no heading {anchor}"


def test_each_guarantee_names_its_test() -> None:
    """The eight invariants of a teardown and what else is promised are each linked to a proof."""
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ")]
    promised = rows[1:]
    assert [row[2] for row in promised[:8]] == list("12345678")
    assert all("](../tests/" in row for row in promised)
