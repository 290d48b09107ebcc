"""One look at every place, for all live rules: side by side, in a limited time, each place once."""

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

__all__ = ["Seen", "Sweeps"]

_KEPT: Final = 30.0
"""Seconds for which another rule may use a look: the rules run one right after the other."""


@dataclass(frozen=True)
class Seen:
    """What the rules see of a place: its jobs in flight, or why it could not be looked at.

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
    sights: list[Seen]
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
    ) -> list[Seen]:
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
) -> list[Seen]:
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
    return [_seen(by_connection[sight.connection], sight) for sight in sights]


def _seen(place: Place, sight: Sight) -> Seen:
    error = sight.failure
    # Amazon Translate is not in every region that a stack has something in.
    if error is None or (isinstance(error, Transient) and not place.named and not place.connection.may_have_jobs):
        lost = tuple((job, ", ".join(what)) for job in sight.jobs if (what := sight.gone.get(job.id)))
        return Seen(place, sight.jobs, gone=lost)
    return Seen(place, problem=_words(error, place.connection))


def _words(error: GuardError, connection: Connection) -> str:
    if isinstance(error, WrongAccount):
        return "the credentials of this environment lead to another account than the stack's jobs are in"
    if isinstance(error, UnexpectedError):
        # Of an SDK. Its text could repeat anything.
        return f"{type(error.__cause__).__name__} while looking"
    text = " ".join(redact(_without_advice(error), connection.secret_env).split()).rstrip(".")
    # What came from a property may be secret there, and SDKs repeat it. A region is not.
    for value in connection.private:
        text = _without(text, value)
    return text


def _without_advice(error: GuardError) -> str:
    """Return the reason in full, without the advice to permit everything that a guard needs: a look stops nothing."""
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
