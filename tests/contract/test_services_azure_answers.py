"""How ``services/azure`` reads answers that no recorded traffic has: from gateways, with odd errors or odd entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.rest import HttpRequest

from tests.support.services import API_VERSION, KEY_ENV, azure_at, batch, portal
from translation_job_guard.errors import CredentialsUnusable, Denied, Rejected, ServiceError, Throttled, Transient
from translation_job_guard.jobs import DocumentRow, Documents, JobState
from translation_job_guard.services import azure
from translation_job_guard.services.azure.errors import Advice
from translation_job_guard.services.reading import Reads

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
    return azure_at(url)


# Errors


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "PermissionDenied", Denied),
        (403, "PermissionDenied", Denied),
        (403, "Forbidden", Denied),
        (401, "401", CredentialsUnusable),
        (401, "InvalidSubscriptionKey", CredentialsUnusable),
        (299, "Odd", Transient),
        (300, "Odd", Rejected),
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
    """Without the role the service answers 403, at some places 401 with a code of its own."""
    body = json.dumps({"error": {"code": code, "message": "Said by the service."}})
    with portal(body.encode(), "application/json", status=status) as url, pytest.raises(ServiceError) as caught:
        connected(url).list_in_flight()
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"list translations: {status}: ")


# Answers that cannot be read


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b"{", b'{"value": 5}', b'{"value": [{"id": ""}]}', b'{"value": [], "nextLink": "https://[odd/"}'],
)
def test_an_unreadable_list_of_documents_is_transient(body: bytes) -> None:
    """A gateway gave it: the documents stay unknown."""
    with portal(body, "application/json") as url, pytest.raises(Transient, match=r"^list documents: "):
        connected(url).locate(batch("one"))


@pytest.mark.parametrize("entry", [{"sourcePath": 5}, {"path": {"odd": 1}}])
def test_an_unreadable_document_is_transient(entry: dict[str, Any]) -> None:
    """As a batch."""
    body = json.dumps({"value": [{"id": "one", **entry}]})
    with portal(body.encode(), "application/json") as url, pytest.raises(Transient, match="cannot be read"):
        connected(url).locate(batch("one"))


# Pages, one after the other


class Client:
    """In the SDK's place: gives one body after the other, the last one for ever, and keeps what was asked for."""

    def __init__(self, *bodies: Mapping[str, Any]) -> None:
        self.bodies = list(bodies)
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []

    def send_request(self, request: HttpRequest) -> SimpleNamespace:
        url = urlsplit(request.url)
        self.paths.append(url.path)
        self.asked.append({name: value for name, [value] in parse_qs(url.query).items()})
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        return SimpleNamespace(status_code=200, json=lambda: body, headers={})

    @property
    def service(self) -> Service:
        return Service("https://name.invalid/", self, {}, Advice.of_resource(KEY_ENV, by_key=True), API_VERSION)


def page(*ids: str, more: bool = False, **entry: Any) -> dict[str, Any]:
    link = {"@nextLink": "https://elsewhere.invalid/"} if more else {}
    return {"value": [{"id": id_, "status": "Running", **entry} for id_ in ids], **link}


def test_a_link_gives_its_query_and_nothing_of_ours() -> None:
    """What is set anew for each request is not taken from it, in whatever spelling, nor is its host."""
    link = "https://elsewhere.invalid/other?$skip=50&$top=9&API-Version=1&orderBy=a b"
    client = Client({**page("1", sourcePath="https://s/c/a"), "@nextLink": link}, page("2", path="https://s/c/b"))
    located = client.service.locate(batch("one", 2))
    assert located.rows == (DocumentRow("https://s/c/a"), DocumentRow(None, "https://s/c/b"))
    assert located.locations == ("https://s/c/a", "https://s/c/b")
    first, second = client.asked
    assert first.keys() == {"api-version", "top"}
    assert {name: value for name, value in second.items() if name != "top"} == {
        "api-version": API_VERSION, "$skip": "50", "orderBy": "a b",
    }  # fmt: skip
    assert set(client.paths) == {"/document/batches/one/documents"}
    assert all(1_000_000 <= int(asked["top"]) < 1_001_000_000 for asked in client.asked)


def test_a_link_that_comes_back_later_ends_the_reading() -> None:
    """Not only one that points to its own page."""
    links = [{"value": [], "@nextLink": f"https://h/?skip={skip}"} for skip in (1, 2, 1)]
    client = Client(*links)
    with pytest.raises(Transient, match="pages of the answer repeat"):
        client.service.locate(batch("one"))
    assert len(client.asked) == 3


