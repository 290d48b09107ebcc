"""Find the policies of a role that give what translation jobs need, or what a guard needs to stop them.

A role has policies for many things: logs, traces, queues. Only those that jobs need have to outlive the jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.policies.nodes import Kind, Node
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.trust import Trust, as_list, element, statements
from translation_job_guard.policies.values import texts

__all__ = ["JOBS", "STOPPING", "buckets_of", "needed_permissions"]

JOBS: Final = ("s3:getobject", "s3:putobject", "s3:listbucket", "kms:decrypt", "kms:generatedatakey")
"""The actions that a job takes with its role."""
STOPPING: Final = ("translate:listtexttranslationjobs", "translate:stoptexttranslationjob")
"""The actions that a guard takes with the role that it assumes."""

_OF_AWS: Final = "arn:aws*:iam::aws:policy/*"
_MANAGED: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    JOBS: ("AmazonS3*", "AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess"),
    STOPPING: ("TranslateFullAccess", "AdministratorAccess", "PowerUserAccess"),
}
"""The policies that AWS manages and that give these actions."""
_DOCUMENTS: Final = ("policy", "policyDocument", "inlinePolicies", "policies")


def needed_permissions(stack: Stack, role: Node, actions: tuple[str, ...] = JOBS) -> list[Node]:
    """Return the policies and attachments of a role that give these actions.

    If none does for certain, these are the ones that cannot be read: jobs need one of them.
    """
    answers = [(node, _gives(stack, node, actions)) for node in stack.permissions.get(role.urn, ())]
    certain = [node for node, answer in answers if answer is Trust.YES]
    own = any(role.properties.get(name) for name in ("inlinePolicies", "policies", "managedPolicyArns"))
    return certain if certain or own else [node for node, answer in answers if answer is Trust.UNKNOWN]


def buckets_of(stack: Stack, role: Node) -> list[Node]:
    """Return the buckets that a role's policies are made from directly."""
    sources = [role, *stack.permissions.get(role.urn, ())]
    sources += [policy for node in sources for policy in _policies(stack, node)]
    return stack.picked(
        {urn for node in sources for urn in stack.flows_into(node, *_DOCUMENTS, "policyArn")}, Kind.BUCKET
    )


def _policies(stack: Stack, node: Node) -> list[Node]:
    arns = texts([node.text("policyArn"), *as_list(node.properties.get("managedPolicyArns"))])
    named = {stack.policies[arn].urn for arn in arns if arn in stack.policies}
    return stack.picked({*stack.flows_into(node, "policyArn", "managedPolicyArns"), *named}, Kind.POLICY)


def _gives(stack: Stack, node: Node, actions: tuple[str, ...]) -> Trust:
    arn = node.text("policyArn")
    if arn is not None and fnmatchcase(arn, _OF_AWS):
        name = arn.rpartition("/")[2]
        return Trust.YES if any(fnmatchcase(name, pattern) for pattern in _MANAGED[actions]) else Trust.NO
    answers = {_document(stack, one, actions) for one in [*_policies(stack, node), node]}
    return next((answer for answer in (Trust.YES, Trust.NO) if answer in answers), Trust.UNKNOWN)


def _document(stack: Stack, node: Node, actions: tuple[str, ...]) -> Trust:
    document = next((one for name in _DOCUMENTS if (one := node.properties.get(name)) is not None), None)
    if isinstance(document, (str, Mapping)):
        found = statements(document)
        answers = {Trust.UNKNOWN} if found is None else {_statement(one, actions) for one in found}
        return next((answer for answer in (Trust.YES, Trust.UNKNOWN) if answer in answers), Trust.NO)
    # In a preview the text is not known yet. The resources that it is made from tell what it is for.
    made_from = {stack.nodes[urn].kind for urn in stack.flows_into(node, *_DOCUMENTS) if urn in stack.nodes}
    return Trust.YES if actions == JOBS and made_from & {Kind.BUCKET, Kind.KEY} else Trust.UNKNOWN


def _statement(statement: Any, actions: tuple[str, ...]) -> Trust:
    if not isinstance(statement, Mapping):
        return Trust.UNKNOWN
    if str(element(statement, "Effect")).lower() != "allow":
        return Trust.NO
    listed, excluded = as_list(element(statement, "Action")), as_list(element(statement, "NotAction"))
    if UNKNOWN in [*listed, *excluded]:
        return Trust.UNKNOWN
    if excluded:
        return Trust.NO if all(_matches(action, excluded) for action in actions) else Trust.YES
    return Trust.YES if any(_matches(action, listed) for action in actions) else Trust.NO


def _matches(action: str, patterns: Iterable[Any]) -> bool:
    return any(isinstance(one, str) and fnmatchcase(action, one.lower()) for one in patterns)
