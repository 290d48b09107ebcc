"""The world around a teardown: jobs, and what the service may answer, every time it may choose.

A world is bounded: so many jobs, so many disturbances. A disturbance is an arrival, a kill, a twin that stops a job, a
job that vanishes or grows, and every answer but the plain one: lost before or after it took effect, throttled, denied,
from a cache, behind, incomplete, not in time. Everything else is free: jobs start, end by themselves, stop, lose the
race against a stop, and their documents come one by one, whenever somebody looks.

Requests take no time (but listings, if ``listing_takes`` says so), so a job that moves between two requests of one
moment need only move before a request that shows it. Jobs move independently, so a listing whose pages are of different
moments is one of those that are tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from tests.proof.machine import BEGAN, Code, Covers
from translation_job_guard.errors import (
    Denied,
    JobNotFound,
    Rejected,
    StaleAnswer,
    Throttled,
    Transient,
)
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Coverage,
    DocumentRow,
    Documents,
    Job,
    JobState,
    counted,
    coverage,
    left_behind,
)

POLL: Final = 5.0
QUIET: Final = 6.0
TIMEOUT: Final = 25.0
UNDECIDED: Final = 7.0
"""Longer than listings may be behind, as by default: a batch that is gone is not given up on then."""
RETRY_AFTER: Final = 7.0

ABSENT, QUEUED, RUNNING, STOPPING, STOPPED, ENDED, GONE = (
    "absent",
    "queued",
    "running",
    "stopping",
    "stopped",
    "ended",
    "gone",
)
IN_FLIGHT: Final = frozenset({QUEUED, RUNNING, STOPPING})
_STATES: Final = {
    QUEUED: JobState.QUEUED,
    RUNNING: JobState.RUNNING,
    STOPPING: JobState.STOPPING,
    STOPPED: JobState.STOPPED,
    ENDED: JobState.SUCCEEDED,
}
_SINCE: Final = {
    state: BEGAN + timedelta(seconds=number) for number, state in enumerate((QUEUED, RUNNING, STOPPING, STOPPED))
}
_SINCE[ENDED] = _SINCE[STOPPED]
"""Since when a batch is in its state. Only the order matters, and no batch returns to a state."""
_OWN: Final = "https://account.blob.core.windows.net/own"
_OTHER: Final = "https://account.blob.core.windows.net/other"
_URLS: Final = {"o": _OWN, "f": _OTHER}


@dataclass(frozen=True)
class Kind:
    """A kind of job by its documents, as the service tells them: (how many are counted, which are listed).

    ``o`` is a document of the guard's own container, ``f`` one of another. Amazon Translate lists no documents.
    ``grows``: to go on to the next stage is a disturbance, because no batch was seen to do that.
    """

    name: str
    stages: tuple[tuple[int, str], ...]
    grows: bool = False

    @property
    def amazon_own(self) -> bool:
        return self.name == "own"


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("own", ((1, "o"),)),
        Kind("foreign", ((1, "f"),)),
        Kind("own, counted late", ((0, ""), (1, "o"))),
        Kind("own, listed late", ((2, "f"), (2, "fo"))),
        Kind("foreign, listed late", ((2, "f"), (2, "ff"))),
        Kind("grows into the scope", ((1, "f"), (2, "fo")), grows=True),
        Kind("grows out of the scope", ((1, "o"), (2, "of")), grows=True),
    )
}


@dataclass(frozen=True)
class World:
    """What may happen: the bound of one exploration.

    Args:
        service: "amazon" or "azure".
        mode: what the guard does.
        jobs: the kind of each job, arrivals included.
        disturbances: how many there are at most.
        grace: the guard's grace period.
        quiet: its quiet period.
        leave_undecided: whether it may leave undecided batches.
        update: it is an update that narrows the scope, from the own container to the other one.
        listing_takes: seconds that a listing takes; the guard then chooses its poll interval by itself.
        timeout: the guard's.
        races: whether a job may end by itself although it was asked to stop: a guard reports this, and decides alike.
        begin: the states in which jobs may be found at first.
    """

    service: str
    mode: str
    jobs: tuple[str, ...]
    disturbances: int
    grace: float = 0.0
    quiet: float = QUIET
    leave_undecided: bool = False
    update: bool = False
    listing_takes: float = 0.0
    timeout: float = TIMEOUT
    undecided_timeout: float = UNDECIDED
    races: bool = True
    begin: tuple[str, ...] = (ABSENT, QUEUED, RUNNING, STOPPING)

    def __str__(self) -> str:
        extra = [
            text
            for text, there in (
                (f"grace_period {self.grace:g} s", self.grace),
                (f"quiet_period {self.quiet:g}", self.quiet != QUIET),
                ("undecided batches may be left", self.leave_undecided),
                ("update to a narrower scope", self.update),
                (f"a listing takes {self.listing_takes:g} s", self.listing_takes),
            )
            if there
        ]
        jobs = " + ".join(f"({one})" if "," in one else one for one in self.jobs)
        most = f"{self.disturbances or 'no'} {'disturbance' if self.disturbances < 2 else 'disturbances'}"
        service = "Azure Document Translation" if self.azure else "Amazon Translate"
        return "; ".join([f"{service}, {self.mode}", jobs, most, f"timeout {self.timeout:g} s", *extra])

    @property
    def azure(self) -> bool:
        return self.service == "azure"

    def options(self, code: Code) -> Any:
        """Return the guard's options."""
        return code.teardown.TeardownOptions(
            mode=code.teardown.Mode(self.mode),
            grace_period=self.grace,
            timeout=self.timeout,
            quiet_period=self.quiet,
            poll_interval=None if self.listing_takes else POLL,
            undecided_timeout=self.undecided_timeout,
            leave_undecided=self.leave_undecided,
        )

    def covers(self) -> Covers:
        """Return the real predicate of the guard's scope; what it said of a job once is kept."""
        own: Sequence[Any]
        if not self.azure:
            own = [AmazonScope(job_name_prefixes=("own-",))]
            decide: Covers = partial(coverage, own)
        elif self.update:
            decide = partial(left_behind, [AzureScope(container_urls=(_OWN,))], [AzureScope(container_urls=(_OTHER,))])
        else:
            decide = partial(coverage, [AzureScope(container_urls=(_OWN,))])
        known: dict[tuple[str, int, int], Coverage] = {}

        def covers(job: Job) -> Coverage:
            asked = (job.id, job.documents.total if job.documents else 0, len(job.rows))
            answer = known.get(asked)
            if answer is None:
                answer = known[asked] = decide(job)
            return answer

        return covers

    def in_scope(self, kind: Kind, stage: int) -> bool:
        """Return whether a job of this kind is truly the guard's, as far as its documents are there."""
        if not self.azure:
            return kind.name == "own"
        total, rows = kind.stages[stage]
        if self.update:
            return len(rows) >= total > 0 and "o" in rows and "f" not in rows
        return "o" in rows


