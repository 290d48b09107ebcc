"""What a guard does in its life: prove, stop what a change leaves behind, tear down. Knows no Pulumi.

Two rules hold for everything here. Nothing but this package's own errors is raised: any other exception becomes an
``UnexpectedError``. And mode ``ignore`` lets a teardown through whatever the environment or the service answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import (
    GuardError,
    InvalidArgument,
    ServiceError,
    Throttled,
    Transient,
    UnexpectedError,
    WrongAccount,
)
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.environment import ON_DELETE, TIMEOUT, UNDECIDED, Overrides, overrides
from translation_job_guard.guard.progress import Voice, label
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, Coverage, Job, coverage, left_behind, named
from translation_job_guard.services import JobService
from translation_job_guard.services.reading import LONGEST_WAIT, Reads
from translation_job_guard.teardown import CannotTell, Mode, Occasion, Report, TeardownError, TeardownOptions
from translation_job_guard.teardown.pace import pace_of
from translation_job_guard.teardown.runner import IGNORE_LOOKS_FOR, run
from translation_job_guard.threads import each

if TYPE_CHECKING:
    from translation_job_guard.receipts import Receipt

__all__ = [
    "Prospect",
    "in_flight",
    "prove",
    "stop_left_behind",
    "tear_down",
    "verify_account",
    "verify_move",
]

_T = TypeVar("_T")

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0

_STOP_WAITING = "To stop waiting, press Ctrl-C twice; the same command goes on from there (docs/runbook.md)"
_WAY_OUT = f"{_STOP_WAITING}, and with {ON_DELETE}=ignore it leaves the jobs running"
_REMEDY = (
    "Check the environment variables and files that set credentials, endpoints, proxies and certificates, and run the "
    "same command again."
)
_IGNORE_REMEDY = f"If that cannot be done, {ON_DELETE}=ignore goes on without looking (docs/runbook.md)."


def prove(guard: GuardArguments) -> str:
    """Prove that the guard could do its work from here, and return the account. Stops nothing.

    Transient errors are retried until the guard's timeout: throttling, a name that does not resolve yet, and for some
    minutes a role, key or role assignment that has just been made.

    Raises:
        GuardError: it could not; the message names the permission or the account.
    """

    def work(reads: Reads) -> str:
        service = guard.connection.open(reads)
        account = service.account(reads)
        if guard.expected_account_id and account != guard.expected_account_id:
            raise WrongAccount(
                f"the credentials lead to AWS account {account}, and expected_account_id is "
                f"{guard.expected_account_id}: nothing was made. Use the credentials of that account, or correct "
                "expected_account_id."
            )
        service.prove(reads)
        return account

    timeout = guard.options.timeout
    try:
        voice = _voice(guard, _STOP_WAITING)
        return _retried(guard, work, lambda error: min(_patience(guard, error), timeout), voice, within=timeout)
    except (ServiceError, InvalidArgument) as error:
        _add(error, "The guard was not made and nothing was stopped: fix this and run the same command again.")
        raise


def _add(error: GuardError, text: str) -> None:
    error.args = (f"{error} {text}", *error.args[1:])


def _retried(
    guard: GuardArguments,
    work: Callable[[Reads], _T],
    patience: Callable[[ServiceError], float],
    voice: Voice,
    *,
    within: float,
) -> _T:
    """Return ``work``'s result; a failure is retried for as many seconds as ``patience`` gives its kind.

    Raises:
        Transient: ``work`` was not done within so many seconds. It is abandoned, wherever it hangs.
        GuardError: what else ``work`` ended in.
    """
    started = time.monotonic()
    pause, attempts = _FIRST_PAUSE, 1
    while True:
        try:
            done = _in_time(_with_own_errors(work, guard), started + within)
            if done is not None:
                return done
            raise Transient(
                f"no answer came in {format_duration(within)} from the service, or from where the credentials are "
                "looked for."
            )
        except ServiceError as error:
            elapsed, limit = time.monotonic() - started, patience(error)
            if elapsed + pause > limit:
                if attempts > 1:
                    _add(error, f"It was asked {attempts} times in {format_duration(elapsed)}.")
                raise
            ordered = (error.retry_after if isinstance(error, Throttled) else None) or 0.0
            wait = max(pause, min(ordered, LONGEST_WAIT))
            wait = wait if elapsed + wait <= limit else pause
            hint = f" If {guard.connection.place} is mistyped, correct it." if isinstance(error, Transient) else ""
            voice.say_waiting(
                f"not ready yet, asked again ({attempts}); {format_duration(elapsed)} so far, "
                f"{format_duration(limit - elapsed)} left: {error}{hint}",
                news=f"{type(error).__name__} {error.operation}",
            )
            time.sleep(wait)
            pause, attempts = min(pause * 2, _LONGEST_PAUSE), attempts + 1


def _in_time(work: Callable[[Reads], _T], deadline: float) -> _T | None:
    """Return ``work``'s result; None if it was not done by the deadline, on ``time.monotonic``'s clock."""
    # In a thread: what SDKs ask for credentials may never answer. No read of it begins after the deadline.
    reads = Reads(until=deadline)
    results = each(lambda _: work(reads), [None], workers=1, deadline=deadline)
    return next((result for _, result in results), None)


def _with_own_errors(work: Callable[[Reads], _T], guard: GuardArguments) -> Callable[[Reads], _T]:
    """``work``, run in a thread, with an ``UnexpectedError`` for any exception that is not this package's own."""

    def run_it(reads: Reads) -> _T:
        try:
            return work(reads)
        except GuardError:
            raise
        # In a thread of its own nothing means this process: an SDK's exit ends that thread and nothing else.
        except BaseException as error:
            raise _unexpected(error, guard) from error

    return run_it


