"""How Azure Document Translation and the Resource Manager write their answers."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from translation_job_emulator.azure_batch import Batch, Problem, View
from translation_job_emulator.messages import Request, Response


def batch_body(batch: Batch, view: View) -> dict[str, Any]:
    """Return a batch's status as JSON."""
    shown: dict[str, Any] = {
        "id": batch.id,
        "createdDateTimeUtc": written_time(batch.submitted),
        "lastActionDateTimeUtc": written_time(view.updated),
        "status": view.state,
    }
    if view.problem is not None:
        shown["error"] = error_body(view.problem, "Operation")
    return {**shown, "summary": view.summary}


_LINKED = {name.lower(): name for name in ("orderBy", "createdDateTimeUtcStart", "createdDateTimeUtcEnd")}
"""Parameters that a link to the next page writes in its own way, however they were asked for."""


def next_link(request: Request, skip: int, left: int, size: int) -> str:
    """Return the link to the next page, as recorded.

    It is absolute. It has the position of the next page, the number of entries that are left, and then the parameters
    of the request, with unescaped spaces.
    """
    rest = [(name.lstrip("$"), value) for name, value in request.query]
    rest = [(name, value) for name, value in rest if name.lower() not in ("top", "skip", "maxpagesize")]
    rest.sort(key=lambda item: item[0] == "api-version")
    asked = [f"{_LINKED.get(name.lower(), name)}={quote(value, safe=' ,:/')}" for name, value in rest]
    return f"{own_url(request)}?" + "&".join([f"skip={skip}", f"top={left}", f"maxpagesize={size}", *asked])


def with_port(url: str) -> str:
    """Return a URL as the service writes it: `https` with its port."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc}:443").geturl() if parts.scheme == "https" and not parts.port else url


def own_url(request: Request) -> str:
    """Return the URL that a request was sent to, without its query."""
    return base_url(request) + request.path.rstrip("/")


def base_url(request: Request) -> str:
    """Return scheme and host that a request was sent to."""
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def json_answer(status: int, body: dict[str, Any]) -> Response:
    """Return an answer with a JSON body."""
    headers = {"Content-Type": "application/json; charset=utf-8", **request_ids()}
    return Response(status, json.dumps(body).encode(), headers)


def read_answer(body: dict[str, Any]) -> Response:
    """Return the answer to a GET. Successful answers have a `Retry-After`, too."""
    answer = json_answer(200, body)
    etag = hashlib.sha256(answer.body).hexdigest().upper()
    answer.headers |= {"Cache-Control": "public, max-age=1", "ETag": f'"{etag}"', "Retry-After": "1"}
    return answer


def failure(status: int, code: str, message: str, inner: str | None = None) -> Response:
    """Return an error of the service."""
    body = {"code": code, "message": message}
    if inner is not None:
        body = {**error_body(Problem(inner, message), "Operation"), "code": code}
    answer = json_answer(status, {"error": body})
    answer.error = code
    return answer


def gateway_failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error of the gateway in front of the service: without target, inner error and charset."""
    answer = failure(status, code, message)
    answer.headers |= {"Content-Type": "application/json", **(headers or {})}
    return answer


def error_body(problem: Problem, target: str) -> dict[str, Any]:
    """Return an error as JSON, with its inner error."""
    return {
        "code": "InvalidRequest",
        "message": problem.message,
        "target": target,
        "innerError": {"code": problem.code, "message": problem.message},
    }


def request_ids() -> dict[str, str]:
    """Return the headers that identify an answer."""
    return {"apim-request-id": str(uuid.uuid4()), "X-RequestId": str(uuid.uuid4())}


def written_time(when: float) -> str:
    """Write a time with up to seven digits after the second, without trailing zeros.

    The clock has six digits. If all six are used, a seventh is invented, so that clients see as many as the service
    sends.
    """
    instant = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    seventh = str(1 + instant.microsecond % 9) if instant.microsecond % 10 else ""
    written = instant.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{written}{seventh}".rstrip("0").rstrip(".") + "Z"
