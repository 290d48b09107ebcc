"""The documentation's page on the theory of a teardown, made from the rules, their mistakes and what these lead to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.proof import bounds
from tests.proof.bounds import PROCESSES
from tests.proof.explorer import Counterexample, Result, explore
from tests.proof.machine import Code
from tests.proof.rules import RULES, Rule

PAGE = Path(__file__).parents[2] / "docs" / "teardown.md"
EXPLORED = Path(__file__).with_name("explored.md")
"""What `make prove` explores: it fails when this says something else."""
EXPLORED_AT_NIGHT = Path(__file__).with_name("explored_at_night.md")
"""What a run of `make prove-nightly` explored that was kept."""

_SERVES = {
    "requests": "Keeps requests within their limits.",
    "modes": "Does what `on_delete` says.",
    "liveness": "Lets a teardown become quiet whenever that is possible.",
}

_HEAD = """# How a teardown decides

<!-- Made by `python -m tests.proof --page`; a test holds it to the code. -->

A teardown is a state machine without I/O (`translation_job_guard/teardown/machine.py`). It yields a batch of
requests, receives the answers, and decides. Another module sends the requests (`runner.py`), so every order of events
can be tried. The theory, and where to find what, is at the beginning of `translation_job_guard/teardown/__init__.py`;
when a job is asked to stop again is in `schedule.py`.

## States and events

```mermaid
stateDiagram-v2
    [*] --> List
    List --> List: throttled, lost or from a cache
    List --> Locate: a batch is undecided
    List --> Confirm: nothing left
    Locate --> Confirm: nothing left
    List --> Stop: mode cancel, past the grace period
    Locate --> Stop: mode cancel, past the grace period
    List --> Wait: nothing to ask
    Locate --> Wait: nothing to ask
    Stop --> Wait: every request was sent
    Wait --> List: next round
    Confirm --> Stop: a job is in flight after all
    Confirm --> Quiet: each job has ended by its own state, and a listing quiet_period later shows nothing
    Wait --> Timeout: the timeout has passed
    List --> CannotTell: denied
    Quiet --> [*]
    Timeout --> [*]
    CannotTell --> [*]
```

Each job has a record: its first and its last known state, when it was asked to stop, whether a listing has left it out,
and whether its own state was read since. A batch is undecided until its documents show whether it is in scope.

| request | answers |
|---|---|
| List | what is in flight; throttled; lost; from a cache each time; denied; none in time |
| Locate | the documents of a batch, perhaps not all yet; the same errors; not found |
| Stop | accepted (perhaps ignored); refused; lost before or after it took effect; denied; not sent in time |
| Look | the present state of some jobs, perhaps an older one; none; the same errors |
| Wait | time has passed |

## What is proven

`make prove` tries **every order of events** for small worlds, with the real code: it simulates the service, the clock
and the faults, and follows every choice that a world has. In each state and at each end it checks

- the [guarantees](../README.md#guarantees) 1 to 6;
- that every teardown becomes quiet once nothing goes wrong for the time of a Retry-After, a poll and the quiet period
  together (18 seconds here; 11 from the beginning);
- that no job that is known to have ended is asked to stop;
- that requests stay within their limits.

- **Worlds**: two jobs (in scope, out of it, or undecided at first) with any two disturbances, and three jobs with
  one, in all modes, by both services' rules, with a timeout of five polls (three polls where one of two jobs is
  undecided at first); one job that may be queued at first, with a grace period, without a quiet period, with listings
  that take a second, and in an update that narrows a scope.
- **Disturbances**: a job arrives, vanishes or grows; the process is killed (before or after its stop requests took
  effect) and a new teardown starts; another teardown asks a job to stop; an answer is lost (before or after the
  request took effect), throttled (with and without Retry-After), denied, from a cache, behind by less than
  `quiet_period`, or not there before the timeout; a listing leaves out a job; a stop request has no effect.
- **Free**: a job starts, ends by itself, stops, or goes on; its documents are counted and listed; a queued job
  refuses to stop.
- A state is explored once. Jobs that differ only by name count once. Facts that only people read (when a job was
  first seen, how it ended) make no new state. A job changes when an answer shows it: nobody could see whether it
  ended a little earlier, while answers were lost.
- Two ends are distinct if a teardown ends in another way or at another time, if a job is in another state then, or if
  the report says something else of it.

