"""Keep, update or replace: every row of the design's table, and what must not move a guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.guard.changes import Answer, Decision, decide
from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN

ROLE_URN = "urn:pulumi:dev::app::aws:iam/role:Role::role"
BUCKET_URN = "urn:pulumi:dev::app::aws:s3/bucket:Bucket::bucket"

AMAZON: dict[str, Any] = {
    "__provider": "pickled",
    "service": "amazon-translate",
    "name": "guard",
    "stack": "dev",
    "project": "app",
    "format": 1.0,
    "region": "eu-west-1",
    "scope": [{"data_access_role_arns": ["arn:aws:iam::123456789012:role/translate"]}],
    "protects": [
        {"urn": ROLE_URN, "id": "translate"},
        {"urn": BUCKET_URN, "id": "bucket-17"},
        {"urn": "urn:component"},
    ],
    "triggers": ["release-1"],
    "on_delete": "cancel",
    "grace_period": 0.0,
    "timeout": "30m",
    "quiet_period": "3s",
}
AZURE: dict[str, Any] = {
    **{name: value for name, value in AMAZON.items() if name != "region"},
    "service": "azure-document-translation",
    "endpoint": "https://name.cognitiveservices.azure.com/",
    "scope": [{"container_urls": ["https://store.blob.core.windows.net/source"]}],
    "undecided_timeout": "2m",
    "api_version": "2024-05-01",
    "key_env": "AZURE_DOCUMENT_TRANSLATION_KEY",
}
OLD_AMAZON = {**AMAZON, "account_id": "123456789012"}

KEEP, UPDATE = Decision(Answer.KEEP), Decision(Answer.UPDATE)


def delete_first(*because: str) -> Decision:
    return Decision(Answer.REPLACE, True, because)


def create_first(*because: str) -> Decision:
    return Decision(Answer.REPLACE, False, because)


def amazon(**changes: Any) -> Decision:
    """What these changes to an Amazon guard come to."""
    return decide(OLD_AMAZON, {**AMAZON, **changes})


def azure(**changes: Any) -> Decision:
    """What these changes to an Azure guard come to."""
    return decide(AZURE, {**AZURE, **changes})


def test_nothing_changed_is_kept() -> None:
    """account_id is an output alone: that the program does not give it is no change."""
    assert amazon() == KEEP
    assert azure() == KEEP


def test_a_trigger_replaces_delete_first() -> None:
    """Asked for: changed, added, taken away, or not known yet."""
    for triggers in (["release-2"], ["release-1", "x"], [], None, UNKNOWN, [UNKNOWN]):
        assert amazon(triggers=triggers) == delete_first("triggers")
        assert azure(triggers=triggers) == delete_first("triggers")


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        *((amazon, name) for name in ("protects", "scope", "region", "expected_account_id")),
        *((azure, name) for name in ("protects", "scope", "endpoint", "account_resource_id")),
    ],
)
def test_a_property_unknown_as_a_whole_replaces_delete_first(changed: Callable[..., Decision], name: str) -> None:
    """The engine asks this way when what the property comes from will be replaced: nothing else calls the guard."""
    decision = changed(**{name: UNKNOWN})
    assert (decision.answer, decision.delete_first, name in decision.because) == (Answer.REPLACE, True, True)


@pytest.mark.parametrize(
    "scope",
    [
        [UNKNOWN],
        [{"data_access_role_arns": UNKNOWN}],
        [{"data_access_role_arns": [UNKNOWN]}],
        [{"data_access_role_arns": ["arn:aws:iam::123456789012:role/translate"], "job_ids": [UNKNOWN]}],
        [*AMAZON["scope"], UNKNOWN],
    ],
)
def test_an_unknown_value_inside_the_scope_does_not_replace(scope: Any) -> None:
    """Else preview announces a replacement that `up` does not do."""
    assert amazon(scope=scope) == UPDATE


def test_a_changed_scope_updates() -> None:
    """The update stops what is left behind; nothing else has to end."""
    assert amazon(scope=[{"whole_region": True}]) == UPDATE
    assert azure(scope=[{"whole_resource": True}]) == UPDATE


@pytest.mark.parametrize("id_", ["translate-2", UNKNOWN, None])
def test_a_protected_resource_with_another_id_replaces(id_: Any) -> None:
    """It is being replaced, and the jobs that need the old one must end before."""
    first, *others = AMAZON["protects"]
    assert amazon(protects=[{**first, "id": id_}, *others]) == delete_first("protects")
    assert azure(protects=[*others, {**first, "id": id_}]) == delete_first("protects")


@pytest.mark.parametrize(
    ("protects", "unprotected"),
    [
        (AMAZON["protects"][:1], (BUCKET_URN, "urn:component")),
        ([], (ROLE_URN, BUCKET_URN, "urn:component")),
        (list(reversed(AMAZON["protects"])), ()),
        ([*AMAZON["protects"], {"urn": "urn:new", "id": UNKNOWN}], ()),
        ([*AMAZON["protects"], {"urn": UNKNOWN, "id": UNKNOWN}], ()),
        ([*AMAZON["protects"], UNKNOWN], ()),
    ],
)
def test_protecting_more_or_less_updates(protects: Any, unprotected: tuple[str, ...]) -> None:
    """What was protected and still is has its id: nothing is being replaced. What is taken out is named."""
    assert amazon(protects=protects) == Decision(Answer.UPDATE, unprotected=unprotected)


_RENAMED = {
    "another name": "urn:pulumi:dev::app::aws:iam/role:Role::renamed",
    "another stack": "urn:pulumi:prod::app::aws:iam/role:Role::role",
    "another project": "urn:pulumi:dev::shop::aws:iam/role:Role::role",
    "a parent": "urn:pulumi:dev::app::my:index:Platform$aws:iam/role:Role::role",
    "a name with colons": "urn:pulumi:dev::app::aws:iam/role:Role::a::aws:s3/bucket:Bucket::b",
    "another version of its type": "urn:pulumi:dev::app::aws:iam/roleV2:RoleV2::role",
}


@pytest.mark.parametrize("urn", _RENAMED.values(), ids=_RENAMED)
def test_a_replacement_under_another_urn_replaces_delete_first(urn: str) -> None:
    """A rename, an alias, `stack rename` or another parent must not hide that a role is another one now."""
    _role, *others = AMAZON["protects"]
    assert amazon(protects=[{"urn": urn, "id": "translate"}, *others]) == UPDATE, "only renamed"
    for id_ in ("translate-2", UNKNOWN):
        for protects in ([{"urn": urn, "id": id_}, *others], [*others, {"urn": urn, "id": id_}]):
            assert amazon(protects=protects) == delete_first("protects")


@pytest.mark.parametrize("entry", [UNKNOWN, {"urn": UNKNOWN, "id": UNKNOWN}, {"urn": UNKNOWN, "id": "x"}])
def test_an_urn_that_is_not_known_may_be_the_replaced_role(entry: Any) -> None:
    """Its type is not known either."""
    _role, *others = AMAZON["protects"]
    assert amazon(protects=[entry, *others]) == delete_first("protects")


def test_two_versions_of_an_azure_type_are_the_same_resource() -> None:
    """azure-native gives each version of a type an alias to the others."""
    old, new = (
        f"urn:pulumi:dev::app::azure-native:storage{version}:BlobContainer::c" for version in ("/v20230101", "")
    )
    for id_, decision in (("/c", UPDATE), ("/d", delete_first("protects"))):
        changed = {**AZURE, "protects": [{"urn": new, "id": id_}]}
        assert decide({**AZURE, "protects": [{"urn": old, "id": "/c"}]}, changed) == decision


def test_ids_are_compared_within_a_type() -> None:
    """A bucket may be called as a role was."""
    role, bucket, _ = AMAZON["protects"]
    renamed = {**role, "urn": _RENAMED["another name"], "id": "translate-2"}
    assert amazon(protects=[renamed, {**bucket, "id": "translate"}]) == delete_first("protects")
    assert amazon(protects=[renamed, bucket, {"urn": BUCKET_URN + "-2", "id": "translate"}]) == delete_first("protects")


@pytest.mark.parametrize("type_", ["aws-native:iam:Role", "aws:s3/bucket:Bucket", "my:index:Platform"])
@pytest.mark.parametrize("id_", ["translate-2", UNKNOWN, None])
def test_an_alias_of_another_type_does_not_hide_it(type_: str, id_: Any) -> None:
    """An entry taken out counts as replaced while any new URN may be the replaced resource."""
    _role, *others = AMAZON["protects"]
    entry = {"urn": f"urn:pulumi:dev::app::{type_}::role", "id": id_}
    assert amazon(protects=[*others, entry]) == delete_first("protects")
    assert amazon(protects=others) == Decision(Answer.UPDATE, unprotected=(ROLE_URN,)), "only taken out"


def test_a_duplicate_does_not_hide_a_replacement() -> None:
    """Two resources have the same type and id: one of them stays, or is renamed only."""
    role, twin = AMAZON["protects"][0], {"urn": ROLE_URN + "-twin", "id": "translate"}
    renamed = {"urn": _RENAMED["another name"], "id": "translate-2"}
    old = {**AMAZON, "protects": [role, twin]}
    for left in (twin, {**twin, "urn": ROLE_URN + "-moved"}):
        for protects in ([renamed, left], [left, renamed]):
            assert decide(old, {**AMAZON, "protects": protects}) == delete_first("protects")
    both = [{**role, "urn": ROLE_URN + "-moved"}, {**twin, "urn": ROLE_URN + "-moved-too"}]
    assert decide(old, {**AMAZON, "protects": both}) == UPDATE, "only renamed"


def test_an_entry_that_is_listed_twice_is_one_resource() -> None:
    """By itself, and as part of a component that is protected too."""
    role = AMAZON["protects"][0]
    moved = {**role, "urn": _RENAMED["another name"]}
    for protects in ([moved], [moved, moved]):
        assert decide({**AMAZON, "protects": [role, role]}, {**AMAZON, "protects": protects}) == UPDATE


def test_a_renamed_component_is_not_reported_as_unprotected() -> None:
    """It has no id to know it by; what is in it has."""
    old = {**AMAZON, "protects": [{"urn": "urn:pulumi:dev::app::my:index:Platform::a"}]}
    assert decide(old, {**AMAZON, "protects": [{"urn": "urn:pulumi:dev::app::my:index:Platform::b"}]}) == UPDATE


@pytest.mark.parametrize("odd", [[], ["x"], {}, {"a": 1}, 7.0, True])
def test_an_edited_list_of_the_protected_does_not_fail(odd: Any) -> None:
    """A diff that fails blocks every `up`."""
    entries = [odd, {"urn": odd, "id": "x"}, {"urn": ROLE_URN, "id": odd}]
    for protects in (odd, entries):
        assert decide({**AMAZON, "protects": protects}, AMAZON).answer is not Answer.KEEP


def test_a_component_has_no_id_and_is_not_replaced() -> None:
    """Its urn alone tells nothing; also when it was read from a null."""
    components = [{"urn": ROLE_URN, "id": None}, {"urn": BUCKET_URN}]
    assert decide({**AMAZON, "protects": components}, {**AMAZON, "protects": components}) == KEEP
    named = [{"urn": ROLE_URN, "id": "x"}, {"urn": BUCKET_URN, "id": UNKNOWN}]
    assert decide({**AMAZON, "protects": components}, {**AMAZON, "protects": named}) == UPDATE


def test_another_region_replaces_create_first() -> None:
    """The new place is proven before the old guard goes."""
    assert amazon(region="eu-central-1") == create_first("region")


def test_another_endpoint_replaces_create_first() -> None:
    """The new place is proven before the old guard goes."""
    assert azure(endpoint="https://other.cognitiveservices.azure.com/") == create_first("endpoint")
    assert azure(endpoint="http://name.cognitiveservices.azure.com/") == create_first("endpoint")
    assert azure(endpoint="https://name.cognitiveservices.azure.com:8443/") == create_first("endpoint")
    assert azure(endpoint="https://name.cognitiveservices.azure.com:x/") == create_first("endpoint")
    assert azure(endpoint="https://name.cognitiveservices.azure.com/path") == create_first("endpoint")


@pytest.mark.parametrize(
    "spelled",
    [
        "https://name.cognitiveservices.azure.com",
        "https://NAME.cognitiveservices.azure.com/",
        "HTTPS://name.CognitiveServices.Azure.com//",
        "https://name.cognitiveservices.azure.com:443/",
        "https://name.cognitiveservices.azure.com.:443",
        "http://name.cognitiveservices.azure.com:443/",
    ],
)
def test_an_endpoint_spelled_otherwise_moves_nothing(spelled: str) -> None:
    """A replacement would stop jobs for a slash."""
    assert azure(endpoint=spelled) == UPDATE


def test_another_expected_account_replaces_create_first() -> None:
    """Whether it was written down before, or the guard is in another than the one that is now expected."""
    old = {**OLD_AMAZON, "expected_account_id": "123456789012"}
    assert decide(old, {**AMAZON, "expected_account_id": "210987654321"}) == create_first("expected_account_id")
    assert amazon(expected_account_id="210987654321") == create_first("expected_account_id")


def test_adding_or_removing_the_account_moves_nothing() -> None:
    """The guard is in that account already."""
    assert amazon(expected_account_id="123456789012") == UPDATE
    old = {**OLD_AMAZON, "expected_account_id": "123456789012"}
    for nothing in (AMAZON, {**AMAZON, "expected_account_id": None}):
        assert decide(old, nothing) == UPDATE
    assert decide(AMAZON, {**AMAZON, "expected_account_id": "123456789012"}) == UPDATE, "of an older state"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("__provider", "pickled otherwise"),
        ("name", "other"),
        ("stack", "other"),
        ("project", "other"),
        ("format", 2.0),
        ("on_delete", "drain"),
        ("grace_period", 60.0),
        ("timeout", "1h"),
        ("quiet_period", 0.0),
        ("poll_interval", 5.0),
        ("profile", "ci"),
        ("assume_role_arn", "arn:aws:iam::123456789012:role/ci"),
        ("endpoint_url", "http://127.0.0.1:1"),
        ("api_version", "2026-03-01"),
        ("key_env", "KEY"),
        ("account_resource_id", "/subscriptions/s"),
        ("a property of tomorrow", "x"),
    ],
)
def test_any_other_property_updates(name: str, value: Any) -> None:
    """Also unknown, and also one that this release does not know: "no change" would freeze old code in the state."""
    # An account id that is unknown is that of an account which is being replaced.
    for new in (value,) if name == "account_resource_id" else (value, UNKNOWN):
        assert amazon(**{name: new}) == UPDATE
        assert azure(**{name: new}) == UPDATE
    assert decide({**OLD_AMAZON, name: value}, AMAZON) == UPDATE


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_a_property_that_was_not_stored_has_its_default(name: str) -> None:
    """A new release must not replace, or even update, every guard for a property that it brings."""
    for good in (OLD_AMAZON, AZURE):
        older = {key: value for key, value in good.items() if key != name}
        newer = {**good, name: DEFAULTS[name]}
        assert decide(older, newer) == KEEP
        assert decide({**older, name: None}, newer) == KEEP
        assert decide(newer, older) == KEEP


def test_a_first_trigger_replaces_a_guard_of_an_older_state() -> None:
    """Its default is no trigger."""
    older = {name: value for name, value in OLD_AMAZON.items() if name != "triggers"}
    assert decide(older, AMAZON) == delete_first("triggers")


def test_a_first_protected_resource_updates_an_older_state() -> None:
    """What was never noted cannot have changed."""
    older = {name: value for name, value in OLD_AMAZON.items() if name != "protects"}
    assert decide(older, AMAZON) == UPDATE


def test_a_replaced_resource_wins_over_a_new_place() -> None:
    """What the jobs need goes away: proving the new place first would be too late. All reasons are named."""
    decision = amazon(triggers=["release-2"], region="eu-central-1", scope=UNKNOWN)
    assert decision == delete_first("triggers", "scope", "region")
    first, *others = AMAZON["protects"]
    decision = amazon(protects=[{**first, "id": "translate-2"}, *others], region="eu-central-1")
    assert decision == delete_first("protects", "region")


@pytest.mark.parametrize("triggers", [["release-2"], [], UNKNOWN])
def test_a_new_place_wins_over_a_trigger(triggers: Any) -> None:
    """Nothing is taken away: where the new place does not work, the old guard and its jobs stay as they are."""
    assert amazon(triggers=triggers, region="eu-central-1") == create_first("triggers", "region")
    assert amazon(triggers=triggers, expected_account_id="210987654321") == create_first(
        "triggers", "expected_account_id"
    )
    other = "https://other.cognitiveservices.azure.com/"
    assert azure(triggers=triggers, endpoint=other) == create_first("triggers", "endpoint")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([0.0], [False]),
        ([1.0], [True]),
        ([{"a": [True]}], [{"a": [1.0]}]),
        ([0.0], ["0"]),
        ([0.0], [None]),
        ([[]], [{}]),
        (["a"], "a"),
        ([1.0], [1.0, 1.0]),
        ([{"a": 1.0}], [{"b": 1.0}]),
    ],
)
def test_triggers_are_compared_by_type_as_well(old: Any, new: Any) -> None:
    """At any depth, both ways."""
    for before, after in ((old, new), (new, old)):
        assert decide({**AMAZON, "triggers": before}, {**AMAZON, "triggers": after}) == delete_first("triggers")


def test_numbers_that_are_equal_are_the_same_trigger() -> None:
    """They arrive as floats from the state."""
    old, new = [1.0, {"a": [0.0, 2.5]}, True, None], [1, {"a": [0, 2.5]}, True, None]
    assert decide({**AMAZON, "triggers": old}, {**AMAZON, "triggers": new}) == KEEP


_values = st.sampled_from([UNKNOWN, None, "", "x", 1.0, [], ["x"], [{"urn": ROLE_URN, "id": "y"}]])
_changes = st.dictionaries(st.sampled_from(sorted({*AMAZON, *AZURE, *DEFAULTS, "account_id"})), _values, max_size=4)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([OLD_AMAZON, AZURE]), _changes, _changes)
def test_every_change_counts_and_every_replacement_has_a_reason(
    good: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Of any two sets of properties, also odd ones."""
    old = {**good, **{name: value for name, value in before.items() if value is not UNKNOWN}}
    new = {**good, **after}
    decision = decide(old, new)
    assert (decision.answer is Answer.REPLACE) == bool(decision.because)
    assert decision.answer is Answer.REPLACE or not decision.delete_first
    if decision.answer is Answer.KEEP:
        names = (set(old) | set(new)) - {"account_id"}
        for name in names:
            assert old.get(name) == new.get(name) or DEFAULTS.get(name) in (old.get(name), new.get(name))
    if UNKNOWN in (new.get("protects"), new.get("scope")):
        assert (decision.answer, decision.delete_first) == (Answer.REPLACE, True)
