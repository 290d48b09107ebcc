"""Print the score of `make mutants` by module: how many mistakes in the core the quick tests noticed.

A mutant counts if it was tried. One that no selected test reaches lowers the score, too: nobody would notice it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "mutants"
NOTICED = frozenset({"killed", "timeout", "segfault", "caught by type check"})
NOT_TRIED = frozenset({"not checked", "skipped", "check was interrupted by user"})


def statuses(directory: Path) -> dict[str, Counter[str]]:
    """Return how many mutants of each module came out how, by what mutmut has written down."""
    found: dict[str, Counter[str]] = {}
    for path in sorted(directory.rglob("*.py.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        if codes:
            name = str(path.relative_to(directory)).removesuffix(".meta")
            found[name] = Counter(status_by_exit_code[code] for code in codes)
    return found


def table(found: dict[str, Counter[str]]) -> str:
    """Return the score as a table in Markdown, the whole last; modules that were not tried are left out."""
    rows = ["| module | tried | noticed | missed | not reached | score |", "|---|---|---|---|---|---|"]
    tried = {name: counts for name, counts in found.items() if _tried(counts)}
    for name, counts in [*tried.items(), ("all of these", sum(tried.values(), Counter[str]()))]:
        noticed, missed = sum(counts[one] for one in NOTICED), counts["survived"] + counts["suspicious"]
        share = f"{100 * noticed / _tried(counts):.0f} %" if _tried(counts) else "-"
        rows.append(f"| {name} | {_tried(counts)} | {noticed} | {missed} | {counts['no tests']} | {share} |")
    return "\n".join(rows)


def _tried(counts: Counter[str]) -> int:
    return sum(number for status, number in counts.items() if status not in NOT_TRIED)


if __name__ == "__main__":
    if not (found := statuses(MUTANTS)):
        sys.exit("There is no result: run `make mutants` first.")
    print(table(found))
