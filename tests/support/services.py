"""The service modules against the emulator, in an environment without credentials of its own."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.emulator import REGION
from translation_job_guard.emulator import Emulator
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Documents,
    Job,
    JobState,
    Scope,
)
from translation_job_guard.services import Connection, JobService, amazon, azure
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import TeardownOptions

KEY_ENV = "AZURE_DOCUMENT_TRANSLATION_KEY"
API_VERSION = "2024-05-01"


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials, profiles or tools of the machine; returns an empty directory that is the home."""
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "IDENTITY_", "MSI_", "IMDS_", "ARM_", "TRANSLATION_JOB_GUARD_")):
            monkeypatch.delenv(name)
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retry reads at once where they would pause; return the seconds that they would have waited."""
    pauses: list[float] = []
    clock = SimpleNamespace(sleep=pauses.append, monotonic=time.monotonic)
    monkeypatch.setattr("translation_job_guard.services.reading.time", clock)
    return pauses


def amazon_service(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, access_key_id: str = "AKIAEMULATOR", region: str = REGION
) -> amazon.AmazonTranslate:
    """With access keys in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return amazon.AmazonConnection(region, endpoint_url=emulator.url).open()


def azure_service(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    resource: str = "translator",
    key: str = "emulator-key",
    api_version: str = API_VERSION,
) -> azure.AzureDocumentTranslation:
    """With a key in the environment."""
    monkeypatch.setenv(KEY_ENV, key)
    return azure_at(emulator.azure_endpoint(resource), api_version=api_version)


def azure_at(
    endpoint: str, key_env: str = KEY_ENV, api_version: str = API_VERSION, account_resource_id: str | None = None
) -> azure.AzureDocumentTranslation:
    """Return the service at an endpoint, with the credentials of the environment."""
    return azure.AzureConnection(
        endpoint, key_env=key_env, api_version=api_version, account_resource_id=account_resource_id
    ).open()


def guard(emulator: Emulator, service: str, **changes: Any) -> GuardArguments:
    """Return the arguments of a guard of everything at the emulator."""
    connection: Connection = amazon.AmazonConnection(REGION, endpoint_url=emulator.url)
    scope: Scope = AmazonScope(whole_region=True)
    if service == AZURE_DOCUMENT_TRANSLATION:
        endpoint = emulator.azure_endpoint("translator")
        connection = azure.AzureConnection(endpoint, key_env=KEY_ENV, api_version=API_VERSION)
        scope = AzureScope(whole_resource=True)
    return changed(
        GuardArguments("guard", "dev", "project", connection, (scope,), TeardownOptions(), (), None), **changes
    )


def changed(guard: GuardArguments, **changes: Any) -> GuardArguments:
    """Return a guard with other properties, those of its connection included."""
    own = {field.name for field in fields(guard.connection)}
    connection = replace(guard.connection, **{name: changes[name] for name in changes if name in own})
    rest = {name: changes[name] for name in changes if name not in own}
    return replace(guard, **{"connection": connection, **rest})


@dataclass(frozen=True)
class Opened(amazon.AmazonConnection):
    """A connection to a service that is there already: for what no real service can be made to do."""

    connect: Callable[[], JobService] = field(kw_only=True)

    def open(self, reads: Reads | None = None) -> Any:  # noqa: ARG002
        """Return the service."""
        return self.connect()


def opened(service: JobService) -> Opened:
    """Return a connection to this service."""
    return Opened(service.place, connect=lambda: service)


def text_job(id_: str, state: JobState = JobState.RUNNING) -> Job:
    """Return a job of Amazon Translate, as a listing might have shown it."""
    return Job(AMAZON_TRANSLATE, id_, state, "IN_PROGRESS")


def batch(id_: str, total: int = 0) -> Job:
    """Return a batch of Azure Document Translation, as a listing might have shown it."""
    return Job(
        AZURE_DOCUMENT_TRANSLATION,
        id_,
        JobState.RUNNING,
        "Running",
        documents=Documents(total),
    )


@contextmanager
def portal(
    body: bytes, content_type: str = "text/html", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Return the URL of a server that answers everything with the same status and body, as a proxy might."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_DELETE = do_POST  # noqa: N815 - names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Not on standard error."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
