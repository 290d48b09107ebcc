"""The services that jobs run on: one protocol, and one module of the same shape for each of them.

A service module declares its permissions as data, has a ``Connection`` that opens the service, and maps the service's
words, states and errors to those of ``jobs`` and ``errors``. It decides nothing. ``registry`` has all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from translation_job_guard.errors import ServiceError
from translation_job_guard.jobs import Job, JobState
from translation_job_guard.services.reading import Reads

__all__ = ["Connection", "JobService", "Permission", "endpoint_key", "is_loopback"]


@dataclass(frozen=True)
class Permission:
    """One permission that a guard needs, and what for. ``optional``: something is lost without it, nothing is wrong."""

    name: str
    purpose: str
    optional: bool = False


class JobService(Protocol):
    """One service at one place: an account and region at AWS, a Translator resource at Azure.

    Every method makes requests, may be called from several threads at once, and raises only ``errors.ServiceError``.
    Methods that read take the caller's ``Reads``, which sets the pace and ends them at its deadline. Where a service
    answers from a cache (Azure does), they ask again, and raise ``errors.StaleAnswer`` if it answers nothing else.
    """

    @property
    def service(self) -> str:
        """``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``."""

    @property
    def place(self) -> str:
        """Where: a region, or an endpoint."""

    def account(self, reads: Reads = ...) -> str:
        """Whose: the account that the credentials lead to; the endpoint's host name at Azure. One request at most."""

    def list_in_flight(self, reads: Reads = ...) -> Sequence[Job]:
        """Every job in flight at this place, whoever started it, in an order in which a moving job is not missed."""

    def locate(self, job: Job, reads: Reads = ...) -> Job:
        """``job`` with what it reads and writes, as far as the service knows it yet."""

    def stop(self, job: Job) -> JobState | None:
        """Ask to end ``job``: the state that the service answers, None where it says nothing."""

    def look(self, jobs: Collection[Job], reads: Reads = ...) -> Mapping[str, Job | None]:
        """The present state of ``jobs`` by id, None for one that the service does not know any more."""

    def prove(self, reads: Reads = ...) -> None:
        """Prove that listing and stopping are permitted, without stopping anything.

        Raises:
            Denied: definitely not permitted.
        """


@dataclass(frozen=True)
class Connection(ABC):
    """Where jobs run, and where the credentials to reach them come from.

    Each service's module has a subclass, whose fields are called as a guard's stored properties. To make one imports no
    SDK and sends no request. What differs between services is asked of their connections.

    Args:
        place: a region or an endpoint.
        account_id: the account that the credentials must lead to; None for any.
    """

    service: ClassVar[str]
    """``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``."""
    title: ClassVar[str]
    """The service's name in messages."""
    place_name: ClassVar[str]
    """The word for the place, and the property that stores it."""
    extra: ClassVar[str]
    """The extra of this package that installs the SDK."""
    packages: ClassVar[tuple[str, ...]]
    """What has to be importable to open it, the SDK first: its distribution has hyphens for dots."""
    stores_account: ClassVar[bool] = False
    """Whether a guard stores the account that was found when it was made; an Azure endpoint is an account by itself."""
    lists_locations: ClassVar[bool] = True
    """Whether a listing says what jobs read and write; where it does not, jobs can be undecided."""

    place: str
    account_id: str | None = None

    @abstractmethod
    def open(self, reads: Reads | None = None) -> JobService:
        """Return the service. Sends no request but those that the credentials take.

        Raises:
            MissingExtra: the service's packages are not installed.
            InvalidArgument: the environment's credentials cannot be used.
            ServiceError: there are no credentials to begin with.
        """

    @classmethod
    def place_key(cls, place: str) -> Hashable:
        """Return what all spellings of a place have in common."""
        return place

    @property
    def key(self) -> Hashable:
        """What all connections to one place have in common, whatever their credentials."""
        return self.service, self.place_key(self.place)

    @property
    def secret_env(self) -> str | None:
        """An environment variable of its own whose value is a secret."""
        return None

    @property
    def label(self) -> str:
        """The service and the place, with what sets this connection apart from others there."""
        return f"{self.title} {self.place}"

    @property
    def private(self) -> tuple[str, ...]:
        """Values that may have come from secret properties, and that SDKs repeat in their errors."""
        return ()

    @property
    def may_have_jobs(self) -> bool:
        """Whether the service runs jobs at this place, as far as that is known without a request."""
        return True

    @abstractmethod
    def settles_in(self, error: ServiceError) -> float:
        """Return the seconds for which ``error`` may be no more than a sign that what was just made is not there yet.

        0 for an error that does not heal by itself. Transient errors are not its business.
        """


def endpoint_key(url: str) -> tuple[str | int | None, ...]:
    """Return what all spellings of an endpoint have in common: its host, port and path."""
    try:
        parts = urlsplit(url)
        port = parts.port if parts.port is not None else {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return (url,)  # of an edited state
    return (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine's loopback, where only an emulator can be.

    Goes by the address, not by how the text begins: 127.0.0.1.example.com is anybody's.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
