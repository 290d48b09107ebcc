"""Amazon Translate text translation jobs, by boto3."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    GuardError,
    JobNotFound,
    MissingExtra,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import AMAZON_TRANSLATE, Documents, Job, JobState
from translation_job_guard.redaction import excerpt, remember_secret
from translation_job_guard.services import Connection, Permission, is_loopback, loading, unexpected
from translation_job_guard.services.reading import Reads, read, retry_after
from translation_job_guard.threads import each

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = [
    "NO_BATCH",
    "PERMISSIONS",
    "STATES",
    "AmazonConnection",
    "AmazonTranslate",
    "has_batch_jobs",
    "regions_of",
]

PERMISSIONS: Final = (
    Permission("translate:ListTextTranslationJobs", "find the jobs in flight"),
    Permission("translate:StopTextTranslationJob", "stop them"),
    Permission("translate:DescribeTextTranslationJob", "tell how a job ended", optional=True),
)
"""What the guard's credentials need; all three take only ``Resource: "*"``. ``sts:GetCallerIdentity`` needs none."""

STATEMENT: Final[Mapping[str, Any]] = {
    "Effect": "Allow",
    "Action": [permission.name for permission in PERMISSIONS],
    "Resource": "*",
}
"""The statement of an IAM policy that gives them."""

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
NO_BATCH: Final = frozenset({"ap-east-1"})
"""Regions that botocore lists for Amazon Translate although no batch jobs run there (Amazon Translate guide)."""
_ROLE_ARRIVES: Final = 30.0
"""Seconds that a fresh IAM role may take until it can be assumed."""
DESCRIBE_AT_MOST: Final = 20
"""How many jobs are looked at one by one; for more, one listing since the oldest of them costs less."""

_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
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
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_TRANSIENT = frozenset(
    {
        "InternalFailure",
        "InternalServerException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)

_T = TypeVar("_T")


@dataclass(frozen=True)
class AmazonConnection(Connection):
    """A region, and boto3's chain of credentials, with a profile and a role to assume if given.

    Args:
        endpoint_url: of Amazon Translate. A host that is not Amazon's is taken for a stand-in of all of AWS, so STS is
            asked there too (unless AWS_ENDPOINT_URL_STS says where): the real STS would vouch for an account whose
            jobs are not there. Else STS is where boto3's chain finds it.
    """

    service: ClassVar = AMAZON_TRANSLATE
    title: ClassVar = "Amazon Translate"
    place_name: ClassVar = "region"
    extra: ClassVar = "aws"
    packages: ClassVar = ("boto3", "botocore")
    stores_account: ClassVar = True

    profile: str | None = None
    assume_role_arn: str | None = None
    endpoint_url: str | None = None

    def open(self, reads: Reads | None = None) -> AmazonTranslate:  # noqa: ARG002 - boto3's chain has its own limits
        """Return the service in the region.

        Raises:
            MissingExtra: boto3 is not installed.
            CredentialsUnusable: the profile does not exist, or there are no credentials to assume the role with.
        """
        try:
            with loading():
                import botocore.exceptions
                import botocore.session
                from botocore.config import Config
        except ImportError as error:
            raise MissingExtra("A guard of Amazon Translate jobs", "aws") from error

        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=40,
            # Retries are ``read``'s and the pace's, which learn from each answer; boto3 would hide some of them.
            retries={"mode": "standard", "total_max_attempts": 1},
            user_agent_extra="translation-job-guard",
        )
        sts_url = self.endpoint_url if self.endpoint_url and _is_all_of_aws(self.endpoint_url) else None
        try:
            # Without boto3 itself, whose transfers and resources take a fifth of the time of a start.
            session: Any = botocore.session.Session(profile=self.profile)
            session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
            session.register("before-send", _remember_tokens)
            if self.assume_role_arn:
                session = _assume(session, self, sts_url, config)
                session.register("before-send", _remember_tokens)
            session.register("after-call.translate.ListTextTranslationJobs", _refuse_unreadable)
            return AmazonTranslate(
                self.place,
                session.create_client(
                    "translate", region_name=self.place, endpoint_url=self.endpoint_url, config=config
                ),
                lambda: session.create_client("sts", region_name=self.place, endpoint_url=sts_url, config=config),
                chosen=self.endpoint_url is not None,
            )
        except botocore.exceptions.BotoCoreError as error:
            raise _service_error(error, "configuration") from error
        except GuardError:
            raise
        except Exception as error:
            raise unexpected(error, "configuration") from error

    @property
    def label(self) -> str:
        """The service and the region, with profile, role and account."""
        through = [part for part in (self.profile, self.assume_role_arn) if part]
        through += [f"account {self.account_id}"] if self.account_id else []
        return super().label + (f" ({', '.join(through)})" if through else "")

    @property
    def private(self) -> tuple[str, ...]:
        """All but the region."""
        return tuple(filter(None, (self.endpoint_url, self.profile, self.assume_role_arn)))

    @property
    def may_have_jobs(self) -> bool:
        """Whether the region has batch jobs."""
        return has_batch_jobs(self.place)

    def settles_in(self, error: ServiceError) -> float:
        """Return the time until a fresh role can be assumed."""
        return _ROLE_ARRIVES if isinstance(error, Denied) and error.permission == "sts:AssumeRole" else 0.0


@functools.cache
def regions_of(partition: str) -> frozenset[str]:
    """Return the regions of a partition that have batch jobs, by botocore's own list."""
    return frozenset(_lists().get_available_regions("translate", partition_name=partition)) - NO_BATCH


def has_batch_jobs(region: str) -> bool:
    """Check whether Amazon Translate has batch jobs in a region; a region that botocore does not know counts as one."""
    try:
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return True
    try:
        return region in regions_of(_lists().get_partition_for_region(region))
    except BotoCoreError:
        return True


@functools.cache
def _lists() -> Any:
    """Return a session for its lists of partitions and regions, which take long to read."""
    from botocore.session import Session

    return Session()


def _remember_tokens(request: Any, **_: Any) -> None:
    # Also those of a profile, of SSO, and of the source of an assumed role: a gateway may repeat them in an error.
    for name in ("X-Amz-Security-Token", "x-amz-sso_bearer_token"):
        remember_secret(request.headers.get(name))


def _refuse_unreadable(http_response: Any, parsed: Mapping[str, Any], **_: Any) -> None:
    # botocore takes a body that it cannot read for an answer with nothing in it: that shows no job gone. Only such an
    # answer is read again, since a page of jobs is long.
    if http_response.status_code < 300 and "TextTranslationJobPropertiesList" not in parsed:
        json.loads(http_response.content)


_AMAZON_SUFFIXES: Final = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk",
)
"""Ends of the host names of AWS endpoints (botocore's partitions)."""


