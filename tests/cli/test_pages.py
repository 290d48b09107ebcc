"""The documentation's pages on the command line."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import Any

import typer

from scripts.cli_pages import DIRECTORY, commands_of, file_of, pages
from translation_job_guard.cli.app import app


def test_the_pages_are_made_from_the_help_as_it_is() -> None:
    """`make docs` makes them anew; a page of a command that is gone is noticed too."""
    found = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.md")}
    assert found == pages()


def test_every_option_of_a_page_is_an_option_of_the_command() -> None:
    """As the real command's help shows it, at any width."""
    made = pages()
    for name in commands_of(typer.main.get_command(app)):
        text = made[file_of(name)]
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from translation_job_guard.cli import main; main()",
                *name.split(),
                "--help",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        for option in re.findall(r"^\| `(?:-\w, )?(--[\w-]+)", text, re.M):
            assert option in done.stdout, (name, option)


def test_every_example_is_a_command_that_exists() -> None:
    """With options that it has."""
    group: Any = typer.main.get_command(app)
    found = 0
    commands = commands_of(group)
    for text in (group.help, *(command.help for command in commands.values())):
        for line in re.findall(r"translation-job-guard (\w.*)", text.partition("Examples:")[2]):
            name, *words = shlex.split(line.partition("  #")[0].partition(" | ")[0])
            if name not in commands:
                name = f"{name} {words.pop(0)}"
            options = {option for parameter in commands[name].params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line
            found += 1
    assert found > 15
