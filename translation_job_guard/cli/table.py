"""Draw a page as text: on a terminal in its width and with colours, elsewhere plain and in a readable width."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from translation_job_guard.presentation import Cell, Note, Page, Table, Tone

__all__ = ["print_page", "renderable", "text_of_page"]

ROWS = 200
"""Rows of one table on a terminal at most; pipes and files get all."""
PIPED = 120
"""Characters in a line of a table in a pipe or a file, unless COLUMNS says otherwise."""
_ENDLESS = 100_000
_STYLES = {
    Tone.PLAIN: "",
    Tone.GOOD: "green",
    Tone.NOTICE: "yellow",
    Tone.BAD: "bold red",
    Tone.FAINT: "dim",
}
_SIGNS = {Tone.GOOD: "✓ ", Tone.NOTICE: "! ", Tone.BAD: "✗ "}


def print_page(page: Page) -> None:
    """Print a page to standard output, in colours unless NO_COLOR or the terminal forbids it.

    Raises:
        BrokenPipeError: the reader of standard output has closed it.
    """
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(renderable(page, console.width, ROWS))
    else:
        sys.stdout.write(text_of_page(page))
    sys.stdout.flush()


def text_of_page(page: Page) -> str:
    """Return the page as plain text without colours: tables of at most ``COLUMNS`` characters (120 if that is not set).

    No line is cut: a table that is wider shows its rows as records, one line a column.
    """
    width = os.environ.get("COLUMNS", "")
    buffer = io.StringIO()
    drawn = renderable(page, int(width) if width.isdecimal() and int(width) else PIPED, wraps=False)
    Console(file=buffer, width=_ENDLESS, highlight=False).print(drawn, soft_wrap=True)
    return buffer.getvalue()


def renderable(page: Page, width: int, rows: int | None = None, *, wraps: bool = True) -> RenderableType:
    """Return what rich draws.

    Args:
        page: what to draw.
        width: characters in a line.
        rows: rows of one table at most; None for all.
        wraps: whether long texts may go on in the next line.
    """
    parts: list[RenderableType] = [_note(page.lead, bold=True)]
    if page.figures:
        parts.append(Text(" · ".join(f"{figure.label}: {figure.value}" for figure in page.figures), "dim"))
    parts += [_note(note) for note in page.notes]
    for table in page.tables:
        parts += [Text(""), *_table(table, width, rows, wraps)]
    return Group(*parts)


def _note(note: Note, *, bold: bool = False) -> Text:
    style = _STYLES[note.tone]
    return Text(_SIGNS.get(note.tone, "") + note.text, f"bold {style}".strip() if bold else style)


def _table(table: Table, width: int, rows: int | None, wraps: bool) -> Iterable[RenderableType]:
    yield Text(table.title, "bold")
    if not table.rows:
        yield Text(table.empty, "dim")
        return
    shown = table.rows[:rows]
    yield _columns(table, shown) if _fits(table, shown, width, wraps) else _records(table, shown)
    if len(shown) < len(table.rows):
        left = len(table.rows) - len(shown)
        yield Text(f"…and {left} more: --output html=FILE (or json) has all of them.", "yellow")


def _columns(table: Table, rows: Iterable[tuple[Cell, ...]]) -> RenderableType:
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in table.columns:
        drawn.add_column(column.title, justify="right" if column.numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell.text, _STYLES[cell.tone]) for cell in row))
    return drawn


def _records(table: Table, rows: Iterable[tuple[Cell, ...]]) -> RenderableType:
    """Draw rows as records, one line a column, for terminals too narrow for columns side by side."""
    text = Text()
    for row in rows:
        for number, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            if cell.text:
                text.append(f"{'' if number == 0 else '  '}{column.title}: ", "dim")
                text.append(cell.text + "\n", _STYLES[cell.tone])
    text.rstrip()
    return text


def _fits(table: Table, rows: Iterable[tuple[Cell, ...]], width: int, wraps: bool) -> bool:
    """Check whether the columns fit side by side without breaking words."""
    needed = [len(column.title) for column in table.columns]
    for row in rows:
        for index, cell in enumerate(row):
            # Half of a long text may wrap to the next line.
            least = min(len(cell.text), max(24, len(cell.text) // 2)) if wraps else len(cell.text)
            needed[index] = max(needed[index], least)
    return sum(needed) + 2 * len(needed) <= width
