"""Remedies as code to paste. Names of variables come from names of resources, never from a property."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence

from translation_job_guard.policies.stack import Kind, Node, Stack

__all__ = ["amazon_guard", "azure_guard", "block", "listed", "protects", "variable"]


def variable(node: Node) -> str:
    """What the program may call a resource."""
    name = re.sub(r"\W+", "_", node.name).strip("_").lower() or "resource"
    return f"{name}_" if keyword.iskeyword(name) else f"_{name}" if name[0].isdigit() else name


def listed(nodes: Sequence[Node], most: int = 5) -> str:
    """Resources in a sentence, a few in full and the rest counted."""
    named = [node.label for node in nodes[:most]]
    if len(nodes) > most:
        named.append(f"{len(nodes) - most} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def block(lines: Iterable[str]) -> str:
    """Lines of code in a message."""
    return "\n".join(f"    {line}" for line in lines)


def protects(nodes: Sequence[Node], before: str = "") -> str:
    """The argument ``protects`` with these resources."""
    return f"protects=[{before}{', '.join(dict.fromkeys(map(variable, nodes)))}],"


def amazon_guard(stack: Stack, node: Node, region: str | None = None) -> str:
    """A guard for the jobs of a role or bucket."""
    if node.kind is Kind.ROLE:
        scope = f"data_access_role_arns=[{variable(node)}.arn]"
        needed = [node, *stack.permissions.get(node.urn, ()), *stack.buckets_used_by(node)]
    else:
        scope = f's3_uri_prefixes=[{variable(node)}.bucket.apply(lambda name: f"s3://{{name}}/")]'
        needed = [node]
    return block(
        [
            "AmazonTranslateJobGuard(",
            f'    "{_guard_name(node, region)}",',
            *([f'    region="{region}",'] if region else []),
            f"    scope=AmazonTranslateScope({scope}),",
            f"    {protects(needed)}",
            ")",
        ]
    )


def azure_guard(stack: Stack, node: Node) -> str:
    """A guard for the batches of an Azure account or container.

    With an account of the stack's own it answers for all batches there: the account goes with the stack, and a scope by
    containers would have to wait for each batch that does not tell its documents yet.
    """
    containers = [node] if node.kind is Kind.CONTAINER else stack.of(Kind.CONTAINER)
    account = next(iter([node] if node.kind is Kind.ACCOUNT else stack.of(Kind.ACCOUNT)), None)
    needed = [*([account] if account else []), *containers]
    scope = []
    if account is not None:
        scope = ["scope=AzureDocumentTranslationScope(whole_resource=True),"]
    if account is None:
        endpoint = ['endpoint="https://….cognitiveservices.azure.com/",']
    else:
        endpoint = [
            f"endpoint={variable(account)}.properties.endpoint,",
            f"account_resource_id={variable(account)}.id,",
        ]
    return block(
        [
            "AzureDocumentTranslationJobGuard(",
            f'    "{_guard_name(node, None)}",',
            *(f"    {line}" for line in [*endpoint, *scope, protects(needed)]),
            ")",
        ]
    )


def _guard_name(node: Node, region: str | None) -> str:
    name = re.sub(r"[^\w.-]+", "-", node.name)
    return f"{name}-guard-{region}" if region else f"{name}-guard"
