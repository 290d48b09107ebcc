"""Azure Document Translation as the emulator has it, through the real SDK and, for the wire, through plain HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from azure.ai.translation.document import (
    DocumentTranslationClient,
)
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

from emulator_fixtures import SOURCE, TARGET, azure, submit
from translation_job_emulator import Emulator

OLD = 1_700_000_000
"""2023-11-14T22:13:20Z"""


class Token:
    """A credential whose token nobody checks."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", 4_000_000_000)


def wire(
    emulator: Emulator, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers in lower case and body of a request to resource "translator" with its key."""
    request = urllib.request.Request(
        f"{emulator.azure_endpoint('translator')}/translator/document/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Ocp-Apim-Subscription-Key": "emulator-key", **headers},
        method=method,
    )
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        content = answer.read()
        named = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, named, json.loads(content) if content else None


def on_wire(url: str) -> str:
    """Return a URL as the service writes it: with the port."""
    return url.replace(".windows.net/", ".windows.net:443/")


def batch(source: str = SOURCE, target: str = TARGET) -> dict[str, Any]:
    return {"inputs": [{"source": {"sourceUrl": source}, "targets": [{"targetUrl": target, "language": "fr"}]}]}


# A batch's life


def test_a_batch_is_accepted_with_its_location(uncached: Emulator) -> None:
    """POST answers 202, the batch's id and state, and an Operation-Location that leads to it."""
    status, headers, body = wire(uncached, "POST", "batches?api-version=2024-05-01", batch())
    location = headers["operation-location"]
    assert (status, body) == (202, {"id": location.partition("/batches/")[2].partition("?")[0], "status": "NotStarted"})
    assert location.startswith(f"{uncached.azure_endpoint('translator')}/translator/document/batches/")
    assert location.endswith("?api-version=2024-05-01")
    status, headers, body = wire(uncached, "GET", location.partition("/document/")[2])
    assert (status, headers["cache-control"], body["status"]) == (200, "public, max-age=1", "Running")


@pytest.mark.parametrize("version", ["2024-05-01", "2026-03-01"])
def test_the_sdk_submits_reads_and_cancels(uncached: Emulator, version: str) -> None:
    """Both api-versions, through all the SDK's calls."""
    client = azure(uncached, api_version=version)
    translation = submit(client)
    uncached.control.advance(1)
    status = client.get_translation_status(translation)
    assert (status.id, status.status, status.documents_total_count) == (translation, "Running", 3)
    assert status.created_on.timestamp() == uncached.control.now() - 1
    assert [one.id for one in client.list_translation_statuses()] == [translation]
    documents = list(client.list_document_statuses(translation))
    assert client.get_document_status(translation, documents[-1].id).source_document_url == on_wire(
        f"{SOURCE}/document-0.txt"
    )
    assert client.get_supported_document_formats()
    client.cancel_translation(translation)
    uncached.control.advance(2)
    assert client.get_translation_status(translation).status == "Canceled"


def test_another_api_version_is_refused(uncached: Emulator) -> None:
    """Only those two, and not none."""
    assert wire(uncached, "GET", "batches?api-version=2023-01-01")[0] == 400
    assert wire(uncached, "GET", "batches")[0] == 400


def test_the_poller_sees_a_batch_through(emulator: Emulator) -> None:
    """The SDK's own long-running operation ends with the documents."""
    # With the cache it takes a minute, as with the service.
    emulator.control.settings(run_time=0.2, azure_counting_time=0.1, azure_start_latency=0, azure_cache_seconds=0)
    poller = azure(emulator, polling_interval=0.05).begin_translation(SOURCE, TARGET, "fr")
    documents = list(poller.result())
    assert [document.status for document in documents] == ["Succeeded"] * 3
    assert poller.details.documents_succeeded_count == 3


def test_a_new_batch_cannot_be_tied_to_a_container_yet(uncached: Emulator) -> None:
    """Total 0 for a moment, and no documents until it starts."""
    uncached.control.settings(azure_start_latency=2)
    client = azure(uncached)
    translation = submit(client)
    assert client.get_translation_status(translation).documents_total_count == 0
    assert list(client.list_document_statuses(translation)) == []
    uncached.control.advance(0.5)
    assert client.get_translation_status(translation).documents_total_count == 3
    assert list(client.list_document_statuses(translation)) == []
    uncached.control.advance(2.5)
    assert len(list(client.list_document_statuses(translation))) == 3


def test_characters_are_charged_at_the_end(uncached: Emulator) -> None:
    """Nothing while it runs, by what the answers say; then what was done when it was cancelled. Control knows all."""
    client = azure(uncached)
    translation = submit(client)
    uncached.control.advance(450)
    status = client.get_translation_status(translation)
    assert (status.documents_succeeded_count, status.total_characters_charged) == (2, 0)
    assert uncached.control.job(translation)["characters_charged"] == 2250
    client.cancel_translation(translation)
    assert client.get_translation_status(translation).total_characters_charged == 0
    uncached.control.advance(10)
    status = client.get_translation_status(translation)
    assert (status.documents_succeeded_count, status.documents_canceled_count) == (2, 1)
    assert status.total_characters_charged == 2000


def test_documents_say_where_they_come_from_and_go(uncached: Emulator) -> None:
    """One document for each file and language, newest first, with the port and without the container's signature."""
    client = azure(uncached)
    folder = {
        "source": {"sourceUrl": f"{SOURCE}?sig=secret", "filter": {"prefix": "in/"}},
        "targets": [{"targetUrl": f"{TARGET}-{name}?sig=secret", "language": name} for name in ("fr", "de")],
    }
    one = {
        "source": {"sourceUrl": f"{SOURCE}/a.docx"},
        "targets": [{"targetUrl": f"{TARGET}/b.docx", "language": "es"}],
        "storageType": "File",
    }
    translation = submit(client, inputs=[folder, one])
    uncached.control.advance(3)
    documents = list(client.list_document_statuses(translation))
    assert [(d.source_document_url, d.translated_document_url, d.translated_to) for d in documents[::3]] == [
        (on_wire(f"{SOURCE}/a.docx"), on_wire(f"{TARGET}/b.docx"), "es"),
        (on_wire(f"{SOURCE}/in/document-0.txt"), on_wire(f"{TARGET}-de/in/document-0.txt"), "de"),
        (on_wire(f"{SOURCE}/in/document-0.txt"), on_wire(f"{TARGET}-fr/in/document-0.txt"), "fr"),
    ]
    assert {document.status for document in documents} == {"Running"}
    assert "secret" not in json.dumps([uncached.control.requests(), uncached.control.jobs()])


def test_a_documents_target_may_be_unknown_until_it_is_there(uncached: Emulator) -> None:
    """As a setting: `path` only with what has been translated."""
    uncached.control.settings(azure_document_path="succeeded")
    client = azure(uncached)
    translation = submit(client)
    uncached.control.advance(250)
    documents = list(client.list_document_statuses(translation))
    assert [document.translated_document_url is None for document in documents] == [True, True, False]


def test_a_batch_without_a_target_is_refused(uncached: Emulator) -> None:
    """The body is checked; the error has the form that the service's errors have."""
    status, _, body = wire(uncached, "POST", "batches?api-version=2024-05-01", {"inputs": [{"source": {}}]})
    assert status == 400
    assert body["error"]["code"] == "InvalidRequest"
    assert body["error"]["innerError"]["code"] == "InvalidArgument"


# Cancel


def test_cancel_is_answered_as_recorded(uncached: Emulator) -> None:
    """Recorded: 200 Cancelling with a summary of zeros, then Cancelling with the counts, then Cancelled."""
    uncached.control.settings(azure_start_latency=2)
    client = azure(uncached)
    translation = submit(client)
    status, headers, body = wire(uncached, "DELETE", f"batches/{translation}?api-version=2024-05-01")
    assert (status, body["id"], body["status"]) == (200, translation, "Cancelling")
    assert headers["retry-after"] == "1"
    assert set(body["summary"].values()) == {0}
    uncached.control.advance(1)
    _, _, body = wire(uncached, "GET", f"batches/{translation}?api-version=2024-05-01")
    assert (body["status"], body["summary"]["total"], body["summary"]["notYetStarted"]) == ("Cancelling", 3, 3)
    uncached.control.advance(1)
    _, _, body = wire(uncached, "GET", f"batches/{translation}?api-version=2024-05-01")
    assert (body["status"], body["summary"]["cancelled"]) == ("Cancelled", 3)


def test_cancel_may_answer_not_started(uncached: Emulator) -> None:
    """The other recording, as a setting; the next GET says Cancelling all the same."""
    uncached.control.settings(azure_cancel_status="NotStarted", start_latency=5)
    client = azure(uncached)
    translation = submit(client)
    _, _, body = wire(uncached, "DELETE", f"batches/{translation}?api-version=2024-05-01")
    assert body["status"] == "NotStarted"
    assert client.get_translation_status(translation).status == "Canceling"


@pytest.mark.parametrize(("status", "raised"), [(400, HttpResponseError), (409, ResourceExistsError)])
@pytest.mark.parametrize("state", ["Cancelling", "Cancelled", "Succeeded", "Failed", "ValidationFailed"])
def test_ended_and_cancelling_batches_cannot_be_cancelled(
    uncached: Emulator, status: int, raised: type[HttpResponseError], state: str
) -> None:
    """400 as the older documentation says, or 409 as the newer one, as a setting."""
    uncached.control.settings(azure_cancel_refused=status)
    [translation] = uncached.control.add_jobs([{"resource": "translator", "state": state}])
    with pytest.raises(raised) as caught:
        azure(uncached).cancel_translation(translation)
    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("setting", "after"),
    [("cancel", "Canceled"), ("cancelled", "Canceled"), ("ignore", "NotStarted"), ("refuse", "NotStarted")],
)
def test_what_cancel_does_to_a_batch_that_waits_is_a_setting(uncached: Emulator, setting: str, after: str) -> None:
    """As with Amazon's Stop, under each answer a client has to be right."""
    uncached.control.settings(azure_cancel_queued=setting, azure_max_running=0)
    client = azure(uncached)
    translation = submit(client)
    if setting == "refuse":
        with pytest.raises(HttpResponseError):
            client.cancel_translation(translation)
    else:
        client.cancel_translation(translation)
    uncached.control.advance(2)
    assert client.get_translation_status(translation).status == after


