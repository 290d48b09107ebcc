"""``plan``: what the destroy of a stack would stop and orphan now, or an update by its preview."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.options import (
    CredentialOptions,
    LookOptions,
    OutputOptions,
    PlaceOptions,
    StackOptions,
    UpdateOptions,
)
from translation_job_guard.cli.output import emit, prepare
from translation_job_guard.cli.places import PlaceNames, given_places, places_of_stack
from translation_job_guard.cli.preview import Change, Forecast, GuardChange, Loss, forecast, parse_preview
from translation_job_guard.cli.results import JobRow, PlaceRow, bars_of, job_row, jobs_table, place_row, places_table
from translation_job_guard.cli.stacks import StackOrError, given_stacks, guard_names, read_text
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.environment import (
    ON_DELETE,
    TIMEOUT,
    parse_timeout,
    read_environment,
    refuse_unknown_names,
)
from translation_job_guard.jobs import Coverage, Job, coverage
from translation_job_guard.looking import Sight, look
from translation_job_guard.presentation import Cell, Column, Figure, Note, Page, Table, Tone
from translation_job_guard.services import Connection
from translation_job_guard.services.registry import CONNECTIONS, place_key
from translation_job_guard.state import ExportedStack, StateGuard, Tie, TieKind
from translation_job_guard.teardown import Mode

__all__ = [
    "Action",
    "Finding",
    "GuardPlan",
    "LossRow",
    "PlanDocument",
    "PlanResult",
    "StackPlan",
    "plan",
    "plan_update",
    "run",
]


class Action(enum.Enum):
    """What a guard would do with the jobs that it answers for."""

    STOP = "stop"
    WAIT = "wait for their end"
    REFUSE = "refuse while they run"
    LEAVE = "leave them running"
    NOT_CALLED = "not be called"
    NOTHING = "do nothing"
    UNKNOWN = "unknown"


class Finding(enum.Enum):
    """What makes the exit code 1. STOPPED: also jobs that are waited for, or while which it is refused."""

    ORPHANED = "orphaned"
    STOPPED = "stopped"


_ACTIONS: Final = {
    Mode.CANCEL: Action.STOP,
    Mode.DRAIN: Action.WAIT,
    Mode.FAIL: Action.REFUSE,
    Mode.IGNORE: Action.LEAVE,
}


@dataclass(frozen=True)
class GuardPlan:
    """What would happen to a guard now, and what it would do with the jobs that it answers for.

    ``because`` are the properties that ask for its replacement. ``undecided``: batches of which it is not known whether
    they are in scope.
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
    """A resource that jobs need, and that an update takes away. ``orphans`` are the ids of jobs that would need it."""

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

    ``unguarded`` are jobs that it would orphan: they are tied to what it takes away, or covered by a guard of the
    stack, and no guard that would be called covers them. ``undecided`` are batches of which that is not known.
    ``losses`` is what an update takes away. ``problems`` say what else could not be told.
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
class PlanDocument:
    """The JSON of a plan."""

    kind: str
    version: int
    tool: str
    at: datetime
    exit_code: int
    occasion: str
    fail_on: tuple[Finding, ...]
    stacks: tuple[StackPlan, ...]
    places: tuple[PlaceRow, ...]


