"""Azure Resource Manager: resources that are put, what they bring with them, and what goes with them."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.rest import HttpRequest

from emulator_fixtures import azure
from translation_job_emulator import Emulator

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUBSCRIPTION}/resourceGroups/group"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/documents"
CONTAINER = f"{STORAGE}/blobServices/default/containers/source"
ACCOUNT = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/translator"
ACCESS = f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-3333-4444-555555555555"
CONTAINER_URL = "https://documents.blob.core.windows.net/source"


class ResourceManager:
    """Requests for resources by their ids, by azure-core."""

    def __init__(self, emulator: Emulator) -> None:
        self._url = emulator.azure_arm_endpoint
        self._client: Any = PipelineClient(self._url, policies=[])

    def ask(self, method: str, id_: str, **body: Any) -> tuple[int, Any]:
        headers = {"Authorization": "Bearer token"}
        request = HttpRequest(method, f"{self._url}{id_}?api-version=2024-01-01", headers=headers, json=body)
        answer = self._client.send_request(request)
        return answer.status_code, answer.json() if answer.content else None

    def put(self, id_: str, **body: Any) -> Any:
        status, made = self.ask("PUT", id_, **body)
        assert status in (200, 201), made
        return made

    def refused(self, method: str, id_: str, **body: Any) -> tuple[int, str]:
        status, answer = self.ask(method, id_, **body)
        return status, answer["error"]["code"]


@pytest.fixture
def arm(stepped: Emulator) -> ResourceManager:
    """With a resource group, as an emulator that makes up no accounts."""
    stepped.control.settings(azure_resources="explicit")
    arm = ResourceManager(stepped)
    arm.put(GROUP, location="westeurope")
    return arm


def translate(emulator: Emulator, source: str = CONTAINER_URL) -> str:
    client = azure(emulator, "translator")
    return str(client.begin_translation(source, "https://elsewhere.blob.core.windows.net/target", "fr").id)


def test_a_resource_is_kept_as_it_was_put(arm: ResourceManager) -> None:
    """201 for a new one, 200 for a change, with id, name and type; 404 for one that is not there."""
    assert arm.refused("GET", STORAGE) == (404, "ResourceNotFound")
    status, made = arm.ask("PUT", STORAGE, location="westeurope", sku={"name": "Standard_LRS"})
    assert status == 201
    assert (made["id"], made["name"], made["type"]) == (STORAGE, "documents", "Microsoft.Storage/storageAccounts")
    assert made["properties"]["primaryEndpoints"]["blob"] == "https://documents.blob.core.windows.net/"
    status, changed = arm.ask("PUT", STORAGE, location="westeurope", sku={"name": "Standard_GRS"})
    assert status == 200
    assert arm.ask("GET", STORAGE.upper()) == (200, changed)
    assert changed["sku"] == {"name": "Standard_GRS"}


def test_what_a_resource_is_in_must_be_there(arm: ResourceManager) -> None:
    """A resource needs its group, a container its storage account, a role assignment its scope."""
    elsewhere = STORAGE.replace("group", "other")
    assert arm.refused("PUT", elsewhere) == (404, "ResourceGroupNotFound")
    assert arm.refused("PUT", CONTAINER) == (404, "ParentResourceNotFound")
    assert arm.refused("PUT", ACCESS) == (404, "ParentResourceNotFound")
    arm.put(STORAGE)
    arm.put(CONTAINER)
    assert arm.put(ACCESS)["properties"]["scope"] == STORAGE


def test_an_account_has_an_endpoint_as_long_as_it_is_there(arm: ResourceManager, stepped: Emulator) -> None:
    """Its name is the custom subdomain's, and it is gone with the account."""
    made = arm.put(ACCOUNT, properties={"customSubDomainName": "translator"}, identity={"type": "SystemAssigned"})
    assert made["properties"]["endpoint"] == f"{stepped.azure_endpoint('translator')}/"
    assert len(made["identity"]["principalId"]) == 36
    assert list(azure(stepped, "translator").list_translation_statuses()) == []
    assert arm.ask("POST", f"{ACCOUNT}/listKeys") == (200, {"key1": "emulator-key", "key2": "emulator-key-2"})

    assert arm.ask("DELETE", ACCOUNT) == (200, None)
    assert arm.ask("DELETE", ACCOUNT) == (204, None)
    assert arm.refused("POST", f"{ACCOUNT}/listKeys") == (404, "ResourceNotFound")
    with pytest.raises(HttpResponseError, match="Resource not found"):
        list(azure(stepped, "translator").list_translation_statuses())


def test_an_account_of_a_group_does_not_come_into_being_on_use(arm: ResourceManager, stepped: Emulator) -> None:
    """Although accounts elsewhere do."""
    stepped.control.settings(azure_resources="any")
    assert arm.refused("GET", ACCOUNT) == (404, "ResourceNotFound")
    assert arm.ask("GET", ACCOUNT.replace("/group/", "/other/"))[0] == 200


def test_a_deleted_account_has_to_be_restored(arm: ResourceManager) -> None:
    """Azure keeps a deleted account for 48 hours: its name is taken until it is restored or purged."""
    arm.put(ACCOUNT)
    arm.ask("DELETE", ACCOUNT)
    assert arm.refused("PUT", ACCOUNT) == (409, "FlagMustBeSetForRestore")
    restored = arm.put(ACCOUNT, properties={"restore": True})
    assert "restore" not in restored["properties"]


def test_an_account_can_refuse_keys(arm: ResourceManager, stepped: Emulator) -> None:
    """With disableLocalAuth only Entra ID leads in."""
    arm.put(ACCOUNT, properties={"disableLocalAuth": True})
    with pytest.raises(HttpResponseError, match="Key based authentication is disabled") as refused:
        list(azure(stepped, "translator").list_translation_statuses())
    assert refused.value.status_code == 403
    assert not isinstance(refused.value, ClientAuthenticationError)
    assert arm.refused("POST", f"{ACCOUNT}/listKeys") == (400, "BadRequest")
    arm.put(ACCOUNT)
    assert list(azure(stepped, "translator").list_translation_statuses()) == []


@pytest.mark.parametrize("deleted", [CONTAINER, STORAGE, GROUP], ids=["container", "storage account", "group"])
def test_batches_fail_with_their_container(arm: ResourceManager, stepped: Emulator, deleted: str) -> None:
    """Also when what the container is in is deleted; others go on."""
    for id_ in (ACCOUNT, STORAGE, CONTAINER, ACCESS):
        arm.put(id_)
    batch, other = translate(stepped), translate(stepped, "https://elsewhere.blob.core.windows.net/source")
    stepped.control.advance(2)
    arm.ask("DELETE", deleted)
    assert stepped.control.job(batch)["state"] == "Failed"
    assert stepped.control.job(other)["state"] == "Running"
    assert arm.ask("GET", ACCESS)[0] == (200 if deleted == CONTAINER else 404)


def test_storage_accounts_have_keys(arm: ResourceManager) -> None:
    """Two, which stay the same; an account that is not there has none."""
    assert arm.refused("POST", f"{STORAGE}/listKeys") == (404, "ResourceNotFound")
    arm.put(STORAGE)
    _, listed = arm.ask("POST", f"{STORAGE}/listKeys")
    assert [key["keyName"] for key in listed["keys"]] == ["key1", "key2"]
    assert arm.ask("POST", f"{STORAGE}/listKeys") == (200, listed)
