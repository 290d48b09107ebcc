"""Whether a guard answers for the jobs to come of a role, bucket, account or container.

Jobs that exist are judged by ``jobs.coverage`` alone. Jobs to come have no id yet, and in preview the names of what
they use are not known either: then the graph decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.jobs import AMAZON_TRANSLATE, AmazonScope, Coverage, Job, JobState, coverage
from translation_job_guard.policies.stack import Guard, Kind, Node, Stack
from translation_job_guard.policies.values import any_unknown
from translation_job_guard.services import endpoint_key

__all__ = ["answers_for", "at_account"]


def answers_for(stack: Stack, guard: Guard, node: Node) -> bool:
    """Whether jobs to come that are tied to ``node`` are in the guard's scope, or may turn out to be."""
    if node.kind is Kind.ACCOUNT:
        return at_account(stack, guard, node) and _selects_to_come(guard)
    if isinstance(guard.scopes, list):
        return any(_in_scope(stack, guard, stored, scope, node) for stored, scope in guard.readable_scopes) or (
            UNKNOWN in guard.scopes and node.urn in stack.before(guard)
        )
    # Nothing of the scope is known yet: it was made from what the guard depends on.
    return node.urn in stack.before(guard)


def at_account(stack: Stack, guard: Guard, account: Node) -> bool:
    """Whether a guard works on this Azure account, or may turn out to."""
    if guard.service == AMAZON_TRANSLATE:
        return False
    if isinstance(guard.place, str) and guard.place:
        owner = stack.account_of(guard.place)
        if owner is not None:
            return owner is account
        if account.endpoint:
            return endpoint_key(guard.place) == endpoint_key(account.endpoint)
    return account.urn in stack.before(guard)


def _in_scope(stack: Stack, guard: Guard, stored: Mapping[str, Any], scope: Any, node: Node) -> bool:
    depends = node.urn in stack.before(guard)
    if scope is None:
        if stored.get("whole_region") is UNKNOWN or stored.get("whole_resource") is UNKNOWN:
            return True
        return depends and _selects_to_come_stored(stored)
    if not isinstance(scope, AmazonScope):
        return depends and _selects_to_come_stored(stored)
    arn = node.text("arn") if node.kind is Kind.ROLE else None
    if node.kind is Kind.ROLE and scope.data_access_role_arns and arn is None:
        return depends
    if coverage((scope,), _job_to_come(scope, node, arn)) is not Coverage.COVERED:
        return False
    if scope.whole_region:
        return True
    if node.kind is Kind.ROLE and not scope.data_access_role_arns:
        # By bucket or by name: of this role only if the program says that they belong together.
        return depends
    return True


def _job_to_come(scope: AmazonScope, node: Node, arn: str | None) -> Job:
    """A job tied to ``node`` that fits the scope in everything that the node leaves open, but for its id."""
    bucket = node.text("bucket") if node.kind is Kind.BUCKET else None
    return Job(
        service=AMAZON_TRANSLATE,
        id="",
        state=JobState.QUEUED,
        service_state="",
        name=next(iter(scope.job_name_prefixes), None),
        role_arn=arn if node.kind is Kind.ROLE else next(iter(scope.data_access_role_arns), None),
        locations=(f"s3://{bucket}/",) if bucket else scope.s3_uri_prefixes[:1],
        submitted_at=scope.submitted_after,
    )


def _selects_to_come(guard: Guard) -> bool:
    if not isinstance(guard.scopes, list) or UNKNOWN in guard.scopes:
        return True
    return any(_selects_to_come_stored(stored) for stored, _ in guard.readable_scopes)


def _selects_to_come_stored(stored: Mapping[str, Any]) -> bool:
    # Jobs to come have ids that no program knows yet.
    if stored.get("job_ids") or stored.get("translation_ids"):
        return any_unknown(stored)
    return any(key not in ("submitted_after", "created_after") for key in stored)