def _unexpected(error: BaseException, guard: GuardArguments) -> UnexpectedError:
    return UnexpectedError(error, f"reaching the jobs in {guard.connection.place}", f"{_REMEDY} {_IGNORE_REMEDY}")


def _patience(guard: GuardArguments, error: ServiceError) -> float:
    if isinstance(error, (Transient, Throttled)):
        return guard.options.timeout
    return guard.connection.settles_in(error)


def verify_account(service: JobService, wanted: str | None, reads: Reads | None = None) -> str:
    """Return the account that ``service`` leads to, if it is the wanted one or any will do.

    Raises:
        WrongAccount: it is another.
        ServiceError: it could not be found out.
    """
    account = service.account(reads or Reads())
    if wanted and account != wanted:
        raise WrongAccount(
            f"the credentials lead to account {account}, and the guard was made for {wanted}: nothing was "
            "stopped or taken away.",
            advice=f"Use the credentials of {wanted} and run this again; if that account is gone for good, "
            f"{ON_DELETE}=ignore goes on without looking.",
        )
    return account


def verify_move(old: GuardArguments, new: GuardArguments) -> str:
    """Return the account, if the new credentials or endpoint lead to the one that the guard was made for.

    Raises:
        GuardError: they lead to another, or it could not be found out.
    """
    try:
        return _reach(_in_account_of(old, new), new.options, _voice(new, _STOP_WAITING))[1]
    except (ServiceError, InvalidArgument) as error:
        _add(error, "The guard was not changed and nothing was stopped: fix this and run the same command again.")
        raise


def tear_down(
    guard: GuardArguments,
    *,
    occasion: Occasion = Occasion.DELETE,
    chosen: Overrides | None = None,
    voice: Voice | None = None,
    on_receipt: Callable[[Receipt], None] | None = None,
    reword: Callable[[GuardError], str] = str,
) -> Report:
    """Stop what is in flight in the guard's scope and wait until quiet, by its mode or the environment's override.

    Args:
        occasion: for the receipt.
        chosen: what overrides the guard's own mode and timeout; by default what the environment says.
        voice: says how it goes; by default the guard's own.
        on_receipt: is given the receipt, also of a failed teardown.
        reword: returns the message of a failure, for where no environment variable decides.

    Returns:
        What was done; ``looked`` is False where mode ``ignore`` could not even look.

    Raises:
        GuardError: it did not reach quiet, or could not tell.
    """
    return _run(guard, partial(coverage, guard.scopes), occasion, chosen, voice, on_receipt, reword)


def stop_left_behind(old: GuardArguments, new: GuardArguments) -> None:
    """Stop what the old scope covered and the new one does not, by the new guard's mode.

    Raises:
        GuardError: it did not reach quiet, or could not tell.
    """
    if set(old.scopes) <= set(new.scopes):
        return
    guard = _in_account_of(old, new)
    voice, chosen = _voice(guard), overrides(guard.name, stack=guard.stack)
    fate = _LEFT_BEHIND[chosen.mode or guard.options.mode]
    voice.say(f"the scope has changed: what the old one covered and the new one does not {fate}")
    _run(guard, partial(left_behind, old.scopes, new.scopes), Occasion.UPDATE, chosen, voice)


def _in_account_of(old: GuardArguments, new: GuardArguments) -> GuardArguments:
    return replace(new, connection=replace(new.connection, account_id=old.connection.account_id))


