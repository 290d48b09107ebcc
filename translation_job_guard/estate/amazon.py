"""AWS accounts: how each is entered once, and the connections to its regions."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from translation_job_guard.errors import GuardError, InvalidArgument, Rejected
from translation_job_guard.estate.errors import of_organizations
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.looking import Sight
from translation_job_guard.redaction import remember_secret
from translation_job_guard.services.amazon import AmazonConnection, AmazonTranslate, partition_of, regions_beside
from translation_job_guard.services.amazon.credentials import refuse_unrelated
from translation_job_guard.services.amazon.errors import call
from translation_job_guard.services.reading import Reads, pages, read

__all__ = ["EVERY_REGION", "AccountRegion", "Entrance", "accounts_of_organization", "entrances", "regions_to_look_at"]

EVERY_REGION: Final = "every region"
"""The place of a row for an account as a whole."""
PAGE: Final = 20
"""The most that MaxResults of ListAccounts takes (botocore's service model)."""

_ACCOUNT: Final = re.compile(r"[0-9]{12}")


class Caller:
    """The credentials that enter accounts: one session for all of them.

    A session of botocore takes 8 MB and a quarter of a second, and makes one client at a time.

    Args:
        connection: to any region, with these credentials.
    """

    def __init__(self, connection: AmazonConnection) -> None:
        self.connection = connection
        self._making = threading.RLock()
        self._session: Any = None
        self._sts: Any = None

    def client(self, service: str, region: str, config: Any = None, **credentials: str) -> Any:
        """Return a client of a service in a region, with these credentials or others."""
        with self._making:
            return replace(self.connection, place=region).client(self.session, service, config, **credentials)

    @property
    def session(self) -> Any:
        """The session.

        Raises:
            GuardError: there are no credentials, or no such profile.
        """
        with self._making:
            if self._session is None:
                self._session = self.connection.session()
            return self._session

    @property
    def sts(self) -> Any:
        """A client of STS, for all accounts."""
        with self._making:
            if self._sts is None:
                self._sts = self.client("sts", self.connection.place)
            return self._sts

    def open_in(self, region: str, **credentials: str) -> AmazonTranslate:
        """Return Amazon Translate in a region."""
        with self._making:
            return replace(self.connection, place=region).open_with(self.session, **credentials)


class Entrance:
    """The credentials of one account, which the connections to its regions share.

    They are asked for once: fifteen regions would otherwise assume the role fifteen times. They last an hour, which is
    longer than a look.

    Args:
        caller: what enters the account.
        account: the ID of the account; None for the caller's own.
        role_arn: the role to assume; None for the caller's own account.
    """

    def __init__(self, caller: Caller, account: str | None = None, role_arn: str | None = None) -> None:
        self.caller = caller
        self.account = account
        self.role_arn = role_arn
        self.credentials: dict[str, str] = {}

    def enter(self, regions: Sequence[str], timeout: float) -> list[AccountRegion]:
        """Return a connection to each region of the account.

        Raises:
            GuardError: the credentials do not lead in.
        """
        reads = Reads.lasting(timeout)
        if self.role_arn is None:
            with closing(self.caller.open_in(self.caller.connection.place)) as service:
                self.account = service.account(reads)
        elif not _ACCOUNT.fullmatch(self.account or ""):
            raise InvalidArgument(f"--account {self.account} is not a valid AWS account ID; expected 12 digits.")
        else:
            self.credentials = self._assumed(reads)
        first = self.caller.connection
        return [
            AccountRegion(
                region,
                account_id=self.account,
                profile=first.profile,
                assume_role_arn=self.role_arn,
                endpoint_url=first.endpoint_url,
                entrance=self,
            )
            for region in regions
        ]

    def _assumed(self, reads: Reads) -> dict[str, str]:
        asked = {"RoleArn": self.role_arn, "RoleSessionName": "translation-job-guard"}
        keys = read(lambda: call(lambda: self.caller.sts.assume_role(**asked)["Credentials"], "sts:AssumeRole"), reads)
        names = {
            "access_key_id": "AccessKeyId",
            "secret_access_key": "SecretAccessKey",
            "session_token": "SessionToken",
        }
        for secret in ("SecretAccessKey", "SessionToken"):
            remember_secret(keys[secret])
        return {f"aws_{name}": str(keys[theirs]) for name, theirs in names.items()}

    def closed(self, error: GuardError, seconds: float) -> Sight:
        """Return the row of an account that could not be entered."""
        first = self.caller.connection
        row = replace(first, place=EVERY_REGION, account_id=self.account, assume_role_arn=self.role_arn)
        return Sight(row, seconds, self.account, failure=error)


@dataclass(frozen=True)
class AccountRegion(AmazonConnection):
    """A region of an account that was entered."""

    entrance: Entrance = field(kw_only=True, compare=False, repr=False)

    def open(self, reads: Reads | None = None) -> AmazonTranslate:  # noqa: ARG002 - nothing is left to ask for
        """Return the service in the region.

        Raises:
            Rejected: the environment sends Amazon Translate's requests somewhere that STS knows nothing of.
        """
        service = self.entrance.caller.open_in(self.place, **self.entrance.credentials)
        if self.endpoint_url is None:
            refuse_unrelated(service.url, str(self.entrance.caller.sts.meta.endpoint_url))
        return service

    def session(self) -> Any:
        """Return the session that all accounts share."""
        return self.entrance.caller.session

    def client(self, session: Any, service: str, config: Any = None, **more: Any) -> Any:  # noqa: ARG002 - there is one
        """Return a client of an AWS service in the region, with the credentials of the account."""
        return self.entrance.caller.client(service, self.place, config, **{**self.entrance.credentials, **more})

    @property
    def known_account(self) -> str | None:
        """The account that was entered."""
        return self.entrance.account


def regions_to_look_at(request: EstateRequest, here: str | None) -> tuple[str, ...]:
    """Return the regions of a request: those that it names, or all that have batch jobs in the partition of ``here``.

    Raises:
        InvalidArgument: boto3, which has the list, is not installed.
    """
    if request.regions:
        return request.regions
    try:
        return tuple(regions_beside(here))
    except ImportError as error:
        raise InvalidArgument('A look at AWS accounts needs boto3: pip install "translation-job-guard[aws]"') from error


def entrances(request: EstateRequest, accounts: Sequence[str], region: str) -> list[Entrance]:
    """Return how to enter each account and profile of a request.

    Args:
        request: what to look at.
        accounts: IDs of accounts that have the role.
        region: any region of the partition.
    """
    found: list[Entrance] = []
    if accounts:
        caller, partition = Caller(_own(request, region)), _partition(region)
        for account in dict.fromkeys(accounts):
            found.append(Entrance(caller, account, f"arn:{partition}:iam::{account}:role/{request.role_name}"))
    for profile in dict.fromkeys(request.profiles):
        found.append(Entrance(Caller(AmazonConnection(region, profile=profile, endpoint_url=request.endpoint_url))))
    return found


def accounts_of_organization(request: EstateRequest, region: str, timeout: float) -> tuple[list[str], list[str]]:
    """Return the IDs of an organization's active accounts, and of those that are not active (ListAccounts).

    Raises:
        GuardError: the credentials may not list them.
    """
    connection = _own(request, region)
    active: list[str] = []
    others: list[str] = []
    with closing(connection.client(connection.session(), "organizations")) as client:
        for account in _listed(client, Reads.lasting(timeout)):
            # Older SDKs know `Status` alone, which has the same word for an account in use.
            state = account.get("State") or account.get("Status")
            (active if state == "ACTIVE" else others).append(str(account["Id"]))
    if not active:
        raise Rejected("ListAccounts: the organization has no active account.", operation="ListAccounts")
    return active, others


def _own(request: EstateRequest, region: str) -> AmazonConnection:
    return AmazonConnection(region, profile=request.profile, endpoint_url=request.endpoint_url)


def _listed(client: Any, reads: Reads) -> Iterator[dict[str, Any]]:
    def page(token: str | None) -> tuple[list[dict[str, Any]], str | None]:
        asked = {"MaxResults": PAGE, **({"NextToken": token} if token else {})}
        answer = read(partial(of_organizations, partial(client.list_accounts, **asked)), reads)
        return answer.get("Accounts", []), answer.get("NextToken") or None

    for accounts in pages(page, "ListAccounts"):
        yield from accounts


def _partition(region: str) -> str:
    from botocore.exceptions import BotoCoreError

    try:
        return partition_of(region)
    except BotoCoreError:
        return "aws"
