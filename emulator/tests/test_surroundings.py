"""S3, IAM and STS beside the jobs that need them, through one endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_fixtures import ACCESS, aws, start
from translation_job_emulator import Emulator


def keys(s3: Any, bucket: str = "output-bucket") -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def empty(s3: Any, bucket: str = "output-bucket") -> None:
    for key in keys(s3, bucket):
        s3.delete_object(Bucket=bucket, Key=key)


def test_a_running_job_writes_into_its_output_bucket(stepped: Emulator, s3: Any) -> None:
    """One object for each document and language, as it goes on, under the prefix that Describe answers."""
    client = aws(stepped)
    job_id = start(client, TargetLanguageCodes=["fr", "de"])
    prefix = f"out/123456789012-TranslateText-{job_id}/"
    assert keys(s3) == [f"{prefix}de.a.txt", f"{prefix}fr.a.txt"]
    stepped.control.advance(300)
    assert keys(s3) == [f"{prefix}{name}" for name in ("de.a.txt", "de.b.txt", "fr.a.txt", "fr.b.txt")]
    details = client.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]["JobDetails"]
    assert (details["InputDocumentsCount"], details["TranslatedDocumentsCount"]) == (2, 1)


def test_a_job_writes_on_until_it_has_really_stopped(stepped: Emulator, s3: Any) -> None:
    """Between the stop request and STOPPED a bucket can fill again; after that it cannot."""
    stepped.control.settings(stop_latency=400, run_time=600)
    client = aws(stepped)
    job_id = start(client)
    client.stop_text_translation_job(JobId=job_id)
    empty(s3)
    stepped.control.advance(399)
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket="output-bucket")
    stepped.control.advance(1)
    assert stepped.control.job(job_id)["state"] == "STOPPED"
    empty(s3)
    s3.delete_bucket(Bucket="output-bucket")


def test_a_job_fails_when_its_bucket_is_gone(stepped: Emulator, s3: Any) -> None:
    """At once, with a message."""
    client = aws(stepped)
    job_id = start(client)
    empty(s3)
    s3.delete_bucket(Bucket="output-bucket")
    job = client.describe_text_translation_job(JobId=job_id)["TextTranslationJobProperties"]
    assert job["JobStatus"] == "FAILED"
    assert "output-bucket" in job["Message"]


def test_a_job_fails_when_its_role_is_gone(stepped: Emulator, iam: Any) -> None:
    """The one that runs at once, the one that waits when it starts."""
    stepped.control.settings(max_running=1)
    client = aws(stepped)
    jobs = [start(client), start(client)]
    assert [stepped.control.job(job)["state"] for job in jobs] == ["IN_PROGRESS", "SUBMITTED"]
    iam.delete_role(RoleName="translate")
    assert [stepped.control.job(job)["state"] for job in jobs] == ["FAILED", "FAILED"]


def test_jobs_need_only_what_was_there_when_they_started(stepped: Emulator) -> None:
    """Assumption, and a setting: without bucket and role a job runs; "always" refuses it, "never" does not look."""
    client = aws(stepped)
    assert stepped.control.job(start(client))["state"] == "IN_PROGRESS"
    stepped.control.settings(check_resources="always")
    with pytest.raises(client.exceptions.InvalidRequestException):
        start(client)


def test_never_looking_at_resources(stepped: Emulator, s3: Any) -> None:
    """With "never" a job neither writes nor fails."""
    stepped.control.settings(check_resources="never")
    job_id = start(aws(stepped))
    assert keys(s3) == []
    s3.delete_bucket(Bucket="output-bucket")
    assert stepped.control.job(job_id)["state"] == "IN_PROGRESS"


def test_objects_and_names_come_through_unchanged(s3: Any) -> None:
    """Any key and any bytes, in one piece or in parts."""
    body = bytes(range(256)) * 40_000
    for key in ("a b/ü+%25.txt", "plus+and&equals=", "x" * 900):
        s3.put_object(Bucket="input-bucket", Key=key, Body=body)
        assert s3.get_object(Bucket="input-bucket", Key=key)["Body"].read() == body
        s3.delete_object(Bucket="input-bucket", Key=key)


def test_a_bucket_may_be_called_like_a_path_of_the_emulator(stepped: Emulator) -> None:
    """What is signed goes to AWS."""
    client = aws(stepped, "s3", region="us-east-1")
    client.create_bucket(Bucket="azure")
    client.put_object(Bucket="azure", Key="translator/document", Body=b"text")
    assert keys(client, "azure") == ["translator/document"]


def test_keys_and_roles_are_kept_as_well(stepped: Emulator, iam: Any) -> None:
    """KMS, and role policies that keep a role from being deleted."""
    key = aws(stepped, "kms").create_key()["KeyMetadata"]
    assert key["AWSAccountId"] == "123456789012"
    iam.put_role_policy(RoleName="translate", PolicyName="s3", PolicyDocument=ACCESS)
    with pytest.raises(ClientError, match="DeleteConflict"):
        iam.delete_role(RoleName="translate")


def test_requests_to_all_services_are_in_the_log(stepped: Emulator, s3: Any) -> None:
    """With service, operation, account, region, credential and what came of it."""
    since = stepped.control.last_request()
    aws(stepped, "sts").get_caller_identity()
    with pytest.raises(ClientError):
        s3.get_object(Bucket="input-bucket", Key="nothing")
    shown = ("service", "operation", "account", "credential", "status", "error")
    assert [tuple(call[name] for name in shown) for call in stepped.control.requests(since)] == [
        ("sts", "GetCallerIdentity", "123456789012", "AKIAEMULATOR", 200, None),
        ("s3", "GET /input-bucket/nothing", "123456789012", "AKIAEMULATOR", 404, "NoSuchKey"),
    ]


def test_a_reset_takes_buckets_and_roles_away(stepped: Emulator, s3: Any, iam: Any) -> None:
    """As new."""
    stepped.control.reset()
    assert s3.list_buckets()["Buckets"] == []
    assert iam.list_roles()["Roles"] == []


def test_a_reset_removes_what_another_emulator_has_left(stepped: Emulator, s3: Any) -> None:  # noqa: ARG001
    """They share buckets and roles, also with one that has not been asked for any yet."""
    with Emulator() as other:
        other.control.reset()
        assert aws(other, "s3").list_buckets()["Buckets"] == []
