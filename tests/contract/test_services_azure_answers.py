"""How ``services/azure.py`` takes answers that no recorded traffic has: gateways, odd errors, odd entries."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.services import API_VERSION, KEY_ENV, batch, portal
from translation_job_guard.errors import CredentialsUnusable, Denied, Rejected, ServiceError, Throttled, Transient
from translation_job_guard.services import azure

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")

Service = azure.AzureDocumentTranslation

READS: dict[str, Callable[[Service], object]] = {
    "list": lambda service: service.list_in_flight(),
    "look": lambda service: service.look([batch("one")]),
    "locate": lambda service: service.locate(batch("one")),
}


@pytest.fixture(autouse=True)
def _key(bare_environment: object, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - set after it
    monkeypatch.setenv(KEY_ENV, "key")


def connected(url: str) -> Service:
    return azure.connect(url, azure.Credentials(KEY_ENV), API_VERSION)


# Errors


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "PermissionDenied", Denied),
        (403, "PermissionDenied", Denied),
        (403, "Forbidden", Denied),
        (401, "401", CredentialsUnusable),
        (401, "InvalidSubscriptionKey", CredentialsUnusable),
        (400, "PermissionDenied", Rejected),
        (407, "ProxyAuthenticationRequired", Rejected),
        (408, "Timeout", Transient),
        (429, "429", Throttled),
        (499, "ClientClosedRequest", Rejected),
        (500, "InternalServerError", Transient),
        (599, "Odd", Transient),
    ],
)
def test_a_status_and_its_code_tell_what_to_do(status: int, code: str, error: type[ServiceError]) -> None:
    """Who has no role is told so with 403, at some places with 401 and a code of its own."""
    body = json.dumps({"error": {"code": code, "message": "Said by the service."}})
    with portal(body.encode(), "application/json", status=status) as url, pytest.raises(ServiceError) as caught:
        connected(url).list_in_flight()
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"list translations: {status}: ")


# Answers that cannot be read

UNREADABLE = {
    "no object": b"[]",
    "nothing": b"null",
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "entries that are a number": b'{"value": 5}',
    "an entry that is a number": b'{"value": [5]}',
    "an entry without an id": b'{"value": [{}]}',
    "a link that is a number": b'{"value": [], "nextLink": 5}',
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_answer_is_transient(body: bytes, operation: str) -> None:
    """A gateway gave it: it passes, and shows no batch gone."""
    with portal(body, "application/json") as url, pytest.raises(Transient, match=r"^list (translations|documents): "):
        READS[operation](connected(url))


@pytest.mark.parametrize("operation", ["list", "look"])
@pytest.mark.parametrize(
    "entry",
    [
        {"summary": 5},
        {"summary": {"total": "many"}},
        {"summary": {"totalCharacterCharged": "many"}},
        {"createdDateTimeUtc": "yesterday"},
        {"createdDateTimeUtc": 5},
        {"lastActionDateTimeUtc": "2026-01-01T00:00:00"},
        {"error": "odd"},
    ],
)
def test_an_unreadable_batch_is_transient(entry: dict[str, Any], operation: str) -> None:
    """An error of ours, not the one that reading it ends in."""
    body = json.dumps({"value": [{"id": "one", "status": "Running", **entry}]})
    with portal(body.encode(), "application/json") as url, pytest.raises(Transient, match="cannot be read"):
        READS[operation](connected(url))


@pytest.mark.parametrize("entry", [{"sourcePath": 5}, {"path": {"odd": 1}}])
def test_an_unreadable_document_is_transient(entry: dict[str, Any]) -> None:
    """As a batch."""
    body = json.dumps({"value": [{"id": "one", **entry}]})
    with portal(body.encode(), "application/json") as url, pytest.raises(Transient, match="cannot be read"):
        connected(url).locate(batch("one"))
