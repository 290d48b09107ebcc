"""Errors of azure-core, as errors of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    JobNotFound,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.redaction import excerpt
from translation_job_guard.services import calling
from translation_job_guard.services.azure.permissions import ROLE, ROLE_MISSING
from translation_job_guard.services.reading import retry_after

__all__ = ["Advice", "call", "service_error"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Advice:
    """What errors tell the user to do.

    Args:
        log_in: if there is no credential.
        renew: if the credential is not accepted.
        permit: if it is not permitted to do this.
        permission: what it lacks, if that is known.
        missing: if what the request names does not exist; None if that is a job.
    """

    log_in: str
    renew: str
    permit: str
    permission: str = ""
    missing: str | None = None

    @classmethod
    def of_resource(cls, key_env: str, *, by_key: bool) -> Advice:
        """Return the advice about a Translator resource, with the environment variable of its key."""
        log_in = f"Set {key_env} to a key of this Translator resource, or log in to Entra ID (`az login`)."
        renew = f"Set {key_env} to a current key of this Translator resource, or log in to Entra ID."
        if by_key:
            permit = "Check the network rules of the Translator resource, and whether it accepts keys at all."
            return cls(log_in, renew, permit)
        return cls(log_in, renew, ROLE_MISSING, ROLE)


def call(request: Callable[[], _T], operation: str, advice: Advice) -> _T:
    """Send one request and return its answer.

    Args:
        request: sends the request and reads what is needed of the answer.
        operation: what the request is for.
        advice: what errors tell the user to do.

    Raises:
        ServiceError: the request failed.
    """
    from azure.core.exceptions import AzureError

    return calling.call(request, operation, (AzureError,), partial(service_error, operation=operation, advice=advice))


def service_error(error: Exception, operation: str, advice: Advice) -> ServiceError:
    """Return the error of this package for one of azure-core's."""
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.response is not None:
        return _refused(error, operation, advice)
    if isinstance(error, azure.ClientAuthenticationError):
        # The first line says that there is none; what Entra ID refused has its number.
        first, *more = str(error).splitlines() or [""]
        lines = [first, *(line.strip() for line in more if "AADSTS" in line)]
        said = excerpt(" ".join(lines)).rstrip(".")
        return CredentialsUnusable(f"{operation}: {said}. {advice.log_in}", operation=operation)
    transient = (azure.ServiceRequestError, azure.ServiceResponseError, azure.IncompleteReadError)
    return calling.unanswered(error, operation, transient=transient, certificates="REQUESTS_CA_BUNDLE")


def _refused(error: Any, operation: str, advice: Advice) -> ServiceError:
    """Return the error for an answer that is one, by its status and code."""
    from azure.core.exceptions import ClientAuthenticationError

    status, code = error.status_code or 0, error.error.code if error.error else None
    # azure-core's own text has several lines, and users see the last one only.
    said = (error.error.message if error.error else None) or error.message or ""
    text = f"{operation}: {status}: {excerpt(str(said))}".rstrip(". ") + "."
    # A token without the role gets 403, at some places 401.
    if status == 403 or (status == 401 and code == "PermissionDenied"):
        return Denied(f"{text} {advice.permit}", operation=operation, permission=advice.permission)
    if status == 401 or isinstance(error, ClientAuthenticationError):
        return CredentialsUnusable(f"{text} {advice.renew}", operation=operation)
    if status == 429:
        after = getattr(error.response, "headers", {}).get("Retry-After")
        return Throttled(text, operation=operation, retry_after=retry_after(after))
    if status == 404 and advice.missing is None:
        return JobNotFound(text, operation=operation)
    if status == 404:
        return Rejected(f"{text} {advice.missing}".rstrip(), operation=operation)
    # Below 300: an answer that azure-core cannot decode.
    return (Transient if status >= 500 or status == 408 or status < 300 else Rejected)(text, operation=operation)