def test_an_unknown_batch_is_not_found(uncached: Emulator) -> None:
    """404 for status, documents and cancel; also for a batch of another resource."""
    client, other = azure(uncached), azure(uncached, "other")
    theirs = submit(other)
    for translation in ("00000000-0000-0000-0000-000000000000", theirs):
        with pytest.raises(ResourceNotFoundError):
            client.get_translation_status(translation)
        with pytest.raises(ResourceNotFoundError):
            client.cancel_translation(translation)
        with pytest.raises(ResourceNotFoundError):
            list(client.list_document_statuses(translation))


# Listings


def test_both_spellings_of_a_query(uncached: Emulator) -> None:
    """`top` and `$top`, statuses between commas and repeated, either spelling of cancelled."""
    states = ["Running", "Cancelled", "Succeeded", "Running"]
    ids = uncached.control.add_jobs(
        [{"resource": "translator", "state": state, "submitted": OLD + n} for n, state in enumerate(states)]
    )

    def ask(query: str) -> list[int]:
        _, _, body = wire(uncached, "GET", f"batches?api-version=2024-05-01&{query}")
        return [ids.index(one["id"]) for one in body["value"]]

    assert ask("") == [3, 2, 1, 0]
    assert ask("statuses=Running,Canceled") == ask("statuses=Running&statuses=Cancelled") == [3, 1, 0]
    assert ask("top=2") == ask("$top=2") == [3, 2]
    assert ask("skip=3") == ask("$skip=3") == [0]
    assert ask("orderby=createdDateTimeUtc%20asc") == ask("$orderBy=createdDateTimeUtc+asc") == [0, 1, 2, 3]
    assert ask(f"ids={ids[2]},{ids[0]}") == ask(f"ids={ids[2]}&ids={ids[0]}") == [2, 0]
    assert ask("createdDateTimeUtcStart=2023-11-14T22:13:22Z") == [3, 2]
    assert ask("createdDateTimeUtcEnd=2023-11-14T22:13:21.000Z") == [1, 0]
    assert wire(uncached, "GET", "batches?api-version=2024-05-01&statuses=Sleeping")[0] == 400


