"""What both services have to do as a ``JobService``, against the emulator, through their SDKs.

What only one of them does stays in ``test_services_amazon`` and ``test_services_azure``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.emulator import REGION
from tests.support.services import KEY_ENV, azure_at, batch, portal, text_job
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    JobNotFound,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import Job, JobState
from translation_job_guard.services import JobService, amazon, calling

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses", "credentials")


@dataclass(frozen=True)
class Contract:
    """What the tests have to know of a service.

    Args:
        name: in the IDs of tests.
        environment: variables that hold credentials of the emulator.
        open: opens the service at a URL.
        url: where the emulator has the service.
        entry: a job as the emulator's control API takes it.
        job: a job as a listing might have shown it.
        words: the service's words of states, in the order of a job's course; the first three are in flight.
        list_name: the operation that lists, in the emulator's log.
        stop_name: the operation that stops, in the emulator's log.
        stop_error: the same, in errors.
        id_parameter: its parameter with the ID.
        nobody: the ID of a job that cannot exist.
        missing: what a denial of each operation says that is missing.
        entries: the key of a page's entries.
        entry_keys: the keys of an entry's ID and state.
        unreadable: bodies that are not answers of the service.
        odd_entries: entries that cannot be read.
    """

    name: str
    environment: Mapping[str, str]
    open: Callable[[str], JobService]
    url: Callable[[Emulator], str]
    entry: Mapping[str, Any]
    job: Callable[[str], Job]
    words: Mapping[str, JobState]
    list_name: str
    stop_name: str
    stop_error: str
    id_parameter: str
    nobody: str
    missing: Mapping[str, str]
    entries: str
    entry_keys: tuple[str, str]
    unreadable: tuple[bytes, ...] = field(repr=False)
    odd_entries: tuple[Mapping[str, Any], ...] = field(repr=False)

    def page(self, **entry: Any) -> bytes:
        """Return the body of a page with one job."""
        id_, state = self.entry_keys
        return json.dumps({self.entries: [{id_: "one", state: next(iter(self.words)), **entry}]}).encode()

    def add(self, emulator: Emulator, count: int = 1, **job: Any) -> list[str]:
        """Put jobs into the emulator; return their IDs."""
        return emulator.control.add_jobs([{**self.entry, **job}] * count)


UNREADABLE = (b"<html>Log in</html>", b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe")

AMAZON = Contract(
    name="amazon",
    environment={"AWS_ACCESS_KEY_ID": "AKIAEMULATOR", "AWS_SECRET_ACCESS_KEY": "secret"},
    open=lambda url: amazon.AmazonConnection(REGION, endpoint_url=url).open(),
    url=lambda emulator: emulator.url,
    entry={"region": REGION},
    job=text_job,
    words={
        "SUBMITTED": JobState.QUEUED,
        "IN_PROGRESS": JobState.RUNNING,
        "STOP_REQUESTED": JobState.STOPPING,
        "STOPPED": JobState.STOPPED,
        "COMPLETED": JobState.SUCCEEDED,
        "COMPLETED_WITH_ERROR": JobState.SUCCEEDED_IN_PART,
        "FAILED": JobState.FAILED,
    },
    list_name="ListTextTranslationJobs",
    stop_name="StopTextTranslationJob",
    stop_error="StopTextTranslationJob",
    id_parameter="JobId",
    nobody="0" * 32,
    missing={
        "ListTextTranslationJobs": "translate:ListTextTranslationJobs",
        "StopTextTranslationJob": "translate:StopTextTranslationJob",
    },
    entries="TextTranslationJobPropertiesList",
    entry_keys=("JobId", "JobStatus"),
    unreadable=(
        *UNREADABLE,
        b'{"TextTranslationJobPropertiesList": 5}',
        b'{"TextTranslationJobPropertiesList": [5]}',
        b'{"TextTranslationJobPropertiesList": [{}]}',
    ),
    odd_entries=(
        {"SubmittedTime": "yesterday"},
        {"JobStatus": {"odd": 1}},
        {"JobDetails": {"InputDocumentsCount": "many"}},
    ),
)
AZURE = Contract(
    name="azure",
    environment={KEY_ENV: "emulator-key"},
    open=azure_at,
    url=lambda emulator: emulator.azure_endpoint("translator"),
    entry={"resource": "translator"},
    job=batch,
    words={
        "NotStarted": JobState.QUEUED,
        "Running": JobState.RUNNING,
        "Cancelling": JobState.STOPPING,
        "Cancelled": JobState.STOPPED,
        "Succeeded": JobState.SUCCEEDED,
        "Failed": JobState.FAILED,
        "ValidationFailed": JobState.FAILED,
    },
    list_name="GetTranslationsStatus",
    stop_name="CancelTranslation",
    stop_error="cancel translation",
    id_parameter="id",
    nobody="00000000-0000-0000-0000-000000000000",
    # With a key no role is missing.
    missing={"GetTranslationsStatus": "", "CancelTranslation": ""},
    entries="value",
    entry_keys=("id", "status"),
    unreadable=(
        *UNREADABLE,
        b'{"value": null}',
        b'{"value": 5}',
        b'{"value": ""}',
        b'{"value": {}}',
        b'{"value": [5]}',
        b'{"value": [{"id": ""}]}',
        b'{"value": [{"id": null}]}',
        b'{"value": [{"status": "Running"}]}',
        b'{"value": [], "nextLink": 5}',
        b'{"value": [], "nextLink": "https://[odd/?skip=50"}',
    ),
    odd_entries=(
        {"summary": 5},
        {"summary": {"total": "many"}},
        {"summary": {"totalCharacterCharged": "many"}},
        {"summary": {"totalCharacterCharged": float("inf")}},
        {"createdDateTimeUtc": "yesterday"},
        {"createdDateTimeUtc": 5},
        {"lastActionDateTimeUtc": "2026-01-01T00:00:00"},
        {"error": "odd"},
    ),
)
CONTRACTS = (AMAZON, AZURE)


@pytest.fixture(scope="module", params=CONTRACTS, ids=lambda contract: contract.name)
def contract(request: pytest.FixtureRequest) -> Contract:
    """Each service in turn."""
    made: Contract = request.param
    return made


@pytest.fixture(scope="module")
def shared(stepped_server: Emulator, contract: Contract) -> Iterator[JobService]:
    """One for all tests that do not change it: making a client takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in contract.environment.items():
            patch.setenv(name, value)
        yield contract.open(contract.url(stepped_server))


