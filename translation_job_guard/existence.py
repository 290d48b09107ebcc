"""Find out whether a job's role, bucket or container is gone. A denied request does not mean that it is."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from translation_job_guard.jobs import Job
from translation_job_guard.looking import Sight, Sign
from translation_job_guard.services import Connection, is_loopback
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.services.azure import cloud_of, entra_id

__all__ = ["MORE_BLOB_SUFFIXES", "Existence", "Prerequisites", "looked_closer", "what_is_gone"]

_GONE_ROLE = frozenset({"NoSuchEntity", "NoSuchEntityException"})
_GONE_BUCKET = frozenset({"404", "NoSuchBucket"})
_STORAGE_SCOPE = "https://storage.azure.com/.default"
_STORAGE_VERSION = "2021-12-02"
MORE_BLOB_SUFFIXES = {"blob.core.windows.net": ("blob.storage.azure.net",)}
"""Suffixes of storage accounts with a DNS zone of their own (Azure documentation), by the suffix of their cloud."""


class Existence(enum.Enum):
    """What was found out. UNKNOWN: the request was denied or not answered, or the thing is in another account."""

    THERE = "there"
    GONE = "gone"
    UNKNOWN = "unknown"


def what_is_gone(sight: Sight) -> Mapping[str, list[str]]:
    """Return what each job of a place needs and is known to be gone, in words, by the job's ID."""
    with closing(Prerequisites(sight.connection, sight.account or "")) as needs:
        return {job.id: needs.gone(job) for job in sight.jobs}


def looked_closer(sight: Sight) -> Sight:
    """Return a sight with what its jobs need and is gone, and with the tags of what they need."""
    with closing(Prerequisites(sight.connection, sight.account or "")) as needs:
        gone = {job.id: needs.gone(job) for job in sight.jobs}
        signs = {job.id: needs.signs(job) for job in sight.jobs}
    return replace(sight, gone=gone, signs=signs)


