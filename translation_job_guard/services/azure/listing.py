"""How the batches in flight are listed although pages shift, and how a request gets past the service's cache.

The service pages by number. When batches end, later ones move forward, and whoever follows the links of pages misses
some. So the next page is asked for by the time of the newest batch seen, where time tells batches apart. Where it does
not (many were submitted within a second, or the service does not sort), it is asked for by number, half a page earlier
than the last one ended. If it still does not begin with a batch that was seen before, the pages have shifted by more
than that, and the listing goes back to where it began to count.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from translation_job_guard.errors import Transient
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, DocumentRow, Documents, Job, JobState, parse_time

__all__ = [
    "STATES",
    "ReadPage",
    "document_of",
    "fresh_start",
    "fresh_top",
    "in_flight",
    "job_of",
    "page_of",
    "query_of",
    "words_in_flight",
]

STATES: Final[Mapping[str, JobState]] = {
    "notstarted": JobState.QUEUED,
    "running": JobState.RUNNING,
    "cancelling": JobState.STOPPING,
    "cancelled": JobState.STOPPED,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "validationfailed": JobState.FAILED,
}
"""The service's words in lower case and with two l (recorded traffic; the SDK and the pages have one)."""

LIST_AGAIN_AT_MOST: Final = 20
"""How often a listing goes back because pages shifted, or reads a page without a new batch, until it gives up."""

_SECOND: Final = timedelta(seconds=1)
"""Whether the filter by time includes its own moment, and how exact it is, is not documented: ask from a second ago."""
_OURS: Final = frozenset({"top", "api-version"})
"""Parameters of a link that are set anew for each request."""
_BEFORE_THE_SERVICE: Final = datetime(2019, 1, 1, tzinfo=timezone.utc)
"""Document Translation began in 2021: every batch was created later."""

ReadPage: TypeAlias = Callable[[datetime | None, int], tuple[list[Job], bool]]
"""Reads the batches in flight created since a moment, without the first so many; also returns whether more follow."""
_T = TypeVar("_T")


def in_flight(read_page: ReadPage) -> list[Job]:
    """Return every batch in flight, each once.

    Raises:
        Transient: the pages repeat, or the batches end faster than they can be listed.
    """
    listing = _Listing()
    while listing.take(*read_page(listing.since, listing.skip)):
        pass
    return [job for job in listing.jobs.values() if job.in_flight]


@dataclass
class _Listing:
    """What was listed so far, and where the next page begins.

    Args:
        jobs: every batch that was seen, by ID.
        since: the next page has batches that were created since then.
        skip: the next page begins after so many of them.
        by_time: the service sorts and filters by time, as far as was seen.
        unbroken: what was listed without a gap since counting began. Behind a gap nothing proves that no batch was
            missed.
        shifts: how often the pages shifted too far.
        fruitless: pages in a row without a new batch.
    """

    jobs: dict[str, Job] = field(default_factory=dict)
    since: datetime | None = None
    skip: int = 0
    by_time: bool = True
    unbroken: set[str] = field(default_factory=set)
    shifts: int = 0
    fruitless: int = 0

    def take(self, page: Sequence[Job], more: bool) -> bool:
        """Take a page; return whether another one has to be read."""
        shifted = self.skip > 0 and not (page and page[0].id in self.unbroken)
        known = len(self.jobs)
        self.jobs.update((job.id, job) for job in page)
        if not more and not shifted:
            return False
        self.shifts += shifted
        self.fruitless = self.fruitless + 1 if len(self.jobs) == known else 0
        if max(self.shifts, self.fruitless) > LIST_AGAIN_AT_MOST:
            raise Transient(
                "list translations: the pages repeat, or the batches end faster than they can be listed.",
                operation="list translations",
            )
        if shifted:
            self._count_from(self.since)
        else:
            self._go_on_after(page)
        return True

    def _go_on_after(self, page: Sequence[Job]) -> None:
        self.unbroken.update(job.id for job in page)
        times = [job.submitted_at for job in page if job.submitted_at]
        self.by_time = self.by_time and len(times) == len(page) > 0 and times == sorted(times)
        self.by_time = self.by_time and (self.since is None or times[0] >= self.since - _SECOND)
        half = len(page) // 2
        if self.by_time and times[half] < times[-1] - _SECOND:
            self._count_from(times[-1] - _SECOND)
        else:
            self.skip += max(len(page) - half, 1)

    def _count_from(self, since: datetime | None) -> None:
        self.since, self.skip = since, 0
        self.unbroken.clear()


