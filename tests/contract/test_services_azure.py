"""``services/azure.py`` against the emulator, through the Azure SDK."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from azure.ai.translation.document import models
from azure.core.rest import HttpRequest

from tests.support.emulator import azure as sdk
from tests.support.emulator import submit
from tests.support.services import API_VERSION, KEY_ENV, azure_at, azure_service, batch, portal
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    InvalidArgument,
    JobNotFound,
    Rejected,
    ServiceError,
    StaleAnswer,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import AzureScope, Coverage, Job, JobState
from translation_job_guard.services import azure, calling
from translation_job_guard.services.azure.listing import words_in_flight

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")

LIST, CANCEL, DOCUMENTS = "GetTranslationsStatus", "CancelTranslation", "GetDocumentsStatus"
WORDS = ["NotStarted", "Running", "Cancelling", "Cancelled", "Succeeded", "Failed", "ValidationFailed"]


@pytest.fixture(scope="module")
def shared(stepped_server: Emulator) -> Iterator[azure.AzureDocumentTranslation]:
    """One for all tests that do not change it."""
    with pytest.MonkeyPatch.context() as patch:
        yield azure_service(stepped_server, patch)


@pytest.fixture(name="service")
def _service(stepped: Emulator, shared: azure.AzureDocumentTranslation) -> azure.AzureDocumentTranslation:
    # No batch starts by itself.
    stepped.control.settings(azure_max_running=0)
    return shared


@pytest.fixture(name="own")
def _own(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> azure.AzureDocumentTranslation:
    """One for a test that changes it."""
    stepped.control.settings(azure_max_running=0)
    return azure_service(stepped, monkeypatch)


def add(emulator: Emulator, count: int = 1, **entry: Any) -> list[str]:
    return emulator.control.add_jobs([{"resource": "translator", **entry}] * count)


# Batches


@pytest.mark.parametrize("version", [API_VERSION, "2026-03-01"])
def test_every_state_has_its_word(stepped: Emulator, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """All words of the service, to our states; what is in flight is listed and nothing else."""
    stepped.control.settings(azure_max_running=0)
    service = azure_service(stepped, monkeypatch, api_version=version)
    ids = dict(zip(WORDS, (add(stepped, state=word)[0] for word in WORDS), strict=True))
    looked = service.look([batch(id_) for id_ in ids.values()])
    states = {word: job.state for word, id_ in ids.items() if (job := looked[id_])}
    assert states == {
        "NotStarted": JobState.QUEUED,
        "Running": JobState.RUNNING,
        "Cancelling": JobState.STOPPING,
        "Cancelled": JobState.STOPPED,
        "Succeeded": JobState.SUCCEEDED,
        "Failed": JobState.FAILED,
        "ValidationFailed": JobState.FAILED,
    }
    assert {job.id for job in service.list_in_flight()} == {ids[word] for word in WORDS[:3]}
    [call, *_] = stepped.control.requests(operation=LIST, match={"orderby": "createdDateTimeUtc asc"})
    assert call["parameters"]["statuses"] == "NotStarted,Running,Cancelling"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Canceled", JobState.STOPPED),
        ("Cancelled", JobState.STOPPED),
        ("Canceling", JobState.STOPPING),
        ("CANCELLING", JobState.STOPPING),
        ("Paused", JobState.RUNNING),
        ("", JobState.RUNNING),
    ],
)
def test_both_spellings_and_words_of_tomorrow(monkeypatch: pytest.MonkeyPatch, word: str, state: JobState) -> None:
    """One l or two; a word that is not known is in flight. And nothing else needs to be there but the id."""
    body = b'{"value": [{"id": "one", "status": "%s"}]}' % word.encode()
    monkeypatch.setenv(KEY_ENV, "key")
    with portal(body, "application/json") as url:
        service = azure_at(url)
        found = service.look([batch("one"), batch("two")])
        listed = service.list_in_flight()
    [one] = [job for job in found.values() if job]
    assert (one.id, one.state, one.submitted_at, one.characters_charged) == ("one", state, None, None)
    assert found["two"] is None
    assert [job.id for job in listed] == (["one"] if state.in_flight else [])


def test_a_batch_tells_its_documents_and_charges(stepped: Emulator, service: azure.AzureDocumentTranslation) -> None:
    """While it runs, what is not done is in progress and nothing is charged yet (recorded traffic)."""
    stepped.control.settings(azure_max_running=1)
    [id_] = add(stepped, documents=4, run_time=100)
    stepped.control.advance(50)
    [job] = service.list_in_flight()
    assert job.documents is not None
    assert (job.documents.total, job.documents.succeeded, job.documents.in_progress) == (4, 2, 2)
    assert job.characters_charged == 0
    assert job.submitted_at is not None
    assert job.submitted_at.timestamp() == stepped.control.now() - 50
    assert not job.locations_known
    stepped.control.advance(60)
    ended = service.look([job])[id_]
    assert ended is not None
    assert ended.documents is not None
    assert (ended.documents.succeeded, ended.characters_charged) == (4, 4000)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>Log in</html>", "text/html"),
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"{}", "application/json"),
        (b"[]", "application/json"),
        (b'{"value": null}', "application/json"),
        (b'{"value": [{"status": "Running"}]}', "application/json"),
    ],
)
def test_what_is_no_list_shows_no_batch_gone(monkeypatch: pytest.MonkeyPatch, body: bytes, kind: str) -> None:
    """A proxy's page with status 200 is not an empty list: the SDK would make one of any object."""
    monkeypatch.setenv(KEY_ENV, "key")
    with portal(body, kind) as url:
        service = azure_at(url)
        with pytest.raises(Transient, match=r"^list translations: "):
            service.list_in_flight()
        with pytest.raises(Transient):
            service.look([batch("one")])
        if b"status" not in body:
            with pytest.raises(Transient):
                service.locate(batch("one"))


