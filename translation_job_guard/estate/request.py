"""What a look at an estate is asked to cover."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from translation_job_guard.errors import InvalidArgument

__all__ = ["DEFAULT_CONCURRENCY", "EstateRequest"]

DEFAULT_CONCURRENCY: Final = 32
"""Places that are looked at at once."""
MOST_CONCURRENCY: Final = 256

_ROLE: Final = re.compile(r"[\w+=,.@-]+(/[\w+=,.@-]+)*", re.ASCII)
"""The name of an IAM role, with or without its path (IAM API reference)."""


@dataclass(frozen=True)
class EstateRequest:
    """Which accounts and subscriptions to look at.

    Args:
        accounts: IDs of AWS accounts, each entered by ``role_name``.
        organization: every active account of the AWS organization, each entered by ``role_name``.
        role_name: the name of a role that all these accounts have.
        profiles: AWS profiles, each of which leads to an account.
        subscriptions: IDs of Azure subscriptions.
        all_subscriptions: every Azure subscription that the credentials can see.
        regions: AWS regions to look at in each account; all that have batch jobs if there are none.
        profile: the AWS profile whose credentials enter the accounts.
        endpoint_url: of Amazon Translate, if not the public one.
        key_env: the environment variable of an Azure key, which is not used, and kept out of output.
        api_version: of Document Translation.
        concurrency: how many places are looked at at once.
    """

    accounts: tuple[str, ...] = ()
    organization: bool = False
    role_name: str | None = None
    profiles: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    all_subscriptions: bool = False
    regions: tuple[str, ...] = ()
    profile: str | None = None
    endpoint_url: str | None = None
    key_env: str = "AZURE_DOCUMENT_TRANSLATION_KEY"
    api_version: str = "2024-05-01"
    concurrency: int = DEFAULT_CONCURRENCY

    def __post_init__(self) -> None:
        by_role = bool(self.accounts) or self.organization
        if by_role and not self.role_name:
            option = "--organization" if self.organization else "--account"
            raise InvalidArgument(
                f"{option} needs --role-name: the name of a role of each account that these credentials may assume."
            )
        if self.role_name and not by_role:
            raise InvalidArgument("--role-name needs --account or --organization: the accounts that have the role.")
        if self.role_name and not _ROLE.fullmatch(self.role_name):
            raise InvalidArgument(
                f"--role-name {self.role_name!r} is not a valid role name; expected its name alone, without "
                "arn:aws:iam::…:role/."
            )
        if by_role and self.profiles:
            raise InvalidArgument("--account and --organization take a single --profile, whose credentials enter them.")
        if not 1 <= self.concurrency <= MOST_CONCURRENCY:
            raise InvalidArgument(f"--concurrency must be between 1 and {MOST_CONCURRENCY}.")

    @property
    def aws(self) -> bool:
        """Whether AWS accounts are asked for."""
        return bool(self.accounts or self.profiles) or self.organization

    @property
    def azure(self) -> bool:
        """Whether Azure subscriptions are asked for."""
        return bool(self.subscriptions) or self.all_subscriptions

    @property
    def wanted(self) -> bool:
        """Whether anything is asked for."""
        return self.aws or self.azure

    @property
    def open_ended(self) -> bool:
        """Whether an option names places that the user did not name one by one."""
        return self.organization or self.all_subscriptions
