"""List the jobs at every place of a stack, for all live rules: at once, within a time limit, each place once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from translation_job_guard.errors import Denied, GuardError, Transient, UnexpectedError, WrongAccount
from translation_job_guard.existence import what_is_gone
from translation_job_guard.jobs import Job
from translation_job_guard.looking import Sight, look
from translation_job_guard.policies.places import Place
from translation_job_guard.redaction import redact
from translation_job_guard.services import Connection
from translation_job_guard.services.azure import ROLE_MISSING

__all__ = ["Listing", "Listings"]

_KEPT: Final = 30.0
"""Seconds for which another rule may use the same listings. The rules run one right after the other."""


@dataclass(frozen=True)
class Listing:
    """The jobs in flight at a place, or why they could not be listed.

    ``gone`` has the jobs whose role, bucket or container does not exist any more, with its name, if that was asked for.
    """

    place: Place
    jobs: tuple[Job, ...] = ()
    problem: str | None = None
    gone: tuple[tuple[Job, str], ...] = ()


@dataclass
class _Kept:
    places: Sequence[Place]
    with_gone: bool
    listings: list[Listing]
    at: float
    used_by: set[str] = field(default_factory=set)


class Listings:
    """The listings of one pack. A rule never gets the same listings twice, so each validation lists anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def of(
        self,
        rule: str,
        places: Sequence[Place],
        *,
        within: float,
        wants_locations: Callable[[Place, Job], bool],
        with_gone: bool = False,
    ) -> list[Listing]:
        """Return a listing of every place.

        Args:
            rule: the name of the rule that asks.
            places: where to look.
            within: seconds after which a place that has not answered counts as unreachable.
            wants_locations: whether to ask what a job reads and writes.
            with_gone: whether to find out which roles, buckets and containers do not exist any more.
        """
        with self._lock:
            kept = self._kept
            if (
                kept is None
                or kept.places != places
                or (with_gone and not kept.with_gone)
                or rule in kept.used_by
                or time.monotonic() - kept.at > _KEPT
            ):
                listings = _list(places, within, wants_locations, with_gone)
                kept = self._kept = _Kept(places, with_gone, listings, time.monotonic())
            kept.used_by.add(rule)
            return kept.listings


def _list(
    places: Sequence[Place], within: float, wants_locations: Callable[[Place, Job], bool], with_gone: bool
) -> list[Listing]:
    by_connection = {place.connection: place for place in places}

    def wanted(connection: Connection, jobs: Sequence[Job]) -> Sequence[Job]:
        return [job for job in jobs if with_gone or wants_locations(by_connection[connection], job)]

    sights = look(
        list(by_connection),
        timeout=within,
        wants_locations=wanted,
        remedy=" (deadlineSeconds)",
        names_accounts=with_gone,
        finish=(lambda sight: replace(sight, gone=what_is_gone(sight))) if with_gone else lambda sight: sight,
    )
    return [_listing(by_connection[sight.connection], sight) for sight in sights]


def _listing(place: Place, sight: Sight) -> Listing:
    error = sight.failure
    # A stack may have resources in regions that Amazon Translate is not in.
    if error is None or (isinstance(error, Transient) and not place.named and not place.connection.may_have_jobs):
        gone = tuple((job, ", ".join(what)) for job in sight.jobs if (what := sight.gone.get(job.id)))
        return Listing(place, sight.jobs, gone=gone)
    return Listing(place, problem=_reason(error, place.connection))


def _reason(error: GuardError, connection: Connection) -> str:
    if isinstance(error, WrongAccount):
        return "the credentials of this environment lead to another account than the stack's jobs are in"
    if isinstance(error, UnexpectedError):
        # The text of an SDK's exception could repeat anything.
        return f"{type(error.__cause__).__name__} while looking"
    text = " ".join(redact(_without_advice(error), connection.secret_env).split()).rstrip(".")
    # What came from a property may be a secret there, and SDKs repeat it. A region is not one.
    for value in connection.private:
        text = _without(text, value)
    return text


def _without_advice(error: GuardError) -> str:
    """Return the reason in full, without the advice to permit all that a guard needs: listing jobs stops none."""
    text = error.happened
    if isinstance(error, Denied) and error.permission and error.permission != "sts:AssumeRole":
        said = text.removesuffix(f" {ROLE_MISSING}").partition(f" {error.permission} is not permitted:")[0]
        return f"{said} {error.permission} is not permitted for this environment's credentials"
    return text


def _without(text: str, value: str) -> str:
    host = urlsplit(value).netloc
    for part in (value, value.rstrip("/"), host, host.partition(":")[0]):
        text = text.replace(part, "…") if part else text
    return text
