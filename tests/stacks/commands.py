"""The commands in scripts and in documentation: that what they call exists, with the options they give."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stacks.workspace import find_engine

OWN = "translation-job-guard"

_SEPARATOR = re.compile(r"[();<>|&]+|[{}]")
_BEFORE = re.compile(r"[A-Z_]+=.*|do|then|else|if|!")


def unknown(script: str) -> list[str]:
    """Return what the commands of a script use that `pulumi` and this project's own command line do not have."""
    return [problem for words in _commands(script) for problem in _problems(words)]


def _commands(script: str) -> Iterator[list[str]]:
    """Return the words of each call of `pulumi` or of `translation-job-guard`."""
    for line in re.sub(r"\\\n", " ", script).splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        for separates, part in itertools.groupby(lexer, lambda word: bool(_SEPARATOR.fullmatch(word))):
            words = [] if separates else list(part)
            # What comes before a command does not matter: an assignment, a keyword, a time limit.
            while words and _BEFORE.fullmatch(words[0]):
                words = words[1:]
            if words[:1] == ["timeout"] and "pulumi" in words:
                words = words[words.index("pulumi") :]
            if words and words[0] in ("pulumi", OWN):
                yield words


def _problems(words: list[str]) -> Iterator[str]:
    program, *rest = words
    plain = [word for word in rest if not word.startswith("-")]
    known = ""
    for depth in (2, 1):
        if found := _help(program, *plain[:depth]):
            known = found
            break
    if not known:
        yield f"{' '.join(words)}: there is no such command"
        return
    for option in (word.partition("=")[0] for word in rest if word.startswith("-")):
        if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", known):
            yield f"{' '.join(words)}: there is no option {option}"


@functools.cache
def _help(program: str, *command: str) -> str:
    """Return what `--help` prints for a command; nothing if there is no such command."""
    path = find_engine() if program == "pulumi" else str(Path(sys.prefix) / "bin" / OWN)
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [path, *command, "--help"],
            env={"PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true", "COLUMNS": "200", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    # For a word that is not a command, `pulumi` shows the help of its group.
    own = not command or _names(done.stdout, *command)
    return done.stdout if done.returncode == 0 and own else ""


def _names(text: str, *command: str) -> bool:
    """Check whether a help text is that of the command, by its name or by an alias of it."""
    *groups, name = command
    usage = re.search(rf"(?i)usage:\s+\S+ {' '.join([*map(re.escape, groups), '([a-z-]+)'])}", text)
    aliases = re.search(r"(?m)^Aliases:\n +(.+)$", text)
    names = {usage.group(1)} if usage else set()
    if usage and aliases:
        names |= set(aliases.group(1).split(", "))
    return name in names
