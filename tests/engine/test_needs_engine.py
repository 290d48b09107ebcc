"""Tests declare the release of Pulumi that they need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.workspace import ENGINE_UNDER_TEST, find_engine

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest


@pytest.mark.needs_engine("3.1")
def test_old():
    pass


@pytest.mark.needs_engine("999.0")
def test_new():
    pass
"""


def run(directory: Path, **environment: str) -> tuple[int, str]:
    """Run both tests as the project's own; return the exit code and the output."""
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "test_both.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "--strict-markers",
        "-n",
        "0",
        "-q",
        str(directory),
    ]
    inherited = {name: value for name, value in os.environ.items() if name != ENGINE_UNDER_TEST}
    env = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_a_test_fails_where_the_engine_is_too_old(tmp_path: Path) -> None:
    """It is not skipped: a release that went missing would go unnoticed."""
    code, said = run(tmp_path)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "needs Pulumi 999.0 or newer" in said
    assert "1 passed, 1 error" in said


def test_a_test_is_left_out_for_an_older_engine_under_test(tmp_path: Path) -> None:
    code, said = run(tmp_path, ENGINE_UNDER_TEST=str(Path(find_engine()).parent))
    assert code == pytest.ExitCode.OK
    assert "1 passed, 1 deselected" in said
