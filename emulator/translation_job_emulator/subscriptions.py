"""Azure subscriptions and the Cognitive Services accounts in them, apart from HTTP.

Evidence: states and fields are those of the service models behind azure-mgmt-resource-subscriptions 1.0 (api-version
2022-12-01) and azure-mgmt-cognitiveservices 14.1 (2025-09-01). The codes of refusals are what Azure's documentation of
common errors lists. The size of a page is documented nowhere.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from translation_job_emulator.azure_accounts import Account, Accounts
from translation_job_emulator.resource_manager import TENANT, ResourceManager, ResourceManagerError

STATES = ("Enabled", "Warned", "PastDue", "Disabled", "Deleted")

_ID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclasses.dataclass
class Subscription:
    """A subscription, as Resource Manager lists it."""

    id: str
    name: str
    state: str = "Enabled"

    def as_dict(self) -> dict[str, Any]:
        """Return the resource that the service lists."""
        return {
            "id": f"/subscriptions/{self.id}",
            "subscriptionId": self.id,
            "tenantId": TENANT,
            "displayName": self.name,
            "state": self.state,
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }


class Subscriptions:
    """The subscriptions that a test has put, and those that resources were put into."""

    def __init__(self, accounts: Accounts, resources: ResourceManager) -> None:
        self._accounts = accounts
        self._resources = resources
        self._put: dict[str, Subscription] = {}

    def put(self, id_: str, name: str | None = None, state: str = "Enabled") -> dict[str, Any]:
        """Add or change a subscription.

        Raises:
            ValueError: the ID is not a GUID, or there is no such state.
        """
        if not _ID.fullmatch(id_):
            raise ValueError(f"{id_!r} is not a subscription ID; expected a GUID")
        if state not in STATES:
            raise ValueError(f"a subscription has no state {state!r}; expected one of {', '.join(STATES)}")
        self._put[id_.lower()] = Subscription(id_, name or f"Subscription {id_[:8]}", state)
        return self._put[id_.lower()].as_dict()

    def all(self) -> list[dict[str, Any]]:
        """Return every subscription, in the order of their IDs."""
        used = {id_: Subscription(id_, f"Subscription {id_[:8]}") for id_ in self._used()}
        return [found.as_dict() for _, found in sorted((used | self._put).items())]

    def accounts_of(self, id_: str) -> list[dict[str, Any]]:
        """Return the Cognitive Services accounts in a subscription, in the order of their IDs.

        Raises:
            ResourceManagerError: the ID is malformed, or there is no such subscription.
        """
        if not _ID.fullmatch(id_):
            message = f"The provided subscription identifier '{id_}' is malformed or invalid."
            raise ResourceManagerError(400, "InvalidSubscriptionId", message)
        if id_.lower() not in self._put.keys() | self._used():
            raise ResourceManagerError(404, "SubscriptionNotFound", f"The subscription '{id_}' could not be found.")
        prefix = f"/subscriptions/{id_}/".lower()
        found = {str(one["id"]).lower(): one for one in self._resources.accounts()}
        for account in self._accounts.all():
            found.setdefault(account.id.lower(), listed(account))
        return [one for key, one in sorted(found.items()) if key.startswith(prefix)]

    def clear(self) -> None:
        """Forget all subscriptions."""
        self._put.clear()

    def _used(self) -> set[str]:
        ids = [*self._resources.ids(), *(account.id.lower() for account in self._accounts.all())]
        return {parts[2] for parts in (id_.split("/") for id_ in ids) if len(parts) > 2 and _ID.fullmatch(parts[2])}


def listed(account: Account) -> dict[str, Any]:
    """Return an account that a test has put by name, as Resource Manager lists it."""
    properties: dict[str, Any] = {
        "provisioningState": "Succeeded",
        "customSubDomainName": account.name,
        "publicNetworkAccess": "Enabled",
        **account.properties,
    }
    return {
        "id": account.id,
        "name": account.id.rsplit("/", 1)[-1],
        "type": "Microsoft.CognitiveServices/accounts",
        "location": account.location,
        "kind": account.kind,
        "sku": {"name": "S1"},
        "properties": {name: value for name, value in properties.items() if value is not None},
    }
