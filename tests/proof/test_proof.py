"""Small worlds, every order of events. `make prove` explores the larger ones."""

from __future__ import annotations

import pytest

from tests.proof import bounds, machine, page, world
from tests.proof.explorer import Result, explore, replay
from tests.proof.machine import Change, Code
from tests.proof.rules import RULES, Rule
from tests.proof.world import ABSENT, RUNNING, World


@pytest.mark.parametrize("small", list(bounds.quick()), ids=str)
def test_every_order_of_events_holds(small: World) -> None:
    """One job and one disturbance, in every mode, by both services' rules."""
    result = explore(small)
    assert result.counterexample is None, result.counterexample.story(Code())
    assert result.ends["success"]


@pytest.mark.parametrize(("number", "rule"), list(enumerate(RULES, 1)), ids=[rule.name for rule in RULES])
def test_a_rule_is_missed(number: int, rule: Rule) -> None:
    """Without this rule something does not hold, and docs/teardown.md has the shortest story of it."""
    found = page.counterexample(rule)
    assert found is not None
    assert page.section(number, rule, found) in page.PAGE.read_text(encoding="utf-8")
    with pytest.raises(AssertionError):
        replay_with(rule, found.events)


@pytest.mark.parametrize("small", list(dict.fromkeys(rule.world for rule in RULES)), ids=str)
def test_with_its_rules_it_holds(small: World) -> None:
    """What finds the mistakes finds nothing in the teardown as it is."""
    assert explore(small).counterexample is None


def replay_with(rule: Rule, events: tuple[tuple[str, ...], ...]) -> None:
    """Replay a story, unless what it shows takes more than one way to see."""
    if rule.serves == "liveness":
        raise AssertionError("shown by all that may follow")
    replay(rule.world, events, Code(rule.change))


def test_the_page_says_what_was_explored() -> None:
    """The theory, the bounds and the figures that are kept; each rule is compared with its counterexample above."""
    assert page.PAGE.read_text(encoding="utf-8").startswith(page.head())


def test_a_change_that_does_not_fit_is_an_error() -> None:
    """A rule whose source was rewritten is not taken for one that is not missed."""
    with pytest.raises(LookupError, match="expected each text once"):
        Code(Change("no such line", ""))


def test_a_story_that_does_not_fit_is_an_error() -> None:
    """A replay fails when the teardown asks for something else now."""
    small = World("amazon", "cancel", ("own",), 0)
    with pytest.raises(LookupError, match="nothing like this"):
        replay(small, [("at first: A (own) is running",), ("look at A: A running",)])


def test_jobs_that_differ_by_name_count_once() -> None:
    """Two jobs of a kind have fewer states than two of different kinds."""
    alike = explore(World("amazon", "drain", ("own", "own"), 0, races=False, timeout=bounds.SHORT))
    assert alike.states < explore(World("amazon", "drain", ("own",), 0, races=False, timeout=bounds.SHORT)).states ** 2


def test_moves_that_nothing_shows_change_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that also move while no answer shows them lead to more states, and to the same ends as reported."""
    small = World("azure", "cancel", ("own", "foreign, listed late"), 1, races=False, begin=(RUNNING,), timeout=12.0)
    fewer = explore(small)
    move = world._Move

    def never_hidden(cost: int, events: tuple[str, ...], job: world.Truth, **_: bool) -> world._Move:
        return move(cost, events, job)

    monkeypatch.setattr(world, "_Move", never_hidden)
    more = explore(small)
    assert more.states > fewer.states
    assert reported(more) == reported(fewer)


def reported(result: Result) -> set[tuple[str, float, tuple[str, ...]]]:
    """Return the ends as whoever reads the report sees them."""
    return {(end.how, end.at, tuple(told for _, _, told in end.jobs)) for end in result.every_end}


def test_what_is_told_to_people_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the notes of records as part of the state, the same kinds of end are reached."""
    small = World("amazon", "cancel", ("own",), 1, races=False, begin=(ABSENT, RUNNING), timeout=bounds.SHORT)
    without = explore(small)
    monkeypatch.setattr(machine, "_NOTES", frozenset({"started"}))
    monkeypatch.setattr(machine, "_fields_of", {})
    with_notes = explore(small)
    assert with_notes.states >= without.states
    assert with_notes.every_end == without.every_end
