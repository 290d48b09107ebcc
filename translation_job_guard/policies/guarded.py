"""The rules about what jobs run with: every role and account that may get jobs has a guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.policies.access import buckets_of
from translation_job_guard.policies.coverage_prediction import will_cover
from translation_job_guard.policies.nodes import Guard, Kind, Node
from translation_job_guard.policies.places import region_of
from translation_job_guard.policies.rule import NoOptions, Report, StackRule, judge_each
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.suggested_code import SuggestedCode
from translation_job_guard.policies.values import texts

__all__ = ["TRANSLATION_RESOURCES_GUARDED", "TRANSLATION_RESOURCES_POSSIBLY_GUARDED"]

_NAME = "translation-resources-guarded"
_POSSIBLY = "translation-resources-possibly-guarded"


def _check(stack: Stack, _options: NoOptions, report: Report) -> None:
    candidates, code = _Candidates(stack), SuggestedCode(stack)

    def role(node: Node) -> None:
        guards = list(candidates.covering(node))
        regions = {guard.place for guard in guards if isinstance(guard.place, str)}
        if len(regions) < len({guard.place for guard in guards}):
            return  # the region of a guard is not known yet, and may be the missing one
        used = {region for bucket in buckets_of(stack, node) if (region := bucket.text("region"))}
        if not guards:
            wanted: list[str | None] = [*sorted(used)] or [region_of(node)]
            for region in wanted:
                report(
                    f"Amazon Translate can assume the {node.label}, and no guard of this stack covers jobs that run "
                    f"under it{f' in {region}' if region else ''}: `pulumi destroy` would delete the role while they "
                    f"run and cost money. Add a guard:\n{code.guard(node, region)}",
                    node.urn,
                )
            return
        for region in sorted(used - regions):
            report(
                f"The {node.label} is used with a bucket in {region}, and no guard of this stack covers jobs there. "
                "A guard covers one region, so `pulumi destroy` would leave the jobs in this one running. Add a guard:"
                f"\n{code.guard(node, region)}",
                node.urn,
            )

    judge_each(_NAME, report, stack.translate_roles, role)
    _check_accounts(
        _NAME,
        stack,
        report,
        lambda node: node.translates,
        "The {label} can run Document Translation batches, and no guard of this stack covers them. The account has the "
        "only endpoint that can cancel them, and `pulumi destroy` would delete it. Add a guard:\n{code}",
    )


def _check_possibly(stack: Stack, _options: NoOptions, report: Report) -> None:
    _check_accounts(
        _POSSIBLY,
        stack,
        report,
        lambda node: node.may_translate,
        "The {label} has a kind with many services, Document Translation among them. If it runs batches of documents, "
        "no guard of this stack covers them. Then add a guard, otherwise waive this finding:\n{code}",
    )


def _check_accounts(rule: str, stack: Stack, report: Report, concerns: Callable[[Node], bool], message: str) -> None:
    """Report the Azure accounts that a rule concerns and no guard covers."""
    candidates, code = _Candidates(stack), SuggestedCode(stack)

    def account(node: Node) -> None:
        if concerns(node) and not any(candidates.covering(node)):
            report(message.format(label=node.label, code=code.guard(node)), node.urn)

    judge_each(rule, report, stack.of(Kind.ACCOUNT), account)


class _Candidates:
    """Find the guards that may cover a resource without comparing each guard with each resource."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_urn: dict[str, list[Guard]] = {}
        self._by_arn: dict[str, list[Guard]] = {}
        self._everywhere: list[Guard] = []
        for guard in stack.guards:
            account = stack.account_of(guard.place)
            for urn in {*stack.before(guard), *([account.urn] if account else [])}:
                self._by_urn.setdefault(urn, []).append(guard)
            for stored in guard.stored_scopes:
                if stored.get("whole_region"):
                    self._everywhere.append(guard)
                for arn in texts(stored.get("data_access_role_arns")):
                    self._by_arn.setdefault(arn, []).append(guard)

    def covering(self, node: Node) -> Iterable[Guard]:
        """Yield the guards that cover the jobs to come of a role or account."""
        found = [*self._by_urn.get(node.urn, ()), *self._by_arn.get(node.text("arn") or "", ()), *self._everywhere]
        for guard in {guard.urn: guard for guard in found}.values():
            if guard.service == node.service and will_cover(self._stack, guard, node):
                yield guard


TRANSLATION_RESOURCES_GUARDED = StackRule(
    name=_NAME,
    description="Checks whether every role and account that translation jobs can run with has a guard.",
    level=EnforcementLevel.MANDATORY,
    severity=Severity.HIGH,
    options=NoOptions,
    fix="Add a guard with the role in its scope or at the endpoint of the account, and let it protect that.",
    check=_check,
)

TRANSLATION_RESOURCES_POSSIBLY_GUARDED = StackRule(
    name=_POSSIBLY,
    description="Checks whether every account that may be used for translation jobs, among other things, has a guard.",
    level=EnforcementLevel.ADVISORY,
    severity=Severity.LOW,
    options=NoOptions,
    fix="Add a guard at the endpoint of the account, or waive the finding if nobody translates documents there.",
    check=_check_possibly,
)
