"""What a guard does in its life: prove, leave behind, tear down. Knows no Pulumi."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from translation_job_guard.arguments import GuardArguments
from translation_job_guard.durations import format_duration
from translation_job_guard.errors import (
    CannotTell,
    CredentialsUnusable,
    Denied,
    GuardError,
    InvalidArgument,
    JobNotFound,
    Rejected,
    ServiceError,
    TeardownError,
    Throttled,
    Transient,
    WrongAccount,
)
from translation_job_guard.jobs import AMAZON_TRANSLATE, Coverage, Job, coverage, left_behind, named
from translation_job_guard.overrides import ON_DELETE, TIMEOUT, Overrides, overrides
from translation_job_guard.pace import pace_of
from translation_job_guard.progress import Voice, label
from translation_job_guard.runner import IGNORE_LOOKS_FOR, run
from translation_job_guard.services import JobService
from translation_job_guard.teardown import Mode, Occasion, Policy, Report
from translation_job_guard.threads import each

if TYPE_CHECKING:
    from translation_job_guard.receipts import Receipt

__all__ = [
    "Prospect",
    "connect",
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
_ROLE_ARRIVES = 30.0
"""Seconds that a fresh IAM role may take until it can be assumed."""
_KEY_ARRIVES = 60.0
"""Seconds that a fresh Azure account may take until its endpoint is there and its key is accepted."""
_ASSIGNMENT_ARRIVES = 300.0
"""Seconds that an Azure role assignment may take until it counts (Azure documentation: up to some minutes)."""


def connect(guard: GuardArguments) -> JobService:
    """The service that a guard's jobs run on.

    Raises:
        MissingExtra: the service's packages are not installed.
        ServiceError: there are no credentials to begin with.
    """
    if guard.service == AMAZON_TRANSLATE:
        from translation_job_guard.services import amazon

        return amazon.connect(guard.place, amazon.Credentials(guard.profile, guard.assume_role_arn), guard.endpoint_url)
    from translation_job_guard.services import azure

    return azure.connect(guard.place, azure.Credentials(guard.key_env, guard.account_resource_id), guard.api_version)


def prove(guard: GuardArguments) -> str:
    """Prove that the guard could do its work from here, and return the account. Stops nothing.

    What can pass is tried again until the guard's timeout: throttling, a name that does not resolve yet, and for some
    minutes a role, key or role assignment that has just been made.

    Raises:
        GuardError: it could not; the message names the permission or the account.
    """

    def work() -> str:
        service = connect(guard)
        account = service.account()
        if guard.expected_account_id and account != guard.expected_account_id:
            raise WrongAccount(
                f"the credentials lead to AWS account {account}, and expected_account_id is "
                f"{guard.expected_account_id}: nothing was made. Use the credentials of that account, or correct "
                "expected_account_id."
            )
        service.prove()
        return account

    timeout = guard.policy.timeout
    return _retried(work, lambda error: min(_patience(guard, error), timeout), _voice(guard), within=timeout)


def _retried(work: Callable[[], _T], patience: Callable[[ServiceError], float], voice: Voice, *, within: float) -> _T:
    """``work``'s result; a failure is tried again for as many seconds as ``patience`` gives its kind.

    Raises:
        Transient: ``work`` was not done within so many seconds. It is left behind, wherever it hangs.
    """
    started = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        try:
            done = _in_time(work, started + within)
            if done is not None:
                return done
            raise Transient(
                f"no answer came in {format_duration(within)} from the service, or from where the credentials are "
                "looked for."
            )
        except ServiceError as error:
            asked_for = error.retry_after if isinstance(error, Throttled) else None
            wait = max(pause, asked_for or 0.0)
            if time.monotonic() - started + wait > patience(error):
                raise
            voice.say(f"not ready yet, trying again: {error}")
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _in_time(work: Callable[[], _T], deadline: float) -> _T | None:
    """``work``'s result; None if it was not done by the deadline, on ``time.monotonic``'s clock."""
    # In a thread: SDKs attempt some times, and what they ask for credentials may never answer.
    results = each(lambda _: work(), [None], workers=1, deadline=deadline)
    return next((result for _, result in results), None)


def _patience(guard: GuardArguments, error: ServiceError) -> float:
    if isinstance(error, (Transient, Throttled)):
        return guard.policy.timeout
    if guard.service == AMAZON_TRANSLATE:
        fresh_role = isinstance(error, Denied) and error.permission == "sts:AssumeRole"
        return _ROLE_ARRIVES if fresh_role else 0.0
    if isinstance(error, Denied):
        # Where no permission is missing it is a key that is not let in: there is no role to wait for.
        return _ASSIGNMENT_ARRIVES if error.permission else 0.0
    if isinstance(error, CredentialsUnusable):
        fetched = guard.account_resource_id is not None and error.operation != "listKeys"
        return _KEY_ARRIVES if fetched or os.environ.get(guard.key_env, "").strip() else 0.0
    return _KEY_ARRIVES if isinstance(error, (JobNotFound, Rejected)) else 0.0


def verify_account(guard: GuardArguments, service: JobService) -> str:
    """The account that ``service`` leads to, if it is the one that the guard was made for.

    Raises:
        WrongAccount: it is another.
        ServiceError: it could not be found out.
    """
    account = service.account()
    # An edited state, or one of an older release, may be without the account that was found when it was made.
    wanted = guard.account_id or guard.expected_account_id
    if wanted and account != wanted:
        raise WrongAccount(
            f"the credentials lead to account {account}, and the guard was made for {wanted}: nothing was "
            f"stopped or taken away. Use the credentials of {wanted} and run this again; if that account is "
            f"gone for good, {ON_DELETE}=ignore goes on without looking."
        )
    return account


def verify_move(old: GuardArguments, new: GuardArguments) -> str:
    """The account, if the new credentials or endpoint lead to the one that the guard was made for.

    Raises:
        GuardError: they lead to another, or it could not be found out.
    """
    return _reach(replace(new, account_id=old.account_id), new.policy, _voice(new))[1]


def tear_down(
    guard: GuardArguments,
    *,
    occasion: Occasion = Occasion.DELETE,
    chosen: Overrides | None = None,
    voice: Voice | None = None,
    on_receipt: Callable[[Receipt], None] | None = None,
) -> Report:
    """Stop what is in flight in the guard's scope and wait until quiet, by its mode or the environment's override.

    Args:
        occasion: for the receipt.
        chosen: what overrides the guard's own mode and timeout; by default what the environment says.
        voice: says how it goes; by default the guard's own.
        on_receipt: is given the receipt, also of a failed teardown.

    Returns:
        What was done; ``looked`` is False where mode ``ignore`` could not even look.

    Raises:
        GuardError: it did not reach quiet, or could not tell.
    """
    return _run(guard, partial(coverage, guard.scopes), occasion, chosen, voice, on_receipt)


def stop_left_behind(old: GuardArguments, new: GuardArguments) -> None:
    """Stop what the old scope covered and the new one does not, by the new guard's mode.

    Raises:
        GuardError: it did not reach quiet, or could not tell.
    """
    if set(old.scopes) <= set(new.scopes):
        return
    guard = replace(new, account_id=old.account_id)
    _voice(guard).say("the scope has changed: what the old one covered and the new one does not is left behind")
    _run(guard, partial(left_behind, old.scopes, new.scopes), Occasion.UPDATE)


@dataclass(frozen=True)
class Prospect:
    """What a teardown would meet now. ``undecided`` are batches that cannot be tied to a container yet."""

    jobs: tuple[Job, ...]
    undecided: tuple[Job, ...]


def in_flight(guard: GuardArguments, new: GuardArguments | None = None, *, within: float) -> Prospect | None:
    """What a teardown of the guard would meet now; with ``new``, what the change to it would leave behind.

    Returns:
        None if that cannot be found out within so many seconds.
    """
    covers = partial(left_behind, guard.scopes, new.scopes) if new else partial(coverage, guard.scopes)

    def look() -> Prospect | None:
        try:
            service = connect(guard)
            verify_account(guard, service)
            decided: dict[Coverage, list[Job]] = {decision: [] for decision in Coverage}
            for job in service.list_in_flight():
                decision = covers(job)
                if decision is Coverage.UNKNOWN:
                    decision = covers(service.locate(job))
                decided[decision].append(job)
            return Prospect(tuple(decided[Coverage.COVERED]), tuple(decided[Coverage.UNKNOWN]))
        except Exception:
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
) -> Report:
    voice = voice or _voice(guard)
    chosen = chosen or overrides(guard.name)
    policy = _policy(guard.policy, chosen, voice)
    begun = time.monotonic()
    # Stands for the runner's until that has begun, so that a teardown that fails before it leaves a receipt too.
    report = Report(guard.service, guard.place, guard.account_id or "", policy, datetime.now(timezone.utc))
    failure: BaseException | None = None

    def watch(grown: Report) -> None:
        nonlocal report
        report = grown
        voice.observe(grown)

    try:
        try:
            service, account = _reach(guard, policy, voice)
        except GuardError as error:
            if policy.mode is Mode.IGNORE:
                voice.say(f"mode ignore: could not look what is left ({error}); going on")
                return report
            if not isinstance(error, ServiceError):
                raise
            raise CannotTell(
                f"whose jobs the credentials lead to cannot be found out: {error} Nothing was stopped or taken away: "
                f"mend this and run the same command again; if the account is gone for good, {ON_DELETE}=ignore goes "
                "on without looking.",
                report,
            ) from error
        report = run(
            service,
            covers,
            policy,
            account=account,
            pace=pace_of(guard.service, account, guard.place),
            read_pace=pace_of(guard.service, account, guard.place, "read"),
            observe=watch,
            spent=time.monotonic() - begun,
        )
        voice.say(_closing(report))
        return report
    except BaseException as error:
        failure = error
        if isinstance(error, TeardownError):
            report = error.report
        raise
    finally:
        if chosen.receipts is not None or on_receipt is not None:
            made = _receipt(guard, report, occasion, failure)
            if chosen.receipts is not None:
                _write_receipt(made, chosen.receipts, voice)
            if on_receipt is not None:
                on_receipt(made)


def _reach(guard: GuardArguments, policy: Policy, voice: Voice) -> tuple[JobService, str]:
    """The service and the account that it leads to; what can pass by itself is tried again while time lasts."""

    def work() -> tuple[JobService, str]:
        service = connect(guard)
        return service, verify_account(guard, service)

    def patience(error: ServiceError) -> float:
        passes = isinstance(error, (Transient, Throttled)) and policy.mode is not Mode.IGNORE
        return policy.timeout if passes else 0.0

    within = min(policy.timeout, IGNORE_LOOKS_FOR) if policy.mode is Mode.IGNORE else policy.timeout
    return _retried(work, patience, voice, within=within)


def _receipt(guard: GuardArguments, report: Report, occasion: Occasion, failure: BaseException | None) -> Receipt:
    # Few ask for one, and it comes with all that makes pages of it.
    from translation_job_guard.receipts import receipt

    return receipt(
        report,
        guard=guard.name,
        stack=guard.stack,
        project=guard.project,
        occasion=occasion,
        error=failure,
        key_env=guard.key_env,
    )


def _write_receipt(made: Receipt, directory: Path, voice: Voice) -> None:
    from translation_job_guard.receipts import write

    try:
        written = write(made, directory)
        voice.say(f"receipt: {written[0]}")
    except (OSError, ValueError) as error:
        # What was done is done: a receipt that is missing does not undo it, and must not make a destroy fail.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        voice.say(f"the receipt could not be written to {directory}: {reason}. The teardown itself is not affected")


def _policy(policy: Policy, chosen: Overrides, voice: Voice) -> Policy:
    if chosen.mode is not None:
        voice.say(f"{ON_DELETE} is in force: {chosen.mode.value} (the guard says {policy.mode.value})")
        policy = replace(policy, mode=chosen.mode)
    if chosen.timeout is not None:
        voice.say(f"{TIMEOUT} is in force: {format_duration(chosen.timeout)}")
        if chosen.timeout <= policy.quiet_period:
            raise InvalidArgument(
                f"{TIMEOUT} must be longer than the guard's quiet_period ({format_duration(policy.quiet_period)})."
            )
        policy = replace(policy, timeout=chosen.timeout, grace_period=min(policy.grace_period, chosen.timeout))
    return policy


def _closing(report: Report) -> str:
    if report.quiet:
        return f"quiet: {report.summary()}"
    if not report.looked:
        return f"mode ignore: could not look what is left in {report.place}; going on"
    left = f": {named(record.now for record in report.left)}" if report.left else ""
    undecided = f"; not tied to a container yet: {named(report.undecided.values())}" if report.undecided else ""
    return f"mode ignore: left as it is: {report.summary()}{left}{undecided}"


def _voice(guard: GuardArguments) -> Voice:
    return Voice(label(guard.stack, guard.name), guard.key_env)