class Sight(NamedTuple):
    """A job at some moment: its state, and how many of its documents are listed."""

    state: str
    stage: int


class Truth(NamedTuple):
    """A job as it truly is, and what a node that is behind may still show: (until when it was so, the sight)."""

    now: Sight
    past: tuple[tuple[float, Sight], ...] = ()

    def moved(self, to: str, at: float) -> Truth:
        """Return it in another state."""
        return Truth(Sight(to, self.now.stage), (*self.past, (at, self.now)))

    def told(self, stage: int, at: float) -> Truth:
        return Truth(Sight(self.now.state, stage), (*self.past, (at, self.now)))

    def recent(self, at: float, quiet: float) -> Truth:
        past = tuple(one for one in self.past if at - one[0] < quiet)
        return self if len(past) == len(self.past) else Truth(self.now, past)

    @property
    def in_flight(self) -> bool:
        return self.now.state in IN_FLIGHT


def named(number: int) -> str:
    """Return a job's name in stories, which is also its id."""
    return "ABCDEFGH"[number]


@lru_cache(maxsize=100_000)
def shown(azure: bool, kind: str, name: str, sight: Sight) -> Job | None:
    """Return what the service shows of a job; None if it shows none."""
    if sight.state in (ABSENT, GONE):
        return None
    state = _STATES[sight.state]
    if not azure:
        return Job(AMAZON_TRANSLATE, name, state, state.value, name=f"{kind}-{name}", submitted_at=BEGAN)
    total, _ = KINDS[kind].stages[sight.stage]
    return Job(
        AZURE_DOCUMENT_TRANSLATION,
        name,
        state,
        state.value,
        submitted_at=BEGAN,
        changed_at=_SINCE[sight.state],
        documents=Documents(total),
    )


@lru_cache(maxsize=100_000)
def _located(job: Job, rows: str) -> Job:
    documents = tuple(DocumentRow(f"{_URLS[row]}/{number}.docx", ended=True) for number, row in enumerate(rows))
    return replace(job, rows=documents, locations=tuple(row.source for row in documents if row.source))


