"""Azure Document Translation batches, by azure-ai-translation-document."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    GuardError,
    InvalidArgument,
    JobNotFound,
    MissingExtra,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, DocumentRow, Documents, Job, JobState, parse_time
from translation_job_guard.redaction import excerpt, remember_secret
from translation_job_guard.services import Connection, Permission, endpoint_key, is_loopback, loading, unexpected
from translation_job_guard.services.reading import LONGEST_WAIT, Reads, fresh, read, retry_after
from translation_job_guard.threads import each

__all__ = ["PERMISSIONS", "STATES", "AzureConnection", "AzureDocumentTranslation", "cloud_of", "entra_id"]

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
CONNECTIONS: Final = 40
"""Kept open at once: more than the runner's threads."""
LOOK_AT_ONCE: Final = 40
"""Ids in one request: they go into the URL."""
LOOKS_AT_ONCE: Final = 10
"""Such requests under way at once."""
LIST_AGAIN_AT_MOST: Final = 20
"""How often a listing goes back because pages shifted, or reads a page without a new batch, until it gives up."""

_KEY_ARRIVES: Final = 60.0
"""Seconds that a fresh Azure account may take until its endpoint is there and its key is accepted."""
_ASSIGNMENT_ARRIVES: Final = 300.0
"""Seconds that an Azure role assignment may take until it counts (Azure documentation: up to some minutes)."""

