"""What an exported stack tells: its guards, whether a destroy would call them, and what ties jobs to the stack.

Reads the JSON of ``pulumi stack export``, of its checkpoint files too. Resources that are neither a guard nor something
that jobs need are left unread, and so are secrets: a guard's own properties may be encrypted if the program made them
so, and only an export with ``--show-secrets`` shows them.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from translation_job_guard import resource_types as types
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.jobs import (
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Coverage,
    Job,
)
from translation_job_guard.services.azure import cloud_of
from translation_job_guard.services.registry import place_key

__all__ = ["ExportedStack", "StateGuard", "Tie", "TieKind", "parse_state"]

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
"""What marks a secret in a state (Pulumi's sdk/go/common/resource/sig)."""
_UNREAD: Final = frozenset({"__provider", "triggers"})
"""Properties of a guard that may be secret, since nothing here reads their value."""


class TieKind(enum.Enum):
    """What ties jobs to a stack."""

    ROLE = "role"
    BUCKET = "bucket"
    CONTAINER = "container"
    TRANSLATOR = "Translator resource"


@dataclass(frozen=True)
class Tie:
    """A resource that ties jobs to its stack. ``identity``: ARN, bucket's name, container's URL or endpoint."""

    kind: TieKind
    name: str
    urn: str
    identity: str

    def holds(self, job: Job, place: str) -> Coverage:
        """Whether ``job``, which runs at ``place``, needs this resource."""
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


@dataclass(frozen=True)
class StateGuard:
    """A guard as a state has it. ``arguments`` is None if they cannot be read, and then ``problem`` says why.

    ``provider`` is the reference to the class that a destroy loads, as it is stored.
    """

    name: str
    urn: str
    id: str | None
    service: str
    arguments: GuardArguments | None
    problem: str | None = None
    needs_secrets: bool = False
    pending_replacement: bool = False
    pending_deletion: bool = False
    deleted_with: str | None = None
    retain_on_delete: bool = False
    protect: bool = False
    provider: str | None = None

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why a destroy would not call it, each with the remedy; empty if it would."""
        found = []
        if self.pending_replacement:
            found.append(
                "pendingReplacement: a replacement failed half-way, and a destroy now would not call it. Run "
                "`pulumi up` first, which makes it anew."
            )
        if self.deleted_with:
            found.append(
                f"deletedWith {_name(self.deleted_with)}: a destroy would not call it. Take deleted_with from it, or "
                "from the parent that hands it down, and run `pulumi up`."
            )
        if self.retain_on_delete:
            found.append(
                "retainOnDelete: a destroy would forget it without calling it. Take retain_on_delete from it, or "
                "leave it out of the stack transformation that sets it, and run `pulumi up`."
            )
        return tuple(found)


@dataclass(frozen=True)
class ExportedStack:
    """What a state tells.

    ``regions`` are those of its AWS providers. ``interrupted`` are the names of resources whose operation never came to
    an end.
    """

    name: str
    project: str
    source: str
    guards: tuple[StateGuard, ...]
    ties: tuple[Tie, ...]
    resources: int
    regions: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How the stack is called: ``project/stack``, or where it was read if it is empty."""
        return f"{self.project}/{self.name}" if self.name else self.source

    @property
    def needs_secrets(self) -> bool:
        """Whether a guard's properties are encrypted in this export."""
        return any(guard.needs_secrets for guard in self.guards)

    def tie(self, job: Job, place: str) -> Tie | None:
        """What ties ``job`` to this stack: a role, bucket or container, before the Translator resource."""
        holding = [tie for tie in self.ties if tie.holds(job, place) is Coverage.COVERED]
        return min(holding, key=lambda tie: tie.kind is TieKind.TRANSLATOR, default=None)


def parse_state(text: str, source: str) -> ExportedStack:
    """Read an exported stack.

    Args:
        text: what ``pulumi stack export`` printed, or a checkpoint file of a backend.
        source: where it came from, for messages.

    Raises:
        InvalidArgument: it is neither, or a part of it cannot be read; the message names that part.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{source} is not valid JSON; expected what `pulumi stack export` prints.") from error
    deployment = _deployment(document)
    resources = None if deployment is None else deployment.get("resources") or []
    if (
        deployment is None
        or not isinstance(resources, list)
        or not all(isinstance(one, Mapping) and isinstance(one.get("urn"), str) for one in resources)
    ):
        raise InvalidArgument(f"{source} is not an exported stack; expected what `pulumi stack export` prints.")
    for number, one in enumerate(resources):
        if problem := _unreadable(one):
            raise InvalidArgument(
                f"{source}: {problem} of resource {number} ({_name(one['urn'])}) cannot be read. The state was edited: "
                "correct it there, or give what `pulumi stack export` prints."
            )
    operations = deployment.get("pending_operations") or []
    if not isinstance(operations, list) or not all(map(_is_operation, operations)):
        raise InvalidArgument(
            f"{source}: pending_operations cannot be read. The state was edited: correct it there, or give what "
            "`pulumi stack export` prints."
        )
    urns = [str(one["urn"]) for one in resources]
    stack, project = _stack_and_project(urns[0]) if urns else ("", "")
    present = set(urns)
    return ExportedStack(
        name=stack,
        project=project,
        source=source,
        guards=tuple(_guard(one, present) for one in resources if _type(one) in types.GUARD_TYPES),
        ties=tuple(_ties(resources)),
        resources=sum(not _type(one).startswith("pulumi:") for one in resources),
        regions=tuple(dict.fromkeys(_regions(resources))),
        interrupted=tuple(_name(one["resource"]["urn"]) for one in operations),
    )


def _unreadable(resource: Mapping[str, Any]) -> str | None:
    """Return the field of a resource that has another shape than the engine gives it; None if all can be read."""
    if len(resource["urn"].split("::", 3)) != 4:
        return "urn"
    for name, kind in (("type", str), ("outputs", Mapping), ("id", str), ("deletedWith", str)):
        value = resource.get(name)
        if value is not None and not isinstance(value, kind):
            return name
    if _type(resource) not in _READ:
        return None
    return next((name for name, value in (resource.get("outputs") or {}).items() if not _is_revealable(value)), None)


_READ: Final = (
    types.GUARD_TYPES.keys()
    | types.BUCKETS
    | {types.ROLE, types.CONTAINER, types.STORAGE_ACCOUNT}
    | {types.TRANSLATOR, "pulumi:providers:aws"}
)


def _is_revealable(value: Any) -> bool:
    """Check whether the secrets in a value are as Pulumi writes them: with a plaintext of JSON, or encrypted."""
    try:
        _revealed(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _is_operation(value: Any) -> bool:
    resource = value.get("resource") if isinstance(value, Mapping) else None
    return isinstance(resource, Mapping) and isinstance(resource.get("urn"), str)


def _deployment(document: Any) -> Mapping[str, Any] | None:
    if not isinstance(document, Mapping):
        return None
    # A checkpoint file of a backend has the same below other names.
    checkpoint = document.get("checkpoint")
    found = checkpoint.get("latest", {}) if isinstance(checkpoint, Mapping) else document.get("deployment")
    return found if isinstance(found, Mapping) else None


def _guard(resource: Mapping[str, Any], present: Collection[str]) -> StateGuard:
    service = types.GUARD_TYPES[_type(resource)]
    outputs = resource.get("outputs") or {}
    properties = {name: _revealed(value) for name, value in outputs.items()}
    hidden = sorted(name for name, value in properties.items() if name not in _UNREAD and _is_hidden(value))
    arguments, problem = None, None
    if hidden:
        problem = (
            f"{', '.join(hidden)} is an encrypted secret in this state: give the output of "
            "`pulumi stack export --show-secrets`."
        )
    else:
        try:
            arguments = read(service, properties)
        except InvalidArgument as error:
            problem = str(error)
    deleted_with = resource.get("deletedWith") or ""
    provider = properties.get("__provider")
    return StateGuard(
        name=_name(resource["urn"]),
        urn=str(resource["urn"]),
        id=resource.get("id"),
        service=service,
        arguments=arguments,
        problem=problem,
        needs_secrets=bool(hidden),
        pending_replacement=bool(resource.get("pendingReplacement")),
        pending_deletion=bool(resource.get("delete")),
        # With what is not in the state nothing is deleted.
        deleted_with=str(deleted_with) if deleted_with in present else None,
        retain_on_delete=bool(resource.get("retainOnDelete")),
        protect=bool(resource.get("protect")),
        provider=provider if isinstance(provider, str) else None,
    )


class _Hidden:
    """An encrypted value."""


_HIDDEN: Final = _Hidden()


def _revealed(value: Any) -> Any:
    """A value of a state without Pulumi's envelopes around secrets; ``_HIDDEN`` for what is encrypted."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            return _revealed(json.loads(value["plaintext"])) if "plaintext" in value else _HIDDEN
        return {key: _revealed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_revealed(one) for one in value]
    return value


def _is_hidden(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_hidden, value.values()))
    if isinstance(value, list):
        return any(map(_is_hidden, value))
    return value is _HIDDEN


