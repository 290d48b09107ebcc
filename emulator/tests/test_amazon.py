"""Amazon Translate as the emulator has it, through real boto3. `aws` checks every answer against the service model."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_fixtures import ROLE, aws, listed, start
from translation_job_emulator import Emulator


def code_of(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def status_of(client: Any, job_id: str) -> str:
    return str(client.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]["JobStatus"])


# A job's life


def test_a_started_job_has_what_it_was_started_with(stepped: Emulator) -> None:
    """Describe answers all that Start was given, with the output URI as the service rewrites it."""
    client = aws(stepped)
    key = {"Type": "KMS", "Id": "arn:aws:kms:eu-west-1:123456789012:key/abc"}
    job_id = start(
        client,
        JobName="Verträge 2026/日本",
        OutputDataConfig={"S3Uri": "s3://output-bucket/out/", "EncryptionKey": key},
        TargetLanguageCodes=["fr", "de"],
        TerminologyNames=["terms"],
        Settings={"Formality": "FORMAL"},
    )
    job = client.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]
    assert job["JobName"] == "Verträge 2026/日本"
    assert job["DataAccessRoleArn"] == ROLE
    assert job["OutputDataConfig"] == {
        "S3Uri": f"s3://output-bucket/out/123456789012-TranslateText-{job_id}/",
        "EncryptionKey": key,
    }
    assert job["TargetLanguageCodes"] == ["fr", "de"]
    assert job["Settings"] == {"Formality": "FORMAL"}
    assert job["SubmittedTime"].timestamp() == stepped.control.now()
    assert "EndTime" not in job


def test_the_wire_is_json_with_type_and_request_id(stepped: Emulator) -> None:
    """The client speaks JSON 1.1 and finds a request id in every answer."""
    client = aws(stepped)
    answer = client.list_text_translation_jobs()
    assert client.meta.service_model.resolved_protocol == "json"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert answer["ResponseMetadata"]["RequestId"]


def test_a_job_waits_runs_and_completes(stepped: Emulator) -> None:
    """SUBMITTED for the start latency, IN_PROGRESS for the run time, then COMPLETED at that very time."""
    stepped.control.settings(start_latency=5, run_time=100)
    client = aws(stepped)
    job_id = start(client)
    assert status_of(client, job_id) == "SUBMITTED"
    stepped.control.advance(5)
    assert status_of(client, job_id) == "IN_PROGRESS"
    stepped.control.advance(500)
    job = client.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]
    assert job["JobStatus"] == "COMPLETED"
    assert job["EndTime"] - job["SubmittedTime"] == datetime.timedelta(seconds=105)
    assert job["JobDetails"] == {
        "TranslatedDocumentsCount": 3,
        "DocumentsWithErrorsCount": 0,
        "InputDocumentsCount": 3,
    }


def test_ten_run_and_the_others_wait_their_turn(stepped: Emulator) -> None:
    """The eleventh job of a region waits, until one that runs has ended; another region is not concerned."""
    client = aws(stepped)
    jobs = [start(client) for _ in range(12)]
    assert [status_of(client, job) for job in jobs] == ["IN_PROGRESS"] * 10 + ["SUBMITTED"] * 2
    elsewhere = aws(stepped, region="us-east-1")
    assert status_of(elsewhere, start(elsewhere)) == "IN_PROGRESS"
    client.stop_text_translation_job(JobId=jobs[3])
    assert status_of(client, jobs[10]) == "SUBMITTED"
    stepped.control.advance(2)
    assert [status_of(client, job) for job in jobs[10:]] == ["IN_PROGRESS", "SUBMITTED"]


def test_the_queue_has_an_end(stepped: Emulator) -> None:
    """A job beyond the running and the queued ones is refused."""
    stepped.control.settings(max_running=1, max_queued=2)
    client = aws(stepped)
    for _ in range(3):
        start(client)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        start(client)


# Stop


def test_stop_is_asynchronous(stepped: Emulator) -> None:
    """Stop answers STOP_REQUESTED, and the job is STOPPED once the stop latency has passed."""
    client = aws(stepped)
    job_id = start(client)
    answer = client.stop_text_translation_job(JobId=job_id)
    assert (answer["JobId"], answer["JobStatus"]) == (job_id, "STOP_REQUESTED")
    stepped.control.advance(1.9)
    assert client.stop_text_translation_job(JobId=job_id)["JobStatus"] == "STOP_REQUESTED"
    stepped.control.advance(0.1)
    assert status_of(client, job_id) == "STOPPED"


def test_a_job_that_ends_before_it_is_stopped_completes(stepped: Emulator) -> None:
    """The seed: "If the job completes before it can be stopped, it is put into the COMPLETED state"."""
    client = aws(stepped)
    job_id = start(client)
    stepped.control.advance(599)
    client.stop_text_translation_job(JobId=job_id)
    stepped.control.advance(1)
    assert status_of(client, job_id) == "COMPLETED"


@pytest.mark.parametrize(
    ("setting", "answered", "after"),
    [
        ("stop", "STOP_REQUESTED", "STOPPED"),
        ("stopped", "STOPPED", "STOPPED"),
        ("ignore", "SUBMITTED", "SUBMITTED"),
        ("refuse", None, "SUBMITTED"),
    ],
)
def test_what_stop_does_to_a_queued_job_is_a_setting(
    stepped: Emulator, setting: str, answered: str | None, after: str
) -> None:
    """AWS does not say; a client has to be right under each answer."""
    stepped.control.settings(stop_submitted=setting, max_running=0)
    client = aws(stepped)
    job_id = start(client)
    if answered is None:
        assert code_of(client.stop_text_translation_job, JobId=job_id) == "ValidationException"
    else:
        assert client.stop_text_translation_job(JobId=job_id)["JobStatus"] == answered
    stepped.control.advance(2)
    assert status_of(client, job_id) == after


@pytest.mark.parametrize(
    ("setting", "code"), [("refuse", "ValidationException"), ("not-found", "ResourceNotFoundException")]
)
def test_what_stop_does_to_an_ended_job_is_a_setting(stepped: Emulator, setting: str, code: str) -> None:
    """By default Stop answers the status of a job that has ended; it can be set to an error."""
    client = aws(stepped)
    [job_id] = stepped.control.add_jobs([{"state": "COMPLETED", "region": "eu-west-1"}])
    assert client.stop_text_translation_job(JobId=job_id)["JobStatus"] == "COMPLETED"
    stepped.control.settings(stop_ended=setting)
    assert code_of(client.stop_text_translation_job, JobId=job_id) == code


# Listings


def test_a_listing_has_whole_jobs_newest_first(stepped: Emulator) -> None:
    """An entry of the list is what Describe answers."""
    client = aws(stepped)
    jobs = []
    for _ in range(3):
        jobs.append(start(client))
        stepped.control.advance(1)
    entries = client.list_text_translation_jobs()["TextTranslationJobPropertiesList"]
    assert [entry["JobId"] for entry in entries] == jobs[::-1]
    described = client.describe_text_translation_job(JobId=jobs[2])["TextTranslationJobProperties"]
    assert entries[0] == described


def test_a_page_has_a_hundred_jobs_unless_told_otherwise(stepped: Emulator) -> None:
    """MaxResults is 100 by default and at most 500; NextToken leads through the rest, each job once."""
    client = aws(stepped)
    stepped.control.add_jobs([{"region": "eu-west-1"} for _ in range(620)])
    first = client.list_text_translation_jobs()
    assert len(first["TextTranslationJobPropertiesList"]) == 100
    assert len(client.list_text_translation_jobs(MaxResults=500)["TextTranslationJobPropertiesList"]) == 500
    everything = listed(client, MaxResults=7)
    assert len(everything) == len(set(everything)) == 620


def test_filters(stepped: Emulator) -> None:
    """By name, by status, by time before (oldest first) and after (newest first)."""
    client = aws(stepped)
    one = start(client, JobName="one")
    stepped.control.advance(10)
    middle = datetime.datetime.fromtimestamp(stepped.control.now(), datetime.timezone.utc)
    stepped.control.advance(10)
    two, three = start(client, JobName="two"), start(client, JobName="two")
    client.stop_text_translation_job(JobId=two)
    assert listed(client, Filter={"JobName": "two"}) == [three, two]
    assert listed(client, Filter={"JobName": "tw"}) == []
    assert listed(client, Filter={"JobStatus": "STOP_REQUESTED"}) == [two]
    assert listed(client, Filter={"JobStatus": "IN_PROGRESS"}) == [three, one]
    assert listed(client, Filter={"SubmittedAfterTime": middle}) == [three, two]
    later = middle + datetime.timedelta(hours=1)
    assert listed(client, Filter={"SubmittedBeforeTime": later}) == [one, two, three]


def test_only_one_filter_at_a_time(stepped: Emulator) -> None:
    """Two filters are an InvalidFilterException."""
    client = aws(stepped)
    with pytest.raises(client.exceptions.InvalidFilterException):
        client.list_text_translation_jobs(Filter={"JobName": "one", "JobStatus": "FAILED"})


def test_jobs_move_between_the_pages_of_a_listing(stepped: Emulator) -> None:
    """A job that left a status between two pages is on neither, and takes no other job's place."""
    client = aws(stepped)
    jobs = [start(client) for _ in range(4)][::-1]
    wanted = {"Filter": {"JobStatus": "IN_PROGRESS"}, "MaxResults": 2}
    first = client.list_text_translation_jobs(**wanted)
    stepped.control.set_job(jobs[0], state="COMPLETED")
    stepped.control.set_job(jobs[2], state="COMPLETED")
    second = client.list_text_translation_jobs(**wanted, NextToken=first["NextToken"])
    assert [job["JobId"] for job in first["TextTranslationJobPropertiesList"]] == jobs[:2]
    assert [job["JobId"] for job in second["TextTranslationJobPropertiesList"]] == [jobs[3]]
    assert "NextToken" not in second


