"""Azure Document Translation with a guard: storage, containers, Translator account, and the guard of their batches.

No key is used anywhere: the account reads and writes the containers by its managed identity, and whoever deploys uses
Entra ID, to start batches and to stop them. The account is this environment's own: nobody else's batches run on it, and
the guard answers for all of them.

(The module is not called `azure`: that would hide the SDK's package from the program.)

Configuration (`pulumi config set KEY VALUE`):
    azure-native:location    where (required; managed identities need a region, not "global")
    subdomain                of the Translator account, unique in all of Azure (required)
    release                  any text; a new one replaces the guard, and so stops the batches of the release before
                             (default "1")
    onDelete                 cancel, drain, fail or ignore (default cancel)
    deployerPrincipalId      object id of who runs Pulumi, and so has to be allowed to stop batches (default: whoever
                             is logged in)
    deployerPrincipalType    User, Group or ServicePrincipal (default ServicePrincipal, as in CI)

Outputs: what a batch is started with (`endpoint`, `source`, `target`).
"""

from __future__ import annotations

import pulumi
from pulumi_azure_native.authorization import RoleAssignment, get_client_config
from pulumi_azure_native.cognitiveservices import (
    Account,
    AccountPropertiesArgs,
    IdentityArgs,
    ResourceIdentityType,
    SkuArgs,
)
from pulumi_azure_native.resources import ResourceGroup
from pulumi_azure_native.storage import BlobContainer, PublicAccess, StorageAccount

from stacks.configuration import choice, mode, optional, text
from translation_job_guard import AzureDocumentTranslationJobGuard, AzureDocumentTranslationScope

# Built-in roles have the same id in every subscription (Azure documentation, "Azure built-in roles").
STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
COGNITIVE_SERVICES_USER = "a97b65f3-24c7-4388-baec-2e87135dc908"

location = text(
    "location",
    namespace="azure-native",
    example="westeurope",
    pattern="(?i)(?!global$)[a-z0-9 ]+",
    must_be="the name of an Azure region",
)
subdomain = text(
    "subdomain",
    example="contoso-translator-dev",
    pattern="[a-z0-9][a-z0-9-]{0,62}[a-z0-9]",
    must_be="2 to 64 lower-case letters, digits and hyphens, with no hyphen at either end",
)
release = text("release", default="1")
on_delete = mode("onDelete")
deployer = optional(
    "deployerPrincipalId",
    example="$(az ad signed-in-user show --query id --output tsv)",
    pattern="(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    must_be="an object id of Entra ID, a UUID",
)
deployer_type = choice("deployerPrincipalType", "ServicePrincipal", "User", "Group")
client = get_client_config()


def built_in_role(id_: str) -> str:
    return f"/subscriptions/{client.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/{id_}"


group = ResourceGroup("translation", location=location)
storage = StorageAccount(
    "documents",
    resource_group_name=group.name,
    location=location,
    kind="StorageV2",
    sku={"name": "Standard_LRS"},
    allow_blob_public_access=False,
    allow_shared_key_access=False,
    enable_https_traffic_only=True,
    minimum_tls_version="TLS1_2",
)
source, target = (
    BlobContainer(name, resource_group_name=group.name, account_name=storage.name, public_access=PublicAccess.NONE)
    for name in ("source", "target")
)
translator = Account(
    "translator",
    account_name=subdomain,
    resource_group_name=group.name,
    location=location,
    kind="TextTranslation",
    # Document Translation needs S1 or larger, and a subdomain of its own.
    sku=SkuArgs(name="S1"),
    identity=IdentityArgs(type=ResourceIdentityType.SYSTEM_ASSIGNED),
    properties=AccountPropertiesArgs(custom_sub_domain_name=subdomain, disable_local_auth=True),
)
reads_and_writes = RoleAssignment(
    "translator-reads-and-writes",
    scope=storage.id,
    principal_id=translator.identity.principal_id,
    principal_type="ServicePrincipal",
    role_definition_id=built_in_role(STORAGE_BLOB_DATA_CONTRIBUTOR),
)
# Without keys, who deploys needs a role to see and stop batches, and the guard needs it to the end.
may_stop = RoleAssignment(
    "deployer-may-stop",
    scope=translator.id,
    principal_id=deployer or client.object_id,
    principal_type=deployer_type,
    role_definition_id=built_in_role(COGNITIVE_SERVICES_USER),
)

urls = [pulumi.Output.concat(storage.primary_endpoints.blob, container.name) for container in (source, target)]
guard = AzureDocumentTranslationJobGuard(
    "batches",
    endpoint=translator.properties.endpoint,
    # The account is this environment's own, so all of its batches are, also those that wait and list no documents yet.
    scope=AzureDocumentTranslationScope(whole_resource=True),
    protects=[translator, reads_and_writes, may_stop, source, target, storage],
    on_delete=on_delete,
    triggers=[release],
)

pulumi.export("endpoint", translator.properties.endpoint)
pulumi.export("source", urls[0])
pulumi.export("target", urls[1])
