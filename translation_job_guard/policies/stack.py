"""One stack as the rules see it: what matters to translation jobs, read once, and the graph that deletion follows."""

from __future__ import annotations

import enum
import keyword
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain, count
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pulumi_policy import PolicyResource

from translation_job_guard import resource_types as types
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import read_scope
from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN, Unknown
from translation_job_guard.jobs import Scope
from translation_job_guard.policies.trust import Trust, trust
from translation_job_guard.policies.values import any_unknown, entry, texts
from translation_job_guard.services import endpoint_key
from translation_job_guard.services.registry import CONNECTIONS

__all__ = [
    "Guard",
    "Kind",
    "Node",
    "Stack",
    "guard_properties",
    "kind_of",
]


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
    **{
        f"aws:s3/bucketServerSideEncryptionConfiguration{v}:BucketServerSideEncryptionConfiguration{v}": Kind.ENCRYPTION
        for v in ("", "V2")
    },
    "aws-native:s3:Bucket": Kind.BUCKET,
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

_STORAGE_ID: Final = re.compile(r"(?i)/storageAccounts/([^/]+)$")

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
    Kind.ASSIGNMENT: {
        "roleDefinitionId": ("roleDefinitionId",),
        "roleDefinitionName": ("roleDefinitionName",),
    },
}
"""What the rules read of each kind, and the names that the providers have for it; all else is never touched."""

_DOMAINS: Final = (".cognitiveservices.azure.com", ".cognitiveservices.azure.us", ".cognitiveservices.azure.cn")


@dataclass(frozen=True, eq=False)
class Node:
    """One resource that matters, with the properties that the rules read; ``UNKNOWN`` in them is not known yet."""

    resource: PolicyResource
    kind: Kind
    properties: Mapping[str, Any]

    @property
    def urn(self) -> str:
        """Its URN."""
        return self.resource.urn

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.resource.name

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return f"{self.kind.value} '{self.name}'"

    def text(self, name: str) -> str | None:
        """A property that is known text, else None."""
        value = self.properties.get(name)
        return value if isinstance(value, str) and value else None

    @cached_property
    def trust(self) -> Trust:
        """Whether Amazon Translate can assume it, which is a role."""
        return trust(self.properties.get("assumeRolePolicy"))

    @property
    def translates(self) -> bool:
        """Whether it is an Azure account that is there for translation and can do batches, as far as is known."""
        return self._account_kind in types.TRANSLATORS and self._does_batches

    @property
    def may_translate(self) -> bool:
        """Whether it is an Azure account with many services, of which Document Translation is one."""
        return self._account_kind in types.MANY_SERVICES and self._does_batches

    @property
    def _account_kind(self) -> str:
        if self.resource.resource_type.endswith(":AIServices"):
            return "aiservices"
        kind = self.properties.get("kind")
        return kind.lower() if isinstance(kind, str) else ""

    @property
    def _does_batches(self) -> bool:
        """Whether the account has a custom subdomain and is not of the free tier: Document Translation needs both."""
        sku = self.properties.get("sku")
        tier = sku.get("name") if isinstance(sku, Mapping) else sku
        if tier == "F0":
            return False
        host = urlsplit(self.endpoint or "").hostname or ""
        return self._inner("customSubDomainName") not in (None, "") or host.endswith(_DOMAINS)

    @property
    def endpoint(self) -> str | None:
        """The endpoint of an Azure account, once it is known."""
        value = self._inner("endpoint")
        return value if isinstance(value, str) and value else None

    @property
    def subdomain(self) -> str | None:
        """The first part of an Azure account's host name, if it was given one."""
        value = self._inner("customSubDomainName")
        return value.lower() if isinstance(value, str) and value else None

    def _inner(self, name: str) -> Any:
        inner = self.properties.get("properties")
        return inner.get(name) if isinstance(inner, Mapping) else self.properties.get(name)