# Caches (recorded traffic)


class Cache:
    """A gateway that answers from a cache: the first answers to each request, or all of them."""

    def __init__(self, service: azure.AzureDocumentTranslation, monkeypatch: pytest.MonkeyPatch, cached: int) -> None:
        self.urls: list[str] = []
        self.cached = cached
        send = service.client.send_request

        def answer(request: HttpRequest, **options: Any) -> Any:
            self.urls.append(request.url)
            response = send(request, **options)
            if self.cached:
                self.cached -= 1
                response.headers["Age"] = "0"
            return response

        monkeypatch.setattr(service.client, "send_request", answer)


READS: dict[str, Callable[[azure.AzureDocumentTranslation, Job], object]] = {
    "list": lambda service, _job: service.list_in_flight(),
    "look": lambda service, job: service.look([job]),
    "locate": lambda service, job: service.locate(job),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("cached", [0, 1, 3, 4])
def test_a_cached_answer_is_asked_for_again_at_another_url(
    stepped: Emulator, own: azure.AzureDocumentTranslation, monkeypatch: pytest.MonkeyPatch, operation: str, cached: int
) -> None:
    """At most three times at once; whatever the Age says, 0 included; and no extra request where nothing is cached."""
    add(stepped)
    [job] = own.list_in_flight()
    cache = Cache(own, monkeypatch, cached)
    with pytest.raises(StaleAnswer, match="from a cache") if cached > 3 else nullcontext():
        READS[operation](own, job)
    assert len(cache.urls) == len(set(cache.urls)) == min(cached + 1, 4)


def test_no_two_reads_have_the_same_url(
    stepped: Emulator, own: azure.AzureDocumentTranslation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages after the first vary as well, and only parameters that were recorded are used."""
    stepped.control.settings(azure_page_size=2)
    add(stepped, 5, documents=5, counted=0)
    cache = Cache(own, monkeypatch, cached=0)
    for _ in range(3):
        jobs = own.list_in_flight()
        own.locate(jobs[0])
        own.look(jobs)
    assert len(cache.urls) == len(set(cache.urls)) > 15
    names = {name.lstrip("$") for url in cache.urls for name, _ in parse_qsl(urlsplit(url).query)}
    assert names <= {
        "api-version", "createdDateTimeUtcStart", "ids", "maxpagesize", "orderby", "skip", "statuses", "top"
    }  # fmt: skip
    assert not [url for url in cache.urls if urlsplit(url).path.count("/") == 3], "a GET of one batch cannot be varied"


@pytest.mark.parametrize("key", ["nextLink", "@nextLink"])
def test_both_spellings_of_a_link_are_followed(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Recorded traffic has "@nextLink", the documentation "nextLink"; the credential stays with the guard's host."""
    link = f"https://elsewhere.invalid/translator/document/batches/one/documents?skip=1&top=9&orderBy=a b&{key}=x"
    body = json.dumps({"value": [{"id": "1", "sourcePath": "https://s/c/a"}], key: link})
    monkeypatch.setenv(KEY_ENV, "key")
    with portal(body.encode(), "application/json") as url:
        service = azure_at(url)
        with pytest.raises(Transient, match="pages of the answer repeat"):
            service.locate(batch("one"))


# What a batch reads and writes

SOURCE = "https://account.blob.core.windows.net/source"
TARGET = "https://account.blob.core.windows.net/target"


def coverage(container: str, job: Job) -> Coverage:
    return AzureScope(container_urls=(container,)).coverage(job)


def test_a_new_batch_is_undecided_until_its_rows_are_listed(
    stepped: Emulator, service: azure.AzureDocumentTranslation
) -> None:
    """Total 0, then counted without a row, then one row after the other: OUTSIDE is only said at the end."""
    stepped.control.settings(azure_max_running=None)
    elsewhere = "https://account.blob.core.windows.net/other"

    def seen() -> tuple[int, int, Coverage, Coverage]:
        [listed] = service.list_in_flight()
        located = service.locate(listed)
        assert located.documents is not None
        assert coverage(SOURCE, located) is coverage(TARGET, located)
        return located.documents.total, len(located.rows), coverage(SOURCE, located), coverage(elsewhere, located)

    submit(sdk(stepped), f"{SOURCE}?sig=secret", TARGET)
    stepped.control.advance(0.4)
    assert seen() == (0, 0, Coverage.UNKNOWN, Coverage.UNKNOWN)
    stepped.control.advance(0.4)
    assert seen() == (3, 0, Coverage.UNKNOWN, Coverage.UNKNOWN)
    stepped.control.advance(1.3)
    assert seen() == (3, 1, Coverage.COVERED, Coverage.UNKNOWN)
    stepped.control.advance(0.6)
    assert seen() == (3, 3, Coverage.COVERED, Coverage.OUTSIDE)
    [listed] = service.list_in_flight()
    assert sorted(service.locate(listed).locations) == sorted(
        f"{container}/document-{number}.txt" for container in (SOURCE, TARGET) for number in range(3)
    )


def test_a_target_that_is_not_told_yet_keeps_a_batch_undecided(
    stepped: Emulator, service: azure.AzureDocumentTranslation
) -> None:
    """Where a document tells its target only once it is translated, the batch may yet write into the scope."""
    stepped.control.settings(azure_document_path="succeeded", azure_max_running=1)
    add(stepped, source=SOURCE, target=TARGET, documents=2, run_time=100, counted=0)
    [job] = service.list_in_flight()
    located = service.locate(job)
    assert coverage(SOURCE, located) is Coverage.COVERED
    assert coverage(TARGET, located) is Coverage.UNKNOWN
    stepped.control.advance(60)
    assert coverage(TARGET, service.locate(job)) is Coverage.COVERED


def test_a_document_that_failed_writes_nothing(stepped: Emulator, service: azure.AzureDocumentTranslation) -> None:
    """It needs no target to be known."""
    stepped.control.settings(azure_document_path="succeeded")
    [id_] = add(stepped, source=SOURCE, target=TARGET, state="Failed", counted=0)
    found = service.look([batch(id_)])[id_]
    assert found is not None
    assert coverage(TARGET, service.locate(found)) is Coverage.OUTSIDE


def test_all_pages_of_the_documents_are_read(stepped: Emulator, service: azure.AzureDocumentTranslation) -> None:
    """The last of 120 decides."""
    [id_] = add(stepped, source=SOURCE, target=TARGET, documents=120, counted=0)
    located = service.locate(batch(id_, 120))
    assert located.locations_known
    assert len(located.locations) == 240
    assert len(stepped.control.requests(operation=DOCUMENTS)) == 3


# Stop and look


@pytest.mark.parametrize("answer", ["Cancelling", "NotStarted"])
@pytest.mark.parametrize("state", ["Running", "NotStarted"])
def test_stop_takes_whatever_the_answer_says(
    stepped: Emulator, service: azure.AzureDocumentTranslation, answer: str, state: str
) -> None:
    """The SDK shows nothing of it; the batch is being cancelled."""
    stepped.control.settings(azure_cancel_status=answer)
    [id_] = add(stepped, state=state)
    assert service.stop(batch(id_)) is None
    assert stepped.control.job(id_)["state"] == "Cancelling"


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("state", ["Cancelling", "Cancelled", "Succeeded", "Failed", "ValidationFailed"])
def test_stop_of_what_cannot_be_cancelled_is_rejected(
    stepped: Emulator, service: azure.AzureDocumentTranslation, status: int, state: str
) -> None:
    """Once asked, in one line, whichever status it comes with."""
    stepped.control.settings(azure_cancel_refused=status)
    [id_] = add(stepped, state=state)
    with pytest.raises(Rejected, match=rf"^cancel translation: {status}: .*{id_} cannot be cancelled.*{state}\.$"):
        service.stop(batch(id_))
    assert len(stepped.control.requests(operation=CANCEL)) == 1


def test_batches_are_looked_at_by_their_ids_in_chunks(
    stepped: Emulator, service: azure.AzureDocumentTranslation
) -> None:
    """40 ids in a request, none of the neighbours', and those that are not known any more."""
    ids = add(stepped, 85, state="Cancelled")
    add(stepped, 85)
    before = stepped.control.last_request()
    lost = "11111111-2222-3333-4444-555555555555"
    looked = service.look([batch(id_) for id_ in [*ids, lost]])
    assert looked.keys() == {*ids, lost}
    assert looked[lost] is None
    assert {job.state for job in looked.values() if job} == {JobState.STOPPED}
    calls = stepped.control.requests(before)
    assert sorted(len(call["parameters"]["ids"].split(",")) for call in calls) == [6, 40, 40]
    assert service.look([]) == {}
    assert len(stepped.control.requests(before)) == 3


# Prove


def test_prove_lists_and_asks_for_what_cannot_be(stepped: Emulator, service: azure.AzureDocumentTranslation) -> None:
    """Two requests, about no real batch."""
    ids = add(stepped, 3)
    before = stepped.control.last_request()
    service.prove()
    calls = stepped.control.requests(before)
    assert [(call["operation"], call["parameters"].get("top"), call["parameters"].get("id")) for call in calls] == [
        (LIST, "1", None),
        (CANCEL, None, "00000000-0000-0000-0000-000000000000"),
    ]
    assert {stepped.control.job(id_)["state"] for id_ in ids} == {"Running"}


@pytest.mark.parametrize("operation", [LIST, CANCEL])
def test_prove_refuses_a_definite_denial(
    stepped: Emulator, service: azure.AzureDocumentTranslation, operation: str
) -> None:
    """To a key it is not a role that is missing."""
    stepped.control.fault(operation, "denied")
    with pytest.raises(Denied, match=r": 403: Principal does not have access .* network rules .*") as caught:
        service.prove()
    assert caught.value.permission == ""


@pytest.mark.parametrize("status", [400, 409, 500, 503])
def test_any_other_answer_proves_the_permission(
    stepped: Emulator, service: azure.AzureDocumentTranslation, status: int
) -> None:
    """How the service takes an id that cannot exist is not documented."""
    stepped.control.fault(CANCEL, "error", status=status)
    service.prove()


@pytest.mark.parametrize(("kind", "error"), [("throttle", Throttled), ("expired", CredentialsUnusable)])
def test_prove_does_not_take_what_says_nothing_for_a_proof(
    stepped: Emulator, service: azure.AzureDocumentTranslation, kind: str, error: type[ServiceError]
) -> None:
    """Throttling and a key that is not accepted come before any permission is looked at."""
    stepped.control.fault(CANCEL, kind)
    with pytest.raises(error):
        service.prove()


# Errors and attempts


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("throttle", {}, Throttled),
        ("throttle", {"retry_after": 3}, Throttled),
        ("error", {"status": 500}, Transient),
        ("error", {"status": 503, "retry_after": 3}, Transient),
        ("error", {"status": 503, "when": "after"}, Transient),
        ("error", {"status": 408}, Transient),
        ("error", {"status": 400}, Rejected),
        ("error", {"status": 404}, JobNotFound),
        ("drop", {}, Transient),
        ("drop", {"when": "after"}, Transient),
        ("denied", {}, Denied),
        ("expired", {}, CredentialsUnusable),
    ],
)
def test_every_failure_is_one_of_ours_after_one_attempt_to_cancel(
    stepped: Emulator,
    service: azure.AzureDocumentTranslation,
    kind: str,
    details: dict[str, Any],
    error: type[ServiceError],
) -> None:
    """In one line, and a request to cancel is sent exactly once, also where the service says when to come back."""
    [id_] = add(stepped)
    stepped.control.fault(CANCEL, kind, **details)
    with pytest.raises(ServiceError) as caught:
        service.stop(batch(id_))
    assert type(caught.value) is error
    assert caught.value.operation == "cancel translation"
    assert "\n" not in str(caught.value)
    assert len(stepped.control.requests(operation=CANCEL)) == 1


