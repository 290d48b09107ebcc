"""What only ``services/amazon`` does, against the emulator, through boto3."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator import REGION
from tests.support.services import amazon_service, text_job
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
from translation_job_guard.jobs import JobState
from translation_job_guard.services import amazon
from translation_job_guard.services.amazon import listing
from translation_job_guard.services.amazon.credentials import refuse_unrelated

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")

LIST, STOP, DESCRIBE = "ListTextTranslationJobs", "StopTextTranslationJob", "DescribeTextTranslationJob"
WORDS = ["SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED", "COMPLETED", "COMPLETED_WITH_ERROR", "FAILED"]


@pytest.fixture(scope="module")
def shared(stepped_server: Emulator) -> Iterator[amazon.AmazonTranslate]:
    """One for all tests that do not change it: making a boto3 client takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        yield amazon_service(stepped_server, patch)


@pytest.fixture(name="service")
def _service(stepped: Emulator, shared: amazon.AmazonTranslate) -> amazon.AmazonTranslate:
    # No job starts by itself.
    stepped.control.settings(max_running=0)
    return shared


@pytest.fixture
def own(service: amazon.AmazonTranslate, stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> amazon.AmazonTranslate:
    """Another one, for tests that listen to its events."""
    assert service.place == REGION
    return amazon_service(stepped, monkeypatch)


def add(emulator: Emulator, count: int = 1, **job: Any) -> list[str]:
    return emulator.control.add_jobs([{"region": REGION, **job}] * count)


# Jobs


def test_a_listed_job_has_all_that_scopes_ask(stepped: Emulator, service: amazon.AmazonTranslate) -> None:
    """Name, role, both locations and time, so that nothing else need be asked."""
    [id_] = add(stepped, name="pr-17", role="arn:aws:iam::123456789012:role/own", input="s3://in/x/", output="s3://out")
    [job] = service.list_in_flight()
    assert (job.id, job.name, job.role_arn) == (id_, "pr-17", "arn:aws:iam::123456789012:role/own")
    assert job.locations == ("s3://in/x/", f"s3://out/123456789012-TranslateText-{id_}/")
    assert job.locations_known
    assert job.submitted_at is not None
    assert job.submitted_at.timestamp() == stepped.control.now()
    assert service.locate(job) is job


def test_states_are_listed_one_after_the_other_with_all_pages(
    stepped: Emulator, service: amazon.AmazonTranslate
) -> None:
    """SUBMITTED, IN_PROGRESS, STOP_REQUESTED: 500 a page, and all pages of one before the next."""
    ids = add(stepped, 1001, state="SUBMITTED") + add(stepped, 501) + add(stepped, 2, state="STOP_REQUESTED")
    before = stepped.control.last_request()
    listed = service.list_in_flight()
    assert sorted(job.id for job in listed) == sorted(ids)
    calls = stepped.control.requests(before, operation=LIST)
    assert [(call["parameters"]["Filter"]["JobStatus"], "NextToken" in call["parameters"]) for call in calls] == [
        ("SUBMITTED", False),
        ("SUBMITTED", True),
        ("SUBMITTED", True),
        ("IN_PROGRESS", False),
        ("IN_PROGRESS", True),
        ("STOP_REQUESTED", False),
    ]
    assert {call["parameters"]["MaxResults"] for call in calls} == {500}


def test_a_job_that_moves_is_never_missed(
    stepped: Emulator, own: amazon.AmazonTranslate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it moves on between two pages or two states, the listing shows it, once."""
    monkeypatch.setattr(listing, "PAGE", 2)
    others = [add(stepped, state=word, stop_latency=1000)[0] for word in WORDS[:3] for _ in range(3)]
    moves: dict[int, list[str]] = {}
    moving = ""

    def act() -> None:
        for state in moves.pop(next(pages), ()):
            stepped.control.set_job(moving, state=state)

    own.client.meta.events.register(f"after-call.translate.{LIST}", lambda **_: act())
    for runs_after, stops_after in itertools.combinations_with_replacement(range(1, 8), 2):
        # Oldest, so last of its state: on the second page.
        [moving] = add(stepped, state="SUBMITTED", submitted=stepped.control.now() - 1, stop_latency=1000)
        pages = itertools.count(1)
        moves = {runs_after: ["IN_PROGRESS"]}
        moves.setdefault(stops_after, []).append("STOP_REQUESTED")
        listed = [job.id for job in own.list_in_flight()]
        assert sorted(listed) == sorted([*others, moving]), f"moved after pages {runs_after} and {stops_after}"
        stepped.control.remove_job(moving)


@pytest.mark.parametrize("newer", [["WAITING_FOR_CAPACITY"], ["A", "B"], []])
def test_states_that_a_newer_sdk_knows_are_listed(own: amazon.AmazonTranslate, newer: list[str]) -> None:
    """Wherever such a state stands in a job's course, a job that moves is seen; without one, nothing more is asked."""
    words = [*own.client.meta.service_model.shape_for("JobStatus").enum, *newer]
    known = ["SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED"]
    listed = list(listing.words_in_flight(words))
    assert [word for word in listed if word in known] == known
    for at in range(4):
        course = iter(listed)
        assert all(word in course for new in newer[:1] for word in [*known[:at], new, *known[at:]])
    assert len(listed) == 3 + 4 * len(newer)


def test_an_empty_answer_of_the_service_is_an_empty_listing(own: amazon.AmazonTranslate) -> None:
    """The model does not require the list: whoever answers with a request id may leave it out."""

    def leave_out(parsed: dict[str, Any], **_: Any) -> None:
        assert parsed.pop("TextTranslationJobPropertiesList") == []

    own.client.meta.events.register(f"after-call.translate.{LIST}", leave_out)
    assert own.list_in_flight() == []


# Stop and look


@pytest.mark.parametrize(
    ("state", "setting", "answer"),
    [
        ("IN_PROGRESS", {}, JobState.STOPPING),
        ("SUBMITTED", {}, JobState.STOPPING),
        ("SUBMITTED", {"stop_submitted": "stopped"}, JobState.STOPPED),
        ("SUBMITTED", {"stop_submitted": "ignore"}, JobState.QUEUED),
        ("STOP_REQUESTED", {}, JobState.STOPPING),
        ("COMPLETED", {}, JobState.SUCCEEDED),
    ],
)
def test_stop_answers_the_state(
    stepped: Emulator, service: amazon.AmazonTranslate, state: str, setting: dict[str, Any], answer: JobState
) -> None:
    """What the service says of the job, whatever it did."""
    stepped.control.settings(**setting)
    [id_] = add(stepped, state=state)
    assert service.stop(text_job(id_)) is answer


@pytest.mark.parametrize("variant", ["documented", "model"])
@pytest.mark.parametrize(
    ("setting", "error"),
    [({"stop_ended": "refuse"}, Rejected), ({"stop_ended": "not-found"}, JobNotFound)],
)
def test_stop_of_an_ended_job_may_be_refused(
    stepped: Emulator, service: amazon.AmazonTranslate, variant: str, setting: dict[str, Any], error: type[ServiceError]
) -> None:
    """By the code, whichever HTTP status it comes with."""
    stepped.control.settings(error_status=variant, **setting)
    [id_] = add(stepped, state="COMPLETED")
    with pytest.raises(error, match=f"^{STOP}: .*{id_}.*") as caught:
        service.stop(text_job(id_))
    assert caught.value.operation == STOP


def test_few_jobs_are_described_and_many_are_listed(stepped: Emulator, service: amazon.AmazonTranslate) -> None:
    """Up to 20 one by one; more by one listing since the oldest of them, which tells of lost ones too."""
    add(stepped, 3, state="COMPLETED", submitted=stepped.control.now() - 1000)
    ids = add(stepped, 20, state="COMPLETED") + add(stepped, state="STOPPED")
    known = {job.id: job for job in service.look(list(map(text_job, ids))).values() if job}
    few = [known[id_] for id_ in ids[:19]] + [text_job("f" * 32)]
    before = stepped.control.last_request()
    looked = service.look(few)
    assert [looked[job.id] and looked[job.id].state for job in few] == [JobState.SUCCEEDED] * 19 + [None]  # type: ignore[union-attr]
    assert [call["operation"] for call in stepped.control.requests(before)] == [DESCRIBE] * 20

    many = [known[id_] for id_ in ids] + [text_job("f" * 32)]
    before = stepped.control.last_request()
    looked = service.look(many)
    assert looked.keys() == {job.id for job in many}
    assert looked["f" * 32] is None
    assert {job.state for job in looked.values() if job} == {JobState.SUCCEEDED, JobState.STOPPED}
    [call] = stepped.control.requests(before)
    assert call["operation"] == LIST
    assert call["parameters"]["Filter"].keys() == {"SubmittedAfterTime"}


def test_a_look_keeps_no_process_from_its_end(own: amazon.AmazonTranslate) -> None:
    """The interpreter waits for the threads of an executor, and a look that is left behind may hang for a minute."""
    kinds: list[bool] = []
    own.client.meta.events.register(
        f"before-send.translate.{DESCRIBE}", lambda **_: kinds.append(threading.current_thread().daemon)
    )
    assert own.look([text_job("a" * 32), text_job("b" * 32)]) == {"a" * 32: None, "b" * 32: None}
    assert kinds == [True, True]


# Errors and attempts


@pytest.mark.parametrize("variant", ["documented", "model"])
@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("throttle", {}, Throttled),
        ("throttle", {"code": "ThrottlingException"}, Throttled),
        ("throttle", {"code": "Odd", "status": 429}, Throttled),
        ("error", {"status": 400, "code": "RequestTimeoutException"}, Transient),
        ("error", {"status": 403, "code": "UnrecognizedClientException"}, CredentialsUnusable),
        ("denied", {}, Denied),
        ("expired", {}, CredentialsUnusable),
    ],
)
def test_the_code_decides_what_an_error_means(
    stepped: Emulator,
    service: amazon.AmazonTranslate,
    variant: str,
    kind: str,
    details: dict[str, Any],
    error: type[ServiceError],
) -> None:
    """Whichever HTTP status it comes with: the model's, or the documented one."""
    stepped.control.settings(error_status=variant)
    [id_] = add(stepped)
    stepped.control.fault(STOP, kind, **details)
    with pytest.raises(ServiceError) as caught:
        service.stop(text_job(id_))
    assert type(caught.value) is error


