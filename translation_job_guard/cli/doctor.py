"""``doctor``: check whether guards can do their work from here."""

from __future__ import annotations

import base64
import binascii
import email.utils
import pickletools
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.doctor_machine import check_machine, project_file
from translation_job_guard.cli.doctor_result import Check, DoctorResult, Health
from translation_job_guard.cli.estate import Survey, named_besides, request_of, surveyed
from translation_job_guard.cli.options import (
    AccountOptions,
    CredentialOptions,
    LookOptions,
    OutputOptions,
    PlaceOptions,
    StackOptions,
)
from translation_job_guard.cli.output import emit, prepare
from translation_job_guard.cli.places import connections, given_places, places_of_environment
from translation_job_guard.cli.stacks import StackOrError, given_stacks
from translation_job_guard.durations import format_duration
from translation_job_guard.errors import CredentialsUnusable, Denied, GuardError, InvalidArgument, MissingExtra
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.environment import parse_timeout, read_environment
from translation_job_guard.jobs import counted
from translation_job_guard.looking import Sight
from translation_job_guard.redaction import redact
from translation_job_guard.services import Connection, JobService
from translation_job_guard.state import StateGuard
from translation_job_guard.teardown import Mode
from translation_job_guard.threads import each_within

__all__ = ["doctor", "run"]

SKEW_REFUSED: Final = 300
"""Seconds that a clock may be off until AWS refuses its signatures (AWS General Reference)."""
SKEW_NOTED: Final = 30
"""Seconds from which a warning is due."""


