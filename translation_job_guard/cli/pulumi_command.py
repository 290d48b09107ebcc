"""Run the installed ``pulumi``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.redaction import redact

__all__ = ["pulumi", "pulumi_path"]

ANSWERS_IN: Final = 120
"""Seconds after which a `pulumi` that has not answered is abandoned: its backend cannot be reached."""


def pulumi_path() -> str | None:
    """Return the path of ``pulumi``: on PATH, else beside this Python."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("pulumi", path=os.pathsep.join([os.environ.get("PATH", os.defpath), beside]))


def pulumi(*arguments: str, backend: str | None = None) -> str:
    """Run ``pulumi`` and return what it prints.

    Args:
        arguments: its arguments.
        backend: the URL of a backend in place of the one that it is logged in to.

    Raises:
        InvalidArgument: it is not installed, or it failed.
    """
    path = pulumi_path()
    if path is None:
        raise InvalidArgument(
            "There is no `pulumi` command on PATH: install Pulumi, or give an exported stack with --state FILE "
            "(`pulumi stack export > FILE`)."
        )
    command = ["pulumi", *arguments]
    try:
        done = subprocess.run(
            [path, "--non-interactive", "--color", "never", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=ANSWERS_IN,
            env={**os.environ, "PULUMI_BACKEND_URL": backend} if backend else None,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidArgument(f"`{' '.join(command)}` gave no answer in {ANSWERS_IN} s.") from error
    if done.returncode:
        reason = " ".join(line.strip() for line in done.stderr.strip().splitlines()[-5:])
        raise InvalidArgument(redact(f"`{' '.join(command)}` failed: {reason or 'it gave no reason'}"))
    return done.stdout
