#!/usr/bin/env python3
"""Check the subject of a commit message: present, at most 72 characters, no full stop, a blank line after it."""

import sys
from pathlib import Path

LONGEST = 72


def problems(message: str) -> list[str]:
    """Return what is wrong with the first lines of a commit message; an empty list if nothing is."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0].strip() if lines else ""
    found = []
    if not subject:
        found.append("the subject is empty; write what the commit does, in the imperative")
    if len(subject) > LONGEST:
        found.append(f"the subject has {len(subject)} characters; at most {LONGEST} are allowed")
    if subject.endswith("."):
        found.append("the subject ends with a full stop; leave it out")
    if len(lines) > 1 and lines[1].strip():
        found.append("the second line is not blank; separate the subject from the body")
    return found


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(1 if found else 0)
