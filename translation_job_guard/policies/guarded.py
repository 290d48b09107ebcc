"""The rule over what jobs run with: every role and account that can come to have jobs has a guard."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.policies.access import buckets_of
from translation_job_guard.policies.coverage_prediction import answers_for
from translation_job_guard.policies.places import region_of
from translation_job_guard.policies.rule import Report, StackRule, judge_each
from translation_job_guard.policies.stack import Guard, Kind, Node, Stack
from translation_job_guard.policies.suggested_code import amazon_guard, azure_guard
from translation_job_guard.policies.values import texts

__all__ = ["TRANSLATION_RESOURCES_GUARDED", "TRANSLATION_RESOURCES_POSSIBLY_GUARDED"]

_NAME = "translation-resources-guarded"
_POSSIBLY = "translation-resources-possibly-guarded"


@dataclass(frozen=True)
class GuardedOptions:
    """translation-resources-guarded has no options."""


@dataclass(frozen=True)
class PossiblyOptions:
    """translation-resources-possibly-guarded has no options."""


def _check(stack: Stack, _options: GuardedOptions, report: Report) -> None:
    candidates = _Candidates(stack)

    def role(node: Node) -> None:
        guards = [guard for guard in candidates.of(node) if answers_for(stack, guard, node)]
        places = {guard.place for guard in guards if isinstance(guard.place, str)}
        if len(places) < len({guard.place for guard in guards}):
            # A guard whose region is not known yet may turn out to be the missing one.
            return
        regions = {region for bucket in buckets_of(stack, node) if (region := bucket.text("region"))}
        if not guards:
            wanted: list[str | None] = [*sorted(regions)] or [region_of(node)]
            for region in wanted:
                report(
                    f"Amazon Translate can assume the {node.label}, and no guard of this stack covers jobs that run "
                    f"under it{f' in {region}' if region else ''}: `pulumi destroy` would take the role away and leave "
                    f"them behind, running and costing money. Add a guard:\n{amazon_guard(stack, node, region)}",
                    node.urn,
                )
            return
        for region in sorted(regions - places):
            report(
                f"The {node.label} is used with a bucket in {region}, and no guard of this stack covers jobs there: "
                "a guard is for one region, and `pulumi destroy` would leave the jobs of this one behind. Add a guard:"
                f"\n{amazon_guard(stack, node, region)}",
                node.urn,
            )

    def account(node: Node) -> None:
        if node.translates and not candidates.guard_at(node):
            report(
                f"The {node.label} can run Document Translation batches, and no guard of this stack covers them: with "
                f"the account goes the only endpoint that can cancel them. Add a guard:\n{azure_guard(stack, node)}",
                node.urn,
            )

    judge_each(_NAME, report, stack.translate_roles, role)
    judge_each(_NAME, report, stack.of(Kind.ACCOUNT), account)


def _check_possibly(stack: Stack, _options: PossiblyOptions, report: Report) -> None:
    candidates = _Candidates(stack)

    def account(node: Node) -> None:
        if node.may_translate and not candidates.guard_at(node):
            report(
                f"The {node.label} is of a kind with many services, Document Translation among them. If it runs "
                "batches of documents, no guard of this stack covers them. Then add a guard, else waive this finding:"
                f"\n{azure_guard(stack, node)}",
                node.urn,
            )

    judge_each(_POSSIBLY, report, stack.of(Kind.ACCOUNT), account)


class _Candidates:
    """The guards that can come into question for a resource, found without asking each of them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_urn: dict[str, list[Guard]] = {}
        self._by_arn: dict[str, list[Guard]] = {}
        self._any: list[Guard] = []
        for guard in stack.guards:
            for urn in stack.before(guard):
                self._by_urn.setdefault(urn, []).append(guard)
            for stored, _ in guard.readable_scopes:
                if stored.get("whole_region"):
                    self._any.append(guard)
                arns = stored.get("data_access_role_arns")
                for arn in texts(arns) if isinstance(arns, list) else ():
                    self._by_arn.setdefault(arn, []).append(guard)
            if guard.service != AMAZON_TRANSLATE and (account := stack.account_of(guard.place)):
                self._by_urn.setdefault(account.urn, []).append(guard)

    def guard_at(self, account: Node) -> bool:
        """Return whether a guard covers the batches to come of an Azure account."""
        return any(answers_for(self._stack, guard, account) for guard in self.of(account))

    def of(self, node: Node) -> list[Guard]:
        """Those that depend on it, name it, or answer for everything."""
        amazon = node.kind is Kind.ROLE
        found = [*self._by_urn.get(node.urn, ()), *self._by_arn.get(node.text("arn") or "", ()), *self._any]
        unique = list({guard.urn: guard for guard in found}.values())
        return [guard for guard in unique if (guard.service == AMAZON_TRANSLATE) is amazon]


TRANSLATION_RESOURCES_GUARDED = StackRule(
    name=_NAME,
    description="Checks whether every role and account that translation jobs can run with has a guard.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=GuardedOptions,
    remedy="Add a guard whose scope has the role or whose endpoint is the account's, and that protects it.",
    check=_check,
)

TRANSLATION_RESOURCES_POSSIBLY_GUARDED = StackRule(
    name=_POSSIBLY,
    description="Checks whether every account that may be used for translation jobs, among other things, has a guard.",
    level=EnforcementLevel.ADVISORY,
    severity=Severity.LOW,
    options=PossiblyOptions,
    remedy="Add a guard whose endpoint is the account's, or waive the finding where nobody translates documents.",
    check=_check_possibly,
)
