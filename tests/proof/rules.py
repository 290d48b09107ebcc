"""The rules of a teardown, each with a change that removes it: for docs/teardown.md, and to test the proof itself."""

from __future__ import annotations

from dataclasses import dataclass

from tests.proof.machine import Change
from tests.proof.world import ABSENT, RUNNING, STOPPING, World

_BUSY = (ABSENT, RUNNING, STOPPING)
_SHORT = 12.0


@dataclass(frozen=True)
class Rule:
    """A rule of a teardown.

    Args:
        name: a short name for it.
        says: what it says, and why.
        serves: the invariant that it serves, by number, or another aim.
        change: the change of the source that removes it.
        world: a world in which its absence shows.
    """

    name: str
    says: str
    serves: str
    change: Change
    world: World


def _amazon(disturbances: int, *jobs: str, mode: str = "cancel", timeout: float = _SHORT, grace: float = 0.0) -> World:
    return World("amazon", mode, jobs or ("own",), disturbances, grace=grace, races=False, begin=_BUSY, timeout=timeout)


def _azure(disturbances: int, *jobs: str, timeout: float = _SHORT, update: bool = False) -> World:
    return World(
        "azure", "cancel", jobs or ("own",), disturbances, update=update, races=False, begin=_BUSY, timeout=timeout
    )


