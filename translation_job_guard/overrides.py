"""What the environment overrides, for a delete sees only the state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from translation_job_guard.durations import parse_duration
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.teardown import Mode

__all__ = ["ON_DELETE", "RECEIPTS", "TIMEOUT", "Overrides", "overrides"]

ON_DELETE: Final = "TRANSLATION_JOB_GUARD_ON_DELETE"
TIMEOUT: Final = "TRANSLATION_JOB_GUARD_TIMEOUT"
RECEIPTS: Final = "TRANSLATION_JOB_GUARD_RECEIPTS"


@dataclass(frozen=True)
class Overrides:
    """What is overridden for one guard; None where nothing is. ``timeout`` in seconds."""

    mode: Mode | None = None
    timeout: float | None = None
    receipts: Path | None = None


def overrides(name: str, environment: Mapping[str, str] = os.environ) -> Overrides:
    """What the environment overrides for the guard ``name``.

    Raises:
        InvalidArgument: a variable cannot be used, also where it speaks of other guards only.
    """
    return Overrides(
        mode=_mode(name, environment.get(ON_DELETE, "").strip()),
        timeout=_timeout(environment.get(TIMEOUT, "").strip()),
        receipts=Path(where) if (where := environment.get(RECEIPTS, "").strip()) else None,
    )


def _mode(name: str, text: str) -> Mode | None:
    if not text:
        return None
    modes = {mode.value: mode for mode in Mode}
    chosen: Mode | None = None
    for part in text.split(","):
        who, equals, word = part.strip().rpartition("=")
        if word.strip() not in modes or (equals and not who.strip()) or (not equals and "," in text):
            raise InvalidArgument(
                f"{ON_DELETE} cannot be used: give a mode for all guards ({', '.join(modes)}), or name=mode for some, "
                f"separated by commas ({ON_DELETE}=guard=drain,other=ignore)."
            )
        if not equals or who.strip() == name:
            chosen = modes[word.strip()]
    return chosen


def _timeout(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InvalidArgument(f"{TIMEOUT} {error}.") from error
    if not seconds:
        raise InvalidArgument(f"{TIMEOUT} must be longer than nothing: the teardown would fail at once.")
    return seconds
