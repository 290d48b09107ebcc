"""Tries every order of events of a world, shortest first, and tells the shortest way to whatever does not hold."""

from __future__ import annotations

import hashlib
import marshal
import re
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple
from weakref import WeakValueDictionary

from tests.proof import checks
from tests.proof.checks import Seen, Violation, Watch
from tests.proof.machine import Code, Covers, Machine
from tests.proof.world import (
    ENDED,
    POLL,
    QUIET,
    RETRY_AFTER,
    STOPPED,
    Outcome,
    Sight,
    Truth,
    World,
    beginnings,
    named,
    outcomes,
)
from translation_job_guard.jobs import Job

NEEDS: Final = RETRY_AFTER + POLL + QUIET
"""Seconds after which a world that behaves has got every teardown to quiet: a Retry-After (or an ignored stop request,
sent again sooner), a poll that sees the job stopped, and the quiet period."""

NEEDS_AT_FIRST: Final = POLL + QUIET
"""The same for a teardown that has just begun."""

Event = tuple[str, ...]


class End(NamedTuple):
    """How a teardown ends and when; of each job its kind, how it truly is then, and what is reported of it."""

    how: str
    at: float
    jobs: tuple[tuple[str, Sight, str], ...]


class _State(NamedTuple):
    machine: Machine
    jobs: tuple[Truth, ...]
    watch: Watch
    budget: int
    at: float


@dataclass(slots=True)
class _Reached:
    """How a state was reached, and where it goes if the world behaves from then on."""

    by: bytes | None
    event: Event
    at: float
    excused: bool = False
    fresh: bool = False
    """Nothing has happened yet."""
    next: bytes | str | None = None


@dataclass(frozen=True)
class Counterexample:
    """The shortest way to something that does not hold: the world, its events, and what that is."""

    world: World
    events: tuple[Event, ...]
    broken: str

    def story(self, code: Code) -> str:
        """Return it with one line an event."""
        return "\n".join([*tell(self.world, code, self.events), f"        => {self.broken}"])

    def test(self) -> str:
        """Return the test that replays it."""
        events = "\n".join(f"            {event!r}," for event in self.events)
        name = re.sub(r"[^a-z0-9]+", "_", self.broken.lower())[:40].strip("_")
        default = {one.name: one.default for one in fields(World)}
        world = ", ".join(f"{name}={value!r}" for name, value in vars(self.world).items() if value != default[name])
        call = f"replay(\n        World({world}),\n        [\n{events}\n        ],\n    )"
        return f"def test_{name}() -> None:\n    {call}\n"


@dataclass
class Result:
    """What an exploration found."""

    world: World
    states: int = 0
    steps: int = 0
    seconds: float = 0.0
    """Of processor time."""
    every_end: frozenset[End] = frozenset()
    whole: bool = True
    """Every state was reached before time was over."""
    counterexample: Counterexample | None = None

    @property
    def ends(self) -> Counter[str]:
        """How many distinct ends there are, by how the teardown ended."""
        return Counter(end.how for end in self.every_end)


