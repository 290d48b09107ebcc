"""Receipts: the record of one teardown, as JSON with a published schema, as Markdown for a CI job's summary, as HTML.

The schema is ``schemas/output-1.schema.json`` of this package, definition ``receipt``.
"""

from __future__ import annotations

import enum
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, Documents, JobState
from translation_job_guard.presentation import (
    Bar,
    Cell,
    Column,
    Figure,
    Mark,
    Note,
    Page,
    Table,
    Tone,
    cleaned,
    plain,
    written,
)
from translation_job_guard.presentation.markdown import markdown
from translation_job_guard.redaction import redactor
from translation_job_guard.teardown import Ending, Mode, Occasion, Record, Report

__all__ = [
    "Estimate",
    "JobReceipt",
    "Outcome",
    "Receipt",
    "as_html",
    "as_json",
    "as_markdown",
    "page",
    "receipt",
    "write",
    "write_file",
]

USD_PER_MILLION_CHARACTERS: Final = 15.0
"""Document Translation with a standard model, list price; nobody but the bill knows what a contract makes of it."""

_CHARGED_BASIS: Final = (
    f"characters charged so far, as the service told them, at the list price of {USD_PER_MILLION_CHARACTERS:g} USD per "
    "million; a contract, a custom model or a free tier makes it another"
)


class Outcome(enum.Enum):
    """How the teardown ended."""

    QUIET = "quiet"
    LEFT = "left running"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class JobReceipt:
    """What happened to one job. States are the words of ``jobs.JobState``; times are UTC.

    ``seconds`` is from its first sight until it was seen ended. ``asked_at`` is the last request to stop.
    """

    id: str
    name: str | None
    submitted_at: datetime | None
    ended_at: datetime | None
    state_before: JobState
    state_after: JobState
    service_state_before: str
    service_state_after: str
    ending: Ending
    came_late: bool
    stop_requests: int
    asked_at: datetime | None
    seconds: float | None
    documents: Documents | None
    characters_charged: int | None
    message: str | None


@dataclass(frozen=True)
class Estimate:
    """What the teardown's jobs cost so far, where that can be said honestly."""

    usd: float
    basis: str


@dataclass(frozen=True)
class Receipt:
    """One teardown. Durations in seconds. ``undecided`` are ids of batches in scope or not."""

    kind: str
    version: int
    tool: str
    occasion: Occasion
    outcome: Outcome
    guard: str
    stack: str
    project: str
    service: str
    place: str
    account: str
    mode: Mode
    timeout: float
    grace_period: float
    quiet_period: float
    started_at: datetime
    seconds: float
    looked: bool
    error: str | None
    jobs: tuple[JobReceipt, ...]
    undecided: tuple[str, ...]
    requests: Mapping[str, int] = field(default_factory=dict)
    characters_charged: int | None = None
    estimate: Estimate | None = None


def receipt(
    report: Report,
    *,
    guard: str,
    stack: str = "",
    project: str = "",
    occasion: Occasion = Occasion.DELETE,
    error: BaseException | None = None,
    key_env: str | None = None,
) -> Receipt:
    """The receipt of a teardown, without secrets.

    Args:
        report: what it did, also if it failed.
        guard: the guard's name.
        error: why it failed, or the KeyboardInterrupt that ended it.
        key_env: an environment variable whose value is a secret.
    """
    records = list(report.records.values())
    charged = [record.now.characters_charged for record in records if record.now.characters_charged is not None]
    made = Receipt(
        kind="receipt",
        version=1,
        tool=__version__,
        occasion=occasion,
        outcome=_outcome(report, error),
        guard=guard,
        stack=stack,
        project=project,
        service=report.service,
        place=report.place,
        account=report.account,
        mode=report.options.mode,
        timeout=report.options.timeout,
        grace_period=report.options.grace_period,
        quiet_period=report.options.quiet_period,
        started_at=report.started,
        seconds=round(report.elapsed, 3),
        looked=report.looked,
        error=" ".join(str(error).split()) or type(error).__name__ if error is not None else None,
        jobs=tuple(_job(report, record) for record in records),
        undecided=tuple(report.undecided),
        requests=dict(report.requests),
        characters_charged=sum(charged) if charged else None,
        estimate=_estimate(report.service, charged),
    )
    return cleaned(made, redactor(key_env))


