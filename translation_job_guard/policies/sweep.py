"""One look at every place, for all live rules: side by side, in a limited time, each place once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import Denied, GuardError, JobNotFound, Transient, WrongAccount
from translation_job_guard.existence import Surroundings
from translation_job_guard.guard import lifecycle
from translation_job_guard.jobs import AMAZON_TRANSLATE, Job
from translation_job_guard.policies.places import Place
from translation_job_guard.redaction import redact
from translation_job_guard.services import JobService
from translation_job_guard.services.azure import ROLE_MISSING
from translation_job_guard.threads import each

__all__ = ["Sight", "Sweeps"]

PLACES_AT_ONCE: Final = 8
LOCATED_AT_ONCE: Final = 8
_KEPT: Final = 30.0
"""Seconds for which another rule may use a look: the rules run one right after the other."""


@dataclass(frozen=True)
class Sight:
    """What a place showed: its jobs in flight, or why it could not be looked at.

    ``gone`` are the jobs whose role, bucket or container is known to be gone, with what is, if that was asked for.
    """

    place: Place
    jobs: tuple[Job, ...] = ()
    problem: str | None = None
    gone: tuple[tuple[Job, str], ...] = ()


@dataclass
class _Kept:
    places: tuple[Place, ...]
    with_gone: bool
    sights: list[Sight]
    at: float
    seen_by: set[str] = field(default_factory=set)


class Sweeps:
    """The looks of one pack. A rule never sees the same look twice, so each validation looks anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def sweep(
        self,
        rule: str,
        places: Sequence[Place],
        *,
        within: float,
        wants_locations: Callable[[Place, Job], bool],
        with_gone: bool = False,
    ) -> list[Sight]:
        """What every place shows; a place that has not answered ``within`` seconds has a problem."""
        with self._lock:
            kept = self._kept
            if (
                kept is None
                or kept.places != tuple(places)
                or (with_gone and not kept.with_gone)
                or rule in kept.seen_by
                or time.monotonic() - kept.at > _KEPT
            ):
                sights = _look_at(places, within, wants_locations, with_gone)
                kept = self._kept = _Kept(tuple(places), with_gone, sights, time.monotonic())
            kept.seen_by.add(rule)
            return kept.sights


def _look_at(
    places: Sequence[Place], within: float, wants_locations: Callable[[Place, Job], bool], with_gone: bool
) -> list[Sight]:
    deadline = time.monotonic() + within
    looks = each(
        lambda place: _look(place, deadline, wants_locations, with_gone),
        places,
        workers=PLACES_AT_ONCE,
        deadline=deadline,
    )
    found = dict(looks)
    late = f"no answer in {format_duration(within)} (deadlineSeconds)"
    return [found.get(index) or Sight(place, problem=late) for index, place in enumerate(places)]


def _look(place: Place, deadline: float, wants_locations: Callable[[Place, Job], bool], with_gone: bool) -> Sight:
    try:
        service = lifecycle.connect(place.connection)
        account = ""
        if place.account or with_gone:
            account = lifecycle.verify_account(replace(place.connection, account_id=place.account), service)
        jobs = list(service.list_in_flight())
        wanted = [job for job in jobs if not job.locations_known and (with_gone or wants_locations(place, job))]
        located = each(lambda job: _locate(service, job), wanted, workers=LOCATED_AT_ONCE, deadline=deadline)
        now = {wanted[index].id: job for index, job in located}
        jobs = [now.get(job.id, job) for job in jobs]
        gone: tuple[tuple[Job, str], ...] = ()
        if with_gone:
            around = Surroundings(place.connection, account)
            gone = tuple((job, ", ".join(what)) for job in jobs if (what := around.gone(job)))
        return Sight(place, tuple(job for job in jobs if job.in_flight), gone=gone)
    except WrongAccount:
        return Sight(
            place,
            problem="the credentials of this environment lead to another account than the stack's jobs are in",
        )
    except Transient as error:
        if not place.named and _has_no_service(place):
            return Sight(place)
        return Sight(place, problem=_words(place, error))
    except GuardError as error:
        return Sight(place, problem=_words(place, error))
    except Exception as error:
        # Of an SDK. Its text could repeat anything.
        return Sight(place, problem=f"{type(error).__name__} while looking")


def _locate(service: JobService, job: Job) -> Job:
    try:
        return service.locate(job)
    except JobNotFound:
        return job


def _words(place: Place, error: GuardError) -> str:
    text = " ".join(redact(_without_advice(error), place.connection.key_env).split()).rstrip(".")
    connection = place.connection
    # What came from a property may be secret there, and SDKs repeat it. A region is not.
    endpoint = None if place.service == AMAZON_TRANSLATE else connection.place
    for value in (endpoint, connection.endpoint_url, connection.profile, connection.assume_role_arn):
        text = _without(text, value)
    return _without(text, connection.account_resource_id)


def _without_advice(error: GuardError) -> str:
    """Return the reason in full, without the advice to permit everything that a guard needs: a look stops nothing."""
    text = error.happened
    if isinstance(error, Denied) and error.permission and error.permission != "sts:AssumeRole":
        said = text.removesuffix(f" {ROLE_MISSING}").partition(f" {error.permission} is not permitted:")[0]
        return f"{said} {error.permission} is not permitted for this environment's credentials"
    return text


def _without(text: str, value: str | None) -> str:
    if not value:
        return text
    host = urlsplit(value).netloc
    for part in (value, value.rstrip("/"), host, host.partition(":")[0]):
        text = text.replace(part, "…") if part else text
    return text


def _has_no_service(place: Place) -> bool:
    """Whether boto3 knows that Amazon Translate is not in a region, where nobody said that it is."""
    import boto3

    session = boto3.Session()
    everywhere = [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("translate", partition)
    ]
    return place.service == AMAZON_TRANSLATE and place.connection.place not in everywhere
