"""The checks of ``doctor``, as JSON and as a page."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.results import Document
from translation_job_guard.presentation import Cell, Column, Figure, Note, Page, Table, Tone

__all__ = ["Check", "DoctorDocument", "DoctorResult", "Health"]


class Health(enum.Enum):
    """The result of a check."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        about: the machine, place, stack or guard that was checked.
        says: what was found, and what to do if it is not good.
    """

    about: str
    check: str
    health: Health
    says: str


@dataclass(frozen=True)
class DoctorDocument(Document):
    """The JSON of ``doctor``."""

    checks: tuple[Check, ...]


@dataclass(frozen=True)
class DoctorResult:
    """All checks."""

    at: datetime
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """2 if something is not known, else 1 if something is wrong; warnings are neither."""
        found = {check.health for check in self.checks}
        return 2 if Health.UNKNOWN in found else 1 if Health.BAD in found else 0

    def document(self) -> DoctorDocument:
        """Return what JSON shows."""
        return DoctorDocument("doctor", 1, __version__, self.at, self.exit_code, self.checks)

    def page(self) -> Page:
        """Return what the other formats show."""
        counts = {health: sum(check.health is health for check in self.checks) for health in Health}
        wrong = counts[Health.BAD] + counts[Health.UNKNOWN]
        lead = (
            Note(f"{wrong} of {len(self.checks)} checks found something that prevents guards from working.", Tone.BAD)
            if wrong
            else Note("Guards can do their work from here.", Tone.GOOD)
        )
        tables = [
            Table(
                about,
                (Column("Check"), Column("Result"), Column("Finding")),
                tuple(
                    (Cell(one.check), Cell(one.health.value, _TONES[one.health]), Cell(one.says))
                    for one in self.checks
                    if one.about == about
                ),
            )
            for about in dict.fromkeys(check.about for check in self.checks)
        ]
        return Page(
            title="Can guards do their work from here?",
            lead=lead,
            at=self.at,
            figures=tuple(
                Figure(health.value, str(count), _TONES[health]) for health, count in counts.items() if count
            ),
            tables=tuple(tables),
        )


_TONES: Final = {
    Health.GOOD: Tone.GOOD,
    Health.WARNING: Tone.NOTICE,
    Health.BAD: Tone.BAD,
    Health.UNKNOWN: Tone.BAD,
}