def test_pages_link_to_the_next(uncached: Emulator) -> None:
    """`maxpagesize` is of a page, `top` and `skip` are of the whole. The SDK follows `nextLink`, and only that."""
    ids = uncached.control.add_jobs([{"resource": "translator", "submitted": OLD + n} for n in range(120)])
    uncached.control.settings(azure_next_link="nextLink")
    client = azure(uncached)
    pages = client.list_translation_statuses().by_page()
    assert [len(list(page)) for page in pages] == [50, 50, 20]
    assert [one.id for one in client.list_translation_statuses()] == ids[::-1]
    assert [one.id for one in client.list_translation_statuses(top=60, skip=5)] == ids[::-1][5:65]
    oldest_first = client.list_translation_statuses(order_by=["created_on asc"])
    assert [one.id for one in oldest_first] == ids


def test_pages_shift_when_batches_end_in_between(uncached: Emulator) -> None:
    """nextLink counts what it skips: with a filter one that is in flight is missed, without one none is."""
    ids = uncached.control.add_jobs([{"resource": "translator", "submitted": OLD + n} for n in range(4)])
    uncached.control.settings(azure_next_link="nextLink")
    client = azure(uncached)
    filtered = client.list_translation_statuses(statuses=["Running"], maxpagesize=2).by_page()
    plain = client.list_translation_statuses(maxpagesize=2).by_page()
    shown = [[one.id for one in next(pages)] for pages in (filtered, plain)]
    uncached.control.set_job(ids[3], state="Succeeded")
    rest = [[one.id for one in next(pages)] for pages in (filtered, plain)]
    assert shown == [[ids[3], ids[2]], [ids[3], ids[2]]]
    assert rest == [[ids[0]], [ids[1], ids[0]]]


