"""Keep, update or replace: every row of the design's table, and what must not move a guard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.arguments import DEFAULTS, UNKNOWN
from translation_job_guard.decide import Answer, Decision, decide

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


@pytest.mark.parametrize("name", ["protects", "scope", "region", "expected_account_id"])
def test_what_the_engine_makes_unknown_as_a_whole_replaces_an_amazon_guard_delete_first(name: str) -> None:
    """So the engine asks when what the property comes from is about to be replaced: nothing else calls the guard."""
    decision = amazon(**{name: UNKNOWN})
    assert (decision.answer, decision.delete_first, name in decision.because) == (Answer.REPLACE, True, True)


@pytest.mark.parametrize("name", ["protects", "scope", "endpoint", "account_resource_id"])
def test_what_the_engine_makes_unknown_as_a_whole_replaces_an_azure_guard_delete_first(name: str) -> None:
    """A Translator resource that is replaced takes away the only endpoint that can cancel."""
    decision = azure(**{name: UNKNOWN})
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
def test_something_protected_that_has_another_id_replaces_delete_first(id_: Any) -> None:
    """It is being replaced, and the jobs that need the old one must end before."""
    first, *others = AMAZON["protects"]
    assert amazon(protects=[{**first, "id": id_}, *others]) == delete_first("protects")
    assert azure(protects=[*others, {**first, "id": id_}]) == delete_first("protects")


@pytest.mark.parametrize(
    "protects",
    [
        AMAZON["protects"][:1],
        [],
        list(reversed(AMAZON["protects"])),
        [*AMAZON["protects"], {"urn": "urn:new", "id": UNKNOWN}],
        [*AMAZON["protects"], {"urn": UNKNOWN, "id": UNKNOWN}],
        [*AMAZON["protects"], UNKNOWN],
    ],
)
def test_protecting_more_or_less_updates(protects: Any) -> None:
    """What was protected and still is has its id: nothing is being replaced."""
    assert amazon(protects=protects) == UPDATE


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
    assert azure(endpoint="https://name.cognitiveservices.azure.com/path") == create_first("endpoint")


@pytest.mark.parametrize(
    "spelled",
    [
        "https://name.cognitiveservices.azure.com",
        "https://NAME.cognitiveservices.azure.com/",
        "HTTPS://name.CognitiveServices.Azure.com//",
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


def test_writing_down_the_account_or_taking_the_note_away_moves_nothing() -> None:
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
def test_a_property_that_an_older_release_did_not_store_is_as_its_default(name: str) -> None:
    """A new release must not replace, or even update, every guard for a property that it brings."""
    for good in (OLD_AMAZON, AZURE):
        older = {key: value for key, value in good.items() if key != name}
        newer = {**good, name: DEFAULTS[name]}
        assert decide(older, newer) == KEEP
        assert decide({**older, name: None}, newer) == KEEP
        assert decide(newer, older) == KEEP


def test_a_trigger_against_an_older_state_without_triggers_replaces() -> None:
    """Its default is no trigger."""
    older = {name: value for name, value in OLD_AMAZON.items() if name != "triggers"}
    assert decide(older, AMAZON) == delete_first("triggers")


def test_protecting_against_an_older_state_without_protects_updates() -> None:
    """What was never noted cannot have changed."""
    older = {name: value for name, value in OLD_AMAZON.items() if name != "protects"}
    assert decide(older, AMAZON) == UPDATE


def test_delete_first_wins_over_create_first_and_all_reasons_are_named() -> None:
    """What the jobs need goes away: proving the new place first would be too late."""
    decision = amazon(triggers=["release-2"], region="eu-central-1", scope=UNKNOWN)
    assert decision == delete_first("triggers", "scope", "region")


_values = st.sampled_from([UNKNOWN, None, "", "x", 1.0, [], ["x"], [{"urn": ROLE_URN, "id": "y"}]])
_changes = st.dictionaries(st.sampled_from(sorted({*AMAZON, *AZURE, *DEFAULTS, "account_id"})), _values, max_size=4)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([OLD_AMAZON, AZURE]), _changes, _changes)
def test_whatever_changes_is_never_kept_and_every_replacement_has_a_reason(
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
