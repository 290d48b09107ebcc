"""Read the violations of a policy pack from the output of `pulumi`, whose wording depends on its release."""

from __future__ import annotations

import re

_VIOLATION = re.compile(r"- \[(\w+)\] *(?:\[severity: \w+\])? +([\w-]+)  \(")


def violations(output: str) -> set[tuple[str, str]]:
    """Return (level, rule) of every violation in the output of a preview, an update or an analysis."""
    return set(_VIOLATION.findall(output))