@dataclass(frozen=True)
class PlanResult:
    """What destroying the given stacks would do now, or an update of one (``is_update``)."""

    at: datetime
    stacks: tuple[StackPlan, ...]
    sights: tuple[Sight, ...]
    fail_on: tuple[Finding, ...] = tuple(Finding)
    is_update: bool = False

    @property
    def exit_code(self) -> int:
        """2 if anything could not be told, 1 if a finding that counts was made."""
        guards = [guard for stack in self.stacks for guard in stack.guards]
        if any(stack.error or stack.problems or stack.undecided for stack in self.stacks):
            return 2
        if any(guard.error or guard.undecided for guard in guards) or any(sight.error for sight in self.sights):
            return 2
        orphaned = any(stack.unguarded for stack in self.stacks)
        # A guard that a destroy does not call would leave jobs behind whenever there are some.
        orphaned |= not self.is_update and any(guard.obstacles for guard in guards)
        stopped = any(guard.jobs for guard in guards)
        return int((orphaned and Finding.ORPHANED in self.fail_on) or (stopped and Finding.STOPPED in self.fail_on))

    def document(self) -> PlanDocument:
        """What JSON shows."""
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
        """What the other formats show."""
        guards = [guard for stack in self.stacks for guard in stack.guards]
        stopped = _unique(job for guard in guards if guard.action is Action.STOP for job in guard.jobs)
        orphaned = _unique(job for stack in self.stacks for job in stack.unguarded)
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
            bars=bars_of(_unique([*(job for guard in guards for job in guard.jobs), *orphaned])),
        )

    def _lead(self, guards: Sequence[GuardPlan], stopped: Sequence[JobRow], orphaned: Sequence[JobRow]) -> Note:
        named = [stack.stack for stack in self.stacks]
        what = "This update" if self.is_update else "A destroy"
        what += f" of {', '.join(named) if len(named) <= 3 else f'these {len(named)} stacks'}"
        if self.exit_code == 2:
            return Note(f"{what}: not all of it could be told.", Tone.BAD)
        parts = [f"would stop {_jobs(len(stopped))}"] if stopped else ["would stop nothing"]
        for action in (Action.WAIT, Action.REFUSE, Action.LEAVE):
            count = sum(len(guard.jobs) for guard in guards if guard.action is action)
            if count:
                parts.append(f"{_VERBS[action]} {_jobs(count)}")
        if orphaned:
            parts.append(f"would orphan {_jobs(len(orphaned))}")
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


def run(
    stacks: StackOptions,
    update: UpdateOptions,
    places: PlaceOptions,
    credentials: CredentialOptions,
    looking: LookOptions,
    output: OutputOptions,
) -> int:
    """Show what a destroy of the stacks, or the update of a preview, would do; returns the exit code.

    Raises:
        InvalidArgument: an option or an override of the environment cannot be used; the preview is of another stack.
    """
    sinks = prepare(output)
    look_at = Where(given_places(places), credentials, parse_timeout("--timeout", looking.timeout))
    try:
        fail_on = {Finding(one) for one in update.fail_on}
    except ValueError:
        raise InvalidArgument("--fail-on: expected orphaned or stopped.") from None
    if update.preview is None:
        result = plan(given_stacks(stacks), look_at, fail_on or set(Finding))
    else:
        if len(stacks.stack) + len(stacks.state) > 1:
            raise InvalidArgument("--preview: a preview is one of a single stack: give one --stack or --state.")
        if update.preview == "-" and "-" in stacks.state:
            raise InvalidArgument("--preview - and --state -: standard input can be read only once.")
        source = "standard input" if update.preview == "-" else update.preview
        preview = parse_preview(read_text(update.preview), source)
        [found] = given_stacks(stacks)
        result = plan_update(found, preview, look_at, fail_on or {Finding.ORPHANED})
    return emit(result, sinks, [credentials.key_env, *{sight.connection.secret_env for sight in result.sights}])


@dataclass(frozen=True)
class Where:
    """Where to look besides the places of stacks, with which credentials, and for how many seconds."""

    given: PlaceNames
    credentials: CredentialOptions
    timeout: float


def plan(found: Sequence[StackOrError], where: Where, fail_on: Collection[Finding]) -> PlanResult:
    """Look where the stacks' guards work and where jobs could use what the stacks have, and say what a destroy does.

    Raises:
        InvalidArgument: an override of the environment cannot be used, or names no guard of these stacks; an option
            cannot be used.
    """
    _check_overrides(found)

    def destroyed(stack: ExportedStack) -> Forecast:
        guards = tuple(GuardChange(guard, Change.DELETE, obstacles=guard.obstacles) for guard in stack.guards)
        return Forecast(
            guards, tuple(Loss(tie, Change.DELETE, delete_first=False, guards=guards) for tie in stack.ties)
        )

    return _plan(found, destroyed, where, fail_on, is_update=False)


def plan_update(
    found: StackOrError, preview: Mapping[str, Any], where: Where, fail_on: Collection[Finding]
) -> PlanResult:
    """Say which jobs the update of a preview stops and orphans; looks only where it could do either.

    Raises:
        InvalidArgument: an override of the environment cannot be used, or names no guard of this stack; the preview is
            one of another stack; an option cannot be used.
    """
    _check_overrides([found])
    return _plan([found], lambda stack: forecast(preview, stack), where, fail_on, is_update=True)


