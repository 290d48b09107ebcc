"""The contract of the plugin: what it answers to each call of the engine."""

from __future__ import annotations

import json
import threading
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from tests.native.plugin import AMAZON, AZURE, BUCKET, ROLE, UNKNOWN, Plugin, Refused, reference, secret, urn
from tests.support.emulator import aws, azure, start
from translation_job_guard import __version__
from translation_job_guard.native.servicer import Severity

CONTAINER = "azure-native:storage:BlobContainer"
STORAGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
CONTAINER_ID = f"{STORAGE}/blobServices/default/containers/dev"
SAS = "https://a.blob.core.windows.net/dev?sv=2024&sig=PLANTEDSIGNATURE"


def job(plugin: Plugin, name: str = "pr-17-a") -> str:
    return start(aws(plugin.emulator), JobName=name)


def state(plugin: Plugin, id_: str) -> str:
    return str(plugin.emulator.control.job(id_)["state"])


def _plain(text: str) -> str:
    return text.replace("`", "")


# What the plugin is


def test_it_says_its_version_and_what_it_can(plugin: Plugin) -> None:
    """Secrets arrive in plain text, so that the engine keeps secret what was; resources arrive as references."""
    assert plugin.stub.GetPluginInfo(empty_pb2.Empty()).version == __version__
    configured = plugin.stub.Configure(provider_pb2.ConfigureRequest())
    assert configured.acceptResources
    assert configured.supportsPreview
    assert not configured.acceptSecrets
    assert not configured.acceptOutputs


def test_its_schema_has_the_version_and_where_to_download_it(plugin: Plugin) -> None:
    """A state then says where a missing plugin comes from."""
    schema = json.loads(plugin.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert schema["version"] == __version__
    assert schema["pluginDownloadURL"] == "https://example.com/releases"
    assert {AMAZON, AZURE} == set(schema["resources"])


def test_it_has_no_configuration(plugin: Plugin) -> None:
    """Whatever is given is accepted, and never replaces the guards of a stack."""
    checked = plugin.stub.CheckConfig(provider_pb2.CheckRequest())
    assert not checked.failures
    assert plugin.stub.DiffConfig(provider_pb2.DiffRequest()).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_another_type_is_refused(plugin: Plugin) -> None:
    """The message names the types that there are."""
    with pytest.raises(Refused, match=r"not a resource of this plugin.*AmazonTranslateJobGuard"):
        plugin.check({}, "translation-job-guard:index:Other")


def test_what_it_does_not_have_is_unimplemented(plugin: Plugin) -> None:
    """Functions and components."""
    with pytest.raises(grpc.RpcError) as refused:
        plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="translation-job-guard:index:list"))
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


# Check


def test_check_writes_down_the_defaults(plugin: Plugin) -> None:
    """A later release with other defaults changes no guard. Without `timeout`, which customTimeouts decides then."""
    checked = plugin.checked(plugin.amazon(quietPeriod=None))
    assert checked["onDelete"] == "cancel"
    assert checked["gracePeriod"] == "0s"
    assert checked["quietPeriod"] == "3s"
    assert checked["triggers"] == []
    assert checked["protects"] == []
    assert "timeout" not in checked
    assert "keyEnv" not in checked


def test_check_writes_down_the_defaults_of_azure(plugin: Plugin) -> None:
    """Its own, too."""
    checked = plugin.checked(plugin.azure(), AZURE)
    assert checked["undecidedTimeout"] == "2m"
    assert checked["apiVersion"] == "2024-05-01"
    assert checked["keyEnv"] == "AZURE_DOCUMENT_TRANSLATION_KEY"
    assert "region" not in checked


def test_durations_may_be_numbers_and_are_stored_as_text(plugin: Plugin) -> None:
    """SDKs expect one type."""
    checked = plugin.checked(plugin.amazon(timeout=90, gracePeriod=0.5, pollInterval=2))
    assert (checked["timeout"], checked["gracePeriod"], checked["pollInterval"]) == ("90s", "0.5s", "2s")


