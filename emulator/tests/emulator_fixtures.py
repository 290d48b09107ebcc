"""The emulator as fixtures: one server for a test run, as new for each test.

A conftest imports all of the fixtures, since one finds by name what it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from azure.ai.translation.document import DocumentTranslationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.rest import HttpRequest
from botocore.config import Config

from shapes import faults_of
from translation_job_emulator import Emulator

OF_EVERY_SERVICE = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "ServiceUnavailableException",
    "ThrottlingException",
    "ValidationException",
}
"""Errors that AWS services give without declaring them."""

REGION = "eu-west-1"
SOURCE = "https://storage.blob.core.windows.net/source"
TARGET = "https://storage.blob.core.windows.net/target"
ROLE = "arn:aws:iam::123456789012:role/translate"

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "translate.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)

ACCESS = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})


@pytest.fixture(scope="session")
def real_server() -> Iterator[Emulator]:
    with Emulator(clock="real", stop_latency=0.05) as server:
        yield server


@pytest.fixture(scope="session")
def stepped_server() -> Iterator[Emulator]:
    with Emulator(clock="stepped", stop_latency=2, start_latency=0, run_time=600) as server:
        yield server


@pytest.fixture
def emulator(real_server: Emulator) -> Emulator:
    """Return an emulator with a real clock; stops take 50 ms."""
    real_server.control.reset()
    return real_server


@pytest.fixture
def stepped(stepped_server: Emulator) -> Emulator:
    """Return an emulator whose clock stands still until `control.advance`; stops take 2 s, jobs 600."""
    stepped_server.control.reset()
    return stepped_server


@pytest.fixture
def uncached(stepped: Emulator) -> Emulator:
    """Return `stepped` without Azure's cache; its batches are listed and started at once."""
    stepped.control.settings(azure_cache_seconds=0, azure_read_lag=0, azure_start_latency=0)
    return stepped


@pytest.fixture
def s3(stepped: Emulator) -> Any:
    """Make an S3 client, with the buckets that `start` uses and two documents to translate."""
    client = aws(stepped, "s3")
    for bucket in ("input-bucket", "output-bucket"):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in ("in/a.txt", "in/b.txt", "elsewhere/c.txt"):
        client.put_object(Bucket="input-bucket", Key=name, Body=b"text")
    return client


@pytest.fixture
def iam(stepped: Emulator) -> Any:
    """Make an IAM client, with the role that `start` uses."""
    client = aws(stepped, "iam")
    client.create_role(RoleName="translate", AssumeRolePolicyDocument=TRUST)
    return client


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
    """Make a real boto3 client that checks the answers; `attempts` counts the first one."""
    client = boto3.client(  # type: ignore[call-overload, unused-ignore]
        service,
        region_name=region,
        endpoint_url=emulator.url,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        aws_session_token=session_token,
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, **config),
    )
    if service == "translate":
        client.meta.events.register("after-call.translate", _check_answer)
    return client


def _check_answer(http_response: Any, model: Any, **_: Any) -> None:
    body = json.loads(http_response.content)
    if http_response.status_code == 200:
        assert list(faults_of(model.output_shape, body)) == []
        return
    declared = {shape.name: shape for shape in model.error_shapes}
    assert body["__type"] in declared.keys() | OF_EVERY_SERVICE
    if body["__type"] in declared:
        message = {name: value for name, value in body.items() if name != "__type"}
        assert list(faults_of(declared[body["__type"]], message)) == []


def azure(
    emulator: Emulator, resource: str = "translator", key: str = "emulator-key", **options: Any
) -> DocumentTranslationClient:
    """Make a real SDK client; it retries only if `retry_total` says so."""
    options = {"retry_total": 0, **options}
    return DocumentTranslationClient(emulator.azure_endpoint(resource), AzureKeyCredential(key), **options)


def start(client: Any, **changes: Any) -> str:
    """Start an Amazon Translate job, and return its ID."""
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


def submit(
    client: DocumentTranslationClient, source: str = SOURCE, target: str = TARGET, inputs: list[Any] | None = None
) -> str:
    """Submit a batch, and return its ID.

    Not by `begin_translation`: that starts a thread that goes on asking for the status, and does so even if it is
    told not to (with `polling=False` it raises a TypeError).
    """
    batch = {"source": {"sourceUrl": source}, "targets": [{"targetUrl": target, "language": "fr"}]}
    query = "api-version=2024-05-01"
    request = HttpRequest("POST", f"/document/batches?{query}", json={"inputs": inputs or [batch]})
    answer = client.send_request(request)
    answer.raise_for_status()
    return str(answer.headers["Operation-Location"].partition("/batches/")[2].partition("?")[0])


def listed(client: Any, **request: Any) -> list[str]:
    """Return the IDs on all pages of a listing, in its order."""
    found: list[str] = []
    while True:
        page = client.list_text_translation_jobs(**request)
        found += [job["JobId"] for job in page["TextTranslationJobPropertiesList"]]
        if "NextToken" not in page:
            return found
        request["NextToken"] = page["NextToken"]
