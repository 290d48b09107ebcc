"""Check this machine: what is installed, the Python that a destroy uses, and the environment's overrides."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.doctor_result import Check, Health
from translation_job_guard.cli.pulumi_command import pulumi, pulumi_path
from translation_job_guard.cli.stacks import StackOrError, guard_names
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.environment import ON_DELETE, RECEIPTS, read_environment, refuse_unknown_names
from translation_job_guard.services.registry import CONNECTIONS

__all__ = ["check_machine", "project_file"]


ANSWERS_IN: Final = 60
"""Seconds that another Python may take to say whether it has the guards' package."""


def project_file(directory: Path) -> Path | None:
    """Return the project file of the Pulumi project that ``directory`` is in; None outside of one."""
    for one in (directory, *directory.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (one / name).is_file():
                return one / name
    return None


def check_machine(stacks: Sequence[StackOrError]) -> Iterator[Check]:
    """Check what is installed, and what the environment overrides.

    Args:
        stacks: their guards are those that an override may name.
    """
    about = "This machine"
    yield Check(
        about,
        "translation-job-guard",
        Health.GOOD,
        f"{__version__}, Python {platform.python_version()}, pulumi SDK {_installed('pulumi') or '?'}",
    )
    yield _engine(about)
    for one in CONNECTIONS.values():
        package = one.packages[0].replace(".", "-")
        version = _installed(package)
        yield Check(
            about,
            package,
            Health.GOOD if version else Health.WARNING,
            version
            or f'not installed: guards of {one.title} need it: pip install "translation-job-guard[{one.extra}]"',
        )
    project = project_file(Path.cwd())
    yield from _interpreter(about, project)
    yield from _environment(about, stacks)


def _engine(about: str) -> Check:
    if pulumi_path() is None:
        says = "there is no `pulumi` command on PATH: install Pulumi; --state FILE reads exported stacks without it."
        return Check(about, "pulumi", Health.WARNING, says)
    try:
        return Check(about, "pulumi", Health.GOOD, f"{pulumi('version').strip()} ({pulumi_path()})")
    except InvalidArgument as error:
        return Check(about, "pulumi", Health.BAD, str(error))


def _interpreter(about: str, project: Path | None) -> Iterator[Check]:
    """Check whether the Python that runs dynamic providers has this package: without it no guard can be loaded."""
    name = "Python of a destroy"
    python, where = _python_of(project)
    if python is None:
        yield Check(about, name, Health.BAD, f"{where}: create it, or name another in Pulumi.yaml.")
        return
    script = "from translation_job_guard import provider, __version__; print(__version__)"
    try:
        done = subprocess.run(
            [python, "-c", script], capture_output=True, text=True, timeout=ANSWERS_IN, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Check(about, name, Health.UNKNOWN, f"{where} could not be asked: {error}")
        return
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        # Without a project this is only where a destroy outside of one would look.
        health = Health.BAD if project else Health.WARNING
        yield Check(
            about,
            name,
            health,
            f"{where} cannot load the guards ({reason}), and a destroy with it would fail: install "
            "translation-job-guard there, or run the destroy in the project's directory.",
        )
        return
    theirs = done.stdout.strip()
    same = theirs == __version__
    also = "" if same else f", and this command is {__version__}: the guards run {theirs}"
    yield Check(about, name, Health.GOOD if same else Health.WARNING, f"{where} has {theirs}{also}")


def _python_of(project: Path | None) -> tuple[str | None, str]:
    """Return the interpreter that runs dynamic providers for Pulumi, None if there is none, and its description."""
    found = shutil.which("python3") or shutil.which("python")
    if project is None:
        outside = f"python3 on PATH ({found}), which is used outside a project"
        return found, outside if found else "there is no python3 on PATH"
    import yaml

    try:
        settings = yaml.safe_load(project.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        return None, f"{project} cannot be read ({type(error).__name__})"
    runtime = settings.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    virtualenv = options.get("virtualenv") if isinstance(options, dict) else None
    if not virtualenv:
        return found, f"python3 on PATH ({found}), since {project.name} names no virtualenv"
    directory = project.parent / str(virtualenv)
    for name in ("bin/python", "Scripts/python.exe"):
        if (directory / name).exists():
            return str(directory / name), f"virtualenv {virtualenv} of {project.name}"
    return None, f"virtualenv {virtualenv} of {project.name} does not exist"


def _environment(about: str, stacks: Sequence[StackOrError]) -> Iterator[Check]:
    try:
        chosen = read_environment("")
        if names := guard_names(stacks):
            refuse_unknown_names(names)
    except InvalidArgument as error:
        yield Check(about, "environment overrides", Health.BAD, str(error))
        return
    if os.environ.get(ON_DELETE, "").strip() or chosen.timeout is not None:
        said = f"{ON_DELETE}={os.environ.get(ON_DELETE, '')}" if os.environ.get(ON_DELETE) else "the timeout"
        where = "for the guards that it names, " if chosen.only_for else ""
        says = f"in force {where}in every destroy from here: {said}"
        yield Check(about, "environment overrides", Health.WARNING, says)
    if chosen.receipts is not None:
        directory = chosen.receipts
        nearest = next(one for one in (directory, *directory.absolute().parents) if one.exists())
        writable = nearest.is_dir() and os.access(nearest, os.W_OK)
        yield Check(
            about,
            "receipts",
            Health.GOOD if writable else Health.BAD,
            f"go to {directory}" if writable else f"{RECEIPTS}: {directory} cannot be written to: choose another",
        )


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