def test_one_scope_may_stand_for_a_list(plugin: Plugin) -> None:
    """In YAML a list of one is easily forgotten."""
    assert plugin.checked(plugin.amazon(scope={"jobIds": ["a" * 32]}))["scope"] == [{"jobIds": ["a" * 32]}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"onDelete": "stop"}, "onDelete is not a valid mode"),
        ({"timeout": "soon"}, "timeout is"),
        ({"quietPeriod": "1h"}, "quietPeriod is not a valid quiet period; expected less than `timeout`"),
        ({"gracePeriod": "30m"}, "minus `quietPeriod`"),
        ({"pollInterval": "0.1s"}, "pollInterval is not a valid poll interval"),
        ({"expectedAccountId": "12"}, "expectedAccountId is"),
        ({"assumeRoleArn": "role"}, "assumeRoleArn is"),
        ({"scope": []}, "scope is missing; expected at least one of `dataAccessRoleArns`, `s3UriPrefixes`"),
        ({"scope": None}, "scope is missing"),
        ({"scope": [{"s3UriPrefixes": ["letters"]}]}, "scope.s3UriPrefixes[0] is not a valid S3 URI"),
        ({"scope": [{"s3UriPrefixes": [None]}]}, "scope.s3UriPrefixes[0] is empty"),
        ({"scope": [{"jobIds": ["a" * 32]}, {}]}, "scope[1] has no selector"),
        ({"scope": [{"jobName": ["a"]}]}, "scope.jobName is not a valid selector"),
        ({"scope": [{"submittedAfter": "2025-01-31T12:00:00Z"}]}, "scope has no selector"),
        ({"scope": [{"wholeRegion": True, "jobNamePrefixes": ["a"]}]}, "scope.wholeRegion cannot be combined"),
        ({"onDelte": "drain"}, "onDelte is not a valid argument; expected one of region, scope, protects, onDelete"),
        ({"protects": ["role"]}, "protects[0] is not a valid resource"),
        ({"protects": [None]}, "protects[0] is not a valid resource"),
        ({"triggers": [reference(BUCKET, "b", "b")]}, "triggers is not a valid list"),
        ({"region": "mars"}, "region is not a valid AWS region"),
    ],
)
def test_check_reports_bad_input_by_the_programs_names(plugin: Plugin, changes: Any, said: str) -> None:
    """The same messages as in Python, in camelCase."""
    _, failures = plugin.check(plugin.amazon(**changes))
    assert any(_plain(said) in _plain(failure) for failure in failures), failures
    assert not any("_" in failure for failure in failures)


def test_check_reports_every_problem_at_once(plugin: Plugin) -> None:
    """One failed preview tells them all."""
    _, failures = plugin.check({"onDelete": "x", "timeout": "x", "region": "eu-west-1"})
    assert len(failures) == 3


def test_a_signature_is_refused_and_never_repeated(plugin: Plugin) -> None:
    """Plain or secret."""
    for url in (SAS, secret(SAS)):
        _, failures = plugin.check(plugin.azure(scope=[{"containerUrls": [url]}]), AZURE)
        assert "scope.containerUrls[0]" in failures[0]
        assert "PLANTED" not in " ".join(failures) + plugin.said()


def test_unknown_values_are_tolerated_at_any_depth(plugin: Plugin) -> None:
    """They come back as they are."""
    given = plugin.amazon(
        region=UNKNOWN,
        scope=[{"dataAccessRoleArns": [UNKNOWN], "jobNamePrefixes": UNKNOWN}],
        triggers=[UNKNOWN, {"a": UNKNOWN}],
    )
    checked = plugin.checked(given)
    assert checked["region"] == UNKNOWN
    assert checked["scope"] == given["scope"]
    assert checked["triggers"] == given["triggers"]


def test_a_scope_that_is_unknown_as_a_whole_is_tolerated(plugin: Plugin) -> None:
    """An output of a list."""
    assert plugin.checked(plugin.amazon(scope=UNKNOWN))["scope"] == UNKNOWN


def test_keys_of_triggers_stay_as_the_program_wrote_them(plugin: Plugin) -> None:
    """Only names of the guard are translated."""
    triggers = [{"onDelete": "a", "on_delete": "b", "s3UriPrefixes": [1, True]}]
    assert plugin.checked(plugin.amazon(triggers=triggers))["triggers"] == triggers


