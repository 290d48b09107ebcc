"""Amazon Translate's wire format: JSON 1.1, and what SigV4 says of the caller."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from translation_job_guard.emulator import amazon_model
from translation_job_guard.emulator.amazon import Translate, TranslateError, TranslateJob
from translation_job_guard.emulator.faults import Fault, Taken
from translation_job_guard.emulator.log import Call
from translation_job_guard.emulator.messages import Request, Response
from translation_job_guard.emulator.settings import Settings

_SCOPE = re.compile(
    r"^AWS4-[A-Z0-9-]+ +Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)


class Accounts(Protocol):
    def of(self, access_key_id: str) -> str:
        """The account of an access key."""


def credential_scope(request: Request) -> tuple[str, str, str] | None:
    """Access key id, region and service of a signed request; the signature itself is not checked."""
    found = _SCOPE.match(request.headers.get("authorization", ""))
    return None if found is None else (found["key"], found["region"], found["service"])


class TranslateApi:
    def __init__(self, translate: Translate, settings: Settings, accounts: Accounts) -> None:
        self._translate = translate
        self._settings = settings
        self._accounts = accounts
        self._operations: dict[str, Callable[[Call, dict[str, Any], Taken], dict[str, Any]]] = {
            "StartTextTranslationJob": self._start,
            "StopTextTranslationJob": self._stop,
            "DescribeTextTranslationJob": self._describe,
            "ListTextTranslationJobs": self._list,
        }

    @staticmethod
    def serves(request: Request) -> bool:
        return request.headers.get("x-amz-target", "").startswith(amazon_model.TARGET_PREFIX + ".")

    def identify(self, request: Request) -> Call:
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

    def perform(self, call: Call, request: Request, taken: Taken) -> Response:
        if not call.account:
            return self.error("MissingAuthenticationTokenException", "Missing Authentication Token")
        operation = self._operations.get(call.operation)
        if operation is None:
            return self.error("UnknownOperationException", f"Unknown operation {call.operation}")
        try:
            body = request.json()
            wrong = amazon_model.violations(call.operation, body)
            if wrong:
                count = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected"
                raise TranslateError("ValidationException", f"{count}: {'; '.join(wrong)}")
            return _answer(200, operation(call, body, taken))
        except TranslateError as error:
            return self.error(error.code, error.message)
        except (amazon_model.Malformed, ValueError) as error:
            return self.error("SerializationException", str(error))

    def error(self, code: str, message: str, status: int | None = None) -> Response:
        declared = amazon_model.error_status(code)
        if status is None:
            status = declared if declared is not None and (declared >= 500 or self._by_model) else 400
        # Errors that the model declares call the message "Message", those of every AWS service "message" [botocore].
        body = {"__type": code, "message" if declared is None else "Message": message}
        answer = _answer(status, body)
        answer.error = code
        return answer

    def throttled(self, fault: Fault | None = None) -> Response:
        code = (
            self._settings.throttling_code
            if fault is None
            else fault.details.get("code", self._settings.throttling_code)
        )
        answer = self.error(
            str(code), "Rate exceeded", None if fault is None else fault.details.get("status")
        )
        if fault is not None and fault.details.get("retry_after") is not None:
            answer.headers["Retry-After"] = str(fault.details["retry_after"])
        return answer

    def failed(self, call: Call, fault: Fault) -> Response:
        status = int(fault.details.get("status", 500))
        code = "ServiceUnavailableException" if status == 503 else "InternalServerException"
        answer = self.error(
            str(fault.details.get("code", code)), "An internal server error occurred.", status
        )
        if fault.details.get("retry_after") is not None:
            answer.headers["Retry-After"] = str(fault.details["retry_after"])
        return answer

    def denied(self, call: Call) -> Response:
        caller = f"arn:aws:iam::{call.account}:user/{call.credential}"
        action = f"translate:{call.operation}"
        return self.error(
            "AccessDeniedException",
            f"User: {caller} is not authorized to perform: {action} because no identity-based policy allows the {action} action",
        )

    def expired(self, call: Call) -> Response:
        return self.error("ExpiredTokenException", "The security token included in the request is expired")

    @property
    def _by_model(self) -> bool:
        return self._settings.error_status == "model"

    def _start(self, call: Call, body: dict[str, Any], taken: Taken) -> dict[str, Any]:
        job = self._translate.start((call.account, call.region), body)
        call.parameters = {**call.parameters, "JobId": job.id}
        return {"JobId": job.id, "JobStatus": job.state}

    def _stop(self, call: Call, body: dict[str, Any], taken: Taken) -> dict[str, Any]:
        status = self._translate.request_stop(
            (call.account, call.region),
            body["JobId"],
            ignored=taken.has("ignore-stop"),
            loses_race=taken.has("lose-race"),
            not_yet=taken.has("not-yet"),
        )
        return {"JobId": body["JobId"], "JobStatus": status}

    def _describe(self, call: Call, body: dict[str, Any], taken: Taken) -> dict[str, Any]:
        job = self._translate.describe((call.account, call.region), body["JobId"])
        return {"TextTranslationJobProperties": self._properties(job)}

    def _list(self, call: Call, body: dict[str, Any], taken: Taken) -> dict[str, Any]:
        filter = {name: value for name, value in (body.get("Filter") or {}).items() if value is not None}
        page, token = self._translate.page(
            (call.account, call.region),
            filter,
            body.get("MaxResults") or 100,
            body.get("NextToken"),
            taken.hides,
        )
        answer: dict[str, Any] = {"TextTranslationJobPropertiesList": [self._properties(job) for job in page]}
        if token is not None:
            answer["NextToken"] = token
        return answer

    def _properties(self, job: TranslateJob) -> dict[str, Any]:
        failed = (
            len(job.documents) if job.state == "FAILED" else 1 if job.state == "COMPLETED_WITH_ERROR" else 0
        )
        known = job.state != "SUBMITTED"
        shown: dict[str, Any] = {
            "JobId": job.id,
            "JobStatus": job.state,
            "JobDetails": {
                "TranslatedDocumentsCount": self._translate.progress(job),
                "DocumentsWithErrorsCount": failed,
                "InputDocumentsCount": len(job.documents) if known else 0,
            },
            "SubmittedTime": round(job.submitted, 3),
            **job.request,
        }
        if job.ended is not None:
            shown["EndTime"] = round(job.ended, 3)
        if job.message is not None:
            shown["Message"] = job.message
        return shown


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(status, json.dumps(body).encode(), headers)
