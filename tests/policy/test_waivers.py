"""Waivers accept findings for a reason, and are never silent; options that nobody knows are reported."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policy.support import (
    Resource,
    Servicer,
    Violation,
    amazon_guard,
    azure_guard,
    breaking_rule,
    bucket,
    judge,
    names,
    permission,
    role,
)
from translation_job_guard.policies.waivers import read_waivers

BOUNDED = "guard-scope-bounded"
CANCELS = "guard-cancels-on-delete"
FIRST = "guard-deleted-first"
GUARDED = "translation-resources-guarded"
REACHABLE = "translation-places-reachable"
WAIVERS = "translation-waivers"
OFFLINE = {name: {"enforcementLevel": "disabled"} for name in ("orphaned-translation-jobs", "overdue-translation-jobs")}


def found(resources: list[Resource], rule: str, *waivers: dict[str, Any]) -> list[Violation]:
    """What the pack says with these waivers of a rule."""
    return judge(resources, {**OFFLINE, rule: {"waivers": list(waivers)}})


def unguarded() -> list[Resource]:
    return [role("first"), role("second")]


@pytest.mark.parametrize(
    ("rule", "resources"),
    [
        (GUARDED, [role()]),
        (CANCELS, [amazon_guard(on_delete="ignore", scope={"job_ids": ["a"]})]),
        (BOUNDED, [amazon_guard(scope={"whole_region": True})]),
        (BOUNDED, [azure_guard(endpoint="https://x.cognitiveservices.azure.com", scope={"whole_resource": True})]),
        (FIRST, [made := role(), permission(made), amazon_guard(made)]),
    ],
)
def test_a_waived_finding_is_no_violation_of_its_rule(rule: str, resources: list[Resource]) -> None:
    """Rules over a stack and rules over a resource alike; the advisory rule lists the finding with the reason."""
    [violation] = judge(resources, OFFLINE)
    assert violation.rule == rule
    [listed] = found(resources, rule, {"reason": "agreed with the owner"})
    assert (listed.rule, listed.name, listed.level) == (WAIVERS, violation.name, "advisory")
    assert rule in listed.message
    assert "agreed with the owner" in listed.message


@pytest.mark.parametrize(
    ("waiver", "left"),
    [
        ({"resource": "first"}, {"second"}),
        ({"resource": "*"}, set()),
        ({"resource": "urn:*::first"}, {"second"}),
        ({"resource": "f*", "stack": "dev"}, {"second"}),
        ({"stack": "shop/dev"}, set()),
        ({"stack": "shop/*"}, set()),
        ({"stack": "prod"}, {"first", "second"}),
        ({"stack": "dev-*"}, {"first", "second"}),
        ({"until": "2999-12-31"}, set()),
        ({"until": "2001-01-01"}, {"first", "second"}),
    ],
)
def test_a_waiver_is_for_its_resources_stacks_and_time(waiver: dict[str, str], left: set[str]) -> None:
    """Globs of names, URNs and stacks, up to the last day."""
    answers = found(unguarded(), GUARDED, {"reason": "r", **waiver})
    assert {one.name for one in answers if one.rule == GUARDED} == left


def test_an_expired_waiver_is_listed_and_accepts_nothing() -> None:
    """The finding is a violation again, and the rule of the waivers says why."""
    answers = found([role()], GUARDED, {"reason": "until the move", "until": "2001-01-01"})
    assert names(answers) == {(GUARDED, "translate"), (WAIVERS, "translate")}
    assert any("expired on 2001-01-01" in one.message for one in answers)


@pytest.mark.parametrize(("stack", "told"), [("dev", True), ("shop/dev", True), ("*", False), ("prod", False)])
def test_an_unused_waiver_for_exactly_this_stack_is_listed(stack: str, told: bool) -> None:
    """Configuration is shared between stacks: a waiver for others is not this one's business."""
    answers = found([bucket()], GUARDED, {"resource": "gone", "stack": stack, "reason": "r"})
    assert [one.rule for one in answers] == [WAIVERS] * told
    assert all("matches nothing" in one.message for one in answers)


def test_an_unused_waiver_is_listed_without_any_guard() -> None:
    """The rule has run on other resources only."""
    [told] = found([bucket()], CANCELS, {"stack": "dev", "reason": "r"})
    assert told.rule == WAIVERS


def test_a_place_is_waived_by_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is of the whole stack has no resource; the place stands for it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    stack = [made := role(), bucket(), amazon_guard(made)]
    assert names(judge(stack)) == {(REACHABLE, "")}
    waiver = {"resource": "eu-west-1", "reason": "no credentials on forks"}
    [listed] = judge(stack, {REACHABLE: {"waivers": [waiver]}})
    assert listed.rule == WAIVERS


def test_the_next_validation_lists_its_own_waivers_only() -> None:
    """A preview and the update after it are two validations of one process."""
    servicer = Servicer(config={**OFFLINE, GUARDED: {"waivers": [{"reason": "r"}]}})
    assert [one.rule for one in servicer.stack([role()])] == [WAIVERS]
    assert servicer.stack([bucket()]) == []


@pytest.mark.parametrize(
    ("waiver", "words"),
    [
        ({"resource": "*"}, "has no reason"),
        ({"reason": "  "}, "has no reason"),
        ({"reason": 7}, "has no reason"),
        ({"reason": "r", "untill": "2999-12-31"}, "unknown fields (untill)"),
        ({"reason": "r", "until": "next year"}, "not a valid day"),
        ("everything", "is not an object"),
    ],
)
def test_an_invalid_waiver_is_reported_and_accepts_nothing(waiver: Any, words: str) -> None:
    """By the rule itself, at its own level."""
    answers = found([role()], GUARDED, waiver)
    assert {one.rule for one in answers} == {GUARDED}
    assert [one.message for one in answers if words in one.message]
    assert [one for one in answers if one.name == "translate"]


def test_waivers_of_any_other_type_are_reported() -> None:
    """Of a pack's own code, which no schema checks."""
    assert read_waivers("all") == ((), ("`waivers` is not a list",))


@pytest.mark.parametrize("rule", [GUARDED, CANCELS, "overdue-translation-jobs", WAIVERS])
def test_an_unknown_option_is_reported_once_by_its_rule(rule: str) -> None:
    """Pulumi passes it on without a word; a misspelt option changes nothing, which nobody would notice."""
    stack = [bucket(), bucket("other")]
    [told] = judge(stack, {rule: {"maxAgeHour": 3}})
    assert told.rule == rule
    assert "`maxAgeHour` is not an option" in told.message
    if rule.startswith("overdue"):
        assert "Did you mean `maxAgeHours`?" in told.message


def test_a_waiver_does_not_hide_that_a_rule_broke() -> None:
    """Not being able to judge is not a finding."""
    pack = [breaking_rule(RuntimeError())]
    [answer] = judge([role()], {"breaking": {"waivers": [{"reason": "r"}]}}, pack)
    assert "could not be judged" in answer.message
