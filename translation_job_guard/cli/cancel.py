"""``cancel``: run a guard's teardown by hand. Without ``--yes`` it is a dry run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final

from translation_job_guard.cli.cancel_result import NAME, CancelResult, DryRunResult, NotFound
from translation_job_guard.cli.estate import Survey, looked_at
from translation_job_guard.cli.groups import flags
from translation_job_guard.cli.options import CredentialOptions, OutputOptions, PlaceOptions, ScopeOptions, StopOptions
from translation_job_guard.cli.output import emit, prepare
from translation_job_guard.cli.places import (
    PlaceNames,
    check,
    given_places,
    nowhere,
    places_of_environment,
    properties_of,
    scope_of,
)
from translation_job_guard.cli.results import (
    Result,
    job_row,
)
from translation_job_guard.cli.streams import say
from translation_job_guard.errors import GuardError, InvalidArgument, WrongAccount
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.guard.environment import Overrides, parse_timeout
from translation_job_guard.guard.progress import Voice
from translation_job_guard.guard.selectors import SELECTORS, Kind
from translation_job_guard.jobs import AmazonScope, AzureScope, Coverage, Job, JobState, counted, coverage
from translation_job_guard.receipts import Receipt, receipt, write
from translation_job_guard.services import Connection
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.teardown import CannotTell, Occasion, Report, TeardownTimeout, Undecided
from translation_job_guard.threads import each

__all__ = ["cancel", "cancel_places", "dry_run", "run"]

LOOKS_FOR = 30.0
"""Seconds for finding out the state of jobs that were named by ID and are not in flight."""
LOOKED_AT_ONCE = 20
"""Jobs in one request: for more, the service would list every job since the oldest of them."""
WAY_OUT = "Ctrl-C stops waiting; jobs that were asked to stop still stop"


def run(
    places: PlaceOptions,
    selectors: ScopeOptions,
    stopping: StopOptions,
    credentials: CredentialOptions,
    output: OutputOptions,
) -> int:
    """Stop the jobs in scope, or show what would be stopped; returns the exit code.

    Raises:
        InvalidArgument: a place has no scope, a scope no place, or an option cannot be used.
    """
    sinks = prepare(output)
    guards = cancel_places(places, selectors, stopping, credentials)
    result: Result = (
        cancel(guards, stopping.receipts)
        if stopping.yes
        else dry_run(guards, timeout=parse_timeout("--timeout", stopping.timeout))
    )
    return emit(result, sinks, [credentials.key_env])


def cancel_places(
    places: PlaceOptions, selectors: ScopeOptions, stopping: StopOptions, credentials: CredentialOptions
) -> list[GuardArguments]:
    """Return the teardowns that options ask for, each with its scope.

    Raises:
        InvalidArgument: a place has no scope, a scope no place, or an option cannot be used.
    """
    scopes = {service: scope for service in CONNECTIONS if (scope := scope_of(selectors, service))}
    found = []
    for service, names in _named_places(places, scopes, credentials).items():
        for place in names:
            properties = {
                "name": NAME,
                **stopping.properties(),
                "account_id": stopping.expected_account_id,
                **properties_of(service, place, credentials),
                "scope": [scopes[service]],
            }
            check(service, properties)
            found.append(read(service, properties))
    return found


def _named_places(places: PlaceOptions, scopes: Mapping[str, Any], credentials: CredentialOptions) -> PlaceNames:
    """Return the places of each service that has a scope: the given ones, else the environment's.

    Raises:
        InvalidArgument: a place has no scope, or a scope no place.
    """
    option = flags(ScopeOptions)
    if not scopes:
        every = ", ".join(
            option[name] for known in SELECTORS.values() for name in known if known[name].kind is Kind.LIST
        )
        raise InvalidArgument(
            f"There is no scope, which would stop everything: name jobs ({every}), or give --whole-region or "
            "--whole-resource to stop every job of a place."
        )
    given = given_places(places)
    for service, names in given.items():
        if names and service not in scopes:
            [whole] = [option[name] for name, selector in SELECTORS[service].items() if selector.kind is Kind.WHOLE]
            raise InvalidArgument(
                f"--{CONNECTIONS[service].place_name} {names[0]} has no scope: name its jobs, or give {whole} to stop "
                "every job there."
            )
    here = places_of_environment(credentials.profile)
    found = {service: given[service] or here[service] for service in scopes}
    missing = [service for service, names in found.items() if not names]
    if missing:
        raise nowhere(missing)
    return found


def dry_run(places: Sequence[GuardArguments], *, timeout: float, survey: Survey | None = None) -> DryRunResult:
    """Look what the teardowns would stop.

    Args:
        places: the teardowns.
        timeout: seconds for each place.
        survey: the estate that the places are of.
    """
    scopes = {place.connection: place.scopes for place in places}

    def wanted(connection: Connection, jobs: Sequence[Job]) -> Sequence[Job]:
        return [job for job in jobs if coverage(scopes[connection], job) is Coverage.UNKNOWN]

    sights, interrupted = looked_at(list(scopes), survey, timeout=timeout, wants_locations=wanted)
    decided = [(coverage(scopes[sight.connection], job), job_row(job, sight)) for sight in sights for job in sight.jobs]
    seen = {row.id for decision, row in decided if decision is not Coverage.OUTSIDE}
    return DryRunResult(
        datetime.now(timezone.utc),
        tuple(sights),
        tuple(row for decision, row in decided if decision is Coverage.COVERED),
        tuple(row for decision, row in decided if decision is Coverage.UNKNOWN),
        # Where a place could not be looked at, that is what is said.
        () if survey is not None or any(sight.error for sight in sights) else tuple(_not_found(places, seen)),
        interrupted,
    )


def _not_found(places: Sequence[GuardArguments], seen: set[str]) -> Iterable[NotFound]:
    """Yield the jobs named by ID that are not in ``seen`` and not known to have ended."""
    for service in dict.fromkeys(place.connection.service for place in places):
        there = [place for place in places if place.connection.service == service]
        wanted = [id_ for id_ in dict.fromkeys(_ids(there)) if id_ not in seen]
        if not wanted:
            continue
        found: dict[int, Mapping[str, Job | None] | str] = dict(
            each(partial(_look_at, ids=wanted), there, workers=len(there), deadline=time.monotonic() + LOOKS_FOR)
        )
        where = ", ".join(place.connection.place for place in there)
        failed = [said for said in found.values() if isinstance(said, str)]
        failed += ["no answer came in time"] if len(found) < len(there) else []
        for id_ in wanted:
            jobs = [jobs[id_] for jobs in found.values() if not isinstance(jobs, str) and jobs.get(id_)]
            state = next((job.state for job in jobs if job), None)
            if state is None:
                where_to_look = CONNECTIONS[service].place_name
                also = f" ({'; '.join(failed)})" if failed else ""
                yield NotFound(id_, f"Job {id_} was not found in {where}{also}: check the id and the {where_to_look}.")
            elif state.in_flight:
                says = f"Job {id_} is in flight, but another selector leaves it out: remove that selector to stop it."
                yield NotFound(id_, says)


def _ids(places: Iterable[GuardArguments]) -> Iterable[str]:
    for place in places:
        for scope in place.scopes:
            if isinstance(scope, AmazonScope):
                yield from scope.job_ids
            elif isinstance(scope, AzureScope):
                # As the service writes them.
                yield from (id_.lower() for id_ in scope.translation_ids)


def _look_at(guard: GuardArguments, ids: Sequence[str]) -> Mapping[str, Job | None] | str:
    """Return the present jobs by ID, or the reason why they could not be read."""
    found: dict[str, Job | None] = {}
    try:
        service = guard.connection.open()
        lifecycle.verify_account(service, guard.connection.account_id)
        for start in range(0, len(ids), LOOKED_AT_ONCE):
            jobs = [Job(service.service, id_, JobState.RUNNING, "") for id_ in ids[start : start + LOOKED_AT_ONCE]]
            found |= service.look(jobs)
    except GuardError as error:
        return " ".join(str(error).split()).rstrip(".")
    return found


def cancel(places: Sequence[GuardArguments], receipts: Path | None) -> CancelResult:
    """Run the teardowns of all places at once, with progress on standard error.

    Raises:
        KeyboardInterrupt: the command was interrupted; the receipts of what was done are written.
    """
    watched = [_Watched(place) for place in places]
    chosen = Overrides(receipts=receipts)
    try:
        for _ in each(lambda one: one.tear_down(chosen), watched, workers=len(watched)):
            pass
    except KeyboardInterrupt:
        for one in watched:
            one.interrupted(receipts)
        raise
    receipts_made = tuple(one.receipt for one in watched if one.receipt)
    seen = {job.id for one in receipts_made for job in one.jobs} | {
        id_ for one in receipts_made for id_ in one.undecided
    }
    # The error of a place that could not be looked at says enough.
    looked = len(receipts_made) == len(watched) and all(one.looked for one in receipts_made)
    not_found = tuple(_not_found(places, seen)) if looked else ()
    return CancelResult(datetime.now(timezone.utc), receipts_made, not_found, len(watched))


def _reworded(error: GuardError) -> str:
    """Return an error's message with advice for this command in place of that for a destroy."""
    if not error.advice:
        return str(error)
    advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), _RUN_AGAIN)
    return f"{error.happened} {advice}"


