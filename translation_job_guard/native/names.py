"""Translate between the names of the wire, in camelCase, and the guard's own, in snake_case.

Only names that a guard knows are translated: a map in ``triggers`` keeps the keys that the program gave it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from translation_job_guard.guard.selectors import SELECTORS
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

__all__ = ["ARGUMENTS", "argument_names", "camel", "from_wire", "in_camel_case", "scope_from_wire", "to_wire"]

_COMMON: Final = (
    *("scope", "protects", "on_delete", "grace_period", "timeout", "quiet_period", "poll_interval", "triggers"),
)
ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    AMAZON_TRANSLATE: ("region", *_COMMON, "expected_account_id", "profile", "assume_role_arn", "endpoint_url"),
    AZURE_DOCUMENT_TRANSLATION: (
        *("endpoint", *_COMMON, "undecided_timeout", "api_version", "key_env", "account_resource_id"),
    ),
}
"""The arguments of each service's guard, by the guard's own names."""
_OUTPUTS: Final = ("account_id", "format")


def camel(name: str) -> str:
    """Return a name in camelCase: ``s3UriPrefixes`` for ``s3_uri_prefixes``."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


_PROPERTIES: Final = {
    camel(name): name for name in {*ARGUMENTS[AMAZON_TRANSLATE], *ARGUMENTS[AZURE_DOCUMENT_TRANSLATION], *_OUTPUTS}
}
_SELECTORS: Final = {camel(name): name for selectors in SELECTORS.values() for name in selectors}
_SPOKEN: Final = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(sorted((name for name in {*_PROPERTIES.values(), *_SELECTORS.values()} if "_" in name), reverse=True))
    + r")(?![\w-])"
)


def argument_names(service: str) -> list[str]:
    """Return the arguments of a service's guard, by their names on the wire."""
    return [camel(name) for name in ARGUMENTS[service]]


def in_camel_case(text: str) -> str:
    """Return a message of the guard with the names that programs in other languages use."""
    return _SPOKEN.sub(lambda found: camel(found[0]), text)


def from_wire(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties by the guard's own names. A name that no guard has stays as it is."""
    found = {_PROPERTIES.get(name, name): value for name, value in properties.items()}
    if isinstance(found.get("scope"), (list, Mapping)):
        found["scope"] = scope_from_wire(found["scope"])
    return found


def scope_from_wire(scope: Any) -> list[Any]:
    """Return a list of scopes by the guard's own names. One scope may stand for a list."""
    return [
        {_SELECTORS.get(name, name): value for name, value in one.items()} if isinstance(one, Mapping) else one
        for one in (scope if isinstance(scope, list) else [scope])
    ]


def to_wire(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties by their names on the wire."""
    found = {camel(name): value for name, value in properties.items()}
    if isinstance(found.get("scope"), list):
        found["scope"] = [
            {camel(name): value for name, value in one.items()} if isinstance(one, Mapping) else one
            for one in found["scope"]
        ]
    return found
