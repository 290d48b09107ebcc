"""Faults to order, and what the clients' own retries make of them."""

from __future__ import annotations

import contextlib

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from emulator_fixtures import aws, azure, listed, start, submit
from translation_job_emulator import ControlError, Emulator

STOP = "StopTextTranslationJob"


def test_boto3_retries_what_is_throttled(emulator: Emulator) -> None:
    """Two throttled requests and the one that gets through are all in the log."""
    client = aws(emulator, attempts=3)
    job_id = start(client)
    emulator.control.fault(STOP, "throttle", times=2)
    answer = client.stop_text_translation_job(JobId=job_id)
    assert (answer["JobStatus"], answer["ResponseMetadata"]["RetryAttempts"]) == ("STOP_REQUESTED", 2)
    calls = emulator.control.requests(operation=STOP)
    assert [(call["status"], call["error"], call["fault"]) for call in calls] == [
        (400, "TooManyRequestsException", "throttle"),
        (400, "TooManyRequestsException", "throttle"),
        (200, None, None),
    ]


@pytest.mark.parametrize("status", [500, 503])
def test_boto3_retries_server_errors(emulator: Emulator, status: int) -> None:
    """An internal error and an unavailable service are tried again, and raised when attempts run out."""
    client = aws(emulator, attempts=2)
    job_id = start(client)
    emulator.control.fault(STOP, "error", times=1, status=status)
    assert client.stop_text_translation_job(JobId=job_id)["ResponseMetadata"]["RetryAttempts"] == 1
    emulator.control.fault(STOP, "error", status=status)
    with pytest.raises(ClientError) as caught:
        client.stop_text_translation_job(JobId=job_id)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(("when", "state"), [("before", "IN_PROGRESS"), ("after", "STOP_REQUESTED")])
def test_a_connection_is_dropped_before_or_after_the_effect(stepped: Emulator, when: str, state: str) -> None:
    """The client cannot tell which, the job can."""
    client = aws(stepped)
    job_id = start(client)
    stepped.control.fault(STOP, "drop", times=1, when=when)
    with pytest.raises(ConnectionClosedError):
        client.stop_text_translation_job(JobId=job_id)
    assert stepped.control.job(job_id)["state"] == state
    assert [call["error"] for call in stepped.control.requests(operation=STOP)] == ["dropped"]


def test_an_error_may_come_after_the_effect(stepped: Emulator) -> None:
    """A 500 for a stop that was taken."""
    client = aws(stepped)
    job_id = start(client)
    stepped.control.fault(STOP, "error", when="after")
    with pytest.raises(client.exceptions.InternalServerException):
        client.stop_text_translation_job(JobId=job_id)
    assert stepped.control.job(job_id)["state"] == "STOP_REQUESTED"


def test_slow_answers_run_into_the_clients_timeout(emulator: Emulator) -> None:
    """The request has come in, as the log tells while it is still being answered."""
    client = aws(emulator, read_timeout=0.2)
    emulator.control.fault("ListTextTranslationJobs", "slow", seconds=1)
    with pytest.raises(ReadTimeoutError):
        client.list_text_translation_jobs()
    [call] = emulator.control.wait_for_requests(operation="ListTextTranslationJobs", arrived=True)
    assert call["fault"] == "slow"


def test_a_stop_request_may_be_ignored_so_many_times(stepped: Emulator) -> None:
    """Answered with 200 and without effect, for each job by itself."""
    client = aws(stepped)
    jobs = [start(client), start(client)]
    stepped.control.fault(STOP, "ignore-stop", times=2, per_job=True)
    for job_id in jobs:
        states = [client.stop_text_translation_job(JobId=job_id)["JobStatus"] for _ in range(3)]
        assert states == ["IN_PROGRESS", "IN_PROGRESS", "STOP_REQUESTED"]


