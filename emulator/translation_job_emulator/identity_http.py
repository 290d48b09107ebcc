"""Entra ID tokens, as App Service gives them to a managed identity.

`DefaultAzureCredential` asks here if `IDENTITY_ENDPOINT` is this URL and `IDENTITY_HEADER` is any text.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response

TOKEN_PATH = "/azure-identity/token"

_LIFETIME = 86_400
"""Seconds, by the client's clock: it compares the end with its own."""


class IdentityApi:
    """The token endpoint."""

    def identify(self, request: Request) -> Call:
        """Return the entry of a request in the log."""
        call = Call("azure-identity", "GetToken")
        call.credential = "identity" if request.headers.get("x-identity-header") else ""
        call.parameters = {"resource": request.query_value("resource") or ""}
        return call

    async def perform(self, exchange: Exchange) -> Response:
        """Answer a request."""
        resource = exchange.call.parameters["resource"]
        if not exchange.call.credential or not resource:
            return _failure(400, "A resource and the header X-IDENTITY-HEADER are required.")
        token = {
            "access_token": "emulator-token",
            "expires_on": str(int(time.time()) + _LIFETIME),
            "resource": resource,
            "token_type": "Bearer",
        }
        return Response(200, json.dumps(token).encode(), {"Content-Type": "application/json"})

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the error that the endpoint answers for a fault."""
        status = {"throttle": 429, "denied": 403, "expired": 401}.get(kind, int(details.get("status", 500)))
        return _failure(status, f"No token for {call.parameters['resource']}.")


def _failure(status: int, message: str) -> Response:
    body = json.dumps({"statusCode": status, "message": message}).encode()
    return Response(status, body, {"Content-Type": "application/json"}, error=str(status))
