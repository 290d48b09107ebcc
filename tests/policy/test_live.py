"""The live rules, against the emulator by the real SDKs."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.policy.support import (
    ACCOUNT,
    ASSUMED_BY_LAMBDA,
    ASSUMED_BY_TRANSLATE,
    REGION,
    UNKNOWN,
    Resource,
    Servicer,
    Violation,
    account,
    amazon_guard,
    azure_guard,
    bucket,
    container,
    judge,
    provider,
    role,
    storage,
)
from tests.support.emulator import azure
from translation_job_guard.emulator import Emulator
from translation_job_guard.policies import policies

ORPHANED = "orphaned-translation-jobs"
OVERDUE = "overdue-translation-jobs"
ABANDONED = "abandoned-translation-jobs"
REACHABLE = "translation-places-reachable"
ARN = f"arn:aws:iam::{ACCOUNT}:role/translate"


def look(resources: list[Resource], config: Mapping[str, Mapping[str, Any]] | None = None) -> list[Violation]:
    """What the live rules say of a stack."""
    return Servicer(policies(only=[ORPHANED, OVERDUE, ABANDONED, REACHABLE]), config).stack(resources)


def of(found: list[Violation], rule: str) -> list[Violation]:
    return [one for one in found if one.rule == rule]


def add(emulator: Emulator, count: int = 1, **changes: Any) -> list[str]:
    """Jobs in flight under the stack's role."""
    job = {
        "name": "batch",
        "region": REGION,
        "role": ARN,
        "input": "s3://input/a/",
        "output": "s3://output/b/",
        "run_time": 1e7,
        **changes,
    }
    return emulator.control.add_jobs([job] * count)


def batch(
    emulator: Emulator, container_url: str = "https://store.blob.core.windows.net/documents", **changes: Any
) -> str:
    entry = {"resource": "translator", "source": f"{container_url}/in", "target": f"{container_url}/out"}
    return emulator.control.add_jobs([{**entry, "counted": True, "run_time": 1e7, **changes}])[0]


def in_emulator(emulator: Emulator, name: str = "translator", **arguments: Any) -> Resource:
    return account(name, endpoint=emulator.azure_endpoint(name), **arguments)


# orphaned-translation-jobs


def test_a_job_under_an_unguarded_role_violates(emulator: Emulator) -> None:
    """It says which job, in which state, for how long, why that matters, and the guard to paste."""
    [job] = add(emulator, submitted=time.time() - 7200)
    [found] = of(look([role(), bucket()]), ORPHANED)
    assert (found.name, found.level) == ("translate", "mandatory")
    assert f"{job} (batch) IN_PROGRESS, for 2 h" in found.message
    assert "1 job is in flight in eu-west-1" in found.message
    assert 'region="eu-west-1"' in found.message
    assert "AmazonTranslateScope(data_access_role_arns=[translate.arn])" in found.message


def test_no_job_is_no_violation(emulator: Emulator) -> None:
    """The place was looked at, and jobs that have ended or run under other roles are nobody's here."""
    add(emulator, role=f"arn:aws:iam::{ACCOUNT}:role/neighbour")
    add(emulator, state="COMPLETED")
    assert look([role(), bucket()]) == []
    assert emulator.control.requests(operation="ListTextTranslationJobs")


def test_a_job_that_a_guard_covers_is_no_violation(emulator: Emulator) -> None:
    """By the predicate that the teardown uses, whether the guard was made already or not."""
    add(emulator)
    translate = role()
    assert look([translate, bucket(), amazon_guard(translate)]) == []
    planned = amazon_guard(translate, made=False, scope=UNKNOWN)
    assert look([translate, bucket(), planned]) == []


def test_a_guard_for_other_jobs_changes_nothing(emulator: Emulator) -> None:
    """A guard covers what is in its scope, and in its region."""
    add(emulator)
    translate = role()
    elsewhere = amazon_guard(translate, region="us-east-1", endpoint_url=emulator.url)
    assert of(look([translate, bucket(), elsewhere]), ORPHANED)
    others = amazon_guard(translate, scope={"data_access_role_arns": [translate], "job_name_prefixes": ["pr-"]})
    assert of(look([translate, bucket(), others]), ORPHANED)