def test_the_region_has_to_be_given(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the environment's."""
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    _, failures = plugin.check(plugin.amazon(region=None))
    assert len(failures) == 1
    assert "region` is missing; expected the region of the jobs" in failures[0]


# What is protected


def test_protected_resources_are_stored_with_urn_and_id(plugin: Plugin) -> None:
    """The ID is unknown in a preview that makes the resource; a component has none, and is warned of once."""
    protects = [reference(BUCKET, "b", "letters"), reference(ROLE, "r"), reference("my:index:Platform", "p", None)]
    for _ in range(2):
        checked = plugin.checked(plugin.amazon(protects=protects))
    assert checked["protects"] == [
        {"urn": urn(BUCKET, "b"), "id": "letters"},
        {"urn": urn(ROLE, "r"), "id": UNKNOWN},
        {"urn": urn("my:index:Platform", "p")},
    ]
    (warning,) = plugin.lines
    assert warning[0] is Severity.WARNING
    assert "[dev/jobs] protects the component p" in warning[1]
    assert warning[2] == urn(AMAZON)


def test_buckets_give_a_scope(plugin: Plugin) -> None:
    """Their IDs are their names; one that is not made yet is unknown."""
    protects = [reference(BUCKET, "b", "letters"), reference(BUCKET, "c")]
    checked = plugin.checked(plugin.amazon(scope=None, protects=protects))
    assert checked["scope"] == [{"s3UriPrefixes": ["s3://letters/", UNKNOWN]}]


def test_a_role_gives_no_scope_and_says_why(plugin: Plugin) -> None:
    """To derive only the bucket's would cover less than the same guard does in Python."""
    protects = [reference(BUCKET, "b", "letters"), reference(ROLE, "r", "translate")]
    _, failures = plugin.check(plugin.amazon(scope=None, protects=protects))
    assert len(failures) == 1
    assert "scope cannot be derived from the role r" in _plain(failures[0])
    assert "`dataAccessRoleArns`" in failures[0]


def test_a_given_scope_needs_no_derived_one(plugin: Plugin) -> None:
    """A role may be protected then."""
    checked = plugin.checked(plugin.amazon(protects=[reference(ROLE, "r", "translate")]))
    assert checked["scope"] == [{"jobNamePrefixes": ["pr-17-"]}]


def test_containers_give_a_scope(plugin: Plugin) -> None:
    """In the cloud of the endpoint."""
    protects = [reference(CONTAINER, "c", CONTAINER_ID)]
    given = plugin.azure(endpoint="https://t.cognitiveservices.azure.us/", scope=None, protects=protects)
    checked = plugin.checked(given, AZURE)
    assert checked["scope"] == [{"containerUrls": ["https://a.blob.core.usgovcloudapi.net/dev"]}]


def test_protects_may_be_unknown_as_a_whole(plugin: Plugin) -> None:
    """The scope is unknown then, too."""
    checked = plugin.checked(plugin.amazon(scope=None, protects=UNKNOWN))
    assert checked["protects"] == UNKNOWN
    assert checked["scope"] == UNKNOWN


# Create, read


def test_create_proves_and_stores_the_account(plugin: Plugin) -> None:
    """It starts and stops nothing."""
    running = job(plugin)
    id_, stored = plugin.create(plugin.checked(plugin.amazon()))
    assert id_.startswith("guard-")
    assert stored["accountId"] == "123456789012"
    assert stored["format"] == 1
    assert state(plugin, running) == "IN_PROGRESS"


def test_a_preview_asks_nobody(plugin: Plugin) -> None:
    """The account is not known yet."""
    id_, foreseen = plugin.create(plugin.checked(plugin.amazon()), preview=True)
    assert id_ == ""
    assert foreseen["accountId"] == UNKNOWN
    assert plugin.emulator.control.requests(service="amazon-translate") == []


def test_another_account_is_refused(plugin: Plugin) -> None:
    """In one line that begins with the guard's name."""
    checked = plugin.checked(plugin.amazon(expectedAccountId="999999999999"))
    with pytest.raises(Refused, match=r"^\[dev/jobs\] .*123456789012, and `expectedAccountId` is 999999999999"):
        plugin.create(checked)


def test_an_azure_guard_has_no_account(plugin: Plugin) -> None:
    """Its endpoint is the account."""
    assert "accountId" not in plugin.made(plugin.azure(), AZURE)


def test_read_returns_what_is_stored_and_an_import_is_refused(plugin: Plugin) -> None:
    """Nothing of a guard changes by itself."""
    stored = plugin.made(plugin.amazon())
    assert plugin.read(stored) == stored
    with pytest.raises(Refused, match="cannot be imported"):
        plugin.read({})


# Diff, update


def test_no_change_is_none(plugin: Plugin) -> None:
    """After the same program."""
    given = plugin.amazon(protects=[reference(BUCKET, "b", "letters")], timeout=90)
    diff = plugin.diff(plugin.made(given), plugin.checked(given))
    assert diff.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not diff.replaces


@pytest.mark.parametrize(
    ("changes", "replaces", "delete_first"),
    [
        ({"triggers": ["2"]}, ["triggers"], True),
        ({"region": "eu-west-2"}, ["region"], False),
        ({"expectedAccountId": "999999999999"}, ["expectedAccountId"], False),
        ({"protects": [reference(BUCKET, "b", "letters-2")]}, ["protects"], True),
        ({"protects": [reference(BUCKET, "b")]}, ["protects"], True),
        ({"protects": UNKNOWN}, ["protects"], True),
        ({"scope": UNKNOWN}, ["scope"], True),
        ({"timeout": "90s"}, [], False),
        ({"onDelete": "drain"}, [], False),
    ],
)
def test_a_change_replaces_or_updates(plugin: Plugin, changes: Any, replaces: list[str], delete_first: bool) -> None:
    """As `decide` says, by the names of the wire. Unknown as a whole: the engine asks so before a replacement."""
    given = plugin.amazon(protects=[reference(BUCKET, "b", "letters")], triggers=["1"])
    checked = plugin.checked(given)
    news = {**checked, **plugin.check({**given, **changes})[0]}
    diff = plugin.diff(plugin.made(given), news)
    assert diff.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(diff.replaces) == replaces
    assert diff.deleteBeforeReplace is delete_first
    assert set(changes) <= set(diff.diffs)


def test_a_diff_says_what_a_replacement_stops(plugin: Plugin) -> None:
    """On the guard's row."""
    stored = plugin.made(plugin.amazon())
    running = job(plugin)
    plugin.diff(stored, plugin.checked(plugin.amazon(triggers=["2"])))
    (line,) = [one for one in plugin.lines if "a replacement stops 1 job" in one[1]]
    assert running in line[1]
    assert line[2] == urn(AMAZON)


def test_a_diff_says_what_is_no_longer_protected(plugin: Plugin) -> None:
    """Nothing was replaced."""
    stored = plugin.made(plugin.amazon(protects=[reference(BUCKET, "b", "letters")]))
    plugin.diff(stored, plugin.checked(plugin.amazon()))
    assert "no longer protected: aws:s3/bucket:Bucket b" in plugin.said()


@pytest.mark.parametrize("path", ["scope", "protects[0]", '["expectedAccountId"]', "*"])
def test_ignored_changes_that_blind_the_guard_are_refused(plugin: Plugin, path: str) -> None:
    """They would keep it at jobs that are no longer the stack's."""
    stored = plugin.made(plugin.amazon())
    with pytest.raises(Refused, match="ignoreChanges"):
        plugin.diff(stored, plugin.checked(plugin.amazon()), ignored=(path,))
    plugin.diff(stored, plugin.checked(plugin.amazon()), ignored=("timeout",))


def test_a_narrower_scope_stops_what_it_leaves_behind(plugin: Plugin) -> None:
    """And nothing else. The account is stored on."""
    stored = plugin.made(plugin.amazon(scope=[{"jobNamePrefixes": ["a-", "b-"]}]))
    kept, left = job(plugin, "a-1"), job(plugin, "b-1")
    news = plugin.checked(plugin.amazon(scope=[{"jobNamePrefixes": ["a-"]}]))
    assert plugin.update(stored, news, preview=True)["accountId"] == "123456789012"
    assert state(plugin, left) == "IN_PROGRESS"
    updated = plugin.update(stored, news)
    assert updated["accountId"] == "123456789012"
    assert updated["scope"] == [{"jobNamePrefixes": ["a-"]}]
    assert (state(plugin, kept), state(plugin, left)) == ("IN_PROGRESS", "STOPPED")


# Delete


def test_delete_stops_the_jobs_in_scope_and_reports_on_the_guards_row(plugin: Plugin) -> None:
    """Progress and result are in the engine's log, with the guard's URN."""
    stored = plugin.made(plugin.amazon())
    mine, neighbour = job(plugin), job(plugin, "production")
    plugin.delete(stored)
    assert (state(plugin, mine), state(plugin, neighbour)) == ("STOPPED", "IN_PROGRESS")
    severity, last, about = plugin.lines[-1]
    assert (severity, about) == (Severity.INFO, urn(AMAZON))
    assert "[dev/jobs] quiet: 1 stopped" in last


def test_delete_stops_batches(plugin: Plugin) -> None:
    """By the same servicer."""
    stored = plugin.made(plugin.azure(), AZURE)
    client = azure(plugin.emulator)
    mine, other = (
        str(
            client.begin_translation(
                f"https://a.blob.core.windows.net/{name}", "https://a.blob.core.windows.net/out", "de"
            ).id
        )
        for name in ("dev", "dev-10")
    )
    plugin.delete(stored, AZURE)
    assert state(plugin, mine) == "Cancelled"
    assert state(plugin, other) != "Cancelled"


def test_a_stored_secret_is_used_and_not_repeated(plugin: Plugin) -> None:
    """An engine may hand over a secret as such all the same."""
    stored = {**plugin.made(plugin.amazon()), "scope": secret([{"jobNamePrefixes": ["pr-17-"]}])}
    running = job(plugin)
    plugin.delete(stored)
    assert state(plugin, running) == "STOPPED"


def test_custom_timeouts_count_where_no_timeout_is_given(plugin: Plugin) -> None:
    """The program's own `timeout` comes first."""
    plugin.emulator.control.settings(stop_latency=100_000)
    stored = plugin.made(plugin.amazon())
    running = job(plugin)
    with pytest.raises(Refused, match=r"\] 1 s \(timeout\) passed"):
        plugin.delete(stored, timeout=1.0)
    with pytest.raises(Refused, match=r"\] 2 s \(timeout\) passed"):
        plugin.delete({**stored, "timeout": "2s"}, timeout=100.0)
    assert state(plugin, running) == "STOP_REQUESTED"


def test_an_override_reaches_a_native_guard(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name that its URN tells."""
    stored = plugin.made(plugin.amazon())
    running = job(plugin)
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "dev/jobs=fail")
    with pytest.raises(Refused, match="1 job is in flight"):
        plugin.delete(stored)
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "dev/jobs=ignore")
    plugin.delete(stored)
    assert state(plugin, running) == "IN_PROGRESS"


def test_a_state_that_cannot_be_read_is_an_error_in_one_line(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scope that is missing would find nothing to stop, and succeed. Mode ignore gets through."""
    stored = plugin.made(plugin.amazon())
    del stored["scope"]
    with pytest.raises(Refused, match=r"^\[dev/jobs\] .*cannot be read") as refused:
        plugin.delete(stored)
    assert "\n" not in str(refused.value)
    monkeypatch.setenv("TRANSLATION_JOB_GUARD_ON_DELETE", "ignore")
    plugin.delete(stored)


def test_a_state_of_a_newer_release_is_refused(plugin: Plugin) -> None:
    """It may mean something else."""
    with pytest.raises(Refused, match="newer release"):
        plugin.delete({**plugin.made(plugin.amazon()), "format": 2})


# Cancel


def test_cancel_ends_a_delete_that_says_what_it_has_asked(plugin: Plugin) -> None:
    """Nothing is lost: the next delete goes on from there."""
    plugin.emulator.control.settings(stop_latency=100_000)
    stored = plugin.made(plugin.amazon())
    running = job(plugin)

    def interrupt() -> None:
        plugin.emulator.control.wait_for_requests()
        plugin.cancel()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Refused, match=f"1 asked to stop: {running}.*run it again"):
        plugin.delete(stored)
    thread.join()
    plugin.emulator.control.set_job(running, state="STOPPED")
    plugin.delete(stored)


def test_cancel_ends_a_delete_that_waits_for_an_answer(plugin: Plugin) -> None:
    """A request that hangs is left behind."""
    stored = plugin.made(plugin.amazon())
    plugin.emulator.control.fault(operation="ListTextTranslationJobs", kind="slow", seconds=20)

    def interrupt() -> None:
        plugin.emulator.control.wait_for_requests(operation="ListTextTranslationJobs", arrived=True, since=since)
        plugin.cancel()

    since = plugin.emulator.control.last_request()
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Refused, match=r"\[dev/jobs\] interrupted.*run it again"):
        plugin.delete(stored)
    thread.join()


def test_cancel_at_the_end_of_a_run_does_nothing(plugin: Plugin) -> None:
    """The engine calls it every time."""
    plugin.cancel()
    stored = plugin.made(plugin.amazon())
    running = job(plugin)
    plugin.delete(stored)
    assert state(plugin, running) == "STOPPED"
