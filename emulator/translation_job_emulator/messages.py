"""Requests and answers as the services see them: complete, and without ASGI."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from translation_job_emulator.faults import Taken
from translation_job_emulator.log import Call


@dataclasses.dataclass
class Request:
    """A request."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    raw_path: str = ""
    raw_query: str = ""

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any], body: bytes) -> Request:
        """Make a request from an ASGI scope and a body."""
        raw_query = scope["query_string"].decode("latin-1")
        return cls(
            method=scope["method"],
            path=scope["path"],
            query=parse_qsl(raw_query, keep_blank_values=True) if raw_query else [],
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            body=body,
            raw_path=scope.get("raw_path", b"").decode("latin-1"),
            raw_query=raw_query,
        )

    def json(self) -> Any:
        """Return the body, parsed.

        Raises:
            ValueError: the body is not valid JSON.
        """
        return json.loads(self.body) if self.body else {}

    def query_value(self, name: str) -> str | None:
        """Return the first value of a query parameter, or None."""
        return next((value for given, value in self.query if given == name), None)

    def bearer(self) -> bool:
        """Check whether the request has a bearer token."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and bool(token.strip())


@dataclasses.dataclass
class Response:
    """An answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    error: str | None = None
    """The error's code, for the log."""


@dataclasses.dataclass
class Exchange:
    """A request with its entry in the log and the faults that hit it."""

    request: Request
    call: Call
    taken: Taken


class Api(Protocol):
    """A service over HTTP."""

    def identify(self, request: Request) -> Call:
        """Return the entry of a request in the log."""

    async def perform(self, exchange: Exchange) -> Response:
        """Answer a request."""

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the error that the service answers for a fault of the kind throttle, error, denied or expired."""
