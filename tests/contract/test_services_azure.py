"""What only ``services/azure`` does, against the emulator, through the Azure SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
    InvalidArgument,
    JobNotFound,
    Rejected,
    ServiceError,
    StaleAnswer,
    Transient,
)
from translation_job_guard.jobs import AzureScope, Coverage, Job, JobState
from translation_job_guard.services import azure
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
def test_each_api_version_lists_what_is_in_flight(
    stepped: Emulator, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """By one filter of states, and sorted."""
    stepped.control.settings(azure_max_running=0)
    service = azure_service(stepped, monkeypatch, api_version=version)
    ids = dict(zip(WORDS, (add(stepped, state=word)[0] for word in WORDS), strict=True))
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


# Errors


@pytest.mark.parametrize(("status", "error"), [(408, Transient), (404, JobNotFound)])
def test_a_status_decides_what_an_error_means(
    stepped: Emulator, service: azure.AzureDocumentTranslation, status: int, error: type[ServiceError]
) -> None:
    """A request that timed out at the service, and a batch that it does not know."""
    stepped.control.fault(CANCEL, "error", status=status)
    with pytest.raises(ServiceError) as caught:
        service.stop(batch("one"))
    assert type(caught.value) is error


def test_a_resource_that_is_gone_is_no_empty_listing(
    stepped: Emulator, service: azure.AzureDocumentTranslation
) -> None:
    """It answers 404, or its name does not resolve any more."""
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


# The client


def test_the_client_is_configured(service: azure.AzureDocumentTranslation) -> None:
    """Timeouts, and as many connections as the runner has threads."""
    # The SDK has no public way to the transport of a client.
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
