"""A scope from what a guard protects, by resource types: no provider's SDK is imported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pulumi

__all__ = ["amazon_scopes", "azure_scopes"]

_ROLE = "aws:iam/role:Role"
_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
# azure-native has each type with and without the API version.
_CONTAINER = re.compile(r"azure-native:storage(/v\w+)?:BlobContainer")
_STORAGE_ACCOUNT = re.compile(r"azure-native:storage(/v\w+)?:StorageAccount")
_CONTAINER_ID = re.compile(
    r"(?i).*/storageAccounts/(?P<account>[^/]+)/blobServices/[^/]+/containers/(?P<container>[^/]+)"
)
_BLOB_SUFFIXES = {".azure.us": "blob.core.usgovcloudapi.net", ".azure.cn": "blob.core.chinacloudapi.cn"}


def amazon_scopes(protects: Sequence[pulumi.Resource]) -> list[dict[str, Any]]:
    """A union: jobs under any of the protected roles, and jobs that read or write any of the protected buckets."""
    roles = [_text(_attribute(one, "arn")) for one in protects if _type(one) == _ROLE]
    buckets = [
        _attribute(one, "bucket").apply(lambda name: f"s3://{name}/" if name else "")
        for one in protects
        if _type(one) in _BUCKETS
    ]
    scopes: list[dict[str, Any]] = []
    if roles:
        scopes.append({"data_access_role_arns": roles})
    if buckets:
        scopes.append({"s3_uri_prefixes": buckets})
    return scopes


def azure_scopes(protects: Sequence[pulumi.Resource], endpoint: pulumi.Input[str]) -> list[dict[str, Any]]:
    """Batches that read or write any of the protected containers.

    A container's URL is below its account's own blob endpoint where the account is protected too, else below the one
    that the endpoint's cloud gives it.
    """
    accounts = [one for one in protects if _STORAGE_ACCOUNT.fullmatch(_type(one))]
    containers = [one for one in protects if _CONTAINER.fullmatch(_type(one))]
    if not containers:
        return []
    blob_endpoints = pulumi.Output.all(
        *(pulumi.Output.all(_attribute(one, "name"), _attribute(one, "primary_endpoints")) for one in accounts)
    )
    urls = [
        pulumi.Output.all(one.id, blob_endpoints, endpoint).apply(lambda known: _container_url(*known))
        for one in containers
        if isinstance(one, pulumi.CustomResource)
    ]
    return [{"container_urls": urls}]


def _container_url(id_: str, accounts: Sequence[Sequence[Any]], endpoint: str) -> str:
    match = _CONTAINER_ID.fullmatch(id_ or "")
    if not match:
        return ""
    for name, endpoints in accounts:
        blob = endpoints.get("blob") if isinstance(endpoints, dict) else getattr(endpoints, "blob", None)
        if name == match["account"] and blob:
            return f"{blob.rstrip('/')}/{match['container']}"
    host = (endpoint or "").split("//")[-1].split("/")[0]
    suffix = next((blob for cloud, blob in _BLOB_SUFFIXES.items() if host.endswith(cloud)), "blob.core.windows.net")
    return f"https://{match['account']}.{suffix}/{match['container']}"


def _attribute(resource: pulumi.Resource, name: str) -> pulumi.Output[Any]:
    return pulumi.Output.from_input(getattr(resource, name, None))


def _text(output: pulumi.Output[Any]) -> pulumi.Output[str]:
    return output.apply(lambda value: value or "")


def _type(resource: pulumi.Resource) -> str:
    return str(resource._type)