def test_a_planned_guard_of_another_role_changes_nothing(emulator: Emulator) -> None:
    """While a scope is unknown, only what it was made from counts."""
    add(emulator)
    translate, other = role(), role("other", made=False)
    planned = amazon_guard(other, made=False)
    [found] = of(look([translate, other, planned]), ORPHANED)
    assert found.name == "translate"
    ids = amazon_guard(translate, scope=[{"data_access_role_arns": [translate], "job_ids": [UNKNOWN]}], made=False)
    assert of(look([translate, ids]), ORPHANED) == []
    names = amazon_guard(other, made=False, scope={"data_access_role_arns": [other], "job_name_prefixes": ["b"]})
    assert of(look([translate, other, names]), ORPHANED)


def test_a_job_is_named_once_and_many_are_counted(emulator: Emulator) -> None:
    """Tied to a role and to a bucket it is listed with the role; of eight jobs five are in full."""
    add(emulator, count=8, input="s3://documents/in/")
    [found] = of(look([role(), bucket()]), ORPHANED)
    assert found.message.count("IN_PROGRESS") == 5
    assert "8 jobs are" in found.message
    assert "and 3 more" in found.message


def test_a_job_of_a_role_elsewhere_is_tied_by_the_bucket(emulator: Emulator) -> None:
    """Input and output both count; a role that Amazon Translate cannot assume ties nothing."""
    add(emulator, role=f"arn:aws:iam::{ACCOUNT}:role/neighbour", output="s3://documents/out/")
    [found] = of(look([role(), role("neighbour", ASSUMED_BY_LAMBDA), bucket()]), ORPHANED)
    assert found.name == "documents"
    assert "s3_uri_prefixes=[documents.bucket.apply(" in found.message


def test_an_s3_uri_is_tied_to_no_container(emulator: Emulator) -> None:
    """Whatever the names of bucket and storage account are."""
    add(emulator, role=f"arn:aws:iam::{ACCOUNT}:role/neighbour", input="s3://store/documents/")
    store = storage()
    assert look([role(), bucket(), store, container(store)]) == []
    assert emulator.control.requests(operation="ListTextTranslationJobs")


def test_a_batch_on_an_unguarded_account_is_a_violation(emulator: Emulator) -> None:
    """All that runs on an account is tied to it; no message repeats the endpoint."""
    translator, store = in_emulator(emulator), storage()
    ids = batch(emulator), batch(emulator, "https://elsewhere.blob.core.windows.net/x")
    [found] = of(look([translator, store, container(store)]), ORPHANED)
    assert found.name == "translator"
    assert all(one in found.message for one in ids)
    assert "the endpoint of Azure account 'translator'" in found.message
    assert emulator.url not in found.message


def test_a_guard_of_a_container_covers_its_batches_only(emulator: Emulator) -> None:
    """What a batch reads and writes is asked for where it decides."""
    translator, store = in_emulator(emulator), storage()
    documents = container(store)
    batch(emulator)
    guard = azure_guard(translator, documents, endpoint=translator)
    assert look([translator, store, documents, guard]) == []
    other = batch(emulator, "https://elsewhere.blob.core.windows.net/x")
    [found] = of(look([translator, store, documents, guard]), ORPHANED)
    assert (found.name, other in found.message) == ("translator", True)


def test_a_first_preview_sends_no_request(emulator: Emulator) -> None:
    """Nothing is known, so no job can be tied to it."""
    add(emulator)
    translate, documents = role(made=False), bucket(made=False)
    translator, store = account(made=False), storage()
    stored = container(store, made=False)
    stack = [
        *(translate, documents, translator, store, stored),
        amazon_guard(translate, documents, made=False),
        azure_guard(translator, stored, endpoint=translator, made=False, name="other"),
    ]
    assert look(stack) == []
    assert emulator.control.requests() == []


