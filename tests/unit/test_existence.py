"""Who gets the operator's storage token: hosts of Azure's storage accounts, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from translation_job_guard.existence import MORE_BLOB_SUFFIXES, Existence, Prerequisites
from translation_job_guard.guard.arguments import read_connection
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, DocumentRow, Documents, Job, JobState
from translation_job_guard.services import Connection
from translation_job_guard.services.azure import cloud_of

PUBLIC = "https://name.cognitiveservices.azure.com/"
GOVERNMENT = "https://name.cognitiveservices.azure.us/"
CHINA = "https://name.cognitiveservices.azure.cn/"

_ALLOWED = [
    (PUBLIC, "https://store.blob.core.windows.net/docs"),
    (PUBLIC, "https://store.blob.core.windows.net:443/docs"),
    (PUBLIC, "https://STORE.blob.core.windows.net/docs"),
    (PUBLIC, "https://store-secondary.blob.core.windows.net/docs"),
    (PUBLIC, "https://store.privatelink.blob.core.windows.net/docs"),
    (PUBLIC, "https://store.z1.blob.storage.azure.net/docs"),
    (GOVERNMENT, "https://store.blob.core.usgovcloudapi.net/docs"),
    (CHINA, "https://store.blob.core.chinacloudapi.cn/docs"),
]
_REFUSED = [
    (PUBLIC, "https://evil.example/docs"),
    (PUBLIC, "https://store.blob.core.windows.net.evil.example/docs"),
    (PUBLIC, "https://evilblob.core.windows.net/docs"),
    (PUBLIC, "https://blob.core.windows.net/docs"),
    (PUBLIC, "https://evil.example.blob.core.windows.net/docs"),
    (PUBLIC, "https://store.blob.core.windows.net@evil.example/docs"),
    (PUBLIC, "https://user@store.blob.core.windows.net/docs"),
    (PUBLIC, "https://store.blob.core.windows.net:8443/docs"),
    (PUBLIC, "https://store.blob.core.usgovcloudapi.net/docs"),
    (PUBLIC, "https://evil.example#.blob.core.windows.net/docs"),
    (PUBLIC, "https://evil.example\\.blob.core.windows.net/docs"),
    (PUBLIC, "https://169.254.169.254/docs"),
    (PUBLIC, "https://127.0.0.1/docs"),
    (GOVERNMENT, "https://store.blob.core.windows.net/docs"),
    (GOVERNMENT, "https://store.z1.blob.storage.azure.net/docs"),
    (CHINA, "https://store.blob.core.windows.net/docs"),
]


def _at(endpoint: str) -> Connection:
    return read_connection(AZURE_DOCUMENT_TRANSLATION, {"endpoint": endpoint})


def _batch(url: str) -> Job:
    rows = (DocumentRow(f"{url}/a.txt", ended=True),)
    return Job(
        AZURE_DOCUMENT_TRANSLATION,
        "batch",
        JobState.RUNNING,
        "Running",
        locations=(f"{url}/a.txt",),
        rows=rows,
        documents=Documents(1),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the hosts that a client with a token was made for."""
    hosts: list[str] = []

    class Client:
        def __init__(self, base_url: str, **_: Any) -> None:
            hosts.append(base_url)

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None: ...

        def send_request(self, _request: Any) -> Any:
            return type("Response", (), {"status_code": 404})

    monkeypatch.setattr("azure.core.PipelineClient", Client)
    return hosts


@pytest.mark.parametrize(("endpoint", "url"), _ALLOWED)
def test_a_storage_account_of_the_endpoints_cloud_is_asked(endpoint: str, url: str, asked: list[str]) -> None:
    """With a token, so that 404 is an answer."""
    assert Prerequisites(_at(endpoint), "account").gone(_batch(url)) != []
    assert len(asked) == 1


@pytest.mark.parametrize(("endpoint", "url"), _REFUSED)
def test_no_other_host_gets_the_storage_token(endpoint: str, url: str, asked: list[str]) -> None:
    """Whoever submits a batch chooses its URLs; of such a host nothing is known."""
    prerequisites = Prerequisites(_at(endpoint), "account")
    assert prerequisites.gone(_batch(url)) == []
    assert asked == []
    assert set(prerequisites._known.values()) <= {Existence.UNKNOWN}


@pytest.mark.usefixtures("asked")
def test_the_storage_token_is_asked_for_as_the_services_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the endpoint's cloud, and by the transport that caps the waits which an identity service orders."""
    made: list[dict[str, Any]] = []
    monkeypatch.delenv("AZURE_AUTHORITY_HOST", raising=False)
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", lambda **options: made.append(options))
    endpoint, url = next(pair for pair in _ALLOWED if pair[0] == GOVERNMENT)
    Prerequisites(_at(endpoint), "account").gone(_batch(url))
    [options] = made
    assert options["authority"] == cloud_of(GOVERNMENT).authority
    assert type(options["transport"]).__name__ == "TokenTransport"


def test_the_suffixes_are_those_of_known_clouds() -> None:
    """The further suffixes belong to a cloud that there is."""
    suffixes = {cloud_of(endpoint).blob_suffix for endpoint in (PUBLIC, GOVERNMENT, CHINA)}
    assert set(MORE_BLOB_SUFFIXES) <= suffixes


@pytest.mark.usefixtures("asked")
def test_a_location_that_cannot_be_parsed_is_unknown() -> None:
    """It must not hide the batch's other locations, nor fail a sweep over everybody's batches."""
    batch = _batch("https://[x/c")
    prerequisites = Prerequisites(_at(PUBLIC), "account")
    assert prerequisites.gone(batch) == []
    good = "https://store.blob.core.windows.net/docs"
    assert prerequisites.gone(replace(batch, locations=("https://[x/c", f"{good}/a.txt"))) == [f"container {good}"]
