"""Golden stacks of other providers, and of everything around translation that a team has in its stacks."""

from __future__ import annotations

from tests.policy.stacks.amazon import FIRST, GUARDED, POSSIBLY
from tests.policy.stacks.case import Cases
from tests.policy.support import (
    ACCOUNT,
    ASSUMED_BY_LAMBDA,
    ASSUMED_BY_TRANSLATE,
    BLOB_CONTRIBUTOR,
    READER,
    UNKNOWN,
    Resource,
    account,
    amazon_guard,
    attachment,
    azure_guard,
    bucket,
    container,
    permission,
    provider,
    role,
    storage,
)

CASES = Cases()


def native_role(name: str = "translate", document: object = ASSUMED_BY_TRANSLATE) -> Resource:
    properties = {"assumeRolePolicyDocument": document, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "roleName": name}
    return Resource("aws-native:iam:Role", name, properties)


def native_policy(of: Resource, *on: Resource, action: str = "s3:*") -> Resource:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    properties = {"roleName": of.of("roleName"), "policyDocument": {"Statement": [statement]}}
    return Resource(
        "aws-native:iam:RolePolicy", "access", properties, flows={"roleName": [of], "policyDocument": [*on]}
    )


def classic_account(name: str = "translator", kind: str = "TextTranslation", subdomain: str = "translator") -> Resource:
    properties = {
        "kind": kind,
        "skuName": "S1",
        "customSubdomainName": subdomain,
        "endpoint": f"https://{name}.cognitiveservices.azure.com/",
    }
    return Resource("azure:cognitive/account:Account", name, properties)


def classic_assignment(name: str, scope: Resource, principal: Resource, role_name: str) -> Resource:
    token = "azure:authorization/assignment:Assignment"
    flows = {"scope": [scope], "principalId": [principal]}
    return Resource(token, name, {"roleDefinitionName": role_name}, flows=flows)


# aws-native


@CASES.case(f"{GUARDED} translate", says=("data_access_role_arns=[translate.arn]", "access"))
def native_role_without_a_guard() -> list[Resource]:
    """The trust policy is an object under another name."""
    documents, translate = Resource("aws-native:s3:Bucket", "documents", {"bucketName": "documents"}), native_role()
    return [documents, translate, native_policy(translate, documents)]


@CASES.case()
def native_role_of_a_function() -> list[Resource]:
    """Nothing of translation."""
    return [native_role("handler", ASSUMED_BY_LAMBDA)]


@CASES.case(f"{FIRST} guard", says=("role policy 'access'",))
def native_policy_not_protected() -> list[Resource]:
    """Its policy has to outlive the jobs."""
    translate = native_role()
    return [translate, native_policy(translate), amazon_guard(translate)]


@CASES.case()
def native_policy_for_logs() -> list[Resource]:
    """What jobs do not need is not demanded."""
    translate = native_role()
    translate.properties["policies"] = [{"policyName": "inline"}]
    return [translate, native_policy(translate, action="logs:*"), amazon_guard(translate)]


@CASES.case(f"{FIRST} guard", says=("bucket 'documents'",))
def native_bucket_by_its_literal_prefix() -> list[Resource]:
    """Its name is another property."""
    documents = Resource("aws-native:s3:Bucket", "documents", {"bucketName": "documents"})
    return [documents, amazon_guard(scope={"s3_uri_prefixes": ["s3://documents/in/"]})]


# azure, the classic provider


@CASES.case(f"{GUARDED} translator", says=("endpoint=translator.endpoint,", "account_resource_id=translator.id,"))
def classic_account_without_a_guard() -> list[Resource]:
    """Its properties are flat."""
    return [classic_account()]


@CASES.case(f"{POSSIBLY} models", f"{POSSIBLY} many")
def classic_accounts_with_many_services() -> list[Resource]:
    """One resource type is of that kind by itself."""
    models = Resource("azure:cognitive/aIServices:AIServices", "models", {"skuName": "S0", "customSubdomainName": "m"})
    return [models, classic_account("many", "CognitiveServices")]


@CASES.case()
def classic_accounts_that_do_no_batches() -> list[Resource]:
    """Of another kind, of the free tier, and without a subdomain."""
    free, plain = classic_account("free"), classic_account("plain", subdomain="")
    free.properties["skuName"] = "F0"
    plain.properties["endpoint"] = "https://westeurope.api.cognitive.microsoft.com/"
    return [classic_account("speech", "SpeechServices"), free, plain]


@CASES.case(f"{FIRST} guard", says=("'writes'",))
def classic_rights_by_name() -> list[Resource]:
    """A role is named instead of its id; one that batches do not need is not demanded."""
    translator, store = classic_account(), Resource("azure:storage/account:Account", "store", {"name": "store"})
    documents = Resource(
        "azure:storage/container:Container",
        "documents",
        {"name": "documents", "storageAccountName": "store"},
        flows={"storageAccountName": [store]},
    )
    scope = {"container_urls": ["https://store.blob.core.windows.net/documents"]}
    guard = azure_guard(translator, endpoint="https://translator.cognitiveservices.azure.com/", scope=scope)
    guard.depends.append(documents)
    return [
        *(translator, store, documents, guard),
        classic_assignment("writes", store, translator, "Storage Blob Data Contributor"),
        classic_assignment("reads", store, translator, "Reader"),
    ]


