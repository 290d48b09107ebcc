"""S3, IAM, STS, KMS and Organizations: requests handed to moto as they are, with the log and faults of all others."""

from __future__ import annotations

import asyncio
import io
import json
import re
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from translation_job_emulator.amazon_http import credential_scope
from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response
from translation_job_emulator.organizations import Membership
from translation_job_emulator.surroundings import Moto

_LOGGED = ("RoleName", "RoleArn", "PolicyName", "PolicyArn", "UserName", "KeyId")
_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>")


class MotoApi:
    """S3, IAM, STS and KMS over HTTP.

    Args:
        moto: the services.
        deleted: is called after a request that may have deleted something.
    """

    def __init__(self, moto: Moto, deleted: Callable[[], None]) -> None:
        self._moto = moto
        self._deleted = deleted
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="moto")

    def close(self) -> None:
        """Stop the threads, and forget what the services hold."""
        self._threads.shutdown(wait=False)
        self._moto.close()

    def identify(self, request: Request) -> Call:
        """Return the entry of a request in the log."""
        call = Call("s3", f"{request.method} {request.path}")
        scope = credential_scope(request)
        if scope is not None:
            call.credential, call.region, call.service = scope
            call.account = self._moto.of(call.credential)
        target, form = request.headers.get("x-amz-target"), _form(request)
        if target is not None:
            call.operation = target.rpartition(".")[2]
        elif "Action" in form:
            call.operation = form["Action"]
            call.parameters = {name: form[name] for name in _LOGGED if name in form}
            if scope is None:
                call.service = "sts"
        return call

    async def perform(self, exchange: Exchange) -> Response:
        """Answer a request."""
        call, request = exchange.call, exchange.request
        refused = self._not_for_this_account(call)
        if refused is not None:
            return refused
        environ = _environ(request, call.account)
        response = await asyncio.get_running_loop().run_in_executor(self._threads, self._run, environ)
        if call.service in ("iam", "sts") and not call.operation.startswith(("Get", "List")):
            self._moto.forget_accounts()
        if request.method in ("DELETE", "POST"):
            self._deleted()
        if response.status >= 400:
            code = _ERROR_CODE.search(response.body)
            response.error = code[1].decode() if code else str(response.status)
        return response

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the error that the service answers for a fault."""
        if call.service == "organizations":
            return _refusal_of_organizations(kind, details)
        if kind == "throttle":
            return _failure(int(details.get("status", 400)), "Throttling", "Rate exceeded")
        if kind == "denied":
            caller = f"arn:aws:iam::{call.account}:user/{call.credential}"
            message = f"User: {caller} is not authorized to perform: {call.service}:{call.operation}"
            if call.operation == "AssumeRole":
                # STS gives the same answer for a role or an account that does not exist.
                message += f" on resource: {call.parameters.get('RoleArn', '*')}"
            return _failure(403, "AccessDenied", message)
        if kind == "expired":
            return _failure(403, "ExpiredToken", "The security token included in the request is expired")
        status = int(details.get("status", 500))
        return _failure(status, "ServiceUnavailable" if status == 503 else "InternalFailure", "Try again.")

    def _not_for_this_account(self, call: Call) -> Response | None:
        if call.service != "organizations" or call.operation != "ListAccounts":
            return None
        self._moto.load()
        membership = self._moto.organization_of(call.account)
        if membership is Membership.NONE:
            message = "Your account is not a member of an organization."
            return _json_failure(400, "AWSOrganizationsNotInUseException", message)
        if membership is Membership.MEMBER:
            return _json_failure(400, "AccessDeniedException", "You don't have permissions to access this resource.")
        return None

    def _run(self, environ: dict[str, Any]) -> Response:
        response = Response(500)

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
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


def _environ(request: Request, account: str) -> dict[str, Any]:
    # Not by an adapter: the body has been read already, and moto has to know the account of the access key.
    host, _, port = request.headers.get("host", "127.0.0.1:80").partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode("utf-8").decode("latin-1"),
        "RAW_URI": request.raw_path + (f"?{request.raw_query}" if request.raw_query else ""),
        "QUERY_STRING": request.raw_query,
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
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
    }
    # uvicorn has joined the chunks.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    if account:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
    return environ


def _refusal_of_organizations(kind: str, details: Mapping[str, Any]) -> Response:
    if kind == "throttle":
        return _json_failure(int(details.get("status", 400)), "TooManyRequestsException", "Rate exceeded")
    if kind == "denied":
        return _json_failure(400, "AccessDeniedException", "You don't have permissions to access this resource.")
    if kind == "expired":
        return _json_failure(400, "ExpiredTokenException", "The security token included in the request is expired")
    return _json_failure(int(details.get("status", 500)), "ServiceException", "Try again.")


def _json_failure(status: int, code: str, message: str) -> Response:
    body = json.dumps({"__type": code, "Message": message}).encode()
    return Response(status, body, {"Content-Type": "application/x-amz-json-1.1"}, error=code)


def _failure(status: int, code: str, message: str) -> Response:
    # One body for S3 (<Error>) and the query protocol (<ErrorResponse>): botocore looks for <Error> in both.
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    return Response(status, body.encode(), {"Content-Type": "text/xml"}, error=code)