class Outcome(NamedTuple):
    """One way in which the world may answer a batch.

    ``events`` tell it in words; ``before`` and ``after`` are the jobs when the batch arrived and when it was answered.
    ``facts`` are for the checks: ("definite",), ("look failed",), ("left out", number), ("refused", number).
    """

    events: tuple[str, ...]
    cost: int
    before: tuple[Truth, ...]
    after: tuple[Truth, ...]
    now: float
    values: tuple[tuple[Any, Any], ...] = ()
    unsent: tuple[Any, ...] = ()
    facts: tuple[tuple[Any, ...], ...] = ()
    behaves: bool = False
    killed: bool = False


class _Answer(NamedTuple):
    cost: int
    text: str
    value: Any
    shows: frozenset[int] = frozenset()
    """The jobs whose present state it depends on."""
    moved: tuple[int, Truth] | None = None
    facts: tuple[tuple[Any, ...], ...] = ()


def beginnings(world: World) -> Iterator[tuple[tuple[str, ...], tuple[Truth, ...]]]:
    """Every state in which a teardown may find the world."""
    every: list[list[Truth]] = []
    for name in world.jobs:
        kind = KINDS[name]
        stages = range(len(kind.stages)) if world.azure and not kind.grows else range(1)
        states = [one for one in world.begin if one != ABSENT or world.disturbances]
        if name == "foreign":
            states = [one for one in (ABSENT, RUNNING) if one in states]
        every.append(
            [Truth(Sight(state, stage)) for state in states for stage in stages if state != ABSENT or not stage]
        )
    for jobs in itertools.product(*every):
        if sum(job.now.state == ABSENT for job in jobs) > world.disturbances:
            continue
        told = [
            f"{named(number)} ({world.jobs[number]}) {_told(world, number, job.now, stage=True)}"
            for number, job in enumerate(jobs)
        ]
        yield ("at first: " + ", ".join(told),), jobs


def _told(world: World, number: int, sight: Sight, *, stage: bool = False) -> str:
    stages = KINDS[world.jobs[number]].stages
    if world.azure and stage and len(stages) > 1 and sight.state != ABSENT:
        total, rows = stages[sight.stage]
        return f"is {sight.state} and has {_documents(total, rows)}"
    return "has not arrived yet" if sight.state == ABSENT else f"is {sight.state}"


def _documents(total: int, rows: str) -> str:
    if not total:
        return "no documents counted yet"
    return f"{counted(total, 'document', 'documents')}, {len(rows)} of them listed"


# How jobs move.


class _Move(NamedTuple):
    """How a job may have moved: ``hidden`` unless an answer depends on it, so that it may as well move later."""

    cost: int
    events: tuple[str, ...]
    job: Truth
    hidden: bool = False


def _moves(world: World, number: int, job: Truth, at: float, what: str) -> Iterator[_Move]:
    """Every way in which a job may have moved since it was last shown.

    ``what`` is the kind of the request that shows it next.
    """
    name, kind = named(number), KINDS[world.jobs[number]]
    yield _Move(0, (), job)
    state = job.now.state

    def move(cost: int, event: str, to: str) -> _Move:
        # Since when a job has been there counts: from then on, every listing has to show it.
        return _Move(cost, (f"{name} {event}",), job.moved(to, at), hidden=state != ABSENT)

    if kind.name == "foreign":
        # What is known to be somebody else's is never looked at again.
        if state == ABSENT:
            yield move(1, f"arrives, {RUNNING}", RUNNING)
        return
    moved: list[_Move] = [_Move(0, (), job)]
    if state == ABSENT:
        moved += [move(1, f"arrives, {one}", one) for one in (QUEUED, RUNNING) if one in world.begin]
    elif state == QUEUED:
        moved += [move(0, "starts", RUNNING), move(0, "ends by itself", ENDED)]
    elif state == RUNNING:
        moved.append(move(0, "ends by itself", ENDED))
    elif state == STOPPING:
        moved.append(move(0, "has stopped", STOPPED))
        if world.races:
            moved.append(move(0, "ends by itself, although it was stopping", ENDED))
    if state in (QUEUED, RUNNING) and "foreign" not in kind.name:
        moved.append(move(1, "", STOPPING)._replace(events=(f"another teardown asks {name} to stop",)))
    if state not in (ABSENT, GONE):
        moved.append(move(1, "vanishes", GONE))
    yield from moved[1:]
    if not world.azure:
        return
    for one in moved:
        now = one.job.now
        if now.state in (ABSENT, GONE):
            continue
        for stage in range(now.stage + 1, len(kind.stages)):
            total, rows = kind.stages[stage]
            if what == "list" and total == kind.stages[now.stage][0]:
                # A listing has no documents: that more of them are listed shows later.
                continue
            told = f"the service now tells that {name} has {_documents(total, rows)}"
            yield _Move(one.cost + kind.grows, (*one.events, told), one.job.told(stage, at), hidden=one.hidden)