def test_a_look_goes_on_with_what_it_has_not_seen() -> None:
    """The next request asks for the rest only; a batch that nobody asked for is not an answer."""
    client = Client(page("two", "foreign", more=True), page("one"))
    looked = client.service.look([batch("one"), batch("two"), batch("gone")])
    assert {id_: job and job.state for id_, job in looked.items()} == {
        "one": JobState.RUNNING, "two": JobState.RUNNING, "gone": None,
    }  # fmt: skip
    assert [asked["ids"] for asked in client.asked] == ["one,two,gone", "one,gone"]


def test_a_look_ends_with_a_page_that_shows_nothing_new() -> None:
    """Whatever its link says."""
    client = Client(page("foreign", more=True))
    assert client.service.look([batch("one")]) == {"one": None}
    assert len(client.asked) == 1


def test_a_listing_asks_for_every_time_to_the_nanosecond() -> None:
    """Another moment each time: before the service began, or just before what was seen last."""
    client = Client(page())
    for _ in range(300):
        client.service.list_in_flight()
    starts = {asked["createdDateTimeUtcStart"] for asked in client.asked}
    assert len(starts) == 300
    assert all(start.startswith("2019-") and len(start) == len("2019-01-01T00:00:00.123456789Z") for start in starts)
    assert len({start[5:7] for start in starts}) == 12, "all over the year"
    assert {start[-1] for start in starts} == {"Z"}
    assert all("skip" not in asked and asked["orderby"] == "createdDateTimeUtc asc" for asked in client.asked)


def test_the_next_page_begins_a_second_before_the_last_batch() -> None:
    """So that no batch of the same moment is missed, however exact the filter is."""
    began = datetime(2026, 1, 1, tzinfo=timezone.utc)
    times = [began + timedelta(seconds=10 * number) for number in range(4)]
    first = {
        "value": [{"id": str(at), "status": "Running", "createdDateTimeUtc": at.isoformat()} for at in times],
        "@nextLink": "https://h/?skip=4",
    }
    for _ in range(100):
        client = Client(first, page("last"))
        assert len(client.service.list_in_flight()) == 5
        start = datetime.fromisoformat(client.asked[1]["createdDateTimeUtcStart"][:26] + "+00:00")
        assert timedelta(0) < times[-1] - timedelta(seconds=1) - start <= timedelta(milliseconds=10)
        assert "skip" not in client.asked[1]


@pytest.mark.parametrize(("count", "skips"), [(2, [0, 1, 2]), (4, [0, 2, 4]), (5, [0, 3, 6])])
def test_where_time_tells_nothing_pages_overlap_by_half(count: int, skips: list[int]) -> None:
    """So each begins with a batch that the one before has shown, unless half a page has ended."""
    pages = [page(*map(str, range(skip, skip + count)), more=skip != skips[-1]) for skip in skips]
    client = Client(*pages)
    assert len(client.service.list_in_flight()) == skips[-1] + count
    assert [int(asked.get("skip", 0)) for asked in client.asked] == skips


def test_a_page_that_begins_with_an_unknown_batch_restarts() -> None:
    """Also an empty one: more than half a page has ended meanwhile."""
    client = Client(page("0", "1", more=True), page("8", more=True), page("1", "2", more=True), page(), page("3"))
    assert len(client.service.list_in_flight()) == 5
    assert [int(asked.get("skip", 0)) for asked in client.asked] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("seconds", "by_time"),
    [([0, 0, 2], True), ([0, 1, 2], False), ([0, 0.5, 2], True), ([0, 2, 1], False), ([0, 0, 0], False)],
)
def test_time_bounds_the_next_page_only_where_it_moves_on(seconds: list[float], by_time: bool) -> None:
    """By more than the second that it goes back, from the middle of a sorted page on."""
    began = datetime(2026, 1, 1, tzinfo=timezone.utc)
    times = [began + timedelta(seconds=after) for after in seconds]
    entries = [
        {"id": str(number), "status": "Running", "createdDateTimeUtc": at.isoformat()}
        for number, at in enumerate(times)
    ]
    client = Client({"value": entries, "@nextLink": "https://h/?skip=3"}, page("2"))
    client.service.list_in_flight()
    assert ("skip" not in client.asked[1]) is by_time
    assert client.asked[1]["createdDateTimeUtcStart"].startswith("20" + ("26" if by_time else "19"))
    if not by_time:
        assert client.asked[1]["skip"] == "2"


def test_a_listing_gives_up_after_twenty_fruitless_pages() -> None:
    """Or after twenty times that it had to go back."""
    client = Client(page("one", more=True))
    with pytest.raises(Transient, match="the pages repeat") as caught:
        client.service.list_in_flight()
    assert caught.value.operation == "list translations"
    assert len(client.asked) == 1 + 21


# What is read of a batch


