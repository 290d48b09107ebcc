"""The lines of a preview: what a change to a guard would do to the jobs in flight.

A line about a change must not make its preview fail: whatever is wrong shows where it counts, in ``up``.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.guard.changes import Answer, Decision
from translation_job_guard.guard.environment import read_environment
from translation_job_guard.guard.lifecycle import connect
from translation_job_guard.guard.progress import guard_voice, stored_voice
from translation_job_guard.guard.retries import in_time
from translation_job_guard.jobs import Coverage, Job, counted, coverage, left_behind, named
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import Mode

__all__ = ["Prospect", "announce", "in_flight"]

_LOOK_FOR: Final = 5.0
"""Seconds that a preview spends on its line."""

_announced: set[tuple[str, str]] = set()
"""The guards whose change was announced by this process: the engine asks for a diff more than once."""

_EFFECTS: Final = {
    Mode.CANCEL: ("stops", "stop the jobs in"),
    Mode.DRAIN: ("waits for the end of", "wait for the end of the jobs in"),
    Mode.FAIL: ("is refused because of", "be refused while there are jobs in flight in"),
    Mode.IGNORE: ("leaves", "leave the jobs in"),
}
"""By mode, what a replacement or a narrower scope does with jobs in flight, and what it would do."""


@dataclass(frozen=True)
class Prospect:
    """What a teardown would find now.

    Attributes:
        jobs: The jobs in flight in scope.
        undecided: The batches of which it is not known whether they are in scope.
    """

    jobs: tuple[Job, ...]
    undecided: tuple[Job, ...]


def announce(service: str, id_: str, decision: Decision, olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Print one line about the jobs that a change would stop, and one about what is no longer protected.

    Args:
        service: The guard's service.
        id_: The guard's ID; each line is printed once for each guard and process.
        decision: What the change needs.
        olds: The stored properties.
        news: The new properties.
    """
    if decision.unprotected and _is_first(id_, "unprotected"):
        _say_unprotected(olds, decision.unprotected)
    replaced = decision.answer is Answer.REPLACE
    if not replaced and (decision.answer is Answer.KEEP or olds.get("scope") == news.get("scope")):
        return
    if _is_first(id_, "jobs"):
        with contextlib.suppress(Exception):
            _say_jobs(read(service, olds), None if replaced else read(service, news))


def in_flight(guard: GuardArguments, new: GuardArguments | None = None, *, within: float) -> Prospect | None:
    """Return what a teardown of ``guard`` would find now; with ``new``, what the change to it would leave behind.

    Args:
        guard: The guard as it is stored.
        new: The guard as it will be.
        within: Seconds after which the look is abandoned.

    Returns:
        None if it cannot be found out.
    """
    covers = partial(left_behind, guard.scopes, new.scopes) if new else partial(coverage, guard.scopes)

    def look(reads: Reads) -> Prospect | None:
        try:
            service, _ = connect(guard, reads)
            decided: dict[Coverage, list[Job]] = {decision: [] for decision in Coverage}
            for job in service.list_in_flight(reads):
                decision = covers(job)
                if decision is Coverage.UNKNOWN:
                    decision = covers(service.locate(job, reads))
                decided[decision].append(job)
            return Prospect(tuple(decided[Coverage.COVERED]), tuple(decided[Coverage.UNKNOWN]))
        except BaseException:
            # Even an SDK's exit: this thread has nothing to end but the line.
            return None

    return in_time(look, time.monotonic() + within)


def _is_first(id_: str, what: str) -> bool:
    if (id_, what) in _announced:
        return False
    _announced.add((id_, what))
    return True


def _say_jobs(guard: GuardArguments, new: GuardArguments | None) -> None:
    if new is not None and set(guard.scopes) <= set(new.scopes):
        return
    voice = guard_voice(guard)
    mode = read_environment(guard.name, stack=guard.stack).mode or (new or guard).options.mode
    does, would_do = _EFFECTS[mode]
    what, where = ("the changed scope", "what it leaves behind") if new else ("a replacement", "its scope")
    found = in_flight(guard, new, within=_LOOK_FOR)
    if found is None:
        voice.say(f"{what} would {would_do} {where}; which are in flight could not be found out")
        return
    undecided = f"; {len(found.undecided)} in flight are undecided" if found.undecided else ""
    if found.jobs:
        count = counted(len(found.jobs), "job", "jobs")
        voice.say(f"{what} {does} {count} in flight: {named(found.jobs, most=3)}{undecided}")
    elif new is None:
        voice.say(f"{what} stops nothing: no job in its scope is in flight{undecided}")
    elif undecided:
        voice.say(f"{what} leaves no job behind that is known to be its own{undecided}")


def _say_unprotected(olds: Mapping[str, Any], urns: Sequence[str]) -> None:
    names = ", ".join(" ".join(urn.split("::", 3)[-2:]) for urn in urns)
    stored_voice(olds).say(
        f"no longer protected: {names}. From now on jobs are not stopped before it is deleted or replaced"
    )
