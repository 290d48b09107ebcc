"""The documentation's pages on the command line, made from the commands' own help texts."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import typer

from translation_job_guard.cli.app import app

DIRECTORY = Path(__file__).parents[1] / "docs" / "cli"
NOTE = "<!-- Made from the commands' help by `make docs`; a test holds it to it. -->"
NAME = "translation-job-guard"


def pages() -> dict[str, str]:
    """Return the pages by file name, in Markdown."""
    group: Any = typer.main.get_command(app)
    commands = commands_of(group)
    made = {file_of(name): _page(name, command) for name, command in commands.items()}
    return {"README.md": _index(group, commands), **made}


def commands_of(group: Any, before: str = "") -> dict[str, Any]:
    """Return the commands by name, those of groups included."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        nested = getattr(command, "commands", None)
        found |= commands_of(command, f"{before}{name} ") if nested else {f"{before}{name}": command}
    return found


def file_of(name: str) -> str:
    """Return the file name of a command's page."""
    return f"{name.replace(' ', '-')}.md"


def _index(group: Any, commands: dict[str, Any]) -> str:
    summary, *rest = _parts(group.help)
    rows = [f"| [`{name}`]({file_of(name)}) | {_parts(command.help)[0]} |" for name, command in commands.items()]
    return "\n".join(
        [
            "# The command line",
            "",
            NOTE,
            "",
            summary,
            "",
            *("\n".join([part, ""]) for part in rest),
            "| command | what it does |",
            "|---|---|",
            *rows,
            "",
            "## Output",
            "",
            "Standard output has a table, or what `--output json`, `markdown` or `html` asks for.",
            "`--output FORMAT=FILE` writes a file as well, whole or not at all, and can be given several times.",
            "Progress and errors go to standard error.",
            "",
            "- JSON follows [the published schema](../../translation_job_guard/schemas/output-1.schema.json), which",
            "  the package brings (`translation_job_guard/schemas`).",
            "- Markdown is fit for the summary of a CI job.",
            "- HTML is one page that needs no network: a summary, tables, and a time line of each job.",
            "- Tables have colours on a terminal only, and none with `NO_COLOR`. On a narrow one rows are records.",
            "",
            f"`{NAME} --install-completion` makes the shell complete commands and options.",
            "",
        ]
    )


def _page(name: str, command: Any) -> str:
    context: Any = typer.Context(command, info_name=f"{NAME} {name}")
    records = [(parameter, parameter.get_help_record(context)) for parameter in command.params]
    rows = [f"| `{_escaped(record[0])}` | {_escaped(record[1])} |" for _, record in records if record]
    lines = [f"# {NAME} {name}", "", NOTE, ""]
    for part in _parts(command.help):
        lines += [part, ""]
    lines += ["## Options", "", "| option | what for |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _parts(help_text: str) -> list[str]:
    """Return the paragraphs of a help text, with examples as a block of code."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(help_text)):
        kept = paragraph.removeprefix("\b\n")
        if kept.startswith("Examples:\n"):
            commands = "\n".join(line.strip() for line in kept.splitlines()[1:])
            parts.append(f"```console\n{commands}\n```")
        else:
            parts.append(" ".join(kept.split()))
    return parts


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (DIRECTORY / file).write_text(text, encoding="utf-8")