ARM_ENDPOINT_ENV: Final = "TRANSLATION_JOB_GUARD_ARM_ENDPOINT"
"""Where Azure Resource Manager is, if not where the endpoint's cloud has it: an emulator."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class AzureConnection(Connection):
    """An endpoint, and where the credential comes from: ``key_env``, else Azure Resource Manager, else Entra ID.

    Args:
        key_env: an environment variable that holds the key, if it is set.
        account_resource_id: of the Translator resource whose key Azure Resource Manager gives.
    """

    service: ClassVar = AZURE_DOCUMENT_TRANSLATION
    title: ClassVar = "Azure Document Translation"
    place_name: ClassVar = "endpoint"
    extra: ClassVar = "azure"
    packages: ClassVar = ("azure.ai.translation.document", "azure.identity", "azure.mgmt.cognitiveservices")
    lists_locations: ClassVar = False

    key_env: str = field(kw_only=True)
    api_version: str = field(kw_only=True)
    account_resource_id: str | None = None

    def open(self, reads: Reads | None = None) -> AzureDocumentTranslation:
        """Return the service at the endpoint. Sends no request but listKeys, and only with ``account_resource_id``.

        Raises:
            MissingExtra: the Azure packages are not installed.
            InvalidArgument: the environment variable of the key does not hold a valid key.
            ServiceError: the key cannot be fetched, or the environment cannot be used.
        """
        try:
            return _open(self, reads or Reads())
        except GuardError:
            raise
        except Exception as error:
            raise unexpected(error, "configuration") from error

    @classmethod
    def place_key(cls, place: str) -> Hashable:
        """Return the host, port and path."""
        return endpoint_key(place)

    @property
    def secret_env(self) -> str | None:
        """The variable of the key."""
        return self.key_env

    @property
    def private(self) -> tuple[str, ...]:
        """The endpoint and the resource."""
        return tuple(filter(None, (self.place, self.account_resource_id)))

    def settles_in(self, error: ServiceError) -> float:
        """Return the time until a fresh account, key or role assignment counts."""
        if isinstance(error, Denied):
            # Where no permission is missing it is a key that is not let in: there is no role to wait for.
            return _ASSIGNMENT_ARRIVES if error.permission else 0.0
        if isinstance(error, CredentialsUnusable):
            fetched = self.account_resource_id is not None and error.operation != "listKeys"
            return _KEY_ARRIVES if fetched or os.environ.get(self.key_env, "").strip() else 0.0
        return _KEY_ARRIVES if isinstance(error, (JobNotFound, Rejected)) else 0.0


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


def _open(connection: AzureConnection, reads: Reads) -> AzureDocumentTranslation:
    endpoint = connection.place
    try:
        with loading():
            from azure.ai.translation.document import DocumentTranslationClient
            from azure.core.credentials import AzureKeyCredential
    except ImportError as error:
        raise MissingExtra("A guard of Azure Document Translation batches", "azure") from error

    _keep_quiet()
    per_call: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    key = _credential_key(connection, reads)
    credential: Any
    if key:
        credential = AzureKeyCredential(key)
    else:
        cloud = cloud_of(endpoint)
        credential = entra_id(cloud)
        arguments["credential_scopes"] = [cloud.credential_scope]
        if urlsplit(endpoint).scheme == "http":
            # Only loopback gets here by http (checked with the arguments): an emulator.
            per_call["enforce_https"] = False
    client = DocumentTranslationClient(
        endpoint,
        credential,
        api_version=connection.api_version,
        transport=_transport(endpoint),
        # Retries are ``read``'s: the SDK's would sleep as long as a Retry-After header says, past any deadline.
        retry_total=0,
        # The service never redirects, and a redirect would take the key to another host.
        permit_redirects=False,
        user_agent="translation-job-guard",
        **arguments,
    )
    login = _Login(connection.key_env, by_key=bool(key))
    return AzureDocumentTranslation(endpoint, client, per_call, login, connection.api_version)


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
    """Document Translation of one Translator resource, as a ``JobService``.

    Reads are sent as requests of this module through the SDK's client (its credentials, transport and pipeline): the
    SDK's pager reads ``nextLink`` where the service answers ``@nextLink`` and so stops after 50 items, and it hides the
    headers that tell a cached answer.
    """

    service = AZURE_DOCUMENT_TRANSLATION

    def __init__(
        self, endpoint: str, client: Any, per_call: Mapping[str, Any], login: _Login, api_version: str = "2024-05-01"
    ) -> None:
        self.place = endpoint
        self._client = client
        self._per_call = dict(per_call)
        self._login = login
        self._api_version = api_version

    def account(self, reads: Reads | None = None) -> str:  # noqa: ARG002 - no request is needed
        """The endpoint's host and path: a Translator resource is known by nothing else. No request."""
        parts = urlsplit(self.place)
        return f"{parts.netloc.lower()}{parts.path.rstrip('/')}"

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:
        """Every batch in flight, oldest first. Ids seen twice count once.

        The service pages by number, so pages shift while batches end, and following its links would miss some. The next
        page is therefore asked for by the time of the newest batch seen, where time tells batches apart. Where it does
        not (many were submitted within a second, or the service does not sort), it is asked for by number, half a page
        earlier than the last one ended. If even so it does not begin with a batch that was seen before, the pages have
        shifted by more than that, and the listing goes back to where it began to count.
        """
        reads = reads or Reads()
        jobs: dict[str, Job] = {}
        since: datetime | None = None
        skip, by_time = 0, True
        shifts = fruitless = 0
        # What was listed without a gap since counting began: behind a gap nothing proves that no batch was missed.
        unbroken: set[str] = set()
        while True:
            page, more = self._page(since, skip, reads)
            shifted = skip > 0 and not (page and page[0].id in unbroken)
            known = len(jobs)
            jobs.update((job.id, job) for job in page)
            if not more and not shifted:
                return [job for job in jobs.values() if job.in_flight]
            shifts += shifted
            fruitless = fruitless + 1 if len(jobs) == known else 0
            if max(shifts, fruitless) > LIST_AGAIN_AT_MOST:
                raise Transient(
                    "list translations: the pages repeat, or the batches end faster than they can be listed.",
                    operation="list translations",
                )
            if shifted:
                skip = 0
                unbroken.clear()
                continue
            unbroken.update(job.id for job in page)
            times = [job.submitted_at for job in page if job.submitted_at]
            # Only if the service did sort and did filter by time.
            by_time = by_time and len(times) == len(page) > 0 and times == sorted(times)
            by_time = by_time and (since is None or times[0] >= since - timedelta(seconds=1))
            half = len(page) // 2
            # A second earlier: whether the filter includes its own moment, and how exact it is, is not documented.
            if by_time and times[half] < times[-1] - timedelta(seconds=1):
                since, skip = times[-1] - timedelta(seconds=1), 0
                unbroken.clear()
            else:
                skip += max(len(page) - half, 1)

    def locate(self, job: Job, reads: Reads | None = None) -> Job:
        """``job`` with the source and target of each document that the service lists.

        New documents come first and push the others back, so pages repeat some and miss none.
        """
        rows: dict[str, DocumentRow] = {}
        asked: set[str] = set()
        query: Mapping[str, str] = {}
        while True:
            documents, link = self._entries(
                f"batches/{job.id}/documents", query, _fresh_top, reads or Reads(), _document
            )
            rows.update(documents)
            if not link:
                break
            # Only the link's query: its host may be another one than the guard's, and gets no credential.
            query = {
                name: value for name, value in parse_qsl(urlsplit(link).query) if name.lower().lstrip("$") not in _OURS
            }
            if (seen := urlencode(query)) in asked:
                raise Transient("list documents: the pages of the answer repeat.", operation="list documents")
            asked.add(seen)
        known = tuple(rows.values())
        return replace(
            job,
            rows=known,
            locations=tuple(dict.fromkeys(url for row in known for url in (row.source, row.target) if url)),
        )

    def stop(self, job: Job) -> JobState | None:
        """DELETE of the batch; the SDK returns nothing, and the service answers before the batch has stopped."""
        self._call(
            lambda: self._client.cancel_translation(job.id, **self._per_call),
            "cancel translation",
        )
        return None

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:
        """The present state of ``jobs``, by listings of their ids, several at a time.

        A GET of one batch has a URL that cannot be varied, and so may be answered from a cache: it is never sent.
        """
        reads = reads or Reads()
        ids = [job.id for job in jobs]
        parts = [ids[start : start + LOOK_AT_ONCE] for start in range(0, len(ids), LOOK_AT_ONCE)]
        found: dict[str, Job | None] = dict.fromkeys(ids)
        for _, part in each(lambda part: self._look(part, reads), parts, workers=LOOKS_AT_ONCE):
            found |= part
        return found

    def _look(self, ids: Sequence[str], reads: Reads) -> dict[str, Job | None]:
        found: dict[str, Job | None] = {}
        while wanted := [id_ for id_ in ids if id_ not in found]:
            shown, link = self._entries("batches", {"ids": ",".join(wanted)}, _fresh_start(None), reads, _job)
            jobs = {job.id: job for job in shown if job.id in wanted}
            found |= jobs
            if not link or not jobs:
                break
        return found

    def prove(self, reads: Reads | None = None) -> None:
        """List, and cancel a batch that cannot exist: any answer but a denial proves the permission."""
        self._entries("batches", {"top": "1"}, _fresh_start(None), reads or Reads(), _job)
        # Nothing says how the service takes an id that cannot exist: a server error is no denial either.
        with contextlib.suppress(JobNotFound, Rejected, Transient):
            read(
                lambda: self._call(
                    lambda: self._client.cancel_translation("00000000-0000-0000-0000-000000000000", **self._per_call),
                    "cancel translation",
                ),
                reads or Reads(),
            )

    def _page(self, since: datetime | None, skip: int, reads: Reads) -> tuple[list[Job], bool]:
        """Return a page of what is in flight, and whether more follows."""
        query = {"statuses": ",".join(_in_flight_words()), "orderby": "createdDateTimeUtc asc"}
        if skip:
            query["skip"] = str(skip)
        jobs, link = self._entries("batches", query, _fresh_start(since), reads, _job)
        return jobs, link is not None

    def _entries(
        self,
        path: str,
        query: Mapping[str, str],
        vary: Callable[[], Mapping[str, str]],
        reads: Reads,
        take: Callable[[Mapping[str, Any]], _T],
    ) -> tuple[list[_T], str | None]:
        """Return the entries of one page, and the link to the next one.

        Args:
            path: below ``…/translator/document/``.
            query: what is asked for.
            vary: one more parameter, another one each time, so that no cache has an answer to the URL.
            take: makes of an entry what is wanted of it.
        """
        operation = "list documents" if path.endswith("/documents") else "list translations"

        def ask() -> tuple[tuple[list[_T], str | None], bool]:
            return read(lambda: self._call(lambda: self._get(path, {**query, **vary()}, take), operation), reads)

        return fresh(ask, operation)

    def _get(
        self, path: str, query: Mapping[str, str], take: Callable[[Mapping[str, Any]], _T]
    ) -> tuple[tuple[list[_T], str | None], bool]:
        from azure.core.exceptions import HttpResponseError
        from azure.core.rest import HttpRequest

        asked = urlencode({**query, "api-version": self._api_version}, quote_via=quote, safe=",:")
        response = self._client.send_request(HttpRequest("GET", f"/document/{path}?{asked}"), **self._per_call)
        if response.status_code != 200:
            raise HttpResponseError(response=response)
        body = response.json()
        entries = body["value"]
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry["id"] for entry in entries):
            # Any object would pass for an empty list otherwise, for instance a gateway's: that shows no batch gone.
            raise ValueError("not a list of Azure Document Translation")
        # Recorded traffic has "@nextLink", the documentation "nextLink".
        link = next((value for name, value in body.items() if name.lower().endswith("nextlink") and value), None)
        if not isinstance(link, (str, type(None))):
            raise ValueError("a link to the next page that is not a text")
        urlsplit(link or "")  # raises ValueError where it cannot be parsed
        # An Age of 0 is as cached as one of 59 (recorded traffic).
        return ([take(entry) for entry in entries], link), "Age" in response.headers

    def _call(self, request: Callable[[], _T], operation: str) -> _T:
        from azure.core.exceptions import AzureError

        try:
            return request()
        except AzureError as error:
            raise _service_error(error, operation, self._login) from error
        except ServiceError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            said = f"{type(error).__name__}: {excerpt(str(error))}"
            raise Transient(
                f"{operation}: the answer cannot be read ({said}); is there a proxy between?",
                operation=operation,
            ) from error
        except Exception as error:
            raise unexpected(error, operation) from error


