"""Azure Document Translation batches, by azure-ai-translation-document."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    JobNotFound,
    MissingExtra,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, Documents, Job, JobState
from translation_job_guard.services import Permission

__all__ = ["PERMISSIONS", "STATES", "AzureDocumentTranslation", "Credentials", "connect"]

PERMISSIONS: Final = (
    Permission("Cognitive Services User", "list, read and cancel translations with Entra ID"),
    Permission(
        "Microsoft.CognitiveServices/accounts/listKeys/action",
        "fetch the key, where account_resource_id is given and no key is in the environment",
        optional=True,
    ),
)
"""Roles and actions that the guard's identity needs on the Translator resource; with a key, none."""

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

CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 20
IN_FLIGHT: Final = ["NotStarted", "Running", "Canceling"]
LOOK_AT_ONCE: Final = 40
"""Ids in one request: they go into the URL."""

ARM_ENDPOINT_ENV: Final = "TRANSLATION_JOB_GUARD_ARM_ENDPOINT"
"""Where Azure Resource Manager is, if not where the endpoint's cloud has it: an emulator."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Credentials:
    """Where the credential comes from: the environment variable ``key_env``, else the account's key by Azure Resource
    Manager, else Entra ID."""

    key_env: str
    account_resource_id: str | None = None


@dataclass(frozen=True)
class Cloud:
    """What differs between Azure's clouds."""

    credential_scope: str
    authority: str
    resource_manager: str


def cloud_of(endpoint: str) -> Cloud:
    """The cloud that an endpoint is in, by its host name: US government, China, else public."""
    host = urlsplit(endpoint).hostname or ""
    return next((cloud for suffix, cloud in _CLOUDS.items() if host.endswith(suffix)), _PUBLIC)


_PUBLIC: Final = Cloud(
    "https://cognitiveservices.azure.com/.default",
    "login.microsoftonline.com",
    "https://management.azure.com",
)
_CLOUDS: Final = {
    ".azure.us": Cloud(
        "https://cognitiveservices.azure.us/.default",
        "login.microsoftonline.us",
        "https://management.usgovcloudapi.net",
    ),
    ".azure.cn": Cloud(
        "https://cognitiveservices.azure.cn/.default",
        "login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
    ),
}


def connect(endpoint: str, credentials: Credentials, api_version: str) -> AzureDocumentTranslation:
    """The service at ``endpoint``. Makes no request but listKeys, and that only with ``account_resource_id``.

    Raises:
        MissingExtra: the Azure packages are not installed.
        ServiceError: the key cannot be fetched.
    """
    try:
        from azure.ai.translation.document import DocumentTranslationClient
        from azure.core.credentials import AzureKeyCredential
    except ImportError as error:
        raise MissingExtra("A guard of Azure Document Translation batches", "azure") from error

    per_call: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    key = os.environ.get(credentials.key_env, "").strip()
    if not key and credentials.account_resource_id:
        key = _list_keys(credentials.account_resource_id, endpoint)
    credential: Any
    if key:
        credential = AzureKeyCredential(key)
    else:
        from azure.identity import DefaultAzureCredential

        cloud = cloud_of(endpoint)
        credential = DefaultAzureCredential(authority=_authority(cloud))
        arguments["credential_scopes"] = [cloud.credential_scope]
        if urlsplit(endpoint).scheme == "http":
            # Only loopback gets here by http (checked with the arguments): an emulator.
            per_call["enforce_https"] = False
    client = DocumentTranslationClient(
        endpoint,
        credential,
        api_version=api_version,
        connection_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        user_agent="translation-job-guard",
        **arguments,
    )
    return AzureDocumentTranslation(endpoint, client, per_call, credentials.key_env)


