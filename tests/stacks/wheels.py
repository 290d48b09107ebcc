"""The wheels of both distributions, and what installs them."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.setup import uv_environment
from tests.stacks.support import ROOT

UV = Path(sys.prefix) / "bin" / "uv"
TIME_LIMIT = 300
GUARD, EMULATOR = "translation_job_guard", "translation_job_emulator"
SOURCES = {GUARD: ROOT, EMULATOR: ROOT / "emulator"}
"""The packages, and the directories that their distributions are built from."""


def run(*command: str | Path, **env: str) -> str:
    """Run a command of the set-up, and return what it printed."""
    done = subprocess.run(
        command, cwd=ROOT, env=uv_environment() | env, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_wheel(directory: Path, package: str = GUARD, **env: str) -> Path:
    """Build the wheel of a package into a directory."""
    build(directory, package, "--wheel", **env)
    (built,) = directory.glob(f"{package}-*.whl")
    return built


def build(directory: Path, package: str, *options: str, **env: str) -> None:
    """Build the distribution of a package: without options its sdist, and from that its wheel."""
    # Without isolation: the build backend is in the lock file, as everything else is.
    run(sys.executable, "-m", "build", *options, "--no-isolation", "--outdir", directory, SOURCES[package], **env)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Build the wheels of this clone, in one directory, once for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    directory = (base.parent if base.name.startswith("popen-") else base) / "wheels"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return {
            package: next(directory.glob(f"{package}-*.whl"), None) or build_wheel(directory, package)
            for package in SOURCES
        }


@pytest.fixture(scope="session")
def wheel(wheels: Mapping[str, Path]) -> Path:
    """Return the guards' wheel; the emulator's is beside it."""
    return wheels[GUARD]
