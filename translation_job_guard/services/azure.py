"""Azure Document Translation batches, by azure-ai-translation-document."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    InvalidArgument,
    JobNotFound,
    MissingExtra,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, DocumentRow, Documents, Job, JobState
from translation_job_guard.services import Permission, loading

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

ASSIGN_ROLE: Final = (
    f'az role assignment create --role "{PERMISSIONS[0].name}" --assignee OBJECT_ID --scope RESOURCE_ID'
)
ROLE_MISSING: Final = f"The role {PERMISSIONS[0].name} on the Translator resource is missing: {ASSIGN_ROLE}"

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
RETRIES: Final = 3
"""After the first attempt, by azure-core; a request to cancel has none, since its pace is learnt from each answer."""
CONNECTIONS: Final = 40
"""Kept open at once: more than the runner's threads."""
IN_FLIGHT: Final = ["NotStarted", "Running", "Canceling"]
LOOK_AT_ONCE: Final = 40
"""Ids in one request: they go into the URL."""
LIST_AGAIN_AT_MOST: Final = 20
"""How often one listing goes back because the pages shifted by more than their overlap."""

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
    blob_suffix: str


def cloud_of(endpoint: str) -> Cloud:
    """The cloud that an endpoint is in, by its host name: US government, China, else public."""
    host = urlsplit(endpoint).hostname or ""
    return next((cloud for suffix, cloud in _CLOUDS.items() if host.endswith(suffix)), _PUBLIC)


_PUBLIC: Final = Cloud(
    "https://cognitiveservices.azure.com/.default",
    "login.microsoftonline.com",
    "https://management.azure.com",
    "blob.core.windows.net",
)
_CLOUDS: Final = {
    ".azure.us": Cloud(
        "https://cognitiveservices.azure.us/.default",
        "login.microsoftonline.us",
        "https://management.usgovcloudapi.net",
        "blob.core.usgovcloudapi.net",
    ),
    ".azure.cn": Cloud(
        "https://cognitiveservices.azure.cn/.default",
        "login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "blob.core.chinacloudapi.cn",
    ),
}


def connect(endpoint: str, credentials: Credentials, api_version: str) -> AzureDocumentTranslation:
    """The service at ``endpoint``. Makes no request but listKeys, and that only with ``account_resource_id``.

    Raises:
        MissingExtra: the Azure packages are not installed.
        InvalidArgument: what is in the environment variable of the key is none.
        ServiceError: the key cannot be fetched.
    """
    try:
        with loading():
            from azure.ai.translation.document import DocumentTranslationClient
            from azure.core.credentials import AzureKeyCredential
    except ImportError as error:
        raise MissingExtra("A guard of Azure Document Translation batches", "azure") from error

    per_call: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    key = _key(credentials, endpoint)
    credential: Any
    if key:
        credential = AzureKeyCredential(key)
    else:
        cloud = cloud_of(endpoint)
        credential = _entra_id(cloud)
        arguments["credential_scopes"] = [cloud.credential_scope]
        if urlsplit(endpoint).scheme == "http":
            # Only loopback gets here by http (checked with the arguments): an emulator.
            per_call["enforce_https"] = False
    client = DocumentTranslationClient(
        endpoint,
        credential,
        api_version=api_version,
        transport=_transport(endpoint),
        retry_total=RETRIES,
        user_agent="translation-job-guard",
        **arguments,
    )
    return AzureDocumentTranslation(endpoint, client, per_call, _Login(credentials.key_env, by_key=bool(key)))


def _transport(url: str) -> Any:
    """A transport to the host of ``url``, through the proxies and with the certificates that the environment says.

    It is asked once: requests would look all that up anew for each request, which takes a quarter of its time, and
    would send what ~/.netrc has for the host instead of the token.
    """
    import requests
    from azure.core.pipeline.transport import RequestsTransport

    environment = requests.Session().merge_environment_settings(url, {}, None, None, None)
    transport = RequestsTransport(
        connection_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        connection_verify=environment["verify"],
        use_env_settings=False,
    )
    transport.open()
    assert transport.session is not None
    transport.session.proxies = environment["proxies"]
    for scheme in ("https://", "http://"):
        # azure-core keeps ten, and warns on standard error of each connection that is thrown away.
        transport.session.get_adapter(scheme).init_poolmanager(CONNECTIONS, CONNECTIONS)
    return transport


