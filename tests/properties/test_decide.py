"""What `decide` answers for a change, against an oracle written from DESIGN's table and not from the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.guard.changes import Answer, Decision, decide
from translation_job_guard.guard.properties import UNKNOWN

pytestmark = pytest.mark.no_cover

WRITTEN_DEFAULTS: dict[str, Any] = {
    "on_delete": "cancel",
    "grace_period": 0,
    "timeout": "30m",
    "quiet_period": "3s",
    "undecided_timeout": "2m",
    "triggers": [],
    "protects": [],
    "api_version": "2024-05-01",
    "key_env": "AZURE_DOCUMENT_TRANSLATION_KEY",
    "stack": "",
    "project": "",
    "name": "",
    "format": 1,
}
"""DESIGN's public interface; what it does not name is None."""

_ABSENT = object()
_ROLE, _BUCKET = "aws:iam/role:Role", "aws:s3/bucket:Bucket"
_TYPES = {
    "urn:pulumi:dev::app::aws:iam/role:Role::role": _ROLE,
    "urn:pulumi:dev::app::aws:iam/role:Role::renamed": _ROLE,
    "urn:pulumi:prod::app::aws:iam/role:Role::role": _ROLE,
    "urn:pulumi:dev::app::my:index:Platform$aws:iam/role:Role::role": _ROLE,
    "urn:pulumi:dev::app::aws:s3/bucket:Bucket::bucket": _BUCKET,
    "urn:pulumi:dev::app::my:index:Platform$aws:s3/bucketV2:BucketV2::bucket": _BUCKET,
}
"""URNs of a role and a bucket under several names, stacks and parents, and the type of each."""
_ROLES = ("arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b")

_protected = st.fixed_dictionaries(
    {
        "urn": st.sampled_from([*_TYPES, *_TYPES, UNKNOWN]),
        "id": st.sampled_from(["id-1", "id-1", "id-2", None, UNKNOWN]),
    }
)
_values: dict[str, st.SearchStrategy[Any]] = {
    "region": st.sampled_from(["eu-west-1", "eu-west-1", "us-east-1", UNKNOWN]),
    "endpoint": st.sampled_from(
        [
            _ABSENT,
            *("https://a.example", "https://a.example/", "https://A.example", "https://a.example:443/"),
            *("https://b.example", "https://a.example:8443", "https://a.example/b", UNKNOWN),
        ]
    ),
    "expected_account_id": st.sampled_from([_ABSENT, None, "111111111111", "222222222222", UNKNOWN]),
    "account_id": st.sampled_from([_ABSENT, "111111111111"]),
    "scope": st.one_of(
        st.just(UNKNOWN),
        st.lists(
            st.one_of(
                st.fixed_dictionaries(
                    {"data_access_role_arns": st.lists(st.sampled_from([*_ROLES, UNKNOWN]), min_size=1, max_size=2)}
                ),
                st.just({"whole_region": True}),
            ),
            min_size=1,
            max_size=2,
        ),
    ),
    "protects": st.one_of(
        st.sampled_from([_ABSENT, None, UNKNOWN]),
        st.lists(_protected, max_size=3, unique_by=lambda one: str(one["urn"])),
    ),
    "triggers": st.one_of(
        st.sampled_from([_ABSENT, None, UNKNOWN]),
        st.lists(st.sampled_from(["v1", 1.0, 1, True, UNKNOWN]), min_size=1, max_size=1),
        st.lists(st.sampled_from([("deep", 0.0), ("deep", False)]), min_size=1, max_size=1),
    ),
    "on_delete": st.sampled_from([_ABSENT, None, "cancel", "drain", UNKNOWN]),
    "timeout": st.sampled_from([_ABSENT, "30m", "1h", 1800.0]),
    "poll_interval": st.sampled_from([_ABSENT, None, 5]),
    "profile": st.sampled_from([_ABSENT, None, "ops"]),
    "account_resource_id": st.sampled_from([_ABSENT, None, "/subscriptions/s", UNKNOWN]),
    "key_env": st.sampled_from([_ABSENT, "AZURE_DOCUMENT_TRANSLATION_KEY", "OTHER"]),
    "format": st.sampled_from([_ABSENT, 1, 2]),
    "__provider": st.sampled_from([_ABSENT, "code-1", "code-2"]),
    "of_a_newer_release": st.sampled_from([_ABSENT, "x"]),
}


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw old properties, all known as a state's are, and new ones that differ in some."""
    old = {name: draw(values) for name, values in _values.items()}
    old = {name: _settled(value) for name, value in old.items() if value is not _ABSENT}
    # Half of all changes are of one or two properties, so that each row of the table decides often.
    names = draw(st.lists(st.sampled_from(sorted(_values)), max_size=3, unique=True))
    new = {**old, **{name: draw(_values[name]) for name in names}}
    if old.get("protects") and draw(st.booleans()):
        renamed = {one["urn"]: one for one in (draw(_renamed(one)) for one in old["protects"])}
        new["protects"] = draw(st.permutations(list(renamed.values())))
    for one in (old, new):
        # What is in a component may be listed by itself too.
        if isinstance(protects := one.get("protects"), list) and protects and draw(st.booleans()):
            one["protects"] = [*protects, draw(st.sampled_from(protects))]
    return old, {name: value for name, value in new.items() if value is not _ABSENT}