_OURS: Final = frozenset({"top", "api-version"})
"""Parameters of a link that are set anew."""
_BEFORE_THE_SERVICE: Final = datetime(2019, 1, 1, tzinfo=timezone.utc)
"""Document Translation began in 2021: every batch was created later."""


def _fresh_start(since: datetime | None) -> Callable[[], Mapping[str, str]]:
    """Return what makes the URL of a listing another one each time: a moment from which on batches were created.

    The moment is a random one, since the cache answers whoever asks: a counter would begin at the same value in two
    processes. It is before all batches, or up to 10 ms before ``since``. The service takes 9 digits of a second
    (recorded traffic).
    """

    def vary() -> Mapping[str, str]:
        start = (
            _BEFORE_THE_SERVICE + timedelta(microseconds=random.randrange(365 * 86_400 * 1_000_000))
            if since is None
            else since - timedelta(microseconds=random.randrange(1, 10_000))
        )
        return {"createdDateTimeUtcStart": f"{start:%Y-%m-%dT%H:%M:%S.%f}{random.randrange(1_000):03}Z"}

    return vary


def _fresh_top() -> Mapping[str, str]:
    """Return what makes the URL of a batch's documents another one each time: more documents than there can be."""
    return {"top": str(1_000_000 + random.randrange(1_000_000_000))}


