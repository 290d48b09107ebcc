"""Write suggested guards in Python."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass

from translation_job_guard.policies.nodes import Kind, Node

__all__ = ["SuggestedGuard", "guard", "identifier", "protects"]

_ENDPOINT = "translator_endpoint"
"""A container does not tell which endpoint its batches run at."""


@dataclass(frozen=True)
class SuggestedGuard:
    """A guard to add to a program.

    Args:
        name: the name of the guard.
        region: the region of a guard for Amazon Translate; None for the default of the stack.
        node: the role, bucket, account or container whose jobs the guard is for.
        storage: the variable of the container's storage account; None if the stack does not have it.
        variable: the variable of ``node``.
        protects: the variables of what the guard protects.
    """

    name: str
    region: str | None
    node: Node
    storage: str | None
    variable: str
    protects: Sequence[str]


def identifier(name: str) -> str:
    """Return the name of a resource as a variable."""
    name = re.sub(r"\W+", "_", name).strip("_").lower() or "resource"
    return f"{name}_" if keyword.iskeyword(name) else f"_{name}" if name[0].isdigit() else name


def protects(variables: Sequence[str]) -> str:
    """Return the argument ``protects`` with these variables."""
    return f"protects=[{', '.join(variables)}],"


def guard(suggested: SuggestedGuard) -> tuple[list[str], list[str]]:
    """Return a guard as lines of code, and the names in it that the program has to replace."""
    arguments, scope = _arguments(suggested)
    service = "AmazonTranslate" if suggested.node.kind in (Kind.ROLE, Kind.BUCKET) else "AzureDocumentTranslation"
    code = [
        *(["import pulumi"] if "pulumi.Output" in scope else []),
        f"from translation_job_guard import {service}JobGuard, {service}Scope",
        f"{service}JobGuard(",
        f'    "{suggested.name}",',
        *(f"    {line}" for line in [*arguments, f"scope={service}Scope({scope}),", protects(suggested.protects)]),
        ")",
    ]
    names = [*suggested.protects, *([suggested.storage] if suggested.storage else [])]
    return code, list(dict.fromkeys([*names, *([_ENDPOINT] if suggested.node.kind is Kind.CONTAINER else [])]))


def _arguments(suggested: SuggestedGuard) -> tuple[list[str], str]:
    """Return the arguments that say where the jobs run, and those of the scope."""
    node, variable = suggested.node, suggested.variable
    provider = node.resource.resource_type.partition(":")[0].partition("_")[0]
    if node.kind is Kind.ACCOUNT:
        endpoint = "endpoint" if provider == "azure" else "properties.endpoint"
        return [f"endpoint={variable}.{endpoint},", f"account_resource_id={variable}.id,"], "whole_resource=True"
    if node.kind is Kind.CONTAINER:
        blobs = "primary_blob_endpoint" if provider == "azure" else "primary_endpoints.blob"
        blobs = f"{suggested.storage}.{blobs}" if suggested.storage else '"https://ACCOUNT.blob.core.windows.net/"'
        return [f"endpoint={_ENDPOINT},"], f"container_urls=[pulumi.Output.concat({blobs}, {variable}.name)]"
    region = [f'region="{suggested.region}",'] if suggested.region else []
    if node.kind is Kind.ROLE:
        return region, f"data_access_role_arns=[{variable}.arn]"
    name = "bucket_name" if provider == "aws-native" else "bucket"
    return region, f's3_uri_prefixes=[{variable}.{name}.apply(lambda name: f"s3://{{name}}/")]'