# What ties jobs to a stack, by resource types. Of the properties only those that name the thing are read.


def _regions(resources: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for one in resources:
        region = _output(one, "region") if _type(one) == "pulumi:providers:aws" else None
        if isinstance(region, str) and region:
            yield region


def _ties(resources: Iterable[Mapping[str, Any]]) -> Iterable[Tie]:
    resources = list(resources)
    blob_endpoints: dict[str, str] = {}
    for one in resources:
        if _type(one) == types.STORAGE_ACCOUNT:
            endpoints = _output(one, "primaryEndpoints") or _output(one, "primary_endpoints") or {}
            if isinstance(endpoints, Mapping) and _is_url(blob := endpoints.get("blob")):
                blob_endpoints[str(_output(one, "name"))] = blob
    # A container in another stack's account does not say in which of Azure's clouds it is.
    endpoints_of_stack = [endpoint for endpoint in map(_azure_endpoint, resources) if endpoint]
    clouds = {cloud_of(endpoint) for endpoint in endpoints_of_stack}
    endpoint = endpoints_of_stack[0] if len(clouds) == 1 else ""
    for one in resources:
        found = _identity(one, blob_endpoints, endpoint)
        if found is not None:
            kind, identity = found
            yield Tie(kind, _name(one["urn"]), str(one["urn"]), identity)


def _azure_endpoint(resource: Mapping[str, Any]) -> str | None:
    """The endpoint of an Azure guard or a Translator resource; None for others, or where it is not known or none."""
    value: Any = None
    if types.GUARD_TYPES.get(_type(resource)) == AZURE_DOCUMENT_TRANSLATION:
        value = _output(resource, "endpoint")
    elif _type(resource) == types.TRANSLATOR:
        value = _translator_endpoint(_output(resource, "properties"))
    return value if _is_url(value) else None


def _is_url(value: Any) -> TypeGuard[str]:
    """Check whether a value can be parsed as a URL: in an edited state it may be anything."""
    try:
        return isinstance(value, str) and urlsplit(value).port != 0
    except ValueError:
        return False


def _identity(
    resource: Mapping[str, Any], blob_endpoints: Mapping[str, str], endpoint: str
) -> tuple[TieKind, str] | None:
    type_ = _type(resource)
    kind, identity = None, None
    if type_ == types.ROLE:
        kind, identity = TieKind.ROLE, _output(resource, "arn")
    elif type_ in types.BUCKETS:
        kind, identity = TieKind.BUCKET, _output(resource, "bucket") or resource.get("id")
    elif type_ == types.CONTAINER:
        kind, identity = TieKind.CONTAINER, types.container_url(str(resource.get("id") or ""), blob_endpoints, endpoint)
    elif type_ == types.TRANSLATOR and str(_output(resource, "kind")).lower() in types.TRANSLATE:
        kind, identity = TieKind.TRANSLATOR, _translator_endpoint(_output(resource, "properties"))
    return (kind, identity) if kind and isinstance(identity, str) and identity else None


def _translator_endpoint(properties: Any) -> str | None:
    if not isinstance(properties, Mapping):
        return None
    endpoints = properties.get("endpoints")
    if isinstance(endpoints, Mapping):
        documents = next((url for name, url in endpoints.items() if "documenttranslation" in name.lower()), None)
        if documents:
            return str(documents)
    # Without a subdomain of its own a resource has only a regional endpoint, which batches cannot use.
    return str(properties.get("endpoint") or "") if properties.get("customSubDomainName") else None


def _output(resource: Mapping[str, Any], name: str) -> Any:
    value = _revealed((resource.get("outputs") or {}).get(name))
    return None if _is_hidden(value) else value


def _type(resource: Mapping[str, Any]) -> str:
    return types.plain_type(str(resource.get("type") or ""))


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]


def _stack_and_project(urn: str) -> tuple[str, str]:
    stack, project, *_ = urn.removeprefix("urn:pulumi:").split("::")
    return stack, project
