"""What a guard does in its life: prove, stop what a change leaves behind, tear down.

Mode ``ignore`` lets a teardown through whatever the environment or the service answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import (
    GuardError,
    Interrupted,
    InvalidArgument,
    ServiceError,
    UnexpectedError,
    WrongAccount,
)
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.environment import ON_DELETE, Overrides, options_in_force, read_environment
from translation_job_guard.guard.host import current_host
from translation_job_guard.guard.progress import Voice, guard_voice
from translation_job_guard.guard.retries import add_advice, is_transient, retried, unexpected
from translation_job_guard.jobs import Coverage, Job, counted, coverage, left_behind, named
from translation_job_guard.services import JobService
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import CannotTell, Mode, Occasion, Report, TeardownError, TeardownOptions
from translation_job_guard.teardown.pace import pace_of
from translation_job_guard.teardown.runner import IGNORE_LOOKS_FOR, run

if TYPE_CHECKING:
    from translation_job_guard.receipts import Receipt

__all__ = ["connect", "prove", "stop_left_behind", "tear_down", "verify_account", "verify_move"]


def prove(guard: GuardArguments) -> str:
    """Prove that the guard could do its work from here, and return the account. Stops nothing.

    Transient errors are retried until the guard's timeout: throttling, a host name that does not resolve yet, and for
    some minutes a role, key or role assignment that has just been made.

    Raises:
        GuardError: The guard could not; the message names the permission or the account.
    """

    def work(reads: Reads) -> str:
        service = guard.connection.open(reads)
        account = service.account(reads)
        if guard.expected_account_id and account != guard.expected_account_id:
            raise WrongAccount(
                f"the credentials lead to AWS account {account}, and `expected_account_id` is "
                f"{guard.expected_account_id}. Use the credentials of that account, or correct `expected_account_id`."
            )
        service.prove(reads)
        return account

    def patience(error: ServiceError) -> float:
        return timeout if is_transient(error) else min(guard.connection.settles_in(error), timeout)

    timeout = guard.options.timeout
    try:
        return retried(guard.connection, work, patience, guard_voice(guard, _stop_waiting()), within=timeout)
    except (ServiceError, InvalidArgument) as error:
        add_advice(error, "The guard was not made and nothing was stopped: fix this and run the same command again.")
        raise


def verify_account(service: JobService, wanted: str | None, reads: Reads | None = None) -> str:
    """Return the account that ``service`` leads to, if it is the wanted one or any will do.

    Raises:
        WrongAccount: It is another.
        ServiceError: It could not be found out.
    """
    account = service.account(reads or Reads())
    if wanted and account != wanted:
        raise WrongAccount(
            f"the credentials lead to account {account}, and the guard was made for {wanted}: nothing was "
            "stopped or deleted.",
            advice=f"Use the credentials of {wanted} and run this again; if that account is gone for good, "
            f"{ON_DELETE}=ignore goes on without looking.",
        )
    return account


def verify_move(old: GuardArguments, new: GuardArguments) -> str:
    """Return the account, if the new credentials or endpoint lead to the one that the guard was made for.

    Raises:
        GuardError: They lead to another, or it could not be found out.
    """
    try:
        return _reach(_in_account_of(old, new), new.options, guard_voice(new, _stop_waiting()))[1]
    except (ServiceError, InvalidArgument) as error:
        add_advice(error, "The guard was not changed and nothing was stopped: fix this and run the same command again.")
        raise


def connect(guard: GuardArguments, reads: Reads) -> tuple[JobService, str]:
    """Return the service and its account, which must be the one that the guard was made for.

    Raises:
        WrongAccount: The credentials lead to another account.
        ServiceError: The account could not be found out.
    """
    service = guard.connection.open(reads)
    # An edited state, or one of an older release, may be without the account that was found when it was made.
    return service, verify_account(service, guard.connection.account_id or guard.expected_account_id, reads)


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
        guard: The guard as it is stored.
        occasion: What the teardown is for; stands in the receipt.
        chosen: What overrides the guard's own mode and timeout; by default what the environment says.
        voice: Prints how it goes; by default as the guard, to standard output.
        on_receipt: Is called with the receipt, also of a failed teardown.
        reword: Returns the message of a failure, for where no environment variable decides.

    Returns:
        What was done; ``looked`` is False where mode ``ignore`` could not even look.

    Raises:
        GuardError: It did not reach quiet, or could not tell.
    """
    voice = voice or guard_voice(guard, _way_out())
    chosen = chosen or read_environment(guard.name, stack=guard.stack)
    return _run(_Teardown(guard, partial(coverage, guard.scopes), chosen, voice, occasion, on_receipt, reword))


def stop_left_behind(old: GuardArguments, new: GuardArguments) -> None:
    """Stop what the old scope covered and the new one does not, by the new guard's mode.

    Raises:
        GuardError: It did not reach quiet, or could not tell.
    """
    if set(old.scopes) <= set(new.scopes):
        return
    guard = _in_account_of(old, new)
    voice, chosen = guard_voice(guard, _way_out()), read_environment(guard.name, stack=guard.stack)
    fate = _LEFT_BEHIND[chosen.mode or guard.options.mode]
    voice.say(f"the scope has changed: what the old one covered and the new one does not {fate}")
    _run(_Teardown(guard, partial(left_behind, old.scopes, new.scopes), chosen, voice, Occasion.UPDATE))


_LEFT_BEHIND: Final = {
    Mode.CANCEL: "is stopped",
    Mode.DRAIN: "is waited for",
    Mode.FAIL: "must not be in flight",
    Mode.IGNORE: "is left running",
}
"""What an update does, by its mode, with the jobs that the new scope does not cover."""


def _stop_waiting() -> str:
    return f"To stop waiting, {current_host().keys}; the same command goes on from there (docs/runbook.md)"