@CASES.case()
def user_assigned_identity() -> list[Resource]:
    """The account reads with an identity of the stack, whose rights the guard protects."""
    identity = Resource("azure-native:managedidentity:UserAssignedIdentity", "identity", {"principalId": "p"})
    translator, store = account(), storage()
    translator.flows["identity"] = [identity]
    documents = container(store)
    rights = Resource(
        "azure-native:authorization:RoleAssignment",
        "rights",
        {"roleDefinitionId": f"/roleDefinitions/{BLOB_CONTRIBUTOR}"},
        flows={"scope": [store], "principalId": [identity]},
    )
    guard = azure_guard(translator, documents, rights, endpoint=translator)
    return [identity, translator, store, documents, rights, guard]


@CASES.case(f"{FIRST} guard", says=("'rights'",))
def user_assigned_identity_whose_rights_go_first() -> list[Resource]:
    """The same, with rights that the guard does not protect."""
    resources = user_assigned_identity()
    translator, documents, rights = resources[1], resources[3], resources[4]
    return [*resources[:4], rights, azure_guard(translator, documents, endpoint=translator)]


# Stacks of a team


@CASES.case()
def website_with_a_function() -> list[Resource]:
    """Buckets in two regions, a function with its role, attached policies: nothing of translation."""
    site, logs = bucket("site"), bucket("logs", region="us-east-1")
    handler = role("handler", ASSUMED_BY_LAMBDA)
    return [site, logs, handler, permission(handler, site), attachment(handler, policy="AWSLambdaBasicExecutionRole")]


@CASES.case()
def cluster_with_many_roles() -> list[Resource]:
    """Roles of other services and of other accounts."""
    document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
    document["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    return [role("nodes", ASSUMED_BY_LAMBDA), role("across", document), attachment(role("nodes", ASSUMED_BY_LAMBDA))]


@CASES.case()
def search_and_chat_on_azure() -> list[Resource]:
    """Accounts for other things beside storage that nobody translates."""
    store = storage()
    return [account("openai", "OpenAI"), account("vision", "ComputerVision"), store, container(store)]


@CASES.case()
def role_of_another_stack() -> list[Resource]:
    """The ARN comes from a stack reference, and so does the bucket: nothing here goes before the jobs."""
    reference = Resource("pulumi:pulumi:StackReference", "platform", {"outputs": {}})
    scope = {"data_access_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/elsewhere"]}
    return [reference, amazon_guard(scope=scope, depends=[reference])]


@CASES.case()
def roles_of_two_accounts_with_their_guards() -> list[Resource]:
    """Each by its own provider."""
    first, second = role("first"), role("second")
    second.properties["arn"] = "arn:aws:iam::999999999999:role/second"
    second.provider = provider("other", region="eu-west-1", profile="other")
    return [first, second, amazon_guard(first), amazon_guard(second, name="other", profile="other")]


@CASES.case(f"{GUARDED} second")
def one_of_two_accounts_without_a_guard() -> list[Resource]:
    """The other account's guard covers nothing here."""
    first, second = role("first"), role("second")
    second.properties["arn"] = "arn:aws:iam::999999999999:role/second"
    return [first, second, amazon_guard(first)]


@CASES.case()
def one_guard_of_a_shared_role() -> list[Resource]:
    """Two buckets, one role, one guard with both in what it protects."""
    one, two, translate = bucket("one"), bucket("two"), role()
    access = permission(translate, one, two)
    return [one, two, translate, access, amazon_guard(translate, access)]


@CASES.case()
def role_inside_a_component_and_a_guard_outside() -> list[Resource]:
    """The guard depends on the component's children through the role and its policy."""
    outer = Resource("shop:index:Documents", "outer", {})
    documents, translate = bucket(), role()
    access = permission(translate, documents)
    for one in (documents, translate, access):
        one.parent = outer
    return [outer, documents, translate, access, amazon_guard(translate, access)]


@CASES.case(f"{FIRST} guard")
def component_that_the_guard_only_depends_on() -> list[Resource]:
    """Depending on a component's URN is not depending on its children."""
    outer = Resource("shop:index:Documents", "outer", {})
    documents, translate = bucket(), role()
    access = permission(translate, documents)
    for one in (documents, translate, access):
        one.parent = outer
    return [outer, documents, translate, access, amazon_guard(translate, depends=[outer])]


@CASES.case()
def reader_of_the_account() -> list[Resource]:
    """A monitoring team may look at the account."""
    translator = account()
    rights = Resource(
        "azure-native:authorization:RoleAssignment",
        "monitoring",
        {"roleDefinitionId": f"/roleDefinitions/{READER}", "principalId": "p"},
        flows={"scope": [translator]},
    )
    return [translator, rights, azure_guard(translator, endpoint=translator, scope={"whole_resource": True})]


@CASES.case()
def secret_trust_policy_not_known_yet() -> list[Resource]:
    """Left for the update."""
    return [role("later", UNKNOWN, made=False), bucket(made=False)]