def test_offset_paging_misses_a_job_when_another_leaves(stepped: Emulator) -> None:
    """The nastier way to page, as a setting: one listing does not show all that is there."""
    stepped.control.settings(paging="offset")
    client = aws(stepped)
    jobs = [start(client) for _ in range(4)][::-1]
    wanted = {"Filter": {"JobStatus": "IN_PROGRESS"}, "MaxResults": 2}
    first = client.list_text_translation_jobs(**wanted)
    stepped.control.set_job(jobs[0], state="COMPLETED")
    second = client.list_text_translation_jobs(**wanted, NextToken=first["NextToken"])
    assert [job["JobId"] for job in second["TextTranslationJobPropertiesList"]] == [jobs[3]]


def test_jobs_move_between_the_listings_of_a_sweep(stepped: Emulator) -> None:
    """A queued job that starts between the listing of what runs and of what waits is in neither."""
    stepped.control.settings(start_latency=5)
    client = aws(stepped)
    job_id = start(client)
    running = listed(client, Filter={"JobStatus": "IN_PROGRESS"})
    stepped.control.advance(5)
    waiting = listed(client, Filter={"JobStatus": "SUBMITTED"})
    assert (running, waiting) == ([], [])
    assert listed(client, Filter={"JobStatus": "IN_PROGRESS"}) == [job_id]


