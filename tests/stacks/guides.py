"""Follow a guide as it is printed, from an empty directory.

How a guide says what a block is for, so that people and this module read it in the same way:

- A line that ends in a file's name and a colon stands before the text of that file: "`Pulumi.yaml`:" writes it, "At the
  end of `__main__.py`:" adds to it.
- Blocks of `sh` are commands. One shell runs them all: directory and variables stay as they are from block to block.
- What begins with `YOUR_` is the reader's to replace.

What a reader has before they begin: Python, Pulumi with its providers, and a login to Pulumi and to the clouds. Here
these are the engine and the plugins of the other tests, and the emulator. `python3 -m venv` and `pip` are uv's, which
are quicker. `PULUMI_SKIP_CONFIRMATIONS` says yes to the questions of `pulumi`.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.setup import uv_environment
from stacks.workspace import end_processes, find_engine, own_environment
from tests.stacks.support import ROOT
from tests.stacks.wheels import UV
from tests.support.plugins import PLUGINS

TIME_LIMIT = 120

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?P<end>[Aa]t\s+the\s+end\s+of\s+)?`(?P<file>[\w./-]+)`:$")
_PLACEHOLDER = re.compile(r"\bYOUR_[A-Z_]+")


@dataclass(frozen=True)
class Block:
    """A block of a guide: a file to write or to add to, or commands."""

    language: str
    text: str
    file: str | None
    appends: bool

    def __str__(self) -> str:
        return f"{self.file or 'commands'}:\n{self.text}"


def blocks(page: Path, until: str = "") -> list[Block]:
    """Return the blocks of a guide in order, those before the heading ``until``."""
    text = page.read_text(encoding="utf-8")
    if until:
        assert text.count(f"\n{until}\n") == 1, f"{page.name} has the heading {until}"
        text = text.partition(f"\n{until}\n")[0]
    found = []
    for fence in _FENCE.finditer(text):
        named = _FILE.search(text[: fence.start()].rstrip())
        code = textwrap.dedent(fence["text"])
        block = Block(fence["language"], code, named["file"] if named else None, bool(named and named["end"]))
        assert block.file or block.language == "sh", f"{page.name} does not say which file this is:\n{code}"
        found.append(block)
    return found


def commands(page: Path, until: str = "") -> list[str]:
    """Return the commands of a guide, one a line."""
    return [line for block in blocks(page, until) if block.file is None for line in block.text.splitlines()]


@dataclass
class Reader:
    """Somebody who follows a guide in ``directory``.

    ``replacements`` is what they write for each placeholder. ``left_out`` are commands that they do not run.
    """

    directory: Path
    ahead: list[Block]
    environment: Mapping[str, str]
    replacements: Mapping[str, str]
    left_out: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._shell = self.directory.parent / "shell"
        self._shell.write_text(f"cd {shlex.quote(str(self.directory))}\n", encoding="utf-8")

    def until(self, text: str) -> str:
        """Do what the guide says up to the block before the one with ``text``; returns what was said."""
        said = []
        while self.ahead and text not in self.ahead[0].text:
            said.append(self.next())
        assert self.ahead, f"no block has {text!r} from here on"
        return "".join(said)

    def next(self, exit_code: int = 0) -> str:
        """Do what the next block says; returns what was said."""
        block = self.ahead.pop(0)
        text = "".join(line for line in block.text.splitlines(keepends=True) if line.strip() not in self.left_out)
        self.used |= set(_PLACEHOLDER.findall(text))
        text = _PLACEHOLDER.sub(lambda found: self.replacements[found.group()], text)
        if block.file is None:
            return self.run(text, exit_code)
        path = self.directory / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if block.appends else "w", encoding="utf-8") as file:
            file.write(f"\n{text}" if block.appends else text)
        return ""

    def finish(self) -> str:
        """Do all that is left; returns what was said. Every replacement has to have been of use."""
        said = "".join(self.next() for _ in tuple(self.ahead))
        assert self.used == set(self.replacements)
        return said

    def run(self, script: str, exit_code: int = 0) -> str:
        """Run commands in the reader's shell, which stops at the first that fails; returns what they said."""
        shell = shlex.quote(str(self._shell))
        # What is left of the shell is written down for the next block, in front of its own.
        keep = f'trap \'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {shell}\' EXIT'
        # Not through a pipe, which a program that goes on in the background would keep open.
        output = self.directory.parent / "output"
        with output.open("w", encoding="utf-8") as file:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", f"source {shell}\n{keep}\n{script}"],
                cwd=self.directory,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=TIME_LIMIT,
                check=False,
            )
        said = output.read_text(encoding="utf-8", errors="replace")
        assert done.returncode == exit_code, f"{script}\nended with {done.returncode}:\n{said}"
        return said


@contextmanager
def follow(
    given: list[Block],
    place: Path,
    wheel: Path,
    environment: Mapping[str, str],
    replacements: Mapping[str, str] | None = None,
    left_out: frozenset[str] = frozenset(),
) -> Iterator[Reader]:
    """Somebody who has not read a line yet, in an empty directory within ``place``; ends what they started.

    Args:
        given: blocks of the guide.
        place: a directory that is there for this.
        wheel: what `pip` finds the package in.
        environment: what leads to the clouds.
        replacements: what they write for each placeholder of the guide.
        left_out: commands that they do not run.
    """
    directory, home, backend, programs = (place / name for name in ("empty", "home", "state", "programs"))
    for one in (directory, home, backend, programs):
        one.mkdir()
    _install_programs(programs)
    own = {
        **uv_environment(),
        **own_environment(home, backend),
        # A place to look at, which the emulator names and no reader has.
        **{name: value for name, value in environment.items() if name != "AZURE_DOCUMENT_TRANSLATION_ENDPOINT"},
        "PATH": f"{programs}:/usr/bin:/bin",
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "UV_FIND_LINKS": str(wheel.parent),
    }
    try:
        yield Reader(directory, list(given), own, replacements or {}, left_out)
    finally:
        end_processes(home)


def _install_programs(directory: Path) -> None:
    """Put what the reader has installed into a directory of PATH: not the package, which a guide installs."""
    engine = Path(find_engine()).parent
    programs = {path.name: path for beside in (engine, Path(sys.prefix) / "bin") for path in beside.glob("pulumi*")}
    for name, program in programs.items():
        (directory / name).symlink_to(program.resolve())
    # The plugins need packages that a guide does not install: they run by the Python of the tests.
    for plugin in (PLUGINS / "bin").glob("pulumi-resource-*"):
        _script(directory / plugin.name, f'exec "{sys.executable}" "{plugin}" "$@"')
    (directory / "az").symlink_to(PLUGINS / "bin" / "az")
    base = Path(getattr(sys, "_base_executable", None) or sys.executable)
    pip = directory / "guide-pip"
    install = f'"{UV}" pip install --quiet --constraint "{ROOT}/requirements.lock"'
    _script(
        pip,
        '[ "$1" = install ] || { echo "the stand-in of pip only installs, not: $*" >&2; exit 1; }',
        "shift",
        f'exec {install} --python "$(dirname "$0")/python" "$@"',
    )
    _script(
        directory / "python3",
        f'[ "$1 $2" = "-m venv" ] || exec "{base}" "$@"',
        f'"{UV}" venv --quiet --allow-existing --python "{base}" "$3" && cp "{pip}" "$3/bin/pip"',
    )


def _script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)
