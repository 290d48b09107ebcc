"""Golden stacks of Azure Document Translation: a happy path, and one change of it each."""

from __future__ import annotations

from tests.policy.stacks.amazon import BOUNDED, CANCELS, DISJOINT, FIRST, GUARDED, POSSIBLY
from tests.policy.stacks.case import Cases
from tests.policy.support import (
    COGNITIVE_USER,
    READER,
    UNKNOWN,
    Resource,
    account,
    assignment,
    azure_guard,
    container,
    storage,
)

CASES = Cases()


@CASES.case()
def happy() -> list[Resource]:
    """Account, storage account, container and a guard that protects them."""
    translator, store = account(), storage()
    documents = container(store)
    return [translator, store, documents, azure_guard(translator, documents, endpoint=translator)]


@CASES.case()
def happy_in_the_first_preview() -> list[Resource]:
    """The same before anything was made."""
    translator, store = account(made=False), storage()
    documents = container(store, made=False)
    return [translator, store, documents, azure_guard(translator, documents, endpoint=translator, made=False)]


@CASES.case()
def happy_with_api_versions() -> list[Resource]:
    """Types with an API version, of both kinds."""
    translator = account(token="azure-native:cognitiveservices/v20230501:Account")
    store = storage()
    documents = container(store, token="azure-native_storage_v20230101:storage:BlobContainer")
    return [translator, store, documents, azure_guard(translator, documents, endpoint=translator)]


# translation-resources-guarded


@CASES.case(
    f"{GUARDED} translator",
    says=("AzureDocumentTranslationJobGuard(", "whole_resource=True", "protects=[translator, documents]"),
)
def no_guard() -> list[Resource]:
    """An account that can translate documents, and no guard."""
    store = storage()
    return [account(), store, container(store)]


@CASES.case(f"{GUARDED} translator")
def no_guard_with_an_api_version() -> list[Resource]:
    """The same with an API version in the type, in the first preview."""
    return [account(token="azure-native:cognitiveservices/v20230501:Account", made=False)]


@CASES.case(f"{POSSIBLY} openai", f"{POSSIBLY} many", says=("waive this finding",))
def accounts_with_many_services() -> list[Resource]:
    """They may be there for anything, so that is advisory."""
    return [account("openai", "AIServices"), account("many", "CognitiveServices", made=False)]


@CASES.case()
def accounts_without_a_custom_subdomain() -> list[Resource]:
    """Document Translation needs one."""
    return [
        account(subdomain=False),
        account("planned", subdomain=False, made=False),
        account("openai", "AIServices", subdomain=False),
    ]


@CASES.case()
def account_with_many_services_and_its_guard() -> list[Resource]:
    """The whole resource of the stack's own account is in order, whichever kind it is."""
    many = account("many", "CognitiveServices")
    return [many, azure_guard(many, endpoint=many, scope={"whole_resource": True})]


@CASES.case()
def account_of_another_kind() -> list[Resource]:
    """An account for speech."""
    return [account("speech", "SpeechServices")]


@CASES.case()
def free_account() -> list[Resource]:
    """The free tier does no Document Translation."""
    return [account(sku="F0")]


@CASES.case()
def account_of_unknown_kind() -> list[Resource]:
    """Not known yet: left for the update."""
    return [account(kind=UNKNOWN, made=False)]


@CASES.case(f"{GUARDED} second")
def guard_of_another_account() -> list[Resource]:
    """Two accounts, a guard of one: depending on the other is not working there."""
    first, second, store = account("first"), account("second"), storage()
    documents = container(store)
    return [first, second, store, documents, azure_guard(first, second, documents, endpoint=first)]


@CASES.case(f"{GUARDED} translator")
def guard_of_a_batch_by_id() -> list[Resource]:
    """Ids select batches that exist."""
    translator = account()
    scope = {"translation_ids": ["0f0f0f0f-0000-4000-8000-000000000000"]}
    return [translator, azure_guard(translator, endpoint=translator, scope=scope)]


# guard-deleted-first


@CASES.case(f"{FIRST} guard", says=("Azure account 'translator'",))
def account_named_by_its_literal_endpoint() -> list[Resource]:
    """A literal endpoint is no dependency, and it covers the account."""
    store = storage()
    documents = container(store)
    endpoint = "https://translator.cognitiveservices.azure.com"
    return [account(), store, documents, azure_guard(documents, endpoint=endpoint)]