@pytest.fixture(name="service")
def _service(stepped: Emulator, shared: JobService) -> JobService:
    # No job starts by itself.
    stepped.control.settings(max_running=0, azure_max_running=0)
    return shared


@pytest.fixture(name="credentials")
def _credentials(bare_environment: object, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - set after it
    for made in CONTRACTS:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)


# Jobs


def test_every_state_has_its_word(stepped: Emulator, contract: Contract, service: JobService) -> None:
    """All words of the service become our states; what is in flight is listed, and nothing else."""
    ids = {word: contract.add(stepped, state=word)[0] for word in contract.words}
    looked = service.look([contract.job(id_) for id_ in ids.values()])
    assert {word: job.state for word, id_ in ids.items() if (job := looked[id_])} == contract.words
    listed = {job.id: job.service_state for job in service.list_in_flight()}
    assert listed == {ids[word]: word for word in list(contract.words)[:3]}


def test_a_state_that_nobody_knows_is_in_flight(contract: Contract) -> None:
    """A word that is not known is never taken for the end of a job. Nothing but the ID has to be there."""
    body = contract.page(**{contract.entry_keys[1]: "PAUSED"})
    with portal(body, "application/json") as url:
        [job] = contract.open(url).list_in_flight()
    assert (job.id, job.service_state, job.state, job.in_flight) == ("one", "PAUSED", JobState.RUNNING, True)
    assert (job.submitted_at, job.characters_charged) == (None, None)


def test_jobs_elsewhere_are_not_listed(stepped: Emulator, service: JobService) -> None:
    """Those of another region, account or resource."""
    assert service.list_in_flight() == []
    stepped.control.settings(accounts={"AKIAOTHER": "210987654321"})
    stepped.control.add_jobs(
        [{"region": "us-east-1"}, {"region": REGION, "account": "210987654321"}, {"resource": "other"}]
    )
    assert service.list_in_flight() == []


