"""Azure Document Translation's wire format, and that of the Azure Resource Manager around it."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from translation_job_emulator.azure import (
    STATES,
    SUPPORTED,
    Account,
    Batch,
    DocumentTranslation,
    DocumentTranslationError,
    Problem,
    Query,
    Row,
    View,
    empty_summary,
)
from translation_job_emulator.azure_cache import Cache
from translation_job_emulator.firewall import refusal
from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response
from translation_job_emulator.resource_manager import ResourceManager, ResourceManagerError, type_of
from translation_job_emulator.settings import Settings

API_VERSIONS = ("2024-05-01", "2026-03-01")
PATH = "/azure/"
ARM_PATH = "/azure-arm/"

_GUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

INVALID_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key "
    "for an active subscription and use a correct regional API endpoint for your resource."
)


class DocumentTranslationApi:
    """`/azure/{resource}/translator/document/...`"""

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
        """Return the answer to a request that does not get as far as the service and its cache."""
        call = exchange.call
        if self.is_gone(call):
            return _failure(404, "404", "Resource not found")
        account = self._service.accounts.get(call.resource)
        kept_out = refusal(account.properties) if account is not None else None
        if kept_out is not None:
            return _gateway_failure(403, "403", kept_out)
        if call.credential in ("", "invalid"):
            return _gateway_failure(401, "401", INVALID_KEY)
        if call.credential == "disabled":
            return _failure(
                403, "AuthenticationTypeDisabled", "Key based authentication is disabled for this resource."
            )
        if call.operation not in self._operations:
            return _failure(404, "404", "Resource not found")
        version = exchange.request.query_value("api-version")
        if version not in API_VERSIONS:
            known = ", ".join(API_VERSIONS)
            return _failure(400, "InvalidArgument", f"The api-version {version} is not one of {known}.")
        return None

    def _operate(self, exchange: Exchange) -> Response:
        try:
            return self._operations[exchange.call.operation](exchange)
        except DocumentTranslationError as error:
            asked = exchange.call.parameters.get("documentId", exchange.call.parameters.get("id", ""))
            if error.status == 404 and not _GUID.fullmatch(asked):
                return Response(404, b"", _request_ids(), error=error.code)
            return _failure(error.status, error.code, error.message, error.inner)

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        if kind == "throttle":
            message = (
                f"Requests to the {call.operation} Operation have exceeded rate limit of your current pricing tier."
            )
            # Recorded: the policy, and no Retry-After. A fault may add one.
            policy = {"policy-id": "ResourceRateLimitBy1s"}
            return _gateway_failure(429, "429", f"{message} Please retry after 1 second.", policy)
        if kind == "denied":
            return _failure(403, "PermissionDenied", "Principal does not have access to API/Operation.")
        if kind == "expired":
            return _gateway_failure(401, "401", INVALID_KEY)
        status = int(details.get("status", 500))
        code = "ServiceUnavailable" if status == 503 else "InternalServerError"
        return _failure(status, code, "Unexpected internal server error has occurred.", code)

    def is_gone(self, call: Call) -> bool:
        return self._service.accounts.get(call.resource) is None

    def _credential(self, resource: str, request: Request) -> str:
        """Which credential it is, never the credential."""
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
        location = f"{_own_url(exchange.request)}/{batch.id}?api-version={version}"
        answer = _answer(202, {"id": batch.id, "status": STATES.queued})
        answer.headers["Operation-Location"] = location
        return answer

    def _list(self, exchange: Exchange) -> Response:
        query = _query(exchange.request)
        page, left = self._service.page(exchange.call.resource, query, exchange.taken.hides)
        shown = [_status(batch, self._service.read(batch)) for batch in page]
        return self._page(shown, exchange.request, query, left)

    def _get(self, exchange: Exchange) -> Response:
        batch = self._service.get(exchange.call.resource, exchange.call.parameters["id"])
        return _read(_status(batch, self._service.read(batch)))

    def _cancel(self, exchange: Exchange) -> Response:
        batch = self._service.cancel(
            exchange.call.resource,
            exchange.call.parameters["id"],
            ignored=exchange.taken.has("ignore-stop"),
            loses_race=exchange.taken.has("lose-race"),
            not_yet=exchange.taken.has("not-yet"),
        )
        shown = _status(batch, self._service.view(batch))
        if batch.state not in STATES.ended:
            # Recorded: it may have counted nothing yet, and may still say NotStarted.
            if self._settings.azure_cancel_summary == "empty":
                shown["summary"] = empty_summary()
            if batch.state == STATES.stopping:
                shown["status"] = self._settings.azure_cancel_status
        answer = _answer(200, shown)
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
        return _read(self._document_status(batch, row))

    def _formats(self, _: Exchange) -> Response:
        text = {
            "format": "PlainText",
            "fileExtensions": list(SUPPORTED),
            "contentTypes": ["text/plain"],
            "versions": [],
        }
        return _read({"value": [text]})

    def _page(self, shown: list[dict[str, Any]], request: Request, query: Query, left: int) -> Response:
        body: dict[str, Any] = {"value": shown}
        if left:
            size = min(self._settings.azure_page_size, query.page_size or self._settings.azure_page_size)
            body[self._settings.azure_next_link] = _next_link(request, query.skip + len(shown), left, size)
        return _read(body)

    def _document_status(self, batch: Batch, row: Row) -> dict[str, Any]:
        charged = self._settings.azure_characters if row.status == STATES.succeeded else 0
        shown: dict[str, Any] = {
            "sourcePath": _with_port(row.document.source),
            "lastActionDateTimeUtc": _time(max(batch.updated, row.created or 0.0)),
            "status": row.status,
            "to": row.document.language,
            "progress": int(row.progress) if row.progress in (0, 1) else row.progress,
            "id": row.document.id,
            "characterCharged": charged,
        }
        if row.created is not None:
            shown["createdDateTimeUtc"] = _time(row.created)
        tells = {"always": True, "unless-failed": row.status != "Failed", "succeeded": row.status == STATES.succeeded}
        if tells[self._settings.azure_document_path]:
            shown["path"] = _with_port(row.document.target)
        if row.status == "Failed" and row.problem is not None:
            shown["error"] = _error(row.problem, "Document")
        return shown


class ResourceManagerApi:
    """`/azure-arm/subscriptions/...`: resources by their ids, and the keys of accounts (`{id}/listKeys`)."""

    def __init__(self, service: DocumentTranslation, resources: ResourceManager) -> None:
        self._service = service
        self._resources = resources

    def identify(self, request: Request) -> Call:
        path = request.path[len(ARM_PATH) - 1 :].rstrip("/")
        parent, _, last = path.rpartition("/")
        posts = {"listkeys": "ListKeys", "regeneratekey": "RegenerateKey"}
        if request.method == "POST":
            call = Call("cognitiveservices", posts.get(last.lower(), "Unknown"), resource=parent)
        elif request.method == "GET" and type_of(path).lower() == "microsoft.cognitiveservices/accounts":
            call = Call("cognitiveservices", "GetAccount", resource=path)
        else:
            call = Call("resource-manager", f"{request.method.title()}Resource", resource=path)
        call.credential = "bearer" if request.bearer() else ""
        return call

    async def perform(self, exchange: Exchange) -> Response:
        call, request = exchange.call, exchange.request
        if not call.credential:
            return _failure(401, "AuthenticationFailed", "Authentication failed. There is no bearer token.")
        try:
            return self._resource(call, request) if call.service == "resource-manager" else self._account(call, request)
        except ResourceManagerError as error:
            return _failure(error.status, error.code, error.message)

    def _resource(self, call: Call, request: Request) -> Response:
        if call.operation == "PutResource":
            status = 201 if self._resources.get(call.resource) is None else 200
            endpoints = f"{_base_url(request)}{PATH.rstrip('/')}"
            return _answer(status, self._resources.put(call.resource, request.json(), endpoints))
        if call.operation == "DeleteResource":
            return Response(200 if self._resources.delete(call.resource) else 204)
        found = self._resources.get(call.resource)
        return _answer(200, found) if found is not None else _not_found(call.resource)

    def _account(self, call: Call, request: Request) -> Response:
        keys = self._resources.storage_keys(call.resource)
        if keys is not None and call.operation == "ListKeys":
            return _answer(200, {"keys": keys})
        # An account comes into being on use only where nobody has put its resource group.
        known = self._resources.get(call.resource) is not None or not self._resources.has_group_of(call.resource)
        account = self._service.accounts.by_id(call.resource) if known else None
        if account is None:
            return _not_found(call.resource)
        if call.operation == "GetAccount":
            return _answer(200, self._resources.get(call.resource) or _account(account, _base_url(request)))
        if not account.local_auth:
            return _failure(400, "BadRequest", "Failed to list key. disableLocalAuth is set to be true")
        if call.operation == "RegenerateKey":
            account = self._service.accounts.regenerate(account, str(request.json().get("keyName", "Key1")))
        elif call.operation != "ListKeys":
            return _failure(404, "InvalidResourceType", "The emulator knows no such operation on a resource.")
        return _answer(200, {"key1": account.keys[0], "key2": account.keys[1]})

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        if kind == "throttle":
            return _failure(429, "TooManyRequests", "The request is being throttled.")
        if kind == "denied":
            action = f"Microsoft.CognitiveServices/accounts/{call.operation[0].lower()}{call.operation[1:]}/action"
            what = f"perform action '{action}' over scope '{call.resource}'"
            return _failure(403, "AuthorizationFailed", f"The client does not have authorization to {what}.")
        if kind == "expired":
            return _failure(401, "ExpiredAuthenticationToken", "The access token has expired.")
        status = int(details.get("status", 500))
        return _failure(status, "InternalServerError", "Encountered internal server error.")


def _operation(method: str, parts: list[str]) -> str:
    """By the names of the REST reference."""
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
    """Both spellings: `top` and `$top`, repeated values and values between commas."""
    given: dict[str, list[str]] = {}
    for name, value in request.query:
        given.setdefault(name.lstrip("$").lower(), []).extend(part for part in value.split(",") if part)
    known = {state.lower(): state for state in (*STATES.in_flight, *STATES.ended)}
    known |= {"canceled": "Cancelled", "canceling": "Cancelling"}
    try:
        statuses = frozenset(known[status.strip().lower()] for status in given.get("statuses", []))
        order = " ".join(given.get("orderby", [])).lower().split()
        if order and (order[0] != "createddatetimeutc" or order[1:] not in ([], ["asc"], ["desc"])):
            raise ValueError("orderby")
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


def _status(batch: Batch, view: View) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": batch.id,
        "createdDateTimeUtc": _time(batch.submitted),
        "lastActionDateTimeUtc": _time(view.updated),
        "status": view.state,
    }
    if view.problem is not None:
        shown["error"] = _error(view.problem, "Operation")
    return {**shown, "summary": view.summary}


_LINKED = {name.lower(): name for name in ("orderBy", "createdDateTimeUtcStart", "createdDateTimeUtcEnd")}
"""Parameters that a link to the next page writes in its own way, however they were asked for."""


def _next_link(request: Request, skip: int, left: int, size: int) -> str:
    """As recorded: absolute, where the next page begins, what is left, then what was asked for, with raw spaces."""
    rest = [(name.lstrip("$"), value) for name, value in request.query]
    rest = [(name, value) for name, value in rest if name.lower() not in ("top", "skip", "maxpagesize")]
    rest.sort(key=lambda item: item[0] == "api-version")
    asked = [f"{_LINKED.get(name.lower(), name)}={quote(value, safe=' ,:/')}" for name, value in rest]
    return f"{_own_url(request)}?" + "&".join([f"skip={skip}", f"top={left}", f"maxpagesize={size}", *asked])


def _with_port(url: str) -> str:
    """Write a URL as the service does: `https` has its port."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc}:443").geturl() if parts.scheme == "https" and not parts.port else url