def test_a_token_is_for_its_own_listing(stepped: Emulator) -> None:
    """Tokens that the service did not give, or gave for another filter, are an InvalidRequestException."""
    client = aws(stepped)
    for _ in range(3):
        start(client)
    token = client.list_text_translation_jobs(MaxResults=1)["NextToken"]
    for request in ({"NextToken": "nonsense"}, {"NextToken": token, "Filter": {"JobName": "job"}}):
        assert code_of(client.list_text_translation_jobs, **request) == "InvalidRequestException"


# What the server checks


def valid(**changes: Any) -> dict[str, Any]:
    return {
        "InputDataConfig": {"S3Uri": "s3://input-bucket/in/", "ContentType": "text/plain"},
        "OutputDataConfig": {"S3Uri": "s3://output-bucket/out/"},
        "DataAccessRoleArn": ROLE,
        "SourceLanguageCode": "en",
        "TargetLanguageCodes": ["fr"],
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"JobName": "x" * 257}, "jobName"),
        ({"JobName": "what?"}, "jobName"),
        ({"DataAccessRoleArn": "arn:aws:iam::123456789012:user/somebody"}, "dataAccessRoleArn"),
        ({"DataAccessRoleArn": f"{ROLE}{'x' * 2048}"}, "dataAccessRoleArn"),
        ({"InputDataConfig": {"S3Uri": "https://bucket/in", "ContentType": "text/plain"}}, "inputDataConfig.s3Uri"),
        ({"InputDataConfig": {"S3Uri": "s3://bucket/in", "ContentType": "text"}}, "inputDataConfig.contentType"),
        ({"OutputDataConfig": {"S3Uri": "s3://Bucket/out"}}, "outputDataConfig.s3Uri"),
        ({"TargetLanguageCodes": ["french"]}, "targetLanguageCodes.1.member"),
        ({"ClientToken": "x" * 65}, "clientToken"),
        ({"ClientToken": "a b"}, "clientToken"),
        ({"Settings": {"Formality": "RUDE"}}, "settings.formality"),
    ],
)
def test_start_is_checked_as_the_model_says(stepped: Emulator, changes: dict[str, Any], path: str) -> None:
    """Maxima, patterns and enums, which botocore leaves to the server."""
    with pytest.raises(ClientError) as caught:
        aws(stepped).start_text_translation_job(**valid(**changes))
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert f"at '{path}' failed to satisfy constraint" in error["Message"]


def test_what_is_required_is_checked_on_the_server(stepped: Emulator) -> None:
    """A client that does not check gets a ValidationException, and for a wrong type a SerializationException."""
    client = aws(stepped, parameter_validation=False)
    assert code_of(client.start_text_translation_job, JobName="job") == "ValidationException"
    assert code_of(client.stop_text_translation_job, JobId=17) == "SerializationException"


