"""Suggest guards as code to paste: one for each role and region, or Azure account, the same in every rule.

A pack knows the names of resources and not the variables of a program, so variables are named after resources and the
message says which names to replace. No property is ever repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translation_job_guard.policies.access import buckets_of
from translation_job_guard.policies.needs import Assignments, nearest, needed_with
from translation_job_guard.policies.stack import Kind, Node, Stack

__all__ = ["amazon_guard", "azure_guard", "block", "listed", "protects"]


def listed(nodes: Sequence[Node], most: int = 5) -> str:
    """Return resources as part of a sentence, a few in full and the rest counted."""
    named = [node.label for node in nodes[:most]]
    if len(nodes) > most:
        named.append(f"{len(nodes) - most} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def block(lines: Iterable[str]) -> str:
    """Return lines of code in a message."""
    return "\n".join(f"    {line}" for line in lines)


def protects(stack: Stack, nodes: Sequence[Node], before: str = "") -> str:
    """Return the argument ``protects`` with these resources."""
    return f"protects=[{before}{', '.join(stack.variables[node.urn] for node in nodes)}],"


def amazon_guard(stack: Stack, node: Node, region: str | None = None) -> str:
    """Return a guard for the jobs of a role or bucket in a region."""
    variable = stack.variables[node.urn]
    if node.kind is Kind.ROLE:
        scope = f"data_access_role_arns=[{variable}.arn]"
        used = [one for one in buckets_of(stack, node) if region is None or one.text("region") in (None, region)]
    else:
        name = "bucket_name" if node.resource.resource_type.startswith("aws-native") else "bucket"
        scope = f's3_uri_prefixes=[{variable}.{name}.apply(lambda name: f"s3://{{name}}/")]'
        used = []
    return _guard(
        stack,
        "AmazonTranslate",
        f"{stack.guard_names[node.urn]}-guard{f'-{region}' if region else ''}",
        [*([f'region="{region}",'] if region else []), f"scope=AmazonTranslateScope({scope}),"],
        [node, *used],
    )


def azure_guard(stack: Stack, node: Node) -> str:
    """Return a guard for the batches of an Azure account or container.

    With an account of the stack's own it is for all batches there: the account goes with the stack, and a scope by
    containers would have to wait for each batch that does not tell its documents yet.
    """
    variable = stack.variables[node.urn]
    classic = node.resource.resource_type.startswith("azure:")
    scope = "whole_resource=True"
    if node.kind is Kind.ACCOUNT:
        endpoint = f"{variable}.endpoint" if classic else f"{variable}.properties.endpoint"
        lines = [f"endpoint={endpoint},", f"account_resource_id={variable}.id,"]
        used = [node, *stack.of(Kind.CONTAINER)]
    else:
        # Whose endpoint it is, is the configuration's secret: a name that the program has to have.
        lines = ["endpoint=translator_endpoint,"]
        used = [node]
        stores = stack.picked(stack.before(node), Kind.STORAGE)
        blobs = "primary_blob_endpoint" if classic else "primary_endpoints.blob"
        scope = f"container_urls=[pulumi.Output.concat({{}}, {variable}.name)]".format(
            f"{stack.variables[stores[0].urn]}.{blobs}" if stores else '"https://ACCOUNT.blob.core.windows.net/"'
        )
    lines.append(f"scope=AzureDocumentTranslationScope({scope}),")
    return _guard(stack, "AzureDocumentTranslation", f"{stack.guard_names[node.urn]}-guard", lines, used)


def _guard(stack: Stack, service: str, name: str, lines: Sequence[str], used: Sequence[Node]) -> str:
    needed = needed_with(stack, used, Assignments(stack))
    with_them = {node.urn for node in used}.union(*(stack.before(node) for node in used))
    needed = [*used, *nearest(stack, [node for node in needed if node.urn not in with_them])]
    code = [
        f"from translation_job_guard import {service}JobGuard, {service}Scope",
        f"{service}JobGuard(",
        f'    "{name}",',
        *(f"    {line}" for line in [*lines, protects(stack, needed)]),
        ")",
    ]
    if "pulumi.Output" in "".join(lines):
        code.insert(0, "import pulumi")
    text = "\n".join(code)
    names = [stack.variables[node.urn] for node in [*needed, *stack.of(Kind.STORAGE)]]
    replaced = [one for one in dict.fromkeys(names) if one in text.replace(f'"{name}"', "")]
    replaced += ["translator_endpoint"] * ("translator_endpoint" in text)
    return (
        f"{block(code)}\nReplace {', '.join(replaced)} by your program's variables: here they follow the names of the "
        "resources. In a component that is used more than once, make the guard's name from the component's."
    )