@st.composite
def _renamed(draw: st.DrawFn, one: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a protected resource as it might be after an `up`: under any URN of its type, replaced or not."""
    urns = [urn for urn, type_ in _TYPES.items() if type_ == _TYPES[one["urn"]]]
    return {"urn": draw(st.sampled_from(urns)), "id": draw(st.sampled_from([one["id"], "id-3", UNKNOWN]))}


def _settled(value: Any) -> Any:
    if value is UNKNOWN:
        return None
    if isinstance(value, list):
        return [
            _settled(one)
            for one in value
            if one is not UNKNOWN and not (isinstance(one, dict) and one.get("urn") is UNKNOWN)
        ]
    if isinstance(value, dict):
        return {key: _settled(one) for key, one in value.items()}
    return value


def expected(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Answer, bool]:
    """Return the answer of DESIGN's table, and whether the old guard is deleted first."""
    before, after = _with_defaults(old, new), _with_defaults(new, old)
    # What the jobs need is being replaced: delete first.
    if after["protects"] is UNKNOWN or after["scope"] is UNKNOWN:
        return Answer.REPLACE, True
    if _any_was_replaced(before["protects"], after["protects"]):
        return Answer.REPLACE, True
    # The same holds of a place that is unknown as a whole: the Translator resource itself is being replaced.
    if UNKNOWN in (after[name] for name in ("region", "endpoint", "expected_account_id", "account_resource_id")):
        return Answer.REPLACE, True
    here = before["expected_account_id"] or before["account_id"]
    other_account = here is not None and after["expected_account_id"] not in (None, here)
    if before["region"] != after["region"] or _host(before) != _host(after) or other_account:
        return Answer.REPLACE, False
    # It was asked for.
    if _typed(before["triggers"]) != _typed(after["triggers"]):
        return Answer.REPLACE, True
    same = all(_typed(before[name]) == _typed(after[name]) for name in before if name != "account_id")
    return (Answer.KEEP if same else Answer.UPDATE), False


def _any_was_replaced(before: Any, after: Any) -> bool:
    """Check whether an ID changed, or more URNs of a type and ID vanished than appeared while any appeared."""
    old, new = ({one["urn"]: one["id"] for one in entries if one["urn"] is not UNKNOWN} for entries in (before, after))
    if any(id_ is not None and urn in new and new[urn] != id_ for urn, id_ in old.items()):
        return True
    gone = [(_TYPES[urn], id_) for urn, id_ in old.items() if urn not in new and id_ is not None]
    come = [(_TYPES[urn], id_) for urn, id_ in new.items() if urn not in old]
    appeared = come or any(one["urn"] is UNKNOWN for one in after)
    return bool(appeared) and any(gone.count(one) > come.count(one) for one in gone)


def _typed(value: Any) -> Any:
    """Text in which equal numbers are equal and True is not 1."""
    if isinstance(value, (list, tuple)):
        return [_typed(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _typed(one) for name, one in value.items()}
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value)


def _with_defaults(properties: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    names = {*_values, *properties, *others}
    given = {name: properties.get(name) for name in names}
    return {name: WRITTEN_DEFAULTS.get(name) if value is None else value for name, value in given.items()}


def _host(properties: Mapping[str, Any]) -> str | None:
    endpoint = properties["endpoint"]
    return None if endpoint is None else str(endpoint).lower().replace(":443", "").rstrip("/")


def check(change: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Check that the answer is the table's, has a reason, and is never "keep" when anything differs."""
    old, new = change
    decision = decide(old, new)
    assert (decision.answer, decision.delete_first) == expected(old, new)
    assert bool(decision.because) == (decision.answer is Answer.REPLACE), "a replacement says what asks for it"
    for name in decision.because:
        changed = _typed(old.get(name)) != _typed(new.get(name))
        assert changed, f"{name} asks for a replacement and has not changed"
    before = [one["urn"] for one in old.get("protects") or []]
    after = new.get("protects") or []
    gone = [] if after is UNKNOWN else [urn for urn in before if urn not in [one["urn"] for one in after]]
    assert set(decision.unprotected) <= set(gone), "only what is protected no longer is reported so"
    if decision.answer is Answer.UPDATE and not after:
        assert set(decision.unprotected) == set(gone), "what is protected no longer is reported"
    without_account = {name: value for name, value in old.items() if name != "account_id"}
    if decision.answer is Answer.KEEP:
        stored = {**WRITTEN_DEFAULTS, **{key: value for key, value in without_account.items() if value is not None}}
        wanted = {key: value for key, value in new.items() if key != "account_id" and value is not None}
        assert {**WRITTEN_DEFAULTS, **wanted} == stored, "kept although something differs"


@given(changes())
def test_the_answer_is_the_tables(change: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Every change gets the answer of DESIGN's table, whatever else changes with it."""
    check(change)


@settings(max_examples=300)
@given(changes())
def test_what_does_not_change_is_kept(change: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Settled properties against themselves are kept, also where a newer release writes out the defaults."""
    old, _ = change
    old = {**old, "scope": old.get("scope") or [{"whole_region": True}]}
    assert decide(old, old) == Decision(Answer.KEEP)
    stored = {name: value for name, value in old.items() if value is not None}
    assert decide(old, {**WRITTEN_DEFAULTS, **stored}) == Decision(Answer.KEEP)
