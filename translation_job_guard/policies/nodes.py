"""The resources that matter to translation jobs, of every provider, in one form for all rules."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_policy import PolicyResource

from translation_job_guard import resource_types as types
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import read_scope
from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN, Unknown
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Scope
from translation_job_guard.policies.trust import Trust, trust
from translation_job_guard.policies.values import any_unknown, entry
from translation_job_guard.services.registry import CONNECTIONS

__all__ = ["Guard", "Kind", "Node", "guard_properties", "kind_of", "read_node"]


class Kind(enum.Enum):
    """What a resource is to translation jobs. The value is its word in messages."""

    GUARD = "guard"
    ROLE = "role"
    PERMISSION = "role policy"
    POLICY = "managed policy"
    BUCKET = "bucket"
    ENCRYPTION = "bucket encryption"
    KEY = "key"
    ACCOUNT = "Azure account"
    STORAGE = "storage account"
    CONTAINER = "container"
    ASSIGNMENT = "role assignment"


_TYPES: Final = {
    **dict.fromkeys(types.GUARD_TYPES, Kind.GUARD),
    types.ROLE: Kind.ROLE,
    "aws-native:iam:Role": Kind.ROLE,
    # The "exclusive" resources give a role nothing, and take nothing away when they are deleted.
    "aws:iam/policyAttachment:PolicyAttachment": Kind.PERMISSION,
    "aws:iam/rolePolicy:RolePolicy": Kind.PERMISSION,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind.PERMISSION,
    "aws-native:iam:RolePolicy": Kind.PERMISSION,
    "aws-native:iam:ManagedPolicy": Kind.PERMISSION,
    "aws:iam/policy:Policy": Kind.POLICY,
    **dict.fromkeys(types.BUCKETS, Kind.BUCKET),
    "aws-native:s3:Bucket": Kind.BUCKET,
    **{
        f"aws:s3/bucketServerSideEncryptionConfiguration{v}:BucketServerSideEncryptionConfiguration{v}": Kind.ENCRYPTION
        for v in ("", "V2")
    },
    "aws:kms/alias:Alias": Kind.KEY,
    "aws:kms/key:Key": Kind.KEY,
    "aws:kms/replicaKey:ReplicaKey": Kind.KEY,
    "aws-native:kms:Alias": Kind.KEY,
    "aws-native:kms:Key": Kind.KEY,
    "aws-native:kms:ReplicaKey": Kind.KEY,
    types.TRANSLATOR: Kind.ACCOUNT,
    "azure:cognitive/account:Account": Kind.ACCOUNT,
    "azure:cognitive/aIServices:AIServices": Kind.ACCOUNT,
    "azure:storage/account:Account": Kind.STORAGE,
    "azure:storage/container:Container": Kind.CONTAINER,
    "azure:authorization/assignment:Assignment": Kind.ASSIGNMENT,
    "azure:role/assignment:Assignment": Kind.ASSIGNMENT,
    types.STORAGE_ACCOUNT: Kind.STORAGE,
    types.CONTAINER: Kind.CONTAINER,
    "azure-native:authorization:RoleAssignment": Kind.ASSIGNMENT,
}
_SERVICES: Final[Mapping[Kind, str]] = {
    Kind.ROLE: AMAZON_TRANSLATE,
    Kind.BUCKET: AMAZON_TRANSLATE,
    Kind.ACCOUNT: AZURE_DOCUMENT_TRANSLATION,
    Kind.CONTAINER: AZURE_DOCUMENT_TRANSLATION,
}
_PROPERTIES: Final[Mapping[Kind, Mapping[str, Sequence[str]]]] = {
    Kind.ROLE: {
        "arn": ("arn",),
        "name": ("name", "roleName"),
        "assumeRolePolicy": ("assumeRolePolicy", "assumeRolePolicyDocument"),
        "inlinePolicies": ("inlinePolicies", "policies"),
        "managedPolicyArns": ("managedPolicyArns",),
    },
    Kind.PERMISSION: {
        "role": ("role", "roleName"),
        "roles": ("roles",),
        "policy": ("policy", "policyDocument"),
        "policyArn": ("policyArn",),
    },
    Kind.POLICY: {"arn": ("arn",), "policy": ("policy",)},
    Kind.BUCKET: {"bucket": ("bucket", "bucketName"), "region": ("region",), "arn": ("arn",)},
    Kind.ENCRYPTION: {"bucket": ("bucket",)},
    Kind.ACCOUNT: {
        "kind": ("kind",),
        "sku": ("sku", "skuName"),
        "properties": ("properties",),
        "customSubDomainName": ("customSubdomainName",),
        "endpoint": ("endpoint",),
    },
    Kind.STORAGE: {"name": ("name",)},
    Kind.CONTAINER: {
        "name": ("name", "containerName"),
        "accountName": ("accountName", "storageAccountName"),
        "storage": ("storageAccountId",),
        "id": ("id", "resourceManagerId"),
        "__inputs": ("__inputs",),
    },
    Kind.ASSIGNMENT: {name: (name,) for name in ("roleDefinitionId", "roleDefinitionName")},
}
"""The properties that the rules read of each kind, and the providers' names for them. Others are never read."""

_DOMAINS: Final = tuple(f".cognitiveservices.azure.{end}" for end in ("com", "us", "cn"))


