"""What recorded traffic of Azure Document Translation shows, as the emulator has it by default.

Through plain HTTP, since the SDK hides headers. Each point is broken on purpose in `test_fidelity`.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator_fixtures import SOURCE, TARGET
from test_azure import OLD, batch, on_wire, wire
from translation_job_emulator import Emulator

VERSION = "api-version=2024-05-01"
LIST = f"batches?{VERSION}"
ZEROS = {
    "total": 0,
    "failed": 0,
    "success": 0,
    "inProgress": 0,
    "notYetStarted": 0,
    "cancelled": 0,
    "totalCharacterCharged": 0,
}


def post(emulator: Emulator) -> str:
    return str(wire(emulator, "POST", LIST, batch())[2]["id"])


def get(emulator: Emulator, batch_id: str) -> Any:
    return wire(emulator, "GET", f"batches/{batch_id}?{VERSION}")[2]


def documents(emulator: Emulator, batch_id: str, query: str = "") -> list[Any]:
    return list(wire(emulator, "GET", f"batches/{batch_id}/documents?{VERSION}{query}")[2]["value"])


def seed(emulator: Emulator, **entry: Any) -> str:
    return emulator.control.add_jobs([{"resource": "translator", "source": SOURCE, "target": TARGET, **entry}])[0]


# The cache


def test_gets_are_answered_from_a_cache_for_a_minute(stepped: Emulator) -> None:
    """One entry for each node: what a URL was answered with first is served up to Age 59, then it is fresh again."""
    stepped.control.settings(azure_cache_nodes=1)
    one = seed(stepped)
    for url in (LIST, f"batches/{one}?{VERSION}", f"batches/{one}/documents?{VERSION}"):
        _, fresh, first = wire(stepped, "GET", url)
        stepped.control.set_job(one, state="Succeeded")
        ages = []
        for seconds in (0, 7, 52):
            stepped.control.advance(seconds)
            _, headers, body = wire(stepped, "GET", url)
            assert body == first
            assert (headers["etag"], headers["x-requestid"]) == (fresh["etag"], fresh["x-requestid"])
            ages.append(headers["age"])
        assert ("age" in fresh, ages) == (False, ["0", "7", "59"])
        stepped.control.advance(1)
        _, headers, body = wire(stepped, "GET", url)
        assert "age" not in headers
        assert body != first
        stepped.control.set_job(one, state="Running")


def test_states_go_backwards_between_the_caches_nodes(stepped: Emulator) -> None:
    """Requests reach several nodes in turn, each with what it has seen."""
    one = seed(stepped, state="NotStarted", submitted=stepped.control.now() + 1)
    shown = []
    for state in ("NotStarted", "Running", "Succeeded"):
        stepped.control.set_job(one, state=state)
        shown.append(get(stepped, one)["status"])
    assert shown == ["NotStarted", "Running", "Succeeded"]
    assert [get(stepped, one)["status"] for _ in range(6)] == shown * 2


def test_the_cache_is_of_whoever_asks(stepped: Emulator) -> None:
    """By URL, with every parameter, and by nothing else: a key gets the answer of a token. No key gets none."""
    stepped.control.settings(azure_cache_nodes=1)
    wire(stepped, "GET", LIST)
    others = {"Authorization": "Bearer of-somebody", "Accept": "text/plain", "x-ms-client-request-id": "another"}
    assert wire(stepped, "GET", LIST, **others, **{"Cache-Control": "no-cache"})[1]["age"] == "0"
    assert wire(stepped, "GET", LIST, **{"Ocp-Apim-Subscription-Key": "invalid"})[0] == 401
    for other in ("&top=1000001", "&createdDateTimeUtcStart=2023-01-01T00:00:00.000001Z"):
        assert "age" not in wire(stepped, "GET", LIST + other)[1]
        assert wire(stepped, "GET", LIST + other)[1]["age"] == "0"


def test_a_cancel_does_not_empty_the_cache(stepped: Emulator) -> None:
    """Recorded: NotStarted 10 s after the DELETE, from the cache."""
    stepped.control.settings(azure_cache_nodes=1)
    one = post(stepped)
    assert get(stepped, one)["status"] == "NotStarted"
    assert wire(stepped, "DELETE", f"batches/{one}?{VERSION}")[2]["status"] == "Cancelling"
    stepped.control.advance(10)
    assert get(stepped, one)["status"] == "NotStarted"
    assert stepped.control.job(one)["state"] == "Cancelled"
    assert wire(stepped, "GET", f"{LIST}&ids={one}")[2]["value"][0]["status"] == "Cancelled"


def test_only_good_answers_are_kept(stepped: Emulator) -> None:
    """What was not found, or failed, is asked for again."""
    stepped.control.settings(azure_cache_nodes=1)
    unknown = "00000000-0000-0000-0000-000000000000"
    assert wire(stepped, "GET", f"batches/{unknown}?{VERSION}")[0] == 404
    seed(stepped, id=unknown)
    assert "age" not in wire(stepped, "GET", f"batches/{unknown}?{VERSION}")[1]
    stepped.control.fault("GetTranslationsStatus", "error", times=1)
    assert wire(stepped, "GET", LIST)[0] == 500
    assert "age" not in wire(stepped, "GET", LIST)[1]


def test_the_log_says_what_came_from_the_cache(stepped: Emulator) -> None:
    """So that a test can tell what a client could know."""
    stepped.control.settings(azure_cache_nodes=1)
    wire(stepped, "GET", LIST)
    stepped.control.advance(3)
    wire(stepped, "GET", LIST)
    stepped.control.settings(azure_cache_seconds=0)
    wire(stepped, "GET", LIST)
    assert [call["age"] for call in stepped.control.requests()] == [None, 3, None]


def test_a_reset_empties_the_cache(stepped: Emulator) -> None:
    """What was there before a reset is not seen after it."""
    seed(stepped)
    for _ in range(3):
        wire(stepped, "GET", LIST)
    stepped.control.reset()
    for _ in range(3):
        assert wire(stepped, "GET", LIST)[2] == {"value": []}


def test_nodes_may_be_reached_at_random(stepped: Emulator) -> None:
    """With a fixed seed: the same after each reset, and not in turn."""
    runs = []
    for _ in range(2):
        stepped.control.reset()
        stepped.control.settings(azure_cache_route="random", azure_cache_nodes=4)
        for _ in range(12):
            wire(stepped, "GET", LIST)
        runs.append([call["age"] for call in stepped.control.requests()])
    assert runs[0] == runs[1]
    assert runs[0] != [None] * 4 + [0] * 8


# Reads behind writes


def test_a_fresh_answer_may_be_behind_a_cancel(stepped: Emulator) -> None:
    """Recorded: NotStarted, total 0, without an Age, within half a second after the DELETE; other times not."""
    one = post(stepped)
    stepped.control.advance(0.4)
    wire(stepped, "DELETE", f"batches/{one}?{VERSION}")
    _, headers, body = wire(stepped, "GET", f"batches/{one}?{VERSION}")
    assert "age" not in headers
    assert (body["status"], body["summary"]) == ("NotStarted", ZEROS)
    assert body["lastActionDateTimeUtc"] == body["createdDateTimeUtc"]
    running = wire(stepped, "GET", f"{LIST}&statuses=NotStarted,Running")[2]["value"]
    assert [(entry["id"], entry["status"]) for entry in running] == [(one, "NotStarted")]
    assert wire(stepped, "GET", f"{LIST}&statuses=Cancelling")[2]["value"] == []
    stepped.control.advance(0.3)
    assert wire(stepped, "GET", f"{LIST}&statuses=Cancelling")[1].get("age") is None
    assert [get(stepped, one)["status"] for _ in range(2)] == ["Cancelling", "Cancelling"]


def test_a_listing_may_be_behind_a_submission(stepped: Emulator) -> None:
    """For a moment, without an Age. The batch itself can be read at once."""
    one = post(stepped)
    assert get(stepped, one)["id"] == one
    _, headers, body = wire(stepped, "GET", LIST)
    assert ("age" in headers, body) == (False, {"value": []})
    stepped.control.advance(0.3)
    assert [entry["id"] for entry in wire(stepped, "GET", f"{LIST}&top=1")[2]["value"]] == [one]


# Pages


def test_pages_link_as_recorded(uncached: Emulator) -> None:
    """`@nextLink`: absolute, skip, what is left, 50, then what was asked for, with a raw space, the version last."""
    ids = uncached.control.add_jobs([{"resource": "translator", "submitted": OLD + n} for n in range(120)])
    own = f"{uncached.azure_endpoint('translator')}/translator/document/batches"
    _, _, first = wire(uncached, "GET", f"{LIST}&orderby=createdDateTimeUtc%20asc")
    asked = f"orderBy=createdDateTimeUtc asc&{VERSION}"
    assert first["@nextLink"] == f"{own}?skip=50&top=70&maxpagesize=50&{asked}"
    assert "nextLink" not in first
    pages = [first]
    while "@nextLink" in pages[-1]:
        pages.append(follow(uncached, pages[-1]["@nextLink"]))
    assert pages[1]["@nextLink"] == f"{own}?skip=100&top=20&maxpagesize=50&{asked}"
    assert [entry["id"] for page in pages for entry in page["value"]] == ids


def test_a_link_keeps_the_filter_and_counts_by_it(uncached: Emulator) -> None:
    """Recorded with statuses; dates are written as they were asked for."""
    entry = {"resource": "translator", "submitted": OLD}
    uncached.control.add_jobs([{**entry, "state": state} for state in ["Cancelled"] * 62 + ["Running"] * 9])
    since = "createdDateTimeUtcStart=2023-11-14T22:13:20.0000000Z"
    _, _, body = wire(uncached, "GET", f"{LIST}&statuses=Cancelled,Cancelling&{since}")
    _, _, query = body["@nextLink"].partition("?")
    assert query == f"skip=50&top=12&maxpagesize=50&statuses=Cancelled,Cancelling&{since}&{VERSION}"


def test_documents_have_pages_too(uncached: Emulator) -> None:
    """The same links, to the end."""
    one = seed(uncached, documents=130)
    _, _, page = wire(uncached, "GET", f"batches/{one}/documents?{VERSION}")
    shown = [len(page["value"])]
    assert f"/batches/{one}/documents?skip=50&top=80&maxpagesize=50&{VERSION}" in page["@nextLink"]
    while "@nextLink" in page:
        page = follow(uncached, page["@nextLink"])
        shown.append(len(page["value"]))
    assert shown == [50, 50, 30]


def follow(emulator: Emulator, link: str) -> Any:
    """Return what a link leads to; urllib accepts no raw spaces."""
    return wire(emulator, "GET", link.partition("/translator/document/")[2].replace(" ", "%20"))[2]


# Documents


def test_rows_come_one_by_one_from_the_start_on(uncached: Emulator) -> None:
    """Not when the documents are counted. Newest first, each with a time of its own, and ids that count up."""
    uncached.control.settings(azure_start_latency=2)
    began = uncached.control.now()
    one = post(uncached)
    seen = []
    for seconds in (1, 1, 0.3, 0.3, 0.3):
        uncached.control.advance(seconds)
        seen.append((get(uncached, one)["summary"]["total"], len(documents(uncached, one))))
    assert seen == [(3, 0), (3, 1), (3, 2), (3, 3), (3, 3)]
    rows = documents(uncached, one)
    assert [row["sourcePath"][-5:] for row in rows] == ["2.txt", "1.txt", "0.txt"]
    assert [row["id"] for row in rows] == [f"010a04e{n}-0000-0000-0000-000000000000" for n in (3, 2, 1)]
    assert len({row["createdDateTimeUtc"] for row in rows} | {get(uncached, one)["createdDateTimeUtc"]}) == 4
    assert uncached.control.job(one)["started"] == began + 2


def test_urls_have_their_port_and_no_signature(uncached: Emulator) -> None:
    """`:443` in sourcePath and path."""
    signed = batch(f"{SOURCE}?sig=secret", f"{TARGET}?sig=secret")
    one = wire(uncached, "POST", LIST, signed)[2]["id"]
    uncached.control.advance(1)
    row = documents(uncached, one)[-1]
    assert row["sourcePath"] == on_wire(f"{SOURCE}/document-0.txt")
    assert row["path"] == on_wire(f"{TARGET}/document-0.txt")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("always", {"Running", "Failed", "Succeeded"}),
        ("unless-failed", {"Running", "Succeeded"}),
        ("succeeded", {"Succeeded"}),
    ],
)
def test_which_documents_tell_their_target_is_a_setting(uncached: Emulator, setting: str, told: set[str]) -> None:
    """A failed one never does, as recorded; of others nothing is known before they have succeeded."""
    uncached.control.settings(azure_document_path=setting)
    ids = [seed(uncached, state=state) for state in ("Running", "Failed", "Succeeded")]
    rows = [row for one in ids for row in documents(uncached, one)]
    assert {row["status"] for row in rows if "path" in row} == told


def test_a_failed_document_tells_no_target(uncached: Emulator) -> None:
    """By default; it tells its source and why it failed, and is not charged."""
    row = documents(uncached, seed(uncached, state="Failed", documents=1))[0]
    assert "path" not in row
    assert row["sourcePath"] == on_wire(f"{SOURCE}/document-0.txt")
    assert (row["error"]["target"], row["error"]["innerError"]["code"]) == ("Document", "NoTranslatableText")
    assert row["characterCharged"] == 0


def test_a_document_that_failed_at_validation_has_no_time(uncached: Emulator) -> None:
    """It is listed last, and counted as failed while the others run; the batch succeeds."""
    one = seed(uncached, documents=2, invalid=1, run_time=10)
    assert (get(uncached, one)["summary"]["failed"], get(uncached, one)["summary"]["inProgress"]) == (1, 1)
    valid, invalid = documents(uncached, one)
    assert "createdDateTimeUtc" in valid
    assert invalid.keys().isdisjoint({"createdDateTimeUtc", "path"})
    assert invalid["error"]["innerError"]["code"] == "TargetFileAlreadyExists"
    uncached.control.advance(10)
    ended = get(uncached, one)
    assert (ended["status"], ended["summary"]["failed"], ended["summary"]["success"]) == ("Succeeded", 1, 1)


def test_seeded_rows_come_at_once_or_one_by_one(uncached: Emulator) -> None:
    """At once unless `first_row` or `row_interval` says otherwise; thousands cost nothing."""
    now = uncached.control.now()
    at_once = seed(uncached, documents=5_000)
    later = seed(uncached, documents=4, first_row=now + 5, row_interval=10)
    never = seed(uncached, documents=4, first_row=now + 1e9)
    shown = []
    for seconds in (0, 5, 10):
        uncached.control.advance(seconds)
        shown.append([len(documents(uncached, one, "&maxpagesize=50")) for one in (at_once, later, never)])
    assert shown == [[50, 0, 0], [50, 1, 0], [50, 2, 0]]


# States


def test_a_batchs_course_is_as_recorded(uncached: Emulator) -> None:
    """Total 0, then counted, then all in progress at once and nothing charged, then all done and charged."""
    uncached.control.settings(azure_start_latency=2, run_time=8)
    one = post(uncached)
    course = [get(uncached, one)]
    for seconds in (0.5, 1.5, 1, 7):
        uncached.control.advance(seconds)
        course.append(get(uncached, one))
    assert [(shown["status"], shown["summary"]) for shown in course] == [
        ("NotStarted", ZEROS),
        ("NotStarted", {**ZEROS, "total": 3, "notYetStarted": 3}),
        ("Running", {**ZEROS, "total": 3, "inProgress": 3}),
        ("Running", {**ZEROS, "total": 3, "inProgress": 3}),
        ("Succeeded", {**ZEROS, "total": 3, "success": 3, "totalCharacterCharged": 3000}),
    ]
    moved = [shown["lastActionDateTimeUtc"] for shown in course]
    assert moved == sorted(set(moved))


def test_a_cancelled_batch_keeps_what_was_done(uncached: Emulator) -> None:
    """Those documents are charged; the others are cancelled."""
    one = seed(uncached, documents=8, run_time=80)
    uncached.control.advance(55)
    wire(uncached, "DELETE", f"batches/{one}?{VERSION}")
    assert get(uncached, one)["summary"] == {**ZEROS, "total": 8, "success": 5, "inProgress": 3}
    uncached.control.advance(2)
    ended = {**ZEROS, "total": 8, "success": 5, "cancelled": 3, "totalCharacterCharged": 5000}
    assert (get(uncached, one)["status"], get(uncached, one)["summary"]) == ("Cancelled", ended)


@pytest.mark.parametrize(
    ("gone", "before", "after", "code"),
    [
        (SOURCE, 0.2, 0.3, "InvalidDocumentAccessLevel"),
        (TARGET, 25, 28, "InvalidTargetDocumentAccessLevel"),
    ],
)
def test_validation_fails_as_recorded(uncached: Emulator, gone: str, before: float, after: float, code: str) -> None:
    """A source at once, a target after 25 to 28 s; not counted before, all zero then, and without documents."""
    uncached.control.put_azure_container(gone)
    uncached.control.delete_azure_container(gone)
    one, waits = post(uncached), seed(uncached, state="NotStarted", source=f"{SOURCE}-2", target=f"{TARGET}-2")
    uncached.control.advance(before)
    assert (get(uncached, one)["status"], get(uncached, one)["summary"]) == ("NotStarted", ZEROS)
    assert get(uncached, waits)["status"] == "Running"
    uncached.control.advance(after - before)
    shown = get(uncached, one)
    assert (shown["status"], shown["summary"]) == ("ValidationFailed", ZEROS)
    assert (shown["error"]["code"], shown["error"]["target"]) == ("InvalidRequest", "Operation")
    assert shown["error"]["innerError"]["code"] == code
    assert documents(uncached, one) == []


def test_unsupported_files_are_not_counted(uncached: Emulator) -> None:
    """One of two files: total 1."""
    inputs = [
        {
            "source": {"sourceUrl": f"{SOURCE}/{name}"},
            "targets": [{"targetUrl": f"{TARGET}/{name}", "language": "fr"}],
            "storageType": "File",
        }
        for name in ("a.txt", "b.jpg")
    ]
    one = wire(uncached, "POST", LIST, {"inputs": inputs})[2]["id"]
    uncached.control.advance(1)
    assert get(uncached, one)["summary"]["total"] == 1
    assert [row["sourcePath"] for row in documents(uncached, one)] == [on_wire(f"{SOURCE}/a.txt")]


@pytest.mark.parametrize(("setting", "total"), [("empty", 0), ("counted", 3)])
def test_the_answer_to_a_cancel_may_have_counted(uncached: Emulator, setting: str, total: int) -> None:
    """Both are recorded."""
    uncached.control.settings(azure_cancel_summary=setting)
    _, _, body = wire(uncached, "DELETE", f"batches/{seed(uncached)}?{VERSION}")
    assert (body["status"], body["summary"]["total"]) == ("Cancelling", total)


def test_what_a_late_cancel_does_is_a_setting(uncached: Emulator) -> None:
    """Nobody has recorded it: an error, or the batch as it is."""
    ids = [seed(uncached, state=state) for state in ("Cancelling", "Succeeded")]
    asked = [f"batches/{one}?{VERSION}" for one in ids]
    assert [wire(uncached, "DELETE", url)[0] for url in asked] == [400, 400]
    uncached.control.settings(azure_cancel_ended="answer")
    answers = [wire(uncached, "DELETE", url) for url in asked]
    assert [(status, body["status"]) for status, _, body in answers] == [(200, "Cancelling"), (200, "Succeeded")]


# Headers and errors


def test_headers_are_as_recorded(uncached: Emulator) -> None:
    """Request ids everywhere; GETs have an ETag, and like the answer to a cancel `Retry-After: 1`."""
    one = seed(uncached)
    for url in (LIST, f"batches/{one}?{VERSION}", f"batches/{one}/documents?{VERSION}"):
        _, headers, _ = wire(uncached, "GET", url)
        assert (headers["cache-control"], headers["retry-after"]) == ("public, max-age=1", "1")
        assert re.fullmatch('"[0-9A-F]+"', headers["etag"])
        assert {"apim-request-id", "x-requestid"} <= headers.keys()
    _, posted, _ = wire(uncached, "POST", LIST, batch())
    assert "apim-request-id" in posted
    assert posted.keys().isdisjoint({"retry-after", "etag", "cache-control"})
    _, cancelled, _ = wire(uncached, "DELETE", f"batches/{one}?{VERSION}")
    assert (cancelled["retry-after"], "etag" in cancelled) == ("1", False)


def test_too_many_gets_are_throttled_as_recorded(stepped: Emulator) -> None:
    """As a setting: all GETs of a resource count, cached or not; code "429", a policy, and no Retry-After."""
    stepped.control.settings(azure_get_rate=11)
    one = seed(stepped)
    asked = [LIST, f"batches/{one}?{VERSION}", f"batches/{one}/documents?{VERSION}"] * 4
    answers = [wire(stepped, "GET", url) for url in asked]
    assert [status for status, _, _ in answers] == [200] * 11 + [429]
    _, headers, body = answers[-1]
    assert (body["error"]["code"], "innerError" in body["error"]) == ("429", False)
    assert (headers["policy-id"], headers["content-type"]) == ("ResourceRateLimitBy1s", "application/json")
    assert "retry-after" not in headers
    assert wire(stepped, "DELETE", f"batches/{one}?{VERSION}")[0] == 200
    stepped.control.advance(1)
    assert wire(stepped, "GET", LIST)[0] == 200


def test_an_id_that_is_no_guid_is_answered_without_a_body(uncached: Emulator) -> None:
    """Recorded for a document's id; assumed for a batch's."""
    one = seed(uncached)
    for path in (f"batches/{one}/documents/Foo%20Bar", "batches/foo"):
        status, headers, body = wire(uncached, "GET", f"{path}?{VERSION}")
        assert (status, headers["content-length"], body) == (404, "0", None)
    unknown = "00000000-0000-0000-0000-000000000000"
    assert wire(uncached, "GET", f"batches/{unknown}?{VERSION}")[2]["error"]["code"] == "ResourceNotFound"


def test_an_invalid_key_has_a_short_answer(uncached: Emulator) -> None:
    """Code and message; no target, no inner error, no charset."""
    status, headers, body = wire(uncached, "GET", LIST, **{"Ocp-Apim-Subscription-Key": "no"})
    assert (status, body["error"].keys()) == (401, {"code", "message"})
    assert headers["content-type"] == "application/json"
    assert "www-authenticate" not in headers


def test_times_have_no_zeros_at_their_end(uncached: Emulator) -> None:
    """Up to seven digits of a second, as .NET writes them."""
    for submitted, written in ((OLD, "20Z"), (OLD + 0.5, "20.5Z"), (OLD + 0.250001, "20.2500019Z")):
        one = seed(uncached, submitted=submitted)
        assert get(uncached, one)["createdDateTimeUtc"] == f"2023-11-14T22:13:{written}"


def test_a_batch_is_found_by_the_time_that_it_shows(uncached: Emulator) -> None:
    """Whatever fractions of a microsecond its clock had."""
    for number in range(20):
        one = seed(uncached, submitted=OLD + number / 7)
        shown = get(uncached, one)["createdDateTimeUtc"]
        for bound in ("Start", "End"):
            found = wire(uncached, "GET", f"{LIST}&createdDateTimeUtc{bound}={shown}&ids={one}")[2]["value"]
            assert [entry["id"] for entry in found] == [one]
