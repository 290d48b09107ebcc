"""A Translator account, a storage account with two containers, and a guard of the batches on the containers."""

from __future__ import annotations

import pulumi
from pulumi_azure_native.authorization import RoleAssignment
from pulumi_azure_native.cognitiveservices import Account, ResourceIdentityType, list_account_keys_output
from pulumi_azure_native.resources import ResourceGroup
from pulumi_azure_native.storage import BlobContainer, StorageAccount

from translation_job_guard import AzureDocumentTranslationJobGuard, AzureDocumentTranslationScope

config = pulumi.Config()

group = ResourceGroup("group")
storage = StorageAccount(
    "storage",
    resource_group_name=group.name,
    kind="StorageV2",
    sku={"name": "Standard_LRS"},
    allow_blob_public_access=False,
)
source, target = (
    BlobContainer(name, resource_group_name=group.name, account_name=storage.name) for name in ("source", "target")
)
# A fixed name: a replacement has to delete the old account first.
account = Account(
    "account",
    account_name=config.require("account"),
    resource_group_name=group.name,
    kind="TextTranslation",
    sku={"name": "S1"},
    identity={"type": ResourceIdentityType.SYSTEM_ASSIGNED},
    properties={"custom_sub_domain_name": config.require("account")},
)
blobs = "/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
access = RoleAssignment(
    "access",
    scope=storage.id,
    principal_id=account.identity.principal_id,
    principal_type="ServicePrincipal",
    role_definition_id=blobs,
)

urls = [pulumi.Output.concat(storage.primary_endpoints.blob, container.name) for container in (source, target)]
AzureDocumentTranslationJobGuard(
    "guard",
    endpoint=account.properties.endpoint,
    scope=AzureDocumentTranslationScope(container_urls=urls),
    protects=[account, access, source, target],
    quiet_period=0,
    timeout=60,
)

pulumi.export("containers", urls)
keys = list_account_keys_output(account_name=account.name, resource_group_name=group.name)
pulumi.export("key", pulumi.Output.secret(keys.key1))
pulumi.export("endpoint", account.properties.endpoint)
