"""Read stacks: from exported files, or with the installed ``pulumi``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from translation_job_guard.cli.options import StackOptions
from translation_job_guard.cli.pulumi_command import pulumi
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.state import ExportedStack, parse_state
from translation_job_guard.threads import each

__all__ = ["StackOrError", "all_stacks", "given_stacks", "guard_names", "read_text"]

EXPORTS_AT_ONCE: Final = 4


@dataclass(frozen=True)
class StackOrError:
    """A stack, or the error of reading it."""

    source: str
    stack: ExportedStack | None
    error: str | None = None


def given_stacks(options: StackOptions) -> list[StackOrError]:
    """Return the stacks that options name; the current one if they name none.

    Raises:
        InvalidArgument: standard input was asked for twice.
    """
    if options.state.count("-") > 1:
        raise InvalidArgument("--state -: standard input can be read only once.")
    wanted: list[str | None] = [*options.stack]
    if not options.stack and not options.state:
        wanted.append(None)
    return [*_exported(wanted), *(_from_file(one) for one in options.state)]


def all_stacks(backend: str | None = None) -> list[StackOrError]:
    """Return every stack of a backend.

    Args:
        backend: its URL; None for the one that the installed ``pulumi`` is logged in to.

    Raises:
        InvalidArgument: they cannot be listed, and no backend was named.
    """
    if backend is not None:
        try:
            return _listed(backend)
        except InvalidArgument as error:
            # One of several: the others are read all the same.
            return [StackOrError(f"backend {backend}", None, str(error))]
    return _listed(None)


def _listed(backend: str | None) -> list[StackOrError]:
    listed = pulumi("stack", "ls", "--all", "--json", backend=backend)
    try:
        names = [str(one["name"]) for one in json.loads(listed)]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidArgument(
            "`pulumi stack ls --all --json` did not print a list of stacks; expected JSON."
        ) from error
    return _exported(names, backend)


def guard_names(stacks: Sequence[StackOrError]) -> list[tuple[str, str]]:
    """Return stack and name of every guard, as an override may name it; empty if a stack could not be read."""
    if not all(one.stack for one in stacks):
        return []
    guards = [(one.stack, guard) for one in stacks if one.stack for guard in one.stack.guards]
    # A delete compares the stored names; after `pulumi stack rename` the URN has another stack.
    return [
        (guard.arguments.stack or stack.name, guard.arguments.name) if guard.arguments else (stack.name, guard.name)
        for stack, guard in guards
    ]


def _exported(names: Sequence[str | None], backend: str | None = None) -> list[StackOrError]:
    found: dict[int, StackOrError] = dict(each(partial(_export, backend=backend), names, workers=EXPORTS_AT_ONCE))
    return [found[index] for index in range(len(names))]


def _export(name: str | None, backend: str | None = None) -> StackOrError:
    source = name or "the current stack"
    if backend is not None:
        source += f" of {backend}"
    arguments = ["stack", "export", *(["--stack", name] if name else [])]
    try:
        stack = parse_state(pulumi(*arguments, backend=backend), source)
        if stack.needs_secrets:
            # Only where properties of a guard are secret: otherwise no secret needs to be decrypted.
            stack = parse_state(pulumi(*arguments, "--show-secrets", backend=backend), source)
    except InvalidArgument as error:
        return StackOrError(source, None, str(error))
    return StackOrError(source, stack)


def read_text(name: str) -> str:
    """Return the text of a file, or of standard input for ``-``.

    Raises:
        InvalidArgument: it cannot be read.
    """
    source = "standard input" if name == "-" else name
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(f"{source} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{source} is not valid UTF-8; expected what pulumi prints.") from error


def _from_file(name: str) -> StackOrError:
    source = "standard input" if name == "-" else name
    try:
        return StackOrError(source, parse_state(read_text(name), source))
    except InvalidArgument as error:
        return StackOrError(source, None, str(error))