def _check_overrides(found: Sequence[StackOrError]) -> None:
    read_environment("")
    if names := guard_names(found):
        refuse_unknown_names(names)


def _plan(
    found: Sequence[StackOrError],
    forecast_of: Callable[[ExportedStack], Forecast],
    where: Where,
    fail_on: Collection[Finding],
    *,
    is_update: bool,
) -> PlanResult:
    forecasts = {one.source: forecast_of(one.stack) for one in found if one.stack is not None}
    places: list[Connection] = []
    problems: dict[str, list[str]] = {}
    for one in found:
        if one.stack is not None:
            ahead = forecasts[one.source]
            acting = [one.guard.arguments for one in ahead.guards if one.change is not Change.NONE]
            ties = [loss.tie for loss in ahead.losses]
            guards = [arguments for arguments in acting if arguments]
            more, blind = places_of_stack(one.stack, guards, ties, where.given, where.credentials)
            places += more
            problems[one.source] = blind
    places = list(dict.fromkeys(places))
    scopes = [scope for guard in _acting(forecasts.values()) if guard.arguments for scope in guard.arguments.scopes]
    ties_any = any(ahead.losses for ahead in forecasts.values())

    def wanted(_: Connection, jobs: Sequence[Job]) -> Sequence[Job]:
        # A container that goes can be in use by any batch; else only what a scope cannot tell without.
        return [job for job in jobs if ties_any or coverage(scopes, job) is Coverage.UNKNOWN]

    sights = look(places, timeout=where.timeout, wants_locations=wanted)
    by_place = dict(zip(places, sights, strict=True))
    plans = [
        StackPlan(one.source, one.source, one.error, (), (), ())
        if one.stack is None
        else _stack_plan(one.stack, forecasts[one.source], by_place, problems[one.source], is_update=is_update)
        for one in found
    ]
    chosen = tuple(finding for finding in Finding if finding in fail_on)
    return PlanResult(datetime.now(timezone.utc), tuple(plans), tuple(sights), chosen, is_update)


def _acting(forecasts: Iterable[Forecast]) -> list[StateGuard]:
    return [one.guard for ahead in forecasts for one in ahead.guards if one.change is not Change.NONE]


def _stack_plan(
    stack: ExportedStack,
    ahead: Forecast,
    sights: Mapping[Connection, Sight],
    problems: Sequence[str],
    *,
    is_update: bool,
) -> StackPlan:
    unguarded: list[JobRow] = []
    undecided: list[JobRow] = []
    orphans: dict[Tie, list[str]] = {}
    for sight in sights.values():
        for job in sight.jobs:
            lost, answer = _lost(job, sight, ahead)
            for tie in lost:
                orphans.setdefault(tie, []).append(job.id)
            if answer is Coverage.COVERED:
                unguarded.append(job_row(job, sight))
            elif answer is Coverage.UNKNOWN:
                undecided.append(job_row(job, sight))
    losses = [
        LossRow(
            loss.tie.name,
            loss.tie.urn,
            loss.tie.kind,
            loss.tie.identity,
            loss.change,
            tuple(one.guard.name for one in loss.guards),
            tuple(dict.fromkeys(orphans.get(loss.tie, ()))),
        )
        for loss in (ahead.losses if is_update else ())
    ]
    notes = []
    if stack.interrupted:
        notes.append(f"an operation never came to an end: {', '.join(stack.interrupted)}. `pulumi refresh` clears it.")
    if not sights and not problems and not any(guard.problem for guard in stack.guards):
        notes.append(
            "the update changes no guard, and takes nothing away that jobs need."
            if is_update
            else "nothing in the stack can be in use by translation jobs."
        )
    return StackPlan(
        stack.label,
        stack.source,
        None,
        tuple(_guard_plan(one, sights) for one in ahead.guards),
        tuple(_unique(unguarded)),
        tuple(notes),
        tuple(_unique(undecided)),
        tuple(losses),
        tuple(problems),
    )


