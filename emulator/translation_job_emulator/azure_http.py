"""Azure Document Translation's wire format."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from translation_job_emulator.azure import DocumentTranslation
from translation_job_emulator.azure_batch import (
    STATES,
    SUPPORTED,
    Batch,
    DocumentTranslationError,
    Query,
    Row,
    empty_summary,
)
from translation_job_emulator.azure_cache import Cache
from translation_job_emulator.azure_wire import (
    batch_body,
    error_body,
    failure,
    gateway_failure,
    json_answer,
    next_link,
    own_url,
    read_answer,
    request_ids,
    with_port,
    written_time,
)
from translation_job_emulator.firewall import refusal
from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response
from translation_job_emulator.settings import Settings

API_VERSIONS = ("2024-05-01", "2026-03-01")

PATH = "/azure/"

_GUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

INVALID_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key "
    "for an active subscription and use a correct regional API endpoint for your resource."
)


class DocumentTranslationApi:
    """Azure Document Translation over HTTP: `/azure/{resource}/translator/document/...`."""

    def __init__(self, service: DocumentTranslation, settings: Settings, cache: Cache) -> None:
        self._service = service
        self._settings = settings
        self._cache = cache
        self._operations: dict[str, Callable[[Exchange], Response]] = {
            "StartTranslation": self._start,
            "GetTranslationsStatus": self._list,
            "GetTranslationStatus": self._get,
            "CancelTranslation": self._cancel,
            "GetDocumentsStatus": self._documents,
            "GetDocumentStatus": self._document,
            "GetSupportedFormats": self._formats,
        }

    def identify(self, request: Request) -> Call:
        """Return the entry of a request in the log."""
        resource, *parts = request.path[len(PATH) :].rstrip("/").split("/")
        call = Call("document-translation", _operation(request.method, parts), resource=resource)
        call.credential = self._credential(resource, request)
        if len(parts) > 3:
            call.parameters["id"] = parts[3]
        if len(parts) > 5:
            call.parameters["documentId"] = parts[5]
        call.parameters.update((name.lstrip("$"), value) for name, value in request.query if name != "api-version")
        return call

    async def perform(self, exchange: Exchange) -> Response:
        """Answer a request, from the cache if it has the answer."""
        refused = self._refused(exchange)
        if refused is not None:
            return refused
        if exchange.request.method != "GET" or not self._settings.azure_cache_seconds:
            return self._operate(exchange)
        node = self._cache.next_node()
        found = self._cache.find(node, exchange.request)
        if found is not None:
            exchange.call.age = int(found.headers["Age"])
            return found
        answer = self._operate(exchange)
        self._cache.keep(node, exchange.request, answer)
        return answer

    def _refused(self, exchange: Exchange) -> Response | None:
        """Return the refusal of a request that does not reach the service and its cache, or None."""
        call = exchange.call
        if self.is_gone(call):
            return failure(404, "404", "Resource not found")
        account = self._service.accounts.get(call.resource)
        kept_out = refusal(account.properties) if account is not None else None
        if kept_out is not None:
            return gateway_failure(403, "403", kept_out)
        if call.credential in ("", "invalid"):
            return gateway_failure(401, "401", INVALID_KEY)
        if call.credential == "disabled":
            return failure(403, "AuthenticationTypeDisabled", "Key based authentication is disabled for this resource.")
        if call.operation not in self._operations:
            return failure(404, "404", "Resource not found")
        version = exchange.request.query_value("api-version")
        if version not in API_VERSIONS:
            known = ", ".join(API_VERSIONS)
            return failure(400, "InvalidArgument", f"The api-version {version} is not one of {known}.")
        return None

    def _operate(self, exchange: Exchange) -> Response:
        try:
            return self._operations[exchange.call.operation](exchange)
        except DocumentTranslationError as error:
            asked = exchange.call.parameters.get("documentId", exchange.call.parameters.get("id", ""))
            if error.status == 404 and not _GUID.fullmatch(asked):
                return Response(404, b"", request_ids(), error=error.code)
            return failure(error.status, error.code, error.message, error.inner)

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the error that the service answers for a fault."""
        if kind == "throttle":
            message = (
                f"Requests to the {call.operation} Operation have exceeded rate limit of your current pricing tier."
            )
            # Recorded: with this header and without Retry-After. A fault may add Retry-After.
            policy = {"policy-id": "ResourceRateLimitBy1s"}
            return gateway_failure(429, "429", f"{message} Please retry after 1 second.", policy)
        if kind == "denied":
            return failure(403, "PermissionDenied", "Principal does not have access to API/Operation.")
        if kind == "expired":
            return gateway_failure(401, "401", INVALID_KEY)
        status = int(details.get("status", 500))
        code = "ServiceUnavailable" if status == 503 else "InternalServerError"
        return failure(status, code, "Unexpected internal server error has occurred.", code)

    def is_gone(self, call: Call) -> bool:
        """Check whether the Translator resource of a request does not exist."""
        return self._service.accounts.get(call.resource) is None

    def _credential(self, resource: str, request: Request) -> str:
        """Return which credential a request has, never the credential itself."""
        key = request.headers.get("ocp-apim-subscription-key")
        if key is not None:
            account = self._service.accounts.get(resource)
            if account is None or key not in account.keys:
                return "invalid"
            if not account.local_auth:
                return "disabled"
            return "key1" if key == account.keys[0] else "key2"
        return "bearer" if request.bearer() else ""

    def _start(self, exchange: Exchange) -> Response:
        batch = self._service.start(exchange.call.resource, _inputs(exchange.request))
        exchange.call.parameters["id"] = batch.id
        version = exchange.request.query_value("api-version")
        location = f"{own_url(exchange.request)}/{batch.id}?api-version={version}"
        answer = json_answer(202, {"id": batch.id, "status": STATES.queued})
        answer.headers["Operation-Location"] = location
        return answer

    def _list(self, exchange: Exchange) -> Response:
        query = _query(exchange.request)
        page, left = self._service.page(exchange.call.resource, query, exchange.taken.hides)
        shown = [batch_body(batch, self._service.read(batch)) for batch in page]
        return self._page(shown, exchange.request, query, left)

    def _get(self, exchange: Exchange) -> Response:
        batch = self._service.get(exchange.call.resource, exchange.call.parameters["id"])
        return read_answer(batch_body(batch, self._service.read(batch)))

    def _cancel(self, exchange: Exchange) -> Response:
        batch = self._service.cancel(
            exchange.call.resource,
            exchange.call.parameters["id"],
            ignored=exchange.taken.has("ignore-stop"),
            loses_race=exchange.taken.has("lose-race"),
            not_yet=exchange.taken.has("not-yet"),
        )
        shown = batch_body(batch, self._service.view(batch))
        if batch.state not in STATES.ended:
            # Recorded: the answer may have an empty summary, and may still say NotStarted.
            if self._settings.azure_cancel_summary == "empty":
                shown["summary"] = empty_summary()
            if batch.state == STATES.stopping:
                shown["status"] = self._settings.azure_cancel_status
        answer = json_answer(200, shown)
        answer.headers["Retry-After"] = "1"
        return answer

    def _documents(self, exchange: Exchange) -> Response:
        batch = self._service.get(exchange.call.resource, exchange.call.parameters["id"])
        query = _query(exchange.request)
        page, left = self._service.documents(batch, query)
        return self._page([self._document_status(batch, row) for row in page], exchange.request, query, left)

    def _document(self, exchange: Exchange) -> Response:
        batch = self._service.get(exchange.call.resource, exchange.call.parameters["id"])
        row = self._service.row(batch, exchange.call.parameters["documentId"])
        if row is None:
            raise DocumentTranslationError(404, "ResourceNotFound", "The document was not found.", "DocumentNotFound")
        return read_answer(self._document_status(batch, row))

    def _formats(self, _: Exchange) -> Response:
        text = {
            "format": "PlainText",
            "fileExtensions": list(SUPPORTED),
            "contentTypes": ["text/plain"],
            "versions": [],
        }
        return read_answer({"value": [text]})

    def _page(self, shown: list[dict[str, Any]], request: Request, query: Query, left: int) -> Response:
        body: dict[str, Any] = {"value": shown}
        if left:
            size = min(self._settings.azure_page_size, query.page_size or self._settings.azure_page_size)
            body[self._settings.azure_next_link] = next_link(request, query.skip + len(shown), left, size)
        return read_answer(body)

    def _document_status(self, batch: Batch, row: Row) -> dict[str, Any]:
        charged = self._settings.azure_characters if row.status == STATES.succeeded else 0
        shown: dict[str, Any] = {
            "sourcePath": with_port(row.document.source),
            "lastActionDateTimeUtc": written_time(max(batch.updated, row.created or 0.0)),
            "status": row.status,
            "to": row.document.language,
            "progress": int(row.progress) if row.progress in (0, 1) else row.progress,
            "id": row.document.id,
            "characterCharged": charged,
        }
        if row.created is not None:
            shown["createdDateTimeUtc"] = written_time(row.created)
        tells = {"always": True, "unless-failed": row.status != "Failed", "succeeded": row.status == STATES.succeeded}
        if tells[self._settings.azure_document_path]:
            shown["path"] = with_port(row.document.target)
        if row.status == "Failed" and row.problem is not None:
            shown["error"] = error_body(row.problem, "Document")
        return shown