@pytest.mark.parametrize(
    "request_", [{"MaxResults": 501}, {"Filter": {"JobStatus": "RUNNING"}}, {"Filter": {"JobName": "a" * 257}}]
)
def test_list_is_checked_as_the_model_says(stepped: Emulator, request_: dict[str, Any]) -> None:
    """The range of MaxResults and the enum of JobStatus."""
    assert code_of(aws(stepped).list_text_translation_jobs, **request_) == "ValidationException"


def test_a_job_id_has_at_most_32_characters(stepped: Emulator) -> None:
    """Stop and Describe check the id before they look for it."""
    client = aws(stepped)
    for call in (client.stop_text_translation_job, client.describe_text_translation_job):
        assert code_of(call, JobId="x" * 33) == "ValidationException"
        assert code_of(call, JobId="x" * 32) == "ResourceNotFoundException"


def test_languages_must_differ(stepped: Emulator) -> None:
    """From English to English is an UnsupportedLanguagePairException."""
    client = aws(stepped)
    with pytest.raises(client.exceptions.UnsupportedLanguagePairException):
        start(client, TargetLanguageCodes=["de", "en"])


def test_a_client_token_starts_one_job(stepped: Emulator) -> None:
    """The same token and request give the same job, in another region another one; another request is an error."""
    client = aws(stepped)
    first = start(client, ClientToken="token-1")
    assert start(client, ClientToken="token-1") == first
    assert len(listed(client)) == 1
    assert start(aws(stepped, region="us-east-1"), ClientToken="token-1") != first
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        start(client, ClientToken="token-1", JobName="other")


def test_error_status_is_a_setting(stepped: Emulator) -> None:
    """HTTP 400 as documented, or what the model says; the code in the body is the same."""
    client = aws(stepped)
    found = []
    for setting in ("documented", "model"):
        stepped.control.settings(error_status=setting)
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            client.stop_text_translation_job(JobId="nobody")
        found.append(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])
    assert found == [400, 404]


# Accounts and regions


def test_accounts_and_regions_do_not_see_each_other(stepped: Emulator) -> None:
    """A job is in the account of the access key and in the region that the request is signed for."""
    stepped.control.settings(accounts={"AKIAOTHER": "210987654321"})
    mine, theirs = aws(stepped), aws(stepped, access_key_id="AKIAOTHER")
    job_id = start(theirs)
    assert listed(mine) == listed(aws(stepped, region="us-east-1", access_key_id="AKIAOTHER")) == []
    assert code_of(mine.stop_text_translation_job, JobId=job_id) == "ResourceNotFoundException"
    job = theirs.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]
    assert job["OutputDataConfig"]["S3Uri"].endswith(f"/210987654321-TranslateText-{job_id}/")
    assert aws(stepped, "sts", access_key_id="AKIAOTHER").get_caller_identity()["Account"] == "210987654321"


def test_an_assumed_role_is_in_the_account_of_its_arn(stepped: Emulator) -> None:
    """STS and Translate agree on the account of temporary credentials."""
    credentials = aws(stepped, "sts").assume_role(
        RoleArn="arn:aws:iam::111122223333:role/deployer", RoleSessionName="session"
    )["Credentials"]
    assumed = {
        "access_key_id": credentials["AccessKeyId"],
        "secret": credentials["SecretAccessKey"],
        "session_token": credentials["SessionToken"],
    }
    start(aws(stepped, **assumed))
    assert aws(stepped, "sts", **assumed).get_caller_identity()["Account"] == "111122223333"
    assert [job["account"] for job in stepped.control.jobs()] == ["111122223333"]


def test_partitions(stepped: Emulator) -> None:
    """A role of China or GovCloud is taken as it is."""
    for partition, region in (("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")):
        role = f"arn:{partition}:iam::123456789012:role/translate"
        client = aws(stepped, region=region)
        job_id = start(client, DataAccessRoleArn=role)
        job = client.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]
        assert job["DataAccessRoleArn"] == role


# Request rates


def test_request_rates_are_by_operation(stepped: Emulator) -> None:
    """Above its rate an operation is throttled, others are not; time gives the tokens back."""
    stepped.control.settings(rates={"StopTextTranslationJob": 5})
    client = aws(stepped)
    job_id = start(client)
    for _ in range(5):
        client.stop_text_translation_job(JobId=job_id)
    assert code_of(client.stop_text_translation_job, JobId=job_id) == "TooManyRequestsException"
    assert listed(client) == [job_id]
    stepped.control.settings(throttling_code="ThrottlingException")
    assert code_of(client.stop_text_translation_job, JobId=job_id) == "ThrottlingException"
    stepped.control.advance(0.2)
    client.stop_text_translation_job(JobId=job_id)
    assert code_of(client.stop_text_translation_job, JobId=job_id) == "ThrottlingException"
