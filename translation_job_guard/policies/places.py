"""Find the places where jobs of a stack can be: from guards, provider resources, options, configuration, environment.

A stack that shows no translation has none. Translation shows in a role that Amazon Translate can assume, a guard, a
Translator account, or a place that the options name. A bucket or ``aws:region`` alone does not show it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import read_connection
from translation_job_guard.policies.nodes import Guard, Kind, Node
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.trust import Trust, as_list
from translation_job_guard.policies.values import entry, known, texts
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.services.azure import AzureConnection

__all__ = ["Place", "places", "region_of"]


@dataclass(frozen=True)
class Place:
    """A region or endpoint of a service, and the credentials to look at it with.

    Args:
        connection: the place and the credentials.
        label: the place in messages, which repeat no endpoint.
        named: whether somebody says that jobs can be there. Otherwise the stack only has a resource there.
    """

    connection: Connection
    label: str
    named: bool = True

    @property
    def service(self) -> str:
        """The service."""
        return self.connection.service

    @property
    def key(self) -> Hashable:
        """A key that is the same for all connections to the place."""
        return self.connection.key


def places(
    stack: Stack,
    regions: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> list[Place]:
    """Return every place where jobs of the stack can be, each once.

    Args:
        stack: the stack.
        regions: the AWS regions that the rule's configuration names.
        endpoints: the endpoints of Translator resources that the rule's configuration names.
        environment: the variables of the environment.
    """
    return [*_amazon(stack, regions, environment), *_azure(stack, endpoints)]


def region_of(node: Node, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the region that the provider of a role or bucket works in."""
    provided = _provided(node, environment)
    return provided.place if provided is not None else _default_region(environment)


def _amazon(stack: Stack, regions: Sequence[str], environment: Mapping[str, str]) -> Iterable[Place]:
    guards = stack.guards_of(AmazonConnection.service)
    if not guards and not regions and not stack.translate_roles:
        return
    accounts = _Accounts(stack)
    found: dict[Connection, Place] = {}

    def add(connection: Connection | None, ids: Iterable[str | None], *, named: bool = True) -> None:
        if connection is not None and connection.place:
            for one in (replace(connection, account_id=id_) for id_ in ids):
                found.setdefault(one, Place(one, one.place, named))

    for guard in guards:
        add(_of_guard(guard), [accounts.of_guard(guard)])
    guarded = {(one.place, one.account_id) for one in found}
    for node in [*(role for role in stack.roles.values() if role.trust is not Trust.NO), *stack.made_buckets]:
        provided, ids = _provided(node, environment), accounts.of(node)
        if provided is not None and not (provided.profile or provided.assume_role_arn):
            # A guard there already looks for both. The provider's own profile or role may lead to another account.
            ids = [one for one in ids if (provided.place, one) not in guarded]
        add(provided, ids, named=False)
    for region in regions:
        add(AmazonConnection(region), accounts.of_environment)
    if not found:
        add(AmazonConnection(_default_region(environment) or ""), accounts.of_environment)
    with_account = {replace(one, account_id=None) for one in found if one.account_id}
    yield from (place for one, place in found.items() if one.account_id or one not in with_account)


def _azure(stack: Stack, endpoints: Sequence[str]) -> Iterable[Place]:
    found: dict[Hashable, Place] = {}

    def add(connection: Connection | None, label: str) -> None:
        if connection is not None and connection.place:
            found.setdefault(connection.key, Place(connection, label))

    for guard in stack.guards_of(AzureConnection.service):
        add(_of_guard(guard), f"the endpoint of {(stack.account_of(guard.place) or guard).label}")
    for node in stack.of(Kind.ACCOUNT):
        if node.translates and node.endpoint:
            add(_at(node.endpoint), f"the endpoint of {node.label}")
    for number, endpoint in enumerate(endpoints, 1):
        add(_at(endpoint), f"endpoint {number} of the configuration")
    yield from found.values()


