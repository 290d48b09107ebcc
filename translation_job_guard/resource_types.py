"""The types of guards and of what translation jobs need, for a program and for a state alike; no provider's SDK."""

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
    "ROLE",
    "STORAGE_ACCOUNT",
    "TRANSLATOR",
    "container_url",
]

GUARD_TYPES: Final[Mapping[str, str]] = {
    "pulumi-python:dynamic/translation:AmazonTranslateJobGuard": AMAZON_TRANSLATE,
    "pulumi-python:dynamic/translation:AzureDocumentTranslationJobGuard": AZURE_DOCUMENT_TRANSLATION,
}
"""The type tokens of guards, a stored format, and the services."""
ROLE: Final = "aws:iam/role:Role"
BUCKETS: Final = frozenset({"aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"})
# azure-native has each type with and without the API version.
CONTAINER: Final = re.compile(r"azure-native:storage(/v\w+)?:BlobContainer")
STORAGE_ACCOUNT: Final = re.compile(r"azure-native:storage(/v\w+)?:StorageAccount")
TRANSLATOR: Final = re.compile(r"azure-native:cognitiveservices(/v\w+)?:Account")
CONTAINER_ID: Final = re.compile(
    r"(?i).*/storageAccounts/(?P<account>[^/]+)/blobServices/[^/]+/containers/(?P<container>[^/]+)"
)


def container_url(id_: str, blob_endpoints: Mapping[str, str], endpoint: str = "") -> str | None:
    """The URL of a container by its resource id; None if the id is none of a container.

    Args:
        blob_endpoints: of storage accounts, by their names.
        endpoint: of the Translator resource, whose cloud gives the URL of a container in any other account.
    """
    match = CONTAINER_ID.fullmatch(id_)
    if match is None:
        return None
    blob = blob_endpoints.get(match["account"]) or f"https://{match['account']}.{cloud_of(endpoint).blob_suffix}"
    return f"{blob.rstrip('/')}/{match['container']}"