def test_a_new_batch_cuts_another_one_off(uncached: Emulator) -> None:
    """Newest first, what comes in pushes the last of a page onto the next; `top` is of the count at page one."""
    ids = uncached.control.add_jobs([{"resource": "translator", "submitted": OLD + n} for n in range(3)])
    uncached.control.settings(azure_next_link="nextLink")
    pages = azure(uncached).list_translation_statuses(maxpagesize=2).by_page()
    first = [one.id for one in next(pages)]
    uncached.control.add_jobs([{"resource": "translator", "submitted": OLD + 100}])
    assert [one.id for one in next(pages)] == [ids[1]]
    assert first == [ids[2], ids[1]]


# Credentials and resources


def test_an_invalid_key_is_answered_as_recorded(uncached: Emulator) -> None:
    """401 with the code "401" and the service's sentence."""
    status, _, body = wire(uncached, "GET", "batches?api-version=2024-05-01", **{"Ocp-Apim-Subscription-Key": "no"})
    assert status == 401
    assert body["error"]["code"] == "401"
    assert body["error"]["message"].startswith("Access denied due to invalid subscription key or wrong API endpoint.")
    with pytest.raises(ClientAuthenticationError):
        list(azure(uncached, key="no").list_translation_statuses())
    assert {call["credential"] for call in uncached.control.requests()} == {"invalid"}


def test_a_token_is_as_good_as_a_key(uncached: Emulator) -> None:
    """Bearer tokens are accepted. Over http, the SDK sends them only if each call allows it."""
    client = DocumentTranslationClient(uncached.azure_endpoint("translator"), Token(), retry_total=0)
    assert list(client.list_translation_statuses(enforce_https=False)) == []
    assert uncached.control.requests()[-1]["credential"] == "bearer"


def test_resources_have_keys_and_batches_of_their_own(uncached: Emulator) -> None:
    """A resource that was made has the keys that it was given, and no others."""
    uncached.control.put_azure_account("mine", keys=["one", "two"])
    submit(azure(uncached, "mine", "one"))
    assert len(list(azure(uncached, "mine", "two").list_translation_statuses())) == 1
    assert list(azure(uncached, "other").list_translation_statuses()) == []
    with pytest.raises(ClientAuthenticationError):
        list(azure(uncached, "mine").list_translation_statuses())
    assert "one" not in {call["credential"] for call in uncached.control.requests()}