class AzureDocumentTranslation:
    """Document Translation of one Translator resource, as a ``JobService``."""

    service = AZURE_DOCUMENT_TRANSLATION

    def __init__(self, endpoint: str, client: Any, per_call: Mapping[str, Any], key_env: str) -> None:
        self.place = endpoint
        self._client = client
        self._per_call = dict(per_call)
        self._key_env = key_env

    def account(self) -> str:
        """The endpoint's host and path: a Translator resource is known by nothing else. No request."""
        parts = urlsplit(self.place)
        return f"{parts.netloc.lower()}{parts.path.rstrip('/')}"

    def list_in_flight(self) -> Sequence[Job]:
        """Every batch in flight, oldest first.

        The pages shift while batches end, so each next page is asked for by the time of the last batch that was seen,
        not by its number: what has ended meanwhile cannot push another batch out of sight. Ids seen twice count once.
        """
        jobs: dict[str, Job] = {}
        since: datetime | None = None
        while True:
            pages = self._pages(since)
            new = 0
            for page in pages:
                new = 0
                for job in page:
                    new += job.id not in jobs
                    jobs[job.id] = job
                if new:
                    break
                # All of this page was seen already (many batches of one moment): go on by its own link.
            if not new:
                return [job for job in jobs.values() if job.in_flight]
            # A second earlier: whether the filter includes its own moment is not documented.
            newest = max((job.submitted_at for job in jobs.values() if job.submitted_at), default=None)
            if newest is None or not pages.more:
                return [job for job in jobs.values() if job.in_flight]
            since = newest - timedelta(seconds=1)

    def locate(self, job: Job) -> Job:
        """``job`` with the source and target of each document that the service knows of."""
        documents = self._call(
            lambda: list(self._client.list_document_statuses(job.id, **self._per_call)), "list documents"
        )
        urls = {
            url: None
            for document in documents
            for url in (document.source_document_url, document.translated_document_url)
            if url
        }
        total = job.documents.total if job.documents else 0
        return replace(
            job,
            locations=tuple(urls),
            locations_known=len(documents) >= total > 0,
            documents=replace(job.documents, total=max(total, len(documents))) if job.documents else None,
        )

    def stop(self, job: Job) -> JobState | None:
        """DELETE of the batch; the SDK returns nothing, and the service answers before the batch has stopped."""
        self._call(
            lambda: self._client.cancel_translation(job.id, retry_total=0, **self._per_call),
            "cancel translation",
        )
        return None

    def look(self, jobs: Collection[Job]) -> Mapping[str, Job | None]:
        """The present state of ``jobs``, by listings of their ids."""
        found: dict[str, Job | None] = {}
        ids = [job.id for job in jobs]
        for start in range(0, len(ids), LOOK_AT_ONCE):
            some = ids[start : start + LOOK_AT_ONCE]
            listed = self._call(
                lambda some=some: list(  # type: ignore[misc]
                    self._client.list_translation_statuses(translation_ids=some, **self._per_call)
                ),
                "list translations",
            )
            by_id = {status.id: _job(status) for status in listed}
            found |= {id_: by_id.get(id_) for id_ in some}
        return found

    def prove(self) -> None:
        """List, and cancel a batch that cannot exist: any answer but a denial proves the permission."""
        self._call(
            lambda: next(self._client.list_translation_statuses(top=1, **self._per_call).by_page(), None),
            "list translations",
        )
        with contextlib.suppress(JobNotFound, Rejected):
            self._call(
                lambda: self._client.cancel_translation("00000000-0000-0000-0000-000000000000", **self._per_call),
                "cancel translation",
            )

    def _pages(self, since: datetime | None) -> _Pages:
        pager = self._client.list_translation_statuses(
            statuses=IN_FLIGHT, order_by=["created_on asc"], created_after=since, **self._per_call
        ).by_page()
        return _Pages(pager, self._call)

    def _call(self, request: Callable[[], _T], operation: str) -> _T:
        from azure.core.exceptions import AzureError

        try:
            return request()
        except AzureError as error:
            raise _service_error(error, operation, self._key_env) from error


class _Pages:
    """The pages of one listing. ``more``: whether the last page that was read links to another."""

    def __init__(self, pager: Any, call: Callable[[Callable[[], Any], str], Any]) -> None:
        self._pager = pager
        self._call = call
        self.more = True

    def __iter__(self) -> Iterator[list[Job]]:
        while self.more:
            page = self._call(lambda: _first(self._pager), "list translations")
            if page is None:
                self.more = False
                return
            self.more = bool(self._pager.continuation_token)
            yield [_job(status) for status in page]


def _first(pager: Any) -> list[Any] | None:
    page = next(pager, None)
    return None if page is None else list(page)