@functools.cache
def _in_flight_words() -> Sequence[str]:
    """Return the words to ask for: all that the installed SDK knows and that are not known as ended.

    So a word of a newer SDK widens the listing by itself, at no cost.
    """
    from azure.ai.translation.document import models

    known = ["NotStarted", "Running", "Cancelling"]
    newer = [word.value for word in models.Status if _key(word.value) not in STATES]
    return [*known, *newer]


def _document(entry: Mapping[str, Any]) -> tuple[str, DocumentRow]:
    """Return the id of a document, and what it reads and writes."""
    # Whether the target is told before the document is translated is not recorded; a failed one never tells it.
    ended = not _state(entry.get("status")).in_flight
    return str(entry["id"]), DocumentRow(
        _without_port(entry.get("sourcePath")), _without_port(entry.get("path")), ended
    )


def _without_port(url: str | None) -> str | None:
    # The service writes the default port of https out (recorded traffic), people do not.
    return re.sub(r"^(https://[^/?#]*):443(?=[/?#]|$)", r"\1", url) if url else None


def _key(word: Any) -> str:
    # The wire has two l's (recorded traffic), the documentation one.
    return str(word or "").lower().replace("canceling", "cancelling").replace("canceled", "cancelled")


def _state(word: Any) -> JobState:
    # A word that this release does not know is taken for a running batch: never for an ended one.
    return STATES.get(_key(word), JobState.RUNNING)


