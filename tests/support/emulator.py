"""The emulator as fixtures: one server for a test run, as new for each test.

A conftest imports what its tests use: `from tests.support.emulator import emulator, stepped  # noqa: F401`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from azure.ai.translation.document import DocumentTranslationClient
from azure.core.credentials import AzureKeyCredential
from botocore.config import Config

from translation_job_guard.emulator import Emulator

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/translate"


@pytest.fixture(scope="session")
def _real_server() -> Iterator[Emulator]:
    with Emulator(clock="real", stop_latency=0.05) as server:
        yield server


@pytest.fixture(scope="session")
def _stepped_server() -> Iterator[Emulator]:
    with Emulator(clock="stepped", stop_latency=2, start_latency=0, run_time=600) as server:
        yield server


@pytest.fixture
def emulator(_real_server: Emulator) -> Emulator:
    """With a real clock; stops take 50 ms."""
    _real_server.control.reset()
    return _real_server


@pytest.fixture
def stepped(_stepped_server: Emulator) -> Emulator:
    """With a clock that stands still until `control.advance`; stops take 2 s, jobs 600."""
    _stepped_server.control.reset()
    return _stepped_server


def aws(
    emulator: Emulator,
    service: str = "translate",
    region: str = REGION,
    access_key_id: str = "AKIAEMULATOR",
    *,
    session_token: str | None = None,
    secret: str = "secret",
    attempts: int = 1,
    **config: Any,
) -> Any:
    """A real boto3 client; `attempts` counts the first one."""
    return boto3.client(  # type: ignore[call-overload, unused-ignore]
        service,
        region_name=region,
        endpoint_url=emulator.url,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        aws_session_token=session_token,
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, **config),
    )


def azure(
    emulator: Emulator, resource: str = "translator", key: str = "emulator-key", **options: Any
) -> DocumentTranslationClient:
    """A real SDK client; no retries unless `retry_total` says so."""
    options = {"retry_total": 0, **options}
    return DocumentTranslationClient(emulator.azure_endpoint(resource), AzureKeyCredential(key), **options)


def start(client: Any, **changes: Any) -> str:
    """Starts an Amazon Translate job; returns its id."""
    request = {
        "JobName": "job",
        "InputDataConfig": {"S3Uri": "s3://input-bucket/in/", "ContentType": "text/plain"},
        "OutputDataConfig": {"S3Uri": "s3://output-bucket/out/"},
        "DataAccessRoleArn": ROLE,
        "SourceLanguageCode": "en",
        "TargetLanguageCodes": ["fr"],
        **changes,
    }
    return str(client.start_text_translation_job(**request)["JobId"])


def listed(client: Any, **request: Any) -> list[str]:
    """The ids of all pages of a listing, in its order."""
    found: list[str] = []
    while True:
        page = client.list_text_translation_jobs(**request)
        found += [job["JobId"] for job in page["TextTranslationJobPropertiesList"]]
        if "NextToken" not in page:
            return found
        request["NextToken"] = page["NextToken"]
