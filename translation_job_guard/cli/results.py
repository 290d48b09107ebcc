"""What commands find: the rows in JSON (``schemas/output-1.schema.json``), and the tables of every other format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import Documents, Job, JobState, counted
from translation_job_guard.looking import Sight
from translation_job_guard.presentation import Bar, Cell, Column, Page, Table, Tone

__all__ = [
    "Document",
    "JobRow",
    "PlaceRow",
    "Result",
    "bars_of",
    "job_row",
    "jobs_table",
    "place_row",
    "places_table",
]


@dataclass(frozen=True)
class Document:
    """What the JSON of every command begins with.

    Attributes:
        kind: the command.
        version: the version of the schema.
        tool: the version of this package.
    """

    kind: str
    version: int
    tool: str
    at: datetime
    exit_code: int


class Result(Protocol):
    """The result of a command."""

    @property
    def exit_code(self) -> int:
        """0 nothing found or all done, 1 findings, 2 something is not known."""

    def document(self) -> Document:
        """Return what JSON shows."""

    def page(self) -> Page:
        """Return what the other formats show."""


@dataclass(frozen=True)
class PlaceRow:
    """One place: the number of jobs in flight there, or the error of the look."""

    service: str
    place: str
    account: str | None
    in_flight: int | None
    seconds: float
    error: str | None
    remark: str | None


@dataclass(frozen=True)
class JobRow:
    """One job in flight.

    Attributes:
        locations: what it reads and writes; None if the service was not asked.
    """

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
    """Return the row of a place."""
    return PlaceRow(
        service=sight.connection.service,
        place=sight.connection.place,
        account=sight.account,
        in_flight=None if sight.error else len(sight.jobs),
        seconds=round(sight.seconds, 3),
        error=sight.error,
        remark=sight.remark,
    )


def job_row(job: Job, sight: Sight) -> JobRow:
    """Return the row of a job."""
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
        # Azure counts 0 documents until it has read the containers.
        documents=job.documents if job.documents and job.documents.total else None,
        characters_charged=job.characters_charged,
    )


def _folders(job: Job) -> tuple[str, ...]:
    # A batch may have a thousand documents; their containers are enough.
    if job.role_arn is not None:
        return job.locations
    return tuple(dict.fromkeys("/".join(url.split("?")[0].split("/")[:4]) for url in job.locations))


SHOWN_PLACES: Final = 40
"""Of more places, those without jobs, failure or remark are counted. JSON has all of them."""


def places_table(sights: Sequence[Sight]) -> Table:
    """Return the table of the places that were looked at."""
    title, shown = "Places", list(sights)
    if len(sights) > SHOWN_PLACES:
        shown = [sight for sight in sights if sight.jobs or sight.error or sight.remark]
        quiet = counted(len(sights) - len(shown), "other was", "others were")
        title = f"Places ({quiet} looked at, with nothing in flight)"
    rows = tuple(
        (
            Cell(sight.connection.title),
            Cell(sight.connection.place),
            Cell(sight.account if sight.account and sight.account not in sight.connection.place else ""),
            Cell("?", Tone.BAD) if sight.error else Cell(str(len(sight.jobs))),
            _result_cell(sight),
        )
        for sight in shown
    )
    titles = ("Service", "Place", "Account", "In flight", "Result")
    columns = tuple(Column(title, numeric=title == "In flight") for title in titles)
    return Table(title, columns, rows, "None." if sights else "No place was looked at.")


def _result_cell(sight: Sight) -> Cell:
    if sight.error:
        return Cell(f"could not be looked at: {sight.error}", Tone.BAD)
    return Cell(sight.remark, Tone.FAINT) if sight.remark else Cell("looked", Tone.GOOD)


def jobs_table(title: str, jobs: Sequence[JobRow], at: datetime, empty: str = "None.") -> Table:
    """Return the table of some jobs, without columns that are empty; the place is left out if all have the same."""
    columns = [
        Column("Place"),
        Column("Job"),
        Column("State"),
        Column("For", numeric=True),
        Column("Role"),
        Column("Reads and writes"),
        Column("Documents", numeric=True),
        Column("Characters", numeric=True),
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
        # Amazon Translate adds a folder of its own below the output folder of the job.
        own = re.compile(rf"[^/]*-TranslateText-{re.escape(job.id)}/?$")
        yield Cell(" ".join(dict.fromkeys(own.sub("", location) for location in job.locations)))
    known = job.documents is not None and job.documents.total > 0
    yield Cell(f"{job.documents.succeeded}/{job.documents.total}" if known and job.documents else "")
    yield Cell(f"{job.characters_charged:,}" if job.characters_charged else "")


def bars_of(jobs: Sequence[JobRow]) -> tuple[Bar, ...]:
    """Return the bars of jobs in flight on a time line."""
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
