"""Check whether a policy of a role gives what translation jobs need, or what a guard needs to stop them.

A role has policies for many things: logs, traces, queues. Only the ones that jobs need have to outlive the jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.policies.stack import Kind, Node, Stack
from translation_job_guard.policies.trust import Trust

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
"""The policies of AWS itself that give these actions."""
_DOCUMENTS: Final = ("policy", "policyDocument", "inlinePolicies", "policies")


def needed_permissions(stack: Stack, role: Node, actions: tuple[str, ...] = JOBS) -> list[Node]:
    """Return the policies and attachments of a role that give these actions.

    Without any that does for certain, it must be the ones that cannot be read: jobs cannot do without.
    """
    answers = [(node, _gives(stack, node, actions)) for node in stack.permissions.get(role.urn, ())]
    certain = [node for node, answer in answers if answer is Trust.YES]
    own = any(role.properties.get(name) for name in ("inlinePolicies", "policies", "managedPolicyArns"))
    return certain if certain or own else [node for node, answer in answers if answer is Trust.UNKNOWN]


def buckets_of(stack: Stack, role: Node) -> list[Node]:
    """Return the buckets that a role's policies are made from directly."""
    sources = [role, *stack.permissions.get(role.urn, ())]
    sources += [policy for node in sources for policy in _policies(stack, node)]
    found = {urn for node in sources for urn in stack.flows_into(node, *_DOCUMENTS, "policyArn")}
    return stack.picked(found, Kind.BUCKET)


def _policies(stack: Stack, node: Node) -> list[Node]:
    flows = set(stack.flows_into(node, "policyArn", "managedPolicyArns"))
    arns = [node.text("policyArn"), *_list(node.properties.get("managedPolicyArns"))]
    named = {policy.urn for arn in arns if isinstance(arn, str) and (policy := stack.policies.get(arn))}
    return stack.picked(flows | named, Kind.POLICY)


def _gives(stack: Stack, node: Node, actions: tuple[str, ...]) -> Trust:
    arn = node.text("policyArn")
    if arn is not None and fnmatchcase(arn, _OF_AWS):
        names = _MANAGED[actions]
        return Trust.YES if any(fnmatchcase(arn.rpartition("/")[2], name) for name in names) else Trust.NO
    documents = [*_policies(stack, node), node]
    answers = {_document(stack, one, actions) for one in documents}
    return next((answer for answer in (Trust.YES, Trust.NO) if answer in answers), Trust.UNKNOWN)


def _document(stack: Stack, node: Node, actions: tuple[str, ...]) -> Trust:
    document = next((one for name in _DOCUMENTS if (one := node.properties.get(name)) is not None), None)
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return Trust.UNKNOWN
    if isinstance(document, Mapping):
        answers = {_statement(one, actions) for one in _list(_element(document, "Statement"))}
        return next((answer for answer in (Trust.YES, Trust.UNKNOWN) if answer in answers), Trust.NO)
    # In preview the text is not known yet: what it is made from tells.
    made_from = {stack.nodes[urn].kind for urn in stack.flows_into(node, *_DOCUMENTS) if urn in stack.nodes}
    return Trust.YES if actions == JOBS and made_from & {Kind.BUCKET, Kind.KEY} else Trust.UNKNOWN


def _statement(statement: Any, actions: tuple[str, ...]) -> Trust:
    if not isinstance(statement, Mapping):
        return Trust.UNKNOWN
    if str(_element(statement, "Effect")).lower() != "allow":
        return Trust.NO
    listed, excluded = _list(_element(statement, "Action")), _list(_element(statement, "NotAction"))
    if UNKNOWN in [*listed, *excluded]:
        return Trust.UNKNOWN
    if excluded:
        return Trust.NO if all(_matches(action, excluded) for action in actions) else Trust.YES
    return Trust.YES if any(_matches(action, listed) for action in actions) else Trust.NO


def _matches(action: str, patterns: Iterable[Any]) -> bool:
    return any(isinstance(one, str) and fnmatchcase(action, one.lower()) for one in patterns)


def _element(of: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in of.items() if str(key).lower() == name.lower()), None)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
