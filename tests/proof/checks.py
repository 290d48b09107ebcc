"""What must hold in every state and at every end: DESIGN's invariants 1 to 6, and the bars for requests.

What is in scope is said by a job's kind (``World.in_scope``), never by the predicate under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tests.proof.machine import BEGAN, Code, Machine
from tests.proof.world import ABSENT, IN_FLIGHT, KINDS, QUEUED, Outcome, Truth, World, named
from translation_job_guard.errors import ServiceError, Throttled
from translation_job_guard.jobs import Job
from translation_job_guard.teardown import CannotTell, TeardownRefused, TeardownTimeout, Undecided

ROUNDS_AT_MOST: Final = 2
"""Listing rounds within a second."""
ASKED_AGAIN_AFTER: Final = 5.0
"""Seconds that a job gets to stop."""
OVERTIME: Final = 4
"""Batches that a teardown may make after its deadline; none of them goes out."""


class Violation(AssertionError):
    """Something that must hold does not."""


class Seen(NamedTuple):
    """What one teardown has been shown of a job, and asked of it."""

    listed: bool = False
    rows: int = -1
    """The stage of its documents that was shown; -1: none."""
    total: int = 0
    changed: float = 0.0
    """Since when it is in the newest state that was shown, where the service tells."""
    complete: bool = False
    asks: int = 0
    refusals: int = 0
    asked_at: float | None = None
    taken: bool = False
    """The last stop request was answered without an error."""
    ended: bool = False
    """An answer showed that it has ended."""
    due: bool = False
    """A listing showed it, and it has to be asked before the next look."""
    left: bool = False
    """It was truly in flight at the last listing, which showed it, or on which every node would have."""


class Watch(NamedTuple):
    """What the checks remember of one teardown."""

    jobs: tuple[Seen, ...]
    spent: bool = False
    """A disturbance has happened: since the beginning of the world."""
    lists: tuple[float, ...] = ()
    """When the last listings began."""
    empty: tuple[float, ...] = ()
    """When the last listings were that showed nothing that is in scope: two at most, and no other in between."""
    list_failed: bool = True
    """The last listing was not answered, or there was none yet."""
    definite: bool = False
    look_failed: bool = False
    overtime: int = 0
    not_before: float = 0.0
    """Until when an answer has asked it to wait."""

    def plain(self, at: float) -> tuple[Any, ...]:
        """Return what may matter from ``at`` on, but for the jobs, for a digest."""
        return (
            tuple(began for began in self.lists if at - began < 1.0),
            self.empty,
            self.list_failed,
            self.definite,
            self.look_failed,
            self.overtime,
            self.not_before if self.not_before > at else 0.0,
        )


def begin(world: World, spent: bool) -> Watch:
    """Return what is remembered when a teardown begins."""
    return Watch(tuple(Seen() for _ in world.jobs), spent)


def possible(world: World, watch: Watch, outcome: Outcome) -> bool:
    """Return whether the service may answer so: a listing leaves out only what a guard has seen and can look at."""
    return all(
        fact[0] != "left out" or (watch.jobs[fact[1]].listed and _tied(world, fact[1], watch.jobs[fact[1]]))
        for fact in outcome.facts
    )


def observe(world: World, code: Code, watch: Watch, batch: Sequence[Any], outcome: Outcome, at: float) -> Watch:
    """Return what is remembered after a batch was answered at ``at``."""
    numbers = {named(number): number for number in range(len(world.jobs))}
    jobs = list(watch.jobs)
    definite = watch.definite or ("definite",) in outcome.facts
    look_failed = watch.look_failed or ("look failed",) in outcome.facts
    watch = watch._replace(spent=watch.spent or outcome.cost > 0, definite=definite, look_failed=look_failed)
    answered = {id(request) for request, _ in outcome.values}
    for request, value in outcome.values:
        if isinstance(value, Throttled) and value.retry_after:
            watch = watch._replace(not_before=max(watch.not_before, outcome.now + value.retry_after))
        if isinstance(request, code.list):
            watch = _listed(world, watch, jobs, value, outcome, at, numbers)
        elif isinstance(request, code.locate):
            number = numbers[request.job.id]
            if isinstance(value, Job):
                _documents(world, jobs, number, value)
        elif isinstance(request, code.stop):
            number = numbers[request.job.id]
            seen = jobs[number]
            refused = ("refused", number) in outcome.facts
            taken = not isinstance(value, ServiceError)
            jobs[number] = seen._replace(refusals=seen.refusals + refused, taken=taken)
        elif isinstance(value, dict):
            for id_, job in value.items():
                if job is not None and not job.in_flight:
                    number = numbers[id_]
                    jobs[number] = jobs[number]._replace(ended=True, due=False)
    for request in batch:
        if isinstance(request, code.list) and id(request) not in answered:
            watch = watch._replace(list_failed=True)
        if isinstance(request, code.stop) and request not in outcome.unsent:
            number = numbers[request.job.id]
            jobs[number] = jobs[number]._replace(asks=jobs[number].asks + 1, asked_at=at, due=False)
    overtime = watch.overtime + (at >= world.timeout)
    if overtime > OVERTIME:
        raise Violation("6: it goes on after its timeout")
    return watch._replace(jobs=tuple(jobs), overtime=overtime)


def _listed(
    world: World,
    watch: Watch,
    jobs: list[Seen],
    value: Any,
    outcome: Outcome,
    at: float,
    numbers: dict[str, int],
) -> Watch:
    if isinstance(value, ServiceError):
        return watch._replace(list_failed=True)
    there = {numbers[job.id]: job for job in value}
    left_out = {fact[1] for fact in outcome.facts if fact[0] == "left out"}
    own = False
    for number, seen in enumerate(jobs):
        job, truth = there.get(number), outcome.before[number]
        if job is not None:
            total = max(seen.total, job.documents.total if job.documents else 0)
            seen = seen._replace(listed=True, total=total)
            own = own or (
                truth.in_flight and not seen.ended and _in_scope(world, number, truth) and _tied(world, number, seen)
            )
        due = job is not None and not seen.asks and not seen.ended and job.state.value != "stopping"
        due = due and outcome.now >= world.grace
        if job is not None and job.changed_at is not None:
            # What an answer shows that is older than another is not the job's state.
            changed = (job.changed_at - BEGAN).total_seconds()
            due = due and changed >= seen.changed
            seen = seen._replace(changed=max(changed, seen.changed))
        stages = KINDS[world.jobs[number]].stages
        honest = job is not None and (job.documents is None or job.documents.total == stages[truth.now.stage][0])
        left = (honest and truth.in_flight and _in_scope(world, number, truth)) or _plainly(world, number, truth)
        jobs[number] = seen._replace(due=due, left=left and number not in left_out)
    return watch._replace(list_failed=False, empty=() if own else (*watch.empty[-1:], at))


def _documents(world: World, jobs: list[Seen], number: int, job: Job) -> None:
    stages = KINDS[world.jobs[number]].stages
    told = max((stage for stage, (_, rows) in enumerate(stages) if len(rows) == len(job.rows)), default=-1)
    seen = jobs[number]
    jobs[number] = seen._replace(rows=max(told, seen.rows), complete=len(job.rows) >= seen.total > 0)


def _in_scope(world: World, number: int, truth: Truth) -> bool:
    return world.in_scope(KINDS[world.jobs[number]], truth.now.stage)


def _plainly(world: World, number: int, truth: Truth) -> bool:
    """Whether every node shows that a job is in flight and in scope."""
    kind = KINDS[world.jobs[number]]
    return (
        truth.in_flight
        and world.in_scope(kind, truth.now.stage)
        and all(old.state != ABSENT and world.in_scope(kind, old.stage) for _, old in truth.past)
    )


def _tied(world: World, number: int, seen: Seen) -> bool:
    """Whether the answers have shown that a job is in scope."""
    kind = KINDS[world.jobs[number]]
    if not world.azure:
        return kind.name == "own"
    if seen.rows < 0:
        return False
    rows = kind.stages[seen.rows][1]
    if world.update:
        return len(rows) >= seen.total and world.in_scope(kind, seen.rows)
    return "o" in rows


def check_batch(
    world: World, code: Code, watch: Watch, jobs: Sequence[Truth], batch: Sequence[Any], at: float
) -> Watch:
    """Check what a teardown asks for next, at ``at``; return what is remembered then."""
    numbers = {named(number): number for number in range(len(world.jobs))}
    # Stop requests go out beside the reads of documents; nothing else is mixed.
    if len({type(request) for request in batch} - {code.stop}) > 1 or not batch:
        raise Violation("it asks for several kinds of request at once, or for none")
    first = batch[0]
    if not isinstance(first, code.stop) and world.mode == "cancel" and at < world.timeout and at >= world.grace:
        waits = isinstance(first, (code.list, code.look, code.wait))
        for number, seen in enumerate(watch.jobs):
            if waits and seen.due and _tied(world, number, seen):
                raise Violation(f"5: it waits although it has not asked {named(number)} to stop yet")
    if isinstance(first, code.list):
        lists = (*watch.lists[-ROUNDS_AT_MOST:], at)
        if len(lists) > ROUNDS_AT_MOST and at - lists[0] < 1.0 and at < world.timeout:
            raise Violation("requests: it lists a third time within a second")
        if at < watch.not_before and at < world.timeout:
            raise Violation("requests: it lists again before the time that Retry-After has asked for")
        return watch._replace(lists=lists)
    if isinstance(first, code.wait):
        if first.seconds < 0 or at + first.seconds > world.timeout:
            raise Violation(f"6: it waits past its timeout, for {first.seconds:g} s")
        return watch
    for request in batch:
        if isinstance(request, code.stop):
            _check_stop(world, watch, jobs, numbers[request.job.id], at)
        elif isinstance(request, code.locate) and watch.jobs[numbers[request.job.id]].complete:
            seen = watch.jobs[numbers[request.job.id]]
            if len(KINDS[world.jobs[numbers[request.job.id]]].stages[seen.rows][1]) >= seen.total:
                raise Violation(f"requests: it reads the documents of {request.job.id} again")
    return watch


def _check_stop(world: World, watch: Watch, jobs: Sequence[Truth], number: int, at: float) -> None:
    name, seen = named(number), watch.jobs[number]
    if world.mode != "cancel":
        raise Violation(f"modes: it asks {name} to stop in mode {world.mode}")
    if not seen.listed or not _tied(world, number, seen):
        raise Violation(f"1: it asks {name} to stop, and no answer has shown that {name} is in scope")
    if not world.update and not _in_scope(world, number, jobs[number]):
        raise Violation(f"1: it asks {name} to stop, which is not in scope")
    if at < world.grace:
        raise Violation(f"modes: it asks {name} to stop within the grace period")
    if seen.ended:
        raise Violation(f"requests: it asks {name} to stop, although an answer has shown that {name} has ended")
    if seen.asked_at == at:
        raise Violation(f"requests: it asks {name} to stop twice at the same moment")
    # A job that starts after it was asked may be asked again at once.
    first = seen.asks == 1 and seen.taken and QUEUED not in world.begin
    if first and seen.asked_at is not None and at - seen.asked_at < ASKED_AGAIN_AFTER:
        raise Violation(f"requests: {name} accepted a stop request, and it asks again after {at - seen.asked_at:g} s")
    if not watch.spent and seen.asks > seen.refusals:
        raise Violation(f"requests: it asks {name} to stop again, although nothing went wrong")


def check_end(world: World, watch: Watch, machine: Machine, jobs: Sequence[Truth], at: float) -> str:
    """Check how a teardown ended; return its end in words."""
    report, error = machine.report, machine.error
    if at > world.timeout:
        raise Violation("6: it ends after its timeout")
    if error is None:
        if world.mode != "ignore":
            _check_success(world, watch, report, jobs, at)
        return "success"
    if isinstance(error, TeardownRefused):
        if world.mode != "fail" or not any(
            seen.listed and _tied(world, number, seen) for number, seen in enumerate(watch.jobs)
        ):
            raise Violation(f"4: it refuses without a reason: {_first(error)}")
    elif isinstance(error, Undecided):
        if world.leave_undecided or report.left or not report.undecided or at < world.undecided_timeout:
            raise Violation(f"4: it gives up on undecided batches without a reason: {_first(error)}")
    elif isinstance(error, CannotTell):
        if not watch.definite:
            raise Violation(f"4: it gives up with CannotTell, although no request was denied: {_first(error)}")
    elif isinstance(error, TeardownTimeout):
        unconfirmed = "confirmed" in str(error) and at + world.quiet > world.timeout and not report.left
        if at < world.timeout and not unconfirmed:
            raise Violation(f"4: it times out before its timeout: {_first(error)}")
        for record in report.left:
            if record.before.id not in str(error):
                raise Violation(f"the error does not name {record.before.id}: {error}")
    else:
        raise Violation(f"it fails with {error!r}") from error
    if world.mode == "ignore":
        raise Violation(f"modes: it fails in mode ignore: {_first(error)}")
    return type(error).__name__


def _first(error: Exception) -> str:
    """Return the first sentence of an error."""
    return str(error).partition(". ")[0]


def _check_success(world: World, watch: Watch, report: Any, jobs: Sequence[Truth], at: float) -> None:
    if watch.list_failed:
        raise Violation("2: it reports success, but its last listing failed")
    if not report.quiet:
        raise Violation("2: it reports success, but not that all is quiet")
    undecided = set(report.undecided)
    if undecided and not world.leave_undecided:
        raise Violation("2: it reports success, but a batch is undecided")
    if undecided and at < world.undecided_timeout:
        raise Violation("2: it leaves an undecided batch, for which it has not waited for undecided_timeout")
    for number, seen in enumerate(watch.jobs):
        name = named(number)
        if name in undecided:
            continue
        if seen.left and _in_scope(world, number, jobs[number]):
            raise Violation(f"2: it reports success, but {name} was in flight at its last listing, and is")
        known = seen.listed and _tied(world, number, seen) and _in_scope(world, number, jobs[number])
        if known and jobs[number].now.state in IN_FLIGHT and not watch.look_failed:
            raise Violation(f"2: it reports success, but {name} is in flight, and it had seen {name} before")
    if not watch.empty:
        raise Violation("2: it reports success, but its last listing showed a job in scope")
    if world.quiet:
        if len(watch.empty) < 2:
            raise Violation("2: it reports success after only one listing that showed nothing")
        if watch.empty[1] - watch.empty[0] < world.quiet:
            raise Violation("2: it reports success, but its last two listings are less than quiet_period apart")
