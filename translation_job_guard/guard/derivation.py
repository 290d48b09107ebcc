"""Derive a scope from what a guard protects: which values it has, and which fact of which resource gives each of them.

Both faces of the guard follow this rule. A Pulumi program in Python knows all outputs of a protected resource; the
native plugin is given a reference, which has a type and an ID. Nothing is derived from a Translator account, which may
be shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.resource_types import BUCKETS, CONTAINER, ROLE, plain_type

__all__ = ["Derived", "derive", "s3_prefix"]


@dataclass(frozen=True)
class Derived:
    """One selector that a guard's scope gets from what the guard protects.

    Attributes:
        selector: The selector's name, which has a value for each resource. It is a scope by itself: a job is covered
            if any of the derived scopes covers it.
        fact: The output that the values are made of: ``arn`` of a role, ``bucket`` (its name) of a bucket, ``id`` of a
            container.
        positions: The resources, by their positions in ``protects``.
    """

    selector: str
    fact: str
    positions: tuple[int, ...]


_RULES: Final = {
    AMAZON_TRANSLATE: (
        ("data_access_role_arns", "arn", frozenset({ROLE})),
        ("s3_uri_prefixes", "bucket", BUCKETS),
    ),
    AZURE_DOCUMENT_TRANSLATION: (("container_urls", "id", frozenset({CONTAINER})),),
}


def derive(service: str, types: Sequence[str]) -> list[Derived]:
    """Return the selectors of a scope that is derived from protected resources.

    Args:
        service: ``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``.
        types: The type token of each protected resource.
    """
    plain = [plain_type(type_) for type_ in types]
    found = [
        Derived(selector, fact, tuple(position for position, type_ in enumerate(plain) if type_ in kinds))
        for selector, fact, kinds in _RULES[service]
    ]
    return [derived for derived in found if derived.positions]


def s3_prefix(bucket: str) -> str:
    """Return the prefix of all that is in a bucket; empty if the name is."""
    return f"s3://{bucket}/" if bucket else ""