@pytest.mark.parametrize(
    ("kind", "details", "attempts"),
    [
        ("throttle", {}, 6),
        ("throttle", {"retry_after": 7}, 6),
        ("error", {"status": 500, "retry_after": 86_400}, 3),
        ("drop", {}, 3),
        ("denied", {}, 1),
        ("expired", {}, 1),
        ("error", {"status": 400}, 1),
    ],
)
def test_a_listing_is_sent_again_if_that_can_help(
    stepped: Emulator,
    service: azure.AzureDocumentTranslation,
    no_pauses: list[float],
    kind: str,
    details: dict[str, Any],
    attempts: int,
) -> None:
    """Waits as long as the service says where it throttles; a server error's Retry-After orders nothing."""
    stepped.control.fault(LIST, kind, **details)
    with pytest.raises(ServiceError):
        service.list_in_flight()
    assert len(stepped.control.requests(operation=LIST)) == attempts
    if details == {"retry_after": 7}:
        assert no_pauses == [7] * 5
    assert sum(no_pauses) < 60


def test_retry_after_is_carried(stepped: Emulator, service: azure.AzureDocumentTranslation) -> None:
    """In seconds or as a date; None where the service does not say it or says something odd."""
    for said, carried in ((7, 7.0), ("1.5", 1.5), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0), ("soon", None), (None, None)):
        stepped.control.clear_faults()
        stepped.control.fault(CANCEL, "throttle", retry_after=said)
        with pytest.raises(Throttled) as caught:
            service.stop(batch("one"))
        assert caught.value.retry_after == carried


