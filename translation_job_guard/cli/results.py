"""What the commands find: the JSON of ``schemas/output-1.schema.json``, and what every format shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import Documents, Job, JobState
from translation_job_guard.looking import Sight
from translation_job_guard.presentation import Bar, Cell, Column, Page, Table, Tone

__all__ = [
    "JobRow",
    "PlaceRow",
    "Result",
    "bars_of",
    "job_row",
    "jobs_table",
    "place_row",
    "places_table",
]


class Result(Protocol):
    """What a command has found."""

    @property
    def exit_code(self) -> int:
        """0 nothing found or all done, 1 findings, 2 could not tell."""

    def document(self) -> Any:
        """What JSON shows."""

    def page(self) -> Page:
        """What the other formats show."""


@dataclass(frozen=True)
class PlaceRow:
    """One place: how many jobs are in flight there, or why that is not known."""

    service: str
    place: str
    account: str | None
    in_flight: int | None
    seconds: float
    error: str | None


@dataclass(frozen=True)
class JobRow:
    """One job in flight. ``locations`` is None where the service was not asked."""

    service: str
    place: str
    account: str | None
    id: str
    name: str | None
    state: JobState
    service_state: str
    submitted_at: datetime | None
    role_arn: str | None
    locations: tuple[str, ...] | None
    documents: Documents | None
    characters_charged: int | None


def place_row(sight: Sight) -> PlaceRow:
    """The row of a place."""
    return PlaceRow(
        service=sight.connection.service,
        place=sight.connection.place,
        account=sight.account,
        in_flight=None if sight.error else len(sight.jobs),
        seconds=round(sight.seconds, 3),
        error=sight.error,
    )


def job_row(job: Job, sight: Sight) -> JobRow:
    """The row of a job."""
    known = job.locations_known or bool(job.locations)
    return JobRow(
        service=job.service,
        place=sight.connection.place,
        account=sight.account,
        id=job.id,
        name=job.name,
        state=job.state,
        service_state=job.service_state,
        submitted_at=job.submitted_at,
        role_arn=job.role_arn,
        locations=_folders(job) if known else None,
        # The service counts 0 until it has read what a batch names.
        documents=job.documents if job.documents and job.documents.total else None,
        characters_charged=job.characters_charged,
    )


def _folders(job: Job) -> tuple[str, ...]:
    # A batch may have a thousand documents; what tells whose they are is the container.
    if job.role_arn is not None:
        return job.locations
    return tuple(dict.fromkeys("/".join(url.split("?")[0].split("/")[:4]) for url in job.locations))


def places_table(sights: Sequence[Sight]) -> Table:
    """The places that were looked at."""
    rows = tuple(
        (
            Cell(sight.connection.title),
            Cell(sight.connection.place),
            Cell(sight.account if sight.account and sight.account not in sight.connection.place else ""),
            Cell("?", Tone.BAD) if sight.error else Cell(str(len(sight.jobs))),
            Cell(f"could not be looked at: {sight.error}", Tone.BAD) if sight.error else Cell("looked", Tone.GOOD),
        )
        for sight in sights
    )
    titles = ("Service", "Place", "Account", "In flight", "Result")
    columns = tuple(Column(title, numeric=title == "In flight") for title in titles)
    return Table("Places", columns, rows, "No place was looked at.")


def jobs_table(title: str, jobs: Sequence[JobRow], at: datetime, empty: str = "None.") -> Table:
    """Jobs, and what they read and write. A column that says nothing, or the same of all, is left out."""
    columns = [
        Column("Place"),
        Column("Job"),
        Column("State"),
        Column("For", numeric=True),
        Column("Role"),
        Column("Reads and writes"),
        Column("Documents", numeric=True),
    ]
    rows = [tuple(_job_cells(job, at)) for job in jobs]
    said = [{row[index].text for row in rows} for index in range(len(columns))]
    kept = [index for index in range(len(columns)) if said[index] != {""} and (index or len(said[0]) > 1)]
    return Table(
        title,
        tuple(columns[index] for index in kept),
        tuple(tuple(row[index] for index in kept) for row in rows),
        empty,
    )


def _job_cells(job: JobRow, at: datetime) -> Iterable[Cell]:
    yield Cell(job.place)
    yield Cell(f"{job.name} ({job.id})" if job.name else job.id)
    yield Cell(job.service_state, Tone.NOTICE if job.state is JobState.STOPPING else Tone.PLAIN)
    age = max((at - job.submitted_at).total_seconds(), 0.0) if job.submitted_at else None
    yield Cell("" if age is None else format_duration(age))
    yield Cell((job.role_arn or "").rpartition(":role/")[2])
    if job.locations is None:
        yield Cell("not looked up", Tone.FAINT)
    else:
        # Amazon Translate puts a folder of the job's own below the one that was asked for.
        own = re.compile(rf"[^/]*-TranslateText-{re.escape(job.id)}/?$")
        yield Cell(" ".join(dict.fromkeys(own.sub("", location) for location in job.locations)))
    known = job.documents is not None and job.documents.total > 0
    yield Cell(f"{job.documents.succeeded}/{job.documents.total}" if known and job.documents else "")


def bars_of(jobs: Sequence[JobRow]) -> tuple[Bar, ...]:
    """The time line of jobs in flight."""
    return tuple(
        Bar(job.name or job.id, job.submitted_at, None, job.service_state, _TONES[job.state])
        for job in jobs
        if job.submitted_at is not None
    )


_TONES: Final = {
    JobState.QUEUED: Tone.FAINT,
    JobState.RUNNING: Tone.PLAIN,
    JobState.STOPPING: Tone.NOTICE,
}