def test_every_count_of_a_batch_has_its_place() -> None:
    """And what it says of its end."""
    counts = {"total": 21, "success": 1, "failed": 2, "inProgress": 3, "notYetStarted": 4, "cancelled": 5}
    client = Client(
        page(
            "one",
            summary={**counts, "totalCharacterCharged": 600},
            createdDateTimeUtc="2026-01-01T00:00:00Z",
            lastActionDateTimeUtc="2026-01-01T00:01:00.1234567Z",
            error={"code": "Odd", "message": "Said."},
        )
    )
    [job] = client.service.list_in_flight()
    assert job.documents == Documents(21, succeeded=1, failed=2, in_progress=3, not_started=4, stopped=5)
    assert (job.characters_charged, job.message, job.service_state) == (600, "Said.", "Running")
    assert job.submitted_at == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert job.changed_at == datetime(2026, 1, 1, 0, 1, 0, 123456, tzinfo=timezone.utc)
    assert job.ended_at is None
    ended = Client(page("one", status="Succeeded", lastActionDateTimeUtc="2026-01-01T00:01:00Z"))
    found = ended.service.look([batch("one")])["one"]
    assert found is not None
    assert found.ended_at == found.changed_at == datetime(2026, 1, 1, 0, 1, tzinfo=timezone.utc)
    assert ended.service.list_in_flight() == []


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("NotStarted", False),
        ("Running", False),
        ("Succeeded", True),
        ("Failed", True),
        ("Cancelled", True),
        ("", False),
    ],
)
def test_a_document_that_has_ended_says_so(status: str, ended: bool) -> None:
    """A target that it does not tell stays missing."""
    client = Client(page("1", status=status, sourcePath="https://s/c/a"))
    assert client.service.locate(batch("one")).rows == (DocumentRow("https://s/c/a", None, ended=ended),)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("https://s.blob.example:443/c/a", "https://s.blob.example/c/a"),
        ("https://s.blob.example:443", "https://s.blob.example"),
        ("https://s.blob.example:443?x", "https://s.blob.example?x"),
        ("https://s.blob.example:4430/c/a", "https://s.blob.example:4430/c/a"),
        ("http://s.blob.example:443/c/a", "http://s.blob.example:443/c/a"),
        ("https://s.blob.example/c/a:443/b", "https://s.blob.example/c/a:443/b"),
        ("", None),
    ],
)
def test_the_default_port_of_a_document_is_left_out(told: str, shown: str | None) -> None:
    """The service writes it out (recorded traffic), people do not."""
    client = Client(page("1", sourcePath=told, path=told))
    [row] = client.service.locate(batch("one")).rows
    assert (row.source, row.target) == (shown, shown)


def test_what_a_gateway_says_is_cut_to_one_short_line() -> None:
    """Its page may be long; 2,000 characters hold the longest reason of the services."""
    body = json.dumps({"error": {"code": "Odd", "message": "two\n lines " + "x" * 4_000 + "."}})
    with portal(body.encode(), "application/json", status=400) as url, pytest.raises(Rejected) as caught:
        connected(url).list_in_flight()
    said = str(caught.value).removeprefix("list translations: 400: ")
    assert said.startswith("two lines xxx")
    assert len(said) == 2_000 + len(".")


@pytest.mark.parametrize("entry", [{"status": None}, {"status": ""}, {}])
def test_a_batch_without_a_state_is_taken_for_a_running_one(entry: dict[str, Any]) -> None:
    """And no word is made up for it."""
    [job] = Client({"value": [{"id": "one", **entry}]}).service.list_in_flight()
    assert (job.state, job.service_state) == (JobState.RUNNING, "")


# Whose turn it is


@pytest.mark.parametrize(
    ("operation", "turns"),
    [
        (lambda service, reads: service.list_in_flight(reads), 1),
        (lambda service, reads: service.locate(batch("one"), reads), 1),
        (lambda service, reads: service.look([batch(str(number)) for number in range(81)], reads), 3),
        (lambda service, reads: service.prove(reads), 2),
        (lambda service, reads: service.account(reads), 0),
    ],
)
def test_every_read_waits_for_its_turn(operation: Callable[[Service, Reads], object], turns: int) -> None:
    """The pace and the deadline of a teardown hold for each of its requests."""

    given: list[None] = []

    class Counting(Reads):
        def turn(self) -> None:
            given.append(None)

    body = json.dumps(page())
    with portal(body.encode(), "application/json") as url:
        operation(connected(url), Counting())
    assert len(given) == turns


def test_an_error_without_a_body_still_says_what_happened() -> None:
    """In azure-core's words."""
    with portal(b"", "text/plain", status=400) as url, pytest.raises(Rejected, match="400: Operation returned"):
        connected(url).list_in_flight()