def test_an_unknown_batch_and_a_resource_that_is_gone(
    stepped: Emulator, service: azure.AzureDocumentTranslation
) -> None:
    """404 either way; a listing that finds no resource is no empty listing."""
    with pytest.raises(JobNotFound):
        service.stop(batch("11111111-2222-3333-4444-555555555555"))
    stepped.control.delete_azure_account("translator")
    with pytest.raises(JobNotFound, match="Resource not found"):
        service.list_in_flight()
    stepped.control.settings(azure_gone="drop")
    with pytest.raises(Transient):
        service.list_in_flight()


def test_an_api_version_that_is_not_known_is_rejected(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the service's words."""
    with pytest.raises(Rejected, match="api-version 2020-01-01"):
        azure_service(stepped, monkeypatch, api_version="2020-01-01").list_in_flight()


def test_an_answer_that_takes_too_long_is_transient(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The read timeout is in force."""
    monkeypatch.setattr(calling, "READ_TIMEOUT", 0.1)
    emulator.control.fault(CANCEL, "slow", seconds=1)
    with pytest.raises(Transient, match=r"[Rr]ead timed out"):
        azure_service(emulator, monkeypatch).stop(batch("one"))


def test_nobody_there_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve or a port that is closed may come up yet."""
    monkeypatch.setenv(KEY_ENV, "key")
    for url in ("http://127.0.0.1:1", "http://nobody.invalid"):
        with pytest.raises(Transient):
            azure_at(url).list_in_flight()


# The client


def test_the_client_is_configured(service: azure.AzureDocumentTranslation) -> None:
    """Timeouts, and as many connections as the runner has threads."""
    transport = service.client._client._pipeline._transport
    assert (transport.connection_config.timeout, transport.connection_config.read_timeout) == (5, 20)
    assert transport.session.get_adapter("https://any").poolmanager.connection_pool_kw["maxsize"] >= 32


def test_requests_say_who_asks(service: azure.AzureDocumentTranslation) -> None:
    """In the user agent."""
    seen: list[str] = []
    service.client.send_request(
        HttpRequest("GET", "/document/formats"),
        raw_request_hook=lambda request: seen.append(request.http_request.headers["User-Agent"]),
    )
    assert seen[0].startswith("translation-job-guard azsdk-python-ai-translation-document/")


@pytest.mark.parametrize(
    ("endpoint", "account"),
    [
        ("https://Name.cognitiveservices.azure.com/", "name.cognitiveservices.azure.com"),
        ("http://127.0.0.1:8080/azure/name", "127.0.0.1:8080/azure/name"),
    ],
)
def test_the_account_is_the_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str, account: str) -> None:
    """No request: a Translator resource is known by nothing else."""
    monkeypatch.setenv(KEY_ENV, "key")
    assert azure_at(endpoint).account() == account


@pytest.mark.parametrize("key", ["two\nlines", "umläut", "tab\tin it"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """As a header it would be refused by a message that has it."""
    monkeypatch.setenv(KEY_ENV, key)
    with pytest.raises(InvalidArgument, match=KEY_ENV) as caught:
        azure_at("https://name.cognitiveservices.azure.com")
    assert key not in str(caught.value)


def test_many_threads_share_the_client(
    stepped: Emulator, service: azure.AzureDocumentTranslation, caplog: pytest.LogCaptureFixture
) -> None:
    """32 at once, each batch asked once, and no connection is thrown away."""
    ids = add(stepped, 200)
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(32) as pool:
        list(pool.map(service.stop, map(batch, ids)))
    assert sorted(call["parameters"]["id"] for call in stepped.control.requests(operation=CANCEL)) == sorted(ids)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"REQUESTS_CA_BUNDLE": "/missing.pem", KEY_ENV: "key"}, "missing"),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": "/missing.pem", "AZURE_CLIENT_ID": "a", "AZURE_TENANT_ID": "b"}, "missing"),
        ({"HTTPS_PROXY": "garbage://", KEY_ENV: "key"}, "garbage|proxy"),
    ],
)
def test_an_environment_that_the_sdk_cannot_use_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    """Whatever the SDK raises for it, the error says what to check."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ServiceError, match=named):
        azure_at("https://name.invalid/").list_in_flight()


def test_a_resource_id_of_an_edited_state_is_an_error_of_ours() -> None:
    """It names the property and what is expected."""
    with pytest.raises(InvalidArgument, match="account_resource_id is not a valid resource ID"):
        azure_at("https://name.invalid/", "NOT_SET", account_resource_id="edited")


def test_a_token_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for Azure Resource Manager is on this machine, or it is https."""
    monkeypatch.setenv(azure.ARM_ENDPOINT_ENV, "http://10.0.0.1")
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"
    with pytest.raises(InvalidArgument, match=azure.ARM_ENDPOINT_ENV):
        azure_at("https://name.invalid/", "NOT_SET", account_resource_id=account)


def test_a_redirect_takes_no_key_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service never redirects; a gateway that does is refused."""
    monkeypatch.setenv(KEY_ENV, "key")
    with portal(b"", headers={"Location": "http://127.0.0.1:1/"}, status=307) as url:
        service = azure_at(url)
        with pytest.raises(ServiceError, match="307"):
            service.list_in_flight()


def test_words_that_a_newer_sdk_knows_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that it knows and that are not known as ended; without one, nothing more is asked."""
    assert words_in_flight() == ["NotStarted", "Running", "Cancelling"]
    words_in_flight.cache_clear()
    newer = SimpleNamespace(value="WaitingForCapacity")
    monkeypatch.setattr("azure.ai.translation.document.models.Status", [*models.Status, newer])
    assert words_in_flight() == ["NotStarted", "Running", "Cancelling", "WaitingForCapacity"]
    words_in_flight.cache_clear()
