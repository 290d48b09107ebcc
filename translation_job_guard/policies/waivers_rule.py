"""The rule about waivers: which findings they accept, which have expired, and which match nothing."""

from __future__ import annotations

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.policies.rule import NoOptions, Report, StackRule
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.waivers import Ledger

__all__ = ["waivers_rule"]


def waivers_rule(ledger: Ledger) -> StackRule[NoOptions]:
    """Return the rule for one pack. It has to run after all others."""

    def check(_stack: Stack, _options: NoOptions, report: Report) -> None:
        closed = ledger.close()
        for (rule, waiver), findings in closed.matched.items():
            for finding in findings:
                what = f"{rule} on '{finding.name}'" if finding.name else rule
                text = f"Waived: {what}, by the waiver of {waiver}."
                if waiver.expired:
                    text = f"The waiver of {what} expired on {waiver.until} ({waiver.reason}): fix that, or renew it."
                report(text, finding.urn, finding.name)
        for rule, waivers in closed.waivers.items():
            for waiver in waivers:
                if (rule, waiver) not in closed.matched and waiver.names_exactly(report.stacks):
                    expired = "has expired and " if waiver.expired else ""
                    report(f"The waiver of {rule} for {waiver} {expired}matches nothing in this stack: remove it.", "")

    return StackRule(
        name="translation-waivers",
        description="Lists the findings that waivers accept, and waivers that have expired or are not used.",
        level=EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        options=NoOptions,
        fix="Fix what was waived, or renew or remove the waiver.",
        check=check,
    )
