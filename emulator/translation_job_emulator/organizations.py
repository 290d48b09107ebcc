"""AWS organizations in moto: how a test makes one, and who may list its accounts.

Evidence: botocore's service model (states of an account, errors of ListAccounts) and the API reference, by which only
the management account and delegated administrators may list accounts. moto answers any account with an empty list.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from typing import Any

STATES = ("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED")
"""The states of an account (botocore's service model)."""

_STATUSES = {"PENDING_ACTIVATION": "ACTIVE", "CLOSED": "SUSPENDED"}
"""What the older field `Status` says for states that it does not have: assumed."""


class Membership(enum.Enum):
    """What an account is in an organization."""

    MANAGEMENT = "management"
    MEMBER = "member"
    NONE = "none"


def put(management: str, accounts: Mapping[str, str]) -> None:
    """Make an organization, in place of the one that the management account has.

    Raises:
        ValueError: an account has a state that there is not.
    """
    from moto.organizations.models import FakeAccount, organizations_backends

    for account, state in accounts.items():
        if state not in STATES:
            raise ValueError(f"account {account} cannot be {state!r}; expected one of {', '.join(STATES)}")
    backend = organizations_backends[management]["aws"]
    backend._reset()
    backend.create_organization(region="us-east-1")
    organization: Any = backend.org
    # moto pages by the time of joining, and needs a different one for each account.
    joined = datetime.datetime(2020, 1, 1)
    for number, (account, state) in enumerate(accounts.items(), 1):
        made = FakeAccount(organization, AccountName=f"account-{number}", Email=f"account-{number}@example.com")
        made.id, made.state, made.status = account, state, _STATUSES.get(state, state)
        made.create_time = joined + datetime.timedelta(minutes=number)
        backend.accounts.append(made)
        organizations_backends.master_accounts[account] = (management, "aws")


def membership(account: str) -> Membership:
    """Return what an account is in an organization."""
    from moto.organizations.models import organizations_backends

    if organizations_backends[account]["aws"].org is not None:
        return Membership.MANAGEMENT
    return Membership.MEMBER if account in organizations_backends.master_accounts else Membership.NONE
