"""``plan``: what deleting the guards of a stack would stop now."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.arguments import GuardArguments
from translation_job_guard.cli.look import Sight, look, place_of
from translation_job_guard.cli.results import (
    SERVICES,
    JobRow,
    PlaceRow,
    bars_of,
    job_row,
    jobs_table,
    place_row,
    places_table,
)
from translation_job_guard.cli.stacks import StackOrError, guard_names
from translation_job_guard.jobs import Coverage, Job, coverage
from translation_job_guard.overrides import ON_DELETE, TIMEOUT, overrides, refuse_unknown_names
from translation_job_guard.presentation import Cell, Column, Figure, Note, Page, Table, Tone
from translation_job_guard.state import Stack, StateGuard
from translation_job_guard.teardown import Mode

__all__ = ["Action", "GuardPlan", "PlanDocument", "PlanResult", "StackPlan", "plan"]


class Action(enum.Enum):
    """What a guard's delete would do with the jobs in its scope."""

    STOP = "stop"
    WAIT = "wait for their end"
    REFUSE = "refuse while they run"
    LEAVE = "leave them running"
    NOT_CALLED = "not be called"
    UNKNOWN = "unknown"


_ACTIONS: Final = {
    Mode.CANCEL: Action.STOP,
    Mode.DRAIN: Action.WAIT,
    Mode.FAIL: Action.REFUSE,
    Mode.IGNORE: Action.LEAVE,
}


@dataclass(frozen=True)
class GuardPlan:
    """What a guard's delete would do now. ``undecided``: batches of which it is not known whether they are in scope."""

    name: str
    urn: str
    service: str
    place: str | None
    mode: Mode | None
    overridden: bool
    action: Action
    obstacles: tuple[str, ...]
    protected: bool
    error: str | None
    jobs: tuple[JobRow, ...]
    undecided: tuple[JobRow, ...]


