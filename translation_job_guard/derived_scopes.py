"""Derive a guard's scope from the outputs of the resources that it protects. No provider's SDK is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pulumi

from translation_job_guard.guard.derivation import derive, s3_prefix
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.resource_types import STORAGE_ACCOUNT, container_url, plain_type

__all__ = ["amazon_scopes", "azure_scopes"]


def amazon_scopes(protects: Sequence[pulumi.Resource]) -> list[dict[str, Any]]:
    """Return scopes for jobs under any protected role, and for jobs that read or write any protected bucket."""
    return _scopes(
        AMAZON_TRANSLATE,
        protects,
        lambda fact, output: output.apply(s3_prefix if fact == "bucket" else lambda arn: arn or ""),
    )


def azure_scopes(protects: Sequence[pulumi.Resource], endpoint: pulumi.Input[str]) -> list[dict[str, Any]]:
    """Return a scope for batches that read or write any protected container.

    A container's URL is below its account's own blob endpoint if the account is protected too, else below the one
    that the endpoint's cloud gives it.
    """
    blob_endpoints = pulumi.Output.all(
        *(
            pulumi.Output.all(_attribute(one, "name"), _attribute(one, "primary_endpoints"))
            for one in protects
            if plain_type(str(one._type)) == STORAGE_ACCOUNT
        )
    )
    return _scopes(
        AZURE_DOCUMENT_TRANSLATION,
        protects,
        lambda _, id_: pulumi.Output.all(id_, blob_endpoints, endpoint).apply(lambda known: _container_url(*known)),
    )


def _scopes(
    service: str,
    protects: Sequence[pulumi.Resource],
    value: Callable[[str, pulumi.Output[Any]], pulumi.Output[str]],
) -> list[dict[str, Any]]:
    # Each value is an output by itself: one that is not known yet must not make the whole scope unknown, which would
    # replace the guard.
    return [
        {derived.selector: [value(derived.fact, _attribute(protects[at], derived.fact)) for at in derived.positions]}
        for derived in derive(service, [str(one._type) for one in protects])
    ]


def _container_url(id_: str, accounts: Sequence[Sequence[Any]], endpoint: str) -> str:
    blobs = {
        name: blob
        for name, endpoints in accounts
        if (blob := endpoints.get("blob") if isinstance(endpoints, dict) else getattr(endpoints, "blob", None))
    }
    return container_url(id_ or "", blobs, endpoint or "") or ""


def _attribute(resource: pulumi.Resource, name: str) -> pulumi.Output[Any]:
    return pulumi.Output.from_input(getattr(resource, name, None))