def _job(status: Any) -> Job:
    word = str(getattr(status.status, "value", status.status))
    # The wire has two l's, the SDK's enumeration one, and both appear.
    key = word.lower().replace("canceling", "cancelling").replace("canceled", "cancelled")
    # A word that this release does not know is taken for a running batch: never for an ended one.
    state = STATES.get(key, JobState.RUNNING)
    return Job(
        service=AZURE_DOCUMENT_TRANSLATION,
        id=status.id,
        state=state,
        service_state=word,
        submitted_at=status.created_on,
        ended_at=None if state.in_flight else status.last_updated_on,
        locations_known=False,
        documents=Documents(
            status.documents_total_count or 0,
            succeeded=status.documents_succeeded_count or 0,
            failed=status.documents_failed_count or 0,
            in_progress=status.documents_in_progress_count or 0,
            not_started=status.documents_not_started_count or 0,
            stopped=status.documents_canceled_count or 0,
        ),
        characters_charged=status.total_characters_charged,
        message=status.error.message if status.error else None,
    )


def _service_error(error: Exception, operation: str, key_env: str) -> ServiceError:
    """The error of this package for one of azure-core's."""
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.response is not None:
        status = error.status_code or 0
        text = f"{operation}: {status} {error.message}".strip().rstrip(".") + "."
        if status == 401:
            return CredentialsUnusable(
                f"{text} Set {key_env} to a present key of this Translator resource, or log in to Entra ID.",
                operation=operation,
            )
        if status == 403:
            return Denied(
                f"{text} The role {PERMISSIONS[0].name} on the Translator resource is missing.",
                operation=operation,
                permission=PERMISSIONS[0].name,
            )
        if status == 404:
            return JobNotFound(text, operation=operation)
        if status == 429:
            headers: Mapping[str, str] = getattr(error.response, "headers", {})
            after = headers.get("Retry-After", "")
            return Throttled(text, operation=operation, retry_after=float(after) if after.isdigit() else None)
        if status >= 500 or status == 408:
            return Transient(text, operation=operation)
        return Rejected(text, operation=operation)
    text = f"{operation}: {error}".rstrip(".") + "."
    if isinstance(error, azure.ClientAuthenticationError):
        return CredentialsUnusable(
            f"{text} Set {key_env} to a key of this Translator resource, or log in to Entra ID.",
            operation=operation,
        )
    if isinstance(error, (azure.ServiceRequestError, azure.ServiceResponseError, azure.IncompleteReadError)):
        return Transient(text, operation=operation)
    return Rejected(text, operation=operation)


def _list_keys(account_resource_id: str, endpoint: str) -> str:
    """The account's first key, from Azure Resource Manager (listKeys), by the management SDK and Entra ID."""
    try:
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential
        from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
    except ImportError as error:
        raise MissingExtra("Fetching the key of a Translator resource", "azure") from error

    cloud = cloud_of(endpoint)
    manager = os.environ.get(ARM_ENDPOINT_ENV) or cloud.resource_manager
    # /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}
    _, _, subscription, _, group, *_, name = account_resource_id.rstrip("/").split("/")
    try:
        client = CognitiveServicesManagementClient(
            DefaultAzureCredential(authority=_authority(cloud)),
            subscription,
            base_url=manager,
            credential_scopes=[f"{cloud.resource_manager}/.default"],
            connection_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
        )
        plain = {} if manager.startswith("https:") else {"enforce_https": False}
        keys = client.accounts.list_keys(group, name, **plain)
    except AzureError as error:
        failure = _service_error(error, "listKeys", "the key's environment variable")
        if isinstance(failure, JobNotFound):
            raise Rejected(
                f"{failure} The account of account_resource_id does not exist.", operation="listKeys"
            ) from error
        if isinstance(failure, Denied):
            raise Denied(
                f"{failure} {PERMISSIONS[1].name} is not permitted.",
                operation="listKeys",
                permission=PERMISSIONS[1].name,
            ) from error
        raise failure from error
    return str(keys.key1 or keys.key2)


def _authority(cloud: Cloud) -> str:
    return os.environ.get("AZURE_AUTHORITY_HOST", cloud.authority)
