"""Read a Pulumi URN: ``urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME``. A name may have ``::`` in it."""

from __future__ import annotations

__all__ = ["name_of", "project_of", "stack_of", "type_of"]


def stack_of(urn: str) -> str:
    """Return the name of the stack."""
    return urn.split("::", 3)[0].rpartition(":")[2]


def project_of(urn: str) -> str:
    """Return the name of the project."""
    return urn.split("::", 3)[1]


def type_of(urn: str) -> str:
    """Return the type of the resource, without the types of its parents."""
    return urn.split("::", 3)[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """Return the name of the resource."""
    return urn.split("::", 3)[-1]