def _lost(job: Job, sight: Sight, ahead: Forecast) -> tuple[list[Tie], Coverage]:
    """Return what a job loses without a guard that acts first, and whether that or losing its guard orphans it."""
    lost: list[Tie] = []
    answers = {Coverage.OUTSIDE}
    for loss in ahead.losses:
        holds = loss.tie.holds(job, sight.connection.place)
        stops = _reach(loss.guards, job, sight) if holds is not Coverage.OUTSIDE else Coverage.COVERED
        if stops is Coverage.COVERED:
            continue
        certain = holds is Coverage.COVERED and stops is Coverage.OUTSIDE
        answers.add(Coverage.COVERED if certain else Coverage.UNKNOWN)
        lost += [loss.tie] if certain else []
    # A guard that goes without having done anything for its jobs leaves them to the guards that stay.
    covering = [one for one in ahead.guards if _looks(one, sight) and one.reach(job) is Coverage.COVERED]
    if covering and all(map(_is_idle, covering)) and not _is_kept(job, sight, ahead):
        answers.add(Coverage.COVERED)
    if Coverage.COVERED in answers:
        return lost, Coverage.COVERED
    return lost, Coverage.UNKNOWN if Coverage.UNKNOWN in answers else Coverage.OUTSIDE


def _reach(guards: Iterable[GuardChange], job: Job, sight: Sight) -> Coverage:
    answers = {one.reach(job) for one in guards if _looks(one, sight) and not _is_idle(one)}
    return next((one for one in (Coverage.COVERED, Coverage.UNKNOWN) if one in answers), Coverage.OUTSIDE)


def _looks(one: GuardChange, sight: Sight) -> bool:
    return one.guard.arguments is not None and sight.is_of(one.guard.arguments.connection)


def _is_idle(one: GuardChange) -> bool:
    """Check whether a guard does nothing for its jobs: it is not called, or leaves them running."""
    return bool(one.obstacles) or _mode(one.guard) is Mode.IGNORE


def _is_kept(job: Job, sight: Sight, ahead: Forecast) -> bool:
    """Check whether a guard that is there afterwards covers a job."""
    kept = [one.scopes for one in ahead.guards if _looks(one, sight)]
    kept += [one.scopes for one in ahead.created if place_key(one.service, one.place) == sight.connection.key]
    return any(coverage(scopes, job) is Coverage.COVERED for scopes in kept if scopes)


def _mode(guard: StateGuard) -> Mode | None:
    if guard.arguments is None:
        return None
    return read_environment(guard.arguments.name, stack=guard.arguments.stack).mode or guard.arguments.options.mode


def _guard_plan(change: GuardChange, sights: Mapping[Connection, Sight]) -> GuardPlan:
    guard, arguments = change.guard, change.guard.arguments
    idle = change.change is Change.NONE
    blank = GuardPlan(
        name=guard.name,
        urn=guard.urn,
        service=guard.service,
        place=arguments.connection.place if arguments else None,
        mode=None,
        overridden=False,
        change=change.change,
        because=change.because,
        action=Action.NOTHING if idle else Action.NOT_CALLED if change.obstacles else Action.UNKNOWN,
        obstacles=change.obstacles,
        protected=guard.protect,
        error=None if idle else guard.problem or change.problem,
        jobs=(),
        undecided=(),
    )
    if arguments is None:
        return blank
    chosen = read_environment(arguments.name, stack=arguments.stack)
    mode = chosen.mode or arguments.options.mode
    if idle:
        return replace(blank, mode=mode, overridden=chosen.mode is not None)
    sight = sights[arguments.connection]
    error = blank.error or sight.error
    too_short = chosen.timeout is not None and chosen.timeout <= arguments.options.quiet_period
    if too_short and mode is not Mode.IGNORE:
        error = f"{TIMEOUT} must be longer than the guard's quiet_period, or its teardown fails at once."
    decided = [(change.reach(job), job_row(job, sight)) for job in sight.jobs]
    return replace(
        blank,
        mode=mode,
        overridden=chosen.mode is not None,
        action=Action.NOT_CALLED if change.obstacles else _ACTIONS[mode],
        error=error,
        jobs=tuple(row for decision, row in decided if decision is Coverage.COVERED),
        undecided=tuple(row for decision, row in decided if decision is Coverage.UNKNOWN),
    )


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
        "No guard: nothing stops a job.",
    )
    if stack.losses:
        titles = ["Resource", "Change", "Guard that acts first", "Would orphan"]
        yield Table(
            "What the update takes away",
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


def _unique(jobs: Iterable[JobRow]) -> list[JobRow]:
    return list({(job.service, job.place, job.account, job.id): job for job in jobs}.values())


def _jobs(count: int) -> str:
    return "one job" if count == 1 else f"{count} jobs"
