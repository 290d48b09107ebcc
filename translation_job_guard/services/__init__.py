"""The services that jobs run on: one protocol, and one module of the same shape for each of them.

A service module declares its permissions as data, opens a connection, and maps the service's words, states and errors
to those of ``jobs`` and ``errors``. It decides nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from translation_job_guard.errors import GuardError, MissingExtra, Rejected, ServiceError
from translation_job_guard.jobs import Job, JobState
from translation_job_guard.redaction import excerpt
from translation_job_guard.services.reading import Reads

__all__ = ["JobService", "Permission", "is_loopback", "loading", "unexpected"]


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


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine's loopback, where only an emulator can be.

    Goes by the address, not by how the text begins: 127.0.0.1.example.com is anybody's.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unexpected(error: Exception, operation: str) -> GuardError:
    """Return the error of this package for an exception that an SDK lets through: an environment that it cannot use.

    Examples: a token or certificate file that does not exist, a credential process that prints no JSON, an endpoint
    without a scheme. No retry helps, but the environment can be corrected.
    """
    if isinstance(error, (ServiceError, MissingExtra)):
        return error
    said = excerpt(str(error))
    return Rejected(
        f"{operation}: {type(error).__name__}: {said}".rstrip(". ") + ". Check the environment variables and the files "
        "that set credentials, endpoints, proxies and certificates.",
        operation=operation,
    )


@contextmanager
def loading() -> Iterator[None]:
    """Around the import of an SDK: its modules are here to stay.

    Python would walk all that Pulumi has in memory, again and again, in search of garbage: a tenth of what the import
    costs, and the import is most of what a guard without jobs costs.
    """
    if not gc.isenabled():
        # Also while another thread is in here, which enables it again.
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