class _Explorer:
    def __init__(self, world: World, code: Code) -> None:
        self.world = world
        self.code = code
        self.covers = world.covers()
        self.options = world.options(code)
        self.reached: dict[bytes, _Reached] = {}
        self.queue: deque[tuple[bytes, _State]] = deque()
        self.ends: set[End] = set()
        self.result = Result(world)
        self.resumed: dict[bytes, str] = {}
        self.names = tuple(named(number) for number in range(len(world.jobs)))
        self.first = Machine.new(code, self.covers, self.options)
        self.machines: WeakValueDictionary[bytes, Machine] = WeakValueDictionary()
        """Machines that decide alike are one, as long as one of them is to be explored: it is asked once."""
        self.only: Event | None = None
        """The one event to try, in a replay."""

    def run(self, until: float | None = None) -> Result:
        for event, jobs in beginnings(self.world):
            self.begin(None, event, jobs, self.world.disturbances, spent=False)
            if self.result.counterexample:
                return self.result
        while self.queue:
            key, state = self.queue.popleft()
            self.expand(key, state)
            if self.result.counterexample:
                return self.result
            if until is not None and time.monotonic() >= until:
                self.result.whole = False
                break
        self.result.states = len(self.reached)
        self.result.every_end = frozenset(self.ends)
        if self.result.whole and self.world.mode in ("cancel", "drain"):
            self.check_patience()
        return self.result

    # One step.

    def begin(self, by: bytes | None, event: Event, jobs: tuple[Truth, ...], budget: int, *, spent: bool) -> None:
        machine = self.first
        watch = checks.begin(self.world, spent)
        try:
            watch = checks.check_batch(self.world, self.code, watch, jobs, machine.batch, 0.0)
        except Violation as broken:
            self.found(by, event, str(broken))
            return
        key = self.add(by, event, machine, _State(machine, jobs, watch, budget, 0.0))
        self.reached[key].fresh = self.reached[key].fresh or by is None

    def add(self, by: bytes | None, event: Event, machine: Machine, state: _State) -> bytes:
        key = digest(self.world, machine, state.jobs, state.watch, state.budget, state.at)
        if key not in self.reached:
            self.reached[key] = _Reached(by, event, state.at, state.watch.definite)
            self.queue.append((key, state))
        return key

    def expand(self, key: bytes, state: _State) -> None:
        world, code = self.world, self.code
        batch, went = state.machine.batch, state.machine.went
        for outcome in outcomes(world, code, state.jobs, state.budget, batch, state.at):
            if self.only is not None and outcome.events != self.only:
                continue
            self.result.steps += 1
            if outcome.killed:
                jobs = tuple(
                    Truth(job.now, tuple((until - state.at, old) for until, old in job.past)) for job in outcome.after
                )
                self.begin(key, outcome.events, jobs, state.budget - outcome.cost, spent=True)
                if self.result.counterexample:
                    return
                continue
            if not checks.possible(world, state.watch, outcome):
                continue
            said = _said(outcome)
            known = went.get(said)
            if known is None:
                known = went[said] = self.send(state.machine.fork(), outcome)
            machine, waits, at = known
            try:
                watch = checks.observe(world, code, state.watch, batch, outcome, state.at)
                for when, asked in waits:
                    watch = checks.check_batch(world, code, watch, outcome.after, asked, when)
                if machine.ended:
                    end = checks.check_end(world, watch, machine, outcome.after, at)
                    self.check_resumes(end, outcome.after)
                    self.ends.add(_end(world, end, machine.report, outcome.after, at))
                    if outcome.behaves:
                        self.reached[key].next = end
                    continue
                watch = checks.check_batch(world, code, watch, outcome.after, machine.batch, at)
            except Violation as broken:
                self.found(key, outcome.events, str(broken))
                return
            jobs = tuple(job.recent(at, world.quiet) for job in outcome.after)
            left = state.budget - outcome.cost
            there = self.add(key, outcome.events, machine, _State(machine, jobs, watch, left, at))
            if outcome.behaves:
                self.reached[key].next = there

    def send(self, machine: Machine, outcome: Outcome) -> tuple[Machine, list[tuple[float, Sequence[Any]]], float]:
        """Answer a batch, and let the waits that follow pass; return them, and when the next batch is made."""
        at = outcome.now
        machine.send(self.code.answers(at, outcome.values, outcome.unsent))
        waits: list[tuple[float, Sequence[Any]]] = []
        while not machine.ended and isinstance(machine.batch[0], self.code.wait):
            waits.append((at, machine.batch))
            at += max(machine.batch[0].seconds, 0.0)
            if len(waits) > 10 or at > self.world.timeout:
                break
            machine.send(self.code.answers(at, (), ()))
        if not machine.ended:
            machine = self.machines.setdefault(machine.digest(self.names), machine)
        return machine, waits, at

    # What is checked over several steps.

    def check_resumes(self, end: str, jobs: tuple[Truth, ...]) -> None:
        """3: after whatever end, the next teardown finishes the work, in a world that behaves."""
        if end == "success":
            return
        now = tuple(Truth(job.now) for job in jobs)
        key = marshal.dumps([(job.now.state, job.now.stage) for job in now])
        if key not in self.resumed:
            world = replace(self.world, mode="cancel", grace=0.0, disturbances=0)
            self.resumed[key] = _behaving_end(world, self.code, self.covers, now)
        if self.resumed[key] != "success":
            raise Violation(f"3: the next teardown does not finish the work: {self.resumed[key]}")

    def check_patience(self) -> None:
        """A world that behaves for long enough gets to quiet."""
        ends: dict[bytes, tuple[str, bool]] = {}
        for key in self.reached:
            chain: list[bytes] = []
            at: bytes | str | None = key
            while isinstance(at, bytes) and at not in ends:
                chain.append(at)
                at = self.reached[at].next
            end = ends[at] if isinstance(at, bytes) else (str(at), False)
            for one in reversed(chain):
                end = ends[one] = (end[0], end[1] or self.reached[one].excused)
        slow = self.world.grace + 4 * self.world.listing_takes
        for key, (end_, excused) in ends.items():
            reached = self.reached[key]
            left = self.world.timeout - reached.at
            if end_ != "success" and not excused and left > slow + (NEEDS_AT_FIRST if reached.fresh else NEEDS):
                self.found(
                    key, None, f"liveness: from here on nothing goes wrong for {left:g} s, and yet it ends with {end_}"
                )
                return

    def found(self, by: bytes | None, last: Event | None, broken: str) -> None:
        events: list[Event] = [] if last is None else [last]
        while by is not None:
            events.append(self.reached[by].event)
            by = self.reached[by].by
        self.result.counterexample = Counterexample(self.world, tuple(reversed(events)), broken)
        self.result.states = len(self.reached)