@dataclass(frozen=True)
class _Login:
    """What errors say of the credential."""

    key_env: str
    by_key: bool


class AzureDocumentTranslation:
    """Document Translation of one Translator resource, as a ``JobService``."""

    service = AZURE_DOCUMENT_TRANSLATION

    def __init__(self, endpoint: str, client: Any, per_call: Mapping[str, Any], login: _Login) -> None:
        self.place = endpoint
        self._client = client
        self._per_call = dict(per_call)
        self._per_listing = {**per_call, "raw_response_hook": _must_be_a_list}
        self._login = login

    def account(self) -> str:
        """The endpoint's host and path: a Translator resource is known by nothing else. No request."""
        parts = urlsplit(self.place)
        return f"{parts.netloc.lower()}{parts.path.rstrip('/')}"

    def list_in_flight(self) -> Sequence[Job]:
        """Every batch in flight, oldest first. Ids seen twice count once.

        The pages shift while batches end, so the next page is not the one that the service links to, whose beginning
        may have moved to the page before. It is asked for by the time of the newest batch seen, where time tells
        batches apart; else by that link, half a page earlier. If even so it does not begin with a batch that was seen
        before, the pages have shifted by more than that, and it goes back.
        """
        jobs: dict[str, Job] = {}
        since: datetime | None = None
        link: str | None = None
        overlaps, by_time, again = False, True, 0
        while True:
            page, following = self._page(since, link)
            if overlaps and not (page and page[0].id in jobs):
                again += 1
                if again > LIST_AGAIN_AT_MOST:
                    raise Transient(
                        "list translations: the batches end faster than they can be listed.",
                        operation="list translations",
                    )
                link, overlaps = None, False
                continue
            jobs.update((job.id, job) for job in page)
            if not following:
                return [job for job in jobs.values() if job.in_flight]
            times = [job.submitted_at for job in page if job.submitted_at]
            # Only if the service did sort and did filter by time.
            by_time = by_time and len(times) == len(page) > 0 and times == sorted(times)
            by_time = by_time and (since is None or times[0] >= since)
            half = len(page) // 2
            # A second earlier: whether the filter includes its own moment is not documented.
            if by_time and times[half] < times[-1] - timedelta(seconds=1):
                since, link, overlaps = times[-1] - timedelta(seconds=1), None, False
            else:
                link, overlaps = _earlier(following, half)

    def locate(self, job: Job) -> Job:
        """``job`` with the source and target of each document that the service knows of."""

        def request() -> tuple[DocumentRow, ...]:
            listed = self._client.list_document_statuses(job.id, **self._per_listing)
            return tuple({document.id: _row(document) for document in listed}.values())

        rows = self._call(request, "list documents")
        urls = (url for row in rows for url in (row.source, row.target) if url)
        return replace(job, rows=rows, locations=tuple(dict.fromkeys(urls)))

    def stop(self, job: Job) -> JobState | None:
        """DELETE of the batch; the SDK returns nothing, and the service answers before the batch has stopped."""
        self._call(
            lambda: self._client.cancel_translation(job.id, retry_total=0, **self._per_call),
            "cancel translation",
        )
        return None

    def look(self, jobs: Collection[Job]) -> Mapping[str, Job | None]:
        """The present state of ``jobs``, by listings of their ids, several at a time."""
        ids = [job.id for job in jobs]
        parts = [ids[start : start + LOOK_AT_ONCE] for start in range(0, len(ids), LOOK_AT_ONCE)]
        if len(parts) <= 1:
            return self._look(ids) if ids else {}
        found: dict[str, Job | None] = {}
        with ThreadPoolExecutor(max_workers=10) as pool:
            for part in pool.map(self._look, parts):
                found |= part
        return found

    def _look(self, ids: Sequence[str]) -> dict[str, Job | None]:
        by_id = self._call(
            lambda: {
                status.id: _job(status)
                for status in self._client.list_translation_statuses(translation_ids=list(ids), **self._per_listing)
            },
            "list translations",
        )
        return {id_: by_id.get(id_) for id_ in ids}

    def prove(self) -> None:
        """List, and cancel a batch that cannot exist: any answer but a denial proves the permission."""
        self._call(
            lambda: next(self._client.list_translation_statuses(top=1, **self._per_listing).by_page(), None),
            "list translations",
        )
        # Nothing says how the service takes an id that cannot exist: a server error is no denial either.
        with contextlib.suppress(JobNotFound, Rejected, Transient):
            self._call(
                lambda: self._client.cancel_translation("00000000-0000-0000-0000-000000000000", **self._per_call),
                "cancel translation",
            )

    def _page(self, since: datetime | None, link: str | None) -> tuple[list[Job], str | None]:
        """A page of what is in flight, and the link to the next one."""

        def request() -> tuple[list[Job], str | None]:
            pages = self._client.list_translation_statuses(
                statuses=IN_FLIGHT, order_by=["created_on asc"], created_after=since, **self._per_listing
            ).by_page(link)
            page = [_job(status) for status in next(pages)]
            return page, pages.continuation_token

        return self._call(request, "list translations")

    def _call(self, request: Callable[[], _T], operation: str) -> _T:
        from azure.core.exceptions import AzureError

        try:
            return request()
        except AzureError as error:
            raise _service_error(error, operation, self._login) from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise Transient(
                f"{operation}: the answer cannot be read ({type(error).__name__}: {error}); is there a proxy between?",
                operation=operation,
            ) from error


