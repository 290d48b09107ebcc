"""Draw a page as Markdown, for the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterator

from translation_job_guard.presentation import Note, Page, Table, Tone, written

__all__ = ["markdown"]

ROWS = 500
"""Rows of one table at most: a job summary at GitHub can have one mebibyte."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&$])")
# GitHub makes links of these by itself: of http://, https:// and ftp://, of "www." and of an at sign between words. A
# backslash stops the first two; addresses and mentions are looked for later, in text that a comment cuts in two.
_LINKS = (
    (re.compile(r"(?:(?<=http)|(?<=https)|(?<=ftp)):(?=//)|\.(?<=www\.)", re.IGNORECASE), r"\\\g<0>"),
    (re.compile(r"@"), "@<!-- -->"),
)
_SIGNS = {Tone.GOOD: "✅ ", Tone.NOTICE: "⚠️ ", Tone.BAD: "❌ "}


def markdown(page: Page) -> str:
    """Return ``page`` as GitHub-flavoured Markdown, which GitLab and Azure DevOps show as well."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield f"## {_text(page.title)}"
    yield ""
    yield f"{_SIGNS.get(page.lead.tone, '')}**{_sentence(page.lead.text)}**"
    if page.figures:
        yield ""
        yield " · ".join(f"{_text(figure.label)}: **{_text(figure.value)}**" for figure in page.figures)
    if page.notes:
        yield ""
        yield from (f"- {_note(note)}" for note in page.notes)
    for table in page.tables:
        yield ""
        yield from _table(table)
    yield ""
    yield f"<sub>translation-job-guard, {written(page.at)}</sub>"


def _note(note: Note) -> str:
    return f"{_SIGNS.get(note.tone, '')}{_sentence(note.text)}"


def _table(table: Table) -> Iterator[str]:
    yield f"### {_text(table.title)}"
    yield ""
    if not table.rows:
        yield _text(table.empty)
        return
    yield f"| {' | '.join(_text(column.title) for column in table.columns)} |"
    yield f"| {' | '.join('---:' if column.numeric else '---' for column in table.columns)} |"
    for row in table.rows[:ROWS]:
        yield f"| {' | '.join(_text(cell.text) for cell in row)} |"
    if len(table.rows) > ROWS:
        yield ""
        yield f"…and {len(table.rows) - ROWS} more."


def _sentence(text: str) -> str:
    # Commands between backticks stay as they are.
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(part if index % 2 else _escaped(part) for index, part in enumerate(parts))


def _text(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    """Return ``text`` with everything escaped that would be read as Markdown, HTML or a link."""
    text = _SPECIAL.sub(r"\\\1", text)
    for link, escaped in _LINKS:
        text = link.sub(escaped, text)
    return text