def test_nothing_to_look_at_is_no_request(stepped: Emulator, service: JobService) -> None:
    """An empty look."""
    before = stepped.control.last_request()
    assert service.look([]) == {}
    assert stepped.control.requests(before) == []


@pytest.mark.parametrize(
    ("made", "body"),
    [pytest.param(made, body, id=f"{made.name}-{body!r}") for made in CONTRACTS for body in made.unreadable],
)
def test_an_unreadable_answer_is_transient(made: Contract, body: bytes) -> None:
    """A proxy's page with status 200 is not an empty listing, which would show every job gone."""
    with portal(body, "application/json") as url:
        service = made.open(url)
        for read in (service.list_in_flight, lambda: service.look([made.job("one")])):
            with pytest.raises(Transient) as caught:
                read()
            assert str(caught.value).startswith(f"{caught.value.operation}: ")


@pytest.mark.parametrize(
    ("made", "entry"),
    [pytest.param(made, entry, id=f"{made.name}-{entry}") for made in CONTRACTS for entry in made.odd_entries],
)
def test_an_unreadable_job_is_transient(made: Contract, entry: Mapping[str, Any]) -> None:
    """An error of ours, not the one that reading it ends in."""
    with portal(made.page(**entry), "application/json") as url:
        service = made.open(url)
        for read in (service.list_in_flight, lambda: service.look([made.job("one")])):
            with pytest.raises(Transient, match="cannot be read"):
                read()


# Prove


def test_prove_lists_and_asks_for_what_cannot_be(stepped: Emulator, contract: Contract, service: JobService) -> None:
    """Two requests, about no real job."""
    ids = contract.add(stepped, 3)
    before = [stepped.control.job(id_)["state"] for id_ in ids]
    last = stepped.control.last_request()
    service.prove()
    calls = stepped.control.requests(last)
    assert [(call["operation"], call["parameters"].get(contract.id_parameter)) for call in calls] == [
        (contract.list_name, None),
        (contract.stop_name, contract.nobody),
    ]
    assert [stepped.control.job(id_)["state"] for id_ in ids] == before


@pytest.mark.parametrize("which", [0, 1], ids=["list", "stop"])
def test_prove_refuses_a_denial(stepped: Emulator, contract: Contract, service: JobService, which: int) -> None:
    """The error says what is missing."""
    operation, missing = list(contract.missing.items())[which]
    stepped.control.fault(operation, "denied")
    with pytest.raises(Denied) as caught:
        service.prove()
    assert caught.value.permission == missing
    assert f"{missing} is not permitted: add" in str(caught.value) if missing else "network rules" in str(caught.value)


@pytest.mark.parametrize("status", [400, 409, 500, 503])
def test_any_other_answer_is_a_proof(stepped: Emulator, contract: Contract, service: JobService, status: int) -> None:
    """What a service answers to an ID that cannot exist is not documented."""
    stepped.control.fault(contract.stop_name, "error", status=status, code="Odd")
    service.prove()


@pytest.mark.parametrize(("kind", "error"), [("throttle", Throttled), ("expired", CredentialsUnusable)])
def test_prove_needs_an_answer_about_permissions(
    stepped: Emulator, contract: Contract, service: JobService, kind: str, error: type[ServiceError]
) -> None:
    """Throttling, and credentials that are not accepted, come before any permission is checked."""
    stepped.control.fault(contract.stop_name, kind)
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
        ("error", {"status": 400, "code": "Odd"}, Rejected),
        ("drop", {}, Transient),
        ("drop", {"when": "after"}, Transient),
        ("denied", {}, Denied),
        ("expired", {}, CredentialsUnusable),
    ],
)
def test_a_stop_request_is_sent_once(
    stepped: Emulator,
    contract: Contract,
    service: JobService,
    kind: str,
    details: dict[str, Any],
    error: type[ServiceError],
) -> None:
    """Whatever the error, in one line; the pace is learned from each answer."""
    [id_] = contract.add(stepped)
    stepped.control.fault(contract.stop_name, kind, **details)
    with pytest.raises(ServiceError) as caught:
        service.stop(contract.job(id_))
    assert type(caught.value) is error
    assert caught.value.operation == contract.stop_error
    assert "\n" not in str(caught.value)
    assert len(stepped.control.requests(operation=contract.stop_name)) == 1