class Prerequisites:
    """Look up the roles, buckets and containers that jobs of one place need, each once. Never raises."""

    def __init__(self, connection: Connection, account: str) -> None:
        self._connection = connection
        self._account = account
        self._clients: dict[str, Any] = {}
        self._known: dict[tuple[str, str], Existence] = {}
        self._signs: dict[tuple[str, str], tuple[Sign, ...]] = {}

    def close(self) -> None:
        """Close the connections to the services that were asked."""
        for client in self._clients.values():
            client.close()

    def signs(self, job: Job) -> list[Sign]:
        """Return the tags of the job's role and buckets, as far as they can be read."""
        found: list[Sign] = []
        for kind, name in dict.fromkeys(self._needs(job)):
            if (kind, name) not in self._signs:
                try:
                    tags = self._tags(kind, name)
                except Exception:
                    # Not being permitted to read tags is usual, and loses nothing but a hint.
                    tags = {}
                what = f"{kind} {name.rpartition('/')[2]}"
                self._signs[kind, name] = tuple(Sign(what, key, value) for key, value in tags.items())
            found += self._signs[kind, name]
        return found

    def _tags(self, kind: str, name: str) -> dict[str, str]:
        if self._known.get((kind, name)) is not Existence.THERE:
            return {}
        if kind == "role":
            listed = self._client("iam").list_role_tags(RoleName=name.rpartition("/")[2])["Tags"]
        elif kind == "bucket":
            listed = self._client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
        else:
            return {}
        return {str(tag["Key"]): str(tag["Value"]) for tag in listed}

    def gone(self, job: Job) -> list[str]:
        """Return what the job needs and is known to be gone, in words."""
        found = []
        for kind, name in dict.fromkeys(self._needs(job)):
            if (kind, name) not in self._known:
                try:
                    self._known[kind, name] = getattr(self, f"_{kind}")(name)
                except Exception:
                    # Whatever went wrong, it does not show that the thing is gone.
                    self._known[kind, name] = Existence.UNKNOWN
            if self._known[kind, name] is Existence.GONE:
                found.append(f"{kind} {name.rpartition('/')[2] if kind == 'role' else name}")
        return found

    def _needs(self, job: Job) -> Iterable[tuple[str, str]]:
        if job.role_arn:
            yield "role", job.role_arn
        for location in dict.fromkeys(job.locations):
            if location.startswith("s3://"):
                yield "bucket", location.removeprefix("s3://").partition("/")[0]
            else:
                try:
                    parts = urlsplit(location)
                except ValueError:
                    continue  # whoever submitted the batch chose this text
                yield "container", f"{parts.scheme}://{parts.netloc}/{parts.path.strip('/').partition('/')[0]}"

    def _role(self, arn: str) -> Existence:
        # GetRole looks in the account of the credentials, and in no other.
        if arn.split(":")[4] != self._account:
            return Existence.UNKNOWN
        return _exists(lambda: self._client("iam").get_role(RoleName=arn.rpartition("/")[2]), _GONE_ROLE)

    def _bucket(self, name: str) -> Existence:
        return _exists(lambda: self._client("s3").head_bucket(Bucket=name), _GONE_BUCKET)

    def _client(self, service: str) -> Any:
        assert isinstance(self._connection, AmazonConnection), "only jobs of Amazon Translate have roles and buckets"
        if service not in self._clients:
            self._clients[service] = self._connection.client(self._connection.session(), service, _config(service))
        return self._clients[service]

    def _container(self, url: str) -> Existence:
        from azure.core import PipelineClient
        from azure.core.pipeline import policies
        from azure.core.rest import HttpRequest

        parts = urlsplit(url)
        pipeline: list[Any] = [policies.RetryPolicy(retry_total=1)]
        if parts.scheme == "https":
            # Whoever submitted the batch chose this URL: the operator's token goes to Azure's own hosts only.
            if not _is_azure_storage(url, self._connection.place):
                return Existence.UNKNOWN
            # Without a token the service answers 404 whether or not the container exists.
            credential = entra_id(cloud_of(self._connection.place))
            pipeline.append(policies.BearerTokenCredentialPolicy(credential, _STORAGE_SCOPE))
        elif not is_loopback(url):
            return Existence.UNKNOWN
        client: Any = PipelineClient(f"{parts.scheme}://{parts.netloc}", policies=pipeline)
        with client:
            request = HttpRequest(
                "HEAD", url, params={"restype": "container"}, headers={"x-ms-version": _STORAGE_VERSION}
            )
            status = client.send_request(request).status_code
        return {200: Existence.THERE, 404: Existence.GONE}.get(status, Existence.UNKNOWN)


def _is_azure_storage(url: str, endpoint: str) -> bool:
    """Check whether a URL is of a storage account in the cloud of the Translator resource's endpoint."""
    cloud = cloud_of(endpoint)
    suffixes = (cloud.blob_suffix, *MORE_BLOB_SUFFIXES.get(cloud.blob_suffix, ()))
    parts = urlsplit(url)
    # One label for the account, and for some a zone or "privatelink"; nothing that could name another host.
    account = r"[a-z0-9]{3,24}(?:-secondary)?(?:\.z\d{1,2}|\.privatelink)?"
    host = parts.hostname or ""
    return (
        parts.scheme == "https"
        and parts.port in (None, 443)
        and parts.username is None
        and any(re.fullmatch(rf"{account}\.{re.escape(suffix)}\.?", host) for suffix in suffixes)
    )


def _exists(ask: Any, gone: frozenset[str]) -> Existence:
    import botocore.exceptions

    try:
        ask()
    except botocore.exceptions.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        return Existence.GONE if code in gone else Existence.UNKNOWN
    return Existence.THERE


def _config(service: str) -> Any:
    from botocore.config import Config

    once = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
    # An emulator on loopback has no host name for each bucket.
    return once.merge(Config(s3={"addressing_style": "path"})) if service == "s3" else once
