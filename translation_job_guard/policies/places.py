"""Where to look for a stack's jobs: guards, provider resources, configuration and environment, in this order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pulumi

from translation_job_guard.arguments import GuardArguments, read
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.policies.stack import Kind, Node, Stack, endpoint_key
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import entry, known, texts

__all__ = ["ENDPOINT_ENV", "Place", "places"]

ENDPOINT_ENV: Final = "AZURE_DOCUMENT_TRANSLATION_ENDPOINT"
_OF_PLACE: Final = (
    *("region", "endpoint", "profile", "assume_role_arn", "endpoint_url"),
    *("api_version", "key_env", "account_resource_id"),
)


@dataclass(frozen=True)
class Place:
    """One place of one service, and as whom to look. ``label`` is for messages: it repeats no endpoint.

    ``account`` is the only one that the credentials may lead to, where that is known; ``named`` is False where the
    stack only has something there, and nobody says that there is a service to look at.
    """

    connection: GuardArguments
    label: str
    account: str | None = None
    named: bool = True

    @property
    def service(self) -> str:
        """The service."""
        return self.connection.service

    @property
    def key(self) -> tuple[str, str]:
        """What the jobs of one place have in common."""
        return self.service, endpoint_key(self.connection.place)


def places(
    stack: Stack,
    regions: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> list[Place]:
    """Every place where jobs of the stack can be, each once.

    Args:
        regions: AWS regions that the rule's configuration names.
        endpoints: endpoints of Translator resources that the rule's configuration names.
    """
    return [*_amazon(stack, regions, environment), *_azure(stack, endpoints, environment)]


def _amazon(stack: Stack, regions: Sequence[str], environment: Mapping[str, str]) -> Iterable[Place]:
    tied = [role for role in stack.roles.values() if role.trust is not Trust.NO] + list(stack.made_buckets.values())
    guards = _guards(stack, AMAZON_TRANSLATE)
    if not tied and not guards:
        return
    owners = {arn.split(":")[4] for arn in stack.roles if arn.count(":") >= 5}
    owner = owners.pop() if len(owners) == 1 else None
    found: dict[GuardArguments, Place] = {}

    def add(place: GuardArguments | None, label: str = "", account: str | None = owner, *, named: bool = True) -> None:
        if place is not None:
            found.setdefault(place, Place(place, label or place.place, account, named))

    for name, place, account in guards:
        add(place, f"{place.place} (guard '{name}')", account or owner)
    guarded = {place.place for place in found}
    for place in dict.fromkeys(one for node in tied for one in _provided(node)):
        # The provider's own profile or role may be another account; else the guard there looks for both.
        if place.place not in guarded or place.profile or place.assume_role_arn:
            add(place, named=False)
    for region in regions:
        add(_connection(AMAZON_TRANSLATE, region=region))
    if not found:
        add(_connection(AMAZON_TRANSLATE, region=pulumi.Config("aws").get("region")))
    if not found:
        add(
            _connection(AMAZON_TRANSLATE, region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"))
        )
    yield from found.values()


def _azure(stack: Stack, endpoints: Sequence[str], environment: Mapping[str, str]) -> Iterable[Place]:
    found: dict[str, Place] = {}

    def add(place: GuardArguments | None, label: str) -> None:
        if place is not None:
            found.setdefault(endpoint_key(place.place), Place(place, label))

    for name, place, _ in _guards(stack, AZURE_DOCUMENT_TRANSLATION):
        add(place, f"the endpoint of guard '{name}'")
    for node in stack.of(Kind.ACCOUNT):
        if node.translates and node.endpoint:
            add(_connection(AZURE_DOCUMENT_TRANSLATION, endpoint=node.endpoint), f"the endpoint of {node.label}")
    for number, endpoint in enumerate(endpoints, 1):
        add(_connection(AZURE_DOCUMENT_TRANSLATION, endpoint=endpoint), f"endpoint {number} of the configuration")
    if not found and stack.containers:
        add(
            _connection(AZURE_DOCUMENT_TRANSLATION, endpoint=environment.get(ENDPOINT_ENV)),
            f"the endpoint of {ENDPOINT_ENV}",
        )
    yield from found.values()


def _guards(stack: Stack, service: str) -> list[tuple[str, GuardArguments, str | None]]:
    """The places of the guards, with the account that each was made for."""
    found = []
    for guard in stack.guards:
        if guard.service != service:
            continue
        place = _connection(service, **{name: guard.text(name) for name in _OF_PLACE})
        if place is not None:
            found.append((guard.name, place, guard.text("account_id") or guard.text("expected_account_id")))
    return found


def _provided(node: Node) -> Iterable[GuardArguments]:
    """Where the provider of a role or bucket has it."""
    provider = node.resource.provider
    settings: Mapping[str, Any] = provider.props if provider is not None else {}
    roles = _json(entry(settings, "assumeRoles")) or _json(entry(settings, "assumeRole"))
    endpoints = _json(entry(settings, "endpoints"))
    region = node.text("region") or entry(settings, "region")
    place = _connection(
        AMAZON_TRANSLATE,
        region=region,
        profile=entry(settings, "profile"),
        assume_role_arn=_first(roles, "roleArn"),
        endpoint_url=_first(endpoints, "translate"),
    )
    if place is not None:
        yield place


def _connection(service: str, **settings: Any) -> GuardArguments | None:
    """A place as a guard would look at it; None if it is not known."""
    given = {name: value for name, value in settings.items() if texts([value])}
    whole = "whole_region" if service == AMAZON_TRANSLATE else "whole_resource"
    try:
        return replace(read(service, {**given, "scope": [{whole: True}]}), scopes=())
    except InvalidArgument:
        return None


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
