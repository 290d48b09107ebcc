"""Where Amazon Translate is reached, and with which credentials."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from translation_job_guard.errors import Denied, ServiceError
from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.services import Connection, calling, is_loopback
from translation_job_guard.services.amazon.credentials import assumed, is_all_of_aws, session_of
from translation_job_guard.services.amazon.errors import service_error
from translation_job_guard.services.amazon.service import AmazonTranslate
from translation_job_guard.services.reading import Reads

__all__ = ["NO_BATCH", "AmazonConnection", "has_batch_jobs", "partition_of", "regions_beside"]

NO_BATCH: Final = frozenset({"ap-east-1"})
"""Regions that botocore lists for Amazon Translate although no batch jobs run there (Amazon Translate guide)."""
_ROLE_ARRIVES: Final = 30.0
"""Seconds that a fresh IAM role may take until it can be assumed."""


@dataclass(frozen=True)
class AmazonConnection(Connection):
    """A region, and boto3's chain of credentials, with a profile and a role to assume if given.

    Args:
        profile: a profile of the AWS configuration.
        assume_role_arn: a role to assume.
        endpoint_url: Amazon Translate's endpoint. A host that is not Amazon's counts as an emulator of all of AWS, so
            STS is asked there too (unless AWS_ENDPOINT_URL_STS is set): the real STS would confirm an account whose
            jobs are not there. Otherwise STS is where boto3's chain finds it.
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
        """Return the service in the region. Sends no request.

        Raises:
            MissingExtra: boto3 is not installed.
            CredentialsUnusable: the profile does not exist, or there are no credentials to assume the role with.
        """
        return self.open_with(self.session())

    def session(self) -> Any:
        """Return a botocore session with the connection's credentials, which clients of other services can use.

        Raises:
            MissingExtra: boto3 is not installed.
            CredentialsUnusable: the profile does not exist, or there are no credentials to assume the role with.
        """
        with self._botocore():
            session = session_of(self.profile)
            if self.assume_role_arn:
                of_source = functools.partial(self.client, session)
                session = assumed(session, self.assume_role_arn, self.profile, of_source)
            return session

    def open_with(self, session: Any, **credentials: str) -> AmazonTranslate:
        """Return the service in the region.

        Args:
            session: a botocore session.
            credentials: in place of the session's, as its ``create_client`` takes them.

        Raises:
            CredentialsUnusable: the environment's configuration cannot be used.
        """
        client = self.client(session, "translate", **credentials)
        client.meta.events.register("after-call.translate.ListTextTranslationJobs", _refuse_unreadable)
        sts = functools.partial(self.client, session, "sts", **credentials)
        return AmazonTranslate(self.place, client, sts, chosen=self.endpoint_url is not None)

    def client(self, session: Any, service: str, config: Any = None, **more: Any) -> Any:
        """Return a client of an AWS service in the region.

        Args:
            session: a botocore session.
            service: botocore's name of the service.
            config: what is different from the usual configuration of a client.
            more: credentials in place of the session's.

        Raises:
            CredentialsUnusable: the environment's configuration cannot be used.
        """
        url = self.endpoint_url
        if url and service != "translate" and not (is_loopback(url) or (service == "sts" and is_all_of_aws(url))):
            # An endpoint on loopback is an emulator of all of AWS; any other is of Amazon Translate, and of STS.
            url = None
        with self._botocore() as usual:
            where = {"region_name": self.place, "endpoint_url": url, "config": usual.merge(config) if config else usual}
            return session.create_client(service, **{**more, **where})

    @contextlib.contextmanager
    def _botocore(self) -> Iterator[Any]:
        """Import botocore, yield the configuration of clients, and turn its errors into those of this package."""
        with calling.opening(self.title, self.extra):
            with calling.without_collection():
                from botocore.config import Config
                from botocore.exceptions import BotoCoreError

            try:
                yield Config(
                    connect_timeout=calling.CONNECT_TIMEOUT,
                    read_timeout=calling.READ_TIMEOUT,
                    max_pool_connections=calling.CONNECTIONS,
                    # ``read`` and the pace retry, and learn from each answer; boto3 would hide some of them.
                    retries={"mode": "standard", "total_max_attempts": 1},
                    user_agent_extra="translation-job-guard",
                )
            except BotoCoreError as error:
                raise service_error(error, "configuration") from error

    @property
    def label(self) -> str:
        """The service and the region, with profile, role and account."""
        through = [part for part in (self.profile, self.assume_role_arn) if part]
        through += [f"account {self.account_id}"] if self.account_id else []
        return super().label + (f" ({', '.join(through)})" if through else "")

    @property
    def private(self) -> tuple[str, ...]:
        """Everything but the region."""
        return tuple(filter(None, (self.endpoint_url, self.profile, self.assume_role_arn)))

    @property
    def may_have_jobs(self) -> bool:
        """Whether the region has batch jobs."""
        return has_batch_jobs(self.place)

    def settles_in(self, error: ServiceError) -> float:
        """Return the seconds until a fresh role can be assumed."""
        return _ROLE_ARRIVES if isinstance(error, Denied) and error.permission == "sts:AssumeRole" else 0.0


@functools.cache
def _regions_of(partition: str) -> frozenset[str]:
    """Return the regions of a partition that have batch jobs, by botocore's own list."""
    return frozenset(_lists().get_available_regions("translate", partition_name=partition)) - NO_BATCH


def partition_of(region: str) -> str:
    """Return the partition of a region.

    Raises:
        botocore.exceptions.BotoCoreError: no partition has regions of such a name.
    """
    return str(_lists().get_partition_for_region(region))


def regions_beside(region: str | None) -> list[str]:
    """Return the regions of a region's partition that have batch jobs; without a region, those of ``aws``.

    Raises:
        ImportError: botocore, which has the list, is not installed.
    """
    return sorted(_regions_of(partition_of(region) if region else "aws"))


def has_batch_jobs(region: str) -> bool:
    """Check whether Amazon Translate has batch jobs in a region; a region that botocore does not know counts as one."""
    try:
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return True
    try:
        return region in _regions_of(partition_of(region))
    except BotoCoreError:
        return True


@functools.cache
def _lists() -> Any:
    """Return a session for its lists of partitions and regions, which take long to read."""
    from botocore.session import Session

    return Session()


def _refuse_unreadable(http_response: Any, parsed: Mapping[str, Any], **_: Any) -> None:
    # botocore makes an empty answer of a body that it cannot read, which would show every job gone. Only such an answer
    # is read again, since a page of jobs is long.
    if http_response.status_code < 300 and "TextTranslationJobPropertiesList" not in parsed:
        json.loads(http_response.content)
