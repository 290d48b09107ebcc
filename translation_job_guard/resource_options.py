"""Check the resource options of a guard and what it protects, while the program registers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pulumi

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.ignored import blinding
from translation_job_guard.resource_types import GUARD_TYPES

__all__ = ["guard_options", "resource_list", "warn_of_unknown_children", "with_children"]


def resource_list(name: str, protects: Iterable[pulumi.Resource] | None) -> list[pulumi.Resource]:
    """Return what a guard protects as a list.

    Raises:
        InvalidArgument: It is not a list of resources.
    """
    if isinstance(protects, pulumi.Resource):
        return [protects]
    if protects is not None and (isinstance(protects, (str, pulumi.Output)) or not isinstance(protects, Iterable)):
        raise InvalidArgument(
            f"Guard {name!r}: `protects` is not a valid list; expected a list of resources, not "
            f"{type(protects).__name__}."
        )
    resources = list(protects or [])
    for index, resource in enumerate(resources):
        if not isinstance(resource, pulumi.Resource):
            raise InvalidArgument(
                f"Guard {name!r}: `protects[{index}]` is not a valid resource; expected the resource itself, not its "
                "outputs."
            )
    return resources


def with_children(protects: Iterable[pulumi.Resource]) -> Iterator[pulumi.Resource]:
    """Yield ``protects``, and after each component the resources in it: a replacement of one shows only there."""
    for resource in protects:
        yield resource
        if isinstance(resource, pulumi.ComponentResource):
            # A set: sorted, or every run would find the guard changed.
            children = sorted(_children(resource), key=lambda one: (one.pulumi_resource_type, one.pulumi_resource_name))
            # Jobs do not need a guard or a provider.
            yield from with_children(
                child
                for child in children
                if child.pulumi_resource_type not in GUARD_TYPES and not isinstance(child, pulumi.ProviderResource)
            )


def warn_of_unknown_children(name: str, protects: Iterable[pulumi.Resource]) -> None:
    """Warn of each protected component without known resources, where a replacement would not be noticed."""
    for resource in protects:
        inside = with_children([resource])
        if isinstance(resource, pulumi.ComponentResource) and not any(
            isinstance(one, pulumi.CustomResource) for one in inside
        ):
            pulumi.log.warn(
                f"Guard {name!r} protects the component {resource.pulumi_resource_name!r} and knows no resource in it: "
                "it was made in another process, or its resources are made after the guard. A replacement in it is not "
                "noticed; change `triggers` when you replace one, or protect its resources themselves."
            )


def guard_options(
    name: str, protects: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Return the resource options of a guard: the caller's, with what it protects as dependencies.

    Raises:
        InvalidArgument: An option would skip the guard, or keep it from noticing a change.
    """
    if opts is not None:
        for problem in _problems(protects, opts):
            raise InvalidArgument(f"Guard {name!r}: {problem}")
    # False, not None: a parent's retain_on_delete would be inherited otherwise.
    ours = pulumi.ResourceOptions(depends_on=list(protects), retain_on_delete=False)
    return pulumi.ResourceOptions.merge(opts, ours)


def _problems(protects: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions) -> Iterator[str]:
    if opts.retain_on_delete:
        yield (
            "`retain_on_delete` makes Pulumi forget the guard without calling it, and its jobs would go on. Leave it "
            'out; to leave jobs running, set `on_delete="ignore"`.'
        )
    if opts.deleted_with is not None:
        yield "`deleted_with` makes Pulumi skip the guard's delete, and its jobs would go on. Leave it out."
    # Whatever their spelling.
    ignored = blinding(opts.ignore_changes or [])
    if ignored:
        yield (
            f"`ignore_changes` of {', '.join(ignored)} would keep the guard at jobs and resources that are no longer "
            "the stack's. Leave it out."
        )
    if opts.delete_before_replace is False:
        yield (
            "`delete_before_replace=False` would let what the jobs need be replaced before the guard has stopped them. "
            "Leave it out: the guard asks for the right order by itself."
        )
    if opts.parent is not None and any(_contains(resource, opts.parent) for resource in protects):
        yield (
            "it protects its own parent, or what its parent is in, so each would wait for the other. Give it another "
            "parent, or protect the resources inside the parent instead."
        )


def _contains(resource: pulumi.Resource, descendant: pulumi.Resource) -> bool:
    return resource is descendant or any(_contains(child, descendant) for child in _children(resource))


def _children(resource: pulumi.Resource) -> Iterable[pulumi.Resource]:
    # Private, and the only way: Pulumi's SDK tells neither the children of a resource nor its parent.
    return resource._childResources