RULES = (
    Rule(
        "quiet takes two listings",
        "Another listing has to confirm one that shows nothing: the first may be behind.",
        "2",
        Change("if self._options.quiet_period:\n            due", "if False:\n            due"),
        _amazon(0),
    ),
    Rule(
        "a quiet period lies between them",
        "The second listing begins `quiet_period` after the first: the service may be that far behind.",
        "2",
        Change("self._wait(max(due - self._now, FASTEST_POLL))", "self._wait(FASTEST_POLL)"),
        _amazon(0),
    ),
    Rule(
        "the second listing decides",
        "What the second listing shows counts: a job may have arrived in between.",
        "2",
        Change(
            "            if not self._nothing_left():\n                return False\n",
            "",
            also=Change(
                "            yield from self._look_at_ends()\n        return self._nothing_left()",
                "        return True",
            ),
        ),
        _amazon(1),
    ),
    Rule(
        "jobs that a listing leaves out are asked for by ID",
        "A listing may leave out a job that is in flight, so the state of each known job is read by its ID.",
        "2",
        Change(
            "record.ended_at is not None and not record.looked]",
            "record.ended_at is not None and not record.looked][:0]",
        ),
        _amazon(2),
    ),
    Rule(
        "a job that a look shows in flight is in flight",
        "Its own state counts more than a listing that left it out.",
        "2",
        Change("record.ended_at, record.looked = None, False", "pass"),
        _amazon(2),
    ),
    Rule(
        "a listing that failed shows nothing",
        "Only an answer decides; an error never counts as an empty listing.",
        "2",
        Change(
            "            yield from self._wait(pause)\n            pause = min",
            "            value = []\n            break\n            pause = min",
        ),
        _amazon(2),
    ),
    Rule(
        "cached answers do not count",
        "A listing that is marked as cached is asked for again, and fails in the end.",
        "2",
        Change("        if not cached:\n            return answer", "        return answer"),
        _amazon(2),
    ),
    Rule(
        "an undecided batch prevents quiet",
        "While a batch may be in scope, the teardown is not quiet.",
        "2",
        Change(
            " and all(self._patience.is_over(id_, self._now) for id_ in self.report.undecided)",
            "",
        ),
        World("azure", "cancel", ("own, listed late",), 0, leave_undecided=True, races=False, begin=(RUNNING,)),
    ),
    Rule(
        "undecided batches are left only with permission",
        "After `undecided_timeout` an undecided batch is an error, unless the guard may leave it.",
        "2",
        Change("if self.report.undecided and not self._options.leave_undecided and self._nothing_left():", "if False:"),
        _azure(0, "own, listed late", timeout=25.0),
    ),
    Rule(
        "undecided batches are waited for",
        "Documents come one by one, so a batch gets `undecided_timeout` before the teardown gives up.",
        "4",
        Change(
            "return self.since[id_][0] + self.timeout",
            "return self.since[id_][0]",
        ),
        _azure(0, "own, listed late"),
    ),
    Rule(
        "an undecided batch is not asked to stop",
        "Only a job that is covered for certain becomes one of the guard's.",
        "1",
        Change(
            "if decision is Coverage.UNKNOWN:\n                undecided",
            "if False:\n                undecided",
        ),
        _azure(0, "foreign, listed late"),
    ),
    Rule(
        "a job out of scope is left alone",
        "A job that is not covered is never asked to stop.",
        "1",
        Change(
            "if decision is Coverage.OUTSIDE:\n            self.report.let_go",
            "if False:\n            self.report.let_go",
        ),
        _amazon(0, "foreign"),
    ),
    Rule(
        "a batch that grew is decided again",
        "A batch that is out of scope by its documents may be in scope by new ones.",
        "2",
        Change(
            "if self.outside_at.get(job.id, -1) >= total > 0 and not job.rows:",
            "if job.id in self.outside_at and not job.rows:",
        ),
        _azure(1, "grows into the scope"),
    ),
    Rule(
        "a batch that left the scope is let go",
        "In an update, a batch that turns out to be in the new scope is not asked any more.",
        "1",
        Change("self.records.pop(job.id, None)", "pass"),
        _azure(2, "grows out of the scope", update=True),
    ),
    Rule(
        "a batch is not asked while it is undecided again",
        "One that was covered and has grown may not be covered any more.",
        "1",
        Change(" and record.before.id not in self.report.undecided", ""),
        _azure(2, "grows out of the scope", update=True),
    ),
    Rule(
        "documents that were read are kept",
        "They are not read again, which would cost a request in each round.",
        "requests",
        Change("                self.located[job.id] = job\n", "                pass\n"),
        _azure(0, "own"),
    ),
    Rule(
        "all stop requests go out at once",
        "Whoever interrupts the teardown afterwards finds every job asked.",
        "5",
        Change(
            "        for record in due:\n            record.asked(self._now)",
            "        del due[1:]\n        for record in due:\n            record.asked(self._now)",
        ),
        _amazon(0, "own", "own"),
    ),
    Rule(
        "new jobs are asked as well",
        "Each listing may show jobs that came in since the first one.",
        "5",
        Change(
            "        if record is None:\n",
            "        if record is None and came_late:\n            return False\n        if record is None:\n",
        ),
        _amazon(1),
    ),
    Rule(
        "a job that still runs is asked again",
        "A stop request may be accepted and ignored.",
        "liveness",
        Change("return now - record.asked_at >= min(first * 2.0**doublings, most)", "return False"),
        _amazon(1, timeout=25.0),
    ),
    Rule(
        "a job is not asked again at once",
        "It is asked again after 5 seconds, then at growing intervals: a stop takes time.",
        "requests",
        Change("return now - record.asked_at >= min(first * 2.0**doublings, most)", "return True"),
        World("azure", "cancel", ("own",), 1, listing_takes=1.0, begin=_BUSY, timeout=_SHORT),
    ),
    Rule(
        "a job that is stopping is not asked",
        "This teardown or somebody else has asked it already.",
        "requests",
        Change(
            "if (stopping and not record.doubted) or isinstance(record.last_error, Denied):",
            "if isinstance(record.last_error, Denied):",
        ),
        _amazon(0, timeout=25.0),
    ),
    Rule(
        "the present state decides after an error of a stop request",
        "A job that ended meanwhile, or that somebody else stopped, does not fail the teardown.",
        "4",
        Change(
            "                record.last_error = value\n",
            "                raise messages.cannot_tell(self.report, value)\n",
        ),
        _amazon(0),
    ),
    Rule(
        "a definite error ends the teardown",
        "A denied listing does not become permitted by itself.",
        "2",
        Change(
            "                    raise messages.cannot_tell(self.report, value)\n            elif value is",
            "                    value = []\n                    break\n            elif value is",
        ),
        _amazon(2),
    ),
    Rule(
        "a transient error does not end the teardown",
        "A throttled or lost request is sent again until the timeout.",
        "4",
        Change(
            "if not isinstance(value, (Transient, Throttled)):\n                    raise",
            "if True:\n                    raise",
        ),
        _amazon(1),
    ),
    Rule(
        "the grace period is kept",
        "Within `grace_period` jobs may end by themselves.",
        "modes",
        Change(
            "if options.mode is not Mode.CANCEL or self._now < options.grace_period:",
            "if options.mode is not Mode.CANCEL:",
        ),
        _amazon(0, grace=5.0),
    ),
    Rule(
        "only mode cancel stops jobs",
        "`drain` waits, `fail` refuses, `ignore` only lists.",
        "modes",
        Change(
            "if options.mode is not Mode.CANCEL or self._now < options.grace_period:",
            "if self._now < options.grace_period:",
        ),
        _amazon(0, mode="drain"),
    ),
    Rule(
        "mode fail refuses",
        "With a job in flight, mode `fail` fails at once.",
        "modes",
        Change(
            "if options.mode is Mode.FAIL and self.report.left:", "if options.mode is Mode.DRAIN and self.report.left:"
        ),
        _amazon(0, mode="drain"),
    ),
    Rule(
        "a wait ends with the timeout",
        "No wait is longer than the time left.",
        "6",
        Change("[Wait(min(seconds, left))]", "[Wait(seconds)]"),
        _amazon(0),
    ),
    Rule(
        "a timeout is an error",
        "Past the timeout nothing more is tried, and the error says what is left.",
        "6",
        Change(
            "        if self._now >= self._options.timeout:\n",
            "        if False:\n",
            also=Change("        if seconds >= left:\n", "        if False:\n"),
        ),
        _amazon(1),
    ),
    Rule(
        "no confirmation after the timeout",
        "If the second listing would come too late, nothing is confirmed, and that is an error.",
        "6",
        Change(
            "                raise messages.unconfirmed(self.report)\n",
            "                return True\n",
        ),
        _amazon(0),
    ),
    Rule(
        "listings have a pause between them",
        "At most two listing rounds a second.",
        "requests",
        Change("FASTEST_POLL = 0.5", "FASTEST_POLL = 0.1"),
        World("amazon", "cancel", ("own",), 2, begin=_BUSY, timeout=_SHORT),
    ),
    Rule(
        "Retry-After is heeded",
        "The next listing comes no sooner than the service says.",
        "requests",
        Change("self._not_before = max(", "_ = max("),
        _amazon(1),
    ),
    Rule(
        "an older answer does not undo a newer one",
        "The service has several nodes, and one may show a batch as it was before it ended.",
        "requests",
        Change("return not self.now.in_flight and (job.changed_at is None or self._is_older(job))", "return False"),
        World("azure", "cancel", ("own",), 1, listing_takes=1.0, races=False, begin=(RUNNING,), timeout=_SHORT),
    ),
    Rule(
        "the end that a look shows is remembered",
        "A job that a look has shown to have ended is not asked again, though a listing that is behind still has it.",
        "requests",
        Change("                record.shown(job)\n                record.ended_at", "                record.ended_at"),
        World("azure", "cancel", ("own",), 1, listing_takes=1.0, races=False, begin=(RUNNING,), timeout=_SHORT),
    ),
    Rule(
        "documents that were read count as read",
        "A listing that is behind may count fewer documents than were read; the next total then shows no new ones.",
        "requests",
        Change("self.outside_at[job.id] = max(total, len(job.rows))", "self.outside_at[job.id] = total"),
        World("azure", "cancel", ("grows out of the scope",), 1, update=True, races=False, begin=_BUSY),
    ),
    Rule(
        "the report keeps what is in flight",
        "A job whose stop request failed is still in flight.",
        "2",
        Change(
            "if record.ending is Ending.IN_FLIGHT]", "if record.ending is Ending.IN_FLIGHT and not record.last_error]"
        ),
        _amazon(1),
    ),
)
