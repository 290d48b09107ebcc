"""The wheel of this project, and what installs it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.setup import uv_environment
from tests.stacks.support import ROOT

UV = Path(sys.prefix) / "bin" / "uv"
TIME_LIMIT = 300


def run(*command: str | Path, **env: str) -> str:
    """Run a command of the set-up; returns what it printed."""
    done = subprocess.run(
        command, cwd=ROOT, env=uv_environment() | env, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_wheel(directory: Path, **env: str) -> Path:
    """Build the wheel into a directory."""
    # Without isolation: the build backend is in the lock file, as everything else is.
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory, ROOT, **env)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone, built once for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    directory = (base.parent if base.name.startswith("popen-") else base) / "wheel"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return next(directory.glob("*.whl"), None) or build_wheel(directory)