def explore(world: World, code: Code | None = None, until: float | None = None) -> Result:
    """Try every order of events of ``world``, until something does not hold.

    Args:
        code: what is under test; as it is by default.
        until: when to give up, on the monotonic clock.
    """
    began = time.process_time()
    result = _Explorer(world, code or Code()).run(until)
    result.seconds = time.process_time() - began
    return result


def digest(world: World, machine: Machine, jobs: Sequence[Truth], watch: Watch, budget: int, at: float) -> bytes:
    """Return what is equal for equal states; jobs of one kind may change places."""
    spent = budget < world.disturbances
    plain = [(world.jobs[n], _truth(job, budget), _seen(watch.jobs[n], at, spent)) for n, job in enumerate(jobs)]
    numbers: Sequence[int] = range(len(jobs))
    if len(set(world.jobs)) < len(world.jobs):
        known = machine.known().by_job
        by = [marshal.dumps((plain[number], known.get(named(number), b"")), 2) for number in numbers]
        numbers = sorted(numbers, key=by.__getitem__)
    around = marshal.dumps(([plain[number] for number in numbers], watch.plain(at), budget, at), 2)
    own = machine.digest(tuple(named(number) for number in numbers))
    return hashlib.blake2b(own + around, digest_size=12).digest()


def _truth(job: Truth, budget: int) -> Any:
    """Return a job as it is; what nodes that are behind may show only while a disturbance is left for that."""
    now = job.now
    past = {(old.state, old.stage): until for until, old in job.past if old != now} if budget else {}
    return ENDED if now.state == STOPPED else now.state, now.stage, sorted(past.items())