def _own_url(request: Request) -> str:
    return _base_url(request) + request.path.rstrip("/")


def _base_url(request: Request) -> str:
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def _account(account: Account, base: str) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "type": "Microsoft.CognitiveServices/accounts",
        "location": account.location,
        "kind": "TextTranslation",
        "sku": {"name": "S1"},
        "properties": {"provisioningState": "Succeeded", "endpoint": f"{base}{PATH}{account.name}"},
    }


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = {"Content-Type": "application/json; charset=utf-8", **_request_ids()}
    return Response(status, json.dumps(body).encode(), headers)


def _read(body: dict[str, Any]) -> Response:
    """Return the answer to a GET. `Retry-After` is there on success, too."""
    answer = _answer(200, body)
    etag = hashlib.sha256(answer.body).hexdigest().upper()
    answer.headers |= {"Cache-Control": "public, max-age=1", "ETag": f'"{etag}"', "Retry-After": "1"}
    return answer


def _failure(status: int, code: str, message: str, inner: str | None = None) -> Response:
    body = {"code": code, "message": message}
    if inner is not None:
        body = {**_error(Problem(inner, message), "Operation"), "code": code}
    answer = _answer(status, {"error": body})
    answer.error = code
    return answer


def _gateway_failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a refusal by what is in front of the service: no target, no inner error, no charset."""
    answer = _failure(status, code, message)
    answer.headers |= {"Content-Type": "application/json", **(headers or {})}
    return answer


def _not_found(id_: str) -> Response:
    name = id_.rpartition("/providers/")[2] or id_
    return _failure(404, "ResourceNotFound", f"The Resource '{name}' was not found.")


def _error(problem: Problem, target: str) -> dict[str, Any]:
    return {
        "code": "InvalidRequest",
        "message": problem.message,
        "target": target,
        "innerError": {"code": problem.code, "message": problem.message},
    }


def _request_ids() -> dict[str, str]:
    return {"apim-request-id": str(uuid.uuid4()), "X-RequestId": str(uuid.uuid4())}


def _time(when: float) -> str:
    """Write a time with up to seven digits of a second, without zeros at their end.

    The clock knows six. Where it has all of them a seventh is made up, so that clients meet as many as at the service.
    """
    instant = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    seventh = str(1 + instant.microsecond % 9) if instant.microsecond % 10 else ""
    written = instant.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{written}{seventh}".rstrip("0").rstrip(".") + "Z"
