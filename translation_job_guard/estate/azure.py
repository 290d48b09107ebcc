"""Azure subscriptions and the accounts in them that do Document Translation, found through Azure Resource Manager."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from translation_job_guard.errors import InvalidArgument, MissingExtra, Rejected
from translation_job_guard.estate.errors import of_resource_manager
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.resource_types import TRANSLATE
from translation_job_guard.services import is_loopback
from translation_job_guard.services.azure import ARM_ENDPOINT_ENV, AzureConnection, cloud_of, entra_id, transport_to
from translation_job_guard.services.reading import Reads, read

__all__ = ["ResourceManager", "TranslatorAccount"]

_T = TypeVar("_T")

_SUBSCRIPTION: Final = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOST: Final = re.compile(r"(?i)[a-z0-9][a-z0-9-]*\.(cognitiveservices|services\.ai)\.azure\.(com|us|cn)")
"""Hosts of accounts with a subdomain of their own (Azure documentation)."""
_SUFFIXES: Final = {"management.usgovcloudapi.net": "azure.us", "management.chinacloudapi.cn": "azure.cn"}
"""Where the accounts of the other clouds are, by the host of their Resource Manager."""
RENEWED_BEFORE: Final = 300
"""Seconds before its end that a token is asked for anew."""
NO_SUBDOMAIN: Final = "it has no custom subdomain, so no batch can be submitted to it and there was nothing to look at"


class SharedToken:
    """A credential that keeps its tokens, so that 300 accounts do not ask for 300 of them.

    Some credentials of azure-identity start a program for each token.
    """

    def __init__(self, credential: Any) -> None:
        self._credential = credential
        self._asking = threading.Lock()
        self._tokens: dict[tuple[str, ...], Any] = {}

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token for the scopes."""
        if options.get("claims"):
            # The service refused the token that is known, and says what another one must have.
            return self._credential.get_token(*scopes, **options)
        with self._asking:
            known = self._tokens.get(scopes)
            if known is None or known.expires_on - RENEWED_BEFORE < time.time():
                known = self._tokens[scopes] = self._credential.get_token(*scopes, **options)
            return known


@dataclass(frozen=True)
class TranslatorAccount(AzureConnection):
    """An account that Resource Manager has listed, by Entra ID.

    Args:
        token: the credential of Entra ID that all accounts share.
        subscription: the ID of the subscription that it is in.
        wall: what its firewall is set to, if it may keep this machine out.
        tags: its tags.
    """

    token: Any = field(kw_only=True, compare=False, repr=False)
    subscription: str = field(kw_only=True, default="", compare=False)
    wall: str | None = field(kw_only=True, default=None, compare=False)
    tags: Mapping[str, str] = field(kw_only=True, default_factory=dict, compare=False)

    def credential(self, reads: Reads | None) -> Any:  # noqa: ARG002 - no key is fetched
        """Return the shared credential: a key in the environment is that of one resource, and not of all."""
        return self.token


