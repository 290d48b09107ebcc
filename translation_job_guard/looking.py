"""List the jobs in flight at many places at once. A place that cannot be reached has an error instead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import GuardError, JobNotFound, UnexpectedError
from translation_job_guard.guard.lifecycle import verify_account
from translation_job_guard.jobs import Job
from translation_job_guard.redaction import redact
from translation_job_guard.services import Connection, JobService
from translation_job_guard.services.reading import Reads
from translation_job_guard.threads import each, each_within

__all__ = ["Interrupted", "Sight", "Sign", "look"]

PLACES_AT_ONCE = 64
LOCATED_AT_ONCE = 8

_Wanted = Callable[[Connection, Sequence[Job]], Sequence[Job]]


@dataclass(frozen=True)
class Sign:
    """A tag of something that a job needs: what it is (``role translate-dev``), and the tag's key and value."""

    what: str
    key: str
    value: str


@dataclass(frozen=True)
class Sight:
    """What one place showed.

    Attributes:
        seconds: How long the look took.
        account: None if nobody asked for it.
        jobs: The jobs in flight, oldest first.
        failure: Why the place could not be looked at.
        unlocated: How many jobs were not asked for what they read and write.
        gone: What a job needs and is known to be gone, by the job's ID, if that was asked for.
        signs: The tags of a job's role and buckets, by the job's ID, if that was asked for.
        remark: Why there was nothing to look at.
    """

    connection: Connection
    seconds: float
    account: str | None = None
    jobs: tuple[Job, ...] = ()
    failure: GuardError | None = None
    unlocated: int = 0
    gone: Mapping[str, Sequence[str]] = field(default_factory=dict)
    signs: Mapping[str, Sequence[Sign]] = field(default_factory=dict)
    remark: str | None = None

    def is_of(self, connection: Connection) -> bool:
        """Check whether ``connection`` leads here: to the same place, in the same account as far as known."""
        accounts = {self.account, connection.account_id} - {None}
        return connection.key == self.connection.key and len(accounts) < 2

    @property
    def error(self) -> str | None:
        """The failure in one line, without secrets."""
        if self.failure is None:
            return None
        return redact(" ".join(str(self.failure).split()), self.connection.secret_env)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a look. ``sights`` has one for each connection; those that were not looked at say so."""

    def __init__(self, sights: Sequence[Sight]) -> None:
        super().__init__("interrupted")
        self.sights = list(sights)


def look(
    connections: Sequence[Connection],
    *,
    timeout: float,
    wants_locations: _Wanted,
    remedy: str = ": give a longer --timeout, or leave this place out",
    names_accounts: bool = True,
    finish: Callable[[Sight], Sight] = lambda sight: sight,
    workers: int = PLACES_AT_ONCE,
    seen: Callable[[Sight], None] = lambda _: None,
) -> list[Sight]:
    """Look at every place, and return a sight for each connection, in the same order.

    Args:
        connections: The places.
        timeout: Seconds, from the begin of the look at a place, after which it gets an error if it has not answered.
        wants_locations: Returns which jobs of a place to ask for what they read and write, of those that a listing
            does not tell it of.
        remedy: Ends the error of a place that has not answered.
        names_accounts: Ask for the account even if the connection does not require one.
        finish: The last step of the look at one place, within the timeout.
        workers: How many places are looked at at the same time.
        seen: Called with each sight as it comes, in the caller's thread.

    Raises:
        Interrupted: Ctrl-C was pressed; the error has what was seen until then.
    """
    late = GuardError(f"no answer in {format_duration(timeout)}{remedy}")
    found: dict[int, Sight] = {}
    try:
        for index, sight in each_within(
            lambda connection: finish(_look(connection, wants_locations, names_accounts, timeout)),
            connections,
            workers=workers,
            limit=timeout,
        ):
            found[index] = sight or _unseen(connections[index], timeout, late)
            seen(found[index])
    except KeyboardInterrupt:
        never = GuardError("interrupted before this place was looked at")
        raise Interrupted(
            [found.get(index) or _unseen(one, 0.0, never) for index, one in enumerate(connections)]
        ) from None
    return [found[index] for index in range(len(connections))]


def _unseen(connection: Connection, seconds: float, failure: GuardError) -> Sight:
    return Sight(connection, seconds, connection.known_account, failure=failure)


def _look(connection: Connection, wants_locations: _Wanted, names_accounts: bool, timeout: float) -> Sight:
    started = time.monotonic()
    failure: GuardError
    # So that no read of a place that nobody waits for any more is sent again.
    reads = Reads.lasting(timeout)
    try:
        with closing(connection.open(reads)) as service:
            account = connection.known_account
            if account is None and (names_accounts or connection.account_id):
                account = verify_account(service, connection.account_id)
            listed = service.list_in_flight(reads)
            unknown = [job for job in listed if not job.locations_known]
            wanted = wants_locations(connection, unknown)
            jobs = _located(service, listed, wanted, reads)
        jobs.sort(key=lambda job: (job.submitted_at.timestamp() if job.submitted_at else 0.0, job.id))
        elapsed = time.monotonic() - started
        return Sight(connection, elapsed, account, tuple(jobs), unlocated=len(unknown) - len(wanted))
    except GuardError as error:
        failure = error
    except Exception as error:
        failure = UnexpectedError(error, "the look", "Please report this.")
        failure.__cause__ = error
    return Sight(connection, time.monotonic() - started, connection.known_account, failure=failure)


def _located(service: JobService, jobs: Sequence[Job], wanted: Sequence[Job], reads: Reads) -> list[Job]:
    """Return the jobs that have not ended meanwhile, the wanted ones with what they read and write."""

    def locate(job: Job) -> Job | None:
        try:
            return service.locate(job, reads)
        except JobNotFound:
            return None  # it has ended since it was listed

    found = {wanted[index].id: job for index, job in each(locate, wanted, workers=LOCATED_AT_ONCE)}
    here = [found.get(job.id, job) for job in jobs]
    return [job for job in here if job is not None and job.in_flight]