@dataclass(frozen=True, eq=False)
class Guard(Node):
    """A guard. ``scopes`` are as stored, ``UNKNOWN`` as a whole or inside where they are not known yet."""

    service: str = ""
    scopes: Sequence[Any] | Unknown = UNKNOWN

    @property
    def place(self) -> str | Unknown:
        """Its region or endpoint; ``UNKNOWN`` if that is not known yet."""
        return self.text(CONNECTIONS[self.service].place_name) or UNKNOWN

    @property
    def mode(self) -> str | Unknown:
        """Its mode, the default if it stores none; ``UNKNOWN`` if that is not known yet."""
        mode = self.properties.get("on_delete") or DEFAULTS["on_delete"]
        return mode if isinstance(mode, str) else UNKNOWN

    @cached_property
    def readable_scopes(self) -> tuple[tuple[Mapping[str, Any], Scope | None], ...]:
        """Each scope as stored, and as the teardown reads it: None while something in it is not known yet."""
        if isinstance(self.scopes, Unknown):
            return ()
        return tuple((scope, self._read(scope)) for scope in self.scopes if isinstance(scope, Mapping))

    @property
    def undecided(self) -> bool:
        """Whether something in its scope is not known yet."""
        return any_unknown(self.scopes)

    def _read(self, scope: Mapping[str, Any]) -> Scope | None:
        if any_unknown(scope):
            return None
        try:
            return read_scope(self.service, scope)
        except InvalidArgument:
            return None