def test_deleting_an_account_takes_its_endpoint_away(uncached: Emulator) -> None:
    """Whatever was there is not found, and using the name does not bring it back."""
    client = azure(uncached)
    translation = submit(client)
    uncached.control.delete_azure_account("translator")
    for _ in range(2):
        with pytest.raises(ResourceNotFoundError):
            client.get_translation_status(translation)
    uncached.control.settings(azure_gone="drop")
    with pytest.raises(Exception, match=r"(?i)connection|remote end"):
        client.get_translation_status(translation)


def test_resources_may_have_to_be_made(uncached: Emulator) -> None:
    """As a setting: a name that nobody made is not found."""
    uncached.control.settings(azure_resources="explicit")
    with pytest.raises(ResourceNotFoundError):
        list(azure(uncached).list_translation_statuses())
    uncached.control.put_azure_account("translator")
    assert list(azure(uncached).list_translation_statuses()) == []


def test_batches_on_a_container_that_is_gone_fail(uncached: Emulator) -> None:
    """What runs fails, what waits fails validation, and so does what comes later; other containers go on."""
    for url in (SOURCE, TARGET, f"{TARGET}-2"):
        uncached.control.put_azure_container(url)
    uncached.control.settings(azure_max_running=2)
    client = azure(uncached)
    runs, other, waits = submit(client), submit(client, target=f"{TARGET}-2"), submit(client)
    uncached.control.advance(1)
    uncached.control.delete_azure_container(TARGET)
    late = submit(client)
    found = [client.get_translation_status(translation) for translation in (runs, other, waits, late)]
    assert [one.status for one in found] == ["Failed", "Running", "ValidationFailed", "NotStarted"]
    assert found[0].error is not None
    assert found[0].error.inner_error is not None
    assert found[0].error.inner_error.code == "InvalidTargetDocumentAccessLevel"
    uncached.control.advance(26)
    assert client.get_translation_status(late).status == "ValidationFailed"


# Azure Resource Manager


def management(emulator: Emulator) -> CognitiveServicesManagementClient:
    return CognitiveServicesManagementClient(
        Token(),
        "11111111-1111-1111-1111-111111111111",
        base_url=emulator.azure_arm_endpoint,
        credential_scopes=["https://management.azure.com/.default"],
        retry_total=0,
    )


def test_resource_manager_hands_out_the_keys(uncached: Emulator) -> None:
    """listKeys through the management SDK: the keys that the resource takes, also after one was regenerated."""
    group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/group"
    resource_id = f"{group}/providers/Microsoft.CognitiveServices/accounts/mine"
    uncached.control.put_azure_account("mine", keys=["one", "two"], resource_id=resource_id)
    accounts = management(uncached).accounts
    keys = accounts.list_keys("group", "mine", enforce_https=False)
    assert (keys.key1, keys.key2) == ("one", "two")
    assert accounts.get("group", "mine", enforce_https=False).id == resource_id
    renewed = accounts.regenerate_key("group", "mine", "Key1", enforce_https=False)
    assert renewed.key1 is not None
    assert list(azure(uncached, "mine", renewed.key1).list_translation_statuses()) == []
    with pytest.raises(ClientAuthenticationError):
        list(azure(uncached, "mine", "one").list_translation_statuses())


def test_resource_manager_knows_no_account_that_is_gone(uncached: Emulator) -> None:
    """404 with the code ResourceNotFound."""
    uncached.control.delete_azure_account("mine")
    with pytest.raises(ResourceNotFoundError):
        management(uncached).accounts.list_keys("group", "mine", enforce_https=False)


def test_a_key_credential_never_shows_in_the_log(uncached: Emulator) -> None:
    """The log says which key it was."""
    client = DocumentTranslationClient(uncached.azure_endpoint("translator"), AzureKeyCredential("emulator-key-2"))
    list(client.list_translation_statuses())
    assert [call["credential"] for call in uncached.control.requests()] == ["key2"]
