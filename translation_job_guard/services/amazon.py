"""Amazon Translate text translation jobs, by boto3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    JobNotFound,
    MissingExtra,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import AMAZON_TRANSLATE, Documents, Job, JobState
from translation_job_guard.services import Permission

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["PERMISSIONS", "STATES", "AmazonTranslate", "Credentials", "connect"]

PERMISSIONS: Final = (
    Permission("translate:ListTextTranslationJobs", "find the jobs in flight"),
    Permission("translate:StopTextTranslationJob", "stop them"),
    Permission("translate:DescribeTextTranslationJob", "tell how a job ended", optional=True),
)
"""What the guard's credentials need; all three take only ``Resource: "*"``. ``sts:GetCallerIdentity`` needs none."""

STATES: Final[Mapping[str, JobState]] = {
    "SUBMITTED": JobState.QUEUED,
    "IN_PROGRESS": JobState.RUNNING,
    "STOP_REQUESTED": JobState.STOPPING,
    "STOPPED": JobState.STOPPED,
    "COMPLETED": JobState.SUCCEEDED,
    "COMPLETED_WITH_ERROR": JobState.SUCCEEDED_IN_PART,
    "FAILED": JobState.FAILED,
}
"""The service's words (botocore model), in the order in which a job goes through them."""

CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 20
PAGE: Final = 500
"""The most that MaxResults takes (Amazon Translate API reference)."""
DESCRIBE_AT_MOST: Final = 20
"""How many jobs are looked at one by one; for more, one listing since the oldest of them costs less."""

_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_TRANSIENT = frozenset({"InternalFailure", "InternalServerException", "ServiceUnavailable", "RequestTimeout"})

_T = TypeVar("_T")


@dataclass(frozen=True)
class Credentials:
    """Where credentials come from: boto3's chain, with a profile and a role to assume if given."""

    profile: str | None = None
    assume_role_arn: str | None = None


def connect(region: str, credentials: Credentials, endpoint_url: str | None = None) -> AmazonTranslate:
    """The service in ``region``. Makes no request.

    Args:
        endpoint_url: of Amazon Translate. An endpoint on loopback is an emulator of all of AWS, so STS is asked there
            too; else STS is where boto3's chain finds it.

    Raises:
        MissingExtra: boto3 is not installed.
        CredentialsUnusable: the profile does not exist.
    """
    try:
        import boto3
        import botocore.exceptions
        from botocore.config import Config
    except ImportError as error:
        raise MissingExtra("A guard of Amazon Translate jobs", "aws") from error

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=40,
        retries={"mode": "standard", "total_max_attempts": 3},
        user_agent_extra="translation-job-guard",
    )
    # The pace of stop requests is learnt from each of their answers, so boto3 must not hide any by a retry.
    once = config.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
    sts_url = endpoint_url if endpoint_url and is_loopback(endpoint_url) else None
    try:
        session: Any = boto3.Session(profile_name=credentials.profile, region_name=region)
        if credentials.assume_role_arn:
            session = _assume(session, credentials.assume_role_arn, region, sts_url, config)
        return AmazonTranslate(
            region,
            session.client("translate", region_name=region, endpoint_url=endpoint_url, config=config),
            session.client("translate", region_name=region, endpoint_url=endpoint_url, config=once),
            lambda: session.client("sts", region_name=region, endpoint_url=sts_url, config=config),
        )
    except botocore.exceptions.BotoCoreError as error:
        raise _service_error(error, "configuration") from error


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine's loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class AmazonTranslate:
    """Amazon Translate of one account in one region, as a ``JobService``."""

    service = AMAZON_TRANSLATE

    def __init__(self, region: str, client: BaseClient, once: BaseClient, sts: Callable[[], BaseClient]) -> None:
        self.place = region
        self._client: Any = client
        self._once: Any = once
        self._sts: Any = sts

    def account(self) -> str:
        """The account that the credentials lead to (STS GetCallerIdentity)."""
        return str(_call(lambda: self._sts().get_caller_identity(), "sts:GetCallerIdentity")["Account"])

    def list_in_flight(self) -> Sequence[Job]:
        """Every job in flight: the states one after the other, all pages of one before the next.

        A job moves on in this order, so one that moves while this lists is seen twice or once, and never missed.
        """
        jobs: dict[str, Job] = {}
        for word, state in STATES.items():
            if state.in_flight:
                for job in self._list({"JobStatus": word}):
                    # The later sight of a job is the newer one.
                    jobs[job.id] = job
        return list(jobs.values())

    def locate(self, job: Job) -> Job:
        """``job``: a listing tells all of it."""
        return job

    def stop(self, job: Job) -> JobState | None:
        """StopTextTranslationJob; it answers before the job has stopped."""
        answer = _call(lambda: self._once.stop_text_translation_job(JobId=job.id), "translate:StopTextTranslationJob")
        return STATES.get(answer.get("JobStatus", ""))

    def look(self, jobs: Collection[Job]) -> Mapping[str, Job | None]:
        """The present state of ``jobs``: one by one if they are few, else by a listing since the oldest of them."""
        if len(jobs) <= DESCRIBE_AT_MOST:
            with ThreadPoolExecutor(max_workers=10) as pool:
                return dict(zip((job.id for job in jobs), pool.map(self._describe, jobs), strict=True))
        wanted = {job.id for job in jobs}
        found: dict[str, Job | None] = {}
        oldest = min((job.submitted_at for job in jobs if job.submitted_at), default=None)
        # A second earlier: whether the filter includes its own moment is not documented.
        since = {"SubmittedAfterTime": oldest - timedelta(seconds=1)} if oldest else {}
        for job in self._list(since):
            if job.id in wanted:
                found[job.id] = job
                if len(found) == len(wanted):
                    break
        return found

    def prove(self) -> None:
        """List one job, and ask to stop one that cannot exist: any answer but a denial proves the permission."""
        _call(lambda: self._client.list_text_translation_jobs(MaxResults=1), "translate:ListTextTranslationJobs")
        with contextlib.suppress(JobNotFound, Rejected):
            _call(
                lambda: self._client.stop_text_translation_job(JobId="0" * 32),
                "translate:StopTextTranslationJob",
            )

    def _describe(self, job: Job) -> Job | None:
        try:
            answer = _call(
                lambda: self._client.describe_text_translation_job(JobId=job.id),
                "translate:DescribeTextTranslationJob",
            )
        except JobNotFound:
            return None
        return _job(answer["TextTranslationJobProperties"])

    def _list(self, filter_: Mapping[str, Any]) -> Sequence[Job]:
        # botocore has no paginator for this operation.
        jobs: list[Job] = []
        request: dict[str, Any] = {"MaxResults": PAGE} | ({"Filter": dict(filter_)} if filter_ else {})
        while True:
            answer = _call(
                lambda: self._client.list_text_translation_jobs(**request),
                "translate:ListTextTranslationJobs",
            )
            jobs += [_job(entry) for entry in answer.get("TextTranslationJobPropertiesList", [])]
            token = answer.get("NextToken")
            if not token:
                return jobs
            request["NextToken"] = token