@CASES.case(f"{FIRST} guard", says=("container 'documents'",))
def container_named_by_its_literal_url() -> list[Resource]:
    """So is a literal container URL."""
    translator, store = account(), storage()
    scope = {"container_urls": ["https://store.blob.core.windows.net/documents"]}
    return [translator, store, container(store), azure_guard(translator, endpoint=translator, scope=scope)]


@CASES.case(f"{FIRST} guard", says=("'reads-documents'",))
def rights_of_the_account_on_the_storage() -> list[Resource]:
    """The account reads and writes the containers by a role assignment."""
    translator, store = account(), storage()
    documents = container(store)
    rights = assignment("reads-documents", store, translator)
    return [translator, store, documents, rights, azure_guard(translator, documents, endpoint=translator)]


@CASES.case(f"{FIRST} guard", says=("'cancels-batches'",))
def rights_on_the_account() -> list[Resource]:
    """Whoever destroys the stack may need them to cancel."""
    translator, store = account(), storage()
    documents = container(store)
    rights = assignment("cancels-batches", translator, role=COGNITIVE_USER)
    return [translator, store, documents, rights, azure_guard(translator, documents, endpoint=translator)]


@CASES.case()
def rights_that_no_batch_needs() -> list[Resource]:
    """Who may look at the account or the storage account, or starts batches, does not matter to batches."""
    translator, store = account(), storage()
    documents = container(store)
    starter = Resource("azure-native:web:WebApp", "starter", {})
    return [
        *(translator, store, documents, starter),
        assignment("shows-account", translator, role=READER),
        assignment("shows-storage", store, translator, role=READER),
        assignment("starts-batches", translator, starter, role=COGNITIVE_USER),
        azure_guard(translator, documents, endpoint=translator),
    ]


@CASES.case(f"{FIRST} guard", says=("'by-own-role'",))
def rights_by_a_role_of_the_stack() -> list[Resource]:
    """A role that the stack defines itself is made for what the stack does."""
    translator, store = account(), storage()
    documents = container(store)
    definition = Resource("azure-native:authorization:RoleDefinition", "own-role", {})
    rights = assignment("by-own-role", store, translator)
    rights.properties["roleDefinitionId"] = UNKNOWN
    rights.flows["roleDefinitionId"] = [definition]
    return [translator, store, documents, definition, rights, azure_guard(translator, documents, endpoint=translator)]


@CASES.case(f"{FIRST} guard", says=("'reads-key'",))
def rights_of_the_account_on_a_key() -> list[Resource]:
    """An account with a key of the customer's cannot work without it."""
    translator, store = account(), storage()
    documents = container(store)
    vault = Resource("azure-native:keyvault:Vault", "vault", {})
    rights = assignment("reads-key", vault, translator, role="e147488a-f6f5-4113-8e2d-b22465e65bf6")
    return [translator, store, documents, vault, rights, azure_guard(translator, documents, endpoint=translator)]


@CASES.case()
def rights_of_an_application_on_the_storage() -> list[Resource]:
    """What another resource of the stack may do with the containers is not the batches' business."""
    translator, store = account(), storage()
    documents = container(store)
    application = Resource("azure-native:web:WebApp", "application", {})
    rights = assignment("shows-documents", store, application)
    return [
        *(translator, store, documents, application, rights),
        azure_guard(translator, documents, endpoint=translator),
    ]


# The others


@CASES.case(f"{BOUNDED} guard", f"{GUARDED} translator")
def whole_resource_of_another_account_than_its_own() -> list[Resource]:
    """Protecting one account does not make another one the stack's."""
    own, documents = account(), container(storage())
    guard = azure_guard(own, endpoint="https://shared.cognitiveservices.azure.com", scope={"whole_resource": True})
    return [own, *documents.depends, documents, guard]


@CASES.case(f"{FIRST} guard", says=("Azure account 'translator'",))
def whole_resource_of_its_own_by_a_literal_endpoint() -> list[Resource]:
    """The account is the stack's, so the scope is in order; the order of deletion is not."""
    endpoint = "https://translator.cognitiveservices.azure.com"
    return [account(), azure_guard(endpoint=endpoint, scope={"whole_resource": True})]


