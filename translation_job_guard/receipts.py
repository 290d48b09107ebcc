"""Write the record of one teardown: JSON with a published schema, Markdown for a CI job's summary, and HTML.

The schema is ``schemas/output-1.schema.json`` of this package, definition ``receipt``.
"""

from __future__ import annotations

import enum
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import Documents, JobState, counted
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


class Outcome(enum.Enum):
    """How the teardown ended."""

    QUIET = "quiet"
    LEFT = "left running"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class JobReceipt:
    """What happened to one job.

    Attributes:
        state_before: The state in the first listing that showed the job.
        state_after: The last state that is known.
        service_state_before: The same in the service's own words.
        service_state_after: The same in the service's own words.
        asked_at: When it was last asked to stop.
        seconds: The time from its first sight until it was seen ended.
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
class Receipt:
    """The record of one teardown. Durations are in seconds.

    Attributes:
        looked: Whether what is in flight could be found out.
        undecided: The IDs of batches of which it is not known whether they are in scope.
        requests: How many requests were sent, by kind.
        characters_charged: As far as the service told; only Azure does.
    """

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
    """Return the receipt of a teardown, without secrets.

    Args:
        report: What the teardown did, also if it failed.
        guard: The guard's name.
        stack: The guard's stack.
        project: The stack's project.
        occasion: What the teardown was for.
        error: Why it failed, or the KeyboardInterrupt that ended it.
        key_env: An environment variable whose value is a secret.
    """
    records, options = list(report.records.values()), report.options
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
        mode=options.mode,
        timeout=options.timeout,
        grace_period=options.grace_period,
        quiet_period=options.quiet_period,
        started_at=report.started,
        seconds=round(report.elapsed, 3),
        looked=report.looked,
        error=" ".join(str(error).split()) or type(error).__name__ if error is not None else None,
        jobs=tuple(_job(report, record) for record in records),
        undecided=tuple(report.undecided),
        requests=dict(report.requests),
        characters_charged=sum(charged) if charged else None,
    )
    return cleaned(made, redactor(key_env))


def as_json(receipt: Receipt) -> str:
    """Return the receipt as JSON."""
    return json.dumps(plain(receipt), indent=2, ensure_ascii=False) + "\n"


def as_markdown(receipt: Receipt) -> str:
    """Return the receipt as Markdown."""
    return markdown(page(receipt))


def as_html(receipt: Receipt) -> str:
    """Return the receipt as one HTML page that needs nothing else."""
    # It imports a template engine, which most teardowns do without.
    from translation_job_guard.presentation.html import html

    return html(page(receipt))


def page(receipt: Receipt) -> Page:
    """Return what Markdown and HTML show of the receipt."""
    who = "/".join(part for part in (receipt.project, receipt.stack, receipt.guard) if part)
    notes = [Note(receipt.error, Tone.BAD)] if receipt.error else []
    if receipt.undecided:
        notes.append(Note(f"Undecided, in scope or not: {', '.join(receipt.undecided)}.", Tone.BAD))
    if not receipt.looked:
        notes.append(Note("What is in flight could not be found out.", Tone.BAD))
    late = sum(job.came_late for job in receipt.jobs)
    if late:
        notes.append(
            Note(f"{counted(late, 'job', 'jobs')} came after the start: something still submits.", Tone.NOTICE)
        )
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
    """Write the receipt into ``directory``, which is made if it does not exist; each file whole or not at all.

    Returns:
        The files: JSON, Markdown and HTML.

    Raises:
        OSError: They cannot be written there.
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
    # File systems allow 255 bytes, and the rest of the file's name needs some.
    return name.encode("utf-8", "replace")[:200].decode("utf-8", "ignore")


def write_file(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a terminal, which cannot be replaced
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
        # The service's own time if it told one, else when a listing first was without the job.
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


def _lead(receipt: Receipt) -> Note:
    took = format_duration(receipt.seconds)
    jobs = counted(len(receipt.jobs), "job in scope has", "jobs in scope have")
    left = counted(sum(job.ending is Ending.IN_FLIGHT for job in receipt.jobs), "job", "jobs")
    if receipt.outcome is Outcome.QUIET:
        return Note(f"Quiet after {took}: {f'{jobs} ended' if receipt.jobs else 'nothing was in flight'}.", Tone.GOOD)
    if receipt.outcome is Outcome.LEFT:
        what = f"left in flight: {left}" if receipt.looked else "what is left is not known"
        return Note(f"Mode ignore: {what}.", Tone.NOTICE)
    what = f"{left} still in flight" if receipt.looked else "what is in flight is not known"
    return Note(f"{receipt.outcome.value.capitalize()} after {took}: {what}.", Tone.BAD)


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


def _table(jobs: Sequence[JobReceipt]) -> Table:
    columns: list[tuple[Column, Callable[[JobReceipt], str]]] = [
        (Column("Job"), lambda job: f"{job.name} ({job.id})" if job.name else job.id),
        (Column("Before"), lambda job: job.service_state_before),
        (Column("After"), lambda job: job.service_state_after),
        (Column("How it ended"), lambda job: job.ending.value + (", came late" if job.came_late else "")),
        (Column("Seconds", True), lambda job: "" if job.seconds is None else f"{job.seconds:.1f}"),
    ]
    if any(job.documents for job in jobs):
        columns.append((Column("Documents", True), _documents))
    if any(job.characters_charged is not None for job in jobs):
        columns.append((Column("Characters charged", True), _charged))
    columns.append((Column("Submitted"), lambda job: written(job.submitted_at) if job.submitted_at else ""))
    rows = [
        tuple(
            Cell(text(job), _TONES[job.ending] if column.title == "How it ended" else Tone.PLAIN)
            for column, text in columns
        )
        for job in jobs
    ]
    return Table("Jobs", tuple(column for column, _ in columns), tuple(rows), "No job in scope was in flight.")


def _documents(job: JobReceipt) -> str:
    return f"{job.documents.succeeded}/{job.documents.total}" if job.documents else ""


def _charged(job: JobReceipt) -> str:
    return "" if job.characters_charged is None else f"{job.characters_charged:,}"


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
            tone=_TONES[job.ending],
            marks=(Mark(job.asked_at, "asked to stop"),) if job.asked_at else (),
        )