def _job(entry: Mapping[str, Any]) -> Job:
    word = entry.get("JobStatus", "")
    details = entry.get("JobDetails") or {}
    uris = (entry.get("InputDataConfig", {}).get("S3Uri"), entry.get("OutputDataConfig", {}).get("S3Uri"))
    total = details.get("InputDocumentsCount")
    return Job(
        service=AMAZON_TRANSLATE,
        id=entry["JobId"],
        # A word that this release does not know is taken for a running job: never for an ended one.
        state=STATES.get(word, JobState.RUNNING),
        service_state=word,
        name=entry.get("JobName"),
        submitted_at=entry.get("SubmittedTime"),
        ended_at=entry.get("EndTime"),
        role_arn=entry.get("DataAccessRoleArn"),
        locations=tuple(uri for uri in uris if uri),
        documents=None
        if total is None
        else Documents(
            total,
            succeeded=details.get("TranslatedDocumentsCount", 0),
            failed=details.get("DocumentsWithErrorsCount", 0),
        ),
        message=entry.get("Message"),
    )


def _call(request: Callable[[], _T], permission: str) -> _T:
    import botocore.exceptions

    try:
        return request()
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise _service_error(error, permission) from error


def _service_error(error: Exception, permission: str) -> ServiceError:
    """The error of this package for one of botocore's. Goes by the code: statuses differ between model and pages."""
    import botocore.exceptions as botocore

    operation = permission.rpartition(":")[2]
    if isinstance(error, botocore.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        text = f"{operation}: {code}: {error.response.get('Error', {}).get('Message', '')}".rstrip(": ") + "."
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _DENIED:
            refused = getattr(error, "operation_name", operation)
            missing = "sts:AssumeRole" if refused == "AssumeRole" else permission
            return Denied(f"{text} {missing} is not permitted.", operation=operation, permission=missing)
        if code in _THROTTLED or status == 429:
            after = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
            return Throttled(text, operation=operation, retry_after=float(after) if after.isdigit() else None)
        if code in _CREDENTIALS:
            return CredentialsUnusable(f"{text} Renew the AWS credentials of this environment.", operation=operation)
        if code == "ResourceNotFoundException":
            return JobNotFound(text, operation=operation)
        if code in _TRANSIENT or status >= 500:
            return Transient(text, operation=operation)
        return Rejected(text, operation=operation)
    text = f"{operation}: {error}".rstrip(".") + "."
    credentials = (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.CredentialRetrievalError,
        botocore.ProfileNotFound,
        botocore.TokenRetrievalError,
        botocore.SSOError,
        botocore.InvalidConfigError,
        botocore.ConfigParseError,
    )
    if isinstance(error, credentials):
        return CredentialsUnusable(
            f"{text} Give this environment AWS credentials (`aws sts get-caller-identity` tells if it has any).",
            operation=operation,
        )
    if isinstance(error, (botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError)):
        return Transient(text, operation=operation)
    return Rejected(text, operation=operation)


def _assume(session: Any, role_arn: str, region: str, sts_url: str | None, config: Any) -> Any:
    """A session with the role's credentials, which botocore renews by itself when they run out."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    def sts(service: str, **arguments: Any) -> Any:
        return session.client(
            service, **{**arguments, "region_name": region, "endpoint_url": sts_url, "config": config}
        )

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=sts,
        source_credentials=session.get_credentials(),
        role_arn=role_arn,
        extra_args={"RoleSessionName": "translation-job-guard"},
    )
    assumed = botocore.session.get_session()
    assumed._credentials = DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
    return boto3.Session(botocore_session=assumed, region_name=region)
