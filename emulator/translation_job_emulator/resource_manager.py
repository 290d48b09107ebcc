"""The resources of Azure Resource Manager, without HTTP.

Any resource can be put. A few have effects: a Translator account has an endpoint while it exists, batches know the
containers, and deleting a resource deletes what is in it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from translation_job_emulator.azure_accounts import Accounts

TENANT = "00000000-0000-0000-0000-000000000001"

_GROUP = re.compile(r"(/subscriptions/[^/]+/resourcegroups/[^/]+)", re.IGNORECASE)
_ACCOUNT = "microsoft.cognitiveservices/accounts"
_STORAGE = "microsoft.storage/storageaccounts"
_CONTAINER = f"{_STORAGE}/blobservices/containers"
_ROLE_ASSIGNMENT = "microsoft.authorization/roleassignments"
_IDENTITY = "microsoft.managedidentity/userassignedidentities"


class ResourceManagerError(Exception):
    """An error of the service: HTTP status and code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class ResourceManager:
    """The resources of all subscriptions."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._resources: dict[str, dict[str, Any]] = {}
        self._soft_deleted: set[str] = set()

    def get(self, id_: str) -> dict[str, Any] | None:
        """Return a resource by its ID, in any spelling, or None."""
        return self._resources.get(id_.lower())

    def ids(self) -> list[str]:
        """Return the ID of every resource, in lower case."""
        return list(self._resources)

    def accounts(self) -> list[dict[str, Any]]:
        """Return every Cognitive Services account that was put."""
        return [found for found in self._resources.values() if found["type"].lower() == _ACCOUNT]

    def has_group_of(self, id_: str) -> bool:
        """Check whether the resource group of an ID exists."""
        group = _GROUP.match(id_)
        return group is not None and group[1].lower() in self._resources

    def put(self, id_: str, body: Mapping[str, Any], endpoints: str) -> dict[str, Any]:
        """Add or change a resource, and return it as the service would.

        Args:
            id_: the resource ID.
            body: the body of the request.
            endpoints: the URL that the endpoints of Translator resources are under.

        Raises:
            ResourceManagerError: the parent does not exist, or a Translator account of this name was deleted and not
                purged.
        """
        kind = type_of(id_)
        self._require(_parent(id_, kind))
        resource = {**body, "id": id_, "name": id_.rsplit("/", 1)[-1], "type": kind}
        resource["properties"] = {**body.get("properties", {}), "provisioningState": "Succeeded"}
        if "SystemAssigned" in body.get("identity", {}).get("type", ""):
            resource["identity"] = {**body["identity"], "principalId": _uuid(id_), "tenantId": TENANT}
        self._bring(kind.lower(), resource, endpoints)
        self._resources[id_.lower()] = resource
        return resource

    def delete(self, id_: str) -> bool:
        """Delete a resource and everything in it, the innermost first; return whether there was one."""
        inside = [known for known in self._resources if known == id_.lower() or known.startswith(f"{id_.lower()}/")]
        for known in sorted(inside, key=len, reverse=True):
            self._take(self._resources.pop(known))
        return bool(inside)

    def storage_keys(self, id_: str) -> list[dict[str, str]] | None:
        """Return the keys of a storage account, or None if the ID is not of one."""
        if self.get(id_) is None or type_of(id_).lower() != _STORAGE:
            return None
        return [
            {"keyName": name, "value": _uuid(f"{id_}/{name}").replace("-", ""), "permissions": "FULL"}
            for name in ("key1", "key2")
        ]

    def clear(self) -> None:
        """Forget all resources."""
        self._resources.clear()
        self._soft_deleted.clear()

    def _require(self, parent: str | None) -> None:
        if parent is None or parent.lower() in self._resources:
            return
        name = parent.rsplit("/", 1)[-1]
        if _GROUP.fullmatch(parent):
            raise ResourceManagerError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        raise ResourceManagerError(
            404, "ParentResourceNotFound", f"Failed to perform 'write' on a resource in '{name}': it was not found."
        )

    def _bring(self, kind: str, resource: dict[str, Any], endpoints: str) -> None:
        properties, name = resource["properties"], resource["name"]
        if kind == _STORAGE:
            hosts = {"blob": "blob", "dfs": "dfs", "file": "file", "queue": "queue", "table": "table", "web": "z6.web"}
            urls = {service: f"https://{name}.{host}.core.windows.net/" for service, host in hosts.items()}
            properties |= {"primaryEndpoints": urls, "primaryLocation": resource.get("location")}
            properties["statusOfPrimary"] = "available"
        elif kind == _CONTAINER:
            self._accounts.put_container(_container_url(resource["id"]))
        elif kind == _IDENTITY:
            properties |= {"principalId": _uuid(resource["id"]), "clientId": _uuid(f"{name}/client")}
            properties["tenantId"] = TENANT
        elif kind == _ROLE_ASSIGNMENT:
            properties["scope"] = resource["id"].rpartition("/providers/")[0]
        elif kind == _ACCOUNT:
            self._bring_account(resource, endpoints)

    def _bring_account(self, resource: dict[str, Any], endpoints: str) -> None:
        properties, id_ = resource["properties"], resource["id"]
        if id_.lower() in self._soft_deleted and not properties.pop("restore", False):
            raise ResourceManagerError(
                409,
                "FlagMustBeSetForRestore",
                f"An existing resource with ID '{id_}' has been soft-deleted. To restore the resource, you must "
                "specify 'restore' to be 'true' in the property. If you don't want to restore existing resource, "
                "please purge it first.",
            )
        self._soft_deleted.discard(id_.lower())
        before = self.get(id_)
        name = _endpoint_name(resource)
        if before is not None and _endpoint_name(before) != name:
            raise ResourceManagerError(
                400, "CustomSubDomainNameCannotBeChanged", "The custom subdomain name of an account cannot be changed."
            )
        # A change keeps the keys.
        if before is None:
            self._accounts.put(name, resource_id=id_, location=resource.get("location"))
        self._accounts.set_properties(name, properties)
        self._accounts.set_local_auth(name, not properties.get("disableLocalAuth", False))
        properties["endpoint"] = f"{endpoints}/{name}/"

    def _take(self, resource: Mapping[str, Any]) -> None:
        kind = resource["type"].lower()
        if kind == _ACCOUNT:
            self._soft_deleted.add(resource["id"].lower())
            self._accounts.delete(_endpoint_name(resource))
        elif kind == _CONTAINER:
            self._accounts.delete_container(_container_url(resource["id"]))


def type_of(id_: str) -> str:
    """Return a resource ID's type, such as `Microsoft.Storage/storageAccounts/blobServices/containers`."""
    scope, _, last = id_.rpartition("/providers/")
    if not scope:
        return "Microsoft.Resources/resourceGroups" if _GROUP.fullmatch(id_) else "Microsoft.Resources/subscriptions"
    namespace, *parts = last.split("/")
    return "/".join([namespace, *parts[::2]])


def _parent(id_: str, kind: str) -> str | None:
    """Return what must exist first, or None: the resource above, a role assignment's scope, or the resource group."""
    if kind.lower() == _CONTAINER:
        return id_.rsplit("/", 4)[0]
    scope = id_.rpartition("/providers/")[0]
    return scope if _GROUP.match(scope) else None


def _endpoint_name(account: Mapping[str, Any]) -> str:
    return str(account["properties"].get("customSubDomainName") or account["name"]).lower()


def _container_url(id_: str) -> str:
    parts = id_.split("/")
    return f"https://{parts[-5]}.blob.core.windows.net/{parts[-1]}"


def _uuid(of: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, of.lower()))