def as_json(receipt: Receipt) -> str:
    """The receipt as JSON."""
    return json.dumps(plain(receipt), indent=2, ensure_ascii=False) + "\n"


def as_markdown(receipt: Receipt) -> str:
    """The receipt as Markdown."""
    return markdown(page(receipt))


def as_html(receipt: Receipt) -> str:
    """The receipt as one HTML page that needs nothing else."""
    # Takes a template engine, which most teardowns do without.
    from translation_job_guard.presentation.html import html

    return html(page(receipt))


def page(receipt: Receipt) -> Page:
    """The receipt as something to show."""
    who = "/".join(part for part in (receipt.project, receipt.stack, receipt.guard) if part)
    notes = [Note(receipt.error, Tone.BAD)] if receipt.error else []
    if receipt.undecided:
        notes.append(Note(f"Undecided, so in scope or not: {', '.join(receipt.undecided)}.", Tone.BAD))
    if not receipt.looked:
        notes.append(Note("What is in flight could not be found out.", Tone.BAD))
    late = sum(job.came_late for job in receipt.jobs)
    if late:
        notes.append(Note(f"{late} came in after the start: something still submits.", Tone.NOTICE))
    if receipt.estimate:
        notes.append(Note(f"About {receipt.estimate.usd:.2f} USD: {receipt.estimate.basis}."))
    return Page(
        title=f"Teardown of {who}",
        lead=_lead(receipt),
        at=receipt.started_at + timedelta(seconds=receipt.seconds),
        figures=tuple(_figures(receipt)),
        notes=tuple(notes),
        tables=(_table(receipt.jobs),),
        bars=tuple(_bars(receipt)),
    )


def write(receipt: Receipt, directory: Path) -> list[Path]:
    """Write the receipt into ``directory``, which is made if need be: each file whole or not at all.

    Returns:
        The files: JSON, Markdown and HTML.

    Raises:
        OSError: they cannot be written there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    parts = (receipt.project, receipt.stack, receipt.guard)
    name = "-".join(re.sub(r"[^\w.]+", "_", part) for part in parts if part)
    # Two guards of one name may be torn down in the same second: by two destroys, or in a replacement.
    stem = f"{_cut(name)}-{receipt.started_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
    files = []
    for suffix, form in (("json", as_json), ("md", as_markdown), ("html", as_html)):
        files.append(directory / f"{stem}.{suffix}")
        write_file(files[-1], form(receipt))
    return files


def _cut(name: str) -> str:
    """Return a name that leaves room in the 255 bytes that a file system gives a file's name."""
    return name.encode("utf-8", "replace")[:200].decode("utf-8", "ignore")


