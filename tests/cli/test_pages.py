"""The documentation's pages on the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from scripts.cli_pages import DIRECTORY, pages


def test_the_pages_are_made_from_the_help_as_it_is() -> None:
    """`make docs` makes them anew; a page of a command that is gone is noticed too."""
    found = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.md")}
    assert found == pages()


def test_every_option_of_a_page_is_an_option_of_the_command() -> None:
    """As the real command's help shows it, at any width."""
    for name, text in pages().items():
        if name == "README.md":
            continue
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from translation_job_guard.cli import main; main()",
                name.removesuffix(".md"),
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
