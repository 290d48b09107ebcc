"""What all rules have in common: the factory, the handler, remediation, and that nothing stops them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel
from pulumi_policy.proxy import UnknownValueError

from tests.policy.stacks import amazon, azure, reach
from tests.policy.support import (
    SECRET_KEY,
    UNKNOWN,
    Resource,
    Servicer,
    amazon_guard,
    breaking_rule,
    bucket,
    judge,
    names,
    role,
    secret,
)
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.policies import NAMES, policies
from translation_job_guard.policies.trust import Trust, trust

LIVE = [name for name in NAMES if name.endswith("-jobs")]
OFFLINE = {name: {"enforcementLevel": "disabled"} for name in LIVE}
CANCELS = "guard-cancels-on-delete"


def test_the_names_of_the_rules_are_the_interface() -> None:
    """A pack's configuration names them."""
    assert set(NAMES) == {
        "orphaned-translation-jobs",
        "overdue-translation-jobs",
        "abandoned-translation-jobs",
        "translation-places-reachable",
        "translation-resources-guarded",
        "translation-resources-possibly-guarded",
        "guard-deleted-first",
        "guard-cancels-on-delete",
        "guard-scope-bounded",
        "guard-scopes-disjoint",
        "translation-waivers",
    }


def test_the_factory_takes_levels_options_and_a_choice() -> None:
    """Options become the schema's defaults, which the engine fills in."""
    pack = policies({CANCELS: "advisory"}, {CANCELS: {"allowedModes": ["drain"]}}, [CANCELS, "guard-scope-bounded"])
    assert [one.name for one in pack] == [CANCELS, "guard-scope-bounded"]
    assert pack[0].enforcement_level is EnforcementLevel.ADVISORY
    assert judge([amazon_guard(on_delete="drain", scope={"job_ids": ["a"]})], pack=pack) == []
    [found] = judge([amazon_guard(scope={"job_ids": ["a"]})], pack=pack)
    assert found.level == "advisory"
    assert 'on_delete="drain"' in found.message


@pytest.mark.parametrize(
    "arguments",
    [
        {"levels": {"guard-deleted-frist": "advisory"}},
        {"levels": {CANCELS: "loud"}},
        {"options": {CANCELS: {"modes": []}}},
        {"only": ["everything"]},
    ],
)
def test_the_factory_refuses_what_it_does_not_know(arguments: dict[str, Any]) -> None:
    """At once, with what there is."""
    with pytest.raises(InvalidArgument, match=r"is not .*; expected "):
        policies(**arguments)


def test_the_configuration_goes_before_the_factory() -> None:
    """And a rule without any configuration works too, as in a direct test of a pack."""
    pack = policies(options={CANCELS: {"allowedModes": ["drain"]}}, only=[CANCELS])
    guard = amazon_guard(scope={"job_ids": ["a"]})
    assert judge([guard], {CANCELS: {"allowedModes": ["cancel"]}}, pack) == []
    assert judge([guard], {CANCELS: {"allowedModes": ["nonsense"]}}, policies(only=[CANCELS])) == []


def test_remediation_changes_the_mode_and_nothing_else() -> None:
    """Secrets stay secret, unknown values unknown, and the provider's code stays."""
    pack = policies({CANCELS: "remediate"}, only=[CANCELS])
    guard = amazon_guard(scope={"job_name_prefixes": [UNKNOWN]}, on_delete="ignore", profile=secret("topsecret"))
    mended = Servicer(pack).remediate(guard)
    assert mended == {**guard.properties, "on_delete": "cancel"}
    assert SECRET_KEY in mended["profile"]
    assert Servicer(pack).remediate(amazon_guard(scope={"job_ids": ["a"]})) is None
    assert Servicer(pack).remediate(amazon_guard(scope={"job_ids": ["a"]}, on_delete=UNKNOWN)) is None
    assert Servicer(pack).remediate(bucket()) is None
    secretly = amazon_guard(scope={"job_ids": ["a"]}, on_delete=secret("drain"))
    assert (Servicer(pack).remediate(secretly) or {})["on_delete"] == secret("cancel")


def test_no_message_repeats_a_secret() -> None:
    """A pack gets secrets in plain text: none of the golden stacks' messages has one."""
    for case in (*amazon.CASES, *azure.CASES, *reach.CASES):
        resources = case.build()
        for one in resources:
            _hide(one)
        messages = "".join(one.message for one in judge(resources, {**OFFLINE, **case.config}))
        assert "topsecret" not in messages, case.name


STRANGE: list[Any] = [None, 7, "text", True, [], {}, [None], [[7]], {"a": {"b": []}}, UNKNOWN, secret("x")]


