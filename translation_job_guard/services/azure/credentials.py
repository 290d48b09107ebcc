"""Keys and tokens of Azure's clouds, and transports that neither leak nor replace them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from translation_job_guard.errors import InvalidArgument, MissingExtra
from translation_job_guard.redaction import excerpt, remember_secret
from translation_job_guard.services import calling, is_loopback
from translation_job_guard.services.azure.errors import Advice, service_error
from translation_job_guard.services.azure.permissions import LIST_KEYS
from translation_job_guard.services.reading import LONGEST_WAIT, Reads, read

__all__ = ["ARM_ENDPOINT_ENV", "Cloud", "cloud_of", "entra_id", "key_of", "transport_to"]

ARM_ENDPOINT_ENV: Final = "TRANSLATION_JOB_GUARD_ARM_ENDPOINT"
"""Environment variable with the URL of Azure Resource Manager, if an emulator replaces the endpoint's cloud."""


@dataclass(frozen=True)
class Cloud:
    """What differs between Azure's clouds."""

    credential_scope: str
    authority: str
    resource_manager: str
    blob_suffix: str


def cloud_of(endpoint: str) -> Cloud:
    """Return the cloud that an endpoint is in, by its host name: US government, China, else public."""
    host = urlsplit(endpoint).hostname or ""
    return next((cloud for suffix, cloud in _CLOUDS.items() if host.endswith(suffix)), _PUBLIC)


_PUBLIC: Final = Cloud(
    "https://cognitiveservices.azure.com/.default",
    "login.microsoftonline.com",
    "https://management.azure.com",
    "blob.core.windows.net",
)
_CLOUDS: Final = {
    ".azure.us": Cloud(
        "https://cognitiveservices.azure.us/.default",
        "login.microsoftonline.us",
        "https://management.usgovcloudapi.net",
        "blob.core.usgovcloudapi.net",
    ),
    ".azure.cn": Cloud(
        "https://cognitiveservices.azure.cn/.default",
        "login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "blob.core.chinacloudapi.cn",
    ),
}


def key_of(key_env: str, endpoint: str, account_resource_id: str | None, reads: Reads | None) -> str:
    """Return the key to use; empty for Entra ID.

    Args:
        key_env: an environment variable that holds the key, if it is set.
        endpoint: says in which cloud Azure Resource Manager is asked.
        account_resource_id: the Translator resource whose key Azure Resource Manager gives, if the variable has none.
        reads: sets the pace of requests to Azure Resource Manager.

    Raises:
        InvalidArgument: the variable does not hold a valid key, or the resource ID is not valid.
        ServiceError: the key cannot be fetched.
    """
    key = os.environ.get(key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        # As a header it would be refused with a message that shows it.
        raise InvalidArgument(
            f"{key_env} does not hold a valid key: it has line breaks or other characters that no key has. "
            "Set it to a key of this Translator resource."
        )
    if not key and account_resource_id:
        key = _list_keys(account_resource_id, endpoint, reads)
    # A gateway may repeat it in an error.
    remember_secret(key)
    return key


def entra_id(cloud: Cloud) -> Any:
    """Return the environment's credential in a cloud. Its waits are capped, and its tokens are kept out of errors.

    Raises:
        MissingExtra: azure-identity is not installed.
        InvalidArgument: an environment variable names an authority that cannot be used.
    """
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise MissingExtra("Entra ID", "azure") from error
    try:
        authority = os.environ.get("AZURE_AUTHORITY_HOST", cloud.authority)
        return _Remembered(DefaultAzureCredential(authority=authority, transport=_token_transport()))
    except ValueError as error:
        raise InvalidArgument(
            f"AZURE_AUTHORITY_HOST or another AZURE_ variable cannot be used: {excerpt(str(error))}."
        ) from error


def transport_to(url: str) -> Any:
    """Return a transport to a host, with the proxies and certificates of the environment.

    The environment is read once. The HTTP library would read it again for each request, which takes a quarter of the
    time of a request, and would send the password in ~/.netrc for the host instead of the token.
    """
    import requests
    from azure.core.pipeline.transport import RequestsTransport

    environment = requests.Session().merge_environment_settings(url, {}, None, None, None)
    transport = RequestsTransport(
        connection_timeout=calling.CONNECT_TIMEOUT,
        read_timeout=calling.READ_TIMEOUT,
        connection_verify=environment["verify"],
        use_env_settings=False,
    )
    transport.open()
    assert transport.session is not None
    transport.session.proxies = environment["proxies"]
    for scheme in ("https://", "http://"):
        # azure-core keeps ten, and warns on standard error of each connection that is thrown away.
        transport.session.get_adapter(scheme).init_poolmanager(calling.CONNECTIONS, calling.CONNECTIONS)
    return transport


class _Remembered:
    """A credential whose tokens are kept out of everything that this process says: a gateway may repeat them."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> Any:
        token = self._credential.get_token(*scopes, **options)
        remember_secret(token.token)
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        token = self._credential.get_token_info(*scopes, **options)
        remember_secret(token.token)
        return token


def _token_transport() -> Any:
    """Return a transport for requests of tokens, which retries them after at most ``LONGEST_WAIT`` seconds.

    The identity library retries by itself and sleeps as long as a Retry-After header says, which may be a day.
    """
    from azure.core.pipeline.transport import RequestsTransport

    class TokenTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it without a type
        def sleep(self, duration: float) -> None:
            super().sleep(min(duration, LONGEST_WAIT))

    return TokenTransport()


def _list_keys(account_resource_id: str, endpoint: str, reads: Reads | None) -> str:
    """Return an account's first key, from Azure Resource Manager (listKeys), with Entra ID."""
    try:
        from azure.core.exceptions import AzureError
        from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
    except ImportError as error:
        raise MissingExtra("Fetching the key of a Translator resource", "azure") from error

    cloud = cloud_of(endpoint)
    manager = os.environ.get(ARM_ENDPOINT_ENV) or cloud.resource_manager
    if not manager.startswith("https://") and not is_loopback(manager):
        raise InvalidArgument(f"{ARM_ENDPOINT_ENV} must be https: it is sent a token. http is for this machine only.")
    subscription, group, name = _parts_of(account_resource_id)
    plain = {} if manager.startswith("https:") else {"enforce_https": False}

    def fetch() -> str:
        try:
            with CognitiveServicesManagementClient(
                entra_id(cloud),
                subscription,
                base_url=manager,
                credential_scopes=[f"{cloud.resource_manager}/.default"],
                transport=transport_to(manager),
                retry_total=0,
                permit_redirects=False,
                user_agent="translation-job-guard",
            ) as client:
                keys = client.accounts.list_keys(group, name, **plain)
        except AzureError as error:
            raise service_error(error, "listKeys", _LIST_KEYS_ADVICE) from error
        return keys.key1 or keys.key2 or ""

    return read(fetch, reads)


def _parts_of(account_resource_id: str) -> tuple[str, str, str]:
    """Return the subscription, resource group and name of an account."""
    try:
        # /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}
        _, _, subscription, _, group, *_, name = account_resource_id.rstrip("/").split("/")
    except ValueError:
        raise InvalidArgument(
            "account_resource_id is not a valid resource ID of a Cognitive Services account; expected "
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.CognitiveServices/accounts/name."
        ) from None
    return subscription, group, name


_LIST_KEYS_ADVICE: Final = replace(
    Advice.of_resource("the key's environment variable", by_key=False),
    permit=f"{LIST_KEYS} is not permitted: assign a role that has it on the account.",
    permission=LIST_KEYS,
    missing="The account of account_resource_id does not exist.",
)
