"""Where to look for a stack's jobs: guards, provider resources, options, configuration and environment, in this order.

Nobody is asked for a stack that shows no translation: a role that Amazon Translate can assume, a guard, a Translator
account, or a place that the options name. A bucket or ``aws:region`` alone shows none.
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
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.policies.stack import Guard, Kind, Node, Stack
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import entry, known, texts
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import AmazonConnection

__all__ = ["Place", "default_region", "places", "region_of"]


@dataclass(frozen=True)
class Place:
    """One place of one service, and as whom to look. ``label`` is for messages: it repeats no endpoint.

    ``named`` is False where the stack only has something there, and nobody says that there is a service to look at.
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
        """What the jobs of one place have in common."""
        return self.connection.key


def places(
    stack: Stack,
    regions: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> list[Place]:
    """Return every place where jobs of the stack can be, each once.

    Args:
        regions: AWS regions that the rule's configuration names.
        endpoints: endpoints of Translator resources that the rule's configuration names.
    """
    return [*_amazon(stack, regions, environment), *_azure(stack, endpoints)]


def _amazon(stack: Stack, regions: Sequence[str], environment: Mapping[str, str]) -> Iterable[Place]:
    guards = [guard for guard in stack.guards if guard.service == AMAZON_TRANSLATE]
    if not guards and not regions and not stack.translate_roles:
        return
    tied = [role for role in stack.roles.values() if role.trust is not Trust.NO] + list(stack.made_buckets.values())
    owners = _Owners(stack)
    found: dict[Connection, Place] = {}

    def add(connection: Connection | None, accounts: Iterable[str | None], *, named: bool = True) -> None:
        if connection is not None and connection.place:
            for account in accounts:
                one = replace(connection, account_id=account)
                found.setdefault(one, Place(one, one.place, named))

    for guard in guards:
        add(_of_guard(guard), [owners.of_guard(guard)])
    guarded = {(one.place, one.account_id) for one in found}
    for node in tied:
        provided, accounts = _provided(node, environment), owners.of(node)
        if provided is not None and not (provided.profile or provided.assume_role_arn):
            # The guard there looks for both; the provider's own profile or role may be another account.
            accounts = [one for one in accounts if (provided.place, one) not in guarded]
        add(provided, accounts, named=False)
    for region in regions:
        add(AmazonConnection(region), owners.of_environment)
    if not found:
        add(AmazonConnection(default_region(environment) or ""), owners.of_environment)
    known = {replace(one, account_id=None) for one in found if one.account_id}
    yield from (place for one, place in found.items() if one.account_id or one not in known)


def default_region(environment: Mapping[str, str] = os.environ, profile: str | None = None) -> str | None:
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


def region_of(node: Node, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the region that the provider of a role or bucket works in."""
    provided = _provided(node, environment)
    return provided.place if provided is not None else default_region(environment)


class _Owners:
    """The AWS accounts that the stack's resources are in, as far as the ARNs of its roles tell, by provider."""

    def __init__(self, stack: Stack) -> None:
        self._by_provider: dict[str, set[str]] = {}
        environment: set[str] = set()
        for arn, role in stack.roles.items():
            if account := _account_of(arn):
                self._by_provider.setdefault(_provider_urn(role), set()).add(account)
                if not _has_own_credentials(role):
                    environment.add(account)
        every = set().union(*self._by_provider.values())
        self._only: set[str] = every if len(every) == 1 else set()
        self.of_environment: list[str | None] = [*sorted(environment or self._only)] or [None]
        """The accounts that the environment's own credentials have to lead to; usually one."""

    def of(self, node: Node) -> list[str | None]:
        """Return the accounts that the credentials of a resource's provider have to lead to; usually one."""
        provider = node.resource.provider
        allowed = _json(entry(provider.props, "allowedAccountIds")) if provider is not None else None
        if isinstance(allowed, list) and len(texts(allowed)) == 1:
            return [*texts(allowed)]
        own = self._by_provider.get(_provider_urn(node))
        if own is None and not _has_own_credentials(node):
            return self.of_environment
        return [*sorted(own or ())] or [None]

    def of_guard(self, guard: Guard) -> str | None:
        """Return the account that a guard was made for, as far as its properties or the stack's roles tell."""
        arns = {
            account
            for stored, _ in guard.readable_scopes
            for arn in _list(stored.get("data_access_role_arns"))
            if (account := _account_of(arn))
        }
        known = (
            guard.text("account_id")
            or guard.text("expected_account_id")
            or _account_of(guard.text("assume_role_arn") or "")
            or (arns.pop() if len(arns) == 1 else None)
        )
        if known or guard.text("profile"):
            return known
        return self.of_environment[0] if len(self.of_environment) == 1 else None


def _account_of(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[4] or None if len(parts) > 5 else None


def _provider_urn(node: Node) -> str:
    return node.resource.provider.urn if node.resource.provider is not None else ""


def _has_own_credentials(node: Node) -> bool:
    settings: Mapping[str, Any] = node.resource.provider.props if node.resource.provider is not None else {}
    return any(entry(settings, name) for name in ("profile", "assumeRole", "assumeRoles", "accessKey"))


def _list(value: Any) -> list[str]:
    return texts(value) if isinstance(value, list) else []


def _azure(stack: Stack, endpoints: Sequence[str]) -> Iterable[Place]:
    found: dict[Hashable, Place] = {}

    def add(connection: Connection | None, label: str) -> None:
        if connection is not None and connection.place:
            found.setdefault(connection.key, Place(connection, label))

    for guard in stack.guards:
        if guard.service == AZURE_DOCUMENT_TRANSLATION:
            account = stack.account_of(guard.place)
            owner = account.label if account is not None else f"guard '{guard.name}'"
            add(_of_guard(guard), f"the endpoint of {owner}")
    for node in stack.of(Kind.ACCOUNT):
        if node.translates and node.endpoint:
            add(_at(node.endpoint), f"the endpoint of {node.label}")
    for number, endpoint in enumerate(endpoints, 1):
        add(_at(endpoint), f"endpoint {number} of the configuration")
    yield from found.values()


def _at(endpoint: str) -> Connection:
    return read_connection(AZURE_DOCUMENT_TRANSLATION, {"endpoint": endpoint})


def _of_guard(guard: Guard) -> Connection | None:
    """Return the connection of a guard, to any account; None if its place is not known."""
    known = {name: text for name in guard.properties if (text := guard.text(name))}
    try:
        return replace(read_connection(guard.service, known), account_id=None)
    except InvalidArgument:
        return None


def _provided(node: Node, environment: Mapping[str, str]) -> AmazonConnection | None:
    """Return where the provider of a role or bucket has it; None if that is not known."""
    provider = node.resource.provider
    settings: Mapping[str, Any] = provider.props if provider is not None else {}
    roles = _json(entry(settings, "assumeRoles")) or _json(entry(settings, "assumeRole"))
    endpoints = _json(entry(settings, "endpoints"))
    profile = _text(entry(settings, "profile"))
    region = node.text("region") or entry(settings, "region")
    if region is None and profile:
        region = default_region(environment, profile)
    if not (place := _text(region)):
        return None
    return AmazonConnection(place, None, profile, _first(roles, "roleArn"), _first(endpoints, "translate"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _json(value: Any) -> Any:
    # Providers get what is no text as JSON.
    if isinstance(value, str):
        try:
            return known(json.loads(value))
        except ValueError:
            return None
    return value


def _first(value: Any, name: str) -> str | None:
    ones = value if isinstance(value, list) else [value]
    return next(iter(texts(one.get(name) for one in ones if isinstance(one, Mapping))), None)
