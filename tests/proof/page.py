"""The documentation's page on the theory of a teardown, made from the rules, their mistakes and what these lead to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.proof.explorer import Counterexample, explore
from tests.proof.machine import Code
from tests.proof.rules import RULES, Rule

PAGE = Path(__file__).parents[2] / "docs" / "teardown.md"
EXPLORED = Path(__file__).with_name("explored.txt")
"""What `python -m tests.proof --keep` explored last."""

_HEAD = """# How a teardown decides

<!-- Made by `python -m tests.proof --page`; a test holds it to the code. -->

A teardown is a state machine without I/O (`translation_job_guard/teardown/machine.py`). It asks for a batch of
requests, gets the answers, and decides. Something else sends the requests (`runner.py`), so every order of events
can be tried.

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
    Stop --> Wait: every request is out
    Wait --> List: next round
    Confirm --> Stop: a job is in flight after all
    Confirm --> Quiet: looked at each job that ended, and listed again quiet_period later
    Wait --> Timeout: time is over
    List --> CannotTell: denied
    Quiet --> [*]
    Timeout --> [*]
    CannotTell --> [*]
```

Each job has a record: what was shown of it first and last, when it was asked to stop, whether a listing has left it
out, and whether it was looked at since. A batch is undecided until its documents say whether it is in scope.

| request | answers |
|---|---|
| List | what is in flight; throttled; lost; from a cache each time; denied; none in time |
| Locate | the documents of a batch, perhaps not all yet; the same errors; not found |
| Stop | accepted (perhaps ignored); refused; lost before or after it took effect; denied; not sent in time |
| Look | the present state of some jobs, perhaps an older one; none; the same errors |
| Wait | time has passed |

## What is proven

`make prove` tries **every order of events** for small worlds, with the real code: it plays the service, the clock
and the fault, and goes each way in which the world may choose. It checks, in each state and at each end, the
[guarantees](../README.md#guarantees) 1 to 6; that a world which behaves for 18 seconds
(12 from the beginning) gets to quiet; that no job
that is known to have ended is asked to stop; and that requests stay within their bars.

- **Worlds**: two jobs (in scope, out of it, or undecided at first) with any two disturbances, and three jobs with
  one, in all modes, by both services' rules, with a timeout of three polls; one job with a timeout of five polls,
  with a grace period, without a quiet period, with listings that take a second, and in an update that narrows a
  scope.
- **Disturbances**: a job arrives, vanishes or grows; the process is killed (before or after its stop requests took
  effect) and a new teardown starts; a twin asks a job to stop; an answer is lost (before or after the request took
  effect), throttled (with and without Retry-After), denied, from a cache, from a node that is behind by less than
  `quiet_period`, or not there before the timeout; a listing leaves out a job; a stop request is ignored.
- **Free**: a job starts, ends by itself, stops, or goes on; its documents are counted and listed; a queued job
  refuses to stop.
- A state that was seen is not explored again. Jobs that differ only by name count once. What only people read (when
  a job was first seen, how it ended) makes no new state.

`make prove-nightly` goes on to larger worlds for an hour. **Not proven here**: more jobs, and real time and threads
(the runner). They remain with the properties, which try random worlds, and with the engine's tests.

A twin needs no second machine: all that it does to the world is to stop jobs of the same scope, at any moment.

"""


def counterexample(rule: Rule) -> Counterexample | None:
    """Return the shortest way to harm without ``rule``."""
    return explore(rule.world, Code(rule.change)).counterexample


def section(number: int, rule: Rule, found: Counterexample) -> str:
    """Return a rule's part of the page."""
    story = found.story(Code(rule.change))
    title = f"### {number}. {rule.name[0].upper()}{rule.name[1:]}"
    return f"{title}\n\n{rule.says} Serves: {rule.serves}. Without it:\n\n```\n{story}\n```\n"


def page() -> str:
    """Return the page, in Markdown."""
    explored = "## What was explored\n\n`make prove`: " + EXPLORED.read_text(encoding="utf-8")
    return f"{_HEAD}{explored}\n{_rules_head()}{chr(10).join(_sections())}"


def _rules_head() -> str:
    return (
        "## The rules\n\nEach rule is followed by what happens without it: the shortest counterexample that is found "
        "when that rule is taken out of the code. Numbers are the [guarantees](../README.md#guarantees).\n\n"
    )


def _sections() -> Iterator[str]:
    for number, rule in enumerate(RULES, 1):
        found = counterexample(rule)
        assert found is not None, f"the mistake is not found: {rule.name}"
        yield section(number, rule, found)
