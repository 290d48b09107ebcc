"""Runs the benchmarks, prints a table and writes JSON. `python -m bench --help` tells the rest."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import command_line, emulated, engine, estate, memory, policies, teardown
from bench.emulated import ENVIRONMENT, Emulated
from bench.figures import Figure, Plan, Show
from bench.page import number, spelled, write

AREAS: dict[str, Callable[[Plan, Emulated, Show], None]] = {
    "emulator": emulated.measure,
    "teardown": teardown.measure,
    "engine": engine.measure,
    "memory": memory.measure,
    "policies": policies.measure,
    "command-line": command_line.measure,
    "estate": estate.measure,
}


def main() -> None:
    """Run the benchmarks. A missed bar does not fail the run: the machine may have had other work."""
    given = _parser().parse_args()
    os.environ.update(ENVIRONMENT)
    # In a file or a log a terminal's width means nothing.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    figures: list[Figure] = []

    def show(figure: Figure) -> None:
        figures.append(figure)
        console.print(f"{figure.area}: {figure.what}: {number(figure.measured)} {figure.unit}, {_judged(figure)}")

    begun = time.monotonic()
    load = os.getloadavg()[0]
    with emulated.running() as running:
        for area in given.only or AREAS:
            AREAS[area](Plan(full=given.full), running, show)
    console.print(_table(figures))
    seconds = time.monotonic() - begun
    # Other work on the machine makes figures worse than they are: whoever reads them should know.
    after = os.getloadavg()[0]
    about = (
        f"{'Full' if given.full else 'Short'} run on {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"{seconds:.0f} s, load {load:.1f} before and {after:.1f} after."
    )
    console.print(about)
    path = Path(given.json or Path(__file__).parent / "results" / f"{'full' if given.full else 'short'}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "full": given.full,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": [round(load, 2), round(after, 2)],
        "seconds": round(seconds),
        "figures": [figure.as_json() for figure in figures],
    }
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {path}")
    if given.page:
        write(Path(given.page), figures, about)
    judged = [figure for figure in figures if figure.bar]
    console.print(f"{sum(bool(figure.holds) for figure in judged)} of {len(judged)} bars hold")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all sizes, each three times")
    parser.add_argument("--only", action="append", choices=AREAS, help="one area; may be given several times")
    parser.add_argument("--json", help="where to write the figures")
    parser.add_argument("--page", help="a Markdown page whose table of figures is to be replaced")
    return parser


def _table(figures: list[Figure]) -> Table:
    table = Table(title="Ratios of one run")
    for column in ("what", "against", "measured", "reference", "ratio", "bar", ""):
        table.add_column(column, justify="right" if column in ("measured", "reference", "ratio") else "left")
    for figure in figures:
        table.add_row(
            f"{figure.area}: {figure.what}",
            figure.against,
            f"{number(figure.measured)} {figure.unit}",
            f"{number(figure.reference)} {figure.unit}",
            f"{figure.ratio:.2f}",
            spelled(figure),
            {True: "holds", False: "MISSED", None: ""}[figure.holds],
        )
    return table


def _judged(figure: Figure) -> str:
    against = f"{figure.ratio:.2f} x {figure.against} ({number(figure.reference)} {figure.unit})"
    return against if figure.holds is not False else f"{against}: MISSED {spelled(figure)}"


if __name__ == "__main__":
    main()