def test_a_stop_may_lose_the_race(stepped: Emulator) -> None:
    """STOP_REQUESTED, and COMPLETED in the end; the same at Azure."""
    stepped.control.fault(kind="lose-race")
    amazon, microsoft = aws(stepped), azure(stepped)
    job_id, translation = start(amazon), submit(microsoft)
    assert amazon.stop_text_translation_job(JobId=job_id)["JobStatus"] == "STOP_REQUESTED"
    microsoft.cancel_translation(translation)
    stepped.control.advance(2)
    assert [stepped.control.job(one)["state"] for one in (job_id, translation)] == ["COMPLETED", "Succeeded"]


def test_a_queued_job_may_not_be_stopped_yet(stepped: Emulator) -> None:
    """An error while it waits; once it runs, it is stopped."""
    stepped.control.settings(start_latency=5)
    stepped.control.fault(kind="not-yet")
    amazon, microsoft = aws(stepped), azure(stepped)
    job_id, translation = start(amazon), submit(microsoft)
    with pytest.raises(ClientError, match="cannot be stopped yet"):
        amazon.stop_text_translation_job(JobId=job_id)
    with pytest.raises(HttpResponseError, match="cannot be cancelled"):
        microsoft.cancel_translation(translation)
    stepped.control.advance(5)
    assert amazon.stop_text_translation_job(JobId=job_id)["JobStatus"] == "STOP_REQUESTED"
    microsoft.cancel_translation(translation)


def test_jobs_may_appear_late_in_listings(stepped: Emulator) -> None:
    """Not listed in their first seconds, or in so many listings; Describe and Stop know them at once."""
    amazon, microsoft = aws(stepped), azure(stepped)
    stepped.control.settings(listing_delay=3)
    job_id, translation = start(amazon), submit(microsoft)
    assert amazon.describe_text_translation_job(JobId=job_id)
    assert listed(amazon) == list(microsoft.list_translation_statuses()) == []
    stepped.control.advance(3)
    assert listed(amazon) == [job_id]
    assert [one.id for one in microsoft.list_translation_statuses()] == [translation]
    stepped.control.fault("ListTextTranslationJobs", "late", times=1, job={"name": "jo*"})
    assert [listed(amazon), listed(amazon)] == [[], [job_id]]


def test_denied_operations(uncached: Emulator) -> None:
    """AccessDeniedException or 403, for that operation and that caller alone, and nothing happens."""
    amazon, microsoft = aws(uncached), azure(uncached)
    job_id, translation = start(amazon), submit(microsoft)
    uncached.control.fault(STOP, "denied", match={"credential": "AKIAEMULATOR"})
    uncached.control.fault("CancelTranslation", "denied")
    with pytest.raises(ClientError, match=r"\(AccessDeniedException\).*translate:StopTextTranslationJob"):
        amazon.stop_text_translation_job(JobId=job_id)
    with pytest.raises(HttpResponseError) as caught:
        microsoft.cancel_translation(translation)
    assert caught.value.status_code == 403
    assert listed(amazon) == [job_id]
    assert {job["state"] for job in uncached.control.jobs()} == {"IN_PROGRESS", "Running"}
    assert aws(uncached, access_key_id="AKIAADMIN").stop_text_translation_job(JobId=job_id)


def test_expired_credentials(stepped: Emulator) -> None:
    """ExpiredTokenException or 401; STS has its own spelling."""
    stepped.control.fault(kind="expired")
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        listed(aws(stepped))
    with pytest.raises(ClientError, match=r"\(ExpiredToken\)"):
        aws(stepped, "sts").get_caller_identity()
    with pytest.raises(ClientAuthenticationError):
        list(azure(stepped).list_translation_statuses())


def test_azure_core_waits_as_long_as_retry_after_says(emulator: Emulator) -> None:
    """Throttled with Retry-After, a DELETE is sent again, and a 400 with it is, too."""
    client = azure(emulator, retry_total=3)
    first, second = submit(client), submit(client)
    emulator.control.fault("CancelTranslation", "throttle", times=1, retry_after=0)
    client.cancel_translation(first)
    emulator.control.fault("CancelTranslation", "error", times=1, status=400, retry_after=0)
    client.cancel_translation(second)
    calls = emulator.control.requests(operation="CancelTranslation")
    assert [call["status"] for call in calls] == [429, 200, 400, 200]


