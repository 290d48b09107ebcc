"""Amazon Translate's wire format: JSON 1.1, and what SigV4 says of the caller."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from translation_job_emulator import amazon_model
from translation_job_emulator.amazon import Translate, TranslateError, TranslateJob
from translation_job_emulator.lifecycle import PlaceName
from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response
from translation_job_emulator.settings import Settings

_SCOPE = re.compile(
    r"^AWS4-[A-Z0-9-]+ +Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)


class Accounts(Protocol):
    """Knows which account an access key belongs to."""

    def of(self, access_key_id: str) -> str:
        """Return the account of an access key."""


def credential_scope(request: Request) -> tuple[str, str, str] | None:
    """Return access key ID, region and service of a signed request, or None. The signature is not checked."""
    found = _SCOPE.match(request.headers.get("authorization", ""))
    return None if found is None else (found["key"], found["region"], found["service"])


class TranslateApi:
    """Amazon Translate over HTTP: the four operations on batch jobs."""

    def __init__(self, translate: Translate, settings: Settings, accounts: Accounts) -> None:
        self._translate = translate
        self._settings = settings
        self._accounts = accounts
        self._operations: dict[str, Callable[[Exchange, dict[str, Any]], dict[str, Any]]] = {
            "StartTextTranslationJob": self._start,
            "StopTextTranslationJob": self._stop,
            "DescribeTextTranslationJob": self._describe,
            "ListTextTranslationJobs": self._list,
        }

    @staticmethod
    def serves(request: Request) -> bool:
        """Check whether a request is for Amazon Translate."""
        return request.headers.get("x-amz-target", "").startswith(amazon_model.TARGET_PREFIX + ".")

    def identify(self, request: Request) -> Call:
        """Return the entry of a request in the log."""
        operation = request.headers["x-amz-target"].partition(".")[2]
        call = Call("translate", operation)
        scope = credential_scope(request)
        if scope is not None:
            call.credential, call.region, _ = scope
            call.account = self._accounts.of(call.credential)
        try:
            body = request.json()
        except ValueError:
            body = None
        call.parameters = body if isinstance(body, dict) else {}
        return call

    async def perform(self, exchange: Exchange) -> Response:
        """Answer a request."""
        call = exchange.call
        if not call.account:
            return self._error("MissingAuthenticationTokenException", "Missing Authentication Token")
        operation = self._operations.get(call.operation)
        if operation is None:
            return self._error("UnknownOperationException", f"Unknown operation {call.operation}")
        try:
            body = exchange.request.json()
            wrong = amazon_model.violations(call.operation, body)
            if wrong:
                count = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected"
                raise TranslateError("ValidationException", f"{count}: {'; '.join(wrong)}")
            return _answer(200, operation(exchange, body))
        except TranslateError as error:
            return self._error(error.code, error.message)
        except (amazon_model.Malformed, ValueError) as error:
            return self._error("SerializationException", str(error))

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the error that the service answers for a fault."""
        if kind == "throttle":
            code = details.get("code", self._settings.throttling_code)
            return self._error(code, "Rate exceeded", details.get("status"))
        if kind == "denied":
            caller, action = f"arn:aws:iam::{call.account}:user/{call.credential}", f"translate:{call.operation}"
            why = f"because no identity-based policy allows the {action} action"
            message = f"User: {caller} is not authorized to perform: {action} {why}"
            return self._error("AccessDeniedException", message)
        if kind == "expired":
            message = "The security token included in the request is expired"
            return self._error("ExpiredTokenException", message)
        status = int(details.get("status", 500))
        code = "ServiceUnavailableException" if status == 503 else "InternalServerException"
        return self._error(details.get("code", code), "An internal server error occurred. Retry.", status)

    def _error(self, code: str, message: str, status: int | None = None) -> Response:
        declared = amazon_model.error_status(code)
        if status is None:
            status = declared if declared is not None and (declared >= 500 or self._by_model) else 400
        # botocore: errors that the model declares have "Message", errors of every AWS service have "message".
        body = {"__type": code, "message" if declared is None else "Message": message}
        answer = _answer(status, body)
        answer.error = code
        return answer

    @property
    def _by_model(self) -> bool:
        return self._settings.error_status == "model"

    def _start(self, exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
        job = self._translate.start(_place(exchange.call), body)
        exchange.call.parameters = {**exchange.call.parameters, "JobId": job.id}
        return {"JobId": job.id, "JobStatus": job.state}

    def _stop(self, exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
        status = self._translate.request_stop(
            _place(exchange.call),
            body["JobId"],
            ignored=exchange.taken.has("ignore-stop"),
            loses_race=exchange.taken.has("lose-race"),
            not_yet=exchange.taken.has("not-yet"),
        )
        return {"JobId": body["JobId"], "JobStatus": status}

    def _describe(self, exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
        job = self._translate.describe(_place(exchange.call), body["JobId"])
        return {"TextTranslationJobProperties": self._properties(job)}

    def _list(self, exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
        wanted = {name: value for name, value in (body.get("Filter") or {}).items() if value is not None}
        page, token = self._translate.page(
            _place(exchange.call),
            wanted,
            body.get("MaxResults") or 100,
            body.get("NextToken"),
            exchange.taken.hides,
        )
        answer: dict[str, Any] = {"TextTranslationJobPropertiesList": [self._properties(job) for job in page]}
        if token is not None:
            answer["NextToken"] = token
        return answer

    def _properties(self, job: TranslateJob) -> dict[str, Any]:
        translated = self._translate.progress(job)
        failed = len(job.documents) - translated if job.state in ("FAILED", "COMPLETED_WITH_ERROR") else 0
        shown: dict[str, Any] = {
            "JobId": job.id,
            "JobStatus": job.state,
            "JobDetails": {
                "TranslatedDocumentsCount": translated,
                "DocumentsWithErrorsCount": failed,
                "InputDocumentsCount": len(job.documents) if job.state != "SUBMITTED" else 0,
            },
            "SubmittedTime": round(job.submitted, 3),
            **job.request,
        }
        if job.ended is not None:
            shown["EndTime"] = round(job.ended, 3)
        if job.message is not None:
            shown["Message"] = job.message
        return shown


def _place(call: Call) -> PlaceName:
    return (call.account, call.region)


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(status, json.dumps(body).encode(), headers)