def _amazon_suffix(url: SplitResult) -> str | None:
    host = (url.hostname or "").rstrip(".")
    return next((suffix for suffix in _AMAZON_SUFFIXES if host.endswith(suffix)), None)


def _is_all_of_aws(endpoint_url: str) -> bool:
    if is_loopback(endpoint_url):
        return True
    return _amazon_suffix(urlsplit(endpoint_url)) is None and not os.environ.get("AWS_ENDPOINT_URL_STS")


_reading_models: Final = threading.Lock()


def _loader(data_path: str | None) -> Any:
    # Shared by all sessions: to read botocore's service models takes most of what a session costs, and a look at all
    # regions makes fifteen of them. Side by side each would read them for itself.
    with _reading_models:
        return _models(data_path)


@functools.cache
def _models(data_path: str | None) -> Any:
    from botocore.loaders import create_loader

    loader = create_loader(data_path)
    for data in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model("translate", data)
    for data in ("endpoints", "partitions"):
        loader.load_data(data)
    return loader


class AmazonTranslate:
    """Amazon Translate of one account in one region, as a ``JobService``."""

    service = AMAZON_TRANSLATE

    def __init__(self, region: str, client: BaseClient, sts: Callable[[], BaseClient], *, chosen: bool = False) -> None:
        self.place = region
        self._client: Any = client
        self._sts: Any = sts
        self._chosen = chosen

    @property
    def url(self) -> str:
        """Where the requests go."""
        return str(self._client.meta.endpoint_url)

    def account(self, reads: Reads | None = None) -> str:
        """The account that the credentials lead to (STS GetCallerIdentity).

        Raises:
            Rejected: the environment sends Amazon Translate's requests somewhere that STS knows nothing of.
        """
        sts = self._sts()
        self._refuse_elsewhere(sts)
        return read(
            lambda: _call(lambda: str(sts.get_caller_identity()["Account"]), "sts:GetCallerIdentity"), reads or Reads()
        )

    def _refuse_elsewhere(self, sts: Any) -> None:
        # A leftover AWS_ENDPOINT_URL_TRANSLATE would find nothing in flight, in an account that the real STS vouches
        # for. Amazon's own endpoints (VPC, FIPS, dual stack) have other host names for each service.
        here, there = (urlsplit(client.meta.endpoint_url) for client in (self._client, sts))
        related = here.netloc == there.netloc or None is not _amazon_suffix(here) == _amazon_suffix(there)
        if not (self._chosen or related):
            # Without a user name and password, which an endpoint of a profile may have.
            hosts = [url.netloc.rpartition("@")[2] for url in (here, there)]
            raise Rejected(
                f"The environment sends Amazon Translate's requests to {hosts[0]} and those of STS to "
                f"{hosts[1]}, so the account that STS names says nothing of the jobs there. Unset "
                "AWS_ENDPOINT_URL_TRANSLATE (or the services section of the profile), or give the guard endpoint_url."
            )

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:
        """Every job in flight: the states one after the other, all pages of one before the next.

        A job moves on in this order, so one that moves while this lists is seen twice or once, and never missed.
        """
        jobs: dict[str, Job] = {}
        for word in self._words():
            for job in self._list({"JobStatus": word}, reads or Reads()):
                # The later sight of a job is the newer one.
                jobs[job.id] = job
        return [job for job in jobs.values() if job.in_flight]

    def _words(self) -> Iterator[str]:
        """Yield the states to list: all that the installed SDK knows and that are not known as ended.

        Where a state of a newer SDK stands in a job's course is not known, so it is listed before and after each other
        one: a job that moves on from it, or to it, is not missed.
        """
        known = [word for word, state in STATES.items() if state.in_flight]
        newer = [word for word in self._client.meta.service_model.shape_for("JobStatus").enum if word not in STATES]
        for word in known:
            yield from newer
            yield word
        yield from newer

    def locate(self, job: Job, reads: Reads | None = None) -> Job:  # noqa: ARG002 - a listing tells all of it
        """Return ``job`` as it is: a listing tells what it reads and writes."""
        return job

    def stop(self, job: Job) -> JobState | None:
        """StopTextTranslationJob; it answers before the job has stopped."""
        answer = _call(lambda: self._client.stop_text_translation_job(JobId=job.id), "translate:StopTextTranslationJob")
        return STATES.get(answer.get("JobStatus", ""))

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:
        """The present state of ``jobs``: one by one if they are few, else by a listing since the oldest of them."""
        reads = reads or Reads()
        if len(jobs) <= DESCRIBE_AT_MOST:
            ids = [job.id for job in jobs]
            described = each(lambda job: self._describe(job, reads), jobs, workers=10)
            return {ids[index]: answer.job for index, answer in described if answer is not None}
        wanted = {job.id for job in jobs}
        found: dict[str, Job | None] = {}
        oldest = min((job.submitted_at for job in jobs if job.submitted_at), default=None)
        # A second earlier: whether the filter includes its own moment is not documented.
        since = {"SubmittedAfterTime": oldest - timedelta(seconds=1)} if oldest else {}
        for job in self._list(since, reads):
            if job.id in wanted:
                found[job.id] = job
                if len(found) == len(wanted):
                    break
        return {id_: found.get(id_) for id_ in wanted}

    def prove(self, reads: Reads | None = None) -> None:
        """List one job, and ask to stop one that cannot exist: any answer but a denial proves the permission."""
        read(
            lambda: _call(
                lambda: self._client.list_text_translation_jobs(MaxResults=1), "translate:ListTextTranslationJobs"
            ),
            reads or Reads(),
        )
        # Nothing says how the service takes an id that cannot exist: a server error is no denial either.
        with contextlib.suppress(JobNotFound, Rejected, Transient):
            read(
                lambda: _call(
                    lambda: self._client.stop_text_translation_job(JobId="0" * 32), "translate:StopTextTranslationJob"
                ),
                reads or Reads(),
            )

    def _describe(self, job: Job, reads: Reads) -> _Described | None:
        """Describe one job; None where the service refuses that: how it says "no such job" is not recorded."""

        def describe() -> Job:
            return _job(self._client.describe_text_translation_job(JobId=job.id)["TextTranslationJobProperties"])

        try:
            return _Described(read(lambda: _call(describe, "translate:DescribeTextTranslationJob"), reads))
        except JobNotFound:
            return _Described(None)
        except Rejected:
            return None

    def _list(self, filter_: Mapping[str, Any], reads: Reads) -> Iterator[Job]:
        # botocore has no paginator for this operation.
        request: dict[str, Any] = {"MaxResults": PAGE} | ({"Filter": dict(filter_)} if filter_ else {})

        def page() -> tuple[list[Job], str | None]:
            answer = self._client.list_text_translation_jobs(**request)
            entries = answer.get("TextTranslationJobPropertiesList")
            if entries is None and not answer["ResponseMetadata"].get("RequestId"):
                # botocore makes an empty answer of any text, for instance of a proxy's page: that shows no job gone.
                raise ValueError("not an answer of Amazon Translate")
            return [_job(entry) for entry in entries or ()], answer.get("NextToken")

        asked: set[str] = set()
        while True:
            jobs, token = read(lambda: _call(page, "translate:ListTextTranslationJobs"), reads)
            yield from jobs
            if not token:
                return
            if token in asked:
                operation = "ListTextTranslationJobs"
                raise Transient(f"{operation}: the pages of the answer repeat.", operation=operation)
            asked.add(token)
            request["NextToken"] = token


