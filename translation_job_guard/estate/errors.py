"""Errors of the services that list accounts, in this package's own types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from translation_job_guard.errors import CredentialsUnusable, Denied, Rejected, ServiceError, Throttled, Transient
from translation_job_guard.redaction import excerpt
from translation_job_guard.services import calling
from translation_job_guard.services.amazon.errors import call
from translation_job_guard.services.reading import retry_after

__all__ = ["of_organizations", "of_resource_manager"]

_T = TypeVar("_T")

LIST_ACCOUNTS: Final = (
    "Use credentials of the organization's management account or of a delegated administrator that may call "
    "organizations:ListAccounts, or name the accounts with --account."
)
READER: Final = "Assign the role Reader on the subscription."


def of_organizations(request: Callable[[], _T]) -> _T:
    """Send a ListAccounts request.

    Raises:
        ServiceError: the request failed.
    """
    operation = "ListAccounts"
    try:
        return call(request, f"organizations:{operation}")
    except (Denied, Rejected) as error:
        said = str(error).split(f" organizations:{operation} is not permitted")[0]
        raise type(error)(f"{said} {LIST_ACCOUNTS}", operation=operation) from error


def of_resource_manager(request: Callable[[], _T], operation: str) -> _T:
    """Send a request of Azure Resource Manager.

    Raises:
        ServiceError: the request failed.
    """
    from azure.core.exceptions import AzureError

    return calling.call(request, operation, (AzureError,), lambda error: _of_azure(error, operation))


def _of_azure(error: Exception, operation: str) -> ServiceError:
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.response is not None:
        return _refused(error, operation)
    if isinstance(error, azure.ClientAuthenticationError):
        # The first line says that there is no token; what Entra ID refused has its number.
        first, *more = str(error).splitlines() or [""]
        said = excerpt(" ".join([first, *(line.strip() for line in more if "AADSTS" in line)])).rstrip(".")
        return CredentialsUnusable(f"{operation}: {said}. Log in to Entra ID (`az login`).", operation=operation)
    transient = (azure.ServiceRequestError, azure.ServiceResponseError, azure.IncompleteReadError)
    return calling.unanswered(error, operation, transient=transient, certificates="REQUESTS_CA_BUNDLE")


def _refused(error: object, operation: str) -> ServiceError:
    status, details = getattr(error, "status_code", 0) or 0, getattr(error, "error", None)
    said = (details.message if details else None) or getattr(error, "message", "") or ""
    text = f"{operation}: {status}: {excerpt(str(said))}".rstrip(". ") + "."
    if status == 429:
        headers = getattr(getattr(error, "response", None), "headers", {})
        return Throttled(text, operation=operation, retry_after=retry_after(headers.get("Retry-After")))
    if status == 401:
        return CredentialsUnusable(f"{text} Log in to Entra ID (`az login`).", operation=operation)
    if status == 403:
        return Denied(f"{text} {READER}", operation=operation, permission="Reader")
    return (Transient if status >= 500 or status == 408 else Rejected)(text, operation=operation)
