"""The two guards, and the types of their scopes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import isawaitable
from typing import Any, Union

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
from translation_job_guard.resource_options import guard_options, resource_list, warn_of_unknown_children, with_children

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
    """Select the Amazon Translate jobs that a guard is responsible for.

    Every selector that is given must match; of a list, any value may match.

    Args:
        data_access_role_arns: The ARNs of the roles that jobs run under.
        s3_uri_prefixes: The buckets (``s3://bucket/``) or folders (``s3://bucket/folder/``) that jobs read from or
            write to. A prefix ends at a slash: ``s3://bucket-1`` does not match ``s3://bucket-10``. URIs are compared
            as jobs give them: a job that reads through an access point alias (``s3://name-…-s3alias/``) matches only
            if the alias is listed too.
        job_name_prefixes: How the names of jobs begin.
        job_ids: The IDs of jobs.
        submitted_after: Narrows what the others select to jobs submitted then or later: RFC 3339 text, or a datetime
            with a time zone.
        whole_region: True for every job of the account and region, whoever started it; no other selector may be given.
    """

    data_access_role_arns: Texts | None = None
    s3_uri_prefixes: Texts | None = None
    job_name_prefixes: Texts | None = None
    job_ids: Texts | None = None
    submitted_after: Moment | None = None
    whole_region: pulumi.Input[bool] = False


@dataclass(frozen=True)
class AzureDocumentTranslationScope:
    """Select the Azure Document Translation batches that a guard is responsible for.

    Every selector that is given must match; of a list, any value may match.

    Args:
        translation_ids: The IDs of batches.
        container_urls: The containers (``https://account.blob.core.windows.net/container``), or folders in them, that
            batches read from or write to, without a SAS query string. Whether a batch writes there is known only
            after the service has told its targets.
        source_container_urls: The same for what batches read from; decided without waiting for any target.
        target_container_urls: The same for what batches write to.
        created_after: Narrows what the others select to batches created then or later: RFC 3339 text, or a datetime
            with a time zone.
        whole_resource: True for every batch of the Translator resource, whoever started it; no other selector may be
            given.
    """

    translation_ids: Texts | None = None
    container_urls: Texts | None = None
    source_container_urls: Texts | None = None
    target_container_urls: Texts | None = None
    created_after: Moment | None = None
    whole_resource: pulumi.Input[bool] = False


class AmazonTranslateJobGuard(Resource, module="translation", name="AmazonTranslateJobGuard"):
    """Stop the in-flight Amazon Translate jobs of a scope when this resource is deleted or replaced.

    The delete waits until the jobs have ended. Taking a guard out of the program deletes it, and so stops its jobs; so
    does renaming it without an alias.

    Args:
        resource_name: The guard's name; each line that the guard prints begins with it.
        region: The region of the jobs; by default the stack's ``aws:region``, never the environment's.
        scope: The jobs, as one scope or a list of scopes of which any may match; by default derived from ``protects``.
        protects: What must outlive the jobs: the guard depends on it, and is replaced before it is. A component
            counts as the resources that it contains at that time.
        on_delete: ``cancel`` (stop and wait), ``drain`` (wait), ``fail`` (refuse while any job is in flight) or
            ``ignore``.
        grace_period: In mode ``cancel``, how long jobs may take to end by themselves first. Durations are seconds, or
            text such as "90s", "15m", "1h30m".
        timeout: How long a teardown may take; after that it fails, and the guard stays.
        quiet_period: The time between the two listings that have to show nothing in flight.
        poll_interval: The time between two listings; by default it grows with the wait.
        triggers: A change of any of these values replaces the guard, and so stops its jobs.
        expected_account_id: The AWS account that the jobs run in; any other account is refused.
        profile: The boto3 profile to use. Credentials are never properties: they come from boto3's chain.
        assume_role_arn: The ARN of a role to assume first.
        endpoint_url: The URL of Amazon Translate, if it is not the public one.
        opts: Pulumi's resource options; ``retain_on_delete`` and ``deleted_with`` would skip the guard and are
            refused.

    Raises:
        InvalidArgument: ``opts`` or ``protects`` cannot be used. Everything else is checked in preview.
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
        kept = resource_list(resource_name, protects)
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
            guard_options(resource_name, kept, opts),
        )


class AzureDocumentTranslationJobGuard(Resource, module="translation", name="AzureDocumentTranslationJobGuard"):
    """Stop the in-flight Document Translation batches of a scope when this resource is deleted or replaced.

    The delete waits until the batches have ended. Taking a guard out of the program deletes it, and so stops its
    batches; so does renaming it without an alias.

    Args:
        resource_name: The guard's name; each line that the guard prints begins with it.
        endpoint: The endpoint of the Translator resource: ``https://name.cognitiveservices.azure.com/``.
        scope: The batches, as one scope or a list of scopes of which any may match; by default derived from the
            containers in ``protects``. Nothing is derived from a Translator account, which may be somebody else's: set
            ``whole_resource=True`` for an account of this environment's own.
        protects: What must outlive the batches: the guard depends on it, and is replaced before it is. A component
            counts as the resources that it contains at that time.
        on_delete: ``cancel`` (stop and wait), ``drain`` (wait), ``fail`` (refuse while any batch is in flight) or
            ``ignore``.
        grace_period: In mode ``cancel``, how long batches may take to end by themselves first. Durations are seconds,
            or text such as "90s", "15m", "1h30m".
        timeout: How long a teardown may take; after that it fails, and the guard stays.
        quiet_period: The time between the two listings that have to show nothing in flight.
        poll_interval: The time between two listings; by default it grows with the wait.
        undecided_timeout: How long a teardown waits for each batch of which it is not known whether it is in scope,
            after everything in scope has ended, and never past ``timeout``. Then the teardown fails.
        triggers: A change of any of these values replaces the guard, and so stops its batches.
        api_version: The version of the Document Translation API.
        key_env: The name of the environment variable that holds the key, never the key: what looks like a key is
            refused.
        account_resource_id: The resource ID of the Translator resource: without a key in the environment, its key is
            fetched from Azure Resource Manager when it is needed. Without either, Entra ID is used.
        opts: Pulumi's resource options; ``retain_on_delete`` and ``deleted_with`` would skip the guard and are
            refused.

    Raises:
        InvalidArgument: ``opts`` or ``protects`` cannot be used. Everything else is checked in preview.
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
        kept = resource_list(resource_name, protects)
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
            guard_options(resource_name, kept, opts),
        )


def _common(
    name: str,
    service: str,
    protects: Sequence[pulumi.Resource],
    triggers: pulumi.Input[Sequence[Any]] | None,
) -> dict[str, Any]:
    warn_of_unknown_children(name, protects)
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
            for resource in with_children(protects)
        ],
        "triggers": [] if triggers is None else triggers,
    }


def _scopes(kind: type, scope: Any) -> list[dict[str, Any]]:
    scopes = scope if isinstance(scope, Sequence) else [scope]
    for one in scopes:
        if not isinstance(one, kind):
            raise InvalidArgument(
                f"`scope` is not a valid scope; expected {kind.__name__}, or a list of them, not {type(one).__name__}"
            )
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
    """Return ``value`` with empty text in place of an output that resolves to nothing.

    Pulumi drops what is None, and the dependency with it: a selector would be gone and the scope wider. Empty text
    stays, and ``check`` refuses it.
    """
    if isinstance(value, pulumi.Output) or isawaitable(value):
        return pulumi.Output.from_input(value).apply(_something)
    return _plain(value)


def _something(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ["" if element is None else element for element in value] or ""
    return _plain(value)


def _plain(value: Any) -> Any:
    # A time without a time zone stays without one, and is refused: it could mean any.
    return value.isoformat() if isinstance(value, datetime) else value
