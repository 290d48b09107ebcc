"""The services of the provider's fuzz tests, as a server that answers what it is given."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "123456789012"

SIGNATURE = "plantedSignature0123456789"

OPERATIONS = ("sts", "list", "stop", "other")


@dataclass(frozen=True)
class Answer:
    """One answer of the server, as it goes over the wire; ``length`` is what it says of its own length."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    length: int | None = None


class Service:
    """Amazon Translate, STS, Document Translation and whatever else is asked for, on loopback.

    Each example has a path of its own: what an example left behind is refused in the next one.
    """

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self._numbers = itertools.count()
        self.example = ""
        self.answers: Mapping[str, Answer] = {}
        self.stopped = False

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.host}/{self.example}"

    def begin(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.example, self.answers, self.stopped = f"e{next(self._numbers)}", answers or {}, False

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> Answer:
        if urlsplit(path).path.partition("/")[2].partition("/")[0] != self.example:
            return _json(400, {"__type": "ValidationException", "message": "of another example"})
        target = headers.get("X-Amz-Target", "").rpartition(".")[2]
        form = parse_qs(body.decode("latin-1"))
        operation = (
            "sts"
            if "Action" in form
            else "stop"
            if target.startswith("Stop") or method == "DELETE"
            else "list"
            if target.startswith("List") or "document/batches" in path
            else "other"
        )
        if operation in self.answers:
            return self.answers[operation]
        return self._proper(operation, path)

    def _proper(self, operation: str, path: str) -> Answer:
        """Answer as the service does: one job is in flight until somebody stops it."""
        if operation == "sts":
            return Answer(200, (("Content-Type", "text/xml"),), _IDENTITY)
        if operation == "stop":
            self.stopped = True
            return _json(200, {"JobId": "a", "JobStatus": "STOP_REQUESTED", "id": BATCH["id"], "status": "Cancelling"})
        if operation == "list" and "document/batches" in path:
            documents = path.partition("?")[0].endswith("/documents")
            return _json(200, {"value": [] if self.stopped else [DOCUMENT if documents else BATCH]})
        if operation == "list":
            return _json(200, {"TextTranslationJobPropertiesList": [] if self.stopped else [JOB]})
        return _json(404, {"__type": "ResourceNotFoundException", "message": "not there"})


def _handler(service: Service) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            answer = service.answer(self.command, self.path, self.headers, body)
            said = answer.body.replace(b"ECHO", str(self.headers).encode("latin-1", "replace"))
            lines = [f"HTTP/1.1 {answer.status} Fuzz", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in answer.headers]
            lines.append(f"Content-Length: {len(said) if answer.length is None else answer.length}")
            with contextlib.suppress(OSError):
                self.wfile.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + said)
            self.close_connection = True

        do_POST = do_DELETE = do_PUT = do_HEAD = do_GET  # noqa: N815 - names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Not on standard error."""

    return Handler


def _json(status: int, value: Any) -> Answer:
    # Both SDKs take it; the id says that it is an answer of Amazon Translate.
    headers = (("Content-Type", "application/json"), ("x-amzn-RequestId", "r"))
    return Answer(status, headers, json.dumps(value).encode())


_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>arn:aws:iam::{ACCOUNT}:user/u</Arn><UserId>u</UserId><Account>{ACCOUNT}</Account>"
    "</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    "</GetCallerIdentityResponse>"
).encode()

JOB = {
    "JobId": "a",
    "JobName": f"mine-?sig={SIGNATURE}",
    "JobStatus": "IN_PROGRESS",
    "SubmittedTime": 1_750_000_000,
    "DataAccessRoleArn": f"arn:aws:iam::{ACCOUNT}:role/translate",
    "InputDataConfig": {"S3Uri": "s3://bucket/in/"},
    "OutputDataConfig": {"S3Uri": "s3://bucket/out/"},
}

BATCH = {
    "id": "727bf148-f327-47a0-9481-abae6362f11e",
    "createdDateTimeUtc": "2026-01-02T03:04:05Z",
    "lastActionDateTimeUtc": "2026-01-02T03:04:06Z",
    "status": "Running",
    "summary": {
        **dict.fromkeys(("failed", "success", "inProgress", "cancelled", "totalCharacterCharged"), 0),
        **{"total": 1, "notYetStarted": 1},
    },
}

DOCUMENT = {
    "id": "273622bd-835c-4946-9798-fd8f19f6bbf2",
    "sourcePath": "https://store.blob.core.windows.net:443/docs/a.txt",
    "path": "https://store.blob.core.windows.net:443/out/a.txt",
    "createdDateTimeUtc": "2026-01-02T03:04:05Z",
    "lastActionDateTimeUtc": "2026-01-02T03:04:06Z",
    "status": "Running",
    "to": "de",
    "progress": 0.0,
    "characterCharged": 0,
}
