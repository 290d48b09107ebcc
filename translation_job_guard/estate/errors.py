"""Errors of the services that list accounts, in this package's own types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from translation_job_guard.errors import Denied, Rejected
from translation_job_guard.services.amazon.errors import call
from translation_job_guard.services.azure.errors import Advice
from translation_job_guard.services.azure.errors import call as azure_call

__all__ = ["of_organizations", "of_resource_manager"]

_T = TypeVar("_T")

LIST_ACCOUNTS: Final = (
    "Use credentials of the organization's management account or of a delegated administrator that may call "
    "organizations:ListAccounts, or name the accounts with --account."
)
_LOG_IN: Final = "Log in to Entra ID (`az login`)."
_READER: Final = Advice(_LOG_IN, _LOG_IN, "Assign the role Reader on the subscription.", "Reader", missing="")


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
    return azure_call(request, operation, _READER)
