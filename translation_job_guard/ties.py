"""Find what ties jobs to an exported stack: its roles, buckets, containers and Translator resources."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from translation_job_guard import resource_types as types
from translation_job_guard.exported_values import output, type_of
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, AmazonScope, AzureScope, Coverage, Job
from translation_job_guard.services.azure import cloud_of
from translation_job_guard.services.registry import CONNECTIONS, place_key
from translation_job_guard.urns import name_of

__all__ = ["Tie", "TieKind", "ties_of"]


class TieKind(enum.Enum):
    """What ties jobs to a stack."""

    ROLE = "role"
    BUCKET = "bucket"
    CONTAINER = "container"
    TRANSLATOR = "Translator resource"


@dataclass(frozen=True)
class Tie:
    """A resource that ties jobs to its stack.

    Attributes:
        identity: The role's ARN, the bucket's name, the container's URL, or the Translator resource's endpoint.
    """

    kind: TieKind
    name: str
    urn: str
    identity: str

    def holds(self, job: Job, place: str) -> Coverage:
        """Return whether ``job``, which runs at ``place``, needs this resource."""
        if self.kind is TieKind.TRANSLATOR:
            here = place_key(AZURE_DOCUMENT_TRANSLATION, self.identity)
            return Coverage.COVERED if here == place_key(job.service, place) else Coverage.OUTSIDE
        scope = self._scope()
        return scope.coverage(job) if job.service == scope.service else Coverage.OUTSIDE

    def _scope(self) -> AmazonScope | AzureScope:
        if self.kind is TieKind.ROLE:
            return AmazonScope(data_access_role_arns=(self.identity,))
        if self.kind is TieKind.BUCKET:
            return AmazonScope(s3_uri_prefixes=(f"s3://{self.identity}/",))
        return AzureScope(container_urls=(self.identity,))


def ties_of(resources: Sequence[Mapping[str, Any]]) -> Iterator[Tie]:
    """Yield what ties jobs to a stack with these resources. Of their outputs only those that name them are read."""
    blob_endpoints: dict[str, str] = {}
    for one in resources:
        if type_of(one) == types.STORAGE_ACCOUNT:
            endpoints = output(one, "primaryEndpoints") or output(one, "primary_endpoints") or {}
            if isinstance(endpoints, Mapping) and _is_url(blob := endpoints.get("blob")):
                blob_endpoints[str(output(one, "name"))] = blob
    # A container in another stack's account does not say in which of Azure's clouds it is.
    azure = [endpoint for endpoint in map(_azure_endpoint, resources) if endpoint]
    endpoint = azure[0] if len(set(map(cloud_of, azure))) == 1 else ""
    for one in resources:
        kind, identity = _identity(one, blob_endpoints, endpoint)
        if kind and isinstance(identity, str) and identity:
            yield Tie(kind, name_of(one["urn"]), str(one["urn"]), identity)


def _azure_endpoint(resource: Mapping[str, Any]) -> str | None:
    """Return the endpoint of an Azure guard or a Translator resource; None for others, or if it is not known."""
    value: Any = None
    if service := types.GUARD_TYPES.get(type_of(resource)):
        value = output(resource, CONNECTIONS[service].place_name)
    elif type_of(resource) == types.TRANSLATOR:
        value = _translator_endpoint(resource)
    return value if _is_url(value) else None


def _is_url(value: Any) -> TypeGuard[str]:
    # In an edited state it may be anything; and a place that has no host is an AWS region.
    try:
        return isinstance(value, str) and bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        return False


def _identity(
    resource: Mapping[str, Any], blob_endpoints: Mapping[str, str], endpoint: str
) -> tuple[TieKind | None, Any]:
    type_ = type_of(resource)
    if type_ == types.ROLE:
        return TieKind.ROLE, output(resource, "arn")
    if type_ in types.BUCKETS:
        return TieKind.BUCKET, output(resource, "bucket") or resource.get("id")
    if type_ == types.CONTAINER:
        return TieKind.CONTAINER, types.container_url(str(resource.get("id") or ""), blob_endpoints, endpoint)
    if type_ == types.TRANSLATOR and str(output(resource, "kind")).lower() in types.TRANSLATE:
        return TieKind.TRANSLATOR, _translator_endpoint(resource)
    return None, None


def _translator_endpoint(resource: Mapping[str, Any]) -> str | None:
    properties = output(resource, "properties")
    if not isinstance(properties, Mapping):
        return None
    endpoints = properties.get("endpoints")
    if isinstance(endpoints, Mapping):
        documents = next((url for name, url in endpoints.items() if "documenttranslation" in name.lower()), None)
        if documents:
            return str(documents)
    # Without a subdomain of its own a resource has only a regional endpoint, which batches cannot use.
    return str(properties.get("endpoint") or "") if properties.get("customSubDomainName") else None
