"""The score of mutation testing, from what mutmut writes down."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.mutation_score import statuses, table


def written(directory: Path, name: str, *codes: int | None) -> None:
    keys = {f"mutant_{number}": code for number, code in enumerate(codes)}
    (directory / f"{name}.py.meta").write_text(json.dumps({"exit_code_by_key": keys}), encoding="utf-8")


def test_the_score_counts_what_was_tried(tmp_path: Path) -> None:
    """Killed, timed out: noticed. Survived: missed. Not reached counts, not tried does not."""
    written(tmp_path, "a", 1, 1, 36, 0, 33, None)
    written(tmp_path, "b", None, None)
    written(tmp_path, "c", 1)
    lines = table(statuses(tmp_path)).splitlines()
    assert lines[2:] == [
        "| a.py | 5 | 3 | 1 | 1 | 60 % |",
        "| c.py | 1 | 1 | 0 | 0 | 100 % |",
        "| all of these | 6 | 4 | 1 | 1 | 67 % |",
    ]


def test_a_module_without_mutants_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, "constants")
    assert statuses(tmp_path) == {}