@dataclass(frozen=True)
class _Described:
    """What DescribeTextTranslationJob says of one job; None where there is no such job."""

    job: Job | None


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
            int(total),
            succeeded=int(details.get("TranslatedDocumentsCount", 0)),
            failed=int(details.get("DocumentsWithErrorsCount", 0)),
        ),
        message=entry.get("Message"),
    )


def _call(request: Callable[[], _T], permission: str) -> _T:
    import botocore.exceptions
    import botocore.parsers

    try:
        return request()
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise _service_error(error, permission) from error
    except (botocore.parsers.ResponseParserError, AttributeError, LookupError, TypeError, ValueError) as error:
        operation = permission.rpartition(":")[2]
        said = f"{type(error).__name__}: {excerpt(str(error))}"
        raise Transient(
            f"{operation}: the answer cannot be read ({said}); is there a proxy between?",
            operation=operation,
        ) from error
    except ServiceError:
        raise
    except Exception as error:
        raise unexpected(error, permission.rpartition(":")[2]) from error


def _service_error(error: Exception, permission: str) -> ServiceError:
    """The error of this package for one of botocore's. Goes by the code: statuses differ between model and pages."""
    import botocore.exceptions as botocore

    operation = permission.rpartition(":")[2]
    if isinstance(error, botocore.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        said = excerpt(str(error.response.get("Error", {}).get("Message") or ""))
        text = f"{operation}: {excerpt(str(code))}: {said}".rstrip(". :") + "."
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _DENIED:
            refused = getattr(error, "operation_name", operation)
            missing = "sts:AssumeRole" if refused == "AssumeRole" else permission
            add = (
                "let the role's trust policy name these credentials, and allow them sts:AssumeRole on it"
                if missing == "sts:AssumeRole"
                else f"add to their IAM policy {json.dumps(STATEMENT)}"
            )
            return Denied(f"{text} {missing} is not permitted: {add}.", operation=operation, permission=missing)
        if code in _THROTTLED or status == 429:
            after = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after")
            return Throttled(text, operation=operation, retry_after=retry_after(after))
        if code in _CREDENTIALS:
            return CredentialsUnusable(f"{text} Renew the AWS credentials of this environment.", operation=operation)
        if code == "ResourceNotFoundException":
            return JobNotFound(text, operation=operation)
        if code in _TRANSIENT or status >= 500:
            return Transient(text, operation=operation)
        return Rejected(text, operation=operation)
    text = f"{operation}: {excerpt(str(error))}".rstrip(".") + "."
    credentials = (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.CredentialRetrievalError,
        botocore.ProfileNotFound,
        botocore.TokenRetrievalError,
        botocore.SSOError,
        botocore.InvalidConfigError,
        botocore.ConfigParseError,
        # Of `aws login`; newer than the oldest boto3 that will do.
        getattr(botocore, "LoginError", botocore.SSOError),
    )
    if isinstance(error, credentials):
        return CredentialsUnusable(
            f"{text} Give this environment AWS credentials (`aws sts get-caller-identity` tells if it has any).",
            operation=operation,
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Rejected(f"{text} Set AWS_CA_BUNDLE to the certificates of the proxy between.", operation=operation)
    if isinstance(error, (botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError)):
        return Transient(text, operation=operation)
    return Rejected(text, operation=operation)


def _assume(session: Any, connection: AmazonConnection, sts_url: str | None, config: Any) -> Any:
    """A session with the role's credentials, which botocore renews by itself when they run out."""
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    def sts(service: str, **arguments: Any) -> Any:
        return session.create_client(
            service, **{**arguments, "region_name": connection.place, "endpoint_url": sts_url, "config": config}
        )

    source = session.get_credentials()
    if source is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=sts,
        source_credentials=source,
        role_arn=connection.assume_role_arn,
        extra_args={"RoleSessionName": "translation-job-guard"},
    )
    # With the profile, since that also says what certificates and which kind of endpoint to use.
    assumed = botocore.session.Session(profile=connection.profile)
    assumed._credentials = DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
    return assumed