def test_the_environment_does_not_change_the_attempts(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_MAX_ATTEMPTS would hide throttling from the pace."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    stepped.control.fault(STOP, "throttle")
    with pytest.raises(Throttled):
        amazon_service(stepped, monkeypatch).stop(text_job("f" * 32))
    assert len(stepped.control.requests(operation=STOP)) == 1


# The clients


def test_the_client_is_configured(service: amazon.AmazonTranslate) -> None:
    """JSON 1.1, timeouts, and as many connections as the runner has threads."""
    meta = service.client.meta
    assert meta.service_model.resolved_protocol == "json"
    assert (meta.config.connect_timeout, meta.config.read_timeout) == (5, 20)
    assert meta.config.max_pool_connections >= 32


def test_requests_say_who_asks(own: amazon.AmazonTranslate) -> None:
    """In the user agent, which CloudTrail keeps."""
    seen: list[bytes] = []
    own.client.meta.events.register(
        "before-send.translate", lambda request, **_: seen.append(request.headers["User-Agent"])
    )
    own.list_in_flight()
    assert all(b"translation-job-guard" in agent for agent in seen)
    assert len(seen) == 3


def test_endpoints_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """FIPS, dual stack and AWS_ENDPOINT_URL as boto3 has them; a guard's own endpoint comes first."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def endpoint(url: str | None = None) -> str:
        return amazon.AmazonConnection("us-east-1", endpoint_url=url).open().url

    assert endpoint() == "https://translate.us-east-1.amazonaws.com"
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert endpoint() == "https://translate-fips.us-east-1.amazonaws.com"
    monkeypatch.delenv("AWS_USE_FIPS_ENDPOINT")
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    assert endpoint() == "https://translate.us-east-1.api.aws"
    monkeypatch.delenv("AWS_USE_DUALSTACK_ENDPOINT")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert endpoint() == "http://127.0.0.1:1"
    assert endpoint("http://127.0.0.1:2") == "http://127.0.0.1:2"


def test_an_endpoint_that_sts_knows_nothing_of_is_refused(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    """A leftover AWS_ENDPOINT_URL_TRANSLATE would show nothing in flight, in an account that another STS vouches for; a
    guard's own endpoint is meant, and so is one of Amazon's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_TRANSLATE", "http://localhost:4566")
    with pytest.raises(Rejected, match="Unset AWS_ENDPOINT_URL_TRANSLATE"):
        amazon.AmazonConnection("us-east-1").open().account()
    assert emulator.control.requests() == []
    elsewhere = amazon.AmazonConnection("us-east-1", endpoint_url="https://translate.example.com")
    assert elsewhere.open().account() == "123456789012"
    monkeypatch.setenv("AWS_ENDPOINT_URL_TRANSLATE", emulator.url)
    assert amazon.AmazonConnection("us-east-1").open().account() == "123456789012"


@pytest.mark.parametrize(
    ("translate", "sts", "related"),
    [
        ("http://10.0.0.1:4566", "http://10.9.0.1:4566", False),
        ("https://translate.one.com.cn", "https://sts.two.com.cn", False),
        ("https://translate.cn-north-1.amazonaws.com.cn", "https://sts.us-east-1.amazonaws.com", False),
        ("https://amazonaws.com.example.com", "https://sts.us-east-1.amazonaws.com", False),
        ("https://vpce-1.translate.us-east-1.vpce.amazonaws.com", "https://sts.us-east-1.amazonaws.com", True),
        ("https://translate.us-east-1.api.aws", "https://sts.us-east-1.api.aws", True),
        ("http://10.0.0.1:4566", "http://10.0.0.1:4566", True),
    ],
)
def test_sts_vouches_only_for_an_endpoint_of_its_own(translate: str, sts: str, related: bool) -> None:
    """The same host, or two of Amazon's in one partition."""
    with nullcontext() if related else pytest.raises(Rejected, match="Unset AWS_ENDPOINT_URL_TRANSLATE"):
        refuse_unrelated(translate, sts)


def test_an_endpoint_that_is_elsewhere_is_named_by_its_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile may have an endpoint with a user name and a password."""
    (tmp_path / "config").write_text(
        "[profile team]\nservices = odd\n[services odd]\n"
        "translate =\n  endpoint_url = https://user:planted@test.example.com:4566\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(Rejected) as caught:
        amazon.AmazonConnection("us-east-1", profile="team").open().account()
    assert "to test.example.com:4566 and those of STS to sts.us-east-1.amazonaws.com," in str(caught.value)


@pytest.mark.parametrize(
    ("url", "sts"),
    [
        ("http://10.0.0.1:4566", "http://10.0.0.1:4566"),
        ("https://translate.example.com", "https://translate.example.com"),
        ("https://vpce-1.translate.us-east-1.vpce.amazonaws.com", "https://sts.us-east-1.amazonaws.com"),
        (None, "https://sts.us-east-1.amazonaws.com"),
    ],
)
def test_a_host_that_is_not_amazons_vouches_for_itself(
    monkeypatch: pytest.MonkeyPatch, url: str | None, sts: str
) -> None:
    """The real STS would vouch for an account whose jobs are not at a test server that was left in the program."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert amazon.AmazonConnection("us-east-1", endpoint_url=url).open().sts().meta.endpoint_url == sts


def test_an_endpoint_without_a_scheme_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever botocore raises for it, the error says what to check."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    with pytest.raises(ServiceError, match="localhost:4566"):
        amazon.AmazonConnection("us-east-1").open().list_in_flight()


def test_one_job_that_is_refused_hides_no_other(
    stepped: Emulator, own: amazon.AmazonTranslate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How the service says that it knows no such job is not recorded: a refusal leaves that one open."""
    ids = add(stepped, 2)
    describe = own.client.describe_text_translation_job

    def answer(JobId: str) -> Any:  # noqa: N803 - boto3's name
        if JobId == ids[0]:
            error = {"Error": {"Code": "ValidationException", "Message": f'Could not find translation job "{JobId}"'}}
            raise ClientError(error, "DescribeTextTranslationJob")
        return describe(JobId=JobId)

    monkeypatch.setattr(own.client, "describe_text_translation_job", answer)
    looked = own.look([text_job(id_) for id_ in ids])
    assert looked.keys() == {ids[1]}
