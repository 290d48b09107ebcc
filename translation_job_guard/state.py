"""Read an exported stack: its guards, whether a destroy would call them, and what ties jobs to the stack.

Reads the JSON of ``pulumi stack export``, and of the checkpoint files of backends. Resources that are neither a guard
nor something that jobs need are not read, and neither are secrets: a guard's own properties may be encrypted if the
program made them secret, and only an export with ``--show-secrets`` shows them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from translation_job_guard import resource_types as types
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.exported_values import is_hidden, output, revealed, type_of
from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.jobs import Coverage, Job
from translation_job_guard.ties import Tie, TieKind, ties_of
from translation_job_guard.urns import name_of

__all__ = ["ExportedStack", "StateGuard", "Tie", "TieKind", "parse_state"]

_AWS_PROVIDER: Final = "pulumi:providers:aws"
_UNREAD: Final = frozenset({"__provider", "triggers"})
"""Properties of a guard that may be secret, since nothing here reads their value."""
_READ: Final = (
    types.GUARD_TYPES.keys()
    | types.BUCKETS
    | {types.ROLE, types.CONTAINER, types.STORAGE_ACCOUNT, types.TRANSLATOR, _AWS_PROVIDER}
)
"""Types of resources whose outputs are read."""
_EXPECTED: Final = "expected what `pulumi stack export` prints"


@dataclass(frozen=True)
class StateGuard:
    """A guard as a state has it.

    Attributes:
        arguments: None if they cannot be read; then ``problem`` says why.
        needs_secrets: Whether they cannot be read because they are encrypted in this export.
        deleted_with: The URN of a resource in the state whose deletion skips the guard's.
        provider: The reference to the class that a destroy loads, as it is stored.
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
        """Why a destroy would not call it, each with the fix; empty if it would."""
        return tuple(self._obstacles())

    def _obstacles(self) -> Iterator[str]:
        if self.pending_replacement:
            yield (
                "pendingReplacement: a replacement failed half-way, and a destroy now would not call it. Run "
                "`pulumi up` first, which makes it anew."
            )
        if self.deleted_with:
            yield (
                f"deletedWith {name_of(self.deleted_with)}: a destroy would not call it. Remove deleted_with from it, "
                "or from the parent that it inherits it from, and run `pulumi up`."
            )
        if self.retain_on_delete:
            yield (
                "retainOnDelete: a destroy would forget it without calling it. Remove retain_on_delete from it, or "
                "leave it out of the stack transformation that sets it, and run `pulumi up`."
            )


@dataclass(frozen=True)
class ExportedStack:
    """What a state says of a stack.

    Attributes:
        source: Where the state was read.
        resources: How many resources it has, without Pulumi's own.
        regions: The regions of its AWS providers.
        interrupted: The names of resources with an operation that never ended.
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
        """The stack as ``project/stack``, or where it was read if it is empty."""
        return f"{self.project}/{self.name}" if self.name else self.source

    @property
    def needs_secrets(self) -> bool:
        """Whether a guard's properties are encrypted in this export."""
        return any(guard.needs_secrets for guard in self.guards)

    def tie(self, job: Job, place: str) -> Tie | None:
        """Return what ties ``job`` to this stack: a role, bucket or container rather than the Translator resource."""
        holding = [tie for tie in self.ties if tie.holds(job, place) is Coverage.COVERED]
        return min(holding, key=lambda tie: tie.kind is TieKind.TRANSLATOR, default=None)


def parse_state(text: str, source: str) -> ExportedStack:
    """Read an exported stack.

    Args:
        text: What ``pulumi stack export`` printed, or a checkpoint file of a backend.
        source: Where it came from, for messages.

    Raises:
        InvalidArgument: It is neither, or a part of it cannot be read; the message names that part.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{source} is not valid JSON; {_EXPECTED}.") from error
    deployment = _deployment(document)
    resources = None if deployment is None else deployment.get("resources") or []
    if deployment is None or not isinstance(resources, list) or not all(map(_has_urn, resources)):
        raise InvalidArgument(f"{source} is not a valid exported stack; {_EXPECTED}.")
    operations = deployment.get("pending_operations") or []
    for problem in _unreadable_parts(resources, operations):
        raise InvalidArgument(f"{source}: {problem} cannot be read; {_EXPECTED}. If the state was edited, correct it.")
    urns = [str(one["urn"]) for one in resources]
    stack, project = urns[0].removeprefix("urn:pulumi:").split("::")[:2] if urns else ("", "")
    regions = (output(one, "region") for one in resources if type_of(one) == _AWS_PROVIDER)
    return ExportedStack(
        name=stack,
        project=project,
        source=source,
        guards=tuple(_guard(one, urns) for one in resources if type_of(one) in types.GUARD_TYPES),
        ties=tuple(ties_of(resources)),
        resources=sum(not type_of(one).startswith("pulumi:") for one in resources),
        regions=tuple(dict.fromkeys(region for region in regions if isinstance(region, str) and region)),
        interrupted=tuple(name_of(one["resource"]["urn"]) for one in operations),
    )


def _deployment(document: Any) -> Mapping[str, Any] | None:
    if not isinstance(document, Mapping):
        return None
    # A checkpoint file of a backend has the same below other names.
    checkpoint = document.get("checkpoint")
    found = checkpoint.get("latest", {}) if isinstance(checkpoint, Mapping) else document.get("deployment")
    return found if isinstance(found, Mapping) else None


def _has_urn(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("urn"), str)


def _unreadable_parts(resources: Collection[Mapping[str, Any]], operations: Any) -> Iterator[str]:
    for number, one in enumerate(resources):
        if field := _unreadable_field(one):
            yield f"{field} of resource {number} ({name_of(one['urn'])})"
    if not isinstance(operations, list) or not all(
        isinstance(one, Mapping) and _has_urn(one.get("resource")) for one in operations
    ):
        yield "pending_operations"


def _unreadable_field(resource: Mapping[str, Any]) -> str | None:
    """Return the field of a resource that has another shape than the engine gives it; None if all can be read."""
    if len(resource["urn"].split("::", 3)) != 4:
        return "urn"
    for name, kind in (("type", str), ("outputs", Mapping), ("id", str), ("deletedWith", str)):
        value = resource.get(name)
        if value is not None and not isinstance(value, kind):
            return name
    if type_of(resource) not in _READ:
        return None
    for name, value in (resource.get("outputs") or {}).items():
        try:
            revealed(value)
        except (ValueError, TypeError, RecursionError):
            return str(name)
    return None


def _guard(resource: Mapping[str, Any], urns: Collection[str]) -> StateGuard:
    service = types.GUARD_TYPES[type_of(resource)]
    properties = {name: revealed(value) for name, value in (resource.get("outputs") or {}).items()}
    hidden = sorted(name for name, value in properties.items() if name not in _UNREAD and is_hidden(value))
    arguments, problem = None, None
    if hidden:
        problem = (
            f"{', '.join(hidden)} is an encrypted secret in this state; expected the output of "
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
        name=name_of(resource["urn"]),
        urn=str(resource["urn"]),
        id=resource.get("id"),
        service=service,
        arguments=arguments,
        problem=problem,
        needs_secrets=bool(hidden),
        pending_replacement=bool(resource.get("pendingReplacement")),
        pending_deletion=bool(resource.get("delete")),
        # What is not in the state is not deleted, and skips nothing.
        deleted_with=str(deleted_with) if deleted_with in urns else None,
        retain_on_delete=bool(resource.get("retainOnDelete")),
        protect=bool(resource.get("protect")),
        provider=provider if isinstance(provider, str) else None,
    )