@CASES.case(f"{BOUNDED} guard", says=("source_container_urls=[…]",))
def whole_resource() -> list[Resource]:
    """Every batch of a Translator resource that the stack does not have."""
    endpoint = "https://shared.cognitiveservices.azure.com"
    documents = container(storage())
    scope = {"whole_resource": True}
    return [*documents.depends, documents, azure_guard(documents, endpoint=endpoint, scope=scope)]


@CASES.case()
def whole_resource_of_its_own() -> list[Resource]:
    """An account per environment, protected by the guard: every batch there is the environment's own."""
    translator = account(token="azure-native:cognitiveservices/v20230501:Account")
    return [translator, azure_guard(translator, endpoint=translator, scope={"whole_resource": True})]


@CASES.case()
def whole_resource_of_its_own_in_the_first_preview() -> list[Resource]:
    """The same before anything was made."""
    translator = account(made=False)
    return [translator, azure_guard(translator, endpoint=translator, scope={"whole_resource": True}, made=False)]


@CASES.case(f"{CANCELS} waits", f"{DISJOINT} waits")
def everything_and_a_container() -> list[Resource]:
    """A guard of a container beside one of the whole resource, by the same endpoint written in two ways."""
    translator, store = account(), storage()
    documents = container(store)
    return [
        *(translator, store, documents),
        azure_guard(translator, documents, endpoint=translator, name="stops"),
        azure_guard(
            *(translator, documents),
            endpoint="https://Translator.cognitiveservices.azure.com",
            name="waits",
            scope={"container_urls": ["https://store.blob.core.windows.net:443/documents/in"]},
            on_delete="fail",
        ),
    ]


@CASES.case(f"{FIRST} guard", says=("container 'documents'",))
def source_named_by_its_literal_url() -> list[Resource]:
    """A container that batches only read from is needed all the same."""
    translator, store = account(), storage()
    scope = {"source_container_urls": ["https://store.blob.core.windows.net/documents/in"]}
    return [translator, store, container(store), azure_guard(translator, endpoint=translator, scope=scope)]


DOCUMENTS, OTHER = (f"https://store.blob.core.windows.net/{name}" for name in ("documents", "other"))


def _two_scopes(first: dict[str, list[str]], second: dict[str, list[str]]) -> list[Resource]:
    translator, store = account(), storage()
    documents, other = container(store), container(store, "other")
    everything = (translator, documents, other)
    return [
        *(translator, store, documents, other),
        azure_guard(*everything, endpoint=translator, name="stops", scope=first),
        azure_guard(*everything, endpoint=translator, name="waits", on_delete="drain", scope=second),
    ]


@CASES.case(f"{CANCELS} waits", f"{DISJOINT} waits")
def a_source_and_the_container() -> list[Resource]:
    """What reads from a container uses it."""
    return _two_scopes({"source_container_urls": [f"{DOCUMENTS}/in"]}, {"container_urls": [OTHER, DOCUMENTS]})


@CASES.case(f"{CANCELS} waits", f"{DISJOINT} waits")
def a_source_and_the_same_with_a_target() -> list[Resource]:
    """The narrower scope is inside the other one."""
    return _two_scopes(
        {"source_container_urls": [DOCUMENTS]}, {"source_container_urls": [DOCUMENTS], "target_container_urls": [OTHER]}
    )


@CASES.case(f"{CANCELS} waits")
def one_source_two_targets() -> list[Resource]:
    """No document is written to both."""
    return _two_scopes(
        {"source_container_urls": [DOCUMENTS], "target_container_urls": [f"{OTHER}/a"]},
        {"source_container_urls": [DOCUMENTS], "target_container_urls": [f"{OTHER}/b"]},
    )


@CASES.case(f"{CANCELS} waits")
def a_source_and_a_target() -> list[Resource]:
    """By different sides of a document: whether there is such a batch is not certain."""
    return _two_scopes({"source_container_urls": [DOCUMENTS]}, {"target_container_urls": [DOCUMENTS]})


@CASES.case(f"{CANCELS} waits")
def two_containers() -> list[Resource]:
    """Guards of different containers."""
    translator, store = account(), storage()
    one, two = container(store, "one"), container(store, "two")
    return [
        *(translator, store, one, two),
        azure_guard(translator, one, endpoint=translator, name="stops"),
        azure_guard(translator, two, endpoint=translator, name="waits", on_delete="drain"),
    ]
