"""Translator resources and blob containers, apart from HTTP."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from translation_job_emulator.settings import Settings


@dataclasses.dataclass(frozen=True)
class Account:
    """A Translator resource."""

    name: str
    keys: tuple[str, str]
    id: str
    location: str = "westeurope"
    local_auth: bool = True
    """Whether its keys are taken."""
    kind: str = "TextTranslation"
    properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What Resource Manager shows of it beside its subdomain: `networkAcls`, `publicNetworkAccess`, and so on."""

    def as_dict(self) -> dict[str, Any]:
        """Return the account as the control endpoint shows it."""
        return {"name": self.name, "keys": list(self.keys), "id": self.id, "location": self.location}


class Accounts:
    """The Translator resources and blob containers that the emulator knows."""

    def __init__(self, settings: Settings, container_gone: Callable[[str], None]) -> None:
        self._settings = settings
        self._container_gone = container_gone
        self._accounts: dict[str, Account] = {}
        self._deleted: set[str] = set()
        self._containers: set[str] = set()
        self._gone_containers: set[str] = set()

    def get(self, name: str) -> Account | None:
        """Return an account by name. With the setting `azure_resources="any"`, it is made on first use."""
        found = self._accounts.get(name)
        if found is None and self._settings.azure_resources == "any" and name not in self._deleted:
            found = self.put(name)
        return found

    def put(
        self,
        name: str,
        keys: list[str] | None = None,
        resource_id: str | None = None,
        location: str | None = None,
        kind: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Account:
        """Add an account, or replace one.

        Args:
            name: its name, which is its subdomain too.
            keys: its keys; without them, those of the setting `azure_keys`.
            resource_id: its resource ID; by default made from the name.
            location: its region; by default westeurope.
            kind: its kind; by default TextTranslation.
            properties: what Resource Manager shows of it besides its subdomain.
        """
        given = keys or self._settings.azure_keys or [uuid.uuid4().hex]
        account = Account(
            name=name,
            keys=(given[0], given[-1]),
            id=resource_id
            or "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
            f"/providers/Microsoft.CognitiveServices/accounts/{name}",
            location=location or "westeurope",
            kind=kind or "TextTranslation",
            properties=dict(properties or {}),
        )
        self._accounts[name] = account
        self._deleted.discard(name)
        return account

    def set_local_auth(self, name: str, enabled: bool) -> None:
        """Set whether an account accepts its keys."""
        self._accounts[name] = dataclasses.replace(self._accounts[name], local_auth=enabled)

    def set_properties(self, name: str, properties: Mapping[str, Any]) -> None:
        """Change what Resource Manager shows of a resource, its firewall included."""
        self._accounts[name] = dataclasses.replace(self._accounts[name], properties=dict(properties))

    def delete(self, name: str) -> bool:
        """Delete an account; return whether there was one. Only `put` brings it back, not its use."""
        self._deleted.add(name)
        return self._accounts.pop(name, None) is not None

    def by_id(self, resource_id: str) -> Account | None:
        """Return an account by its resource ID, in any spelling."""
        wanted = resource_id.lower()
        known = next((account for account in self._accounts.values() if account.id.lower() == wanted), None)
        if known is not None or self._settings.azure_resources == "explicit":
            return known
        name = resource_id.rsplit("/", 1)[-1]
        return None if name in self._accounts or name in self._deleted else self.put(name, resource_id=resource_id)

    def regenerate(self, account: Account, which: str) -> Account:
        """Replace one of the keys of an account: `Key1` or `Key2`."""
        first, second = account.keys
        keys = (uuid.uuid4().hex, second) if which == "Key1" else (first, uuid.uuid4().hex)
        self._accounts[account.name] = dataclasses.replace(account, keys=keys)
        return self._accounts[account.name]

    def all(self) -> list[Account]:
        """Return every account."""
        return list(self._accounts.values())

    def put_container(self, url: str) -> None:
        """Add a blob container."""
        self._containers.add(container_of(url))
        self._gone_containers.discard(container_of(url))

    def delete_container(self, url: str) -> bool:
        """Delete a container, or all containers of a storage account; return whether there was one."""
        deleted = container_of(url)
        gone = {known for known in self._containers if known == deleted or known.startswith(f"{deleted}/")}
        self._containers -= gone
        self._gone_containers |= gone
        for container in gone:
            self._container_gone(container)
        return bool(gone)

    def containers(self) -> frozenset[str]:
        """Return the URLs of the containers that exist."""
        return frozenset(self._containers)

    def gone_containers(self) -> frozenset[str]:
        """Return the URLs of the containers that were deleted."""
        return frozenset(self._gone_containers)

    def clear(self) -> None:
        """Forget all accounts and containers."""
        self._accounts.clear()
        self._deleted.clear()
        self._containers.clear()
        self._gone_containers.clear()


def container_of(url: str) -> str:
    """Return the URL of the container of a blob, folder or container: `https://account.blob.core.windows.net/container`.

    It is in lower case, and has no SAS signature.
    """
    scheme, _, rest = without_query(url).partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{path.split('/')[0]}".lower().rstrip("/")


def without_query(url: str) -> str:
    """Return a URL up to its question mark."""
    return url.partition("?")[0]