def test_azure_core_retries_without_being_told_how_long_to_wait(emulator: Emulator) -> None:
    """429 and 503 are tried again after the client's own delay, 403 is not."""
    client = azure(emulator, retry_total=3, retry_backoff_factor=0.01)
    emulator.control.fault("GetTranslationsStatus", "throttle", times=1)
    emulator.control.fault("GetTranslationsStatus", "error", times=1, status=503)
    assert list(client.list_translation_statuses()) == []
    emulator.control.fault("GetTranslationsStatus", "denied")
    with pytest.raises(HttpResponseError):
        list(client.list_translation_statuses())
    assert [call["status"] for call in emulator.control.requests()] == [429, 503, 200, 403]


def test_a_dropped_cancel_is_sent_again_and_then_refused(emulator: Emulator) -> None:
    """azure-core repeats a DELETE whose answer was lost: the second one finds the batch being cancelled."""
    emulator.control.settings(stop_latency=60)
    translation = submit(azure(emulator))
    emulator.control.fault("CancelTranslation", "drop", times=1, when="after")
    with pytest.raises(HttpResponseError, match="its status is Cancelling"):
        azure(emulator, retry_total=1, retry_backoff_factor=0.01).cancel_translation(translation)
    emulator.control.fault("CancelTranslation", "drop")
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        azure(emulator).cancel_translation(translation)


def test_faults_strike_after_so_many_and_with_a_probability(stepped: Emulator) -> None:
    """`after` lets the first ones through; the same seed strikes the same requests."""
    client = aws(stepped)

    def struck(seed: int, after: int) -> list[bool]:
        stepped.control.clear_faults()
        stepped.control.fault("ListTextTranslationJobs", "throttle", probability=0.5, seed=seed, after=after)
        since = stepped.control.last_request()
        for _ in range(20):
            with contextlib.suppress(client.exceptions.TooManyRequestsException):
                client.list_text_translation_jobs()
        return [call["status"] != 200 for call in stepped.control.requests(since)]

    assert struck(1, 0) == struck(1, 0) != struck(2, 0)
    assert not any(struck(1, 20))
    assert any(struck(1, 5)[5:])


def test_faults_may_be_for_one_job_or_region(stepped: Emulator) -> None:
    """`match` has patterns over the parameters and over account, region and resource."""
    client, elsewhere = aws(stepped), aws(stepped, region="us-west-2")
    stepped.control.add_jobs([{"id": name, "region": "eu-west-1"} for name in ("pr-1-a", "pr-2-a")])
    stepped.control.fault(STOP, "throttle", match={"JobId": "pr-1-*"})
    stepped.control.fault("ListTextTranslationJobs", "denied", match={"region": ["us-west-2", "us-east-1"]})
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.stop_text_translation_job(JobId="pr-1-a")
    client.stop_text_translation_job(JobId="pr-2-a")
    assert len(listed(client)) == 2
    with pytest.raises(ClientError, match="AccessDenied"):
        listed(elsewhere)
    assert [fault["hits"] for fault in stepped.control.faults()] == [1, 1]


def test_an_unknown_fault_is_refused(stepped: Emulator) -> None:
    """With the kinds that there are."""
    with pytest.raises(ControlError, match="'gremlin' is not a kind of fault"):
        stepped.control.fault(kind="gremlin")


def test_other_aws_services_have_faults_as_well(stepped: Emulator) -> None:
    """STS, IAM and S3 are denied and throttled in their own words."""
    stepped.control.fault("GetCallerIdentity", "throttle", times=1)
    stepped.control.fault("GetCallerIdentity", "denied", times=1)
    sts = aws(stepped, "sts")
    for code in ("Throttling", "AccessDenied"):
        with pytest.raises(ClientError, match=code):
            sts.get_caller_identity()
    assert sts.get_caller_identity()["Account"] == "123456789012"
