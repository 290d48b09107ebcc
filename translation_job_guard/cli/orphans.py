"""``orphans``: show jobs in flight that no guard of a live stack covers, and the stacks they likely belonged to."""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from translation_job_guard._version import __version__
from translation_job_guard.cli.estate import Survey, looked_at, named_besides, request_of, surveyed
from translation_job_guard.cli.options import (
    BackendOptions,
    CredentialOptions,
    EstateOptions,
    LookOptions,
    OutputOptions,
    PlaceOptions,
    StackOptions,
)
from translation_job_guard.cli.output import emit, prepare
from translation_job_guard.cli.places import (
    PlaceNames,
    connect,
    connections,
    every_region,
    given_places,
    id_option,
    merged,
    places_of_environment,
    places_of_guards,
    service_of,
    stack_places,
)
from translation_job_guard.cli.results import (
    Document,
    JobRow,
    PlaceRow,
    bars_of,
    job_row,
    jobs_table,
    place_row,
    places_table,
)
from translation_job_guard.cli.stacks import StackOrError, all_stacks, given_stacks
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.estate.amazon import AccountRegion
from translation_job_guard.estate.attribution import by_tags, signs_of
from translation_job_guard.existence import looked_closer
from translation_job_guard.guard.environment import parse_timeout
from translation_job_guard.jobs import AMAZON_TRANSLATE, Coverage, Job, counted, coverage
from translation_job_guard.looking import Sight
from translation_job_guard.presentation import Cell, Column, Figure, Note, Page, Table, Tone
from translation_job_guard.services import Connection
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.state import ExportedStack, TieKind
from translation_job_guard.threads import each

__all__ = ["Orphan", "OrphansDocument", "OrphansResult", "StackRow", "orphans", "orphans_places", "run"]

CLOSER_AT_ONCE: Final = 32
"""Places whose roles, buckets and containers are asked for at once."""
NAMED_IN_A_COMMAND: Final = 10
"""IDs in the suggested command at most; JSON has all of them."""


@dataclass(frozen=True)
class StackRow:
    """One stack, or the error of reading it.

    Attributes:
        unreadable: names of guards whose scope is not known.
    """

    stack: str
    source: str
    guards: int
    unreadable: tuple[str, ...]
    error: str | None


@dataclass(frozen=True)
class Orphan:
    """A job that no guard covers, why it counts as orphaned, and the stack that it likely belonged to.

    Attributes:
        because: why it likely belonged to that stack.
    """

    job: JobRow
    reasons: tuple[str, ...]
    likely_stack: str | None
    because: str | None


