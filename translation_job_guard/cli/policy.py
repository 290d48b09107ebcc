"""``policy``: write a policy pack that is ready to run, and check the configuration of a pack."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from translation_job_guard._version import __version__
from translation_job_guard.cli.streams import say
from translation_job_guard.errors import InvalidArgument, MissingExtra

__all__ = ["check_config", "init"]

_MAIN = '''"""The policy pack of translation-job-guard{trial}.

pulumi preview --policy-pack {name} --policy-pack-config {name}/policy-config.json
"""

from translation_job_guard.policies import {imports}

run_pack({levels})
'''


def init(directory: Path, *, trial: bool, requirement: str | None, virtualenv: str | None) -> int:
    """Write a pack into a directory, and return the exit code.

    Args:
        directory: created if needed; files in it are never overwritten.
        trial: make every rule advisory.
        requirement: what to install instead of this release: a version, a URL or the path of a wheel.
        virtualenv: the virtual environment that the pack runs in, by default the one that runs this command.

    Raises:
        InvalidArgument: a file is there already, or cannot be written.
        MissingExtra: pulumi-policy is not installed.
    """
    example = _policies("example")
    files = {
        "PulumiPolicy.yaml": _project(virtualenv),
        "requirements.txt": f"{_requirement(requirement)}\n",
        "__main__.py": _MAIN.format(
            trial=", on trial: every rule is advisory" if trial else "",
            name=directory.name or ".",
            imports="NAMES, run_pack" if trial else "run_pack",
            levels='levels=dict.fromkeys(NAMES, "advisory")' if trial else "",
        ),
        "policy-config.json": f"{json.dumps(example(trial=trial), indent=2)}\n",
    }
    there = [name for name in files if (directory / name).exists()]
    if there:
        raise InvalidArgument(f"{directory} already has {', '.join(there)}; choose another directory, or remove them.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(f"{directory} cannot be written ({error.strerror}); choose another one.") from error
    say(
        f"Wrote {', '.join(files)} to {directory}. Run it with\n"
        f"  pulumi preview --policy-pack {directory} --policy-pack-config {directory / 'policy-config.json'}"
    )
    return 0


def check_config(file: Path) -> int:
    """Report rules, levels and options of a configuration that do not exist, and return the exit code.

    Raises:
        InvalidArgument: the file is not readable JSON.
        MissingExtra: pulumi-policy is not installed.
    """
    problems = _policies("problems")
    try:
        configuration = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise InvalidArgument(f"{file} is not valid JSON ({error}).") from error
    found = problems(configuration)
    for problem in found:
        print(problem)
    if not found:
        say(f"{file}: every rule, level and option exists.")
    return 1 if found else 0


def _policies(name: str) -> Any:
    try:
        from translation_job_guard.policies import configuration
    except ImportError as error:
        raise MissingExtra("The policy pack", "policy") from error
    return getattr(configuration, name)


def _project(virtualenv: str | None) -> str:
    running = sys.prefix if sys.prefix != sys.base_prefix else "venv"
    lines: Mapping[str, str] = {
        "description": "Flags stacks whose translation jobs a teardown would orphan, and guards that would not work",
        "version": __version__,
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items()) + (
        "runtime:\n  name: python\n  options:\n"
        "    # The environment that requirements.txt is installed into. `pulumi policy install` creates it if needed.\n"
        f"    virtualenv: {json.dumps(virtualenv or running)}\n"
    )


def _requirement(given: str | None) -> str:
    package = "translation-job-guard[policy,aws,azure]"
    if not given:
        return f"{package}=={__version__}"
    if given[0].isdigit():
        return f"{package}=={given}"
    if "://" in given:
        return f"{package} @ {given}"
    if given.endswith((".whl", ".tar.gz")):
        return f"{package} @ {Path(given).resolve().as_uri()}"
    return given
