"""``scan``: show what is in flight, and whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from translation_job_guard._version import __version__
from translation_job_guard.cli.estate import (
    ANYWHERE,
    Survey,
    looked_at,
    named_besides,
    request_of,
    surveyed,
    without_profiles,
)
from translation_job_guard.cli.options import (
    CredentialOptions,
    EstateOptions,
    LookOptions,
    OutputOptions,
    PlaceOptions,
    SelectorOptions,
    WatchOptions,
)
from translation_job_guard.cli.output import Format, emit, prepare
from translation_job_guard.cli.places import (
    connect,
    connections,
    every_region,
    given_places,
    merged,
    nowhere,
    places_of_environment,
    scope_of,
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
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.guard.arguments import read_scope
from translation_job_guard.guard.environment import parse_timeout
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    Coverage,
    Job,
    JobState,
    Scope,
    counted,
    coverage,
)
from translation_job_guard.looking import Sight
from translation_job_guard.presentation import Figure, Note, Page, Tone
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import NO_BATCH
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.teardown.schedule import FASTEST_POLL

__all__ = ["Places", "ScanDocument", "ScanResult", "run", "scan", "scan_places"]

LOCATED_BY_ITSELF = 100
"""Batches of one resource whose documents are looked up without ``--locate``, with one request each."""


Places = Mapping[Connection, Scope | None]
"""Where to look and for which jobs; None for all of them."""


@dataclass(frozen=True)
class ScanDocument(Document):
    """The JSON of a scan."""

    places: tuple[PlaceRow, ...]
    jobs: tuple[JobRow, ...]
    undecided: tuple[JobRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ScanResult:
    """The jobs that a scan saw.

    Attributes:
        undecided: batches that may be in scope or not: that is not known yet.
    """

    at: datetime
    sights: tuple[Sight, ...]
    jobs: tuple[JobRow, ...]
    undecided: tuple[JobRow, ...]
    notes: tuple[str, ...]
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """130 if it was interrupted, 2 if a place or a job is not known, else 1 if anything is in flight."""
        if self.interrupted:
            return 130
        if self.undecided or any(sight.error for sight in self.sights):
            return 2
        return 1 if self.jobs else 0

    def document(self) -> ScanDocument:
        """Return what JSON shows."""
        return ScanDocument(
            kind="scan",
            version=1,
            tool=__version__,
            at=self.at,
            exit_code=self.exit_code,
            places=tuple(map(place_row, self.sights)),
            jobs=self.jobs,
            undecided=self.undecided,
            notes=self.notes,
        )

    def page(self) -> Page:
        """Return what the other formats show."""
        failed = [sight for sight in self.sights if sight.error]
        looked = len(self.sights) - len(failed)
        where = f"{looked} of {len(self.sights)} places" if failed else counted(len(self.sights), "place", "places")
        what = f"{counted(len(self.jobs), 'job', 'jobs')} in flight" if self.jobs else "Nothing in flight"
        notes = [Note(text, Tone.NOTICE) for text in self.notes]
        if self.undecided:
            notes.append(
                Note(
                    f"{counted(len(self.undecided), 'batch is', 'batches are')} undecided: the service does not say "
                    f"yet whether {'it is' if len(self.undecided) == 1 else 'they are'} in scope. Run this again.",
                    Tone.BAD,
                )
            )
        if failed and not looked:
            lead = Note(
                f"Not known: none of {counted(len(self.sights), 'place', 'places')} could be looked at.", Tone.BAD
            )
        elif failed:
            lead = Note(f"{what} in the {where} that could be looked at.", Tone.BAD)
        else:
            lead = Note(f"{what} in {where}.", Tone.NOTICE if self.jobs else Tone.GOOD)
        states = [Figure(state.value, str(sum(job.state is state for job in self.jobs))) for state in JobState]
        tables = [places_table(self.sights), jobs_table("Jobs in flight", self.jobs, self.at)]
        if self.undecided:
            tables.append(jobs_table("Undecided", self.undecided, self.at))
        return Page(
            title="Translation jobs in flight",
            lead=lead,
            at=self.at,
            figures=tuple(figure for figure in states if figure.value != "0"),
            notes=tuple(notes),
            tables=tuple(tables),
            bars=bars_of(self.jobs),
        )


def run(
    places: PlaceOptions,
    estate: EstateOptions,
    selectors: SelectorOptions,
    watching: WatchOptions,
    credentials: CredentialOptions,
    looking: LookOptions,
    output: OutputOptions,
    *,
    locate_all: bool,
) -> int:
    """Scan once, or until nothing is in flight, and show what was seen; returns the exit code.

    Raises:
        InvalidArgument: an option cannot be used, or there is nowhere to look.
    """
    sinks = prepare(output)
    timeout = parse_timeout("--timeout", looking.timeout)
    request = request_of(estate, places, credentials)
    if request.wanted:
        if watching.watch:
            raise InvalidArgument("--watch looks at places that are named one by one: give --region or --endpoint.")
        return emit(
            _scan_estate(request, places, selectors, credentials, timeout, locate_all), sinks, [credentials.key_env]
        )
    scopes, notes = scan_places(places, estate, selectors, credentials)

    def scanned() -> ScanResult:
        return scan(scopes, timeout=timeout, locate_all=locate_all, notes=notes)

    if not watching.watch:
        return emit(scanned(), sinks, [credentials.key_env])
    if any(sink.path is None and sink.format is not Format.TABLE for sink in sinks):
        raise InvalidArgument("--watch draws a table on standard output; write other formats as FORMAT=FILE.")
    from translation_job_guard.cli.watch import watch

    result = watch(scanned, max(parse_timeout("--every", watching.every), FASTEST_POLL), credentials.key_env)
    return emit(result, [sink for sink in sinks if sink.path is not None], [credentials.key_env])


def _scan_estate(
    request: EstateRequest,
    places: PlaceOptions,
    selectors: SelectorOptions,
    credentials: CredentialOptions,
    timeout: float,
    locate_all: bool,
) -> ScanResult:
    scopes = {service: scope_of(selectors, service) for service in CONNECTIONS}
    named = connections(named_besides(request, places), credentials)
    for service, scope in scopes.items():
        if scope:
            connect(service, ANYWHERE[service], without_profiles(credentials), scope)  # which checks the selectors
    with surveyed(request, timeout) as survey:
        found: dict[Connection, Scope | None] = {
            connection: read_scope(connection.service, scopes[connection.service])
            if scopes[connection.service]
            else None
            for connection in (*survey.found.connections, *named)
        }
        return scan(found, timeout=timeout, locate_all=locate_all, notes=survey.found.notes, survey=survey)


def scan_places(
    places: PlaceOptions, estate: EstateOptions, selectors: SelectorOptions, credentials: CredentialOptions
) -> tuple[Places, list[str]]:
    """Return the places to look at, each with its scope, and notes about their choice.

    Without any option the environment names them; selectors of one service alone leave out the other's place.

    Raises:
        InvalidArgument: there is no place, or an option cannot be used.
    """
    notes: list[str] = []
    names = given_places(places)
    if estate.all_regions:
        names = merged(names, every_region(credentials.profile))
        left_out = sorted(NO_BATCH - set(names[AMAZON_TRANSLATE]))
        if left_out:
            notes.append(
                f"{', '.join(left_out)} was not looked at: Amazon Translate runs no batch jobs there. "
                f"--region {left_out[0]} looks there anyway."
            )
    scopes = {service: scope_of(selectors, service) for service in names}
    if not any(names.values()):
        here = places_of_environment(credentials.profile)
        names = {service: here[service] if scopes[service] or not any(scopes.values()) else [] for service in here}
    if not any(names.values()):
        raise nowhere(names, "--all-regions")
    found: dict[Connection, Scope | None] = {}
    for service, scope in scopes.items():
        for place in names[service]:
            connection = connect(service, place, credentials, scope)
            found[connection] = read_scope(service, scope) if scope else None
    return found, notes


def scan(
    places: Places, *, timeout: float, locate_all: bool, notes: Iterable[str] = (), survey: Survey | None = None
) -> ScanResult:
    """Look at all places at once, or at as many as the survey of an estate allows.

    Args:
        places: where to look, and for which jobs.
        timeout: seconds for each place.
        locate_all: whether to look up the containers of every batch.
        notes: what there is to say about the choice of the places.
        survey: the estate that the places are of.
    """

    def covers(connection: Connection, job: Job) -> Coverage:
        scope = places[connection]
        return Coverage.COVERED if scope is None else coverage([scope], job)

    def wanted(connection: Connection, jobs: Sequence[Job]) -> Sequence[Job]:
        # A scope with containers can only be decided with the documents of the batch.
        needed = locate_all or len(jobs) <= LOCATED_BY_ITSELF
        return jobs if needed else [job for job in jobs if covers(connection, job) is Coverage.UNKNOWN]

    sights, interrupted = looked_at(list(places), survey, timeout=timeout, wants_locations=wanted)
    jobs: list[JobRow] = []
    undecided: list[JobRow] = []
    said = list(notes)
    for sight in sights:
        for job in sight.jobs:
            decision = covers(sight.connection, job)
            if decision is Coverage.COVERED:
                jobs.append(job_row(job, sight))
            elif decision is Coverage.UNKNOWN:
                undecided.append(job_row(job, sight))
        if sight.unlocated:
            said.append(
                f"{sight.connection.place}: the containers of {sight.unlocated} batches were not looked up, which "
                "takes one request each; --locate does it."
            )
    return ScanResult(
        datetime.now(timezone.utc), tuple(sights), tuple(jobs), tuple(undecided), tuple(said), interrupted
    )