def _must_be_a_list(response: Any) -> None:
    # The SDK makes an empty list of any object, for instance of a gateway's: that shows no batch gone.
    if response.http_response.status_code == 200:
        body = response.http_response.json()
        if not isinstance(body["value"], list) or ("@nextLink" in body and "nextLink" not in body):
            raise ValueError("not a list of Azure Document Translation")


def _earlier(link: str, by: int) -> tuple[str, bool]:
    """``link`` with ``by`` less to skip, and whether it says at all how much to skip."""
    parts = urlsplit(link)
    query = parse_qsl(parts.query)
    # With "$" or without: the pages and the SDK differ.
    earlier = [
        (name, str(max(int(value) - by, 0)) if name.lower() in ("skip", "$skip") and value.isdigit() else value)
        for name, value in query
    ]
    return parts._replace(query=urlencode(earlier)).geturl(), earlier != query


def _row(document: Any) -> DocumentRow:
    # Whether the target is told before the document is translated is not recorded; a failed one never tells it.
    ended = not _state(document.status).in_flight
    return DocumentRow(document.source_document_url, document.translated_document_url, ended)


def _state(status: Any) -> JobState:
    # The wire has two l's, the SDK's enumeration one, and both appear.
    key = _word(status).lower().replace("canceling", "cancelling").replace("canceled", "cancelled")
    # A word that this release does not know is taken for a running batch: never for an ended one.
    return STATES.get(key, JobState.RUNNING)


def _word(status: Any) -> str:
    return str(getattr(status, "value", status))


def _job(status: Any) -> Job:
    if not status.id:
        raise ValueError("a batch without id")
    state = _state(status.status)
    # Without a summary the SDK fails on each count.
    count = partial(getattr, status) if status.summary else lambda _: None
    return Job(
        service=AZURE_DOCUMENT_TRANSLATION,
        id=status.id,
        state=state,
        service_state=_word(status.status),
        submitted_at=status.created_on,
        ended_at=None if state.in_flight else status.last_updated_on,
        changed_at=status.last_updated_on,
        documents=Documents(
            count("documents_total_count") or 0,
            succeeded=count("documents_succeeded_count") or 0,
            failed=count("documents_failed_count") or 0,
            in_progress=count("documents_in_progress_count") or 0,
            not_started=count("documents_not_started_count") or 0,
            stopped=count("documents_canceled_count") or 0,
        ),
        characters_charged=count("total_characters_charged"),
        message=status.error.message if status.error else None,
    )