@functools.cache
def words_in_flight() -> Sequence[str]:
    """Return the states to ask for: those in flight, and those that the installed SDK knows and this release does not.

    So a state of a newer SDK widens the listing by itself, at no cost.
    """
    from azure.ai.translation.document import models

    newer = [word.value for word in models.Status if _key(word.value) not in STATES]
    return ["NotStarted", "Running", "Cancelling", *newer]


def page_of(response: Any, take: Callable[[Mapping[str, Any]], _T]) -> tuple[tuple[list[_T], str | None], bool]:
    """Return the entries of a page and the link to the next one, and whether they come from a cache.

    Args:
        response: the SDK's response to the request.
        take: makes of an entry what is wanted of it.
    """
    from azure.core.exceptions import HttpResponseError

    if response.status_code != 200:
        raise HttpResponseError(response=response)
    body = response.json()
    entries = body["value"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry["id"] for entry in entries):
        # Any object would count as an empty list otherwise, for instance a gateway's: that shows no batch gone.
        raise ValueError("not a list of Azure Document Translation")
    # Recorded traffic has "@nextLink", the documentation "nextLink".
    link = next((value for name, value in body.items() if name.lower().endswith("nextlink") and value), None)
    if not isinstance(link, (str, type(None))):
        raise ValueError("a link to the next page that is not a text")
    urlsplit(link or "")  # raises ValueError where it cannot be parsed
    # An Age of 0 is as cached as one of 59 (recorded traffic).
    return ([take(entry) for entry in entries], link), "Age" in response.headers


def query_of(link: str) -> str:
    """Return the query of a link without what is set anew: its host may not be the guard's, and gets no credential."""
    query = parse_qsl(urlsplit(link).query)
    return urlencode([(name, value) for name, value in query if name.lower().lstrip("$") not in _OURS])


def fresh_start(since: datetime | None) -> Mapping[str, str]:
    """Return what makes the URL of a listing another one each time: a moment from which on batches were created.

    The moment is a random one, since the cache answers whoever asks: a counter would begin at the same value in two
    processes. It is before all batches, or up to 10 ms before ``since``. The service takes 9 digits of a second
    (recorded traffic).
    """
    start = (
        _BEFORE_THE_SERVICE + timedelta(microseconds=random.randrange(365 * 86_400 * 1_000_000))
        if since is None
        else since - timedelta(microseconds=random.randrange(1, 10_000))
    )
    return {"createdDateTimeUtcStart": f"{start:%Y-%m-%dT%H:%M:%S.%f}{random.randrange(1_000):03}Z"}


def fresh_top() -> Mapping[str, str]:
    """Return what makes the URL of a batch's documents another one each time: more documents than there can be."""
    return {"top": str(1_000_000 + random.randrange(1_000_000_000))}


def job_of(entry: Mapping[str, Any]) -> Job:
    """Return the batch that an entry of a listing shows."""
    word = entry.get("status")
    state = _state(word)
    changed_at = _moment(entry.get("lastActionDateTimeUtc"))
    counts: Mapping[str, Any] = entry.get("summary") or {}
    charged = counts.get("totalCharacterCharged")
    names = ("total", "success", "failed", "inProgress", "notYetStarted", "cancelled")
    return Job(
        service=AZURE_DOCUMENT_TRANSLATION,
        id=str(entry["id"]),
        state=state,
        service_state=str(word or ""),
        submitted_at=_moment(entry.get("createdDateTimeUtc")),
        ended_at=None if state.in_flight else changed_at,
        changed_at=changed_at,
        documents=Documents(*(int(counts.get(name) or 0) for name in names)),
        characters_charged=None if charged is None else int(charged),
        message=(entry.get("error") or {}).get("message"),
    )


def document_of(entry: Mapping[str, Any]) -> tuple[str, DocumentRow]:
    """Return the ID of a document, and what it reads and writes."""
    # Whether the target is there before the document is translated is not recorded; a failed one never has it.
    ended = not _state(entry.get("status")).in_flight
    row = DocumentRow(_without_port(entry.get("sourcePath")), _without_port(entry.get("path")), ended)
    return str(entry["id"]), row


def _without_port(url: str | None) -> str | None:
    # The service writes the default port of https out (recorded traffic), people do not.
    return re.sub(r"^(https://[^/?#]*):443(?=[/?#]|$)", r"\1", url) if url else None


def _key(word: Any) -> str:
    # Answers have two l (recorded traffic), the documentation has one.
    return str(word or "").lower().replace("canceling", "cancelling").replace("canceled", "cancelled")


def _state(word: Any) -> JobState:
    # A word that this release does not know counts as running, never as ended.
    return STATES.get(_key(word), JobState.RUNNING)


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None
