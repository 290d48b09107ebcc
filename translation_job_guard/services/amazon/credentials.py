"""Credentials of the environment, of a profile or of an assumed role, and whose account they lead to."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

from translation_job_guard.errors import Rejected
from translation_job_guard.redaction import remember_secret
from translation_job_guard.services import is_loopback
from translation_job_guard.services.calling import without_collection

__all__ = ["assumed", "is_all_of_aws", "refuse_unrelated", "session_of"]

_AMAZON_SUFFIXES: Final = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".csp.hci.ic.gov",
    ".cloud.adc-e.uk",
)
"""Ends of the host names of AWS endpoints (botocore's partitions)."""

_reading_models: Final = threading.Lock()


def session_of(profile: str | None) -> Any:
    """Return a session of boto3's chain of credentials, whose tokens are kept out of errors.

    It is botocore's own: boto3's transfers and resources would take a fifth of the time of a start.
    """
    with without_collection():
        from botocore.session import Session

    session = Session(profile=profile)
    # Shared by all sessions: reading botocore's service models takes most of the time that a session costs, and a look
    # at all regions makes fifteen of them. Side by side each would read them for itself.
    with _reading_models:
        session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    session.register("before-send", _remember_tokens)
    return session


def assumed(source: Any, role_arn: str, profile: str | None, create_client: Callable[..., Any]) -> Any:
    """Return a session with a role's credentials, which botocore renews by itself before they expire.

    Args:
        source: the session whose credentials assume the role.
        role_arn: the role.
        profile: also says which certificates and which kind of endpoint to use.
        create_client: makes a client of ``source``.
    """
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    credentials = source.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=create_client,
        source_credentials=credentials,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "translation-job-guard"},
    )
    of_role = DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
    session = session_of(profile)
    session.register_component("credential_provider", SimpleNamespace(load_credentials=lambda: of_role))
    return session


def is_all_of_aws(endpoint_url: str) -> bool:
    """Check whether an endpoint of Amazon Translate replaces all of AWS, STS included, as an emulator's does."""
    if is_loopback(endpoint_url):
        return True
    return _amazon_suffix(endpoint_url) is None and not os.environ.get("AWS_ENDPOINT_URL_STS")


def refuse_unrelated(translate: str, sts: str) -> None:
    """Refuse an account ID of an STS that knows nothing of the jobs at another endpoint.

    With a leftover AWS_ENDPOINT_URL_TRANSLATE nothing would be in flight, in an account that the real STS confirms.
    Amazon's own endpoints (VPC, FIPS, dual stack) have other host names for each service.

    Args:
        translate: the URL that Amazon Translate's requests go to.
        sts: the URL that those of STS go to.

    Raises:
        Rejected: they are neither one host nor both of one AWS partition.
    """
    # Without a user name and password, which an endpoint of a profile may have.
    hosts = [urlsplit(url).netloc.rpartition("@")[2] for url in (translate, sts)]
    if hosts[0] != hosts[1] and not None is not _amazon_suffix(translate) == _amazon_suffix(sts):
        raise Rejected(
            f"The environment sends Amazon Translate's requests to {hosts[0]} and those of STS to {hosts[1]}, so the "
            "account ID that STS returns is not that of the jobs. Unset AWS_ENDPOINT_URL_TRANSLATE (or remove the "
            "services section of the profile), or give the guard endpoint_url."
        )


def _amazon_suffix(url: str) -> str | None:
    host = (urlsplit(url).hostname or "").rstrip(".")
    return next((suffix for suffix in _AMAZON_SUFFIXES if host.endswith(suffix)), None)


def _remember_tokens(request: Any, **_: Any) -> None:
    # Also those of a profile, of SSO, and of the source of an assumed role: a gateway may repeat them in an error.
    for name in ("X-Amz-Security-Token", "x-amz-sso_bearer_token"):
        remember_secret(request.headers.get(name))


@functools.cache
def _models(data_path: str | None) -> Any:
    from botocore.loaders import create_loader

    loader = create_loader(data_path)
    for data in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model("translate", data)
    for data in ("endpoints", "partitions"):
        loader.load_data(data)
    return loader
