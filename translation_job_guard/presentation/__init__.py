"""The content of a page, apart from its format: receipts and commands fill in a ``Page``, and each format draws it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

__all__ = [
    "Bar",
    "Cell",
    "Column",
    "Figure",
    "Mark",
    "Note",
    "Page",
    "Table",
    "Tone",
    "cleaned",
    "plain",
    "written",
]

_T = TypeVar("_T")


class Tone(enum.Enum):
    """What something means to the reader. Colour alone never says it: the text does too."""

    PLAIN = "plain"
    GOOD = "good"
    NOTICE = "notice"
    BAD = "bad"
    FAINT = "faint"


@dataclass(frozen=True)
class Figure:
    """A number with its label, shown at the top of a page."""

    label: str
    value: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Note:
    """A sentence about something to know or to do."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Column:
    """A column of a table; numeric columns are aligned right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Table:
    """Rows under a title.

    Attributes:
        empty: what to show if there are no rows.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "Nothing."


@dataclass(frozen=True)
class Mark:
    """A moment that is marked on a bar."""

    at: datetime
    label: str


@dataclass(frozen=True)
class Bar:
    """The life of one job on a time line.

    Attributes:
        end: None while the job is in flight.
    """

    label: str
    start: datetime
    end: datetime | None
    state: str
    tone: Tone = Tone.PLAIN
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Page:
    """All that one command or one receipt shows.

    Attributes:
        lead: the answer in one sentence.
    """

    title: str
    lead: Note
    at: datetime
    figures: tuple[Figure, ...] = ()
    notes: tuple[Note, ...] = ()
    tables: tuple[Table, ...] = ()
    bars: tuple[Bar, ...] = ()


def plain(value: Any) -> Any:
    """Return dataclasses, enums and times as values that JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def written(moment: datetime) -> str:
    """Return a point in time as RFC 3339 text in UTC, to the second."""
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def cleaned(value: _T, clean: Callable[[str], str]) -> _T:
    """Return a copy of ``value`` with ``clean`` applied to every text in it, at any depth."""
    result: Any = value
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        result = clean(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {field.name: cleaned(getattr(value, field.name), clean) for field in dataclasses.fields(value)}
        result = dataclasses.replace(value, **changes)
    elif isinstance(value, dict):
        result = {key: cleaned(one, clean) for key, one in value.items()}
    elif isinstance(value, (list, tuple)):
        result = type(value)(cleaned(one, clean) for one in value)
    return result  # type: ignore[no-any-return]