def _default_region(environment: Mapping[str, str], profile: str | None = None) -> str | None:
    """Return the region that the AWS provider would use: of the configuration, the environment or the profile."""
    if profile is None:
        for configured in (
            pulumi.Config("aws").get("region"),
            environment.get("AWS_REGION"),
            pulumi.Config("aws-native").get("region"),
        ):
            if configured:
                return configured
    try:
        from botocore import exceptions
        from botocore.session import Session
    except ImportError:
        return environment.get("AWS_DEFAULT_REGION")
    try:
        region = Session(profile=profile).get_config_variable("region")
    except exceptions.BotoCoreError:
        return None
    return str(region) if region else None


class _Accounts:
    """The AWS accounts of a stack by provider, as far as the ARNs of its roles tell."""

    def __init__(self, stack: Stack) -> None:
        self._by_provider: dict[str, set[str]] = {}
        environment: set[str] = set()
        for arn, role in stack.roles.items():
            if account := _account_in(arn):
                self._by_provider.setdefault(_provider_urn(role), set()).add(account)
                if not _has_own_credentials(role):
                    environment.add(account)
        every = set().union(*self._by_provider.values())
        only = every if len(every) == 1 else set()
        self.of_environment: list[str | None] = [*sorted(environment or only)] or [None]
        """The accounts that the environment's credentials must lead to; usually one. None stands for any."""

    def of(self, node: Node) -> list[str | None]:
        """Return the accounts that the credentials of a resource's provider must lead to."""
        allowed = texts(_parsed(entry(_settings(node), "allowedAccountIds")))
        if len(allowed) == 1:
            return [*allowed]
        own = self._by_provider.get(_provider_urn(node))
        if own is None and not _has_own_credentials(node):
            return self.of_environment
        return [*sorted(own or ())] or [None]

    def of_guard(self, guard: Guard) -> str | None:
        """Return the account that a guard was made for, as far as its properties or the stack's roles tell."""
        arns = [arn for stored in guard.stored_scopes for arn in texts(stored.get("data_access_role_arns"))]
        in_scope = {account for arn in arns if (account := _account_in(arn))}
        told = (
            guard.text("account_id")
            or guard.text("expected_account_id")
            or _account_in(guard.text("assume_role_arn") or "")
            or (in_scope.pop() if len(in_scope) == 1 else None)
        )
        if told or guard.text("profile"):
            return told
        return self.of_environment[0] if len(self.of_environment) == 1 else None


def _account_in(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[4] or None if len(parts) > 5 else None


def _at(endpoint: str) -> Connection:
    return read_connection(AzureConnection.service, {"endpoint": endpoint})


def _of_guard(guard: Guard) -> Connection | None:
    """Return the connection of a guard, to any account; None if its place is not known."""
    properties = {name: text for name in guard.properties if (text := guard.text(name))}
    try:
        return replace(read_connection(guard.service, properties), account_id=None)
    except InvalidArgument:
        return None


def _provided(node: Node, environment: Mapping[str, str]) -> AmazonConnection | None:
    """Return the connection of the provider of a role or bucket; None if its region is not known."""
    settings = _settings(node)
    roles = _parsed(entry(settings, "assumeRoles")) or _parsed(entry(settings, "assumeRole"))
    endpoints = _parsed(entry(settings, "endpoints"))
    profile = next(iter(texts([entry(settings, "profile")])), None)
    region = node.text("region") or entry(settings, "region")
    if region is None and profile:
        region = _default_region(environment, profile)
    if not texts([region]):
        return None
    return AmazonConnection(region, None, profile, _first(roles, "roleArn"), _first(endpoints, "translate"))


def _provider_urn(node: Node) -> str:
    return node.resource.provider.urn if node.resource.provider is not None else ""


def _settings(node: Node) -> Mapping[str, Any]:
    return node.resource.provider.props if node.resource.provider is not None else {}


def _has_own_credentials(node: Node) -> bool:
    return any(entry(_settings(node), name) for name in ("profile", "assumeRole", "assumeRoles", "accessKey"))


def _parsed(value: Any) -> Any:
    """Return a setting of a provider, which is JSON text if it is not text itself."""
    if isinstance(value, str):
        try:
            return known(json.loads(value))
        except ValueError:
            return None
    return value


def _first(value: Any, name: str) -> str | None:
    return next(iter(texts([one.get(name) for one in as_list(value) if isinstance(one, Mapping)])), None)