def _job(entry: Mapping[str, Any]) -> Job:
    word = entry.get("status") or ""
    state = _state(word)
    changed_at = _moment(entry.get("lastActionDateTimeUtc"))
    counts: Mapping[str, Any] = entry.get("summary") or {}
    charged = counts.get("totalCharacterCharged")
    return Job(
        service=AZURE_DOCUMENT_TRANSLATION,
        id=str(entry["id"]),
        state=state,
        service_state=str(word),
        submitted_at=_moment(entry.get("createdDateTimeUtc")),
        ended_at=None if state.in_flight else changed_at,
        changed_at=changed_at,
        documents=Documents(
            int(counts.get("total") or 0),
            succeeded=int(counts.get("success") or 0),
            failed=int(counts.get("failed") or 0),
            in_progress=int(counts.get("inProgress") or 0),
            not_started=int(counts.get("notYetStarted") or 0),
            stopped=int(counts.get("cancelled") or 0),
        ),
        characters_charged=None if charged is None else int(charged),
        message=(entry.get("error") or {}).get("message"),
    )


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _service_error(error: Exception, operation: str, login: _Login) -> ServiceError:
    """The error of this package for one of azure-core's."""
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.response is not None:
        status, code = error.status_code or 0, error.error.code if error.error else None
        # azure-core's own text has several lines, and users see the last one only.
        said = (error.error.message if error.error else None) or error.message or ""
        text = f"{operation}: {status}: {excerpt(str(said))}".rstrip(". ") + "."
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
            return Throttled(
                text,
                operation=operation,
                retry_after=retry_after(getattr(error.response, "headers", {}).get("Retry-After")),
            )
        # Below 300: an answer that azure-core cannot decode.
        if status >= 500 or status == 408 or status < 300:
            return Transient(text, operation=operation)
        return Rejected(text, operation=operation)
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
    text = f"{operation}: {excerpt(str(error))}".rstrip(".") + "."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Rejected(f"{text} Set REQUESTS_CA_BUNDLE to the certificates of the proxy between.", operation=operation)
    if isinstance(error, (azure.ServiceRequestError, azure.ServiceResponseError, azure.IncompleteReadError)):
        return Transient(text, operation=operation)
    return Rejected(text, operation=operation)