`make prove` is part of `make check` and of CI, and fails when it explores something else than this page says.
`make prove-nightly` goes on to larger worlds for an hour: first those with two jobs and disturbances together, then
those with three, and so on.

**Not proven here**: more jobs and more disturbances than that, a timeout of hundreds of polls, real time, threads (the
runner) and HTTP. These are tested by the [properties](../tests/properties/test_teardown.py), which try random worlds of
up to eight jobs, and with the tests on the engine. In CI the properties try the same 2,000 examples each time;
`make properties-nightly` tries up to 100,000 of each property from a fresh seed, and a failure prints the example and
how to try it again.

A second teardown at the same time needs no second machine: all it does to the world is to stop jobs of the same
scope, at any moment.

"""


_RULES = """## The rules

After each rule comes the shortest counterexample that is found when only this rule is removed from the code.
Numbers are the [guarantees](../README.md#guarantees).

A story begins with its world: the service, `on_delete`, the jobs, how many disturbances there may be, and the guard's
`timeout`. A and B are the jobs: *own* is in scope and *foreign* is not, and the documents of a batch may be counted
or listed late. `list`, `stop A`, `look at A` and `documents of A` are requests of the teardown, each with its answer;
"with an old view of A" means that the node that answered is behind. The other lines say what happens in the world.
Seconds count from the start of the teardown. The last line says what the teardown does wrong next.

"""


def ends(results: Sequence[Result]) -> str:
    """Return how many distinct ends were reached, by how the teardown ended."""
    every: Counter[str] = Counter()
    for result in results:
        every.update(result.ends)
    return ", ".join(f"{number:,} {end}" for end, number in sorted(every.items()))


def explored(results: Sequence[Result]) -> str:
    """Return what `make prove` explored, in Markdown."""
    return f"{len(results)} worlds, {_sum(results)} Everything holds.\n\n{_table(results)}"


def explored_at_night(results: Sequence[Result], minutes: float) -> str:
    """Return what `make prove-nightly` explored, in Markdown: the bound that it reached, and the largest worlds."""
    whole = [result for result in results if result.whole]
    size = bounds.size_reached([result.world for result in whole])
    begun = bounds.of_size(size + 1)
    done = len({result.world for result in whole} & set(begun))
    largest = sorted(whole, key=lambda result: -result.states)[:10]
    bound = f"every world with {size} jobs and disturbances together, and {done} of the {len(begun)} with {size + 1}"
    return (
        f"A run of {minutes:g} minutes, with {sum(result.seconds for result in results):,.0f} s of processor time in "
        f"{PROCESSES} processes: {len(whole)} worlds, {_sum(whole)} Everything holds. Bound reached: {bound}. "
        f"The largest worlds:\n\n{_table(largest)}"
    )


def _sum(results: Sequence[Result]) -> str:
    states, steps = (sum(getattr(result, what) for result in results) for what in ("states", "steps"))
    return f"{states:,} states, {steps:,} steps; distinct ends: {ends(results)}."


def _table(results: Sequence[Result]) -> str:
    rows = [f"| {result.world} | {result.states:,} | {ends([result])} |" for result in results]
    return "\n".join(["| world | states | distinct ends |", "|---|---|---|", *rows, ""])


def counterexample(rule: Rule) -> Counterexample | None:
    """Return the shortest way to harm without ``rule``."""
    return explore(rule.world, Code(rule.change)).counterexample


def section(number: int, rule: Rule, found: Counterexample) -> str:
    """Return a rule's part of the page."""
    title = f"### {number}. {rule.name[0].upper()}{rule.name[1:]}"
    serves = _SERVES.get(rule.serves, f"Guarantee {rule.serves}.")
    return f"{title}\n\n{rule.says} {serves} Without it:\n\n```\n{found.story(Code(rule.change))}\n```\n"


def head() -> str:
    """Return the page up to the rules: the theory, what is proven, and what was explored."""
    ci, nightly = (path.read_text(encoding="utf-8") for path in (EXPLORED, EXPLORED_AT_NIGHT))
    return f"{_HEAD}## What was explored\n\n### In CI\n\n{ci}\n### At night\n\n{nightly}\n{_RULES}"


def page() -> str:
    """Return the page, in Markdown."""
    return head() + "\n".join(_sections())


def _sections() -> Iterator[str]:
    for number, rule in enumerate(RULES, 1):
        found = counterexample(rule)
        assert found is not None, f"the mistake is not found: {rule.name}"
        yield section(number, rule, found)