_LEFT_BEHIND: Final = {
    Mode.CANCEL: "is stopped",
    Mode.DRAIN: "is waited for",
    Mode.FAIL: "must not be in flight",
    Mode.IGNORE: "is left running",
}
"""What an update does, by its mode, with the jobs that the new scope does not cover."""


@dataclass(frozen=True)
class Prospect:
    """What a teardown would meet now. ``undecided``: batches of which it is not known whether they are in scope."""

    jobs: tuple[Job, ...]
    undecided: tuple[Job, ...]


def in_flight(guard: GuardArguments, new: GuardArguments | None = None, *, within: float) -> Prospect | None:
    """What a teardown of the guard would meet now; with ``new``, what the change to it would leave behind.

    Returns:
        None if that cannot be found out within so many seconds.
    """
    covers = partial(left_behind, guard.scopes, new.scopes) if new else partial(coverage, guard.scopes)

    def look(reads: Reads) -> Prospect | None:
        try:
            service, _ = _open(guard, reads)
            decided: dict[Coverage, list[Job]] = {decision: [] for decision in Coverage}
            for job in service.list_in_flight(reads):
                decision = covers(job)
                if decision is Coverage.UNKNOWN:
                    decision = covers(service.locate(job, reads))
                decided[decision].append(job)
            return Prospect(tuple(decided[Coverage.COVERED]), tuple(decided[Coverage.UNKNOWN]))
        except BaseException:
            # Whatever it is, a line about a change must not make its preview fail: it shows where it counts.
            return None

    return _in_time(look, time.monotonic() + within)


def _run(
    guard: GuardArguments,
    covers: Callable[[Job], Coverage],
    occasion: Occasion,
    chosen: Overrides | None = None,
    voice: Voice | None = None,
    on_receipt: Callable[[Receipt], None] | None = None,
    reword: Callable[[GuardError], str] = str,
) -> Report:
    voice = voice or _voice(guard)
    chosen = chosen or overrides(guard.name, stack=guard.stack)
    options = _options(guard, chosen, voice)
    begun = time.monotonic()
    # Placeholder for the runner's, so that a teardown that fails before it leaves a receipt too.
    at = guard.connection
    report = Report(at.service, at.place, at.account_id or "", options, datetime.now(timezone.utc))
    failure: BaseException | None = None

    def watch(grown: Report) -> None:
        nonlocal report
        report = grown
        voice.observe(grown)

    try:
        service, account = _reach(guard, options, voice)
        report = run(
            service,
            covers,
            options,
            account=account,
            pace=pace_of(at.service, account, at.place),
            read_pace=pace_of(at.service, account, at.place, "read"),
            observe=watch,
            spent=time.monotonic() - begun,
        )
        closing = _closing(report)
    except KeyboardInterrupt as error:
        failure = error
        raise
    except BaseException as error:
        if isinstance(error, TeardownError):
            report = error.report
        if options.mode is not Mode.IGNORE:
            failure = _failure(error, guard, report)
            failure.args = (reword(failure), *failure.args[1:])
            if failure is error:
                raise
            raise failure from error
        closing = f"mode ignore: could not look what is left ({_said(error)}); going on"
    finally:
        if chosen.receipts is not None or on_receipt is not None:
            _leave_receipt(guard, report, occasion, failure, voice, chosen.receipts, on_receipt)
    voice.say(closing)
    return report


def _failure(error: BaseException, guard: GuardArguments, report: Report) -> GuardError:
    """What a teardown that does not ignore it raises for ``error``."""
    # Invalid is what the environment has: the properties were read before.
    if isinstance(error, (ServiceError, InvalidArgument)):
        return CannotTell(
            f"could not find out whose jobs the credentials lead to: {error}",
            report,
            advice="Nothing was stopped or taken away: fix this and run the same command again; if the account is gone "
            f"for good, {ON_DELETE}=ignore goes on without looking (docs/runbook.md).",
        )
    return error if isinstance(error, GuardError) else _unexpected(error, guard)


def _said(error: BaseException) -> str:
    return str(error if isinstance(error, GuardError) else UnexpectedError(error, "the look", "")).rstrip(". ")


def _reach(guard: GuardArguments, options: TeardownOptions, voice: Voice) -> tuple[JobService, str]:
    """The service and the account that it leads to; what can pass by itself is tried again while time lasts."""

    def patience(error: ServiceError) -> float:
        passes = isinstance(error, (Transient, Throttled)) and options.mode is not Mode.IGNORE
        return options.timeout if passes else 0.0

    within = min(options.timeout, IGNORE_LOOKS_FOR) if options.mode is Mode.IGNORE else options.timeout
    return _retried(guard, partial(_open, guard), patience, voice, within=within)


