"""The rule over waivers: what they accept, which of them have expired, and which nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.policies.rule import Report, StackRule
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.waivers import Ledger

__all__ = ["waivers_rule"]


@dataclass(frozen=True)
class WaiversOptions:
    """translation-waivers has no options of its own."""


def waivers_rule(ledger: Ledger) -> StackRule[WaiversOptions]:
    """Return the rule for one pack; it has to be the last one."""

    def check(_stack: Stack, _options: WaiversOptions, report: Report) -> None:
        gathered = ledger.close()
        for (rule, waiver), findings in gathered.matched.items():
            for finding in findings:
                what = f"{rule} on '{finding.name}'" if finding.name else rule
                if waiver.expired:
                    text = f"The waiver of {what} expired on {waiver.until} ({waiver.reason}): fix that, or renew it."
                else:
                    text = f"Waived: {what}, by the waiver of {waiver}."
                report(text, finding.urn, finding.name)
        for rule, waivers in gathered.waivers.items():
            for waiver in waivers:
                if (rule, waiver) not in gathered.matched and waiver.names_exactly(report.stacks):
                    expired = "has expired and " if waiver.expired else ""
                    report(f"The waiver of {rule} for {waiver} {expired}matches nothing in this stack: remove it.", "")

    return StackRule(
        name="translation-waivers",
        description="Lists the findings that waivers accept, and waivers that have expired or are not used.",
        level=EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        options=WaiversOptions,
        remedy="Fix what was waived, or renew or remove the waiver.",
        check=check,
    )
