"""The dynamic providers, called as Pulumi calls them, in this process, against the emulator."""

from __future__ import annotations

import copy
import itertools
import re
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown as PulumiUnknown

from translation_job_guard import errors
from translation_job_guard.emulator import Emulator
from translation_job_guard.guard import lifecycle
from translation_job_guard.provider import (
    AmazonTranslateJobGuardProvider,
    AzureDocumentTranslationJobGuardProvider,
    _GuardProvider,
)
from translation_job_guard.teardown import CannotTell, TeardownRefused

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/translate"
STORE = "https://store.blob.core.windows.net"
UNKNOWN = PulumiUnknown()  # type: ignore[no-untyped-call]
SECRET = "planted-secret-0123456789"

_ids = (f"guard-{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a delete: credentials of the emulator's account, and no others."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AZURE_DOCUMENT_TRANSLATION_KEY", "emulator-key")


def properties(provider: _GuardProvider, emulator: Emulator, **changes: Any) -> dict[str, Any]:
    """A guard's inputs as the engine hands them over."""
    common = {
        "__provider": serialize_provider(provider),
        "name": "guard",
        "stack": "dev",
        "project": "app",
        "format": 1.0,
        "protects": [],
        "triggers": [],
        "on_delete": "cancel",
        "grace_period": 0.0,
        "timeout": 60.0,
        "quiet_period": 0.0,
    }
    if isinstance(provider, AmazonTranslateJobGuardProvider):
        own = {
            "service": "amazon-translate",
            "region": "eu-west-1",
            "scope": [{"job_name_prefixes": ["pr-17-"]}],
            "endpoint_url": emulator.url,
        }
    else:
        own = {
            "service": "azure-document-translation",
            "endpoint": emulator.azure_endpoint("translator"),
            "scope": [{"container_urls": [f"{STORE}/source-17"]}],
            "api_version": "2024-05-01",
            "key_env": "AZURE_DOCUMENT_TRANSLATION_KEY",
        }
    return {**common, **own, **changes}


AMAZON, AZURE = AmazonTranslateJobGuardProvider(), AzureDocumentTranslationJobGuardProvider()
BOTH = pytest.mark.parametrize("provider", [AMAZON, AZURE], ids=["amazon", "azure"])


def add(emulator: Emulator, *names: str) -> list[str]:
    """Running Amazon jobs with these names."""
    return emulator.control.add_jobs([{"name": name, "role": ROLE, "region": "eu-west-1"} for name in names])


def states(emulator: Emulator) -> dict[str, str]:
    """The state of every job at the service."""
    return {job["id"]: job["state"] for job in emulator.control.jobs()}


def stopped(emulator: Emulator) -> set[str]:
    """The jobs that do not run any more."""
    return {id_ for id_, state in states(emulator).items() if state.lower() in ("stopped", "cancelled")}


def fails(kind: type[errors.GuardError], call: Callable[[], Any]) -> str:
    """The last line of what Pulumi prints of the error that `call` ends in: all of it, and its own traceback alone."""
    with pytest.raises(errors.GuardError) as caught:
        call()
    assert issubclass(type(caught.value), kind)
    kind = type(caught.value)
    printed = "".join(traceback.format_exception(caught.value))
    assert "direct cause" not in printed
    assert "During handling" not in printed
    assert SECRET not in printed
    last = printed.rstrip("\n").splitlines()[-1]
    assert last == f"{kind.__module__}.{kind.__name__}: {caught.value}", "all of the message in one line"
    assert str(caught.value).startswith("[dev/guard] ")
    return last


# check


@BOTH
def test_good_properties_are_let_pass_as_they_are(provider: _GuardProvider, emulator: Emulator) -> None:
    """Nothing is filled in: what is stored is what the program said."""
    news = properties(provider, emulator)
    result = provider.check({}, copy.deepcopy(news))
    assert (result.inputs, result.failures) == (news, [])


@BOTH
def test_every_failure_is_told_under_no_property(provider: _GuardProvider, emulator: Emulator) -> None:
    """Under a property's own name Pulumi prints its whole value: the reason names it instead."""
    selector = "container_urls" if provider is AZURE else "data_access_role_arns"
    news = properties(
        provider, emulator, on_delete=SECRET, timeout=SECRET, scope=[{selector: [f"{STORE}/c?sig={SECRET}"]}]
    )
    failures = provider.check({}, news).failures
    assert [failure.property for failure in failures] == ["", "", ""]
    assert [failure.reason.split()[0] for failure in failures] == ["`on_delete`", "`timeout`", f"`scope.{selector}[0]`"]
    assert all(failure.reason.endswith(".") and SECRET not in failure.reason for failure in failures)


@BOTH
def test_old_properties_are_never_checked_again(provider: _GuardProvider, emulator: Emulator) -> None:
    """What a stricter release would refuse must still be mended, and deleted."""
    assert provider.check({"scope": "odd", "timeout": -1}, properties(provider, emulator)).failures == []


@BOTH
def test_pulumis_unknown_values_are_let_pass_at_any_depth(provider: _GuardProvider, emulator: Emulator) -> None:
    """In preview outputs of other resources are not known."""
    selector = "container_urls" if provider is AZURE else "data_access_role_arns"
    for changes in (
        {"scope": UNKNOWN},
        {"scope": [UNKNOWN]},
        {"scope": [{selector: UNKNOWN}]},
        {"scope": [{selector: [UNKNOWN]}]},
        {"region": UNKNOWN, "endpoint": UNKNOWN, "timeout": UNKNOWN, "on_delete": UNKNOWN},
        {"protects": [{"urn": "urn:a", "id": UNKNOWN}]},
    ):
        assert provider.check({}, properties(provider, emulator, **changes)).failures == []


# diff


@BOTH
def test_a_diff_is_what_decide_says(provider: _GuardProvider, emulator: Emulator) -> None:
    """Keep, update, and both ways of a replacement; without a cloud call for the first two."""
    olds = properties(provider, emulator, account_id=ACCOUNT)
    kept = provider.diff(next(_ids), olds, properties(provider, emulator))
    assert (kept.changes, kept.replaces, kept.delete_before_replace) == (False, [], False)
    updated = provider.diff(next(_ids), olds, properties(provider, emulator, on_delete="drain"))
    assert (updated.changes, updated.replaces, updated.delete_before_replace) == (True, [], False)
    assert emulator.control.requests() == []
    replaced = provider.diff(next(_ids), olds, properties(provider, emulator, triggers=["x"], scope=UNKNOWN))
    assert (replaced.changes, replaced.delete_before_replace) == (True, True)
    assert replaced.replaces == ["triggers", "scope"]
    place = {"region": "eu-central-1", "endpoint": "https://elsewhere.example.com"}
    moved = provider.diff(next(_ids), olds, properties(provider, emulator, **place))
    assert (moved.changes, moved.delete_before_replace) == (True, False)


def test_a_replacement_says_once_what_it_would_stop(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """One line in preview, of the guard's own jobs alone; and nothing is stopped by it."""
    ids = add(emulator, *[f"pr-17-{number}" for number in range(7)])
    add(emulator, "pr-1-neighbour")
    guard, olds = next(_ids), properties(AMAZON, emulator, account_id=ACCOUNT)
    for _ in range(3):
        AMAZON.diff(guard, olds, properties(AMAZON, emulator, triggers=["x"]))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("[dev/guard] a replacement stops 7 jobs in flight: ")
    assert line.endswith(" and 4 more")
    assert sum(id_ in line for id_ in ids) == 3
    assert "neighbour" not in line
    assert stopped(emulator) == set()


def test_a_replacement_that_stops_nothing_says_so(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """That is the good news of most previews."""
    AMAZON.diff(next(_ids), properties(AMAZON, emulator), properties(AMAZON, emulator, triggers=["x"]))
    assert capsys.readouterr().out == ("[dev/guard] a replacement stops nothing: no job in its scope is in flight\n")


@pytest.mark.parametrize(
    ("mode", "does"),
    [
        ("drain", "waits for the end of 1 job in flight: "),
        ("fail", "is refused because of 1 job in flight: "),
        ("ignore", "leaves 1 job in flight: "),
    ],
)
def test_a_replacement_says_what_its_mode_does(
    mode: str, does: str, emulator: Emulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the guard's own mode, and by the environment's."""
    add(emulator, "pr-17-a")
    news = properties(AMAZON, emulator, triggers=["x"])
    AMAZON.diff(next(_ids), properties(AMAZON, emulator, on_delete=mode), news)
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", f"guard={mode}")
    AMAZON.diff(next(_ids), properties(AMAZON, emulator), news)
    own, overridden = capsys.readouterr().out.splitlines()
    assert own.startswith(f"[dev/guard] a replacement {does}")
    assert overridden == own


def test_a_preview_does_not_fail_for_its_line(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither for a denial nor for a state that cannot be read."""
    emulator.control.fault("ListTextTranslationJobs", "denied")
    news = properties(AMAZON, emulator, triggers=["x"])
    assert AMAZON.diff(next(_ids), properties(AMAZON, emulator), news).changes
    assert "could not be found out" in capsys.readouterr().out
    assert AMAZON.diff(next(_ids), properties(AMAZON, emulator, scope=[]), news).changes
    assert capsys.readouterr().out == ""


# create


@BOTH
def test_create_stores_all_inputs_and_touches_no_job(provider: _GuardProvider, emulator: Emulator) -> None:
    """At AWS with the account that the credentials lead to."""
    add(emulator, "pr-17-a")
    news = properties(provider, emulator)
    result = provider.create(copy.deepcopy(news))
    account = {"account_id": ACCOUNT} if provider is AMAZON else {}
    assert result.outs == {**news, **account}
    assert stopped(emulator) == set()


@BOTH
def test_each_creation_has_an_id_of_its_own(provider: _GuardProvider, emulator: Emulator) -> None:
    """A create-first replacement has two guards at once."""
    ids = {provider.create(properties(provider, emulator)).id for _ in range(3)}
    assert len(ids) == 3
    assert all(id_.startswith("guard-") for id_ in ids)


def test_create_refuses_another_account_than_the_expected_one(emulator: Emulator) -> None:
    """Before anything is stored; both are named."""
    news = properties(AMAZON, emulator, expected_account_id="210987654321")
    last = fails(errors.WrongAccount, lambda: AMAZON.create(news))
    assert f"lead to AWS account {ACCOUNT}, and `expected_account_id` is 210987654321" in last


@pytest.mark.parametrize("operation", ["ListTextTranslationJobs", "StopTextTranslationJob"])
def test_create_refuses_what_could_never_do_its_work(operation: str, emulator: Emulator) -> None:
    """The permission that is missing is named."""
    emulator.control.fault(operation, "denied")
    last = fails(errors.Denied, lambda: AMAZON.create(properties(AMAZON, emulator)))
    assert f"translate:{operation}" in last


def test_create_with_a_wrong_key_is_one_line_without_the_key(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Azure SDK's messages have several lines; the remedy is the last thing in this one."""
    monkeypatch.setenv("AZURE_DOCUMENT_TRANSLATION_KEY", SECRET)
    last = fails(errors.CredentialsUnusable, lambda: AZURE.create(properties(AZURE, emulator, timeout=1.0)))
    assert "AZURE_DOCUMENT_TRANSLATION_KEY" in last


# update


@BOTH
def test_an_update_that_stops_nothing_asks_nothing(provider: _GuardProvider, emulator: Emulator) -> None:
    """All inputs are stored, and the account is kept; the default update would wipe every output."""
    olds = properties(provider, emulator, account_id=ACCOUNT)
    wider = [*olds["scope"], {"whole_region" if provider is AMAZON else "whole_resource": True}]
    for changes in ({"on_delete": "drain"}, {"scope": wider}):
        news = properties(provider, emulator, **changes)
        account = {"account_id": ACCOUNT} if provider is AMAZON else {}
        assert provider.update(next(_ids), olds, copy.deepcopy(news)).outs == {**news, **account}
    assert emulator.control.requests() == []


def test_a_narrowed_scope_stops_what_it_leaves_behind(emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """And neither what the new scope covers nor what the old one did not."""
    left, kept, other = add(emulator, "pr-17-a", "pr-18-a", "pr-19-a")
    olds = properties(AMAZON, emulator, account_id=ACCOUNT, scope=[{"job_name_prefixes": ["pr-17-", "pr-18-"]}])
    news = properties(AMAZON, emulator, scope=[{"job_name_prefixes": ["pr-18-", "pr-20-"]}])
    AMAZON.update(next(_ids), olds, news)
    assert stopped(emulator) == {left}
    assert {kept, other} <= states(emulator).keys()
    assert all(line.startswith("[dev/guard] ") for line in capsys.readouterr().out.splitlines())


def test_an_update_finds_out_an_account_that_was_not_stored(emulator: Emulator) -> None:
    """Without it no later delete could tell whether it is in the right account."""
    updated = AMAZON.update(next(_ids), properties(AMAZON, emulator), properties(AMAZON, emulator, on_delete="drain"))
    assert updated.outs is not None
    assert updated.outs["account_id"] == ACCOUNT


@pytest.mark.parametrize("changes", [{"profile": "other"}, {"endpoint_url": None}])
def test_an_update_to_another_account_is_refused(
    changes: dict[str, Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the stored account alone, where the program expects none; what was stored stays stored."""
    emulator.control.settings(accounts={"AKIAOTHER": "210987654321"})
    (tmp_path / "config").write_text(
        f"[profile other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key={SECRET}\n", encoding="utf-8"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    if "profile" not in changes:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    olds = properties(AMAZON, emulator, account_id=ACCOUNT)
    last = fails(errors.WrongAccount, lambda: AMAZON.update(next(_ids), olds, properties(AMAZON, emulator, **changes)))
    assert f"lead to account 210987654321, and the guard was made for {ACCOUNT}" in last


def test_an_update_in_another_account_is_refused(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored, it would look for its jobs where they are not; nothing is stopped either."""
    add(emulator, "pr-17-a")
    emulator.control.settings(accounts={"AKIAOTHER": "210987654321"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    olds = properties(AMAZON, emulator, account_id=ACCOUNT)
    news = properties(AMAZON, emulator, expected_account_id=ACCOUNT, scope=[{"job_ids": ["a"]}])
    last = fails(errors.WrongAccount, lambda: AMAZON.update(next(_ids), olds, news))
    assert f"lead to account 210987654321, and the guard was made for {ACCOUNT}" in last
    assert stopped(emulator) == set()


# delete


@pytest.mark.parametrize(
    ("provider", "mine", "others"),
    [
        (
            AMAZON,
            [{"name": "pr-17-a", "role": ROLE, "region": "eu-west-1"}],
            [{"name": name, "role": ROLE, "region": "eu-west-1"} for name in ("pr-1-a", "other")],
        ),
        (
            AZURE,
            [{"resource": "translator", "source": f"{STORE}/source-17", "target": f"{STORE}/target"}],
            [{"resource": "translator", "source": f"{STORE}/source-1", "target": f"{STORE}/target"}],
        ),
    ],
    ids=["amazon", "azure"],
)
def test_delete_stops_the_jobs_in_scope_and_no_other(
    provider: _GuardProvider,
    mine: list[dict[str, Any]],
    others: list[dict[str, Any]],
    emulator: Emulator,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By names, or by the containers of their documents; the last line says what was done."""
    ids = emulator.control.add_jobs([*mine, *others])
    provider.delete(next(_ids), properties(provider, emulator))
    assert stopped(emulator) == set(ids[: len(mine)])
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("[dev/guard] ") for line in lines)
    assert lines[-1].startswith("[dev/guard] quiet: 1 stopped; ")


def test_delete_in_another_account_is_refused(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet there says nothing about here."""
    add(emulator, "pr-17-a")
    emulator.control.settings(accounts={"AKIAOTHER": "210987654321"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    last = fails(errors.WrongAccount, lambda: AMAZON.delete("id", properties(AMAZON, emulator, account_id=ACCOUNT)))
    assert "TRANSLATION_JOB_GUARD_ON_DELETE=ignore goes on without looking." in last


def test_a_refused_delete_names_the_jobs_without_secrets(emulator: Emulator) -> None:
    """Names of jobs are anybody's text: a signature in one is kept out, and so is a line break."""
    (job,) = add(emulator, f"pr-17-{SECRET}\n?sig={SECRET}")
    refused = properties(AMAZON, emulator, account_id=ACCOUNT, on_delete="fail")
    last = fails(TeardownRefused, lambda: AMAZON.delete("id", refused))
    assert job in last
    assert "sig=…" in last
    assert last.endswith("and run the same command again.")
    assert stopped(emulator) == set()


def test_a_delete_that_cannot_tell_is_an_error(emulator: Emulator) -> None:
    """Never a success."""
    emulator.control.fault("ListTextTranslationJobs", "denied")
    last = fails(CannotTell, lambda: AMAZON.delete("id", properties(AMAZON, emulator, account_id=ACCOUNT)))
    assert "cannot be determined" in last


def test_the_expected_account_counts_if_none_was_stored(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an update and for a delete."""
    emulator.control.settings(accounts={"AKIAOTHER": "210987654321"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    olds = properties(AMAZON, emulator)
    news = properties(AMAZON, emulator, expected_account_id=ACCOUNT)
    for call in (lambda: AMAZON.update(next(_ids), olds, news), lambda: AMAZON.delete("id", news)):
        assert f"the guard was made for {ACCOUNT}" in fails(errors.WrongAccount, call)


def test_what_never_answers_is_left_behind_at_the_timeout(emulator: Emulator) -> None:
    """Also before the first listing, where an SDK would attempt it three times, 20 s each."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silence = {"endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}", "timeout": 0.5}
        props = properties(AMAZON, emulator, account_id=ACCOUNT, **silence)
        last = fails(CannotTell, lambda: AMAZON.delete("id", props))
        assert "no answer came in 0.5 s from the service, or from where the credentials are looked for." in last
        assert "no answer came in 0.5 s" in fails(errors.Transient, lambda: AMAZON.create(props))
        AMAZON.delete("id", {**props, "on_delete": "ignore"})


@BOTH
def test_an_edited_state_is_an_error_with_the_remedy(provider: _GuardProvider, emulator: Emulator) -> None:
    """A scope that was taken out by hand is not "nothing to stop"."""
    last = fails(errors.InvalidArgument, lambda: provider.delete("id", properties(provider, emulator, scope=[])))
    assert "pulumi stack export, import" in last
    assert emulator.control.requests() == []


BROKEN = pytest.mark.parametrize(
    ("provider", "changes", "environment"),
    [
        (AMAZON, {}, {"AWS_ACCESS_KEY_ID": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": ROLE}),
        (AMAZON, {"profile": "garbage"}, {}),
        (AMAZON, {"profile": "missing"}, {}),
        (AMAZON, {"endpoint_url": None}, {"AWS_ENDPOINT_URL": "localhost:4566"}),
        (AMAZON, {"endpoint_url": "localhost"}, {}),
        (AMAZON, {"endpoint_url": "https://127.0.0.1:1"}, {"AWS_CA_BUNDLE": "/nowhere"}),
        (AMAZON, {"region": "eu west"}, {}),
        (AZURE, {"endpoint": "https://127.0.0.1:1"}, {"REQUESTS_CA_BUNDLE": "/nowhere"}),
        (AZURE, {"endpoint": "no url"}, {}),
        (
            AZURE,
            {},
            {
                "AZURE_DOCUMENT_TRANSLATION_KEY": "",
                "AZURE_CLIENT_ID": "a",
                "AZURE_TENANT_ID": "b",
                "AZURE_CLIENT_CERTIFICATE_PATH": "/nowhere",
            },
        ),
        (AZURE, {}, {"AZURE_DOCUMENT_TRANSLATION_KEY": "", "AZURE_AUTHORITY_HOST": "http://127.0.0.1:1"}),
        (AZURE, {"account_resource_id": "/edited"}, {"AZURE_DOCUMENT_TRANSLATION_KEY": ""}),
    ],
    ids=[
        "web identity file",
        "credential process",
        "profile",
        "endpoint without scheme",
        "stored endpoint",
        "AWS certificates",
        "region",
        "Azure certificates",
        "stored Azure endpoint",
        "client certificate",
        "authority",
        "account_resource_id",
    ],
)


@BROKEN
def test_an_unusable_environment_is_an_error_with_advice(
    provider: _GuardProvider,
    changes: dict[str, Any],
    environment: dict[str, str],
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Whatever an SDK raises for it, in each call; mode ignore lets the destroy through."""
    (tmp_path / "config").write_text(f"[profile garbage]\ncredential_process = echo {SECRET}\n", encoding="utf-8")
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "config"), **environment}.items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name)
    olds = properties(provider, emulator, account_id=ACCOUNT, timeout=1.5)
    news = {**olds, **changes}
    narrower = (
        [{"job_ids": ["a"]}] if provider is AMAZON else [{"translation_ids": ["0" * 8 + "-0000" * 3 + "-" + "0" * 12]}]
    )
    for call in (
        lambda: provider.create(dict(news)),
        lambda: provider.update(next(_ids), olds, {**news, "scope": narrower}),
        lambda: provider.delete("id", news),
    ):
        assert re.search(r"(run|Run) (this|the same command) again", fails(errors.GuardError, call))
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "ignore")
    provider.delete("id", news)


@BOTH
@pytest.mark.parametrize(
    "edit", [{"scope": []}, {"timeout": "soon"}, {"format": 99}, {"format": 10**400}, {"protects": 3}]
)
def test_ignore_lets_a_state_through_that_cannot_be_read(
    provider: _GuardProvider, edit: dict[str, Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By the environment, for all guards or for this one, and where it is stored. An override still wins."""
    props = properties(provider, emulator, **edit)
    fails(errors.GuardError, lambda: provider.delete("id", props))
    provider.delete("id", {**props, "on_delete": "ignore"})
    for text in ("ignore", "guard=ignore", "dev/guard=ignore"):
        monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", text)
        provider.delete("id", props)
    assert "[dev/guard] mode ignore: could not find out what is left" in capsys.readouterr().out
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "drain")
    fails(errors.GuardError, lambda: provider.delete("id", {**props, "on_delete": "ignore"}))
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "nonsense")
    fails(errors.InvalidArgument, lambda: provider.delete("id", props))


def test_an_error_has_no_control_characters(emulator: Emulator) -> None:
    """A terminal shows it: nothing in a job's name is obeyed."""
    add(emulator, "pr-17-\x1b[2Ja")
    refused = properties(AMAZON, emulator, account_id=ACCOUNT, on_delete="fail")
    last = fails(TeardownRefused, lambda: AMAZON.delete("id", refused))
    assert "pr-17-a" in last


@BOTH
def test_a_foreign_exception_never_leaves_the_provider(
    provider: _GuardProvider, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor its text as it is: it goes by the redaction, and is one line."""

    def broken(*_: Any, **__: Any) -> None:
        raise SystemExit(f"?sig={SECRET}\nsecond line")

    for name in ("prove", "tear_down", "stop_left_behind"):
        monkeypatch.setattr(lifecycle, name, broken)
    monkeypatch.setattr("translation_job_guard.guard.operations.decide", broken)
    olds = properties(provider, emulator, account_id=ACCOUNT)
    for call in (
        lambda: provider.create(dict(olds)),
        lambda: provider.update(next(_ids), olds, dict(olds)),
        lambda: provider.delete("id", olds),
        lambda: provider.diff(next(_ids), olds, olds),
    ):
        last = fails(errors.UnexpectedError, call)
        assert "docs/runbook.md" in last


def test_tracebacks_are_shortened_for_dynamic_resources_only(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only once a guard has failed there."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    good, bad = properties(AMAZON, emulator), properties(AMAZON, emulator, scope=[])
    with pytest.raises(errors.InvalidArgument):
        AMAZON.delete("id", bad)
    assert sys.tracebacklimit == 1000
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name="pulumi.dynamic.__main__"))
    AMAZON.delete("id", good)
    assert sys.tracebacklimit == 1000
    with pytest.raises(errors.InvalidArgument):
        AMAZON.delete("id", bad)
    assert sys.tracebacklimit == 0


@BOTH
def test_read_returns_what_is_stored(provider: _GuardProvider, emulator: Emulator) -> None:
    """A refresh never shows a drift that is none."""
    stored: Mapping[str, Any] = properties(provider, emulator, account_id=ACCOUNT)
    result = provider.read("guard-1", dict(stored))
    assert (result.id, result.outs) == ("guard-1", stored)
    assert emulator.control.requests() == []


def test_a_narrower_scope_says_in_preview_what_it_would_stop(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a replacement does; what the new scope still covers is not named, and nothing is stopped by it."""
    left, kept = add(emulator, "pr-17-a", "pr-18-a")
    guard = next(_ids)
    olds = properties(AMAZON, emulator, account_id=ACCOUNT, scope=[{"job_name_prefixes": ["pr-17-", "pr-18-"]}])
    AMAZON.diff(guard, olds, properties(AMAZON, emulator, scope=[{"job_name_prefixes": ["pr-18-"]}]))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("[dev/guard] the changed scope stops 1 job in flight: ")
    assert left in line
    assert kept not in line
    assert stopped(emulator) == set()


def test_a_wider_or_unknown_scope_says_nothing_in_preview(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to tell, or nothing that could be told yet."""
    add(emulator, "pr-17-a")
    olds = properties(AMAZON, emulator, account_id=ACCOUNT, scope=[{"job_name_prefixes": ["pr-17-"]}])
    for scope in ([{"job_name_prefixes": ["pr-17-"]}, {"job_ids": ["a"]}], [{"job_ids": [UNKNOWN]}]):
        AMAZON.diff(next(_ids), olds, properties(AMAZON, emulator, scope=scope))
    assert capsys.readouterr().out == ""
