"""Amazon Translate's batch jobs, apart from HTTP."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import itertools
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from translation_job_emulator.clock import Timeline
from translation_job_emulator.lifecycle import Job, Lifecycle, PlaceName, States
from translation_job_emulator.settings import Settings

STATES = States(
    queued="SUBMITTED",
    running="IN_PROGRESS",
    stopping="STOP_REQUESTED",
    stopped="STOPPED",
    succeeded="COMPLETED",
    ended=frozenset({"STOPPED", "COMPLETED", "COMPLETED_WITH_ERROR", "FAILED"}),
)


class TranslateError(Exception):
    """An error of the service, by the code that a client sees."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Surroundings(Protocol):
    """The buckets and roles that jobs need."""

    def has_bucket(self, uri: str, /) -> bool:
        """Check whether the bucket of an S3 URI exists."""

    def has_role(self, arn: str, /) -> bool:
        """Check whether a role exists."""

    def documents(self, uri: str, /) -> list[str] | None:
        """Return the names of the objects under an S3 URI, or None if the bucket does not exist."""

    def write(self, uri: str, body: bytes, /) -> None:
        """Write an object."""


@dataclasses.dataclass
class TranslateJob(Job):
    """A text translation job."""

    request: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What StartTextTranslationJob was asked, with the output URI as the service rewrites it."""
    documents: list[str] = dataclasses.field(default_factory=list)
    needs_role: bool = False
    needs_input: bool = False
    needs_output: bool = False

    @property
    def name(self) -> str | None:
        """Return the name that the client gave the job."""
        name = self.request.get("JobName")
        return None if name is None else str(name)

    @property
    def role(self) -> str:
        """Return the ARN of the role that the job runs under."""
        return str(self.request["DataAccessRoleArn"])

    @property
    def output(self) -> str:
        """Return the S3 URI that the job writes to."""
        return str(self.request["OutputDataConfig"]["S3Uri"])

    @property
    def input(self) -> str:
        """Return the S3 URI that the job reads from."""
        return str(self.request["InputDataConfig"]["S3Uri"])


class Translate(Lifecycle[TranslateJob]):
    """The batch jobs of every account and region."""

    states = STATES

    def __init__(
        self, timeline: Timeline, settings: Settings, changed: Callable[[], None], surroundings: Surroundings
    ) -> None:
        super().__init__(timeline, settings, changed)
        self._surroundings = surroundings
        self._tokens: dict[tuple[PlaceName, str], tuple[dict[str, Any], TranslateJob]] = {}

    # The operations

    def start(self, place: PlaceName, request: Mapping[str, Any]) -> TranslateJob:
        """Start a job.

        Args:
            place: account and region.
            request: the valid request of StartTextTranslationJob.

        Raises:
            TranslateError: the service refuses the request.
        """
        asked = {key: value for key, value in request.items() if key != "ClientToken"}
        token = (place, str(request["ClientToken"]))
        if token in self._tokens:
            before, job = self._tokens[token]
            if before != asked:
                raise TranslateError(
                    "InvalidParameterValueException", "The ClientToken was used before with other parameters."
                )
            return job
        if request["SourceLanguageCode"] in request["TargetLanguageCodes"]:
            pair = f"{request['SourceLanguageCode']} to {request['SourceLanguageCode']}"
            raise TranslateError(
                "UnsupportedLanguagePairException",
                f"Unsupported language pair: {pair}. The target language must not be the source language.",
            )
        if self.place(place).count(STATES.queued) >= self.settings.max_queued:
            raise TranslateError(
                self.settings.throttling_code,
                "You have reached the maximum number of queued batch translation jobs.",
            )
        job = self._new(place, secrets.token_hex(16), self.timeline.now, asked)
        if self.settings.check_resources == "always":
            self._must_exist(job)
        self._tokens[token] = (asked, job)
        self.enter(job)
        return job

    def describe(self, place: PlaceName, job_id: str) -> TranslateJob:
        """Return a job.

        Raises:
            TranslateError: The job does not exist.
        """
        job = self.place(place).jobs.get(job_id)
        if job is None:
            raise TranslateError("ResourceNotFoundException", f"Translation job {job_id} was not found.")
        return job

    def request_stop(
        self,
        place: PlaceName,
        job_id: str,
        *,
        ignored: bool = False,
        loses_race: bool = False,
        not_yet: bool = False,
    ) -> str:
        """Ask a job to stop, and return the status that the service answers.

        Args:
            place: account and region.
            job_id: the job.
            ignored: whether the service answers as usual and does nothing.
            loses_race: whether the job succeeds although it was asked to stop.
            not_yet: whether a queued job cannot be stopped yet.

        Raises:
            TranslateError: The job does not exist, or the service refuses to stop it.
        """
        job = self.describe(place, job_id)
        how = self.settings.stop_submitted
        if job.state in STATES.ended:
            if self.settings.stop_ended == "refuse":
                raise TranslateError("ValidationException", f"Job {job_id} has ended: it is {job.state}.")
            if self.settings.stop_ended == "not-found":
                raise TranslateError("ResourceNotFoundException", f"Job {job_id} is not in progress.")
            return job.state
        if job.state == STATES.stopping:
            return job.state
        if job.state == STATES.queued and (not_yet or how == "refuse"):
            raise TranslateError("ValidationException", f"Job {job_id} is {job.state} and cannot be stopped yet.")
        if ignored or (job.state == STATES.queued and how == "ignore"):
            return job.state
        job.wins_race = loses_race
        if job.state == STATES.queued and how == "stopped":
            self.put(job, STATES.stopped)
        else:
            self.stop(job)
        return job.state

    def page(
        self,
        place: PlaceName,
        wanted: Mapping[str, Any],
        limit: int,
        token: str | None,
        hidden: Callable[[TranslateJob], bool] | None = None,
    ) -> tuple[list[TranslateJob], str | None]:
        """Return a page of a listing, and the token of the next page.

        Args:
            place: account and region.
            wanted: the request's `Filter`.
            limit: the number of jobs on a page.
            token: the request's `NextToken`.
            hidden: tells which jobs a fault hides.

        Raises:
            TranslateError: there is more than one filter, or the token is not valid.
        """
        if len(wanted) > 1:
            raise TranslateError(
                "InvalidFilterException",
                "Only one filter can be set at a time: " + ", ".join(sorted(wanted)) + ".",
            )
        position = _read_token(token, wanted)
        offset = position if isinstance(position, int) else 0
        after = position if isinstance(position, tuple) else None
        found = itertools.islice(self._listing(place, wanted, after, hidden), offset, offset + limit + 1)
        page = list(found)
        if len(page) <= limit:
            return page, None
        page.pop()
        following = offset + limit if self.settings.paging == "offset" else page[-1].key
        return page, _write_token(following, wanted)

    def _listing(
        self,
        place: PlaceName,
        wanted: Mapping[str, Any],
        after: tuple[float, int] | None,
        hidden: Callable[[TranslateJob], bool] | None,
    ) -> Iterator[TranslateJob]:
        before, since = wanted.get("SubmittedBeforeTime"), wanted.get("SubmittedAfterTime")
        name, status = wanted.get("JobName"), wanted.get("JobStatus")
        # The service model says: oldest to newest for SubmittedBeforeTime, newest to oldest for ...AfterTime.
        newest_first = before is None
        for job in self.place(place).listing(
            None if status is None else [status], newest_first=newest_first, after=after
        ):
            if before is not None and job.submitted >= before:
                return
            if since is not None and job.submitted <= since:
                return
            if name is not None and job.name != name:
                continue
            if job.visible > self.timeline.now or (hidden is not None and hidden(job)):
                continue
            yield job

    # For tests

    def seed(self, place: PlaceName, entry: Mapping[str, Any]) -> TranslateJob:
        """Add a job that is already in some state. What the entry does not say has a default."""
        account, region = place
        request = {
            "InputDataConfig": {"S3Uri": entry.get("input", "s3://input/"), "ContentType": "text/plain"},
            "OutputDataConfig": {"S3Uri": entry.get("output", "s3://output/")},
            "DataAccessRoleArn": entry.get("role", f"arn:{partition_of(region)}:iam::{account}:role/translate"),
            "SourceLanguageCode": entry.get("source_language", "en"),
            "TargetLanguageCodes": entry.get("target_languages", ["fr"]),
        }
        if entry.get("name") is not None:
            request["JobName"] = entry["name"]
        submitted = float(entry.get("submitted", self.timeline.now))
        job = self._new(place, str(entry.get("id") or secrets.token_hex(16)), submitted, request)
        job.state = str(entry.get("state", STATES.running))
        job.run_time, job.stop_latency = entry.get("run_time"), entry.get("stop_latency")
        job.outcome = entry.get("outcome")
        self.enter(job)
        return job

    def clear(self) -> None:
        """Forget all jobs."""
        super().clear()
        self._tokens.clear()

    # Roles and buckets

    def slots(self) -> int | None:
        """Return how many jobs of a place may run at once."""
        return self.settings.max_running

    def on_start(self, job: TranslateJob) -> None:
        """Fail a job whose role or bucket is missing; else plan when it writes its documents."""
        started = self.timeline.now if job.started is None else job.started
        if not (job.needs_role or job.needs_output or job.needs_input):
            return
        if self._fails(job) or not job.needs_output:
            return
        interval = (self.end_by_itself(job) - started) / max(1, len(job.documents))
        for number, document in enumerate(job.documents):
            # Not `_later`: a job that was asked to stop keeps writing.
            self.timeline.at(started + number * interval, functools.partial(self._write, job, document))

    def check_surroundings(self) -> None:
        """Fail the running jobs whose role or bucket is gone. Call it after something may have been deleted."""
        for place in self._places.values():
            for job_id in list(place.holding):
                self._fails(place.jobs[job_id])

    def progress(self, job: TranslateJob) -> int:
        """Return how many documents of a job have been translated."""
        if job.state == STATES.succeeded:
            return len(job.documents)
        if job.state == "COMPLETED_WITH_ERROR":
            return max(0, len(job.documents) - 1)
        if job.started is None:
            return 0
        until = self.timeline.now if job.ended is None else job.ended
        share = (until - job.started) / max(self.end_by_itself(job) - job.started, 1e-9)
        return min(len(job.documents), int(share * len(job.documents)))

    def _new(self, place: PlaceName, job_id: str, submitted: float, asked: Mapping[str, Any]) -> TranslateJob:
        output = dict(asked["OutputDataConfig"])
        output["S3Uri"] = f"{output['S3Uri'].rstrip('/')}/{place[0]}-TranslateText-{job_id}/"
        request = {**asked, "OutputDataConfig": output}
        job = TranslateJob(
            id=job_id,
            place=place,
            state=STATES.queued,
            submitted=submitted,
            sequence=self.next_sequence(),
            request=request,
        )
        known = self._surroundings.documents(job.input)
        job.documents = [f"document-{n}.txt" for n in range(self.settings.documents)] if known is None else known
        if self.settings.check_resources == "existing":
            job.needs_role = self._surroundings.has_role(job.role)
            job.needs_input, job.needs_output = known is not None, self._surroundings.has_bucket(job.output)
        elif self.settings.check_resources == "always":
            job.needs_role = job.needs_input = job.needs_output = True
        return job

    def _must_exist(self, job: TranslateJob) -> None:
        missing = self._missing(job)
        if missing:
            raise TranslateError("InvalidRequestException", missing)

    def _missing(self, job: TranslateJob) -> str | None:
        if job.needs_role and not self._surroundings.has_role(job.role):
            return f"The role {job.role} does not exist or cannot be assumed."
        if job.needs_input and not self._surroundings.has_bucket(job.input):
            return f"The input location {job.input} does not exist or cannot be accessed."
        if job.needs_output and not self._surroundings.has_bucket(job.output):
            return f"The output location {job.output} does not exist or cannot be accessed."
        return None

    def _fails(self, job: TranslateJob) -> bool:
        missing = self._missing(job)
        if missing is None:
            return False
        job.message = missing
        self.put(job, "FAILED")
        return True

    def _write(self, job: TranslateJob, document: str) -> None:
        if job.state not in (STATES.running, STATES.stopping) or self._fails(job):
            return
        for language in job.request["TargetLanguageCodes"]:
            self._surroundings.write(f"{job.output}{language}.{document}", f"{document} in {language}\n".encode())


def partition_of(region: str) -> str:
    """Return the AWS partition that a region is in."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def _write_token(position: int | tuple[float, int], wanted: Mapping[str, Any]) -> str:
    content = json.dumps({"position": position, "filter": dict(wanted)})
    return base64.urlsafe_b64encode(content.encode()).decode("ascii")


def _read_token(token: str | None, wanted: Mapping[str, Any]) -> int | tuple[float, int] | None:
    if token is None:
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
        position = content["position"]
        if content["filter"] != dict(wanted):
            raise ValueError("the token belongs to another listing")
        return position if isinstance(position, int) else (float(position[0]), int(position[1]))
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error) as error:
        raise TranslateError("InvalidRequestException", "The NextToken is not valid.") from error
