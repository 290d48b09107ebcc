"""Make a guard's properties of what a program gives: defaults, protected resources, a derived scope.

A plugin knows a protected resource by a reference: its URN and its ID. That tells a bucket's name and a container's
URL. It does not tell a role's ARN, and not what is inside of a component.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from translation_job_guard.guard.derivation import Derived, derive, s3_prefix
from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN
from translation_job_guard.guard.validation import Problem
from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.native.names import ARGUMENTS, argument_names, from_wire
from translation_job_guard.native.wire import Reference
from translation_job_guard.resource_types import container_url
from translation_job_guard.urns import name_of, project_of, stack_of, type_of

__all__ = ["Guard", "components", "prepare", "with_identity"]

_DURATIONS: Final = ("grace_period", "timeout", "quiet_period", "poll_interval", "undecided_timeout")
_STORED_DEFAULTS: Final = (
    *("on_delete", "grace_period", "quiet_period", "undecided_timeout", "api_version", "key_env", "triggers"),
)
"""The defaults that are written down, so that a later release with others changes no guard. Without ``timeout``: where
it is not given, ``customTimeouts`` decides."""


@dataclass(frozen=True)
class Guard:
    """Which guard a call is about, as its URN tells."""

    urn: str
    service: str

    @property
    def name(self) -> str:
        """The guard's name in the program."""
        return name_of(self.urn)

    @property
    def stack(self) -> str:
        """The guard's stack."""
        return stack_of(self.urn)

    @property
    def project(self) -> str:
        """The project of the guard's stack."""
        return project_of(self.urn)


def with_identity(guard: Guard, properties: Mapping[str, Any], timeout: float = 0.0) -> dict[str, Any]:
    """Return stored or checked properties with what the dynamic resources store of the guard itself.

    Args:
        guard: The guard.
        properties: Its properties, by the guard's own names.
        timeout: The resource option ``customTimeouts`` of this call in seconds, 0 without one. It counts where the
            program gives no ``timeout``.
    """
    found = {**properties, "name": guard.name, "stack": guard.stack, "project": guard.project, "service": guard.service}
    if timeout and found.get("timeout") is None:
        found["timeout"] = timeout
    return found


def prepare(guard: Guard, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the properties that a program's inputs stand for, and what is wrong with the inputs as such.

    Args:
        guard: The guard.
        given: The inputs, decoded, by their names on the wire.
    """
    found: list[Problem] = []
    known = argument_names(guard.service)
    listed = ", ".join(f"`{name}`" for name in known)
    for name in sorted(set(given) - set(known)):
        if given[name] is not None:
            found.append(Problem(name, f"is not a valid argument; expected one of {listed}"))
    inputs = {name: value for name, value in from_wire(given).items() if name in ARGUMENTS[guard.service]}
    properties = {name: value for name, value in inputs.items() if value is not None}
    for name in _STORED_DEFAULTS:
        if name in ARGUMENTS[guard.service]:
            properties.setdefault(name, DEFAULTS[name])
    for name in _DURATIONS:
        properties.update(_as_text(name, properties.get(name)))
    if guard.service == AMAZON_TRANSLATE and "region" not in properties:
        # A plugin is not told the configuration of another provider.
        found.append(Problem("region", "is missing; expected the region of the jobs, for instance the AWS provider's"))
    found += _resolve_protects(guard, properties)
    return properties, found


def _resolve_protects(guard: Guard, properties: dict[str, Any]) -> list[Problem]:
    """Replace references by what is stored of them, and derive the scope where it is not given."""
    protects = properties.get("protects", [])
    if protects is UNKNOWN:
        properties.setdefault("scope", UNKNOWN)
        return []
    found = list(_not_resources(protects))
    if "scope" not in properties:
        references = [one for one in _listed(protects) if isinstance(one, Reference)]
        properties["scope"], problems = _derived_scope(guard, references, properties)
        found += problems
    properties["protects"] = [
        _stored(one) if isinstance(one, Reference) else one
        for one in _listed(protects)
        if one is UNKNOWN or isinstance(one, Reference)
    ]
    return found


def _stored(reference: Reference) -> dict[str, Any]:
    return {"urn": reference.urn} if reference.id is None else {"urn": reference.urn, "id": reference.id}


def components(given: Mapping[str, Any]) -> list[str]:
    """Return the names of the protected components: a plugin does not know which resources are in them."""
    return [name_of(one.urn) for one in _listed(given.get("protects")) if isinstance(one, Reference) and one.id is None]


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None or value is UNKNOWN else [value]


def _as_text(name: str, value: Any) -> dict[str, Any]:
    """Return a duration as text: SDKs expect one type."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {name: f"{value:.12g}s"} if is_number else {}


def _not_resources(protects: Any) -> Iterable[Problem]:
    if not isinstance(protects, list) and protects is not None:
        yield Problem("protects", "is not a valid list; expected a list of resources, even for one")
        return
    for index, one in enumerate(_listed(protects)):
        if one is not UNKNOWN and not isinstance(one, Reference):
            yield Problem(
                f"protects[{index}]", "is not a valid resource; expected the resource itself, not one of its outputs"
            )


def _derived_scope(
    guard: Guard, references: Sequence[Reference], properties: Mapping[str, Any]
) -> tuple[list[dict[str, Any]] | None, list[Problem]]:
    """Return the scope that protected resources give, and a problem where references do not tell enough for one."""
    scopes: list[dict[str, Any]] = []
    for derived in derive(guard.service, [type_of(one.urn) for one in references]):
        sources = [references[at] for at in derived.positions]
        if derived.fact == "arn":
            # To derive the rest alone would cover less than the same guard does in Python.
            return None, [_no_arn(sources[0])]
        scopes.append({derived.selector: [_value(derived, one, properties) for one in sources]})
    return scopes or None, []


def _no_arn(role: Reference) -> Problem:
    name = name_of(role.urn)
    return Problem(
        "scope",
        f"cannot be derived from the role {name} in `protects`: a reference to a role does not tell its ARN. Give the "
        "scope, with the ARN of the role in `data_access_role_arns`",
    )


def _value(derived: Derived, resource: Reference, properties: Mapping[str, Any]) -> Any:
    if resource.id is UNKNOWN:
        return UNKNOWN
    if derived.fact == "bucket":
        return s3_prefix(resource.id)  # a bucket's ID is its name
    endpoint = properties.get("endpoint")
    if endpoint is UNKNOWN:
        return UNKNOWN
    return container_url(resource.id, {}, str(endpoint or "")) or ""