def test_a_stop_of_an_unknown_job_is_not_found(stepped: Emulator, contract: Contract, service: JobService) -> None:
    """With one request."""
    with pytest.raises(JobNotFound) as caught:
        service.stop(contract.job(contract.nobody[:-1] + "1"))
    assert caught.value.operation == contract.stop_error
    assert len(stepped.control.requests(operation=contract.stop_name)) == 1


@pytest.mark.parametrize(
    ("kind", "details", "attempts"),
    [
        ("throttle", {}, 6),
        ("throttle", {"retry_after": 7}, 6),
        ("error", {"status": 500, "retry_after": 86_400}, 3),
        ("drop", {}, 3),
        ("denied", {}, 1),
        ("expired", {}, 1),
        ("error", {"status": 400, "code": "Odd"}, 1),
    ],
)
def test_a_listing_is_sent_again_if_that_can_help(
    stepped: Emulator,
    contract: Contract,
    service: JobService,
    no_pauses: list[float],
    kind: str,
    details: dict[str, Any],
    attempts: int,
) -> None:
    """It waits as long as a throttled answer says; a server error's Retry-After orders nothing."""
    stepped.control.fault(contract.list_name, kind, **details)
    with pytest.raises(ServiceError):
        service.list_in_flight()
    assert len(stepped.control.requests(operation=contract.list_name)) == attempts
    if details == {"retry_after": 7}:
        assert no_pauses == [7] * 5
    assert sum(no_pauses) < 60


@pytest.mark.parametrize(
    ("said", "carried"),
    [("7", 7.0), ("1.5", 1.5), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0), ("soon", None), ("²", None), (None, None)],
)
def test_retry_after_is_carried(
    stepped: Emulator, contract: Contract, service: JobService, said: str | None, carried: float | None
) -> None:
    """In seconds; None where the service does not say it or says something odd."""
    stepped.control.fault(contract.stop_name, "throttle", retry_after=said)
    with pytest.raises(Throttled) as caught:
        service.stop(contract.job(contract.nobody))
    assert caught.value.retry_after == carried


def test_an_answer_that_takes_too_long_is_transient(
    emulator: Emulator, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read timeout is in force."""
    monkeypatch.setattr(calling, "READ_TIMEOUT", 0.1)
    emulator.control.fault(contract.stop_name, "slow", seconds=1)
    with pytest.raises(Transient, match=r"[Rr]ead timed? ?out"):
        contract.open(contract.url(emulator)).stop(contract.job(contract.nobody))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nobody.invalid"])
def test_nobody_there_is_transient(contract: Contract, url: str) -> None:
    """A name that does not resolve or a port that is closed may come up yet."""
    with pytest.raises(Transient):
        contract.open(url).list_in_flight()


def test_many_threads_share_one_client(
    stepped: Emulator, contract: Contract, service: JobService, caplog: pytest.LogCaptureFixture
) -> None:
    """32 at once, each job asked once, and no connection is thrown away."""
    ids = contract.add(stepped, 200)
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(32) as pool:
        list(pool.map(service.stop, map(contract.job, ids)))
    calls = stepped.control.requests(operation=contract.stop_name)
    assert sorted(call["parameters"][contract.id_parameter] for call in calls) == sorted(ids)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("made", "variables", "named"),
    [
        (
            AMAZON,
            {
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/missing",
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
                "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "",
            },
            "missing",
        ),
        (AMAZON, {"HTTPS_PROXY": "garbage://"}, "."),
        (AZURE, {"REQUESTS_CA_BUNDLE": "/missing.pem"}, "missing"),
        (
            AZURE,
            {
                "AZURE_CLIENT_CERTIFICATE_PATH": "/missing.pem",
                "AZURE_CLIENT_ID": "a",
                "AZURE_TENANT_ID": "b",
                KEY_ENV: "",
            },
            "missing",
        ),
        (AZURE, {"HTTPS_PROXY": "garbage://"}, "garbage|proxy"),
    ],
)
def test_an_unusable_environment_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, made: Contract, variables: Mapping[str, str], named: str
) -> None:
    """Whatever the SDK raises for it, the error says what to check."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ServiceError, match=named):
        made.open("https://name.invalid/").list_in_flight()
