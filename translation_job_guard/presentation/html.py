"""Draw a page as one HTML file without scripts or network access, for light and dark, phone and paper."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from translation_job_guard.durations import format_duration
from translation_job_guard.presentation import Bar, Page, Tone, written

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["html"]

BARS: Final = 500
"""Jobs on the time line at most; the tables have all of them."""
WIDTH: Final = 1000.0
"""The width of the time line, in its own units."""
_NARROWEST: Final = 4.0
_SIGNS: Final = {Tone.GOOD: "✓", Tone.NOTICE: "!", Tone.BAD: "✗"}


def html(page: Page) -> str:
    """Return ``page`` as an HTML document."""
    shown = page.bars[:BARS]
    return _template().render(
        page=page,
        written=written,
        signs=_SIGNS,
        drawn=_drawn(shown, page.at),
        ticks=_ticks(shown, page.at),
        more_bars=len(page.bars) - len(shown),
        width=WIDTH,
    )


@dataclass(frozen=True)
class _Drawn:
    """A job's bar in the units of the time line, and in words."""

    bar: Bar
    left: float
    width: float
    marks: tuple[float, ...]
    words: str


@dataclass(frozen=True)
class _Tick:
    """A moment on the axis.

    Attributes:
        at: in per cent of the width.
    """

    at: float
    label: str


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("translation_job_guard.presentation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    return environment.get_template("page.html.jinja")


def _sentence(text: str) -> str:
    """Return text with the commands between backticks marked up as code."""
    from markupsafe import Markup, escape

    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _span(bars: Sequence[Bar], now: datetime) -> tuple[datetime, float]:
    """Return the beginning of the time line, and its length in seconds."""
    begin = min(bar.start for bar in bars)
    end = max([now, *(bar.end for bar in bars if bar.end)])
    return begin, max((end - begin).total_seconds(), 1.0)


def _drawn(bars: Sequence[Bar], now: datetime) -> list[_Drawn]:
    if not bars:
        return []
    begin, length = _span(bars, now)

    def place(moment: datetime) -> float:
        return round(max(0.0, min((moment - begin).total_seconds() / length, 1.0)) * WIDTH, 1)

    drawn = []
    for bar in bars:
        left, right = place(bar.start), place(bar.end or now)
        width = max(right - left, _NARROWEST)
        marks = tuple(min(place(mark.at), WIDTH - _NARROWEST / 2) for mark in bar.marks)
        drawn.append(_Drawn(bar, min(left, WIDTH - width), width, marks, _words(bar, now)))
    return drawn


def _words(bar: Bar, now: datetime) -> str:
    parts = [f"submitted {_clock(bar.start)}", *(f"{mark.label} {_clock(mark.at)}" for mark in bar.marks)]
    lasted = format_duration(max(((bar.end or now) - bar.start).total_seconds(), 0.0))
    parts.append(f"ended {_clock(bar.end)} after {lasted}" if bar.end else f"in flight for {lasted}")
    return ", ".join(parts)


def _ticks(bars: Sequence[Bar], now: datetime) -> list[_Tick]:
    if not bars:
        return []
    begin, length = _span(bars, now)
    return [_Tick(share * 100, _clock(begin + timedelta(seconds=length * share))) for share in (0.0, 0.5, 1.0)]


def _clock(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