class ResourceManager:
    """Azure Resource Manager: what subscriptions there are, and which accounts they have.

    Raises:
        MissingExtra: a package is not installed.
        InvalidArgument: an environment variable cannot be used.
    """

    def __init__(self, request: EstateRequest) -> None:
        self._request = request
        given = os.environ.get(ARM_ENDPOINT_ENV, "").strip()
        self._suffix = _SUFFIXES.get(urlsplit(given).hostname or "", "azure.com")
        self._cloud = cloud_of(f"https://name.cognitiveservices.{self._suffix}")
        self._url = (given or self._cloud.resource_manager).rstrip("/")
        if not self._url.startswith("https://") and not is_loopback(self._url):
            raise InvalidArgument(
                f"{ARM_ENDPOINT_ENV} must be https: a token is sent there. http is for loopback only."
            )
        self._credential = SharedToken(entra_id(self._cloud))

    def subscriptions(self, timeout: float) -> tuple[list[str], list[str]]:
        """Return the IDs of the subscriptions, and of those that are deleted.

        Raises:
            GuardError: they cannot be listed.
        """
        try:
            from azure.mgmt.resource.subscriptions import SubscriptionClient
        except ImportError as error:
            raise MissingExtra("--all-subscriptions", "azure") from error
        client: Any = SubscriptionClient(self._credential, **self._options())
        with client:
            pages = client.subscriptions.list(**self._per_call()).by_page()
            found = list(_all(pages, "list subscriptions", Reads.lasting(timeout)))
        if not found:
            raise Rejected(
                "list subscriptions: these credentials see no subscription. Assign a role on one, or log in to another "
                "tenant."
            )
        deleted = [str(one.subscription_id) for one in found if str(_word(one.state)) == "Deleted"]
        return [str(one.subscription_id) for one in found if str(one.subscription_id) not in deleted], deleted

    def accounts(self, subscription: str, timeout: float) -> list[tuple[TranslatorAccount, str | None]]:
        """Return each account of a subscription that does Document Translation, and what makes it useless for batches.

        Raises:
            GuardError: they cannot be listed.
        """
        if not _SUBSCRIPTION.fullmatch(subscription):
            raise InvalidArgument(f"--subscription {subscription} is not a valid subscription ID; expected a GUID.")
        try:
            from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
        except ImportError as error:
            raise MissingExtra("--subscription", "azure") from error
        client: Any = CognitiveServicesManagementClient(self._credential, subscription, **self._options())
        with client:
            pages = client.accounts.list(**self._per_call()).by_page()
            listed = list(_all(pages, f"list accounts of subscription {subscription}", Reads.lasting(timeout)))
        return [self._account(one, subscription) for one in listed if str(one.kind).lower() in TRANSLATE]

    def _account(self, account: Any, subscription: str) -> tuple[TranslatorAccount, str | None]:
        properties = account.properties
        endpoint = self._endpoint(properties) if properties else None
        found = TranslatorAccount(
            endpoint or str(account.id),
            key_env=self._request.key_env,
            api_version=self._request.api_version,
            token=self._credential,
            subscription=subscription,
            wall=_wall(properties) if properties else None,
            tags=dict(account.tags or {}),
        )
        return found, None if endpoint else NO_SUBDOMAIN

    def _endpoint(self, properties: Any) -> str | None:
        """Return the endpoint for batches; None for an account without a subdomain of its own."""
        subdomain = properties.custom_sub_domain_name
        if not subdomain:
            return None
        named = properties.endpoints or {}
        known = [url for name, url in named.items() if "documenttranslation" in name.lower()]
        for url in (*known, properties.endpoint or ""):
            # The token goes there: to Azure's own hosts, and to this machine. Some accounts have a global endpoint.
            parts = urlsplit(url)
            local = is_loopback(url) and is_loopback(self._url)
            if local or (parts.scheme == "https" and _HOST.fullmatch(parts.hostname or "")):
                return str(url)
        return f"https://{subdomain}.cognitiveservices.{self._suffix}/"

    def _options(self) -> dict[str, Any]:
        return {
            "base_url": self._url,
            "credential_scopes": [f"{self._cloud.resource_manager}/.default"],
            "transport": transport_to(self._url),
            "retry_total": 0,
            "permit_redirects": False,
            "user_agent": "translation-job-guard",
        }

    def _per_call(self) -> dict[str, Any]:
        return {} if self._url.startswith("https:") else {"enforce_https": False}


def _wall(properties: Any) -> str | None:
    """Return what the firewall of an account is set to, if it does not let everybody in."""
    if str(_word(properties.public_network_access)) == "Disabled":
        return "public network access is disabled"
    rules = properties.network_acls
    if rules is not None and str(_word(rules.default_action)) == "Deny":
        return "its network rules let in chosen networks only"
    return None


def _word(value: Any) -> Any:
    return getattr(value, "value", value)


def _all(pages: Iterator[Iterator[_T]], operation: str, reads: Reads) -> Iterator[_T]:
    """Yield the entries of all pages. The SDK's iterator asks for the same page again after an error."""
    request: Callable[[], list[_T] | None] = lambda: of_resource_manager(lambda: _next(pages), operation)  # noqa: E731
    while (page := read(request, reads)) is not None:
        yield from page


def _next(pages: Iterator[Iterator[_T]]) -> list[_T] | None:
    page = next(pages, None)
    return None if page is None else list(page)
