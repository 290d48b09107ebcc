"""``--verbose``: show every request on standard error, without secrets."""

from __future__ import annotations

import logging

from translation_job_guard.cli.streams import say

__all__ = ["show_requests"]


def show_requests() -> None:
    """Show each request of the SDKs, and the status of each answer, from now on."""
    for name in ("botocore.endpoint", "urllib3.connectionpool"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(_Requests())


class _Requests(logging.Handler):
    """Pick the requests from the SDKs' debug messages; the other messages hold headers, and so credentials."""

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        if record.name == "botocore.endpoint":
            if str(record.msg).startswith("Making request for") and len(arguments) == 2:
                operation, request = arguments
                if isinstance(request, dict):
                    region = request.get("context", {}).get("client_region", "")
                    body = request.get("body", "")
                    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
                    say(f"> {getattr(operation, 'name', '')} {region} {text}".rstrip())
        elif len(arguments) == 8:
            scheme, host, port, method, path, _protocol, status, length = arguments
            say(f"< {method} {scheme}://{host}:{port}{path} {status} ({length} bytes)")
