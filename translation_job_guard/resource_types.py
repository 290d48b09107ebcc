"""Know the types of guards and of what translation jobs need, in programs and in states; imports no provider's SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.services.azure import cloud_of

__all__ = [
    "BUCKETS",
    "CONTAINER",
    "CONTAINER_ID",
    "GUARD_TYPES",
    "MANY_SERVICES",
    "NATIVE_GUARD_TYPES",
    "ROLE",
    "STORAGE_ACCOUNT",
    "TRANSLATE",
    "TRANSLATOR",
    "TRANSLATORS",
    "container_url",
    "plain_type",
]

GUARD_TYPES: Final[Mapping[str, str]] = {
    "pulumi-python:dynamic/translation:AmazonTranslateJobGuard": AMAZON_TRANSLATE,
    "pulumi-python:dynamic/translation:AzureDocumentTranslationJobGuard": AZURE_DOCUMENT_TRANSLATION,
}
"""The service of each type of dynamic guard. The types are a stored format."""
NATIVE_GUARD_TYPES: Final[Mapping[str, str]] = {
    "translation-job-guard:index:AmazonTranslateJobGuard": AMAZON_TRANSLATE,
    "translation-job-guard:index:AzureDocumentTranslationJobGuard": AZURE_DOCUMENT_TRANSLATION,
}
"""The service of each type of guard of the native plugin. The types are a stored format."""
ROLE: Final = "aws:iam/role:Role"
BUCKETS: Final = frozenset({"aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"})
"""Version 6 of the provider has both, version 7 only the first."""
CONTAINER: Final = "azure-native:storage:BlobContainer"
STORAGE_ACCOUNT: Final = "azure-native:storage:StorageAccount"
TRANSLATOR: Final = "azure-native:cognitiveservices:Account"
TRANSLATORS: Final = frozenset({"texttranslation"})
"""Kinds of Cognitive Services accounts, in lower case, that are only for translation."""
MANY_SERVICES: Final = frozenset({"cognitiveservices", "aiservices"})
"""Kinds of accounts with many services, of which Document Translation is one."""
TRANSLATE: Final = TRANSLATORS | MANY_SERVICES

_AZURE_VERSION: Final = re.compile(r"^azure-native(?:_\w+)?:(\w+)(?:/v\w+)?:(\w+)$")
CONTAINER_ID: Final = re.compile(
    r"(?i).*/storageAccounts/(?P<account>[^/]+)/blobServices/[^/]+/containers/(?P<container>[^/]+)"
)


def plain_type(type_: str) -> str:
    """Return a resource's type without its API version.

    azure-native has it in the type, azure-native:storage/v1:…, or in the package, azure-native_storage_v1:storage:….
    """
    return _AZURE_VERSION.sub(r"azure-native:\1:\2", type_) if type_.startswith("azure-native") else type_


def container_url(id_: str, blob_endpoints: Mapping[str, str], endpoint: str = "") -> str | None:
    """Return the URL of a blob container; None if the ID is not one of a container.

    Args:
        id_: The container's resource ID.
        blob_endpoints: The blob endpoints of storage accounts, by the accounts' names.
        endpoint: The Translator resource's endpoint: its cloud gives the URL of a container in any other account.
    """
    match = CONTAINER_ID.fullmatch(id_)
    if match is None:
        return None
    blob = blob_endpoints.get(match["account"]) or f"https://{match['account']}.{cloud_of(endpoint).blob_suffix}"
    return f"{blob.rstrip('/')}/{match['container']}"