@dataclass(frozen=True)
class OrphansDocument(Document):
    """The JSON of ``orphans``.

    Attributes:
        undecided: jobs that a guard may cover or not: that is not known.
    """

    stacks: tuple[StackRow, ...]
    places: tuple[PlaceRow, ...]
    orphans: tuple[Orphan, ...]
    undecided: tuple[Orphan, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class OrphansResult:
    """The orphaned jobs, and what was read to find them."""

    at: datetime
    stacks: tuple[StackRow, ...]
    sights: tuple[Sight, ...]
    orphans: tuple[Orphan, ...]
    undecided: tuple[Orphan, ...]
    notes: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """130 if it was interrupted, 2 if a stack, place or job is not known, else 1 if there is an orphan."""
        if self.interrupted:
            return 130
        untold = any(one.error or one.unreadable for one in self.stacks) or any(one.error for one in self.sights)
        return 2 if untold or self.undecided else 1 if self.orphans else 0

    def document(self) -> OrphansDocument:
        """Return what JSON shows."""
        places = tuple(map(place_row, self.sights))
        return OrphansDocument(
            "orphans",
            1,
            __version__,
            self.at,
            self.exit_code,
            self.stacks,
            places,
            self.orphans,
            self.undecided,
            self.notes,
        )

    def page(self) -> Page:
        """Return what the other formats show."""
        count, read = len(self.orphans), sum(one.error is None for one in self.stacks)
        what = (
            f"{counted(count, 'job', 'jobs')} in flight {'is' if count == 1 else 'are'} orphaned"
            if count
            else "Nothing in flight is orphaned"
        )
        tone = Tone.BAD if self.exit_code >= 2 else Tone.NOTICE if count else Tone.GOOD
        untold = ", but something is not known" if self.exit_code >= 2 else ""
        tables = [_orphans_table("Orphaned", self.orphans, self.at)]
        if self.undecided:
            tables.append(_orphans_table("Undecided: covered by a guard or not", self.undecided, self.at))
        tables += [_stacks_table(self.stacks), places_table(self.sights)]
        return Page(
            title="Orphaned translation jobs",
            lead=Note(f"{what}, by {counted(read, 'stack', 'stacks')}{untold}.", tone),
            at=self.at,
            figures=(
                Figure("orphaned", str(count), Tone.BAD if count else Tone.PLAIN),
                Figure("in flight", str(len({(job.service, job.id) for s in self.sights for job in s.jobs}))),
                Figure("guards", str(sum(one.guards for one in self.stacks))),
            ),
            notes=(*(Note(text, Tone.NOTICE) for text in self.notes), *self._notes()),
            tables=tuple(tables),
            bars=bars_of([one.job for one in (*self.orphans, *self.undecided)]),
        )

    def _notes(self) -> Iterable[Note]:
        for one in self.stacks:
            if one.error:
                yield Note(f"{one.source}: {one.error}", Tone.BAD)
            if one.unreadable:
                yield Note(f"{one.stack}: the scope of {', '.join(one.unreadable)} is not known.", Tone.BAD)
        if self.undecided:
            yield Note("Undecided jobs do not count as orphaned: fix the problems above, and run this again.", Tone.BAD)
        groups: dict[tuple[str, str], list[JobRow]] = {}
        for orphan in self.orphans:
            # No command is suggested for a job of an unknown stack: it may be somebody else's.
            if orphan.likely_stack is not None:
                groups.setdefault((orphan.likely_stack, orphan.job.place), []).append(orphan.job)
        for (stack, place), jobs in groups.items():
            option = id_option(jobs[0].service)
            ids = " ".join(f"{option} {job.id}" for job in jobs[:NAMED_IN_A_COMMAND])
            more = f" (and {len(jobs) - NAMED_IN_A_COMMAND} more)" if len(jobs) > NAMED_IN_A_COMMAND else ""
            where = self._access(jobs[0])
            yield Note(
                f"Likely of {stack}, at {place}{more}: `translation-job-guard cancel {where} {ids}` shows them "
                "again, and how to stop them."
            )

    def _access(self, job: JobRow) -> str:
        """Return the options that lead to a job's place."""
        options = [f"--{CONNECTIONS[job.service].place_name} {job.place}"]
        for sight in self.sights:
            connection = sight.connection
            if isinstance(connection, AccountRegion) and (connection.place, sight.account) == (job.place, job.account):
                options += [f"--profile {connection.profile}"] if connection.profile else []
                options += [f"--assume-role-arn {connection.assume_role_arn}"] if connection.assume_role_arn else []
        return " ".join(options)


def run(
    stacks: StackOptions,
    backends: BackendOptions,
    places: PlaceOptions,
    estate: EstateOptions,
    credentials: CredentialOptions,
    looking: LookOptions,
    output: OutputOptions,
) -> int:
    """Show the jobs that no guard of the stacks covers; returns the exit code.

    Raises:
        InvalidArgument: an option cannot be used, or there is nowhere to look.
    """
    sinks = prepare(output)
    timeout = parse_timeout("--timeout", looking.timeout)
    request = request_of(estate, places, credentials)
    found = _stacks_of(stacks, backends)
    if request.wanted:
        named = connections(named_besides(request, places), credentials)
        with surveyed(request, timeout) as survey:
            everywhere = estate_places(found, survey.found.connections, named)
            result = orphans(found, everywhere, timeout=timeout, survey=survey)
    else:
        names = given_places(places)
        if estate.all_regions:
            names = merged(names, every_region(credentials.profile))
        result = orphans(found, orphans_places(found, names, credentials), timeout=timeout)
    return emit(result, sinks, [credentials.key_env, *{sight.connection.secret_env for sight in result.sights}])


def _stacks_of(stacks: StackOptions, backends: BackendOptions) -> list[StackOrError]:
    if (stacks.stack or stacks.state) and backends.backend:
        raise InvalidArgument("--backend reads every stack there: leave out --stack and --state.")
    if stacks.stack or stacks.state:
        return given_stacks(stacks)
    if not backends.backend:
        return all_stacks()
    return [one for backend in dict.fromkeys(backends.backend) for one in all_stacks(backend)]


def estate_places(
    found: Sequence[StackOrError], estate: Sequence[Connection], named: Sequence[Connection]
) -> list[Connection]:
    """Return the places of an estate, those that options name, and those where guards look in other accounts."""
    stacks = [one.stack for one in found if one.stack is not None]
    guards = [guard.arguments.connection for stack in stacks for guard in stack.guards if guard.arguments]
    # Of an Azure resource the endpoint is the account; a region is one in each account.
    seen = {_identity(one) for one in estate}
    return list(dict.fromkeys([*estate, *(one for one in (*named, *guards) if _identity(one) not in seen)]))


def _identity(connection: Connection) -> Hashable:
    of_account = connection.account_id if connection.service == AMAZON_TRANSLATE else None
    return connection.key, of_account


def orphans_places(
    found: Sequence[StackOrError], named: PlaceNames, credentials: CredentialOptions
) -> list[Connection]:
    """Return where to look: where the stacks' guards look, where the stacks have what jobs need, and where options say.

    Raises:
        InvalidArgument: an option cannot be used, or there is nowhere to look.
    """
    stacks = [one.stack for one in found if one.stack is not None]
    guards = [guard.arguments for stack in stacks for guard in stack.guards if guard.arguments]
    if not any(named.values()):
        named = places_of_environment(credentials.profile)
    of_stacks = [
        connect(service, place, credentials)
        for stack in stacks
        for service, some in stack_places(stack).items()
        # A region matters only where jobs could use something of the stack there.
        if any(service_of(tie) == service for tie in stack.ties)
        for place in some
    ]
    places = places_of_guards(guards, [*connections(named, credentials), *of_stacks])
    if not places:
        raise InvalidArgument(
            "There is no place to look at: these stacks have no guard, no AWS region and no Translator resource. Give "
            "--region, --all-regions or --endpoint, or set AWS_REGION."
        )
    return places


def orphans(
    found: Sequence[StackOrError], places: Sequence[Connection], *, timeout: float, survey: Survey | None = None
) -> OrphansResult:
    """Look at all places, and tell of each job whether any guard of the stacks covers it.

    Args:
        found: the stacks that live.
        places: where to look.
        timeout: seconds for each place.
        survey: the estate that the places are of.
    """
    sights, interrupted = looked_at(places, survey, timeout=timeout, wants_locations=lambda _, jobs: jobs)
    busy = [index for index, sight in enumerate(sights) if sight.jobs]
    # What is not known in time is not gone.
    deadline = time.monotonic() + (0.0 if interrupted else timeout)
    for number, closer in each(
        looked_closer, [sights[index] for index in busy], workers=min(len(busy), CLOSER_AT_ONCE), deadline=deadline
    ):
        sights[busy[number]] = closer
    stacks = [one.stack for one in found if one.stack is not None]
    complete = all(
        one.stack is not None and all(guard.arguments is not None for guard in one.stack.guards) for one in found
    )
    orphaned: dict[tuple[str, str | None, str, str], Orphan] = {}
    undecided: dict[tuple[str, str | None, str, str], Orphan] = {}
    for sight in sights:
        for job in sight.jobs:
            key = (job.service, sight.account, sight.connection.place, job.id)
            covered, uncalled = _covered(stacks, job, sight)
            lost = sight.gone.get(job.id, ())
            if covered is Coverage.COVERED and not lost:
                continue
            likely, because = _likely(stacks, uncalled, job, sight)
            reasons = [f"{one} is gone" for one in lost]
            reasons += [f"guard {label} covers it but would not be called" for label in uncalled]
            if covered is Coverage.OUTSIDE:
                reasons.append("no guard covers it")
            if covered is Coverage.UNKNOWN:
                reasons.append("undecided: its documents do not show yet whether a guard covers it")
            orphan = Orphan(job_row(job, sight), tuple(reasons), likely, because)
            # A guard that could not be read may cover the job.
            told = lost or (covered is Coverage.OUTSIDE and complete)
            (orphaned if told else undecided)[key] = orphan
    return OrphansResult(
        at=datetime.now(timezone.utc),
        stacks=tuple(map(_stack_row, found)),
        sights=tuple(sights),
        orphans=tuple(orphaned.values()),
        undecided=tuple(undecided.values()),
        notes=survey.found.notes if survey is not None else (),
        interrupted=interrupted,
    )


def _covered(stacks: Sequence[ExportedStack], job: Job, sight: Sight) -> tuple[Coverage, list[str]]:
    """Return whether a guard that would be called covers ``job``, and the guards that cover it but would not be."""
    answers: set[Coverage] = set()
    uncalled = []
    for stack in stacks:
        for guard in stack.guards:
            if guard.arguments is None or not sight.is_of(guard.arguments.connection):
                continue
            decision = coverage(guard.arguments.scopes, job)
            if not guard.obstacles:
                answers.add(decision)
            elif decision is Coverage.COVERED:
                uncalled.append(f"{stack.label}/{guard.name}")
    if Coverage.COVERED in answers:
        return Coverage.COVERED, []
    return Coverage.UNKNOWN if Coverage.UNKNOWN in answers else Coverage.OUTSIDE, uncalled


def _likely(
    stacks: Sequence[ExportedStack], uncalled: Sequence[str], job: Job, sight: Sight
) -> tuple[str | None, str | None]:
    """Return the stack that a job most likely belonged to, and why. The strongest sign decides."""
    ties = [(stack, tie) for stack in stacks if (tie := stack.tie(job, sight.connection.place))]
    for stack, tie in ties:
        if tie.kind is not TieKind.TRANSLATOR:
            verb = "runs under" if tie.kind is TieKind.ROLE else "reads or writes"
            return stack.label, f"it {verb} the stack's {tie.kind.value} {tie.name}"
    if uncalled:
        return uncalled[0].rpartition("/")[0], "a guard of the stack covers it"
    if tagged := by_tags(signs_of(job, sight), stacks):
        return tagged
    for stack in sorted(stacks, key=lambda one: -len(one.name)):
        for what, text in _texts(job):
            # As a whole word: pr-17 does not name the stack pr-1.
            if len(stack.name) > 2 and re.search(rf"(?<![a-zA-Z0-9]){re.escape(stack.name)}(?![a-zA-Z0-9])", text):
                return stack.label, f"its {what} has the stack's name"
    for stack, tie in ties:
        return stack.label, f"it runs on the stack's {tie.kind.value} {tie.name}"
    return None, None


def _texts(job: Job) -> Iterable[tuple[str, str]]:
    yield "name", job.name or ""
    yield "role", (job.role_arn or "").rpartition(":role/")[2]
    for location in job.locations:
        yield ("bucket" if location.startswith("s3:") else "container"), location


def _stack_row(one: StackOrError) -> StackRow:
    if one.stack is None:
        return StackRow(one.source, one.source, 0, (), one.error)
    unreadable = tuple(guard.name for guard in one.stack.guards if guard.arguments is None)
    return StackRow(one.stack.label, one.source, len(one.stack.guards), unreadable, None)


def _orphans_table(title: str, orphans: Sequence[Orphan], at: datetime) -> Table:
    jobs = jobs_table(title, [one.job for one in orphans], at)
    rows = tuple(
        (
            *row,
            Cell("; ".join(one.reasons)),
            Cell(f"{one.likely_stack}: {one.because}" if one.likely_stack else "not known", _tone(one)),
        )
        for one, row in zip(orphans, jobs.rows, strict=True)
    )
    return Table(title, (*jobs.columns, Column("Why"), Column("Likely of stack")), rows, "None.")


def _tone(orphan: Orphan) -> Tone:
    return Tone.PLAIN if orphan.likely_stack else Tone.FAINT


def _stacks_table(stacks: Sequence[StackRow]) -> Table:
    rows = tuple(
        (
            Cell(one.stack),
            Cell("?", Tone.BAD) if one.error else Cell(str(one.guards)),
            Cell("could not be read" if one.error else "read", Tone.BAD if one.error else Tone.GOOD),
        )
        for one in stacks
    )
    return Table("Stacks", (Column("Stack"), Column("Guards", numeric=True), Column("Result")), rows, "No stack.")