def _operation(method: str, parts: list[str]) -> str:
    """Return the name that the REST reference gives an operation."""
    if [part.lower() for part in parts[:2]] != ["translator", "document"]:
        return "Unknown"
    shape = (method, *("{}" if at in (1, 3) else part.lower() for at, part in enumerate(parts[2:])))
    operations: dict[tuple[str, ...], str] = {
        ("POST", "batches"): "StartTranslation",
        ("GET", "batches"): "GetTranslationsStatus",
        ("GET", "batches", "{}"): "GetTranslationStatus",
        ("DELETE", "batches", "{}"): "CancelTranslation",
        ("GET", "batches", "{}", "documents"): "GetDocumentsStatus",
        ("GET", "batches", "{}", "documents", "{}"): "GetDocumentStatus",
        ("GET", "formats"): "GetSupportedFormats",
    }
    return operations.get(shape, "Unknown")


def _inputs(request: Request) -> list[dict[str, Any]]:
    try:
        inputs = request.json()["inputs"]
        if not inputs:
            raise ValueError("inputs is empty")
        for entry in inputs:
            urls = [entry["source"]["sourceUrl"], *(target["targetUrl"] for target in entry["targets"])]
            if not entry["targets"] or not all(target["language"] for target in entry["targets"]):
                raise ValueError("a target and its language are required")
            if not all(isinstance(url, str) and "://" in url for url in urls):
                raise ValueError("sourceUrl and targetUrl must be absolute URLs")
    except (ValueError, KeyError, TypeError) as error:
        missing = f"{error.args[0]} is required" if isinstance(error, KeyError) else str(error)
        raise DocumentTranslationError(400, "InvalidRequest", f"Bad batch: {missing}.", "InvalidArgument") from error
    return list(inputs)