def behaved(world: World, number: int, job: Truth, at: float) -> Truth:
    """Return what a job does in a world that behaves: it stops when asked, and its documents are told.

    In the modes that ask no job to stop, it ends by itself.
    """
    if job.now.state == STOPPING:
        job = job.moved(STOPPED, at)
    elif job.now.state in (QUEUED, RUNNING) and world.mode != "cancel" and world.jobs[number] != "foreign":
        job = job.moved(ENDED, at)
    last = len(KINDS[world.jobs[number]].stages) - 1
    if (
        world.azure
        and job.now.stage < last
        and not KINDS[world.jobs[number]].grows
        and job.now.state not in (ABSENT, GONE)
    ):
        job = job.told(last, at)
    return job


# How the service answers.


def outcomes(
    world: World, code: Code, jobs: tuple[Truth, ...], budget: int, batch: Sequence[Any], at: float
) -> Iterator[Outcome]:
    """Every way in which the world may answer a batch, each once; the first one of a world that behaves."""
    if at >= world.timeout:
        yield Outcome(("the timeout is over: nothing more is sent",), 0, jobs, jobs, at, (), tuple(batch), behaves=True)
        return
    numbers = {named(number): number for number in range(len(jobs))}
    listing = isinstance(batch[0], code.list)
    seen = (
        set(range(len(jobs)))
        if listing
        else {
            numbers[one.id]
            for request in batch
            for one in (request.jobs if isinstance(request, code.look) else (request.job,))
        }
    )
    what = type(batch[0]).__name__.lower()
    took = world.listing_takes if listing else 0.0
    well = tuple(behaved(world, number, job, at) if number in seen else job for number, job in enumerate(jobs))
    yield from _answered(world, code, (), 0, jobs, well, 0, batch, at, took, numbers, behaves=True)
    ways = [
        [one for one in _moves(world, number, job, at, what) if one.cost <= budget]
        if number in seen
        else [_Move(0, (), job)]
        for number, job in enumerate(jobs)
    ]
    for way in itertools.product(*ways):
        cost = sum(one.cost for one in way)
        if cost <= budget:
            events = tuple(itertools.chain.from_iterable(one.events for one in way))
            moved = tuple(one.job for one in way)
            hidden = frozenset(number for number, one in enumerate(way) if one.hidden)
            yield from _answered(
                world, code, events, cost, jobs, moved, budget - cost, batch, at, took, numbers, hidden=hidden
            )
    if budget:
        yield Outcome(("the process is killed, and the next teardown begins",), 1, jobs, jobs, at, killed=True)
        stops = [request for request in batch if isinstance(request, code.stop)]
        for count in range(1, len(stops) + 1):
            after, told = list(jobs), []
            for request in stops[:count]:
                number = numbers[request.job.id]
                answer = next(_stop_answers(world, number, after[number], at, 0))
                if answer.moved:
                    after[number] = answer.moved[1]
                told.append(f"stop {request.job.id}: accepted")
            if tuple(after) != jobs:
                events = (*told, "the process is killed, and the next teardown begins")
                yield Outcome(events, 1, jobs, tuple(after), at, killed=True)


