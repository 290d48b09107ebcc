"""The check of Amazon Translate."""

from __future__ import annotations

import argparse
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from live.check import ENDED, Check, CheckFailed, Clock
from live.transcript import Step, record_boto3

MOST_DOCUMENTS = 100
MOST_BYTES = 1_000_000
PRICE = 15 / 1_000_000
"""USD a character (aws.amazon.com/translate/pricing); a byte is one character at most."""


class AmazonCheck(Check):
    service = "amazon-translate"

    @classmethod
    def problems(cls, given: argparse.Namespace) -> list[str]:
        found = []
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", given.region or ""):
            found.append("--region: name the region to look at, for instance --region eu-west-1.")
        for name in ("input", "output"):
            if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+/.+", getattr(given, name) or ""):
                found.append(f"--{name}: name a folder of an existing bucket, --{name} s3://BUCKET/FOLDER/.")
        if not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/.+", given.role or ""):
            found.append(
                "--role: give the ARN of a role that Amazon Translate can assume and that reads --input and writes "
                "--output, --role arn:aws:iam::ACCOUNT:role/NAME."
            )
        return found

    def __init__(self, given: argparse.Namespace, clock: Clock) -> None:
        super().__init__(given, clock)
        self._session = boto3.Session(region_name=given.region)
        config = Config(retries={"mode": "standard"})
        self._translate: Any = self._session.client("translate", config=config)
        record_boto3(self._translate, self.transcript)
        self.transcript.about |= {"region": given.region, "boto3": boto3.__version__}

    def prepare(self) -> list[str]:
        given, keys = self.given, self._session.get_credentials()
        if keys is None:
            raise CheckFailed("There are no AWS credentials here: set AWS_PROFILE, or log in with `aws sso login`.")
        frozen = keys.get_frozen_credentials()
        places = (urlsplit(given.input).netloc, urlsplit(given.output).netloc)
        self.transcript.hide(frozen.access_key, frozen.secret_key, frozen.token, *places, given.role)
        self.transcript.hide(given.role.split(":")[4], given.role.rpartition("/")[2])
        try:
            self._translate.list_text_translation_jobs(MaxResults=1)
        except (BotoCoreError, ClientError) as error:
            raise CheckFailed(f"--region {given.region}: Amazon Translate's jobs cannot be listed: {error}") from error
        self._find_bucket("output", urlsplit(given.output).netloc)
        count, size = self._measure_input()
        jobs = 5 if given.stack else 3
        return [
            f"Cost: {jobs} jobs in {given.region}, each of {count} documents with {size:,} bytes under {given.input}; "
            f"at most {jobs * size * PRICE:.2f} USD.",
            "Clean-up: it asks each of these jobs to stop, no others, and waits until they have ended.",
            f"What stays: jobs cannot be deleted, so listings show {self.run_id}-… as ended; what they have translated "
            f"is under {given.output}.",
        ]

    def _find_bucket(self, option: str, bucket: str) -> None:
        try:
            self._session.client("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                raise CheckFailed(f"--{option}: there is no bucket {bucket}; name one that exists.") from error
            # Not to be allowed to see it says nothing of the role that the jobs use.

    def _measure_input(self) -> tuple[int, int]:
        place = urlsplit(self.given.input)
        self._find_bucket("input", place.netloc)
        request = {"Bucket": place.netloc, "Prefix": place.path.lstrip("/"), "MaxKeys": MOST_DOCUMENTS + 1}
        try:
            found = self._session.client("s3").list_objects_v2(**request).get("Contents", [])
        except ClientError as error:
            raise CheckFailed(f"--input: what it would cost cannot be seen; allow s3:ListBucket: {error}") from error
        documents = [entry["Size"] for entry in found if entry["Size"]]
        if not documents:
            raise CheckFailed("--input: there are no documents; put one or two small .txt files there.")
        if len(found) > MOST_DOCUMENTS or sum(documents) > MOST_BYTES:
            raise CheckFailed(
                f"--input: there are more than {MOST_DOCUMENTS} documents or {MOST_BYTES:,} bytes, which would cost "
                "much; name a folder with one or two small .txt files."
            )
        return len(documents), sum(documents)

    def run(self) -> None:
        step, patience = self.transcript.step, self.given.patience
        self.start("queued")
        with step(Step.STOP_QUEUED):
            self.state("queued")
            self.stop("queued")
            self.state("queued")
        self.clock.pause(1)
        self.start("running")
        with step(Step.LIST_QUEUED):
            self.state("running")
            self._list(Filter={"JobStatus": "SUBMITTED"})
            self.state("running")
        self._look_at_listings()
        if self.wait("running", {"IN_PROGRESS", *ENDED}, patience) == "IN_PROGRESS":
            with step(Step.STOP_RUNNING):
                self.stop("running")
                self.state("running")
            with step(Step.STOP_STOPPING):
                self.stop("running")
        else:
            self.stop("running")
        if self.wait("queued", {"IN_PROGRESS", *ENDED}, patience) == "IN_PROGRESS":
            self.stop("queued")
        if self.wait("queued", ENDED, patience) in ENDED:
            with step(Step.STOP_STOPPED):
                self.stop("queued")
        self.wait("running", ENDED, patience)
        with step(Step.STOP_UNKNOWN):
            unknown = secrets.token_hex(16)
            self.transcript.names[unknown] = "unknown"
            self.ask_to_stop(unknown)

    def _look_at_listings(self) -> None:
        step, now = self.transcript.step, self.clock.now()
        with step(Step.LIST):
            self._list()
        with step(Step.LIST_AFTER):
            self._list(Filter={"SubmittedAfterTime": self.transcript.begun - 60})
        with step(Step.LIST_BEFORE):
            self._list(Filter={"SubmittedBeforeTime": now + 1})
        with step(Step.PAGE_1):
            token = self._list(MaxResults=1)
        self.clock.pause(1)
        # A job comes in between two pages: whether a page then begins where the one before it ended.
        self.start("between")
        if token:
            with step(Step.PAGE_2):
                self._list(MaxResults=1, NextToken=token)

    def _list(self, **request: Any) -> str | None:
        try:
            answer = self._translate.list_text_translation_jobs(**{"MaxResults": 50, **request})
        except ClientError:
            return None
        return str(answer["NextToken"]) if "NextToken" in answer else None

    def state(self, name: str) -> str:
        answer = self._translate.describe_text_translation_job(JobId=self.started[name])
        return str(answer["TextTranslationJobProperties"]["JobStatus"])

    def ask_to_stop(self, job_id: str) -> None:
        try:
            self._translate.stop_text_translation_job(JobId=job_id)
        except ClientError:
            return

    def submit(self, name: str) -> str:
        given = self.given
        try:
            answer = self._translate.start_text_translation_job(
                JobName=f"{self.run_id}-{name}",
                InputDataConfig={"S3Uri": given.input, "ContentType": "text/plain"},
                OutputDataConfig={"S3Uri": given.output},
                DataAccessRoleArn=given.role,
                SourceLanguageCode="en",
                TargetLanguageCodes=["fr"],
            )
        except ClientError as error:
            raise CheckFailed(f"No job can be started with --input, --output and --role: {error}") from error
        return str(answer["JobId"])

    def stack_config(self) -> dict[str, str]:
        return {"region": self.given.region, "jobs": f"{self.run_id}-guarded-"}
