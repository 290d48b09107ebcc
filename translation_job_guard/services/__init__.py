"""The services that jobs run on: one interface, and a package with the same modules for each service.

A service's package declares its permissions as data, has a ``Connection`` that opens the service, and maps the
service's states and errors to those of ``jobs`` and ``errors``. It decides nothing. ``registry`` lists all services.
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
    """One permission of a guard.

    Args:
        name: the service's name for it.
        purpose: what it is needed for.
        optional: whether a guard works without it, with less information.
    """

    name: str
    purpose: str
    optional: bool = False


class JobService(Protocol):
    """One service at one place: an account and region at AWS, a Translator resource at Azure.

    Every method sends requests, may be called from several threads at once, and raises only ``errors.ServiceError``.
    Methods that read take the caller's ``Reads``, which sets the pace and ends them at its deadline. If a service
    answers from a cache (Azure does), they ask again, and raise ``errors.StaleAnswer`` if all answers are cached.
    """

    @property
    def service(self) -> str:
        """``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``."""

    @property
    def place(self) -> str:
        """The region or endpoint."""

    def account(self, reads: Reads = ...) -> str:
        """Return the account that the credentials lead to; for Azure the endpoint's host. Sends one request at most."""

    def list_in_flight(self, reads: Reads = ...) -> Sequence[Job]:
        """Return every job in flight at this place, whoever started it. A job that changes its state is not missed."""

    def locate(self, job: Job, reads: Reads = ...) -> Job:
        """Return a job with what it reads and writes, as far as the service knows it yet."""

    def stop(self, job: Job) -> JobState | None:
        """Ask a job to stop; return the state that the service answers, None if it answers none."""

    def look(self, jobs: Collection[Job], reads: Reads = ...) -> Mapping[str, Job | None]:
        """Return the present state of jobs by ID, None for a job that the service does not know any more."""

    def close(self) -> None:
        """Close the connections to the service; it is not used any more."""

    def prove(self, reads: Reads = ...) -> None:
        """Prove that listing and stopping are permitted, without stopping anything.

        Raises:
            Denied: one of them is not permitted.
        """


@dataclass(frozen=True)
class Connection(ABC):
    """Where jobs run, and where the credentials to reach them come from.

    Each service has a subclass, whose fields have the names of a guard's stored properties. Making one imports no SDK
    and sends no request. Whatever differs between services is asked of their connections.

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
    """Packages that have to be importable to open it, the SDK first: its distribution has hyphens for dots."""
    stores_account: ClassVar[bool] = False
    """Whether a guard stores the account that was found when it was made; an Azure endpoint is itself the account."""
    lists_locations: ClassVar[bool] = True
    """Whether a listing says what jobs read and write; if it does not, jobs can be undecided."""

    place: str
    account_id: str | None = None

    @abstractmethod
    def open(self, reads: Reads | None = None) -> JobService:
        """Return the service. Sends only the requests that the credentials need.

        Args:
            reads: sets the pace of these requests.

        Raises:
            MissingExtra: the service's packages are not installed.
            InvalidArgument: the environment's credentials cannot be used.
            ServiceError: there are no credentials.
        """

    @classmethod
    def place_key(cls, place: str) -> Hashable:
        """Return what all spellings of a place have in common."""
        return place

    @property
    def key(self) -> Hashable:
        """Equal for all connections to one place, whatever their credentials."""
        return self.service, self.place_key(self.place)

    @property
    def secret_env(self) -> str | None:
        """The environment variable that this connection reads a secret from."""
        return None

    @property
    def label(self) -> str:
        """The service and the place, and what distinguishes this connection from others there."""
        return f"{self.title} {self.place}"

    @property
    def private(self) -> tuple[str, ...]:
        """Values that may have come from secret properties, and that SDKs repeat in their errors."""
        return ()

    @property
    def known_account(self) -> str | None:
        """The account that these credentials were seen to lead to; None if nobody has asked yet."""
        return None

    @property
    def may_have_jobs(self) -> bool:
        """Whether the service runs jobs at this place, as far as that is known without a request."""
        return True

    @abstractmethod
    def settles_in(self, error: ServiceError) -> float:
        """Return for how many seconds an error may only mean that something was just created and is not ready yet.

        Returns:
            0 for an error that does not resolve itself. Transient errors are not considered.
        """


def endpoint_key(url: str) -> tuple[str | int | None, ...]:
    """Return what all spellings of an endpoint have in common: its host, port and path."""
    try:
        parts = urlsplit(url)
        port = parts.port if parts.port is not None else {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return (url,)  # of an edited state: not a valid URL
    return (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/")


def is_loopback(url: str) -> bool:
    """Check whether a URL's host is this machine's loopback, where only an emulator can be.

    The address decides, not how the text begins: 127.0.0.1.example.com may be anybody's host.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
