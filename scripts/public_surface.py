"""The public surface: every name that users build on, one on a line, in `scripts/public_surface.txt`.

`make surface` renews the file. A name is never deleted from it: one that the code no longer has moves below the heading
"Removed", and only if CHANGELOG.md names it in backticks, spelled as in the file. Tests hold the file to the code and
the removed names to the changelog. `docs/versioning.md` says what the promise is.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import typer

import translation_job_guard
from scripts.cli_pages import commands_of
from translation_job_emulator.faults import KINDS
from translation_job_emulator.settings import Settings
from translation_job_guard import errors, provider
from translation_job_guard.cli.app import app
from translation_job_guard.guard.properties import DEFAULTS, FORMAT
from translation_job_guard.policies import rules

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "scripts" / "public_surface.txt"
CHANGELOG = ROOT / "CHANGELOG.md"
HEADING = "# Removed: CHANGELOG.md names each of these"
PACKAGES = (Path(translation_job_guard.__path__[0]), ROOT / "emulator" / "translation_job_emulator")
MODULES = (
    "translation_job_guard",
    "translation_job_guard.emulator",
    "translation_job_guard.policies",
    "translation_job_guard.testing",
    "translation_job_emulator",
)
"""Modules whose names and parameters are public. `docs/versioning.md` says what is private."""
_VARIABLE = re.compile(r"\b(?:TRANSLATION_JOB_GUARD|AZURE_DOCUMENT_TRANSLATION)_[A-Z_]*[A-Z]\b")
_BUILD_ONLY = frozenset({"TRANSLATION_JOB_GUARD_REPOSITORY"})


def surface() -> list[str]:
    """Return the names that the code has, each as `kind: spelling`."""
    found = {f"{kind}: {spelling}" for kind, spelling in _all()}
    return sorted(found)


def _all() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        yield from _names(module)
    yield from (("error", f"translation_job_guard.errors.{name}") for name in errors.__all__)
    # pytest rewrites a plugin's assertions only if nothing has imported it before.
    from translation_job_guard import pytest_plugin

    yield from (("fixture", name) for name in pytest_plugin.__all__)
    yield from _stored()
    yield from _commands()
    yield from (("environment variable", name) for name in _variables())
    for rule, one in rules().items():
        yield "policy", rule
        yield from (("policy option", f"{rule}.{option}") for option in one.schema)
    for schema in sorted((PACKAGES[0] / "schemas").glob("*.json")):
        yield "JSON schema", schema.name
        definitions = json.loads(schema.read_text(encoding="utf-8"))["$defs"]
        yield from (("JSON property", spelling) for spelling in _properties(definitions))
    yield from (("emulator setting", field.name) for field in dataclasses.fields(Settings))
    yield from (("emulator fault", kind) for kind in KINDS)


def _names(module: str) -> Iterator[tuple[str, str]]:
    """Yield the public names of a module, with the parameters, fields and methods that they have."""
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        value = getattr(loaded, name)
        yield "name", f"{module}.{name}"
        if not getattr(value, "__module__", module).startswith(module.partition(".")[0]):
            continue  # another package's, which says itself what it has
        yield from (("output", f"{module}.{name}.{output}") for output in _outputs(value))
        if inspect.isclass(value) and not issubclass(value, BaseException):
            yield from _parameters(f"{module}.{name}", value)
            for member, method in vars(value).items():
                if not member.startswith("_") and (callable(method) or isinstance(method, property)):
                    yield "name", f"{module}.{name}.{member}"
                    if inspect.isfunction(method):
                        yield from _parameters(f"{module}.{name}.{member}", method)
        elif inspect.isfunction(value):
            yield from _parameters(f"{module}.{name}", value)


def _outputs(value: Any) -> Iterator[str]:
    """Yield the outputs of a resource."""
    if inspect.isclass(value) and issubclass(value, pulumi.Resource):
        yield from inspect.get_annotations(value)


def _parameters(owner: str, value: Any) -> Iterator[tuple[str, str]]:
    for name in inspect.signature(value).parameters:
        if name != "self":
            yield "parameter", f"{owner}({name})"


def _stored() -> Iterator[tuple[str, str]]:
    """Yield what states of users hold: the format, the types, the pickled class paths, and the properties."""
    yield "stored format", str(FORMAT)
    yield from (("stored property", name) for name in DEFAULTS)
    for name in provider.__all__:
        value = getattr(provider, name)
        if inspect.isclass(value):
            yield "stored class path", f"{value.__module__}.{value.__qualname__}"
    for name in ("AmazonTranslateJobGuard", "AzureDocumentTranslationJobGuard"):
        yield "stored type", f"pulumi-python:dynamic/translation:{name}"


def _commands() -> Iterator[tuple[str, str]]:
    """Yield the commands, their options, and the exit codes that their help promises."""
    group: Any = typer.main.get_command(app)
    for name, command in {"": group, **commands_of(group)}.items():
        if name:
            yield "command", name
        for parameter in command.params:
            yield from (("option", f"{name} {option}".strip()) for option in parameter.opts if option.startswith("--"))
        promised = (command.help or "").partition("Exit codes:")[2]
        yield from (("exit code", f"{name} exits with {code}".strip()) for code in re.findall(r"\b(\d+) \w", promised))


def _variables() -> set[str]:
    """Return the environment variables of this project's own that the packages read."""
    texts = (path.read_text(encoding="utf-8") for package in PACKAGES for path in package.rglob("*.py"))
    return {name for text in texts for name in _VARIABLE.findall(text)} - _BUILD_ONLY


def _properties(definitions: Mapping[str, Any]) -> Iterator[str]:
    """Yield each property of a JSON schema by the path that leads to it from its definition."""

    def within(path: str, schema: Any) -> Iterator[str]:
        if isinstance(schema, list):
            for one in schema:
                yield from within(path, one)
        elif isinstance(schema, dict):
            for name, one in schema.get("properties", {}).items():
                yield f"{path}.{name}"
                yield from within(f"{path}.{name}", one)
            for word in ("items", "oneOf", "anyOf", "allOf", "additionalProperties"):
                yield from within(path, schema.get(word))

    for name, definition in definitions.items():
        yield from within(name, definition)


def read() -> tuple[list[str], list[str]]:
    """Return what the file has: the names that there should be, and those that were removed."""
    present, _, removed = FILE.read_text(encoding="utf-8").partition(f"{HEADING}\n")
    return [line for line in present.splitlines() if line], [line for line in removed.splitlines() if line]


def unnamed(removed: Iterable[str], changelog: str) -> list[str]:
    """Return the removed names that a changelog does not name in backticks."""
    named = set(re.findall(r"`([^`]+)`", changelog))
    return [one for one in removed if one.partition(": ")[2] not in named]


def renewed(present: Iterable[str], removed: Iterable[str], now: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the file's two parts for the names that there are now. What comes back is no longer removed."""
    there = set(now)
    return sorted(there), sorted((set(present) | set(removed)) - there)


def main() -> None:
    """Renew the file; ends with an error, and leaves it as it was, if the changelog misses a removal."""
    present, removed = renewed(*(read() if FILE.exists() else ([], [])), surface())
    if missing := unnamed(removed, CHANGELOG.read_text(encoding="utf-8")):
        listed = "\n".join(f"  {one}" for one in missing)
        sys.exit(f"These public names are gone, and CHANGELOG.md does not name them in backticks:\n{listed}")
    FILE.write_text("\n".join([*present, "", HEADING, *removed, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