@pytest.mark.parametrize("value", STRANGE)
def test_no_property_of_any_shape_stops_a_rule(value: Any) -> None:
    """One strange resource beside a bad one: the bad one is found, and nothing is said that is not so."""
    for case in (amazon.CASES[0], azure.CASES[0]):
        for index, key in [(i, k) for i, one in enumerate(case.build()) for k in one.properties]:
            resources = case.build()
            resources[index].properties[key] = value
            bad = role("bad")
            found = judge([*resources, bad], OFFLINE)
            assert ("translation-resources-guarded", "bad") in names(found), (case.name, key)
            assert not [one for one in found if "could not be judged" in one.message], (case.name, key)


def test_whatever_is_unknown_nothing_is_said_of_a_stack_in_order() -> None:
    """Each property of the happy stacks, one after the other, and all of them."""
    for case in (amazon.CASES[0], azure.CASES[0]):
        everything = case.build()
        for index, one in enumerate(everything):
            for key in one.properties:
                resources = case.build()
                resources[index].properties[key] = UNKNOWN
                assert judge(resources, OFFLINE) == [], (case.name, one.name, key)
        for one in everything:
            one.properties = dict.fromkeys(one.properties, UNKNOWN)
        assert judge(everything, OFFLINE) == []


def test_a_rule_that_breaks_says_so_and_stops_no_other() -> None:
    """An error of ours is a violation, not the end of the preview, and its text stays out."""
    pack = [breaking_rule(RuntimeError("topsecret")), *policies(only=[CANCELS])]
    translate = role()
    found = judge([translate, amazon_guard(translate, on_delete="ignore")], pack=pack)
    assert names(found) == {(CANCELS, "guard"), ("breaking", "translate")}
    [broken] = [one for one in found if one.rule != CANCELS]
    assert "could not be judged" in broken.message
    assert "RuntimeError" in broken.message
    assert "topsecret" not in broken.message


def test_what_is_unknown_after_all_is_left_for_the_update() -> None:
    """Pulumi's own exception is no violation, and hides no other resource's."""
    pack = [breaking_rule(UnknownValueError(UNKNOWN, ["arn"]))]
    assert names(judge([role(), role("bad")], pack=pack)) == {("breaking", "bad")}


def test_importing_the_rules_imports_no_clouds_sdk() -> None:
    """The engine starts the pack before every preview."""
    code = (
        "import sys, translation_job_guard.policies\n"
        "heavy = {'boto3', 'botocore', 'azure', 'pulumi_aws', 'pulumi_azure_native', 'typer', 'rich', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", code]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


ALLOW: dict[str, Any] = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "translate.amazonaws.com"},
}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([ALLOW], Trust.YES),
        ([{**ALLOW, "Principal": {"Service": "TRANSLATE.amazonaws.com"}}], Trust.YES),
        ([{**ALLOW, "Principal": {"Service": "translate.eu-west-1.amazonaws.com"}}], Trust.YES),
        ([{**ALLOW, "Principal": {"Service": "nottranslate.amazonaws.com"}}], Trust.NO),
        ([{**ALLOW, "Principal": {"Service": "translate.amazonaws.com.example"}}], Trust.NO),
        ([{**ALLOW, "Principal": "*"}], Trust.YES),
        ([{**ALLOW, "Principal": {"AWS": "*"}}], Trust.YES),
        ([{**ALLOW, "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o"}}}], Trust.UNKNOWN),
        ([{**ALLOW, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}], Trust.NO),
        ([{**ALLOW, "Action": "sts:*"}], Trust.YES),
        ([{**ALLOW, "Action": ["sts:assumerole"]}], Trust.YES),
        ([{**ALLOW, "Action": "sts:AssumeRoleWithWebIdentity"}], Trust.NO),
        ([{"Effect": "Allow", "Principal": ALLOW["Principal"], "NotAction": "sts:TagSession"}], Trust.YES),
        ([{"Effect": "Allow", "Principal": ALLOW["Principal"], "NotAction": "sts:*"}], Trust.NO),
        ([{"Effect": "Allow", "Action": "sts:*", "NotPrincipal": ALLOW["Principal"]}], Trust.NO),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Principal": "*"}], Trust.NO),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}}], Trust.YES),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}}], Trust.YES),
        ([], Trust.NO),
        (["nonsense"], Trust.UNKNOWN),
    ],
)
def test_trust_policies_in_every_shape(statements: list[Any], expected: Trust) -> None:
    """Whether Amazon Translate can assume the role."""
    assert trust({"Version": "2012-10-17", "Statement": statements}) is expected


def _hide(one: Resource) -> None:
    for key in one.properties:
        if key in ("arn", "profile", "policy", "project", "stack", "timeout", "triggers"):
            one.properties[key] = secret("topsecret")
    if one.type.endswith("JobGuard"):
        one.properties |= {"profile": secret("topsecret"), "key_env": "topsecret", "account_id": "topsecret"}
        if isinstance(one.properties["scope"], list):
            one.properties["scope"] = [secret(one.properties["scope"][0])]