def _seen(seen: Seen, at: float, spent: bool) -> Any:
    """Return what may matter from ``at`` on."""
    asks = bool(seen.asks) if spent else seen.asks - seen.refusals
    return (
        (seen.listed, seen.rows, seen.total, seen.changed, seen.complete, seen.ended, seen.due, seen.left),
        (asks, seen.asked_at == at, seen.taken and seen.asks == 1 and (seen.asked_at or 0.0) > at - 5.0),
    )


def _end(world: World, how: str, report: Any, jobs: Sequence[Truth], at: float) -> End:
    told = {id_: record.ending.value for id_, record in report.records.items()}
    told.update(dict.fromkeys(report.undecided, "undecided"))
    return End(how, at, tuple(sorted((world.jobs[n], job.now, told.get(named(n), "")) for n, job in enumerate(jobs))))


def _said(outcome: Outcome) -> Any:
    """Return what an outcome says to the machine; jobs are shown as the same objects each time."""
    values: list[tuple[Any, ...]] = []
    for _, value in outcome.values:
        if isinstance(value, (list, tuple)):
            values.append(tuple(map(id, value)))
        elif isinstance(value, dict):
            values.append(tuple(map(id, value.values())))
        elif isinstance(value, Job):
            values.append((id(value),))
        else:
            values.append((type(value), getattr(value, "retry_after", None), value if value is None else str(value)))
    return (tuple(values), outcome.now, len(outcome.unsent))


def _behaving_end(world: World, code: Code, covers: Covers, jobs: tuple[Truth, ...]) -> str:
    """Return how a new teardown ends in a world that behaves."""
    machine, at = Machine.new(code, covers, world.options(code)), 0.0
    for _ in range(1000):
        if machine.ended:
            return "success" if machine.error is None else str(machine.error)
        if isinstance(machine.batch[0], code.wait):
            at += machine.batch[0].seconds
            machine.send(code.answers(at, (), ()))
            continue
        outcome = next(outcomes(world, code, jobs, 0, machine.batch, at))
        jobs, at = tuple(Truth(job.now) for job in outcome.after), outcome.now
        machine.send(code.answers(at, outcome.values, outcome.unsent))
    return "it does not end"


# Stories and replays.


def tell(world: World, code: Code, events: Sequence[Event]) -> Iterator[str]:
    """Yield one line for each event, with the seconds since the teardown began."""
    yield f"        {world}"
    for event, at in _replayed(world, code, events, []):
        for line in event:
            yield f"{at:5.1f} s  {line}"


def replay(world: World, events: Sequence[Event], code: Code | None = None) -> str | None:
    """Replay events, as a story tells them; return how the teardown ended, if it did.

    Raises:
        Violation: something that must hold does not.
        LookupError: the teardown asks for something else now, so the story does not fit any more.
    """
    ends: list[str] = []
    broken: list[Violation] = []
    for _ in _replayed(world, code or Code(), events, ends, broken):
        pass
    if broken:
        raise broken[0]
    return ends[-1] if ends else None


def _replayed(
    world: World, code: Code, events: Sequence[Event], ends: list[str], broken: list[Violation] | None = None
) -> Iterator[tuple[Event, float]]:
    explorer = _Explorer(world, code)
    jobs = dict(beginnings(world))[tuple(events[0])]
    explorer.begin(None, tuple(events[0]), jobs, world.disturbances, spent=False)
    yield tuple(events[0]), 0.0
    for event in events[1:]:
        if not explorer.queue:
            raise LookupError(f"the teardown has ended, or has been here before: {event}")
        key, state = explorer.queue.popleft()
        explorer.queue.clear()
        yield tuple(event), state.at
        only = _Explorer(world, code)
        only.reached[key] = _Reached(None, (), state.at)
        only.only = tuple(event)
        only.expand(key, state)
        if not only.result.steps:
            raise LookupError(f"nothing like this may happen here: {event}")
        explorer = only
        if only.result.counterexample:
            if broken is not None:
                broken.append(Violation(only.result.counterexample.broken))
            return
        ends += [end.how for end in only.ends]