def guard_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A guard's properties, made plain, without the provider's code."""
    return {key: entry(properties, key) for key in properties if key != "__provider"}


@dataclass
class Stack:
    """The index that every rule works on. Built once for a validation, in one pass over the resources."""

    resources: Sequence[PolicyResource]
    nodes: dict[str, Node] = field(init=False, default_factory=dict)
    """By URN, in the order of the URNs: the engine gives them in any."""
    unreadable: list[PolicyResource] = field(init=False, default_factory=list)
    _of_kind: dict[Kind, list[Node]] = field(init=False, default_factory=dict)
    _before: dict[str, frozenset[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        found: list[Node] = []
        for resource in self.resources:
            kind = kind_of(resource.resource_type)
            if kind is None:
                continue
            try:
                found.append(_node(resource, kind))
            except Exception:
                # One bad resource must not hide another's violation.
                self.unreadable.append(resource)
        for node in sorted(found, key=lambda node: node.urn):
            self.nodes[node.urn] = node
            self._of_kind.setdefault(node.kind, []).append(node)

    def of(self, *kinds: Kind) -> list[Node]:
        """The resources of these kinds."""
        return [node for kind in kinds for node in self._of_kind.get(kind, ())]

    @cached_property
    def guards(self) -> list[Guard]:
        """The guards of the stack."""
        return [node for node in self.of(Kind.GUARD) if isinstance(node, Guard)]

    def picked(self, urns: Iterable[str], kind: Kind) -> list[Node]:
        """Return the resources of a kind among these."""
        return [self.nodes[urn] for urn in sorted(urns) if self._is(urn, kind)]

    def direct(self, node: Node) -> list[str]:
        """The URNs of what a resource depends on itself: deletion takes the resource before them."""
        return _edges(node.resource)

    def before(self, node: Node) -> frozenset[str]:
        """The URNs of everything that a resource is deleted before: its dependencies, and theirs."""
        if node.urn not in self._before:
            reached: set[str] = set()
            waiting = [node.resource]
            while waiting:
                for one in _neighbours(waiting.pop()):
                    if one.urn not in reached:
                        reached.add(one.urn)
                        waiting.append(one)
            reached.discard(node.urn)
            self._before[node.urn] = frozenset(reached)
        return self._before[node.urn]

    def flows_into(self, node: Node, *names: str) -> list[str]:
        """Return the URNs of the resources that these properties of a resource are made from."""
        used = node.resource.property_dependencies
        return [one.urn for name in names for one in used.get(name, ())]

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """What the program may call each resource, by its URN: its name as an identifier, each another one."""
        return _distinct([(node.urn, _identifier(node.name), _identifier(node.kind.value)) for node in self._pasted])

    @cached_property
    def guard_names(self) -> Mapping[str, str]:
        """The name of a guard for each resource, by its URN: each another one, and none that the stack has."""
        taken = {guard.name.partition("-guard")[0] for guard in self.guards if "-guard" in guard.name}
        named = [(node.urn, re.sub(r"[^\w.-]+", "-", node.name), node.kind.value) for node in self._pasted]
        return _distinct([(urn, name, kind.replace(" ", "-")) for urn, name, kind in named], "-", taken)

    @property
    def _pasted(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind is not Kind.GUARD]

    @cached_property
    def permissions(self) -> Mapping[str, Sequence[Node]]:
        """A role's policies and attachments, by the role's URN."""
        by_name = {text: role for role in self.of(Kind.ROLE) for text in texts([role.text("name"), role.text("arn")])}
        return self._owned(Kind.PERMISSION, ("role", "roleName", "roles"), Kind.ROLE, by_name)

    @cached_property
    def encryptions(self) -> Mapping[str, Sequence[Node]]:
        """A bucket's encryption settings, by the bucket's URN."""
        return self._owned(Kind.ENCRYPTION, ("bucket",), Kind.BUCKET, self.buckets)

    @cached_property
    def roles(self) -> Mapping[str, Node]:
        """The roles whose ARN is known, by it."""
        return {arn: node for node in self.of(Kind.ROLE) if (arn := node.text("arn"))}

    @cached_property
    def translate_roles(self) -> Sequence[Node]:
        """The roles that Amazon Translate can assume, made already or not."""
        return [role for role in self.of(Kind.ROLE) if role.trust is Trust.YES]

    @cached_property
    def buckets(self) -> Mapping[str, Node]:
        """The buckets whose name is known, by it."""
        return {name: node for node in self.of(Kind.BUCKET) if (name := node.text("bucket"))}

    @cached_property
    def policies(self) -> Mapping[str, Node]:
        """The managed policies whose ARN is known, by it."""
        return {arn: node for node in self.of(Kind.POLICY) if (arn := node.text("arn"))}

    @cached_property
    def made_buckets(self) -> Mapping[str, Node]:
        """Of these the ones that are there: a name is often known before, and no job can use the bucket yet."""
        return {name: node for name, node in self.buckets.items() if node.properties.get("arn") is not UNKNOWN}

    @cached_property
    def containers(self) -> Mapping[tuple[str, str], Node]:
        """The containers whose names are known, by storage account and container."""
        return {
            (account, name): node
            for node in self.of(Kind.CONTAINER)
            for account, name in [self._container(node)]
            if name
        }

    def bucket_of(self, uri: str) -> Node | None:
        """The bucket of this stack that an S3 URI is in."""
        return self.buckets.get(uri.removeprefix("s3://").partition("/")[0]) if uri.startswith("s3://") else None

    def container_of(self, url: str) -> Node | None:
        """The container of this stack that a blob's or container's URL is in."""
        parts = urlsplit(url)
        account = (parts.hostname or "").partition(".")[0]
        return self.containers.get((account, unquote(parts.path.strip("/").partition("/")[0])))

    def account_of(self, endpoint: Any) -> Node | None:
        """The Azure account of this stack that a known endpoint belongs to."""
        if not isinstance(endpoint, str):
            return None
        key = endpoint_key(endpoint)
        return self._accounts.get(key) or self._accounts.get(str(key[0]).partition(".")[0])

    @cached_property
    def _accounts(self) -> Mapping[Hashable, Node]:
        """By endpoint, or by subdomain while there is none."""
        found: dict[Hashable, Node] = {}
        for node in self.of(Kind.ACCOUNT):
            if node.endpoint:
                found[endpoint_key(node.endpoint)] = node
            elif node.subdomain:
                found[node.subdomain] = node
        return found

    def _container(self, node: Node) -> tuple[str, str]:
        inputs = node.properties.get("__inputs")
        inputs = inputs if isinstance(inputs, Mapping) else {}
        match = types.CONTAINER_ID.fullmatch(node.text("id") or "")
        store = _STORAGE_ID.search(node.text("storage") or "")
        # What a container is in is an input, and the provider's outputs do not repeat it.
        storage = [
            self.nodes[urn].text("name")
            for urn in self.flows_into(node, "accountName", "storageAccountName", "storageAccountId")
            if self._is(urn, Kind.STORAGE)
        ]
        known = [node.text("accountName"), inputs.get("accountName"), match and match["account"], store and store[1]]
        accounts = texts([*known, *storage])
        names = texts([node.text("name"), inputs.get("containerName")])
        return (accounts[0], names[0]) if accounts and names else ("", "")

    def _is(self, urn: str, kind: Kind) -> bool:
        node = self.nodes.get(urn)
        return node is not None and node.kind is kind

    def _owned(
        self, kind: Kind, names: Sequence[str], owner: Kind, by_name: Mapping[str, Node]
    ) -> Mapping[str, Sequence[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.of(kind):
            owners = {urn for name in names for urn in self.flows_into(node, name) if self._is(urn, owner)}
            for name in names:
                value = node.properties.get(name)
                for text in texts(value if isinstance(value, list) else [value]):
                    if text in by_name:
                        owners.add(by_name[text].urn)
            for urn in owners:
                found.setdefault(urn, []).append(node)
        return found


def _identifier(name: str) -> str:
    name = re.sub(r"\W+", "_", name).strip("_").lower() or "resource"
    return f"{name}_" if keyword.iskeyword(name) else f"_{name}" if name[0].isdigit() else name


def _distinct(
    named: Sequence[tuple[str, str, str]], between: str = "_", taken: Iterable[str] = ()
) -> Mapping[str, str]:
    """Return a name for each URN: the wanted one, with the word for its kind and a number where another has it."""
    wanted = Counter(name for _, name, _ in named)
    used, found = set(taken), {}
    for urn, name, kind in named:
        choices = chain(
            [name] if wanted[name] == 1 else [],
            [f"{name.rstrip(between)}{between}{kind}"],
            (f"{name.rstrip(between)}{between}{kind}{between}{number}" for number in count(2)),
        )
        found[urn] = next(choice for choice in choices if choice not in used)
        used.add(found[urn])
    return found


@cache  # of some hundred types, asked for each resource by each rule
def kind_of(resource_type: str) -> Kind | None:
    """Return what a resource of this type is to translation jobs; None if nothing."""
    return _TYPES.get(types.plain_type(resource_type))


def _node(resource: PolicyResource, kind: Kind) -> Node:
    if kind is not Kind.GUARD:
        return Node(
            resource, kind, {name: _first(resource, names) for name, names in _PROPERTIES.get(kind, {}).items()}
        )
    properties = guard_properties(resource.props)
    scopes = properties.get("scope")
    return Guard(
        resource,
        kind,
        properties,
        types.GUARD_TYPES[resource.resource_type],
        scopes if scopes is UNKNOWN or isinstance(scopes, list) else [],
    )


def _first(resource: PolicyResource, names: Iterable[str]) -> Any:
    return next((value for name in names if (value := entry(resource.props, name)) is not None), None)


def _neighbours(resource: PolicyResource) -> Iterable[PolicyResource]:
    yield from resource.dependencies
    for ones in resource.property_dependencies.values():
        yield from ones
    if resource.parent is not None:
        yield resource.parent


def _edges(resource: PolicyResource) -> list[str]:
    return list(dict.fromkeys(one.urn for one in _neighbours(resource)))
