"""Scopes from what a guard protects: the rule that both faces of the guard share."""

from __future__ import annotations

import pytest

from translation_job_guard.guard.derivation import Derived, derive, s3_prefix
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

ROLE, BUCKET = "aws:iam/role:Role", "aws:s3/bucket:Bucket"


def test_each_kind_of_resource_gives_a_scope_of_its_own() -> None:
    """A job under a protected role is covered, whatever it reads, and so is one on a protected bucket."""
    types = [BUCKET, "aws:iam/rolePolicy:RolePolicy", ROLE, "aws:s3/bucketV2:BucketV2", ROLE]
    assert derive(AMAZON_TRANSLATE, types) == [
        Derived("data_access_role_arns", "arn", (2, 4)),
        Derived("s3_uri_prefixes", "bucket", (0, 3)),
    ]


@pytest.mark.parametrize(
    "type_",
    [
        "azure-native:storage:BlobContainer",
        "azure-native:storage/v20230101:BlobContainer",
        "azure-native_storage_v20230101:storage:BlobContainer",
    ],
)
def test_a_container_gives_its_url_in_every_version(type_: str) -> None:
    """The version of the API is in the type or in the package."""
    assert derive(AZURE_DOCUMENT_TRANSLATION, [type_]) == [Derived("container_urls", "id", (0,))]


@pytest.mark.parametrize("service", [AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION])
def test_other_resources_give_nothing(service: str) -> None:
    """A Translator account may be shared; a component is not looked into."""
    types = ["azure-native:cognitiveservices:Account", "my:index:Platform", "aws:kms/key:Key"]
    assert derive(service, types) == []


def test_a_prefix_ends_at_a_slash_and_an_empty_name_gives_none() -> None:
    """``s3:///`` would be a prefix of nothing; the empty text is refused with a reason."""
    assert s3_prefix("letters") == "s3://letters/"
    assert s3_prefix("") == ""