@dataclass(frozen=True, eq=False)
class Node:
    """One resource that matters to translation jobs.

    Args:
        resource: as pulumi-policy has it.
        kind: what it is to translation jobs.
        service: the service whose jobs use it, or that a guard is for; empty for resources that others are made of.
        properties: those that the rules read, as plain values with ``UNKNOWN`` for what is not known yet.
    """

    resource: PolicyResource
    kind: Kind
    service: str
    properties: Mapping[str, Any]

    @property
    def urn(self) -> str:
        """The URN of the resource."""
        return self.resource.urn

    @property
    def name(self) -> str:
        """The name of the resource in its program."""
        return self.resource.name

    @property
    def label(self) -> str:
        """The resource in messages: its kind and its name."""
        return f"{self.kind.value} '{self.name}'"

    def text(self, name: str) -> str | None:
        """Return a property if it is known text and not empty, else None."""
        value = self.properties.get(name)
        return value if isinstance(value, str) and value else None

    @cached_property
    def trust(self) -> Trust:
        """Whether Amazon Translate can assume this role."""
        return trust(self.properties.get("assumeRolePolicy"))

    @property
    def translates(self) -> bool:
        """Whether this is an Azure account for translation that can run batches, as far as is known."""
        return self._account_kind in types.TRANSLATORS and self._runs_batches

    @property
    def may_translate(self) -> bool:
        """Whether this is an Azure account with many services that can run batches, as far as is known."""
        return self._account_kind in types.MANY_SERVICES and self._runs_batches

    @property
    def endpoint(self) -> str | None:
        """The endpoint of an Azure account; None if it is not known yet."""
        value = self._account_property("endpoint")
        return value if isinstance(value, str) and value else None

    @property
    def subdomain(self) -> str | None:
        """The custom subdomain of an Azure account in lower case; None if it has none or it is not known yet."""
        value = self._account_property("customSubDomainName")
        return value.lower() if isinstance(value, str) and value else None

    @property
    def _account_kind(self) -> str:
        if self.resource.resource_type.endswith(":AIServices"):
            return "aiservices"
        return (self.text("kind") or "").lower()

    @property
    def _runs_batches(self) -> bool:
        """Document Translation needs a custom subdomain, and a tier that is not free."""
        sku = self.properties.get("sku")
        if (sku.get("name") if isinstance(sku, Mapping) else sku) == "F0":
            return False
        host = urlsplit(self.endpoint or "").hostname or ""
        return self._account_property("customSubDomainName") not in (None, "") or host.endswith(_DOMAINS)

    def _account_property(self, name: str) -> Any:
        inner = self.properties.get("properties")
        return (inner if isinstance(inner, Mapping) else self.properties).get(name)


@dataclass(frozen=True, eq=False)
class Guard(Node):
    """A guard, with all of its properties as they are stored."""

    @property
    def scopes(self) -> Sequence[Any] | Unknown:
        """The stored scopes; ``UNKNOWN`` as a whole, or inside, while not known yet."""
        scopes = self.properties.get("scope")
        return scopes if scopes is UNKNOWN or isinstance(scopes, list) else []

    @property
    def place(self) -> str | Unknown:
        """The region or endpoint; ``UNKNOWN`` if that is not known yet."""
        return self.text(CONNECTIONS[self.service].place_name) or UNKNOWN

    @property
    def mode(self) -> str | Unknown:
        """The mode, the default one if none is stored; ``UNKNOWN`` if that is not known yet."""
        mode = self.properties.get("on_delete") or DEFAULTS["on_delete"]
        return mode if isinstance(mode, str) else UNKNOWN

    @cached_property
    def stored_scopes(self) -> Sequence[Mapping[str, Any]]:
        """Each scope as it is stored; none while they are unknown as a whole."""
        return [one for one in self.scopes if isinstance(one, Mapping)] if isinstance(self.scopes, list) else []

    @cached_property
    def readable_scopes(self) -> Sequence[tuple[Mapping[str, Any], Scope | None]]:
        """Each scope as it is stored, and as a teardown reads it: None while something in it is not known yet."""
        return [(stored, self._read(stored)) for stored in self.stored_scopes]

    @cached_property
    def known_scopes(self) -> Sequence[Scope]:
        """The scopes of which everything is known."""
        return [scope for _, scope in self.readable_scopes if scope is not None]

    def _read(self, stored: Mapping[str, Any]) -> Scope | None:
        try:
            return None if any_unknown(stored) else read_scope(self.service, stored)
        except InvalidArgument:
            return None


def guard_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a guard's properties as plain values, without the provider's code."""
    return {key: entry(properties, key) for key in properties if key != "__provider"}


@cache  # some hundred types, asked for each resource by each rule
def kind_of(resource_type: str) -> Kind | None:
    """Return what a resource of this type is to translation jobs; None if nothing."""
    return _TYPES.get(types.plain_type(resource_type))


def read_node(resource: PolicyResource, kind: Kind) -> Node:
    """Read the properties of a resource that the rules need."""
    if kind is Kind.GUARD:
        return Guard(resource, kind, types.GUARD_TYPES[resource.resource_type], guard_properties(resource.props))
    properties = {name: _first(resource, names) for name, names in _PROPERTIES.get(kind, {}).items()}
    return Node(resource, kind, _SERVICES.get(kind, ""), properties)


def _first(resource: PolicyResource, names: Iterable[str]) -> Any:
    return next((value for name in names if (value := entry(resource.props, name)) is not None), None)
