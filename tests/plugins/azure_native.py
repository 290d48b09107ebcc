"""A stand-in for Pulumi's `azure-native` plugin: resources put to and deleted at the emulator's Azure Resource Manager.

As in the real provider, an id is the resource's path, and every replacement deletes first.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
import uuid
from importlib import metadata
from typing import Any

from tests.plugins.stand_in import DEFAULTS, Function, Kind, Properties, StandIn, serve

ENDPOINT_ENV = "TRANSLATION_JOB_GUARD_ARM_ENDPOINT"
"""Where Azure Resource Manager is: the variable that leads a guard there too."""

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "00000000-0000-0000-0000-000000000001"
CLIENT = "00000000-0000-0000-0000-000000000002"

_GROUP = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
_TOP = frozenset({"location", "tags", "sku", "kind", "identity", "managedBy", "properties"})
"""What is at the top of a body; the rest is in its `properties`."""


class Cloud:
    """Azure Resource Manager over HTTP, and what the stack configures."""

    def __init__(self) -> None:
        self.location: str | None = None
        self.subscription = os.environ.get("ARM_SUBSCRIPTION_ID", SUBSCRIPTION)

    def configure(self, settings: Properties) -> None:
        self.location = settings.get("location")
        self.subscription = settings.get("subscriptionId") or self.subscription

    def ask(self, method: str, id_: str, body: Any = None) -> Any:
        """Return the answer's body, or None if there is no such resource; else raise RuntimeError."""
        url = f"{os.environ[ENDPOINT_ENV]}{id_}?api-version=stand-in"
        headers = {"Authorization": "Bearer stand-in", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                said = json.load(error)["error"]
            if error.code == 404 and method in ("GET", "DELETE"):
                return None
            raise RuntimeError(f'Code="{said["code"]}" Message="{said["message"]}"') from None


class ArmResource(Kind):
    """A resource type, by the path of its ids; `{names}` in it are inputs."""

    def __init__(
        self,
        cloud: Cloud,
        path: str,
        *,
        name: str,
        replaced_by: frozenset[str] = frozenset(),
        known_after: tuple[str, ...] = (),
        flat: bool = True,
        located: bool = True,
    ) -> None:
        """`flat`: Pulumi shows what is in the body's `properties` beside them. `located`: it has a location."""
        self._cloud = cloud
        self._path = path
        self._in_path = frozenset(re.findall(r"{(\w+)}", path))
        self._flat = flat
        self._located = located
        self.name = name
        self.replaced_by = self._in_path | {"location"} | replaced_by
        self.known_after = ("id", "name", "type", *known_after)

    def made_up_name(self, logical_name: str, random: str) -> str:
        # What is inside of another resource has its own name: only what is beside others has to be unique.
        nested = self._path.partition("/providers/")[2].count("/") > 2
        return logical_name if nested else f"{logical_name}{random[:8]}"

    def delete_first(self, inputs: Properties) -> bool:  # noqa: ARG002
        return True

    def default_inputs(self, inputs: Properties) -> Properties:
        if not self._located or inputs.get("location"):
            return {}
        group = self._cloud.ask("GET", _GROUP.format(subscription=self._cloud.subscription, **inputs))
        location = self._cloud.location or (group or {}).get("location")
        return {"location": location} if location else {}

    def create(self, inputs: Properties) -> str:
        id_ = self._path.format(subscription=self._cloud.subscription, **inputs).replace("//", "/")
        if self._cloud.ask("GET", id_) is not None:
            raise RuntimeError(f"cannot create already existing resource '{id_}'")
        self.update(id_, {}, inputs)
        return id_

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:  # noqa: ARG002
        given = {name: value for name, value in inputs.items() if name not in self._in_path | {DEFAULTS}}
        body = {name: value for name, value in given.items() if name in _TOP}
        inner = {name: value for name, value in given.items() if name not in _TOP}
        self._cloud.ask("PUT", id_, {**body, "properties": {**inner, **body.get("properties", {})}})

    def outputs(self, id_: str, inputs: Properties) -> Properties | None:  # noqa: ARG002
        found = self._cloud.ask("GET", id_)
        if found is None:
            return None
        shown = {**found.pop("properties"), **found} if self._flat else found
        return {**shown, "azureApiVersion": "stand-in"}

    def delete(self, id_: str, state: Properties) -> None:  # noqa: ARG002
        self._cloud.ask("DELETE", id_)


class RoleAssignment(ArmResource):
    def made_up_name(self, logical_name: str, random: str) -> str:  # noqa: ARG002
        return str(uuid.UUID(random[:32]))


class Functions:
    """The functions that stacks use: the keys of accounts, and who the deployer is."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def account_keys(self, asked: Properties) -> Properties:
        return self._keys("Microsoft.CognitiveServices/accounts", asked)

    def storage_keys(self, asked: Properties) -> Properties:
        return self._keys("Microsoft.Storage/storageAccounts", asked)

    def client_config(self, _: Properties) -> Properties:
        who = {"clientId": CLIENT, "objectId": CLIENT, "tenantId": TENANT}
        return {**who, "subscriptionId": self._cloud.subscription}

    def _keys(self, kind: str, asked: Properties) -> Properties:
        group = _GROUP.format(subscription=self._cloud.subscription, **asked)
        keys: Properties = self._cloud.ask("POST", f"{group}/providers/{kind}/{asked['accountName']}/listKeys")
        return keys


def main() -> None:
    cloud = Cloud()
    functions = Functions(cloud)
    storage_account = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"
    plugin = StandIn(metadata.version("pulumi-azure-native"), cloud.configure)
    plugin.kinds = {
        "azure-native:resources:ResourceGroup": ArmResource(
            cloud, _GROUP, name="resourceGroupName", known_after=("properties.provisioningState",), flat=False
        ),
        "azure-native:storage:StorageAccount": ArmResource(
            cloud,
            storage_account,
            name="accountName",
            known_after=("primaryEndpoints", "primaryLocation", "provisioningState", "statusOfPrimary"),
        ),
        "azure-native:storage:BlobContainer": ArmResource(
            cloud,
            f"{storage_account}/blobServices/default/containers/{{containerName}}",
            name="containerName",
            located=False,
        ),
        "azure-native:cognitiveservices:Account": ArmResource(
            cloud,
            f"{_GROUP}/providers/Microsoft.CognitiveServices/accounts/{{accountName}}",
            name="accountName",
            known_after=("properties.endpoint", "properties.provisioningState", "identity.principalId"),
            flat=False,
        ),
        "azure-native:managedidentity:UserAssignedIdentity": ArmResource(
            cloud,
            f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}",
            name="resourceName",
            known_after=("principalId", "clientId", "tenantId"),
        ),
        "azure-native:authorization:RoleAssignment": RoleAssignment(
            cloud,
            "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
            name="roleAssignmentName",
            replaced_by=frozenset({"principalId", "principalType", "roleDefinitionId"}),
            located=False,
        ),
    }
    invoked: dict[str, Function] = {
        "azure-native:cognitiveservices:listAccountKeys": functions.account_keys,
        "azure-native:storage:listStorageAccountKeys": functions.storage_keys,
        "azure-native:authorization:getClientConfig": functions.client_config,
    }
    plugin.functions = invoked
    serve(plugin)