def _answered(
    world: World,
    code: Code,
    events: tuple[str, ...],
    cost: int,
    before: tuple[Truth, ...],
    jobs: tuple[Truth, ...],
    budget: int,
    batch: Sequence[Any],
    at: float,
    took: float,
    numbers: Mapping[str, int],
    behaves: bool = False,
    hidden: frozenset[int] = frozenset(),
) -> Iterator[Outcome]:
    if behaves:
        events = tuple(
            f"{named(number)} {_told(world, number, now.now, stage=True)}"
            for number, (was, now) in enumerate(zip(before, jobs, strict=True))
            if was != now
        )
    if at + took >= world.timeout:
        if hidden:
            return
        yield Outcome((*events, "list: no answer before the timeout"), cost, jobs, jobs, world.timeout, behaves=behaves)
        return
    every = [list(_answers(world, code, request, jobs, budget, at, numbers)) for request in batch]
    for answers in itertools.product(*every):
        spent = sum(answer.cost for answer in answers)
        if spent > budget:
            continue
        if hidden and not hidden <= frozenset().union(*(answer.shows for answer in answers)):
            # A job that moves and is not shown may as well move later.
            continue
        after = jobs
        for answer in answers:
            if answer.moved:
                number, truth = answer.moved
                after = (*after[:number], truth, *after[number + 1 :])
        yield Outcome(
            (*events, *(answer.text for answer in answers)),
            cost + spent,
            jobs,
            after,
            at + took,
            tuple((request, answer.value) for request, answer in zip(batch, answers, strict=True)),
            facts=tuple(itertools.chain.from_iterable(answer.facts for answer in answers)),
            behaves=behaves,
        )
        if behaves:
            return
    if budget and not events:
        what = ", ".join(map(_worded, batch))
        facts = (("look failed",),) if isinstance(batch[0], code.look) else ()
        late = f"{what}: no answer before the timeout"
        yield Outcome((late,), cost + 1, jobs, jobs, world.timeout, facts=facts)
        if isinstance(batch[0], code.stop):
            yield Outcome(
                (f"{what}: not sent before the timeout",), cost + 1, jobs, jobs, world.timeout, (), tuple(batch)
            )


def _worded(request: Any) -> str:
    jobs = getattr(request, "jobs", None) or [job for job in [getattr(request, "job", None)] if job]
    return " ".join([type(request).__name__.lower(), *[job.id for job in jobs]])


def _answers(
    world: World,
    code: Code,
    request: Any,
    jobs: tuple[Truth, ...],
    budget: int,
    at: float,
    numbers: Mapping[str, int],
) -> Iterator[_Answer]:
    """Every answer to one request; the first one is plain."""
    if isinstance(request, code.list):
        yield from _list_answers(world, code, jobs, budget)
    elif isinstance(request, code.stop):
        number = numbers[request.job.id]
        yield from _stop_answers(world, number, jobs[number], at, budget)
    elif isinstance(request, code.locate):
        number = numbers[request.job.id]
        yield from _locate_answers(world, code, request.job, number, jobs[number], budget)
    else:
        yield from _look_answers(world, code, request, jobs, budget, numbers)


def _failures(what: str, budget: int, *, facts: tuple[tuple[Any, ...], ...] = ()) -> Iterator[_Answer]:
    """Yield how a read fails, whatever it reads."""
    if budget:
        yield _Answer(1, f"{what}: the answer is lost", Transient("Lost."), facts=facts)
        yield _Answer(1, f"{what}: throttled", Throttled("Slow down."), facts=facts)
        wait = f"{what}: throttled, Retry-After {RETRY_AFTER:g} s"
        yield _Answer(1, wait, Throttled("Slow down.", retry_after=RETRY_AFTER), facts=facts)
        yield _Answer(1, f"{what}: denied", Denied("Denied."), facts=(*facts, ("definite",)))


def _cached(code: Code, value: Any) -> Any:
    """Return what a read makes of an answer that is from a cache each time."""
    try:
        return code.reading.fresh(lambda: (value, True), "read")
    except StaleAnswer as error:
        return error


def _list_answers(world: World, code: Code, jobs: tuple[Truth, ...], budget: int) -> Iterator[_Answer]:
    def listing(sights: Sequence[Sight]) -> tuple[str, list[Job]]:
        there = [(number, sight) for number, sight in enumerate(sights) if sight.state in IN_FLIGHT]
        text = ", ".join(f"{named(number)} {sight.state}" for number, sight in there) or "nothing in flight"
        found = [shown(world.azure, world.jobs[number], named(number), sight) for number, sight in there]
        return text, [job for job in found if job is not None]

    sights = [job.now for job in jobs]
    every = frozenset(range(len(jobs)))
    text, value = listing(sights)
    yield _Answer(0, f"list: {text}", value, every)
    if not budget:
        return
    yield from _failures("list", budget)
    yield _Answer(1, "list: from the cache, again and again: nothing in flight", _cached(code, []))
    for number, job in enumerate(jobs):
        others = every - {number}
        for old in dict.fromkeys(sight for _, sight in job.past):
            if old != job.now:
                text, value = listing([*sights[:number], old, *sights[number + 1 :]])
                yield _Answer(1, f"list, with an old view of {named(number)}: {text}", value, others)
        if job.in_flight:
            gone = Sight(GONE, 0)
            text, value = listing([*sights[:number], gone, *sights[number + 1 :]])
            yield _Answer(
                1, f"list, with {named(number)} left out: {text}", value, others, facts=(("left out", number),)
            )


