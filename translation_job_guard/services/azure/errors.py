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

__all__ = ["Login", "call", "service_error"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Login:
    """What errors say of the credential.

    Args:
        key_env: the environment variable of the key.
        by_key: whether there is a key.
    """

    key_env: str
    by_key: bool


def call(request: Callable[[], _T], operation: str, login: Login) -> _T:
    """Send one request and return its answer.

    Args:
        request: sends the request and reads what is needed of the answer.
        operation: what the request is for.
        login: what errors say of the credential.

    Raises:
        ServiceError: the request failed.
    """
    from azure.core.exceptions import AzureError

    return calling.call(request, operation, (AzureError,), partial(service_error, operation=operation, login=login))


def service_error(error: Exception, operation: str, login: Login) -> ServiceError:
    """Return the error of this package for one of azure-core's."""
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.response is not None:
        return _refused(error, operation, login)
    if isinstance(error, azure.ClientAuthenticationError):
        # The first line says that there is none; what Entra ID refused has its number.
        first, *more = str(error).splitlines() or [""]
        lines = [first, *(line.strip() for line in more if "AADSTS" in line)]
        said = excerpt(" ".join(lines)).rstrip(".")
        return CredentialsUnusable(
            f"{operation}: {said}. Set {login.key_env} to a key of this Translator resource, or log in to Entra ID "
            "(`az login`).",
            operation=operation,
        )
    transient = (azure.ServiceRequestError, azure.ServiceResponseError, azure.IncompleteReadError)
    return calling.unanswered(error, operation, transient=transient, certificates="REQUESTS_CA_BUNDLE")


def _refused(error: Any, operation: str, login: Login) -> ServiceError:
    """Return the error for an answer that is one, by its status and code."""
    from azure.core.exceptions import ClientAuthenticationError

    status, code = error.status_code or 0, error.error.code if error.error else None
    # azure-core's own text has several lines, and users see the last one only.
    said = (error.error.message if error.error else None) or error.message or ""
    text = f"{operation}: {status}: {excerpt(str(said))}".rstrip(". ") + "."
    # A token without the role gets 403, at some places 401.
    if status == 403 or (status == 401 and code == "PermissionDenied"):
        if login.by_key:
            fix = "Check the network rules of the Translator resource, and whether it accepts keys at all."
            return Denied(f"{text} {fix}", operation=operation)
        return Denied(f"{text} {ROLE_MISSING}", operation=operation, permission=ROLE)
    if status == 401 or isinstance(error, ClientAuthenticationError):
        return CredentialsUnusable(
            f"{text} Set {login.key_env} to a current key of this Translator resource, or log in to Entra ID.",
            operation=operation,
        )
    if status == 429:
        after = getattr(error.response, "headers", {}).get("Retry-After")
        return Throttled(text, operation=operation, retry_after=retry_after(after))
    if status == 404:
        return JobNotFound(text, operation=operation)
    # Below 300: an answer that azure-core cannot decode.
    return (Transient if status >= 500 or status == 408 or status < 300 else Rejected)(text, operation=operation)