@dataclass(frozen=True)
class StackPlan:
    """What a destroy of one stack would do now.

    ``unguarded`` are jobs at the places of its guards that are tied to the stack and covered by no guard that would be
    called: a destroy would orphan them.
    """

    stack: str
    source: str
    error: str | None
    guards: tuple[GuardPlan, ...]
    unguarded: tuple[JobRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PlanDocument:
    """The JSON of a plan."""

    kind: str
    version: int
    tool: str
    at: datetime
    exit_code: int
    stacks: tuple[StackPlan, ...]
    places: tuple[PlaceRow, ...]


@dataclass(frozen=True)
class PlanResult:
    """What destroying the given stacks would do now."""

    at: datetime
    stacks: tuple[StackPlan, ...]
    sights: tuple[Sight, ...]

    @property
    def exit_code(self) -> int:
        """2 if anything could not be told, 1 if a destroy would stop or orphan a job, or not call a guard."""
        guards = [guard for stack in self.stacks for guard in stack.guards]
        if any(stack.error for stack in self.stacks) or any(guard.error or guard.undecided for guard in guards):
            return 2
        found = any(guard.jobs or guard.obstacles for guard in guards) or any(one.unguarded for one in self.stacks)
        return 1 if found else 0

    @property
    def key_envs(self) -> tuple[str, ...]:
        """The environment variables that hold the guards' keys."""
        return tuple({sight.place.key_env for sight in self.sights})

    def document(self) -> PlanDocument:
        """What JSON shows."""
        places = tuple(map(place_row, self.sights))
        return PlanDocument("plan", 1, __version__, self.at, self.exit_code, self.stacks, places)

    def page(self) -> Page:
        """What the other formats show."""
        guards = [guard for stack in self.stacks for guard in stack.guards]
        stopped = _unique(job for guard in guards if guard.action is Action.STOP for job in guard.jobs)
        orphaned = _unique(job for stack in self.stacks for job in stack.unguarded)
        tables: list[Table] = []
        for stack in self.stacks:
            tables += _tables(stack, self.at)
        if len(self.sights) > 1 or any(sight.error for sight in self.sights):
            tables.append(places_table(self.sights))
        return Page(
            title="What a destroy would stop now",
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
            bars=bars_of(_unique([*(job for guard in guards for job in guard.jobs), *orphaned])),
        )

    def _lead(self, guards: Sequence[GuardPlan], stopped: Sequence[JobRow], orphaned: Sequence[JobRow]) -> Note:
        named = [stack.stack for stack in self.stacks]
        what = f"A destroy of {', '.join(named) if len(named) <= 3 else f'these {len(named)} stacks'}"
        if self.exit_code == 2:
            return Note(f"{what}: not all of it could be told.", Tone.BAD)
        if not guards:
            return Note(f"{what} would stop nothing: there is no guard.", Tone.NOTICE)
        uncalled = sum(bool(guard.obstacles) for guard in guards)
        parts = [f"would stop {_jobs(len(stopped))}"] if stopped else ["would stop nothing"]
        for action in (Action.WAIT, Action.REFUSE, Action.LEAVE):
            count = sum(len(guard.jobs) for guard in guards if guard.action is action)
            if count:
                parts.append(f"{_VERBS[action]} {_jobs(count)}")
        if orphaned:
            parts.append(f"would orphan {_jobs(len(orphaned))}")
        if uncalled:
            parts.append(f"would not call {uncalled} of {len(guards)} guards")
        bad = bool(orphaned or uncalled)
        return Note(f"{what} {', '.join(parts)}.", Tone.BAD if bad else Tone.NOTICE if self.exit_code else Tone.GOOD)

    def _notes(self) -> Iterable[Note]:
        for stack in self.stacks:
            if stack.error:
                yield Note(stack.error, Tone.BAD)
            for guard in stack.guards:
                who = f"{stack.stack}/{guard.name}"
                yield from (Note(f"{who}: {obstacle}", Tone.BAD) for obstacle in guard.obstacles)
                if guard.error:
                    yield Note(f"{who}: {guard.error}", Tone.BAD)
                if guard.overridden and guard.mode:
                    yield Note(f"{who}: {ON_DELETE} is in force: {guard.mode.value}.", Tone.NOTICE)
                if guard.protected:
                    yield Note(f"{who}: protected, so `pulumi destroy` refuses until it is unprotected.", Tone.NOTICE)
            yield from (Note(f"{stack.stack}: {text}", Tone.NOTICE) for text in stack.notes)


def plan(found: Sequence[StackOrError], *, timeout: float) -> PlanResult:
    """Look at the places of all guards at once, and tell of each guard what its delete would do.

    Raises:
        InvalidArgument: an override of the environment cannot be used, or names no guard of these stacks.
    """
    stacks = [one.stack for one in found if one.stack is not None]
    guards = [guard for stack in stacks for guard in stack.guards]
    overrides("")
    if names := guard_names(found):
        refuse_unknown_names(names)
    places = list(dict.fromkeys(place_of(guard.arguments) for guard in guards if guard.arguments))
    scopes = [scope for guard in guards if guard.arguments for scope in guard.arguments.scopes]
    ties = any(stack.ties for stack in stacks)

    def wanted(jobs: Sequence[Job]) -> Sequence[Job]:
        # A stack with containers asks of every batch; else only what a guard's scope cannot tell without.
        return [job for job in jobs if ties or coverage(scopes, job) is Coverage.UNKNOWN]

    sights = look(places, timeout=timeout, wants_locations=wanted)
    by_place = dict(zip(places, sights, strict=True))
    plans = [
        StackPlan(one.source, one.source, one.error, (), (), ())
        if one.stack is None
        else _stack_plan(one.stack, by_place)
        for one in found
    ]
    return PlanResult(datetime.now(timezone.utc), tuple(plans), tuple(sights))


def _stack_plan(stack: Stack, sights: Mapping[GuardArguments, Sight]) -> StackPlan:
    guards = tuple(_guard_plan(guard, sights) for guard in stack.guards)
    called = [guard.arguments for guard in stack.guards if guard.arguments is not None and not guard.obstacles]
    unguarded: list[JobRow] = []
    every = [guard.arguments for guard in stack.guards if guard.arguments is not None]
    for sight in (sights[place] for place in dict.fromkeys(map(place_of, every))):
        stopping = [scope for one in called if place_of(one) == sight.place for scope in one.scopes]
        tying = [scope for one in every if place_of(one) == sight.place for scope in one.scopes]
        unguarded += [
            job_row(job, sight)
            for job in sight.jobs
            if coverage(stopping, job) is Coverage.OUTSIDE
            and (stack.tie(job, sight.place.place) or coverage(tying, job) is Coverage.COVERED)
        ]
    notes = []
    if stack.interrupted:
        notes.append(f"an operation never came to an end: {', '.join(stack.interrupted)}. `pulumi refresh` clears it.")
    return StackPlan(stack.label, stack.source, None, guards, tuple(_unique(unguarded)), tuple(notes))


def _guard_plan(guard: StateGuard, sights: Mapping[GuardArguments, Sight]) -> GuardPlan:
    arguments = guard.arguments
    blank = GuardPlan(
        name=guard.name,
        urn=guard.urn,
        service=guard.service,
        place=arguments.place if arguments else None,
        mode=None,
        overridden=False,
        action=Action.NOT_CALLED if guard.obstacles else Action.UNKNOWN,
        obstacles=guard.obstacles,
        protected=guard.protect,
        error=guard.problem,
        jobs=(),
        undecided=(),
    )
    if arguments is None:
        return blank
    chosen = overrides(arguments.name, stack=arguments.stack)
    mode = chosen.mode or arguments.policy.mode
    sight = sights[place_of(arguments)]
    error = sight.error
    too_short = chosen.timeout is not None and chosen.timeout <= arguments.policy.quiet_period
    if too_short and mode is not Mode.IGNORE:
        error = f"{TIMEOUT} must be longer than the guard's quiet_period, or its teardown fails at once."
    decided = [(coverage(arguments.scopes, job), job_row(job, sight)) for job in sight.jobs]
    return replace(
        blank,
        mode=mode,
        overridden=chosen.mode is not None,
        action=Action.NOT_CALLED if guard.obstacles else _ACTIONS[mode],
        error=error,
        jobs=tuple(row for decision, row in decided if decision is Coverage.COVERED),
        undecided=tuple(row for decision, row in decided if decision is Coverage.UNKNOWN),
    )


def _tables(stack: StackPlan, at: datetime) -> Iterable[Table]:
    if stack.error:
        return
    titles = ("Guard", "Service", "Place", "In scope now", "A delete would")
    yield Table(
        f"Guards of {stack.stack}",
        tuple(Column(title, numeric=title == "In scope now") for title in titles),
        tuple(tuple(_guard_cells(guard)) for guard in stack.guards),
        "No guard: a destroy stops no job.",
    )
    for guard in stack.guards:
        if guard.jobs:
            yield jobs_table(f"In the scope of {guard.name}", guard.jobs, at)
        if guard.undecided:
            yield jobs_table(f"Undecided: in the scope of {guard.name} or not", guard.undecided, at)
    if stack.unguarded:
        yield jobs_table(f"Tied to {stack.stack}, and no guard would stop them", stack.unguarded, at)


def _guard_cells(guard: GuardPlan) -> Iterable[Cell]:
    yield Cell(guard.name)
    yield Cell(SERVICES[guard.service])
    yield Cell(guard.place or "")
    known = guard.error is None
    yield (
        Cell(str(len(guard.jobs)) + (f" to {len(guard.jobs) + len(guard.undecided)}" if guard.undecided else ""))
        if (known)
        else Cell("?", Tone.BAD)
    )
    if guard.action is Action.NOT_CALLED:
        yield Cell("not be called", Tone.BAD)
    elif not known:
        yield Cell("not known", Tone.BAD)
    else:
        yield Cell(guard.action.value if guard.jobs or guard.undecided else "find nothing to stop")


_VERBS: Final = {
    Action.WAIT: "would wait for the end of",
    Action.REFUSE: "would be refused because of",
    Action.LEAVE: "would leave running",
}


def _unique(jobs: Iterable[JobRow]) -> list[JobRow]:
    return list({(job.service, job.place, job.account, job.id): job for job in jobs}.values())


def _jobs(count: int) -> str:
    return "one job" if count == 1 else f"{count} jobs"
