"""What the package gives, and what it and its tests import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import translation_job_emulator

DISTRIBUTION = Path(__file__).parents[1]
FILES = sorted(path for path in DISTRIBUTION.rglob("*.py") if "venv" not in str(path.relative_to(DISTRIBUTION)))


def imported(path: Path) -> Iterator[str]:
    """Return the top-level packages that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DISTRIBUTION)))
def test_nothing_of_the_rest_of_the_repository_is_imported(path: Path) -> None:
    """Neither by the package nor by its tests: the emulator judges the guards, and is used without them."""
    others = {"translation_job_guard", "tests", "scripts", "stacks", "bench", "live", "policy", "pulumi"}
    assert not others & set(imported(path))


def test_importing_it_loads_no_server() -> None:
    """`Control` is for processes that only talk to an emulator."""
    script = "import sys, translation_job_emulator; print({'uvicorn', 'moto', 'botocore'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"


def test_it_has_a_version_and_type_information() -> None:
    """PEP 440, and PEP 561."""
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+|\.dev\d+)?", translation_job_emulator.__version__)
    assert Path(translation_job_emulator.__path__[0], "py.typed").is_file()
