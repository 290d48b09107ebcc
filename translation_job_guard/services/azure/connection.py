"""Where Azure Document Translation is reached, and with which credential."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from translation_job_guard.errors import CredentialsUnusable, Denied, JobNotFound, Rejected, ServiceError
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.services import Connection, calling, endpoint_key
from translation_job_guard.services.azure.credentials import cloud_of, entra_id, key_of, transport_to
from translation_job_guard.services.azure.errors import Advice
from translation_job_guard.services.azure.service import AzureDocumentTranslation
from translation_job_guard.services.reading import Reads

__all__ = ["AzureConnection"]

_KEY_ARRIVES: Final = 60.0
"""Seconds that a fresh Azure account may take until its endpoint is there and its key is accepted."""
_ASSIGNMENT_ARRIVES: Final = 300.0
"""Seconds that an Azure role assignment may take until it counts (Azure documentation: up to some minutes)."""


@dataclass(frozen=True)
class AzureConnection(Connection):
    """An endpoint, and where the credential comes from: ``key_env``, else Azure Resource Manager, else Entra ID.

    Args:
        key_env: an environment variable that holds the key, if it is set.
        api_version: the version of the service's API.
        account_resource_id: the resource ID of the Translator resource; Azure Resource Manager gives its key.
    """

    service: ClassVar = AZURE_DOCUMENT_TRANSLATION
    title: ClassVar = "Azure Document Translation"
    place_name: ClassVar = "endpoint"
    extra: ClassVar = "azure"
    packages: ClassVar = ("azure.ai.translation.document", "azure.identity", "azure.mgmt.cognitiveservices")
    lists_locations: ClassVar = False

    key_env: str = field(kw_only=True)
    api_version: str = field(kw_only=True)
    account_resource_id: str | None = None

    def open(self, reads: Reads | None = None) -> AzureDocumentTranslation:
        """Return the service at the endpoint. Sends no request but listKeys, and only with ``account_resource_id``.

        Raises:
            MissingExtra: the Azure packages are not installed.
            InvalidArgument: the environment variable of the key does not hold a valid key.
            ServiceError: the key cannot be fetched, or the environment cannot be used.
        """
        with calling.opening(self.title, self.extra):
            with calling.without_collection():
                from azure.ai.translation.document import DocumentTranslationClient
                from azure.core.credentials import AzureKeyCredential

            _keep_quiet()
            per_call: dict[str, Any] = {}
            arguments: dict[str, Any] = {}
            credential = self.credential(reads)
            by_key = isinstance(credential, AzureKeyCredential)
            if not by_key:
                arguments["credential_scopes"] = [cloud_of(self.place).credential_scope]
                if urlsplit(self.place).scheme == "http":
                    # Arguments allow http for loopback only, where an emulator is.
                    per_call["enforce_https"] = False
            client = DocumentTranslationClient(
                self.place,
                credential,
                api_version=self.api_version,
                transport=transport_to(self.place),
                # ``read`` retries: the SDK would sleep as long as a Retry-After header says, past any deadline.
                retry_total=0,
                # The service never redirects, and a redirect would take the key to another host.
                permit_redirects=False,
                user_agent="translation-job-guard",
                **arguments,
            )
            advice = Advice.of_resource(self.key_env, by_key=by_key)
            return AzureDocumentTranslation(self.place, client, per_call, advice, self.api_version)

    def credential(self, reads: Reads | None) -> Any:
        """Return the credential: a key, or one of Entra ID.

        Raises:
            InvalidArgument: the environment variable of the key does not hold a valid key.
            ServiceError: the key cannot be fetched.
        """
        from azure.core.credentials import AzureKeyCredential

        key = key_of(self.key_env, self.place, self.account_resource_id, reads)
        return AzureKeyCredential(key) if key else entra_id(cloud_of(self.place))

    @classmethod
    def place_key(cls, place: str) -> Hashable:
        """Return the host, port and path."""
        return endpoint_key(place)

    @property
    def secret_env(self) -> str | None:
        """The variable of the key."""
        return self.key_env

    @property
    def private(self) -> tuple[str, ...]:
        """The endpoint and the resource."""
        return tuple(filter(None, (self.place, self.account_resource_id)))

    def settles_in(self, error: ServiceError) -> float:
        """Return the seconds until a fresh account, key or role assignment counts."""
        if isinstance(error, Denied):
            # Without a missing permission it is a key that network rules refuse: there is no role to wait for.
            return _ASSIGNMENT_ARRIVES if error.permission else 0.0
        if isinstance(error, CredentialsUnusable):
            fetched = self.account_resource_id is not None and error.operation != "listKeys"
            return _KEY_ARRIVES if fetched or os.environ.get(self.key_env, "").strip() else 0.0
        return _KEY_ARRIVES if isinstance(error, (JobNotFound, Rejected)) else 0.0


def _keep_quiet() -> None:
    """Give the SDK's loggers a handler: without one, Python prints their warnings on standard error as they are.

    azure-identity warns of each credential that it tried, on many lines, with what was answered to it.
    """
    import logging

    for name in ("azure", "msal"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