def _way_out() -> str:
    return f"{_stop_waiting()}, and with {ON_DELETE}=ignore it leaves the jobs running"


def _in_account_of(old: GuardArguments, new: GuardArguments) -> GuardArguments:
    return replace(new, connection=replace(new.connection, account_id=old.connection.account_id))


def _reach(guard: GuardArguments, options: TeardownOptions, voice: Voice) -> tuple[JobService, str]:
    """Return the service and its account; transient errors are retried while time lasts."""
    ignores = options.mode is Mode.IGNORE
    return retried(
        guard.connection,
        partial(connect, guard),
        lambda error: options.timeout if is_transient(error) and not ignores else 0.0,
        voice,
        within=min(options.timeout, IGNORE_LOOKS_FOR) if ignores else options.timeout,
    )


@dataclass
class _Teardown:
    """One teardown of a guard: what it is to do, and how far it has come."""

    guard: GuardArguments
    covers: Callable[[Job], Coverage]
    chosen: Overrides
    voice: Voice
    occasion: Occasion
    on_receipt: Callable[[Receipt], None] | None = None
    reword: Callable[[GuardError], str] = str
    options: TeardownOptions = field(init=False)
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        at = self.guard.connection
        self.options = options_in_force(self.guard, self.chosen, self.voice)
        # A placeholder until the runner has its own, so that early failures still leave a receipt.
        now = datetime.now(timezone.utc)
        self.report = Report(at.service, at.place, at.account_id or "", self.options, now)

    def perform(self) -> None:
        """Reach the service and run the teardown."""
        begun, at = time.monotonic(), self.guard.connection
        service, account = _reach(self.guard, self.options, self.voice)
        self.report = run(
            service,
            self.covers,
            self.options,
            account=account,
            pace=pace_of(at.service, account, at.place),
            read_pace=pace_of(at.service, account, at.place, "read"),
            clock=current_host().clock,
            observe=self._observe,
            spent=time.monotonic() - begun,
        )

    def _observe(self, grown: Report) -> None:
        self.report = grown
        self.voice.observe(grown)

    def failure(self, error: BaseException) -> GuardError:
        """Return what a teardown that does not ignore ``error`` raises for it."""
        # Whatever error a wait that was interrupted ended in.
        if current_host().interrupted:
            return self._interrupted()
        failure = error if isinstance(error, GuardError) else unexpected(error, self.guard.connection)
        # Only the environment can be invalid here: the properties were read before.
        if isinstance(error, (ServiceError, InvalidArgument)):
            failure = CannotTell(
                f"could not find out whose jobs the credentials lead to: {error}",
                self.report,
                advice="Nothing was stopped or deleted: fix this and run the same command again; if the account is "
                f"gone for good, {ON_DELETE}=ignore goes on without looking (docs/runbook.md).",
            )
        failure.args = (self.reword(failure), *failure.args[1:])
        return failure

    def _interrupted(self) -> Interrupted:
        left = self.report.left
        asked = sum(record.asks > 0 for record in left)
        standing = "nothing is in flight as far as it is known"
        if left:
            standing = (
                f"{counted(len(left), 'job is', 'jobs are')} in flight, {asked:,} asked to stop: "
                f"{named(record.now for record in left)}"
            )
        return Interrupted(f"interrupted: {standing}. Nothing is lost: run it again, and it goes on from here.")

    def closing(self) -> str:
        """Return the last line of a teardown that did not fail."""
        report = self.report
        if report.quiet:
            ordered = f", {format_duration(report.waited)} of it in waits that the service ordered"
            return f"quiet: {report.summary()}{ordered if report.waited else ''}"
        if not report.looked:
            return f"mode ignore: could not find out what is left in {report.place}; continuing"
        left = f": {named(record.now for record in report.left)}" if report.left else ""
        undecided = f"; undecided, in scope or not: {named(report.undecided.values())}" if report.undecided else ""
        return f"mode ignore: left as it is: {report.summary()}{left}{undecided}"


def _run(teardown: _Teardown) -> Report:
    failure: BaseException | None = None
    try:
        teardown.perform()
        closing = teardown.closing()
    except KeyboardInterrupt as error:
        failure = error
        raise
    except BaseException as error:
        if isinstance(error, TeardownError):
            teardown.report = error.report
        if teardown.options.mode is not Mode.IGNORE:
            failure = teardown.failure(error)
            if failure is error:
                raise
            raise failure from error
        reason = str(error if isinstance(error, GuardError) else UnexpectedError(error, "the look", "")).rstrip(". ")
        closing = f"mode ignore: could not find out what is left ({reason}); continuing"
    finally:
        _leave_receipt(teardown, failure)
    teardown.voice.say(closing)
    return teardown.report


def _leave_receipt(teardown: _Teardown, failure: BaseException | None) -> None:
    """Make the receipt, hand it over and write it, if anybody asked. A receipt that cannot be made fails nothing."""
    directory: Path | None = teardown.chosen.receipts
    if directory is None and teardown.on_receipt is None:
        return
    guard, voice = teardown.guard, teardown.voice
    try:
        # Few ask for one, and it imports all that makes pages of it.
        from translation_job_guard.receipts import receipt, write

        made = receipt(
            teardown.report,
            guard=guard.name,
            stack=guard.stack,
            project=guard.project,
            occasion=teardown.occasion,
            error=failure,
            key_env=guard.connection.secret_env,
        )
        if teardown.on_receipt is not None:
            teardown.on_receipt(made)
        if directory is not None:
            voice.say(f"receipt: {write(made, directory)[0]}")
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        where = f" to {directory}" if directory is not None else ""
        voice.say(f"the receipt could not be written{where}: {reason}. The teardown itself is not affected")
