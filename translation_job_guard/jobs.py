"""Jobs, their states, and scopes: which jobs a guard is responsible for.

A scope is matched in ``coverage``: the one predicate that teardown, policies and command line use. It asks
``AmazonScope.coverage`` and ``AzureScope.coverage``. This module imports no cloud SDK and no Pulumi.
"""

from __future__ import annotations

import enum
import functools
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import ClassVar, Final, Protocol
from urllib.parse import unquote, urlsplit

__all__ = [
    "AMAZON_TRANSLATE",
    "AZURE_DOCUMENT_TRANSLATION",
    "SCOPES",
    "AmazonScope",
    "AzureScope",
    "Coverage",
    "DocumentRow",
    "Documents",
    "Job",
    "JobState",
    "Scope",
    "counted",
    "coverage",
    "left_behind",
    "named",
    "parse_time",
]

AMAZON_TRANSLATE = "amazon-translate"
AZURE_DOCUMENT_TRANSLATION = "azure-document-translation"


class JobState(enum.Enum):
    """The state of a job, in one vocabulary for all services."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SUCCEEDED = "succeeded"
    SUCCEEDED_IN_PART = "succeeded in part"
    FAILED = "failed"

    @property
    def in_flight(self) -> bool:
        """Whether the job has not ended: it is queued, running or stopping."""
        return self in _IN_FLIGHT


_IN_FLIGHT = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.STOPPING})


@dataclass(frozen=True)
class Documents:
    """How many documents a job has, by state. ``total`` is 0 if the service does not know yet."""

    total: int
    succeeded: int = 0
    failed: int = 0
    in_progress: int = 0
    not_started: int = 0
    stopped: int = 0


@dataclass(frozen=True)
class DocumentRow:
    """One document of an Azure batch, as the service lists it.

    Args:
        source: the URL that it is read from; None if the service does not show it.
        target: the URL that it is written to; None if the service does not show it yet.
        ended: it has been translated, has failed or was cancelled, so a target that is missing now stays missing.
    """

    source: str | None
    target: str | None = None
    ended: bool = False


@dataclass(frozen=True)
class Job:
    """One job as a service showed it.

    Args:
        service: ``AMAZON_TRANSLATE`` or ``AZURE_DOCUMENT_TRANSLATION``.
        id: the service's ID of it.
        state: its state.
        service_state: the service's own word for the state.
        name: its name (Amazon).
        submitted_at: when it was submitted.
        ended_at: when it ended.
        changed_at: since when it has been in its state (Azure).
        role_arn: the role under which it reads and writes (Amazon).
        locations: the URIs that it reads and writes.
        rows: its documents, which have to be read for each batch (Azure; ``JobService.locate``).
        documents: how many documents it has.
        characters_charged: the number of characters that are charged.
        message: what the service says of its end.
        locations_listed: whether a listing already shows all ``locations``. Azure's does not: they come from ``rows``.
    """

    service: str
    id: str
    state: JobState
    service_state: str
    name: str | None = None
    submitted_at: datetime | None = None
    ended_at: datetime | None = None
    changed_at: datetime | None = None
    role_arn: str | None = None
    locations: tuple[str, ...] = ()
    rows: tuple[DocumentRow, ...] = ()
    documents: Documents | None = None
    characters_charged: int | None = None
    message: str | None = None
    locations_listed: bool = False

    @property
    def in_flight(self) -> bool:
        """Whether it has not ended."""
        return self.state.in_flight

    @property
    def locations_known(self) -> bool:
        """Whether all that it reads is known: listed, or as many rows as documents were counted, and at least one.

        A batch that has just been submitted counts 0 documents for a moment (recorded traffic): that decides nothing.
        """
        return self.locations_listed or len(self.rows) >= (self.documents.total if self.documents else 0) > 0

    def __str__(self) -> str:
        return f"{self.id} ({self.name}) {self.service_state}" if self.name else f"{self.id} {self.service_state}"


def named(jobs: Iterable[Job | str], most: int = 10) -> str:
    """Return jobs, or descriptions of jobs, for a sentence: the first few, and how many more there are."""
    texts = list(map(str, jobs))
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def counted(count: int, one: str, many: str) -> str:
    """Return a count with its word: ``1 job``, ``2 jobs``."""
    return f"{count:,} {one if count == 1 else many}"


class Coverage(enum.Enum):
    """Whether a job is in a scope. UNKNOWN: not enough is known of the job yet."""

    COVERED = "covered"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


class Scope(Protocol):
    """Which jobs a guard is responsible for."""

    def coverage(self, job: Job) -> Coverage:
        """Return whether a job is in this scope: every selector that is given must match, by any of its values."""


def coverage(scopes: Iterable[Scope], job: Job) -> Coverage:
    """Return whether any of the scopes covers a job.

    Teardown, policies and command line all use this predicate: what it calls covered, a teardown stops.
    """
    return _any_of(scope.coverage(job) for scope in scopes)


def left_behind(old: Sequence[Scope], new: Sequence[Scope], job: Job) -> Coverage:
    """Return whether a job was in the old scopes and is not in the new ones: a narrower scope leaves it behind."""
    was, is_now = coverage(old, job), coverage(new, job)
    if was is Coverage.OUTSIDE or is_now is Coverage.COVERED:
        return Coverage.OUTSIDE
    if Coverage.UNKNOWN in (was, is_now):
        return Coverage.UNKNOWN
    return Coverage.COVERED


@dataclass(frozen=True)
class AmazonScope:
    """A scope over Amazon Translate jobs; an empty selector was not given.

    ``s3_uri_prefixes`` end at a slash: ``s3://bucket-1`` is not a prefix of ``s3://bucket-10/``. The input and the
    output of a job both count. ``job_name_prefixes`` are compared in Unicode's composed form (NFC).
    """

    service: ClassVar[str] = AMAZON_TRANSLATE

    data_access_role_arns: tuple[str, ...] = ()
    s3_uri_prefixes: tuple[str, ...] = ()
    job_name_prefixes: tuple[str, ...] = ()
    job_ids: tuple[str, ...] = ()
    submitted_after: datetime | None = None
    whole_region: bool = False

    def __post_init__(self) -> None:
        _refuse_empty(self.data_access_role_arns, self.job_name_prefixes, self.job_ids)
        _refuse_empty(prefix.removeprefix("s3:").strip("/") for prefix in self.s3_uri_prefixes)

    def coverage(self, job: Job) -> Coverage:
        """Return whether a job is in this scope."""
        if self.whole_region:
            return Coverage.COVERED
        kinds: list[Coverage] = []
        if self.data_access_role_arns:
            kinds.append(_yes_or_no(job.role_arn in self.data_access_role_arns))
        if self.s3_uri_prefixes:
            kinds.append(
                _yes_or_no(any(_s3_below(uri, prefix) for uri in job.locations for prefix in self.s3_uri_prefixes))
            )
        if self.job_name_prefixes:
            name = unicodedata.normalize("NFC", job.name or "")
            prefixes = tuple(unicodedata.normalize("NFC", prefix) for prefix in self.job_name_prefixes)
            kinds.append(_yes_or_no(name.startswith(prefixes)))
        if self.job_ids:
            kinds.append(_yes_or_no(job.id in self.job_ids))
        return _all_kinds(kinds, self.submitted_after, job)


@dataclass(frozen=True)
class AzureScope:
    """A scope over Azure Document Translation batches; an empty selector was not given.

    A batch is in scope as soon as one of its documents meets all URL selectors by itself: ``container_urls`` (reads
    from or writes to), ``source_container_urls`` (reads from) and ``target_container_urls`` (writes to).
    """

    service: ClassVar[str] = AZURE_DOCUMENT_TRANSLATION

    translation_ids: tuple[str, ...] = ()
    container_urls: tuple[str, ...] = ()
    source_container_urls: tuple[str, ...] = ()
    target_container_urls: tuple[str, ...] = ()
    created_after: datetime | None = None
    whole_resource: bool = False

    def __post_init__(self) -> None:
        _refuse_empty(self.translation_ids)
        # A host alone would be every container of an account.
        _refuse_empty("".join(_blob_parts(url)[1:]) for url in self._urls())

    def coverage(self, job: Job) -> Coverage:
        """Return whether a batch is in this scope; UNKNOWN while its documents do not decide it."""
        if self.whole_resource:
            return Coverage.COVERED
        kinds: list[Coverage] = []
        if self.translation_ids:
            kinds.append(_yes_or_no(job.id.lower() in {one.lower() for one in self.translation_ids}))
        # IDs and times need no documents, so they are decided first.
        if (
            any(self._urls())
            and _all_kinds(kinds or [Coverage.COVERED], self.created_after, job) is not Coverage.OUTSIDE
        ):
            kinds.append(self._documents(job))
        return _all_kinds(kinds, self.created_after, job)

    def _urls(self) -> tuple[str, ...]:
        return (*self.container_urls, *self.source_container_urls, *self.target_container_urls)

    def _documents(self, job: Job) -> Coverage:
        rows = _any_of(map(self._row, job.rows))
        # A row that is not listed yet may match, and so may one whose target is not shown yet.
        return Coverage.UNKNOWN if rows is Coverage.OUTSIDE and not job.locations_known else rows

    def _row(self, row: DocumentRow) -> Coverage:
        """Return whether one document meets all URL selectors."""
        kinds = []
        if self.source_container_urls:
            kinds.append(_below_any(row.source, self.source_container_urls, may_come=True))
        if self.target_container_urls:
            kinds.append(_below_any(row.target, self.target_container_urls, may_come=not row.ended))
        if self.container_urls:
            reads = _below_any(row.source, self.container_urls, may_come=True)
            writes = _below_any(row.target, self.container_urls, may_come=not row.ended)
            kinds.append(_any_of((reads, writes)))
        return _all_of(kinds)


SCOPES: Final = {scope.service: scope for scope in (AmazonScope, AzureScope)}
"""The class of each service's scopes."""


