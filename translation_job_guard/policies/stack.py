"""Index the resources of one stack that matter to translation jobs, and the graph that deletions follow."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pulumi_policy import PolicyResource

from translation_job_guard import resource_types as types
from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.policies.nodes import Guard, Kind, Node, kind_of, read_node
from translation_job_guard.policies.trust import Trust, as_list
from translation_job_guard.policies.values import texts
from translation_job_guard.services import endpoint_key

__all__ = ["Stack"]

_STORAGE_ID: Final = re.compile(r"(?i)/storageAccounts/([^/]+)$")


class Stack:
    """The resources of a stack by kind, by name and by what they depend on."""

    def __init__(self, resources: Sequence[PolicyResource]) -> None:
        self.unreadable: list[PolicyResource] = []
        """The resources whose properties could not be read: one of them must not hide another's violation."""
        self.nodes: dict[str, Node] = {}
        """The readable ones by URN, in the order of the URNs: the engine sends them in any order."""
        self._before: dict[str, frozenset[str]] = {}
        self._of_kind: dict[Kind, list[Node]] = {}
        relevant = [(one.urn, kind, one) for one in resources if (kind := kind_of(one.resource_type)) is not None]
        for _, kind, resource in sorted(relevant, key=itemgetter(0)):
            try:
                node = self.nodes[resource.urn] = read_node(resource, kind)
            except Exception:
                self.unreadable.append(resource)
            else:
                self._of_kind.setdefault(kind, []).append(node)

    def of(self, kind: Kind) -> list[Node]:
        """Return the resources of a kind."""
        return self._of_kind.get(kind, [])

    @cached_property
    def guards(self) -> list[Guard]:
        """The guards of the stack."""
        return [node for node in self.of(Kind.GUARD) if isinstance(node, Guard)]

    def guards_of(self, service: str) -> list[Guard]:
        """Return the guards for jobs of a service."""
        return [guard for guard in self.guards if guard.service == service]

    def picked(self, urns: Iterable[str], kind: Kind) -> list[Node]:
        """Return the resources of a kind among these."""
        return [node for urn in sorted(urns) if (node := self.nodes.get(urn)) is not None and node.kind is kind]

    def direct(self, node: Node) -> list[str]:
        """Return the URNs of what a resource itself depends on."""
        return list(dict.fromkeys(one.urn for one in _dependencies(node.resource)))

    def before(self, node: Node) -> frozenset[str]:
        """Return the URNs of all resources that a resource is deleted before: its dependencies, and theirs."""
        if node.urn not in self._before:
            reached: set[str] = set()
            waiting = [node.resource]
            while waiting:
                for one in _dependencies(waiting.pop()):
                    if one.urn not in reached:
                        reached.add(one.urn)
                        waiting.append(one)
            self._before[node.urn] = frozenset(reached - {node.urn})
        return self._before[node.urn]

    def flows_into(self, node: Node, *names: str) -> list[str]:
        """Return the URNs of the resources that these properties of a resource are made from."""
        used = node.resource.property_dependencies
        return [one.urn for name in names for one in used.get(name, ())]

    def sources(self, node: Node, kind: Kind, *names: str) -> list[Node]:
        """Return the resources of a kind that these properties of a resource are made from."""
        return self.picked(self.flows_into(node, *names), kind)

    @cached_property
    def permissions(self) -> Mapping[str, Sequence[Node]]:
        """The policies and attachments of each role, by the role's URN."""
        by_name = {text: role for role in self.of(Kind.ROLE) for text in texts([role.text("name"), role.text("arn")])}
        return self._owned(Kind.PERMISSION, ("role", "roleName", "roles"), Kind.ROLE, by_name)

    @cached_property
    def encryptions(self) -> Mapping[str, Sequence[Node]]:
        """The encryption settings of each bucket, by the bucket's URN."""
        return self._owned(Kind.ENCRYPTION, ("bucket",), Kind.BUCKET, self.buckets)

    @cached_property
    def translate_roles(self) -> Sequence[Node]:
        """The roles that Amazon Translate can assume, whether they exist yet or not."""
        return [role for role in self.of(Kind.ROLE) if role.trust is Trust.YES]

    @cached_property
    def roles(self) -> Mapping[str, Node]:
        """The roles by ARN, where it is known."""
        return self._by(Kind.ROLE, "arn")

    @cached_property
    def policies(self) -> Mapping[str, Node]:
        """The managed policies by ARN, where it is known."""
        return self._by(Kind.POLICY, "arn")

    @cached_property
    def buckets(self) -> Mapping[str, Node]:
        """The buckets by name, where it is known."""
        return self._by(Kind.BUCKET, "bucket")

    @cached_property
    def made_buckets(self) -> Sequence[Node]:
        """The buckets that may exist: a name is often known before the bucket exists and a job can use it."""
        return [node for node in self.buckets.values() if node.properties.get("arn") is not UNKNOWN]

    @cached_property
    def containers(self) -> Mapping[tuple[str, str], Node]:
        """The containers by storage account and name, where both are known."""
        return {key: node for node in self.of(Kind.CONTAINER) if (key := self._container_key(node)) is not None}

    def bucket_of(self, uri: str) -> Node | None:
        """Return the bucket of this stack that an S3 URI is in."""
        return self.buckets.get(uri.removeprefix("s3://").partition("/")[0]) if uri.startswith("s3://") else None

    def container_of(self, url: str) -> Node | None:
        """Return the container of this stack that the URL of a blob or container is in."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return None
        account = (parts.hostname or "").partition(".")[0]
        return self.containers.get((account, unquote(parts.path.strip("/").partition("/")[0])))

    def account_of(self, endpoint: Any) -> Node | None:
        """Return the Azure account of this stack that an endpoint belongs to; None of a region or an unknown one."""
        if not isinstance(endpoint, str):
            return None
        key = endpoint_key(endpoint)
        return self._accounts.get(key) or self._accounts.get(str(key[0]).partition(".")[0])

    @cached_property
    def _accounts(self) -> Mapping[Hashable, Node]:
        """The Azure accounts by endpoint, or by subdomain while the endpoint is not known yet."""
        accounts = [(node.endpoint, node.subdomain, node) for node in self.of(Kind.ACCOUNT)]
        return {
            endpoint_key(endpoint) if endpoint else subdomain: node
            for endpoint, subdomain, node in accounts
            if endpoint or subdomain
        }

    def _by(self, kind: Kind, name: str) -> Mapping[str, Node]:
        return {text: node for node in self.of(kind) if (text := node.text(name))}

    def _container_key(self, node: Node) -> tuple[str, str] | None:
        inputs = node.properties.get("__inputs")
        inputs = inputs if isinstance(inputs, Mapping) else {}
        match = types.CONTAINER_ID.fullmatch(node.text("id") or "")
        store = _STORAGE_ID.search(node.text("storage") or "")
        # The storage account of a container is an input, which the provider's outputs do not repeat.
        stores = self.sources(node, Kind.STORAGE, "accountName", "storageAccountName", "storageAccountId")
        known = [node.text("accountName"), inputs.get("accountName"), match and match["account"], store and store[1]]
        accounts = texts([*known, *(one.text("name") for one in stores)])
        names = texts([node.text("name"), inputs.get("containerName")])
        return (accounts[0], names[0]) if accounts and names else None

    def _owned(
        self, kind: Kind, names: Sequence[str], owner: Kind, by_name: Mapping[str, Node]
    ) -> Mapping[str, Sequence[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.of(kind):
            values = texts([value for name in names for value in as_list(node.properties.get(name))])
            owners = [*self.sources(node, owner, *names), *(by_name[value] for value in values if value in by_name)]
            for urn in {one.urn for one in owners}:
                found.setdefault(urn, []).append(node)
        return found


def _dependencies(resource: PolicyResource) -> Iterable[PolicyResource]:
    yield from resource.dependencies
    for ones in resource.property_dependencies.values():
        yield from ones
    if resource.parent is not None:
        yield resource.parent
