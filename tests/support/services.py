"""The service modules against the emulator, in an environment without credentials of its own."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
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
)
from translation_job_guard.services import amazon, azure
from translation_job_guard.teardown import Policy

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
    """Reads are sent again at once where they would pause; return the seconds that they would have waited."""
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
    return amazon.connect(region, amazon.Credentials(), emulator.url)


def azure_service(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    resource: str = "translator",
    key: str = "emulator-key",
    api_version: str = API_VERSION,
) -> azure.AzureDocumentTranslation:
    """With a key in the environment."""
    monkeypatch.setenv(KEY_ENV, key)
    return azure.connect(emulator.azure_endpoint(resource), azure.Credentials(KEY_ENV), api_version)


def guard(emulator: Emulator, service: str, **changes: Any) -> GuardArguments:
    """A guard of everything at the emulator."""
    at_amazon = service == AMAZON_TRANSLATE
    made = GuardArguments(
        service=service,
        name="guard",
        stack="dev",
        project="project",
        place=REGION if at_amazon else emulator.azure_endpoint("translator"),
        scopes=(AmazonScope(whole_region=True),) if at_amazon else (AzureScope(whole_resource=True),),
        policy=Policy(),
        protects=(),
        account_id=None,
        expected_account_id=None,
        profile=None,
        assume_role_arn=None,
        endpoint_url=emulator.url if at_amazon else None,
        api_version=API_VERSION,
        key_env=KEY_ENV,
        account_resource_id=None,
    )
    return replace(made, **changes)


def text_job(id_: str, state: JobState = JobState.RUNNING) -> Job:
    """A job of Amazon Translate as a listing might have shown it."""
    return Job(AMAZON_TRANSLATE, id_, state, "IN_PROGRESS")


def batch(id_: str, total: int = 0) -> Job:
    """A batch of Azure Document Translation as a listing might have shown it."""
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
    """The URL of a server that answers everything with the same status and body, as a proxy between might."""

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
