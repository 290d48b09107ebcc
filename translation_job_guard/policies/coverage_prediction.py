"""Predict whether a guard will cover the jobs to come of a role, bucket, account or container.

``jobs.coverage`` alone decides about jobs that exist. Jobs to come have no ID yet, and in a preview the names of what
they will use are not known either: then the graph of the stack decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.jobs import AmazonScope, Coverage, Job, JobState, Scope, coverage
from translation_job_guard.policies.nodes import Guard, Kind, Node
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.values import any_unknown
from translation_job_guard.services import endpoint_key

__all__ = ["is_at_account", "will_cover"]


def will_cover(stack: Stack, guard: Guard, node: Node) -> bool:
    """Check whether jobs to come that are tied to ``node`` are in the guard's scope, or may turn out to be."""
    some_unknown = not isinstance(guard.scopes, list) or UNKNOWN in guard.scopes
    if node.kind is Kind.ACCOUNT:
        to_come = some_unknown or any(map(_selects_jobs_to_come, guard.stored_scopes))
        return to_come and is_at_account(stack, guard, node)
    # A scope that is not known yet was made from what the guard depends on.
    return (some_unknown and node.urn in stack.before(guard)) or any(
        _is_in_scope(stack, guard, stored, scope, node) for stored, scope in guard.readable_scopes
    )


def is_at_account(stack: Stack, guard: Guard, account: Node) -> bool:
    """Check whether a guard is for this Azure account, or may turn out to be."""
    if guard.service != account.service:
        return False
    if isinstance(guard.place, str):
        owner = stack.account_of(guard.place)
        if owner is not None:
            return owner is account
        if account.endpoint:
            return endpoint_key(guard.place) == endpoint_key(account.endpoint)
    return account.urn in stack.before(guard)


def _is_in_scope(stack: Stack, guard: Guard, stored: Mapping[str, Any], scope: Scope | None, node: Node) -> bool:
    depends = node.urn in stack.before(guard)
    if UNKNOWN in (stored.get("whole_region"), stored.get("whole_resource")):
        return True
    if not isinstance(scope, AmazonScope):
        return depends and _selects_jobs_to_come(stored)
    arn = node.text("arn") if node.kind is Kind.ROLE else None
    if node.kind is Kind.ROLE and scope.data_access_role_arns and arn is None:
        return depends
    if coverage((scope,), _job_to_come(scope, node, arn)) is not Coverage.COVERED:
        return False
    # A scope by bucket or name is one for this role only if the program says that they belong together.
    by_role = node.kind is not Kind.ROLE or bool(scope.data_access_role_arns)
    return scope.whole_region or by_role or depends


def _job_to_come(scope: AmazonScope, node: Node, arn: str | None) -> Job:
    """Return a job without an ID that is tied to ``node`` and otherwise fits the scope."""
    bucket = node.text("bucket") if node.kind is Kind.BUCKET else None
    return Job(
        service=scope.service,
        id="",
        state=JobState.QUEUED,
        service_state="",
        name=next(iter(scope.job_name_prefixes), None),
        role_arn=arn if node.kind is Kind.ROLE else next(iter(scope.data_access_role_arns), None),
        locations=(f"s3://{bucket}/",) if bucket else scope.s3_uri_prefixes[:1],
        submitted_at=scope.submitted_after,
    )


def _selects_jobs_to_come(stored: Mapping[str, Any]) -> bool:
    # No program knows the IDs of jobs to come.
    if stored.get("job_ids") or stored.get("translation_ids"):
        return any_unknown(stored)
    return any(key not in ("submitted_after", "created_after") for key in stored)
