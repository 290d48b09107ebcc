"""The results of ``plan``, as JSON and as a page."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.preview import Change
from translation_job_guard.cli.results import Document, JobRow, PlaceRow, bars_of, jobs_table, place_row, places_table
from translation_job_guard.guard.environment import ON_DELETE
from translation_job_guard.jobs import counted
from translation_job_guard.looking import Sight
from translation_job_guard.presentation import Cell, Column, Figure, Note, Page, Table, Tone
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.state import TieKind
from translation_job_guard.teardown import Mode

__all__ = ["Action", "Finding", "GuardPlan", "LossRow", "PlanDocument", "PlanResult", "StackPlan", "unique"]


class Action(enum.Enum):
    """What a guard would do with the jobs in its scope."""

    STOP = "stop"
    WAIT = "wait for their end"
    REFUSE = "refuse while they run"
    LEAVE = "leave them running"
    NOT_CALLED = "not be called"
    NOTHING = "do nothing"
    UNKNOWN = "unknown"


class Finding(enum.Enum):
    """What makes the exit code 1. STOPPED includes jobs that a guard waits for, or that make it refuse."""

    ORPHANED = "orphaned"
    STOPPED = "stopped"


@dataclass(frozen=True)
class GuardPlan:
    """What would happen to a guard now, and what it would do with the jobs in its scope.

    Attributes:
        because: the properties that make the update replace it.
        undecided: batches that may be in scope or not: that is not known yet.
    """

    name: str
    urn: str
    service: str
    place: str | None
    mode: Mode | None
    overridden: bool
    change: Change
    because: tuple[str, ...]
    action: Action
    obstacles: tuple[str, ...]
    protected: bool
    error: str | None
    jobs: tuple[JobRow, ...]
    undecided: tuple[JobRow, ...]


@dataclass(frozen=True)
class LossRow:
    """A resource that jobs need and that an update deletes or replaces.

    Attributes:
        guards: names of the guards that act first.
        orphans: IDs of the jobs that would still need it.
    """

    name: str
    urn: str
    kind: TieKind
    identity: str
    change: Change
    guards: tuple[str, ...]
    orphans: tuple[str, ...]


@dataclass(frozen=True)
class StackPlan:
    """What a destroy or an update of one stack would do now.

    Attributes:
        unguarded: jobs that it would orphan: they are tied to a resource that it deletes, or covered by a guard of the
            stack, and no guard that would be called covers them.
        undecided: batches that may be among them or not: that is not known yet.
        losses: resources that an update deletes or replaces.
        problems: what else is not known.
    """

    stack: str
    source: str
    error: str | None
    guards: tuple[GuardPlan, ...]
    unguarded: tuple[JobRow, ...]
    notes: tuple[str, ...]
    undecided: tuple[JobRow, ...] = ()
    losses: tuple[LossRow, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanDocument(Document):
    """The JSON of a plan."""

    occasion: str
    fail_on: tuple[Finding, ...]
    stacks: tuple[StackPlan, ...]
    places: tuple[PlaceRow, ...]


@dataclass(frozen=True)
class PlanResult:
    """What a destroy of the given stacks would do now, or the update of one of them (``is_update``)."""

    at: datetime
    stacks: tuple[StackPlan, ...]
    sights: tuple[Sight, ...]
    fail_on: tuple[Finding, ...] = tuple(Finding)
    is_update: bool = False

    @property
    def exit_code(self) -> int:
        """2 if anything is not known, else 1 if there is a finding that counts."""
        guards = [guard for stack in self.stacks for guard in stack.guards]
        if any(stack.error or stack.problems or stack.undecided for stack in self.stacks):
            return 2
        if any(guard.error or guard.undecided for guard in guards) or any(sight.error for sight in self.sights):
            return 2
        orphaned = any(stack.unguarded for stack in self.stacks)
        # A guard that a destroy does not call would leave any jobs behind.
        orphaned |= not self.is_update and any(guard.obstacles for guard in guards)
        stopped = any(guard.jobs for guard in guards)
        return int((orphaned and Finding.ORPHANED in self.fail_on) or (stopped and Finding.STOPPED in self.fail_on))

    def document(self) -> PlanDocument:
        """Return what JSON shows."""
        return PlanDocument(
            kind="plan",
            version=1,
            tool=__version__,
            at=self.at,
            exit_code=self.exit_code,
            occasion="update" if self.is_update else "destroy",
            fail_on=self.fail_on,
            stacks=self.stacks,
            places=tuple(map(place_row, self.sights)),
        )

    def page(self) -> Page:
        """Return what the other formats show."""
        guards = [guard for stack in self.stacks for guard in stack.guards]
        stopped = unique(job for guard in guards if guard.action is Action.STOP for job in guard.jobs)
        orphaned = unique(job for stack in self.stacks for job in stack.unguarded)
        tables: list[Table] = []
        for stack in self.stacks:
            tables += _tables(stack, self.at, is_update=self.is_update)
        if len(self.sights) > 1 or any(sight.error for sight in self.sights):
            tables.append(places_table(self.sights))
        return Page(
            title="What this update would stop now" if self.is_update else "What a destroy would stop now",
            lead=self._lead(guards, stopped, orphaned),
            at=self.at,
            figures=(
                Figure("stacks", str(len(self.stacks))),
                Figure("guards", str(len(guards))),
                Figure("would stop", str(len(stopped)), Tone.NOTICE if stopped else Tone.PLAIN),
                Figure("would orphan", str(len(orphaned)), Tone.BAD if orphaned else Tone.PLAIN),
            ),
            notes=tuple(self._notes()),
            tables=tuple(tables),
            bars=bars_of(unique([*(job for guard in guards for job in guard.jobs), *orphaned])),
        )

    def _lead(self, guards: Sequence[GuardPlan], stopped: Sequence[JobRow], orphaned: Sequence[JobRow]) -> Note:
        named = [stack.stack for stack in self.stacks]
        what = "This update" if self.is_update else "A destroy"
        what += f" of {', '.join(named) if len(named) <= 3 else f'these {len(named)} stacks'}"
        if self.exit_code == 2:
            return Note(f"{what}: something is not known.", Tone.BAD)
        parts = [f"would stop {counted(len(stopped), 'job', 'jobs')}"] if stopped else ["would stop nothing"]
        for action in (Action.WAIT, Action.REFUSE, Action.LEAVE):
            count = sum(len(guard.jobs) for guard in guards if guard.action is action)
            if count:
                parts.append(f"{_VERBS[action]} {counted(count, 'job', 'jobs')}")
        if orphaned:
            parts.append(f"would orphan {counted(len(orphaned), 'job', 'jobs')}")
        uncalled = sum(bool(guard.obstacles) for guard in guards)
        if uncalled:
            parts.append(f"would not call {uncalled} of {len(guards)} guards")
        bad = bool(orphaned or uncalled)
        tone = Tone.BAD if bad else Tone.NOTICE if stopped or self.exit_code else Tone.GOOD
        none = "" if guards else ": there is no guard"
        return Note(f"{what} {', '.join(parts)}{none}.", tone)

    def _notes(self) -> Iterable[Note]:
        for stack in self.stacks:
            if stack.error:
                yield Note(stack.error, Tone.BAD)
            yield from (Note(f"{stack.stack}: {text}", Tone.BAD) for text in stack.problems)
            for guard in stack.guards:
                who = f"{stack.stack}/{guard.name}"
                yield from (Note(f"{who}: {obstacle}", Tone.BAD) for obstacle in guard.obstacles)
                if guard.error:
                    yield Note(f"{who}: {guard.error}", Tone.BAD)
                if guard.overridden and guard.mode:
                    yield Note(f"{who}: {ON_DELETE} is in force: {guard.mode.value}.", Tone.NOTICE)
                if guard.protected and guard.change in (Change.DELETE, Change.REPLACE):
                    yield Note(f"{who}: protected, so `pulumi destroy` refuses until it is unprotected.", Tone.NOTICE)
            yield from (Note(f"{stack.stack}: {text}", Tone.NOTICE) for text in stack.notes)


def _tables(stack: StackPlan, at: datetime, *, is_update: bool) -> Iterable[Table]:
    if stack.error:
        return
    titles = ["Guard", "Service", "Place", "In scope now", "A delete would"]
    if is_update:
        titles[3:] = ["Change", "Jobs now", "The update would"]
    yield Table(
        f"Guards of {stack.stack}",
        tuple(Column(title, numeric=title in ("In scope now", "Jobs now")) for title in titles),
        tuple(tuple(_guard_cells(guard, is_update=is_update)) for guard in stack.guards),
        "No guard: nothing would stop a job.",
    )
    if stack.losses:
        titles = ["Resource", "Change", "Guard that acts first", "Would orphan"]
        yield Table(
            "What the update deletes or replaces",
            tuple(Column(title, numeric=title == "Would orphan") for title in titles),
            tuple(tuple(_loss_cells(loss)) for loss in stack.losses),
        )
    for guard in stack.guards:
        if guard.jobs:
            yield jobs_table(f"In the scope of {guard.name}", guard.jobs, at)
        if guard.undecided:
            yield jobs_table(f"Undecided: in the scope of {guard.name} or not", guard.undecided, at)
    if stack.unguarded:
        yield jobs_table(f"Tied to {stack.stack}, and no guard would stop them", stack.unguarded, at)
    if stack.undecided:
        yield jobs_table(f"Undecided: tied to {stack.stack} or not", stack.undecided, at)


def _guard_cells(guard: GuardPlan, *, is_update: bool) -> Iterable[Cell]:
    yield Cell(guard.name)
    yield Cell(CONNECTIONS[guard.service].title)
    yield Cell(guard.place or "")
    if is_update:
        because = f" ({', '.join(guard.because)})" if guard.because else ""
        yield Cell(f"{guard.change.value}{because}", Tone.FAINT if guard.change is Change.NONE else Tone.PLAIN)
    known = guard.error is None
    count = str(len(guard.jobs)) + (f" to {len(guard.jobs) + len(guard.undecided)}" if guard.undecided else "")
    if guard.action is Action.NOTHING:
        yield Cell("")
    else:
        yield Cell(count) if known else Cell("?", Tone.BAD)
    if guard.action is Action.NOT_CALLED:
        yield Cell("not be called", Tone.BAD)
    elif not known:
        yield Cell("not known", Tone.BAD)
    elif guard.action is Action.NOTHING:
        yield Cell(guard.action.value, Tone.FAINT)
    else:
        yield Cell(guard.action.value if guard.jobs or guard.undecided else "find nothing to stop")


def _loss_cells(loss: LossRow) -> Iterable[Cell]:
    yield Cell(f"{loss.kind.value} {loss.name}")
    yield Cell(loss.change.value)
    yield Cell(", ".join(loss.guards)) if loss.guards else Cell("none", Tone.NOTICE)
    yield Cell(str(len(loss.orphans)), Tone.BAD if loss.orphans else Tone.PLAIN)


_VERBS: Final = {
    Action.WAIT: "would wait for the end of",
    Action.REFUSE: "would be refused because of",
    Action.LEAVE: "would leave running",
}


def unique(jobs: Iterable[JobRow]) -> list[JobRow]:
    """Return each job once."""
    return list({(job.service, job.place, job.account, job.id): job for job in jobs}.values())