def test_two_rules_share_the_listings_of_one_validation(emulator: Emulator) -> None:
    """However many resources there are, a place is listed once."""
    servicer = Servicer(policies(only=[ORPHANED, OVERDUE, ABANDONED, REACHABLE]))
    stack = [*(role(f"r{number}") for number in range(30)), *(bucket(f"b{number}") for number in range(30))]
    servicer.stack(stack)
    once = len(emulator.control.requests(operation="ListTextTranslationJobs"))
    assert once == 3
    servicer.stack(stack)
    assert len(emulator.control.requests(operation="ListTextTranslationJobs")) == 2 * once


# Where to look


def test_places_come_from_every_source(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is asked where the ones before it say nothing; the rule's own regions always count."""

    def asked(resources: list[Resource], **options: Any) -> set[str]:
        since = emulator.control.last_request()
        found = look(resources, {ORPHANED: options, OVERDUE: {"enforcementLevel": "disabled"}})
        assert found == []
        listed = emulator.control.requests(since, operation="ListTextTranslationJobs")
        return {one["region"] for one in listed}

    anywhere = role()
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert asked([anywhere]) == {"us-west-2"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": "ca-central-1"}))
    assert asked([anywhere]) == {"ca-central-1"}
    provided = bucket("provided", region=None)
    provided.provider = provider(region="us-east-2")
    assert asked([anywhere, provided]) == {"us-east-2"}
    guard = amazon_guard(anywhere, region="eu-central-1")
    assert asked([anywhere, guard]) == {"eu-central-1"}
    assert asked([anywhere, provided, guard]) == {"eu-central-1", "us-east-2"}
    beside = bucket("beside", region="eu-central-1")
    since = emulator.control.last_request()
    own = amazon_guard(anywhere, region="eu-central-1", endpoint_url=emulator.url)
    assert asked([anywhere, beside, own]) == {"eu-central-1"}
    assert len(emulator.control.requests(since, operation="ListTextTranslationJobs")) == 3
    assert asked([anywhere], regions=["eu-west-2"]) == {"eu-west-2"}


def test_a_region_is_resolved_as_botocore_resolves_it(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A region that only the shared configuration file names counts, and so does the one of a provider's profile."""
    settings = tmp_path / "config"
    settings.write_text(
        "[default]\nregion = us-west-2\n[profile other]\nregion = eu-north-1\n"
        "aws_access_key_id = AKIAEMULATOR\naws_secret_access_key = secret-of-the-test\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    assert look([role()]) == []
    assert {one["region"] for one in emulator.control.requests(operation="ListTextTranslationJobs")} == {"us-west-2"}
    since = emulator.control.last_request()
    translate = role()
    translate.provider = provider(profile="other")
    assert look([translate]) == []
    asked = emulator.control.requests(since, operation="ListTextTranslationJobs")
    assert {one["region"] for one in asked} == {"eu-north-1"}


WITHOUT_TRANSLATION: dict[str, Callable[[], list[Resource]]] = {
    "bucket": lambda: [bucket()],
    "role of a function": lambda: [bucket(), role("handler", ASSUMED_BY_LAMBDA)],
    "container": lambda: [storage(), container(storage())],
    "speech account": lambda: [account("speech", "SpeechServices")],
}


@pytest.mark.parametrize("stack", WITHOUT_TRANSLATION.values(), ids=WITHOUT_TRANSLATION.keys())
def test_a_stack_without_translation_is_silent(
    stack: Callable[[], list[Resource]], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request and no violation, with a region and with one that is only configured, with and without credentials."""
    add(emulator, input="s3://documents/in/")
    batch(emulator)
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": REGION}))
    monkeypatch.setenv("AZURE_DOCUMENT_TRANSLATION_ENDPOINT", emulator.azure_endpoint("translator"))
    assert judge(stack()) == []
    assert emulator.control.requests() == []
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AZURE_DOCUMENT_TRANSLATION_KEY")
    assert judge(stack()) == []
    assert emulator.control.requests() == []


def test_a_region_of_the_options_is_looked_at_for_a_bucket_alone(emulator: Emulator) -> None:
    """Who names a region says that there is translation."""
    add(emulator, input="s3://documents/in/")
    [found] = of(look([bucket()], {ORPHANED: {"regions": [REGION]}}), ORPHANED)
    assert found.name == "documents"


def test_the_expected_account_is_each_providers_own(emulator: Emulator) -> None:
    """A role of a second account, which another provider made, does not switch the check off."""
    emulator.control.settings(accounts={"AKIAEMULATOR": "999999999999"})
    other = role("other")
    other.properties["arn"] = "arn:aws:iam::999999999999:role/other"
    other.provider = provider("second", region=REGION, profile="second")
    found = look([role(), bucket(), other])
    assert [one for one in found if "lead to another account" in one.message and f" in {REGION} " in one.message]


def test_two_accounts_of_one_region_are_two_places(emulator: Emulator) -> None:
    """Keys of a provider are not visible, so the environment's credentials prove only one of the two accounts."""
    other = role("other")
    other.properties["arn"] = "arn:aws:iam::999999999999:role/other"
    other.provider = provider("second", region=REGION, accessKey="AKIAOTHER")
    mine = role()
    mine.provider = provider(region=REGION)
    add(emulator)
    found = look([mine, other])
    assert [one.name for one in of(found, ORPHANED) if one.name]
    assert [one for one in found if "lead to another account" in one.message]


def test_a_providers_endpoint_and_profile_are_used(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The explicit provider of a role says where its cloud is."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    add(emulator)
    translate = role()
    translate.provider = provider(region="eu-west-1", endpoints=[{"translate": emulator.url, "s3": "http://nowhere"}])
    [found] = of(look([translate]), ORPHANED)
    assert found.name == "translate"


def test_an_endpoint_of_the_options_is_looked_at(emulator: Emulator) -> None:
    """The Translator resource of another stack, where this one only has containers."""
    store = storage()
    batch(emulator)
    assert look([store, container(store)]) == []
    endpoints = {ORPHANED: {"endpoints": [emulator.azure_endpoint("translator")]}}
    [found] = of(look([store, container(store)], endpoints), ORPHANED)
    assert found.name == "documents"


# Places that cannot be looked at


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "error", "code": "AccessDeniedException", "status": 400}, "translate:ListTextTranslationJobs"),
        ({"kind": "error", "code": "ExpiredTokenException", "status": 400}, "Renew the AWS credentials"),
    ],
)
def test_a_place_that_refuses_is_reported_and_hides_no_other(
    emulator: Emulator, fault: dict[str, Any], words: str
) -> None:
    """Advisory, once, with the reason and the permission to read; jobs that were seen elsewhere stay mandatory."""
    emulator.control.fault("ListTextTranslationJobs", match={"region": "us-east-1"}, **fault)
    add(emulator)
    found = look([role(), bucket(), bucket("there", region="us-east-1")])
    assert {(one.rule, one.name, one.level) for one in found} == {
        (ORPHANED, "translate", "mandatory"),
        (REACHABLE, "", "advisory"),
    }
    [unseen] = of(found, REACHABLE)
    assert "Amazon Translate in us-east-1 could not be looked at" in unseen.message
    assert words in unseen.message
    assert '"Action": ["translate:ListTextTranslationJobs"]' in unseen.message
    assert "StopTextTranslationJob" not in unseen.message


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refuses(BaseHTTPRequestHandler):
    said = f"User {'deployment-' * 40} is not authorized: an explicit deny in {'x' * 300} END"

    def do_POST(self) -> None:
        body = json.dumps({"__type": "AccessDeniedException", "Message": self.said}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def test_the_reason_of_a_refusal_is_told_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS names the caller, the action and the policy that denied it, which is long and is what one has to know."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with _serving(_Refuses) as url:
        [unseen] = look([amazon_guard(scope={"job_name_prefixes": ["pr-"]}, endpoint_url=url)])
    assert f"{_Refuses.said}. translate:ListTextTranslationJobs is not permitted" in unseen.message


def test_a_refused_azure_place_asks_for_reading_only(emulator: Emulator) -> None:
    """Whoever only looks needs no role that may cancel or read keys."""
    emulator.control.fault("GetTranslationsStatus", "denied")
    [unseen] = look([in_emulator(emulator)])
    assert (unseen.rule, unseen.level) == (REACHABLE, "advisory")
    assert "Cognitive Services Data Reader" in unseen.message
    assert "Cognitive Services User" not in unseen.message


def test_the_next_validation_reports_only_its_own_places(emulator: Emulator) -> None:
    """What could not be seen in the preview is not repeated in the update that could see it."""
    emulator.control.fault("ListTextTranslationJobs", kind="error", code="AccessDeniedException", status=400)
    servicer = Servicer(policies(only=[ORPHANED, OVERDUE, REACHABLE]))
    assert of(servicer.stack([role(), bucket()]), REACHABLE)
    emulator.control.clear_faults()
    assert servicer.stack([role(), bucket()]) == []


def test_no_credentials_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, nobody was asked."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = look([role(), bucket()])
    assert [one.rule for one in found] == [REACHABLE]
    assert "credentials" in found[0].message


def test_credentials_of_another_account_are_reported(emulator: Emulator) -> None:
    """An account in which the stack's role is not would show no job, and prove nothing."""
    emulator.control.settings(accounts={"AKIAEMULATOR": "999999999999"})
    [found] = look([role(), bucket()])
    assert found.rule == REACHABLE
    assert "lead to another account" in found.message
    assert ACCOUNT not in found.message


def test_a_job_that_a_guard_there_leaves_out_says_so(emulator: Emulator) -> None:
    """The message contradicts nothing: the guard is named as one whose scope leaves the job out."""
    add(emulator)
    translate = role()
    narrow = amazon_guard(translate, scope={"data_access_role_arns": [translate], "job_name_prefixes": ["pr-"]})
    [found] = of(look([translate, narrow]), ORPHANED)
    assert "guard 'guard' covers jobs there, but its scope does not include it" in found.message
    assert "no guard" not in found.message


def test_a_place_that_does_not_answer_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that never answers is given up, and said to be silent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        found = look(
            [role(), bucket()], {ORPHANED: {"deadlineSeconds": 0.2}, OVERDUE: {"enforcementLevel": "disabled"}}
        )
    [unseen] = found
    assert "no answer in 0.2 s (deadlineSeconds)" in unseen.message


def test_errors_repeat_no_property(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile, role and endpoint of a guard could be secret, and SDKs put them into their messages."""
    monkeypatch.setenv("AZURE_DOCUMENT_TRANSLATION_KEY", "not-a-real-key")
    secrets: dict[str, Any] = {"profile": "topsecret", "assume_role_arn": f"arn:aws:iam::{ACCOUNT}:role/topsecret"}
    translate, store = role(), storage()
    documents = container(store)
    stack = [
        *(translate, store, documents),
        amazon_guard(translate, **secrets),
        azure_guard(documents, endpoint="http://127.0.0.1:9/topsecret", name="other"),
    ]
    off = {OVERDUE: {"enforcementLevel": "disabled"}}
    found = of(look(stack, {ORPHANED: {"deadlineSeconds": 20}, **off}), REACHABLE)
    assert len(found) == 2
    assert "topsecret" not in "".join(one.message for one in found)
    assert "127.0.0.1" not in "".join(one.message for one in found)


def test_a_role_without_any_region_is_reported() -> None:
    """Nobody says where its jobs would be."""
    found = look([role()])
    assert "no region is known" in found[0].message


# overdue-translation-jobs


def test_a_covered_job_in_flight_for_too_long_is_overdue(emulator: Emulator) -> None:
    """Advisory, with the job and the limit; a younger one is in order."""
    [old] = add(emulator, submitted=time.time() - 25 * 3600)
    [young] = add(emulator, submitted=time.time() - 23 * 3600)
    translate = role()
    [found] = look([translate, amazon_guard(translate)])
    assert (found.rule, found.name, found.level) == (OVERDUE, "translate", "advisory")
    assert old in found.message
    assert young not in found.message
    assert look([translate, amazon_guard(translate)], {OVERDUE: {"maxAgeHours": 26}}) == []


def test_a_job_that_stops_for_too_long_is_overdue(emulator: Emulator) -> None:
    """The limit for stopping is another."""
    add(emulator, submitted=time.time() - 1800, state="STOP_REQUESTED", stop_latency=600)
    translate = role()
    assert look([translate, amazon_guard(translate)]) == []
    [found] = look([translate, amazon_guard(translate)], {OVERDUE: {"maxStoppingMinutes": 20}})
    assert "STOP_REQUESTED" in found.message
    assert "does not tell" in found.message


def test_an_overdue_job_of_a_guards_scope_is_the_guards(emulator: Emulator) -> None:
    """Tied to nothing of the stack but the guard."""
    add(emulator, submitted=time.time() - 90000, name="pr-17-a")
    [found] = look([amazon_guard(scope={"job_name_prefixes": ["pr-17-"]})])
    assert (found.rule, found.name) == (OVERDUE, "guard")


def test_an_overdue_batch_is_found(emulator: Emulator) -> None:
    """At Azure too."""
    old = batch(emulator, submitted=time.time() - 90000)
    translator = in_emulator(emulator)
    found = look([translator, azure_guard(translator, endpoint=translator, scope={"whole_resource": True})])
    assert [(one.rule, one.name) for one in found] == [(OVERDUE, "translator")]
    assert old in found[0].message


def test_an_old_batch_that_stops_since_a_moment_ago_is_not_stuck(emulator: Emulator) -> None:
    """Azure tells since when a batch is stopping, so its age does not count."""
    old = batch(emulator, submitted=time.time() - 7200, stop_latency=600)
    azure(emulator).cancel_translation(old)
    translator = in_emulator(emulator)
    guarded = [translator, azure_guard(translator, endpoint=translator, scope={"whole_resource": True})]
    assert look(guarded, {OVERDUE: {"maxStoppingMinutes": 60}}) == []


# checkAbandoned


def test_jobs_whose_role_or_bucket_is_gone_are_abandoned(emulator: Emulator, iam: Any, s3: Any) -> None:
    """Advisory, of any stack; what is there or may not be seen is not gone."""
    iam.create_role(RoleName="here", AssumeRolePolicyDocument=json.dumps(ASSUMED_BY_TRANSLATE))
    for name in ("input", "output"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    here = f"arn:aws:iam::{ACCOUNT}:role/here"
    add(emulator, role=here)
    [no_role] = add(emulator, role=f"arn:aws:iam::{ACCOUNT}:role/was-here")
    [no_bucket] = add(emulator, role=here, input="s3://was-here/a/")
    [foreign] = add(emulator, role="arn:aws:iam::999999999999:role/not-ours")
    guard = amazon_guard(scope={"job_name_prefixes": ["none"]})
    assert of(look([guard]), ABANDONED) == []
    [found] = of(look([guard], {ORPHANED: {"checkAbandoned": True}}), ABANDONED)
    assert found.level == "advisory"
    lines = dict(line.split(maxsplit=1) for line in found.message.splitlines() if "without" in line)
    assert lines[no_role].endswith("without role was-here")
    assert lines[no_bucket].endswith("without bucket was-here")
    assert foreign not in found.message


class _Containers(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response({"/gone": 404, "/hidden": 403}.get(self.path.partition("?")[0], 200))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def blobs() -> Iterator[str]:
    """A blob service that knows one container, hides one, and had one."""
    with _serving(_Containers) as url:
        yield url


def test_batches_whose_container_is_gone_are_abandoned(emulator: Emulator, blobs: str) -> None:
    """404 is gone; not being permitted to see it is not."""
    gone = batch(emulator, f"{blobs}/gone")
    batch(emulator, f"{blobs}/there")
    hidden = batch(emulator, f"{blobs}/hidden")
    translator = in_emulator(emulator)
    guard = azure_guard(translator, endpoint=translator, scope={"whole_resource": True})
    [found] = look([translator, guard], {ORPHANED: {"checkAbandoned": True}})
    assert found.rule == ABANDONED
    assert gone in found.message
    assert f"without container {blobs}/gone" in found.message
    assert hidden not in found.message