def _stop_answers(world: World, number: int, job: Truth, at: float, budget: int) -> Iterator[_Answer]:
    name, state = named(number), job.now.state
    taken = None if world.azure else JobState.STOPPING
    moved = (number, job.moved(STOPPING, at))
    shows = frozenset({number})
    if state in (ABSENT, GONE):
        yield _Answer(0, f"stop {name}: not found", JobNotFound("There is no such job."), shows)
    elif state in (STOPPED, ENDED):
        yield _Answer(0, f"stop {name}: refused, it has ended", Rejected("It has ended."), shows)
    elif state == STOPPING:
        if world.azure:
            yield _Answer(0, f"stop {name}: refused, it is stopping", Rejected("It is stopping."), shows)
        else:
            yield _Answer(0, f"stop {name}: accepted, it is stopping", taken, shows)
    else:
        yield _Answer(0, f"stop {name}: accepted", taken, shows, moved)
        if state == QUEUED:
            yield _Answer(
                0, f"stop {name}: refused while queued", Rejected("It is queued."), shows, facts=(("refused", number),)
            )
        if budget:
            yield _Answer(1, f"stop {name}: accepted, but without effect", taken, shows)
            yield _Answer(1, f"stop {name}: accepted, but the answer is lost", Transient("Lost."), shows, moved)
    if budget:
        yield _Answer(1, f"stop {name}: the request is lost", Transient("Lost."))
        yield _Answer(1, f"stop {name}: denied", Denied("Denied."), facts=(("definite",),))


def _locate_answers(world: World, code: Code, asked: Job, number: int, job: Truth, budget: int) -> Iterator[_Answer]:
    name, kind = named(number), KINDS[world.jobs[number]]

    def located(sight: Sight) -> tuple[str, Any]:
        if sight.state in (ABSENT, GONE):
            return "not found", JobNotFound("There is no such job.")
        _, rows = kind.stages[sight.stage]
        own = sum(row == "o" for row in rows)
        return f"{counted(len(rows), 'document', 'documents')}, {own} in the guard's container", _located(asked, rows)

    text, value = located(job.now)
    # The documents of a batch say nothing of its state, but for one that has gone.
    yield _Answer(0, f"documents of {name}: {text}", value, frozenset({number} if job.now.state == GONE else ()))
    if not budget:
        return
    yield from _failures(f"documents of {name}", budget)
    yield _Answer(1, f"documents of {name}: from the cache, again and again: none", _cached(code, _located(asked, "")))
    if job.now.state not in (ABSENT, GONE):
        yield _Answer(1, f"documents of {name}: not found", JobNotFound("There is no such job."))
    for old in dict.fromkeys(sight for _, sight in job.past):
        if located(old) != (text, value):
            yield _Answer(1, f"documents of {name}, an old view: {located(old)[0]}", located(old)[1])


def _look_answers(
    world: World,
    code: Code,
    request: Any,
    jobs: tuple[Truth, ...],
    budget: int,
    numbers: Mapping[str, int],
) -> Iterator[_Answer]:
    asked = [numbers[job.id] for job in request.jobs]
    what = " ".join(["look at", *(named(number) for number in asked)])

    def look(sights: Mapping[int, Sight]) -> tuple[str, dict[str, Job | None]]:
        text = ", ".join(f"{named(number)} {sight.state}" for number, sight in sights.items())
        return text, {
            named(number): shown(world.azure, world.jobs[number], named(number), sight)
            for number, sight in sights.items()
        }

    sights = {number: jobs[number].now for number in asked}
    text, value = look(sights)
    yield _Answer(0, f"{what}: {text}", value, frozenset(asked))
    if not budget:
        return
    yield from _failures(what, budget, facts=(("look failed",),))
    yield _Answer(
        1,
        f"{what}: from the cache, again and again",
        _cached(code, look({n: Sight(GONE, 0) for n in asked})[1]),
        facts=(("look failed",),),
    )
    for number in asked:
        others = frozenset(asked) - {number}
        for old in dict.fromkeys(sight for _, sight in jobs[number].past):
            if old != jobs[number].now:
                text, value = look({**sights, number: old})
                yield _Answer(1, f"{what}, with an old view of {named(number)}: {text}", value, others)
