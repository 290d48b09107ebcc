"""``doctor``: whether guards can do their work from here."""

from __future__ import annotations

import base64
import binascii
import email.utils
import enum
import importlib.metadata
import os
import pickletools
import platform
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.options import (
    CredentialOptions,
    LookOptions,
    OutputOptions,
    PlaceOptions,
    StackOptions,
)
from translation_job_guard.cli.output import emit, prepare
from translation_job_guard.cli.places import connections, given_places, places_of_environment
from translation_job_guard.cli.pulumi_command import pulumi, pulumi_path
from translation_job_guard.cli.stacks import StackOrError, given_stacks, guard_names
from translation_job_guard.durations import format_duration
from translation_job_guard.errors import CredentialsUnusable, Denied, GuardError, InvalidArgument, MissingExtra
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.environment import (
    ON_DELETE,
    RECEIPTS,
    parse_timeout,
    read_environment,
    refuse_unknown_names,
)
from translation_job_guard.presentation import Cell, Column, Figure, Note, Page, Table, Tone
from translation_job_guard.redaction import redact
from translation_job_guard.services import Connection, JobService
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.state import StateGuard
from translation_job_guard.teardown import Mode
from translation_job_guard.threads import each

__all__ = ["Check", "DoctorDocument", "DoctorResult", "Health", "doctor", "has_project", "run"]

SKEW_REFUSED: Final = 300
"""Seconds that a clock may be off until AWS refuses its signatures (AWS General Reference)."""
SKEW_NOTED: Final = 30
PROGRAM_TAKES: Final = 60
"""Seconds that another Python may take to say whether it has the guards' package."""


class Health(enum.Enum):
    """What a check came to."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One thing that was checked. ``says`` is what was found, and what to do if it is not good."""

    about: str
    check: str
    health: Health
    says: str