_RUN_AGAIN: Final = "Correct this and run the same command again."
_ADVICE: Final = {
    Undecided: "They were left alone. Name your batches by --source-container-url or --translation-id, or wait "
    "longer with --undecided-timeout 10m, and run this again.",
    TeardownTimeout: "Run the same command again, which goes on from here; --timeout 1h waits longer.",
    CannotTell: "Correct this and run the same command again; where no answer came in time, --timeout 1h waits longer.",
    WrongAccount: "Use the credentials of that account, or correct --expected-account-id, and run this again.",
}


@dataclass
class _Watched:
    """One teardown, with its progress and its receipt."""

    place: GuardArguments
    receipt: Receipt | None = None
    report: Report | None = None
    voice: _Voice = field(init=False)

    def __post_init__(self) -> None:
        self.voice = _Voice(f"{NAME} {self.place.connection.place}", self.place.connection.secret_env, self._grown)

    def tear_down(self, chosen: Overrides) -> None:
        try:
            lifecycle.tear_down(
                self.place,
                occasion=Occasion.CANCEL,
                chosen=chosen,
                voice=self.voice,
                on_receipt=self._receive,
                reword=_reworded,
            )
        except GuardError as error:
            self.voice.say(str(error))

    def interrupted(self, receipts: Path | None) -> None:
        """Say how many jobs will still end, and write the receipt."""
        if self.receipt is not None or self.report is None:
            return
        asked = sum(record.asks > 0 for record in list(self.report.records.values()))
        self.voice.say(f"interrupted: {counted(asked, 'job', 'jobs')} had been asked to stop and will still end")
        if receipts is not None:
            made = receipt(
                self.report,
                guard=NAME,
                occasion=Occasion.CANCEL,
                error=KeyboardInterrupt("interrupted"),
                key_env=self.place.connection.secret_env,
            )
            try:
                self.voice.say(f"receipt: {write(made, receipts)[0]}")
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else error
                say(f"The receipt could not be written to {receipts}: {reason}.")

    def _receive(self, made: Receipt) -> None:
        self.receipt = made

    def _grown(self, report: Report) -> None:
        self.report = report


class _Voice(Voice):
    """Progress on standard error. Also hands over the report, which an interrupted command needs for its receipt."""

    def __init__(self, label: str, key_env: str | None, grown: Callable[[Report], None]) -> None:
        super().__init__(label, key_env, out=sys.stderr, way_out=WAY_OUT)
        self._grown = grown

    def observe(self, report: Report) -> None:
        self._grown(report)
        super().observe(report)
