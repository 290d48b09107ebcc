"""The figures as a table in a Markdown page, between two marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, Of

__all__ = ["number", "spelled", "write"]

_BEGIN, _END = "<!-- figures: written by `python -m bench --page` -->", "<!-- end of figures -->"


def write(page: Path, figures: Sequence[Figure], about: str) -> None:
    """Replace what is between the marks of ``page``.

    Raises:
        ValueError: the page has no marks.
    """
    lines = [about, "", "| what | against | measured | reference | ratio | bar |", "|---|---|--:|--:|--:|---|"]
    for figure in figures:
        cells = (
            f"{figure.area}: {figure.what}",
            figure.against,
            f"{number(figure.measured)} {figure.unit}",
            f"{number(figure.reference)} {figure.unit}",
            f"{figure.ratio:.2f}",
            f"{spelled(figure)} {'holds' if figure.holds else '**missed**'}" if figure.bar else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    text = page.read_text(encoding="utf-8")
    between = f"{_BEGIN}\n{chr(10).join(lines)}\n{_END}"
    new, count = re.subn(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", lambda _: between, text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{page} has no place for figures: {_BEGIN}")
    page.write_text(new, encoding="utf-8")


def spelled(figure: Figure) -> str:
    """Write the bar of a figure."""
    if figure.bar is None:
        return ""
    most = number(figure.bar.most)
    return {
        Of.RATIO: f"≤ {most} x",
        Of.DIFFERENCE: f"≤ {most} {figure.unit} more",
        Of.VALUE: f"≤ {most} {figure.unit}",
    }[figure.bar.of]


def number(value: float) -> str:
    """Write a number with about three digits."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