def write_file(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a terminal: nothing to put in its place
        path.write_text(text, encoding="utf-8")
        return
    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _outcome(report: Report, error: BaseException | None) -> Outcome:
    if isinstance(error, Exception):
        return Outcome.FAILED
    if error is not None:
        return Outcome.INTERRUPTED
    return Outcome.QUIET if report.quiet else Outcome.LEFT


def _job(report: Report, record: Record) -> JobReceipt:
    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else report.started + timedelta(seconds=seconds)

    before, now = record.before, record.now
    ended = record.ended_at
    return JobReceipt(
        id=before.id,
        name=before.name,
        submitted_at=before.submitted_at,
        # The service's own time where it told one; else when a listing first went without the job.
        ended_at=None if ended is None else now.ended_at or moment(ended),
        state_before=before.state,
        state_after=now.state,
        service_state_before=before.service_state,
        service_state_after=now.service_state,
        ending=record.ending,
        came_late=record.came_late,
        stop_requests=record.asks,
        asked_at=moment(record.asked_at),
        seconds=None if ended is None else round(max(ended - record.seen_at, 0.0), 3),
        documents=now.documents,
        characters_charged=now.characters_charged,
        message=str(record.last_error) if record.last_error else now.message,
    )


def _estimate(service: str, charged: Iterable[int]) -> Estimate | None:
    # Amazon Translate tells no characters of a job, so nothing honest can be said of its costs.
    total = sum(charged)
    if service != AZURE_DOCUMENT_TRANSLATION or not total:
        return None
    return Estimate(round(total * USD_PER_MILLION_CHARACTERS / 1_000_000, 2), _CHARGED_BASIS)


def _lead(receipt: Receipt) -> Note:
    took = format_duration(receipt.seconds)
    in_flight = sum(job.ending is Ending.IN_FLIGHT for job in receipt.jobs)
    left = "one job" if in_flight == 1 else f"{in_flight} jobs"
    if receipt.outcome is Outcome.QUIET:
        ended = "one job in scope has" if len(receipt.jobs) == 1 else f"{len(receipt.jobs)} jobs in scope have"
        done = f"{ended} ended" if receipt.jobs else "nothing was in flight"
        return Note(f"Quiet after {took}: {done}.", Tone.GOOD)
    if receipt.outcome is Outcome.LEFT:
        what = f"left in flight: {left}" if receipt.looked else "what is left is not known"
        return Note(f"Mode ignore: {what}.", Tone.NOTICE)
    word = "Failed" if receipt.outcome is Outcome.FAILED else "Interrupted"
    what = f"{left} still in flight" if receipt.looked else "what is in flight is not known"
    return Note(f"{word} after {took}: {what}.", Tone.BAD)


def _figures(receipt: Receipt) -> Iterable[Figure]:
    for ending in Ending:
        count = sum(job.ending is ending for job in receipt.jobs)
        if count:
            yield Figure(ending.value, str(count), Tone.BAD if ending is Ending.IN_FLIGHT else Tone.PLAIN)
    yield Figure("took", format_duration(receipt.seconds))
    yield Figure("mode", receipt.mode.value)
    yield Figure("place", receipt.place)
    if receipt.account and receipt.account not in receipt.place:
        yield Figure("account", receipt.account)
    if receipt.characters_charged is not None:
        yield Figure("characters charged, as far as known", f"{receipt.characters_charged:,}")


def _table(jobs: Iterable[JobReceipt]) -> Table:
    jobs = list(jobs)
    documents = any(job.documents for job in jobs)
    charged = any(job.characters_charged is not None for job in jobs)
    columns = [Column("Job"), Column("Before"), Column("After"), Column("How it ended"), Column("Seconds", True)]
    columns += [Column("Documents", True)] * documents + [Column("Characters charged", True)] * charged
    columns.append(Column("Submitted"))
    rows = []
    for job in jobs:
        row = [
            Cell(f"{job.name} ({job.id})" if job.name else job.id),
            Cell(job.service_state_before),
            Cell(job.service_state_after),
            Cell(job.ending.value + (", came late" if job.came_late else ""), _TONES.get(job.ending, Tone.PLAIN)),
            Cell("" if job.seconds is None else f"{job.seconds:.1f}"),
        ]
        if documents:
            row.append(Cell(f"{job.documents.succeeded}/{job.documents.total}" if job.documents else ""))
        if charged:
            row.append(Cell("" if job.characters_charged is None else f"{job.characters_charged:,}"))
        row.append(Cell(written(job.submitted_at) if job.submitted_at else ""))
        rows.append(tuple(row))
    return Table("Jobs", tuple(columns), tuple(rows), "No job in scope was in flight.")


_TONES: Final = {
    Ending.STOPPED: Tone.GOOD,
    Ending.STOPPED_BY_OTHERS: Tone.GOOD,
    Ending.BY_ITSELF: Tone.GOOD,
    Ending.VANISHED: Tone.NOTICE,
    Ending.UNKNOWN: Tone.NOTICE,
    Ending.IN_FLIGHT: Tone.BAD,
}


def _bars(receipt: Receipt) -> Iterable[Bar]:
    for job in receipt.jobs:
        yield Bar(
            label=job.name or job.id,
            start=job.submitted_at or receipt.started_at,
            end=job.ended_at,
            state=job.ending.value,
            tone=_TONES.get(job.ending, Tone.PLAIN),
            marks=(Mark(job.asked_at, "asked to stop"),) if job.asked_at else (),
        )