def run(
    places: PlaceOptions,
    accounts: AccountOptions,
    stacks: StackOptions,
    credentials: CredentialOptions,
    looking: LookOptions,
    output: OutputOptions,
) -> int:
    """Check whether guards can work from here, and show what was found; returns the exit code.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    sinks = prepare(output)
    timeout = parse_timeout("--timeout", looking.timeout)
    request, named = request_of(accounts, places, credentials), bool(stacks.stack or stacks.state)
    read = given_stacks(stacks) if named or project_file(Path.cwd()) else []
    if request.wanted:
        besides = connections(named_besides(request, places), credentials)
        with surveyed(request, timeout) as survey:
            result = doctor([*survey.found.connections, *besides], read, timeout=timeout, survey=survey)
        return emit(result, sinks, [credentials.key_env])
    names = given_places(places)
    if not any(names.values()) and not named:
        names = places_of_environment(credentials.profile)
    return emit(doctor(connections(names, credentials), read, timeout=timeout), sinks, [credentials.key_env])


def doctor(
    places: Sequence[Connection], stacks: Sequence[StackOrError], *, timeout: float, survey: Survey | None = None
) -> DoctorResult:
    """Check this machine, every place, and every guard of the stacks with the place that it works at.

    Starts and stops nothing: the permission to stop is proved with a job that cannot exist.
    """
    checks = list(check_machine(stacks))
    guards = [(one.stack.label, guard) for one in stacks if one.stack for guard in one.stack.guards]
    of_guards = [guard.arguments.connection for _, guard in guards if guard.arguments]
    # A place that a guard looks at with the same credentials is checked with the guard.
    known = set(map(_by_credentials, of_guards))
    unique = list(dict.fromkeys([*(one for one in places if _by_credentials(one) not in known), *of_guards]))
    if not unique and not stacks and survey is None:
        says = "nothing: give --region, --endpoint, --stack or --state, or run this in a project's directory."
        checks.append(Check("This machine", "looked at", Health.UNKNOWN, says))
    found: dict[int, list[Check] | None] = {}
    if survey is not None:
        survey.progress.begin(len(unique))
    for index, some in each_within(
        lambda place: list(_place(place)), unique, workers=_workers(unique, survey), limit=timeout
    ):
        found[index] = some
        if survey is not None:
            survey.progress.count(failed=some is None or any(one.health is not Health.GOOD for one in some))
    for sight in survey.found.sights if survey is not None else ():
        checks.append(_found(sight))
    for index, place in enumerate(unique):
        silent = Check(place.label, "service", Health.UNKNOWN, f"no answer in {format_duration(timeout)}")
        checks += found[index] or [silent]
    for one in stacks:
        checks += _stack(one)
    for label, guard in guards:
        checks += _guard(label, guard)
    return DoctorResult(datetime.now(timezone.utc), tuple(checks))


def _workers(places: Sequence[Connection], survey: Survey | None) -> int:
    return survey.request.concurrency if survey is not None else len(places) or 1


def _found(sight: Sight) -> Check:
    """Return the check of something of an estate that was not looked at."""
    about = f"{sight.connection.title} {sight.account or ''} {sight.connection.place}".replace("  ", " ")
    if sight.failure is None:
        return Check(about, "can have batches", Health.WARNING, f"no: {sight.remark}")
    return Check(about, "credentials", _health(sight.failure), _words(sight.failure, sight.connection))


def _by_credentials(connection: Connection) -> tuple[Any, ...]:
    names = {field.name for field in fields(connection) if field.compare} - {"account_id", "endpoint_url"}
    return connection.service, *(getattr(connection, name) for name in sorted(names))


# A place


def _place(place: Connection) -> Iterator[Check]:
    about = place.label
    try:
        service = place.open()
        account = lifecycle.verify_account(service, place.account_id)
    except GuardError as error:
        yield Check(about, "credentials", _health(error), _words(error, place))
        return
    # Of an Azure account only the endpoint is known.
    says = "found" if account in place.place.lower() else f"lead to account {account}"
    yield Check(about, "credentials", Health.GOOD, says)
    try:
        service.prove()
        yield Check(about, "permissions", Health.GOOD, "listing and stopping are permitted")
    except GuardError as error:
        yield Check(about, "permissions", _health(error), _words(error, place))
    yield _clock(about, service)


def _health(error: GuardError) -> Health:
    # A definite refusal is a finding; after a transient error nothing is known.
    definite = isinstance(error, (Denied, CredentialsUnusable, MissingExtra)) or not hasattr(error, "operation")
    return Health.BAD if definite else Health.UNKNOWN


def _clock(about: str, service: JobService) -> Check:
    """Compare this machine's clock with the service's, which refuses signatures and tokens if it is far off."""
    url = str(getattr(service, "url", service.place))
    try:
        asked = time.time()
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                date = answer.headers.get("Date")
        except urllib.error.HTTPError as error:
            date = error.headers.get("Date")
            error.close()
        theirs = email.utils.parsedate_to_datetime(date or "")
    except (OSError, ValueError, TypeError) as error:
        return Check(about, "clock", Health.WARNING, f"the service's time could not be seen ({type(error).__name__})")
    skew = abs(theirs.timestamp() - (asked + time.time()) / 2)
    if skew >= SKEW_NOTED:
        health = Health.BAD if skew >= SKEW_REFUSED else Health.WARNING
        return Check(about, "clock", health, f"{format_duration(skew)} off: set this machine's clock.")
    return Check(about, "clock", Health.GOOD, "agrees with the service's")


def _words(error: GuardError, place: Connection) -> str:
    return redact(" ".join(str(error).split()), place.secret_env)


# A stack and its guards


def _stack(one: StackOrError) -> Iterator[Check]:
    about = f"Stack {one.stack.label if one.stack else one.source}"
    if one.stack is None:
        yield Check(about, "state", Health.UNKNOWN, one.error or "cannot be read")
        return
    yield Check(about, "state", Health.GOOD, counted(len(one.stack.guards), "guard", "guards"))
    if one.stack.interrupted:
        names = ", ".join(one.stack.interrupted)
        says = f"interrupted: {names}. `pulumi cancel` removes a lock, `pulumi refresh` clears these."
        yield Check(about, "operations", Health.WARNING, says)


def _guard(label: str, guard: StateGuard) -> Iterator[Check]:
    about = f"Guard {label}/{guard.name}"
    if guard.arguments is None:
        health = Health.UNKNOWN if guard.needs_secrets else Health.BAD
        yield Check(about, "properties", health, guard.problem or "cannot be read")
    else:
        arguments = guard.arguments
        options = arguments.options
        where = arguments.connection.label
        says = f"{options.mode.value}, timeout {format_duration(options.timeout)}; works at {where}"
        yield Check(about, "properties", Health.GOOD, says)
        yield from _override(about, arguments)
    yield _loadable(about, guard)
    if guard.obstacles:
        yield from (Check(about, "would be called", Health.BAD, obstacle) for obstacle in guard.obstacles)
    else:
        yield Check(about, "would be called", Health.GOOD, "yes, by a destroy")
    if guard.protect:
        says = "`pulumi destroy` refuses until it is unprotected"
        yield Check(about, "protect", Health.WARNING, says)
    if guard.pending_deletion:
        says = "its deletion has begun and goes on with the next `pulumi up` or `pulumi destroy`"
        yield Check(about, "deletion", Health.WARNING, says)


def _override(about: str, arguments: GuardArguments) -> Iterator[Check]:
    try:
        chosen = read_environment(arguments.name, stack=arguments.stack)
    except InvalidArgument:
        return  # the check of the machine has said so
    too_short = chosen.timeout is not None and chosen.timeout <= arguments.options.quiet_period
    if too_short and (chosen.mode or arguments.options.mode) is not Mode.IGNORE:
        says = (
            f"the timeout of this environment is no longer than its quiet_period: {arguments.options.quiet_period:g} s"
        )
        yield Check(about, "timeout", Health.BAD, says)


def _loadable(about: str, guard: StateGuard) -> Check:
    """Check whether this package has the class that the state refers to. Its pickle is read and never loaded."""
    name = "can be loaded"
    reference = _reference(guard.provider)
    if reference is None:
        says = "the state has no reference to its class: run `pulumi up`, which writes it again."
        return Check(about, name, Health.BAD, says)
    module, qualified = reference
    from translation_job_guard import provider

    if module == provider.__name__ and hasattr(provider, qualified):
        return Check(about, name, Health.GOOD, f"{module}.{qualified}")
    says = (
        f"the state refers to {module}.{qualified}, which translation-job-guard {__version__} does not have: install "
        "the release that wrote it for the destroy, or run `pulumi up` with this one first."
    )
    return Check(about, name, Health.BAD, says)


def _reference(provider: str | None) -> tuple[str, str] | None:
    """Return module and name of the class that a pickled provider refers to; None if it refers to none."""
    try:
        operations = list(pickletools.genops(base64.b64decode(provider or "", validate=True)))
    except (ValueError, binascii.Error):
        return None
    texts: list[str] = []
    for operation, argument, _ in operations:
        if operation.name == "STACK_GLOBAL" and len(texts) >= 2:
            return texts[-2], texts[-1]
        if operation.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            return module, name
        if isinstance(argument, str):
            texts.append(argument)
    return None