def _query(request: Request) -> Query:
    """Read the parameters of a listing: with or without `$`, repeated or separated by commas."""
    given: dict[str, list[str]] = {}
    for name, value in request.query:
        given.setdefault(name.lstrip("$").lower(), []).extend(part for part in value.split(",") if part)
    known = {state.lower(): state for state in (*STATES.in_flight, *STATES.ended)}
    known |= {"canceled": "Cancelled", "canceling": "Cancelling"}
    try:
        statuses = frozenset(known[status.strip().lower()] for status in given.get("statuses", []))
        order = " ".join(given.get("orderby", [])).lower().split()
        if order and (order[0] != "createddatetimeutc" or order[1:] not in ([], ["asc"], ["desc"])):
            raise ValueError("orderby must be createdDateTimeUtc asc or createdDateTimeUtc desc")
        return Query(
            top=_number(given, "top"),
            skip=_number(given, "skip") or 0,
            page_size=_number(given, "maxpagesize"),
            ids=frozenset(given.get("ids", [])),
            statuses=statuses,
            created_from=_instant(given, "createddatetimeutcstart"),
            created_to=_instant(given, "createddatetimeutcend"),
            ascending=order[1:] != ["desc"] if order else False,
        )
    except (KeyError, ValueError) as error:
        raise DocumentTranslationError(
            400, "InvalidRequest", f"Bad query parameter: {error}.", "InvalidArgument"
        ) from error


def _number(given: dict[str, list[str]], name: str) -> int | None:
    if name not in given:
        return None
    number = int(given[name][-1])
    if number < 0:
        raise ValueError(f"{name} is negative")
    return number


def _instant(given: dict[str, list[str]], name: str) -> float | None:
    if name not in given:
        return None
    # A "+" that was not escaped arrives as a space.
    text = given[name][-1].replace(" ", "+").replace("Z", "+00:00")
    # Python 3.10 reads fractions of three or six digits only.
    when = datetime.datetime.fromisoformat(re.sub(r"\.(\d+)", lambda found: f".{found[1]:0<6.6}", text))
    return (when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)).timestamp()
