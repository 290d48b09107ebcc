"""A scope from what a guard protects, by resource types: no provider's SDK is imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from translation_job_guard.resource_types import BUCKETS, CONTAINER, ROLE, STORAGE_ACCOUNT, container_url, plain_type

__all__ = ["amazon_scopes", "azure_scopes"]


def amazon_scopes(protects: Sequence[pulumi.Resource]) -> list[dict[str, Any]]:
    """A union: jobs under any of the protected roles, and jobs that read or write any of the protected buckets."""
    roles = [_text(_attribute(one, "arn")) for one in protects if _type(one) == ROLE]
    buckets = [
        _attribute(one, "bucket").apply(lambda name: f"s3://{name}/" if name else "")
        for one in protects
        if _type(one) in BUCKETS
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
    accounts = [one for one in protects if _type(one) == STORAGE_ACCOUNT]
    containers = [one for one in protects if _type(one) == CONTAINER]
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
    blobs = {
        name: blob
        for name, endpoints in accounts
        if (blob := endpoints.get("blob") if isinstance(endpoints, dict) else getattr(endpoints, "blob", None))
    }
    return container_url(id_ or "", blobs, endpoint or "") or ""


def _attribute(resource: pulumi.Resource, name: str) -> pulumi.Output[Any]:
    return pulumi.Output.from_input(getattr(resource, name, None))


def _text(output: pulumi.Output[Any]) -> pulumi.Output[str]:
    return output.apply(lambda value: value or "")


def _type(resource: pulumi.Resource) -> str:
    return plain_type(str(resource._type))