def _service_error(error: Exception, operation: str, login: _Login) -> ServiceError:
    """The error of this package for one of azure-core's."""
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.response is not None:
        status, code = error.status_code or 0, error.error.code if error.error else None
        # azure-core's own text has several lines, and users see the last one only.
        said = (error.error.message if error.error else None) or error.message or ""
        text = f"{operation}: {status}: {' '.join(said.split())[:_LONGEST]}".rstrip(". ") + "."
        # Who has a token and no role is told so with 403, at some places with 401.
        if status == 403 or (status == 401 and code == "PermissionDenied"):
            if login.by_key:
                remedy = "Look at the network rules of the Translator resource, and whether it takes keys at all."
                return Denied(f"{text} {remedy}", operation=operation)
            return Denied(
                f"{text} {ROLE_MISSING}",
                operation=operation,
                permission=PERMISSIONS[0].name,
            )
        if status == 401 or isinstance(error, azure.ClientAuthenticationError):
            return CredentialsUnusable(
                f"{text} Set {login.key_env} to a present key of this Translator resource, or log in to Entra ID.",
                operation=operation,
            )
        if status == 404:
            return JobNotFound(text, operation=operation)
        if status == 429:
            return Throttled(text, operation=operation, retry_after=_retry_after(error.response))
        # Below 300: an answer that azure-core cannot decode.
        if status >= 500 or status == 408 or status < 300:
            return Transient(text, operation=operation)
        return Rejected(text, operation=operation)
    if isinstance(error, azure.ClientAuthenticationError):
        # The first line says that there is none; what Entra ID refused has its number.
        first, *more = str(error).splitlines() or [""]
        lines = [first, *(line.strip() for line in more if "AADSTS" in line)]
        return CredentialsUnusable(
            f"{operation}: {' '.join(lines).rstrip('.')}. Set {login.key_env} to a key of this Translator resource, or "
            "log in to Entra ID (`az login`).",
            operation=operation,
        )
    text = f"{operation}: {' '.join(str(error).split())}".rstrip(".") + "."
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Rejected(f"{text} Set REQUESTS_CA_BUNDLE to the certificates of the proxy between.", operation=operation)
    if isinstance(error, (azure.ServiceRequestError, azure.ServiceResponseError, azure.IncompleteReadError)):
        return Transient(text, operation=operation)
    return Rejected(text, operation=operation)


_LONGEST: Final = 500
"""Characters of what a service said that an error repeats: a proxy's page may be long."""


def _retry_after(response: Any) -> float | None:
    """The seconds of a Retry-After header, which may be a date."""
    from azure.core.pipeline.policies import RetryPolicy

    try:
        return RetryPolicy().parse_retry_after(response.headers["Retry-After"])
    except (LookupError, ValueError):
        return None


def _key(credentials: Credentials, endpoint: str) -> str:
    """The key to use; empty for Entra ID."""
    key = os.environ.get(credentials.key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        # As a header it would be refused with a message that shows it.
        raise InvalidArgument(
            f"what is in {credentials.key_env} is no key: it has line breaks or other characters that no key has. Set "
            "it to a key of this Translator resource."
        )
    if not key and credentials.account_resource_id:
        key = _list_keys(credentials.account_resource_id, endpoint)
    return key


def _entra_id(cloud: Cloud) -> Any:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise MissingExtra("Entra ID", "azure") from error
    try:
        return DefaultAzureCredential(authority=os.environ.get("AZURE_AUTHORITY_HOST", cloud.authority))
    except ValueError as error:
        raise InvalidArgument(f"AZURE_AUTHORITY_HOST or another AZURE_ variable cannot be used: {error}.") from error


def _list_keys(account_resource_id: str, endpoint: str) -> str:
    """The account's first key, from Azure Resource Manager (listKeys), by the management SDK and Entra ID."""
    try:
        from azure.core.exceptions import AzureError
        from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
    except ImportError as error:
        raise MissingExtra("Fetching the key of a Translator resource", "azure") from error

    cloud = cloud_of(endpoint)
    manager = os.environ.get(ARM_ENDPOINT_ENV) or cloud.resource_manager
    # /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}
    _, _, subscription, _, group, *_, name = account_resource_id.rstrip("/").split("/")
    plain = {} if manager.startswith("https:") else {"enforce_https": False}
    try:
        with CognitiveServicesManagementClient(
            _entra_id(cloud),
            subscription,
            base_url=manager,
            credential_scopes=[f"{cloud.resource_manager}/.default"],
            transport=_transport(manager),
            retry_total=RETRIES,
            user_agent="translation-job-guard",
        ) as client:
            keys = client.accounts.list_keys(group, name, **plain)
    except AzureError as error:
        failure = _service_error(error, "listKeys", _Login("the key's environment variable", by_key=False))
        if isinstance(failure, JobNotFound):
            raise Rejected(
                f"{failure} The account of account_resource_id does not exist.", operation="listKeys"
            ) from error
        if isinstance(failure, Denied):
            said = str(failure).removesuffix(f" {ROLE_MISSING}")
            raise Denied(
                f"{said} {PERMISSIONS[1].name} is not permitted: assign a role that has it on the account.",
                operation="listKeys",
                permission=PERMISSIONS[1].name,
            ) from error
        raise failure from error
    return keys.key1 or keys.key2 or ""
