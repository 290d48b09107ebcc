"""S3, IAM, STS and KMS: requests handed to moto as they are, with the log and the faults of all others."""

from __future__ import annotations

import asyncio
import io
import re
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from translation_job_guard.emulator.amazon_http import credential_scope
from translation_job_guard.emulator.faults import Fault
from translation_job_guard.emulator.log import Call
from translation_job_guard.emulator.messages import Request, Response
from translation_job_guard.emulator.surroundings import Moto

_SHOWN = ("RoleName", "RoleArn", "PolicyName", "PolicyArn", "UserName", "KeyId")
_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>")


class MotoApi:
    def __init__(self, moto: Moto) -> None:
        self._moto = moto
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="moto")

    def identify(self, request: Request) -> Call:
        call = Call("s3", f"{request.method} {request.path}")
        found = credential_scope(request)
        if found is not None:
            call.credential, call.region, call.service = found
            call.account = self._moto.of(call.credential)
        target = request.headers.get("x-amz-target")
        form = _form(request)
        if target is not None:
            call.operation = target.rpartition(".")[2]
        elif "Action" in form:
            call.operation = form["Action"]
            call.parameters = {name: form[name] for name in _SHOWN if name in form}
            call.service = call.service if found is not None else "sts"
        return call

    async def forward(self, call: Call, request: Request, scope: Mapping[str, Any]) -> Response:
        loop = asyncio.get_running_loop()
        environ = _environ(request, scope, call.account)
        response = await loop.run_in_executor(self._threads, self._run, environ)
        if call.service in ("iam", "sts"):
            self._moto.forget_accounts()
        if response.status >= 400:
            code = _ERROR_CODE.search(response.body)
            response.error = code[1].decode() if code else str(response.status)
        return response

    @staticmethod
    def may_delete(request: Request) -> bool:
        return request.method in ("DELETE", "POST")

    def throttled(self, fault: Fault | None = None) -> Response:
        answer = _failure(400, "Throttling", "Rate exceeded")
        if fault is not None and fault.details.get("retry_after") is not None:
            answer.headers["Retry-After"] = str(fault.details["retry_after"])
        return answer

    def failed(self, call: Call, fault: Fault) -> Response:
        status = int(fault.details.get("status", 500))
        return _failure(
            status, "ServiceUnavailable" if status == 503 else "InternalFailure", "Please try again."
        )

    def denied(self, call: Call) -> Response:
        caller = f"arn:aws:iam::{call.account}:user/{call.credential}"
        action = f"{call.service}:{call.operation}"
        return _failure(403, "AccessDenied", f"User: {caller} is not authorized to perform: {action}")

    def expired(self, call: Call) -> Response:
        return _failure(403, "ExpiredToken", "The security token included in the request is expired")

    def _run(self, environ: dict[str, Any]) -> Response:
        response = Response(500)

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            response.status = int(status.split()[0])
            response.headers = dict(headers)

        chunks = self._moto.load()(environ, start_response)
        try:
            response.body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return response


def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        fields = parse_qs(request.body.decode("utf-8", "replace"))
        return {name: values[0] for name, values in fields.items()}
    return {}


def _environ(request: Request, scope: Mapping[str, Any], account: str) -> dict[str, Any]:
    # Not a2wsgi's: the body is here already, and moto must be told the account that the settings give an access key.
    host, _, port = request.headers.get("host", "127.0.0.1:80").partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode("utf-8").decode("latin-1"),
        "RAW_URI": scope.get("raw_path", b"").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ["CONTENT_TYPE"] = request.headers.get("content-type", "")
    environ["CONTENT_LENGTH"] = str(len(request.body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    if account:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
    return environ


def _failure(status: int, code: str, message: str) -> Response:
    # One body for the query protocol's <ErrorResponse> and S3's <Error>: botocore looks for either.
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    return Response(status, body.encode(), {"Content-Type": "text/xml"}, error=code)