def _open(guard: GuardArguments, reads: Reads) -> tuple[JobService, str]:
    """Return the service and the account that it leads to, which must be the one that the guard was made for."""
    service = guard.connection.open(reads)
    # An edited state, or one of an older release, may be without the account that was found when it was made.
    return service, verify_account(service, guard.connection.account_id or guard.expected_account_id, reads)


def _leave_receipt(
    guard: GuardArguments,
    report: Report,
    occasion: Occasion,
    failure: BaseException | None,
    voice: Voice,
    directory: Path | None,
    on_receipt: Callable[[Receipt], None] | None,
) -> None:
    """Make the receipt, write it, and hand it over. What was done is done: without a receipt it does not fail."""
    try:
        # Few ask for one, and it comes with all that makes pages of it.
        from translation_job_guard.receipts import receipt, write

        made = receipt(
            report,
            guard=guard.name,
            stack=guard.stack,
            project=guard.project,
            occasion=occasion,
            error=failure,
            key_env=guard.connection.secret_env,
        )
        if on_receipt is not None:
            on_receipt(made)
        if directory is not None:
            voice.say(f"receipt: {write(made, directory)[0]}")
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        where = f" to {directory}" if directory is not None else ""
        voice.say(f"the receipt could not be written{where}: {reason}. The teardown itself is not affected")


def _options(guard: GuardArguments, chosen: Overrides, voice: Voice) -> TeardownOptions:
    """The guard's options with what the environment overrides, each said in one line."""
    options = guard.options
    if chosen.mode is not None:
        voice.say(f"{ON_DELETE} is in force: {chosen.mode.value} (the guard says {options.mode.value})")
        options = replace(options, mode=chosen.mode)
    elif chosen.only_for:
        others = ", ".join(chosen.only_for)
        voice.say(f"{ON_DELETE} is for {others}, not for this guard, which keeps its own mode: {options.mode.value}")
    if chosen.leave_undecided and guard.connection.service == AZURE_DOCUMENT_TRANSLATION:
        voice.say(f"{UNDECIDED} is in force: leave, so batches that may be in scope can be left running")
    if chosen.leave_undecided is not None:
        options = replace(options, leave_undecided=chosen.leave_undecided)
    if chosen.timeout is not None:
        voice.say(f"{TIMEOUT} is in force: {format_duration(chosen.timeout)}")
        options = _in_less_time(options, chosen.timeout)
    return _with_time_to_stop(options, guard.options.timeout, voice)


def _in_less_time(options: TeardownOptions, timeout: float) -> TeardownOptions:
    """Return ``options`` with another timeout."""
    # Mode ignore uses neither, and nothing must keep it from going on.
    if timeout <= options.quiet_period and options.mode is not Mode.IGNORE:
        quiet = format_duration(options.quiet_period)
        raise InvalidArgument(
            f"{TIMEOUT} is {format_duration(timeout)}, and the guard has to see nothing in flight for {quiet} "
            f"(quiet_period): give more than {quiet}."
        )
    return replace(options, timeout=timeout)


def _with_time_to_stop(options: TeardownOptions, stored_timeout: float, voice: Voice) -> TeardownOptions:
    """Return ``options`` with a grace period that leaves time to stop jobs, and to see nothing for ``quiet_period``.

    Whoever shortens the timeout of one run wants it over by then, with the jobs stopped, not refused. Stored durations
    that can never succeed are of an older release or an edited state: a delete must not fail because of them.
    """
    half = max(options.timeout - options.quiet_period, 0.0) / 2
    never = options.grace_period + options.quiet_period >= options.timeout
    if options.grace_period <= half or not (never or options.timeout < stored_timeout):
        return options
    if options.mode is Mode.CANCEL:
        voice.say(f"grace_period is shortened to {format_duration(half)}, so that there is time to stop the jobs")
    return replace(options, grace_period=half)


def _closing(report: Report) -> str:
    if report.quiet:
        return f"quiet: {report.summary()}{_ordered(report)}"
    if not report.looked:
        return f"mode ignore: could not look what is left in {report.place}; going on"
    left = f": {named(record.now for record in report.left)}" if report.left else ""
    undecided = f"; undecided, in scope or not: {named(report.undecided.values())}" if report.undecided else ""
    return f"mode ignore: left as it is: {report.summary()}{left}{undecided}"


def _ordered(report: Report) -> str:
    return f", {format_duration(report.waited)} of it in waits that the service ordered" if report.waited else ""


def _voice(guard: GuardArguments, way_out: str = _WAY_OUT) -> Voice:
    return Voice(label(guard.stack, guard.name), guard.connection.secret_env, way_out=way_out)