@dataclass(frozen=True)
class DoctorDocument:
    """The JSON of ``doctor``."""

    kind: str
    version: int
    tool: str
    at: datetime
    exit_code: int
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class DoctorResult:
    """Everything that was checked."""

    at: datetime
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """2 if something could not be told, 1 if something is wrong; warnings are neither."""
        found = {check.health for check in self.checks}
        return 2 if Health.UNKNOWN in found else 1 if Health.BAD in found else 0

    def document(self) -> DoctorDocument:
        """What JSON shows."""
        return DoctorDocument("doctor", 1, __version__, self.at, self.exit_code, self.checks)

    def page(self) -> Page:
        """What the other formats show."""
        counts = {health: sum(check.health is health for check in self.checks) for health in Health}
        wrong = counts[Health.BAD] + counts[Health.UNKNOWN]
        lead = (
            Note(f"{wrong} of {len(self.checks)} checks found something that keeps guards from their work.", Tone.BAD)
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


def run(
    places: PlaceOptions,
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
    names, named = given_places(places), bool(stacks.stack or stacks.state)
    if not any(names.values()) and not named:
        names = places_of_environment(credentials.profile)
    found = connections(names, credentials)
    read = given_stacks(stacks) if named or has_project(Path.cwd()) else []
    return emit(doctor(found, read, timeout=timeout), sinks, [credentials.key_env])


def doctor(places: Sequence[Connection], stacks: Sequence[StackOrError], *, timeout: float) -> DoctorResult:
    """Check this machine, every place, and every guard of the stacks with the place that it works at.

    Starts and stops nothing: that stopping is permitted is proved with a job that cannot exist.
    """
    checks = list(_machine(stacks))
    guards = [(one.stack.label, guard) for one in stacks if one.stack for guard in one.stack.guards]
    of_guards = [guard.arguments.connection for _, guard in guards if guard.arguments]
    # What a guard looks at by the same credentials, and in its own account, need not be looked at twice.
    known = set(map(_by_credentials, of_guards))
    unique = list(dict.fromkeys([*(one for one in places if _by_credentials(one) not in known), *of_guards]))
    if not unique and not stacks:
        says = "nothing: give --region, --endpoint, --stack or --state, or run this in a project's directory."
        checks.append(Check("This machine", "looked at", Health.UNKNOWN, says))
    found: dict[int, list[Check]] = dict(
        each(lambda place: list(_place(place)), unique, workers=len(unique) or 1, deadline=time.monotonic() + timeout)
    )
    for index, place in enumerate(unique):
        silent = Check(place.label, "service", Health.UNKNOWN, f"no answer in {format_duration(timeout)}")
        checks += found.get(index, [silent])
    for one in stacks:
        checks += _stack(one)
    for label, guard in guards:
        checks += _guard(label, guard)
    return DoctorResult(datetime.now(timezone.utc), tuple(checks))


def _by_credentials(connection: Connection) -> tuple[Any, ...]:
    names = {field.name for field in fields(connection)} - {"account_id", "endpoint_url"}
    return connection.service, *(getattr(connection, name) for name in sorted(names))


def has_project(directory: Path) -> Path | None:
    """The Pulumi project that ``directory`` is in."""
    for one in (directory, *directory.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (one / name).is_file():
                return one / name
    return None


# This machine


def _machine(stacks: Sequence[StackOrError]) -> Iterator[Check]:
    about = "This machine"
    yield Check(
        about,
        "translation-job-guard",
        Health.GOOD,
        f"{__version__}, Python {platform.python_version()}, pulumi SDK {_installed('pulumi') or '?'}",
    )
    yield _engine(about)
    for one in CONNECTIONS.values():
        package = one.packages[0].replace(".", "-")
        version = _installed(package)
        yield Check(
            about,
            package,
            Health.GOOD if version else Health.WARNING,
            version
            or f'not installed: guards of {one.title} need it: pip install "translation-job-guard[{one.extra}]"',
        )
    project = has_project(Path.cwd())
    yield from _interpreter(about, project)
    yield from _environment(about, stacks)


def _engine(about: str) -> Check:
    if pulumi_path() is None:
        says = "there is no `pulumi` command on PATH: install Pulumi; --state FILE reads exported stacks without it."
        return Check(about, "pulumi", Health.WARNING, says)
    try:
        return Check(about, "pulumi", Health.GOOD, f"{pulumi('version').strip()} ({pulumi_path()})")
    except InvalidArgument as error:
        return Check(about, "pulumi", Health.BAD, str(error))


def _interpreter(about: str, project: Path | None) -> Iterator[Check]:
    """Whether the Python that the engine starts for a destroy has the package: else no guard can be loaded."""
    name = "Python of a destroy"
    python, where = _python_of(project)
    if python is None:
        yield Check(about, name, Health.BAD, f"{where}: make it, or name another in Pulumi.yaml.")
        return
    script = "from translation_job_guard import provider, __version__; print(__version__)"
    try:
        done = subprocess.run(
            [python, "-c", script], capture_output=True, text=True, timeout=PROGRAM_TAKES, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Check(about, name, Health.UNKNOWN, f"{where} could not be asked: {error}")
        return
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        # Without a project this is only where a destroy outside of one would look.
        health = Health.BAD if project else Health.WARNING
        yield Check(
            about,
            name,
            health,
            f"{where} cannot load the guards ({reason}), and a destroy with it would fail: install "
            "translation-job-guard there, or run the destroy in the project's directory.",
        )
        return
    theirs = done.stdout.strip()
    same = theirs == __version__
    also = "" if same else f", and this command is {__version__}: the guards run {theirs}"
    yield Check(about, name, Health.GOOD if same else Health.WARNING, f"{where} has {theirs}{also}")


def _python_of(project: Path | None) -> tuple[str | None, str]:
    """The interpreter that Pulumi's dynamic provider launcher starts, and how to call it."""
    if project is None:
        found = shutil.which("python3") or shutil.which("python")
        return found, f"python3 on PATH ({found}), which is used outside a project" if found else (
            "there is no python3 on PATH"
        )
    import yaml

    try:
        settings = yaml.safe_load(project.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        return None, f"{project} cannot be read ({type(error).__name__})"
    runtime = settings.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    virtualenv = options.get("virtualenv") if isinstance(options, dict) else None
    if not virtualenv:
        found = shutil.which("python3") or shutil.which("python")
        return found, f"python3 on PATH ({found}), since {project.name} names no virtualenv"
    directory = project.parent / str(virtualenv)
    for name in ("bin/python", "Scripts/python.exe"):
        if (directory / name).exists():
            return str(directory / name), f"virtualenv {virtualenv} of {project.name}"
    return None, f"virtualenv {virtualenv} of {project.name} does not exist"


def _environment(about: str, stacks: Sequence[StackOrError]) -> Iterator[Check]:
    try:
        chosen = read_environment("")
        if names := guard_names(stacks):
            refuse_unknown_names(names)
    except InvalidArgument as error:
        yield Check(about, "environment overrides", Health.BAD, str(error))
        return
    if os.environ.get(ON_DELETE, "").strip() or chosen.timeout is not None:
        said = f"{ON_DELETE}={os.environ.get(ON_DELETE, '')}" if os.environ.get(ON_DELETE) else "the timeout"
        where = "for the guards that it names, " if chosen.only_for else ""
        says = f"in force {where}in every destroy from here: {said}"
        yield Check(about, "environment overrides", Health.WARNING, says)
    if chosen.receipts is not None:
        directory = chosen.receipts
        nearest = next(one for one in (directory, *directory.absolute().parents) if one.exists())
        writable = nearest.is_dir() and os.access(nearest, os.W_OK)
        yield Check(
            about,
            "receipts",
            Health.GOOD if writable else Health.BAD,
            f"go to {directory}" if writable else f"{RECEIPTS}: {directory} cannot be written to: choose another",
        )


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


# A place


def _place(place: Connection) -> Iterator[Check]:
    about = place.label
    try:
        service = place.open()
        account = lifecycle.verify_account(service, place.account_id)
    except GuardError as error:
        yield Check(about, "credentials", _health(error), _words(error, place))
        return
    # At Azure the endpoint is all that is known of the account.
    says = "found" if account in place.place.lower() else f"lead to account {account}"
    yield Check(about, "credentials", Health.GOOD, says)
    try:
        service.prove()
        yield Check(about, "permissions", Health.GOOD, "listing and stopping are permitted")
    except GuardError as error:
        yield Check(about, "permissions", _health(error), _words(error, place))
    yield _clock(about, service)


def _health(error: GuardError) -> Health:
    # A definite refusal is a finding; what may pass by itself was not found out.
    definite = isinstance(error, (Denied, CredentialsUnusable, MissingExtra)) or not hasattr(error, "operation")
    return Health.BAD if definite else Health.UNKNOWN


def _clock(about: str, service: JobService) -> Check:
    """How far this machine's clock is from the service's: signatures and tokens are refused if it is far."""
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
    if skew >= SKEW_REFUSED:
        return Check(about, "clock", Health.BAD, f"{format_duration(skew)} off: set this machine's clock.")
    if skew >= SKEW_NOTED:
        return Check(about, "clock", Health.WARNING, f"{format_duration(skew)} off: set this machine's clock.")
    return Check(about, "clock", Health.GOOD, "agrees with the service's")


def _words(error: GuardError, place: Connection) -> str:
    return redact(" ".join(str(error).split()), place.secret_env)


# A stack and its guards


def _stack(one: StackOrError) -> Iterator[Check]:
    about = f"Stack {one.stack.label if one.stack else one.source}"
    if one.stack is None:
        yield Check(about, "state", Health.UNKNOWN, one.error or "cannot be read")
        return
    count = len(one.stack.guards)
    yield Check(about, "state", Health.GOOD, f"{count} guards" if count != 1 else "one guard")
    if one.stack.interrupted:
        names = ", ".join(one.stack.interrupted)
        says = f"never came to an end: {names}. `pulumi cancel` removes a lock, `pulumi refresh` clears these."
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
        return  # said of the machine already
    too_short = chosen.timeout is not None and chosen.timeout <= arguments.options.quiet_period
    if too_short and (chosen.mode or arguments.options.mode) is not Mode.IGNORE:
        says = (
            f"the timeout of this environment is no longer than its quiet_period: {arguments.options.quiet_period:g} s"
        )
        yield Check(about, "timeout", Health.BAD, says)


def _loadable(about: str, guard: StateGuard) -> Check:
    """Whether the installed package has the class that the state refers to. Read, not run: a state is not trusted."""
    name = "can be loaded"
    reference = _reference(guard.provider)
    if reference is None:
        says = "the state has no reference to its class: run `pulumi up`, which writes it anew."
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
    """Module and name of the class that a pickled provider refers to."""
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
