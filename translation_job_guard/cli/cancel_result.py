"""The results of ``cancel`` and of its dry run, as JSON and as a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from translation_job_guard._version import __version__
from translation_job_guard.cli.results import (
    Document,
    JobRow,
    PlaceRow,
    bars_of,
    jobs_table,
    place_row,
    places_table,
)
from translation_job_guard.jobs import counted
from translation_job_guard.looking import Sight
from translation_job_guard.presentation import Figure, Note, Page, Tone
from translation_job_guard.receipts import Outcome, Receipt, page
from translation_job_guard.teardown import Ending

__all__ = ["NAME", "CancelDocument", "CancelResult", "DryRunResult", "NotFound"]


NAME = "cancel"
"""The name of this command's teardowns, where a guard's teardown has the name of the guard."""


@dataclass(frozen=True)
class NotFound:
    """A job that an option names by its ID, and that was neither stopped nor seen to have ended.

    Attributes:
        says: why, and what to check.
    """

    id: str
    says: str


@dataclass(frozen=True)
class CancelDocument(Document):
    """The JSON of ``cancel``: what a dry run would stop, or the receipts of what was done."""

    dry_run: bool
    places: tuple[PlaceRow, ...]
    jobs: tuple[JobRow, ...]
    undecided: tuple[JobRow, ...]
    receipts: tuple[Receipt, ...]
    not_found: tuple[NotFound, ...]


@dataclass(frozen=True)
class DryRunResult:
    """The jobs that the command would stop."""

    at: datetime
    sights: tuple[Sight, ...]
    jobs: tuple[JobRow, ...]
    undecided: tuple[JobRow, ...]
    not_found: tuple[NotFound, ...] = ()
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """2 if a place failed or a job was not decided or found, 1 if there is something to stop, else 0."""
        if self.interrupted or self.undecided or self.not_found or any(sight.error for sight in self.sights):
            return 2
        return 1 if self.jobs else 0

    def document(self) -> CancelDocument:
        """Return what JSON shows."""
        places = tuple(map(place_row, self.sights))
        return CancelDocument(
            NAME, 1, __version__, self.at, self.exit_code, True, places, self.jobs, self.undecided, (), self.not_found
        )

    def page(self) -> Page:
        """Return what the other formats show."""
        failed = bool(self.not_found) or any(sight.error for sight in self.sights)
        what = (
            f"Dry run: {counted(len(self.jobs), 'job', 'jobs')} would be stopped"
            if self.jobs
            else "Dry run: nothing to stop"
        )
        how = ". --yes stops them" if self.jobs else ""
        tables = [places_table(self.sights), jobs_table("Would be stopped", self.jobs, self.at)]
        if self.undecided:
            tables.append(jobs_table("Undecided: waited for until --undecided-timeout", self.undecided, self.at))
        return Page(
            title="What cancelling would stop",
            lead=Note(f"{what}{how}.", Tone.BAD if failed else Tone.NOTICE if self.jobs else Tone.GOOD),
            at=self.at,
            figures=(Figure("would stop", str(len(self.jobs))),),
            notes=tuple(Note(one.says, Tone.BAD) for one in self.not_found),
            tables=tuple(tables),
            bars=bars_of(self.jobs),
        )


@dataclass(frozen=True)
class CancelResult:
    """The result of the teardowns: one receipt for each place."""

    at: datetime
    receipts: tuple[Receipt, ...]
    not_found: tuple[NotFound, ...] = ()
    places: int = 1

    @property
    def exit_code(self) -> int:
        """0 if every place is quiet and every job that was named was found, else 2."""
        quiet = len(self.receipts) == self.places and all(one.outcome is Outcome.QUIET for one in self.receipts)
        return 0 if quiet and not self.not_found else 2

    def document(self) -> CancelDocument:
        """Return what JSON shows."""
        return CancelDocument(
            NAME, 1, __version__, self.at, self.exit_code, False, (), (), (), self.receipts, self.not_found
        )

    def page(self) -> Page:
        """Return what the other formats show: what was not found, then one receipt below the other."""
        shown = self._receipts_page()
        if not self.not_found:
            return shown
        first, *more = (Note(one.says, Tone.BAD) for one in self.not_found)
        return replace(shown, lead=first, notes=(*more, shown.lead, *shown.notes))

    def _receipts_page(self) -> Page:
        pages = [page(one) for one in self.receipts]
        if len(pages) == 1:
            return pages[0]
        ended = sum(job.ending is not Ending.IN_FLIGHT for one in self.receipts for job in one.jobs)
        quiet = sum(one.outcome is Outcome.QUIET for one in self.receipts)
        lead = f"{quiet} of {len(pages)} places are quiet: {counted(ended, 'job', 'jobs')} in scope ended."
        return Page(
            title="What was cancelled",
            lead=Note(lead, Tone.GOOD if self.exit_code == 0 else Tone.BAD),
            at=self.at,
            notes=tuple(
                Note(f"{one.place}: {note.text}", note.tone)
                for one, shown in zip(self.receipts, pages, strict=True)
                for note in (shown.lead, *shown.notes)
            ),
            tables=tuple(
                replace(table, title=f"{table.title} at {one.place}")
                for one, shown in zip(self.receipts, pages, strict=True)
                for table in shown.tables
            ),
            bars=tuple(bar for shown in pages for bar in shown.bars),
        )