def parse_time(text: str) -> datetime:
    """Return the point in time that an RFC 3339 text names.

    Raises:
        ValueError: it is not a valid time, or has no time zone.
    """
    # fromisoformat of Python 3.10 accepts neither "Z" nor fractions of other than 3 or 6 digits.
    plain = re.sub(r"\.(\d+)", lambda fraction: f".{fraction[1]:0<6.6}", text.strip())
    moment = datetime.fromisoformat(plain.replace("Z", "+00:00").replace("z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(timezone.utc)


def _all_kinds(kinds: list[Coverage], after: datetime | None, job: Job) -> Coverage:
    # A time alone never selects: it only narrows what another kind selected.
    if not kinds or Coverage.OUTSIDE in kinds:
        return Coverage.OUTSIDE
    if after is not None:
        if job.submitted_at is None:
            kinds.append(Coverage.UNKNOWN)
        elif job.submitted_at < after:
            return Coverage.OUTSIDE
    return _all_of(kinds)


def _any_of(answers: Iterable[Coverage]) -> Coverage:
    given = set(answers)
    return next((one for one in (Coverage.COVERED, Coverage.UNKNOWN) if one in given), Coverage.OUTSIDE)


def _all_of(answers: Collection[Coverage]) -> Coverage:
    return next((one for one in (Coverage.OUTSIDE, Coverage.UNKNOWN) if one in answers), Coverage.COVERED)


def _refuse_empty(*kinds: Iterable[str]) -> None:
    # Behind the checks of a guard's arguments, the last line of defence: an empty prefix would match every job.
    if any(not value for kind in kinds for value in kind):
        raise ValueError("a selector of the scope is empty")


def _yes_or_no(matches: bool) -> Coverage:
    return Coverage.COVERED if matches else Coverage.OUTSIDE


def _s3_below(uri: str, prefix: str) -> bool:
    # A prefix ends at a slash, so that "pr-1" does not match "pr-17": a neighbour's jobs matter more than the
    # convenience of half a name.
    prefix = prefix.rstrip("/")
    return uri == prefix or uri.startswith(prefix + "/")


def _below_any(url: str | None, containers: Iterable[str], *, may_come: bool) -> Coverage:
    if url is None:
        return Coverage.UNKNOWN if may_come else Coverage.OUTSIDE
    return _yes_or_no(any(_blob_below(url, container) for container in containers))


def _blob_below(url: str, container: str) -> bool:
    wanted = _blob_parts(container)
    try:
        return _blob_parts(url)[: len(wanted)] == wanted
    except ValueError:
        # Nobody can read from or write to a URL that cannot be parsed, so it is not in this container.
        return False


@functools.lru_cache(maxsize=4096)
def _blob_parts(url: str) -> tuple[str, ...]:
    """Return the host and the folders of a blob URL, in the one spelling in which they are compared.

    The service writes the port out (recorded traffic) and encodes a slash in a blob's name or not. An empty folder
    counts: ``docs//in`` is another place than ``docs/in``.
    """
    parts = urlsplit(url)
    port = parts.port
    default = {"https": 443, "http": 80}.get(parts.scheme)
    host = _blob_host(parts.hostname or "") + (f":{port}" if port is not None and port != default else "")
    path = unquote(parts.path).removeprefix("/").rstrip("/")
    return (host, *(path.split("/") if path else ()))


def _blob_host(host: str) -> str:
    """Return the host name of a storage account's primary endpoint for any of its spellings.

    A secondary endpoint (``account-secondary``) and a private one (``account.privatelink.blob…``) reach the same
    containers (Azure documentation), and a trailing dot changes nothing.
    """
    account, dot, rest = host.rstrip(".").partition(".")
    rest = rest.removeprefix("privatelink.")
    return account.removesuffix("-secondary") + dot + rest if rest.startswith("blob.") else account + dot + rest
