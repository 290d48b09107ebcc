"""The page: what a browser, a screen reader and a careful reader need, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from translation_job_guard.presentation import Bar, Cell, Column, Figure, Mark, Note, Page, Table, Tone
from translation_job_guard.presentation.html import html

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
NASTY = "<script>alert('x')</script> & \"quoted\""


def a_page() -> Page:
    """With everything that a page can have."""
    rows = tuple(
        (Cell(f"job-{number}"), Cell(NASTY), Cell("12"), Cell("failed", tone)) for number, tone in enumerate(Tone)
    )
    columns = (Column("Job"), Column("Name"), Column("Documents", numeric=True), Column("State"))
    return Page(
        title="Translation jobs",
        lead=Note("Two jobs: run `translation-job-guard cancel`.", Tone.BAD),
        at=NOW,
        figures=tuple(Figure(tone.value, "2", tone) for tone in Tone),
        notes=tuple(Note(f"{NASTY} {tone.value}", tone) for tone in Tone),
        tables=(Table("Jobs", columns, rows), Table("Others", columns, (), "There are none.")),
        bars=tuple(
            Bar(f"bar-{tone.value}", NOW - timedelta(hours=2), ended, "stopped", tone, marks)
            for tone in Tone
            for ended, marks in ((NOW, (Mark(NOW - timedelta(hours=1), "asked to stop"),)), (None, ()))
        ),
    )


class Document(HTMLParser):
    """The elements of a page, in order, each with its attributes and its ancestors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes), tuple(self._open)))
        if tag not in ("meta", "link", "br", "img", "input"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes), tuple(self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


def test_a_screen_reader_finds_its_way() -> None:
    """Language, title, one main heading, landmarks, a way to skip, and headings in order."""
    document = Document(html(a_page()))
    assert document.all("html")[0]["lang"] == "en"
    assert len(document.all("title")) == len(document.all("h1")) == len(document.all("main")) == 1
    assert document.all("header")
    assert document.all("footer")
    headings = [tag for tag, _, _ in document.elements if re.fullmatch(r"h\d", tag)]
    assert headings[0] == "h1"
    assert set(headings[1:]) == {"h2"}
    assert document.all("a")[0]["href"] == "#tables"


def test_every_reference_within_the_page_leads_somewhere() -> None:
    """Ids are there, and there once."""
    document = Document(html(a_page()))
    ids = [attributes["id"] for _, attributes, _ in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes, _ in document.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name) is None or attributes[name] in ids
        href = attributes.get("href")
        assert href is None or href.removeprefix("#") in ids


def test_tables_have_captions_and_headers_that_say_what_they_head() -> None:
    """Also where a phone shows them as cards, and CSS would take their roles away."""
    document = Document(html(a_page()))
    assert len(document.all("table")) == len(document.all("caption")) == 1
    assert all(attributes.get("scope") in ("col", "row") for attributes in document.all("th"))
    assert all(attributes.get("role") == "cell" and attributes.get("data-title") for attributes in document.all("td"))
    assert {attributes.get("role") for attributes in document.all("tr")} == {"row"}
    regions = [attributes for attributes in document.all("div") if attributes.get("role") == "region"]
    assert all(one.get("tabindex") == "0" and one.get("aria-labelledby") for one in regions)


def test_drawings_are_told_in_words() -> None:
    """Each bar is hidden from a screen reader, and its sentence is not."""
    text = html(a_page())
    assert all(attributes.get("aria-hidden") == "true" for attributes in Document(text).all("svg"))
    assert text.count("in flight for 2 h") == len(Tone)
    assert text.count("asked to stop 2026-01-02 02:04:05 UTC, ended 2026-01-02 03:04:05 UTC after 2 h") == len(Tone)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    """No script, no image, no font, and a policy that forbids them."""
    text = html(a_page())
    document = Document(text)
    tags = {tag for tag, _, _ in document.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert not re.search(r"(?i)url\(|@import|javascript:|\son\w+=", text)
    policy = next(one for one in document.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_names_of_jobs_stay_text() -> None:
    """Wherever they stand, and whatever somebody called them; only this program's own commands become code."""
    page = a_page()
    nasty = replace(
        page,
        title=NASTY,
        figures=(Figure(NASTY, NASTY),),
        tables=(
            Table(NASTY, (Column(NASTY), Column(NASTY)), ((Cell(NASTY), Cell(NASTY)),)),
            Table(NASTY, (), (), NASTY),
        ),
        bars=(replace(page.bars[0], label=NASTY, state=NASTY, marks=(Mark(NOW, NASTY),)),),
    )
    text = html(nasty)
    assert "<script" not in text
    assert 'data-title="&lt;script&gt;' in text
    assert "&lt;script&gt;" in text
    assert "<code>translation-job-guard cancel</code>" in text


def test_thousands_of_bars_are_cut_and_it_says_so() -> None:
    """The tables have them all."""
    bar = a_page().bars[0]
    page = Page("t", Note("l"), NOW, bars=(bar,) * 5000)
    text = html(page)
    assert text.count("<svg ") == 500
    assert "…and 4500 more" in text


@pytest.mark.parametrize(
    "bars", [(), (Bar("one", NOW, NOW, "stopped"),), (Bar("late", NOW + timedelta(hours=1), None, "x"),)]
)
def test_a_time_line_of_no_length_is_drawn_all_the_same(bars: tuple[Bar, ...]) -> None:
    """A job that ended in the moment that it began, or by a clock that is ahead."""
    text = html(Page("t", Note("l"), NOW, bars=bars))
    for x, width in re.findall(r'class="bar [^"]*" x="([\d.-]+)" y="2" width="([\d.-]+)"', text):
        assert 0 <= float(x) <= float(x) + float(width) <= 1000


def test_colours_can_be_told_from_their_ground_in_both_schemes() -> None:
    """At least 4.5 to 1, for each text colour on each ground that it stands on (WCAG 2.2, 1.4.3)."""
    style = html(a_page()).split("<style>")[1].split("</style>")[0]
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    assert len(schemes) == 3
    for colours in schemes:
        for text, grounds in {
            "text": ("paper", "panel", "good-panel", "notice-panel", "bad-panel"),
            "soft": ("paper", "panel"),
            "faint": ("paper",),
            "plain": ("paper", "panel"),
            "good": ("paper", "panel", "good-panel"),
            "notice": ("paper", "panel", "notice-panel"),
            "bad": ("paper", "panel", "bad-panel"),
        }.items():
            for ground in grounds:
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, colours)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
