"""Looking at places: what is in flight at each, all at once. A place that cannot be looked at says why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import GuardError, JobNotFound
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.jobs import AMAZON_TRANSLATE, Job
from translation_job_guard.redaction import redact
from translation_job_guard.services import JobService
from translation_job_guard.state import same_endpoint
from translation_job_guard.teardown import Policy
from translation_job_guard.threads import each

__all__ = ["Sight", "is_same_place", "look", "looks_at", "place_of"]

PLACES_AT_ONCE = 64
LOCATED_AT_ONCE = 8


@dataclass(frozen=True)
class Sight:
    """What one place showed: jobs, oldest first, or an error. ``unlocated``: how many were not asked for locations."""

    place: GuardArguments
    account: str | None
    jobs: tuple[Job, ...]
    seconds: float
    error: str | None = None
    unlocated: int = 0


def place_of(guard: GuardArguments) -> GuardArguments:
    """Where and as whom a guard looks, and nothing else of it: guards with the same answer share one look."""
    return replace(
        guard, name="", stack="", project="", scopes=(), policy=Policy(), protects=(), expected_account_id=None
    )


def is_same_place(service: str, one: str, other: str) -> bool:
    """Check whether two regions, or two endpoints in any spelling, are the same place."""
    return one == other if service == AMAZON_TRANSLATE else same_endpoint(one, other)


def looks_at(guard: GuardArguments, sight: Sight) -> bool:
    """Check whether a guard works at the place that was looked at, and in the account that was found there."""
    return (
        guard.service == sight.place.service
        and is_same_place(guard.service, guard.place, sight.place.place)
        and (guard.account_id is None or sight.account is None or guard.account_id == sight.account)
    )


def look(
    places: Sequence[GuardArguments],
    *,
    timeout: float,
    wants_locations: Callable[[Sequence[Job]], Sequence[Job]],
    on_sight: Callable[[Sight], None] = lambda _sight: None,
) -> list[Sight]:
    """Look at every place at once; the answers are in the order of the places, one for each.

    Args:
        timeout: seconds after which a place that has not answered is said to be silent.
        wants_locations: of the jobs of one place that do not tell what they read and write, which to ask for it.
        on_sight: called as each place has answered.
    """
    started = time.monotonic()
    sights: dict[int, Sight] = {}
    deadline = started + timeout
    for index, sight in each(
        lambda place: _look(place, wants_locations), places, workers=PLACES_AT_ONCE, deadline=deadline
    ):
        sights[index] = sight
        on_sight(sight)
    silent = f"no answer in {format_duration(timeout)}: give a longer --timeout, or leave this place out"
    return [sights.get(index) or Sight(place, None, (), timeout, silent) for index, place in enumerate(places)]


def _look(place: GuardArguments, wants_locations: Callable[[Sequence[Job]], Sequence[Job]]) -> Sight:
    started = time.monotonic()
    try:
        service = _connect(place)
        account = lifecycle.verify_account(place, service)
        jobs = service.list_in_flight()
        jobs, unlocated = _located(service, jobs, wants_locations)
    except GuardError as error:
        text = redact(" ".join(str(error).split()), place.key_env)
        return Sight(place, None, (), time.monotonic() - started, text)
    jobs = sorted(jobs, key=lambda job: (job.submitted_at.timestamp() if job.submitted_at else 0.0, job.id))
    return Sight(place, account, tuple(jobs), time.monotonic() - started, unlocated=unlocated)


_reading = threading.Lock()


def _connect(place: GuardArguments) -> JobService:
    if place.service != AMAZON_TRANSLATE:
        return lifecycle.connect(place)
    # The first session reads botocore's models for all others: side by side each would read them for itself.
    with _reading:
        return lifecycle.connect(place)


def _located(
    service: JobService, jobs: Sequence[Job], wants_locations: Callable[[Sequence[Job]], Sequence[Job]]
) -> tuple[list[Job], int]:
    unknown = [job for job in jobs if not job.locations_known]
    wanted = list(wants_locations(unknown))

    def locate(job: Job) -> Job | None:
        try:
            return service.locate(job)
        except JobNotFound:
            return None  # it has ended and is forgotten since it was listed

    found = {wanted[index].id: job for index, job in each(locate, wanted, workers=LOCATED_AT_ONCE)}
    here = [found.get(job.id, job) for job in jobs]
    return [job for job in here if job is not None and job.in_flight], len(unknown) - len(wanted)
