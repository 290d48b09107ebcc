"""The two guards and their argument types."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import isawaitable
from typing import Any, Final, Union

import pulumi
from pulumi.dynamic import Resource

from translation_job_guard.derived_scopes import amazon_scopes, azure_scopes
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.properties import DEFAULTS, FORMAT
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.provider import (
    AmazonTranslateJobGuardProvider,
    AzureDocumentTranslationJobGuardProvider,
)

__all__ = [
    "AmazonTranslateJobGuard",
    "AmazonTranslateScope",
    "AzureDocumentTranslationJobGuard",
    "AzureDocumentTranslationScope",
]

# Optional and Union rather than "|": a component's schema can be inferred from these at run time.
Texts = pulumi.Input[Sequence[pulumi.Input[str]]]
Duration = pulumi.Input[Union[str, int, float]]  # noqa: UP007
Moment = pulumi.Input[Union[str, datetime]]  # noqa: UP007


@dataclass(frozen=True)
class AmazonTranslateScope:
    """Which Amazon Translate jobs a guard answers for: all kinds given must match, any value of a kind suffices.

    Args:
        data_access_role_arns: ARNs of the roles that jobs run under.
        s3_uri_prefixes: ``s3://bucket/`` or ``s3://bucket/folder/`` that jobs read or write below. A prefix ends at a
            slash: ``s3://bucket-1`` does not reach into ``s3://bucket-10``. URIs are compared as jobs give them: a job
            that reads through an access point alias (``s3://name-…-s3alias/``) is covered only if the alias is named
            here as well.
        job_name_prefixes: how names of jobs begin.
        job_ids: ids of jobs.
        submitted_after: narrows what the others select to jobs submitted then or later: RFC 3339 or a datetime with a
            time zone.
        whole_region: True for every job of the account and region, whoever started it; stands alone.
    """

    data_access_role_arns: Texts | None = None
    s3_uri_prefixes: Texts | None = None
    job_name_prefixes: Texts | None = None
    job_ids: Texts | None = None
    submitted_after: Moment | None = None
    whole_region: pulumi.Input[bool] = False


@dataclass(frozen=True)
class AzureDocumentTranslationScope:
    """Which Azure Document Translation batches a guard answers for: all kinds given must match, any value suffices.

    Args:
        translation_ids: ids of batches.
        container_urls: ``https://account.blob.core.windows.net/container`` that batches read or write below, without a
            SAS query string. Whether a batch writes there is only known once the service tells its targets.
        source_container_urls: the same for what batches read: decided without waiting for any target.
        target_container_urls: the same for what batches write.
        created_after: narrows what the others select to batches created then or later: RFC 3339 or a datetime with a
            time zone.
        whole_resource: True for every batch of the Translator resource, whoever started it; stands alone.
    """

    translation_ids: Texts | None = None
    container_urls: Texts | None = None
    source_container_urls: Texts | None = None
    target_container_urls: Texts | None = None
    created_after: Moment | None = None
    whole_resource: pulumi.Input[bool] = False


class AmazonTranslateJobGuard(Resource, module="translation", name="AmazonTranslateJobGuard"):
    """Stops the in-flight Amazon Translate jobs of its scope when it is deleted or replaced, and waits for their end.

    Taking a guard out of the program deletes it, and so stops its jobs; so does renaming it without an alias.

    Args:
        resource_name: the guard's name; it begins each of its lines.
        region: of the jobs; by default the stack's ``aws:region``, never the environment's.
        scope: which jobs, or a list of scopes of which any may match; by default derived from ``protects``.
        protects: what must outlive the jobs: the guard depends on it, and is replaced before it is. A component stands
            for the resources that are in it by then.
        on_delete: ``cancel`` (stop and wait), ``drain`` (wait), ``fail`` (refuse while any is in flight) or ``ignore``.
        grace_period: with ``cancel``, how long jobs may end by themselves first.
        timeout: of a teardown, after which it fails and the guard stays. Durations: seconds or "90s", "15m", "1h30m".
        quiet_period: between the two listings that have to show nothing.
        poll_interval: between two listings; by default it grows with the wait.
        triggers: a change of any replaces the guard, and so stops its jobs.
        expected_account_id: refuse any other account.
        profile: of boto3. Credentials are never properties: they come from boto3's chain.
        assume_role_arn: a role to assume first.
        endpoint_url: of Amazon Translate, if not the public one.
        opts: Pulumi's; ``retain_on_delete`` and ``deleted_with`` would skip the guard and are refused.

    Raises:
        InvalidArgument: options or ``protects`` cannot be used. All else is checked in preview.
    """

    region: pulumi.Output[str]
    account_id: pulumi.Output[str]
    service: pulumi.Output[str]
    stack: pulumi.Output[str]
    project: pulumi.Output[str]
    format: pulumi.Output[float]
    scope: pulumi.Output[Sequence[Mapping[str, Any]]]
    protects: pulumi.Output[Sequence[Mapping[str, Any]]]
    on_delete: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        region: pulumi.Input[str] | None = None,
        scope: AmazonTranslateScope | Sequence[AmazonTranslateScope] | None = None,
        protects: Sequence[pulumi.Resource] | None = None,
        on_delete: pulumi.Input[str] = DEFAULTS["on_delete"],
        grace_period: Duration = DEFAULTS["grace_period"],
        timeout: Duration = DEFAULTS["timeout"],
        quiet_period: Duration = DEFAULTS["quiet_period"],
        poll_interval: Duration | None = None,
        triggers: pulumi.Input[Sequence[Any]] | None = None,
        expected_account_id: pulumi.Input[str] | None = None,
        profile: pulumi.Input[str] | None = None,
        assume_role_arn: pulumi.Input[str] | None = None,
        endpoint_url: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        kept = _resources(resource_name, protects)
        if region is None:
            region = pulumi.Config("aws").get("region") or ""
        super().__init__(
            AmazonTranslateJobGuardProvider(),
            resource_name,
            {
                **_common(resource_name, AMAZON_TRANSLATE, kept, triggers),
                "region": _kept(region),
                "scope": _scopes(AmazonTranslateScope, scope) if scope is not None else amazon_scopes(kept),
                "on_delete": on_delete,
                "grace_period": grace_period,
                "timeout": timeout,
                "quiet_period": quiet_period,
                "poll_interval": poll_interval,
                "expected_account_id": _kept(expected_account_id),
                "profile": _kept(profile),
                "assume_role_arn": _kept(assume_role_arn),
                "endpoint_url": _kept(endpoint_url),
                "account_id": None,
            },
            _options(resource_name, kept, opts),
        )


class AzureDocumentTranslationJobGuard(Resource, module="translation", name="AzureDocumentTranslationJobGuard"):
    """Stops the in-flight Document Translation batches of its scope when it is deleted or replaced, and waits for them.

    Taking a guard out of the program deletes it, and so stops its jobs; so does renaming it without an alias.

    Args:
        resource_name: the guard's name; it begins each of its lines.
        endpoint: of the Translator resource: ``https://name.cognitiveservices.azure.com/``.
        scope: which batches, or a list of scopes of which any may match; by default derived from the containers in
            ``protects``. Nothing is derived from a Translator account, which may be somebody else's: write
            ``whole_resource=True`` for an account of this environment's own.
        protects: what must outlive the batches: the guard depends on it, and is replaced before it is. A component
            stands for the resources that are in it by then.
        on_delete: ``cancel`` (stop and wait), ``drain`` (wait), ``fail`` (refuse while any is in flight) or ``ignore``.
        grace_period: with ``cancel``, how long batches may end by themselves first.
        timeout: of a teardown, after which it fails and the guard stays. Durations: seconds or "90s", "15m", "1h30m".
        quiet_period: between the two listings that have to show nothing.
        poll_interval: between two listings; by default it grows with the wait.
        undecided_timeout: how long a teardown waits for each batch of which it is not known whether it is in scope,
            once everything in scope has ended, and never past ``timeout``. Then the teardown fails.
        triggers: a change of any replaces the guard, and so stops its batches.
        api_version: of Document Translation.
        key_env: the name of the environment variable that holds the key, never the key: what looks like a key is
            refused.
        account_resource_id: of the Translator resource: without a key in the environment, its key is fetched from Azure
            Resource Manager when it is needed. Without either, Entra ID is used.
        opts: Pulumi's; ``retain_on_delete`` and ``deleted_with`` would skip the guard and are refused.

    Raises:
        InvalidArgument: options or ``protects`` cannot be used. All else is checked in preview.
    """

    endpoint: pulumi.Output[str]
    service: pulumi.Output[str]
    stack: pulumi.Output[str]
    project: pulumi.Output[str]
    format: pulumi.Output[float]
    scope: pulumi.Output[Sequence[Mapping[str, Any]]]
    protects: pulumi.Output[Sequence[Mapping[str, Any]]]
    on_delete: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        endpoint: pulumi.Input[str],
        scope: AzureDocumentTranslationScope | Sequence[AzureDocumentTranslationScope] | None = None,
        protects: Sequence[pulumi.Resource] | None = None,
        on_delete: pulumi.Input[str] = DEFAULTS["on_delete"],
        grace_period: Duration = DEFAULTS["grace_period"],
        timeout: Duration = DEFAULTS["timeout"],
        quiet_period: Duration = DEFAULTS["quiet_period"],
        poll_interval: Duration | None = None,
        undecided_timeout: Duration = DEFAULTS["undecided_timeout"],
        triggers: pulumi.Input[Sequence[Any]] | None = None,
        api_version: pulumi.Input[str] = DEFAULTS["api_version"],
        key_env: pulumi.Input[str] = DEFAULTS["key_env"],
        account_resource_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        kept = _resources(resource_name, protects)
        super().__init__(
            AzureDocumentTranslationJobGuardProvider(),
            resource_name,
            {
                **_common(resource_name, AZURE_DOCUMENT_TRANSLATION, kept, triggers),
                "endpoint": _kept(endpoint),
                "scope": _scopes(AzureDocumentTranslationScope, scope)
                if scope is not None
                else azure_scopes(kept, endpoint),
                "on_delete": on_delete,
                "grace_period": grace_period,
                "timeout": timeout,
                "quiet_period": quiet_period,
                "poll_interval": poll_interval,
                "undecided_timeout": undecided_timeout,
                "api_version": api_version,
                "key_env": key_env,
                "account_resource_id": _kept(account_resource_id),
            },
            _options(resource_name, kept, opts),
        )


def _common(
    name: str,
    service: str,
    protects: Sequence[pulumi.Resource],
    triggers: pulumi.Input[Sequence[Any]] | None,
) -> dict[str, Any]:
    _warn_of_unknown_children(name, protects)
    return {
        "name": name,
        "service": service,
        "stack": pulumi.get_stack(),
        "project": pulumi.get_project(),
        "format": FORMAT,
        "protects": [
            {"urn": resource.urn, "id": resource.id}
            if isinstance(resource, pulumi.CustomResource)
            else {"urn": resource.urn}
            for resource in _with_children(protects)
        ],
        "triggers": [] if triggers is None else triggers,
    }


def _warn_of_unknown_children(name: str, protects: Iterable[pulumi.Resource]) -> None:
    """Warn where a protected component has no known resources, so that a replacement in it is not noticed."""
    for resource in protects:
        inside = _with_children([resource])
        if isinstance(resource, pulumi.ComponentResource) and not any(
            isinstance(one, pulumi.CustomResource) for one in inside
        ):
            pulumi.log.warn(
                f"Guard {name!r} protects the component {resource._name!r} and knows no resource in it: it was made in "
                "another process, or its resources are made after the guard. A replacement in it is not noticed; "
                "change triggers when you replace one, or protect its resources themselves."
            )


def _with_children(protects: Iterable[pulumi.Resource]) -> Iterable[pulumi.Resource]:
    """``protects``, and after each component the resources in it, by which a replacement in it is noticed."""
    for resource in protects:
        yield resource
        if isinstance(resource, pulumi.ComponentResource):
            # A set: in the same order each time, or every run would find the guard changed.
            children = sorted(resource._childResources, key=lambda child: (str(child._type), child._name))
            # A guard in it or a provider is nothing that jobs need.
            guards = (AmazonTranslateJobGuard, AzureDocumentTranslationJobGuard, pulumi.ProviderResource)
            yield from _with_children(child for child in children if not isinstance(child, guards))


def _scopes(kind: type, scope: Any) -> list[dict[str, Any]]:
    scopes = scope if isinstance(scope, Sequence) else [scope]
    for one in scopes:
        if not isinstance(one, kind):
            raise InvalidArgument(f"scope must be {kind.__name__}, or a list of them; it is {type(one).__name__}")
    # Not dataclasses.asdict: it copies deeply, which Outputs refuse.
    return [
        {
            field.name: _selector(value)
            for field in dataclasses.fields(one)
            if (value := getattr(one, field.name)) is not None and value is not False
        }
        for one in scopes
    ]


def _selector(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_kept(element) for element in value]
    return _kept(value)


def _kept(value: Any) -> Any:
    """``value``, with an output that resolves to nothing made an empty text.

    Pulumi drops what is None, and the dependency with it: a selector would be gone and the scope wider. Empty text
    stays, and ``check`` refuses it.
    """
    if isinstance(value, datetime):
        return _rfc3339(value)
    if isinstance(value, pulumi.Output) or isawaitable(value):
        return pulumi.Output.from_input(value).apply(_something)
    return value


def _something(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ["" if element is None else element for element in value] or ""
    return _rfc3339(value) if isinstance(value, datetime) else value


def _rfc3339(moment: datetime) -> str:
    # Without a time zone it stays without one, and is refused: it could mean any.
    return moment.isoformat()


def _resources(name: str, protects: Iterable[pulumi.Resource] | None) -> list[pulumi.Resource]:
    if isinstance(protects, pulumi.Resource):
        return [protects]
    if protects is not None and (isinstance(protects, (str, pulumi.Output)) or not isinstance(protects, Iterable)):
        raise InvalidArgument(f"Guard {name!r}: protects must be a list of resources; it is {type(protects).__name__}.")
    kept = list(protects or [])
    for index, resource in enumerate(kept):
        if not isinstance(resource, pulumi.Resource):
            raise InvalidArgument(
                f"Guard {name!r}: protects[{index}] is no resource: give the resources themselves, not their outputs."
            )
    return kept


def _options(
    name: str, protects: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    if opts is not None:
        if opts.retain_on_delete:
            raise InvalidArgument(
                f"Guard {name!r}: retain_on_delete makes Pulumi forget the guard without calling it, and its jobs "
                'would go on. Leave it out; to leave jobs running set on_delete="ignore".'
            )
        if opts.deleted_with is not None:
            raise InvalidArgument(
                f"Guard {name!r}: deleted_with makes Pulumi skip the guard's delete, and its jobs would go on. Leave "
                "it out."
            )
        if frozen := _frozen(opts.ignore_changes or []):
            raise InvalidArgument(
                f"Guard {name!r}: ignore_changes of {', '.join(frozen)} would keep the guard at jobs and resources "
                "that are no longer the stack's. Leave it out."
            )
        if opts.delete_before_replace is False:
            raise InvalidArgument(
                f"Guard {name!r}: delete_before_replace=False would let what the jobs need be replaced before the "
                "guard has stopped them. Leave it out: the guard asks for the right order by itself."
            )
        if opts.parent is not None and any(_within(resource, opts.parent) for resource in protects):
            raise InvalidArgument(
                f"Guard {name!r} protects its own parent, or what its parent is in, so each would wait for the other. "
                "Give it another parent, or protect the resources inside the parent instead."
            )
    # False, not None: a parent's retain_on_delete would be inherited otherwise.
    ours = pulumi.ResourceOptions(depends_on=list(protects), retain_on_delete=False)
    return pulumi.ResourceOptions.merge(opts, ours)


_DECISIVE: Final = frozenset(
    {"scope", "protects", "triggers", "region", "endpoint", "expected_account_id", "account_resource_id"}
)
"""The properties that decide whether a guard is replaced, and which jobs it answers for."""


def _frozen(ignored: Iterable[str]) -> list[str]:
    """Return the entries of ``ignore_changes`` that reach a decisive property, in whatever spelling."""
    return sorted(path for path in ignored if _first_key(path) in {"*", None, *_DECISIVE})


def _first_key(path: str) -> str | None:
    """Return the first key of a property path; None if there is none or the path cannot be parsed.

    The grammar of Pulumi's ``resource.ParsePropertyPath``: ``a.b``, ``a[0]``, ``a["b"]``, ``["a"]``, ``*`` and ``[*]``,
    with any number of dots before a key.
    """
    match = re.match(r'\.*(?:\["((?:\\"|[^"])*)"\]|\[(\*)\]|([^.\[]+))', path.strip())
    if match is None:
        return None
    quoted, star, plain = match.groups()
    return str(star or plain or quoted.replace('\\"', '"')).strip()


def _within(resource: pulumi.Resource, descendant: pulumi.Resource) -> bool:
    # Pulumi knows a resource's children, and not its parent.
    return resource is descendant or any(_within(child, descendant) for child in resource._childResources)