def _credential_key(connection: AzureConnection, reads: Reads) -> str:
    """The key to use; empty for Entra ID."""
    key = os.environ.get(connection.key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        # As a header it would be refused with a message that shows it.
        raise InvalidArgument(
            f"{connection.key_env} does not hold a valid key: it has line breaks or other characters that no key has. "
            "Set it to a key of this Translator resource."
        )
    if not key and connection.account_resource_id:
        key = _list_keys(connection.account_resource_id, connection.place, reads)
    # A gateway may repeat it in an error.
    remember_secret(key)
    return key


class _Remembered:
    """A credential whose tokens are kept out of everything that this process says: a gateway may repeat them."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> Any:
        token = self._credential.get_token(*scopes, **options)
        remember_secret(token.token)
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        token = self._credential.get_token_info(*scopes, **options)
        remember_secret(token.token)
        return token


def entra_id(cloud: Cloud) -> Any:
    """Return the environment's credential in a cloud. Its waits are capped, and its tokens are kept out of errors.

    Raises:
        MissingExtra: azure-identity is not installed.
        InvalidArgument: an environment variable names an authority that cannot be used.
    """
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise MissingExtra("Entra ID", "azure") from error
    try:
        authority = os.environ.get("AZURE_AUTHORITY_HOST", cloud.authority)
        return _Remembered(DefaultAzureCredential(authority=authority, transport=_token_transport()))
    except ValueError as error:
        raise InvalidArgument(
            f"AZURE_AUTHORITY_HOST or another AZURE_ variable cannot be used: {excerpt(str(error))}."
        ) from error


def _keep_quiet() -> None:
    """Give the SDK's loggers a handler: without one, Python prints their warnings on standard error as they are.

    azure-identity warns of each credential that it tried, on many lines, with what was answered to it.
    """
    import logging

    for name in ("azure", "msal"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _token_transport() -> Any:
    """Return a transport for requests of tokens, which retries them no later than ``LONGEST_WAIT`` seconds.

    The identity library retries by itself and sleeps as long as a Retry-After header says, which may be a day.
    """
    from azure.core.pipeline.transport import RequestsTransport

    class TokenTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it without a type
        def sleep(self, duration: float) -> None:
            super().sleep(min(duration, LONGEST_WAIT))

    return TokenTransport()


def _list_keys(account_resource_id: str, endpoint: str, reads: Reads) -> str:
    """The account's first key, from Azure Resource Manager (listKeys), by the management SDK and Entra ID."""
    try:
        from azure.core.exceptions import AzureError
        from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
    except ImportError as error:
        raise MissingExtra("Fetching the key of a Translator resource", "azure") from error

    cloud = cloud_of(endpoint)
    manager = os.environ.get(ARM_ENDPOINT_ENV) or cloud.resource_manager
    if not manager.startswith("https://") and not is_loopback(manager):
        raise InvalidArgument(f"{ARM_ENDPOINT_ENV} must be https: it is sent a token. http is for this machine only.")
    try:
        # /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}
        _, _, subscription, _, group, *_, name = account_resource_id.rstrip("/").split("/")
    except ValueError:
        raise InvalidArgument(
            "account_resource_id is not a valid resource id of a Cognitive Services account; expected "
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.CognitiveServices/accounts/name."
        ) from None
    plain = {} if manager.startswith("https:") else {"enforce_https": False}

    def fetch() -> str:
        try:
            with CognitiveServicesManagementClient(
                entra_id(cloud),
                subscription,
                base_url=manager,
                credential_scopes=[f"{cloud.resource_manager}/.default"],
                transport=_transport(manager),
                retry_total=0,
                permit_redirects=False,
                user_agent="translation-job-guard",
            ) as client:
                keys = client.accounts.list_keys(group, name, **plain)
        except AzureError as error:
            raise _list_keys_error(error) from error
        return keys.key1 or keys.key2 or ""

    return read(fetch, reads)


def _list_keys_error(error: Exception) -> ServiceError:
    failure = _service_error(error, "listKeys", _Login("the key's environment variable", by_key=False))
    if isinstance(failure, JobNotFound):
        return Rejected(f"{failure} The account of account_resource_id does not exist.", operation="listKeys")
    if isinstance(failure, Denied):
        said = str(failure).removesuffix(f" {ROLE_MISSING}")
        return Denied(
            f"{said} {PERMISSIONS[1].name} is not permitted: assign a role that has it on the account.",
            operation="listKeys",
            permission=PERMISSIONS[1].name,
        )
    return failure
