"""``plan``: show what a destroy of stacks, or the update of a preview, would stop and orphan now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final

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
from translation_job_guard.cli.plan_result import Action, Finding, GuardPlan, LossRow, PlanResult, StackPlan, unique
from translation_job_guard.cli.preview import Change, Forecast, GuardChange, Loss, forecast, parse_preview
from translation_job_guard.cli.results import JobRow, job_row
from translation_job_guard.cli.stacks import StackOrError, given_stacks, guard_names, read_text
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.environment import TIMEOUT, parse_timeout, read_environment, refuse_unknown_names
from translation_job_guard.jobs import Coverage, Job, coverage
from translation_job_guard.looking import Sight, look
from translation_job_guard.services import Connection
from translation_job_guard.services.registry import place_key
from translation_job_guard.state import ExportedStack, StateGuard, Tie
from translation_job_guard.teardown import Mode

__all__ = ["plan", "plan_update", "run"]


_ACTIONS: Final = {
    Mode.CANCEL: Action.STOP,
    Mode.DRAIN: Action.WAIT,
    Mode.FAIL: Action.REFUSE,
    Mode.IGNORE: Action.LEAVE,
}


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
        raise InvalidArgument("--fail-on is not a valid finding; expected orphaned or stopped.") from None
    if update.preview is None:
        result = plan(given_stacks(stacks), look_at, fail_on or set(Finding))
    else:
        if len(stacks.stack) + len(stacks.state) > 1:
            raise InvalidArgument("--preview: a preview is of a single stack; give one --stack or --state.")
        if update.preview == "-" and "-" in stacks.state:
            raise InvalidArgument(
                "--preview - and --state -: standard input can be read only once; give a file for one of them."
            )
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
    """Return what a destroy of the stacks does: looks where their guards work and where jobs could use their resources.

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
    """Return which jobs the update of a preview stops and orphans; looks only where it could do either.

    Raises:
        InvalidArgument: an override of the environment cannot be used, or names no guard of this stack; the preview is
            of another stack; an option cannot be used.
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
        # Any batch may use a container that goes; otherwise only undecided batches are looked up.
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
        notes.append(f"an operation was interrupted: {', '.join(stack.interrupted)}. `pulumi refresh` clears it.")
    if not sights and not problems and not any(guard.problem for guard in stack.guards):
        notes.append(
            "the update changes no guard and deletes nothing that jobs need."
            if is_update
            else "nothing in the stack can be in use by translation jobs."
        )
    return StackPlan(
        stack.label,
        stack.source,
        None,
        tuple(_guard_plan(one, sights) for one in ahead.guards),
        tuple(unique(unguarded)),
        tuple(notes),
        tuple(unique(undecided)),
        tuple(losses),
        tuple(problems),
    )


def _lost(job: Job, sight: Sight, ahead: Forecast) -> tuple[list[Tie], Coverage]:
    """Return what a job loses without a guard that acts first, and whether the update or destroy orphans it."""
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
    # Jobs of a guard that is deleted without doing anything are left to the guards that stay.
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
