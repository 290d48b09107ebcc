"""``plan``: what destroying stacks would stop now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import REGION, AddJobs, Cli
from tests.support.golden import check_golden, normalised
from tests.support.schema import validate
from tests.support.states import mixed, state
from translation_job_guard.cli.options import StackOptions
from translation_job_guard.cli.stacks import given_stacks

GOLDEN = Path(__file__).parent / "golden"
IDS = [f"{number:032x}" for number in range(10)]


def write(cli: Cli, name: str, document: Any) -> str:
    (cli.directory / name).write_text(json.dumps(document))
    return name


@pytest.fixture
def shop(cli: Cli, add_jobs: AddJobs) -> str:
    """The state of the real stack with guards of both clouds, and jobs in and out of their scopes."""
    add_jobs(id=IDS[0], name="pr-17-catalogue")
    add_jobs(id=IDS[1], name="pr-17-manuals", input="s3://elsewhere/in/", output="s3://elsewhere/out/")
    add_jobs(id=IDS[2], name="stray", input="s3://elsewhere/in/", output="s3://elsewhere/out/")
    add_jobs(
        id=IDS[3], name="neighbour", role="arn:aws:iam::123456789012:role/other", input="s3://x/", output="s3://x/"
    )
    add_jobs(id=IDS[4], name="of-inherits", role="arn:aws:iam::123456789012:role/other")
    add_jobs(id="00000000-0000-0000-0000-00000000000a", resource="translator")
    add_jobs(
        id="00000000-0000-0000-0000-00000000000b",
        resource="translator",
        source="https://other.blob.core.windows.net/in",
        target="https://other.blob.core.windows.net/out",
    )
    return write(cli, "shop.json", mixed(cli.emulator.url))


@pytest.mark.parametrize("format_", ["table", "json", "markdown"])
def test_plan_is_what_it_was(cli: Cli, shop: str, format_: str) -> None:
    """Golden outputs, over a state with guards of both clouds, foreign resources and secrets."""
    done = cli("plan", "--state", shop, "--output", format_)
    assert done.returncode == 1, done.stderr
    check_golden(GOLDEN / f"plan.{format_}", normalised(done.stdout, cli.emulator.url))


def test_plan_shows_what_a_destroy_would_stop_and_orphan(cli: Cli, shop: str) -> None:
    """By guard; a job that only a guard covers that would not be called is orphaned too."""
    found = cli.json("plan", "--state", shop)
    validate(found, "plan")
    [stack] = found["stacks"]
    guards = {guard["name"]: guard for guard in stack["guards"]}
    assert {job["id"] for job in guards["translate"]["jobs"]} == {IDS[0], IDS[1]}
    assert {job["id"][-1] for job in guards["documents"]["jobs"]} == {"a"}
    assert (guards["translate"]["action"], guards["inherits"]["action"]) == ("stop", "not be called")
    assert "deletedWith" in guards["inherits"]["obstacles"][0]
    # The stray runs under the stack's role, job 4 is covered by a guard that would not be called, and batch b is on the
    # stack's Translator resource.
    assert {job["id"][-1] for job in stack["unguarded"]} == {IDS[2][-1], IDS[4][-1], "b"}
    assert found["exit_code"] == 1


def test_nothing_in_flight_is_exit_code_0(cli: Cli) -> None:
    """And says so."""
    name = write(cli, "quiet.json", state(cli.emulator.url, guards={"guard": {}}))
    done = cli("plan", "--state", name)
    assert done.returncode == 0, done.stderr
    assert "would stop nothing" in done.stdout


def test_several_stacks_are_told_apart(cli: Cli, add_jobs: AddJobs) -> None:
    """From files and from standard input, each with its own; a job of one is not the other's."""
    one, two = add_jobs(name="one-a"), add_jobs(name="two-a")
    files = [
        write(
            cli,
            f"{name}.json",
            state(cli.emulator.url, stack=name, guards={"guard": {"scope": [{"job_name_prefixes": [f"{name}-"]}]}}),
        )
        for name in ("one", "two")
    ]
    text = (cli.directory / files[1]).read_text()
    found = cli.json("plan", "--state", files[0], "--state", "-", stdin=text)
    by_stack = {stack["stack"]: [job["id"] for job in stack["guards"][0]["jobs"]] for stack in found["stacks"]}
    assert by_stack == {"shop/one": one, "shop/two": two}
    # One look for both guards: they look at the same place by the same credentials.
    assert len(found["places"]) == 1


@pytest.mark.parametrize(
    ("mode", "action"),
    [("drain", "wait for their end"), ("fail", "refuse while they run"), ("ignore", "leave them running")],
)
def test_the_mode_in_force_decides_what_a_delete_would_do(cli: Cli, add_jobs: AddJobs, mode: str, action: str) -> None:
    """The guard's own, or the environment's, which is said."""
    add_jobs(name="pr-17-a")
    own = write(cli, "own.json", state(cli.emulator.url, guards={"guard": {"on_delete": mode}}))
    theirs = write(cli, "theirs.json", state(cli.emulator.url, guards={"guard": {}}))
    guard = cli.json("plan", "--state", own)["stacks"][0]["guards"][0]
    assert (guard["action"], guard["overridden"]) == (action, False)
    env = {"TRANSLATION_JOB_GUARD_ON_DELETE": f"guard={mode}"}
    guard = cli.json("plan", "--state", theirs, env=env)["stacks"][0]["guards"][0]
    assert (guard["action"], guard["overridden"]) == (action, True)
    assert "is in force" in cli("plan", "--state", theirs, env=env).stdout


def test_an_override_that_cannot_be_used_is_an_error(cli: Cli) -> None:
    """As it would be in the destroy."""
    name = write(cli, "state.json", state(cli.emulator.url, guards={"guard": {}}))
    done = cli("plan", "--state", name, env={"TRANSLATION_JOB_GUARD_ON_DELETE": "nonsense"})
    assert done.returncode == 2
    assert "TRANSLATION_JOB_GUARD_ON_DELETE is not valid" in done.stderr


def test_an_override_that_names_no_guard_is_an_error(cli: Cli) -> None:
    """A misspelt name: the destroy would stop the jobs after all. The name as the output has it is a guard's."""
    name = write(cli, "state.json", state(cli.emulator.url, guards={"guard": {}}))
    for text in ("gaurd=ignore", "guard=drain,prod/guard=ignore"):
        done = cli("plan", "--state", name, env={"TRANSLATION_JOB_GUARD_ON_DELETE": text})
        assert done.returncode == 2
        assert "no guard has that name" in done.stderr
        assert "dev/guard" in done.stderr
    found = cli.json("plan", "--state", name, env={"TRANSLATION_JOB_GUARD_ON_DELETE": "dev/guard=ignore"})
    assert found["stacks"][0]["guards"][0]["mode"] == "ignore"


def test_mode_ignore_does_not_mind_a_timeout_that_is_too_short(cli: Cli) -> None:
    """Mode ignore waits for nothing, so nothing about the timeout can make its delete fail."""
    name = write(cli, "state.json", state(cli.emulator.url, guards={"guard": {"quiet_period": 3}}))
    short = {"TRANSLATION_JOB_GUARD_TIMEOUT": "2s"}
    assert "longer than" in cli.json("plan", "--state", name, env=short)["stacks"][0]["guards"][0]["error"]
    ignored = {**short, "TRANSLATION_JOB_GUARD_ON_DELETE": "ignore"}
    assert cli.json("plan", "--state", name, env=ignored)["stacks"][0]["guards"][0]["error"] is None


def test_a_state_with_encrypted_scopes_says_how_to_export_it(cli: Cli) -> None:
    """Not able to tell is exit code 2, never "nothing"; the other guards are told all the same."""
    name = write(cli, "encrypted.json", mixed(cli.emulator.url, show_secrets=False))
    found = cli.json("plan", "--state", name)
    validate(found, "plan")
    guards = {guard["name"]: guard for guard in found["stacks"][0]["guards"]}
    assert found["exit_code"] == 2
    assert "--show-secrets" in guards["documents"]["error"]
    assert guards["translate"]["error"] is None


def test_secrets_of_a_state_are_shown_in_no_format(cli: Cli, shop: str) -> None:
    """The state has a resource with a secret in plain text."""
    assert "hush" in (cli.directory / shop).read_text()
    for format_ in ("table", "json", "markdown"):
        done = cli("plan", "--state", shop, "-v", "-o", format_)
        for secret in ("hush", "planted-aws-secret", "emulator-key"):
            assert secret not in done.stdout + done.stderr


def test_another_account_is_an_error_of_that_guard(cli: Cli, add_jobs: AddJobs) -> None:
    """What runs in this account says nothing of the guard's."""
    add_jobs(name="pr-17-a")
    document = state(cli.emulator.url, guards={"mine": {}, "theirs": {"account_id": "999999999999"}})
    found = cli.json("plan", "--state", write(cli, "state.json", document))
    guards = {guard["name"]: guard for guard in found["stacks"][0]["guards"]}
    assert len(guards["mine"]["jobs"]) == 1
    assert "999999999999" in guards["theirs"]["error"]
    assert guards["theirs"]["jobs"] == []
    assert found["exit_code"] == 2


def test_a_batch_without_documents_yet_is_undecided(cli: Cli, add_jobs: AddJobs) -> None:
    """The service cannot say whose it is, so nobody can."""
    add_jobs(resource="translator", counted=cli.emulator.control.now() + 10_000)
    endpoint = cli.emulator.azure_endpoint("translator")
    guards = {"documents": {"endpoint": endpoint}}
    found = cli.json("plan", "--state", write(cli, "state.json", state(cli.emulator.url, guards=guards)))
    validate(found, "plan")
    [guard] = found["stacks"][0]["guards"]
    assert (len(guard["undecided"]), guard["jobs"], found["exit_code"]) == (1, [], 2)


def test_a_job_under_an_unguarded_role_would_be_orphaned(cli: Cli, add_jobs: AddJobs) -> None:
    """No guard has to be there for it to be seen: the stack's provider names the region."""
    [mine] = add_jobs(input="s3://elsewhere/in/", output="s3://elsewhere/out/")
    add_jobs(role="arn:aws:iam::123456789012:role/other", input="s3://elsewhere/in/", output="s3://elsewhere/out/")
    name = write(cli, "state.json", state(cli.emulator.url, keep=["role"], regions=[REGION]))
    found = cli.json("plan", "--state", name)
    validate(found, "plan")
    assert [job["id"] for job in found["stacks"][0]["unguarded"]] == [mine]
    assert found["exit_code"] == 1
    assert "would orphan 1 job: there is no guard" in cli("plan", "--state", name).stdout


def test_a_guard_in_another_region_does_not_hide_a_job(cli: Cli, add_jobs: AddJobs) -> None:
    """The provider's region is looked at as well as the guard's."""
    [mine] = add_jobs(region="us-east-1")
    guards = {"guard": {"region": REGION}}
    document = state(cli.emulator.url, keep=["bucket"], regions=["us-east-1"], guards=guards)
    found = cli.json("plan", "--state", write(cli, "state.json", document))
    assert [job["id"] for job in found["stacks"][0]["unguarded"]] == [mine]
    assert {place["place"] for place in found["places"]} == {REGION, "us-east-1"}


@pytest.mark.parametrize("how", ["variable", "option"])
def test_the_region_of_the_environment_or_of_an_option_counts(cli: Cli, add_jobs: AddJobs, how: str) -> None:
    """A bucket does not say in which region jobs use it."""
    [mine] = add_jobs()
    name = write(cli, "state.json", state(cli.emulator.url, keep=["bucket"]))
    options = ["--region", REGION] if how == "option" else []
    env = {"AWS_REGION": REGION} if how == "variable" else None
    found = cli.json("plan", "--state", name, *options, env=env)
    assert ([job["id"] for job in found["stacks"][0]["unguarded"]], found["exit_code"]) == ([mine], 1)


def test_a_batch_on_an_unguarded_translator_would_be_orphaned(cli: Cli, add_jobs: AddJobs) -> None:
    """And one on the stack's container alone too, at the endpoint that the environment names."""
    [mine] = add_jobs(resource="translator")
    for keep, env in (
        (["translator"], None),
        (["storage", "docs"], {"AZURE_DOCUMENT_TRANSLATION_ENDPOINT": cli.emulator.azure_endpoint("translator")}),
    ):
        name = write(cli, "state.json", state(cli.emulator.url, keep=keep))
        found = cli.json("plan", "--state", name, env=env)
        assert ([job["id"] for job in found["stacks"][0]["unguarded"]], found["exit_code"]) == ([mine], 1), keep


@pytest.mark.parametrize(("keep", "says"), [("bucket", "AWS_REGION"), ("docs", "--endpoint")])
def test_nowhere_to_look_is_exit_code_2(cli: Cli, keep: str, says: str) -> None:
    """What jobs may use without a place to look at is not "nothing"."""
    found = cli.json("plan", "--state", write(cli, "state.json", state(cli.emulator.url, keep=[keep])))
    validate(found, "plan")
    assert found["exit_code"] == 2
    assert says in found["stacks"][0]["problems"][0]


def test_a_stack_that_jobs_cannot_use_is_exit_code_0(cli: Cli) -> None:
    """Nothing has to be looked at, and no credentials are needed; it says so."""
    done = cli("plan", "--state", write(cli, "state.json", state(cli.emulator.url, keep=["pet"], regions=[REGION])))
    assert done.returncode == 0, done.stderr
    assert "there is no guard" in done.stdout
    assert "nothing in the stack can be in use by translation jobs" in done.stdout


def test_a_place_that_cannot_be_looked_at_is_exit_code_2(cli: Cli) -> None:
    """Even where no guard looks."""
    name = write(cli, "state.json", state(cli.emulator.url, keep=["role"], regions=[REGION]))
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    found = cli.json("plan", "--state", name, "--timeout", "20s", env=env)
    assert found["exit_code"] == 2
    assert found["places"][0]["error"]


@pytest.mark.parametrize(("fail_on", "code"), [("orphaned", 0), ("stopped", 1)])
def test_fail_on_says_what_makes_the_exit_code_1(cli: Cli, add_jobs: AddJobs, fail_on: str, code: int) -> None:
    """Jobs that a guard stops are no failure where only orphans are."""
    add_jobs(name="pr-17-a")
    name = write(cli, "state.json", state(cli.emulator.url, guards={"guard": {}}))
    assert cli("plan", "--state", name, "--fail-on", fail_on).returncode == code
    assert cli("plan", "--state", name).returncode == 1
    assert cli("plan", "--state", name, "--fail-on", "nothing").returncode == 2


def test_without_pulumi_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An exported state will do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    [found] = given_stacks(StackOptions())
    assert found.stack is None
    assert "install Pulumi" in str(found.error)
    assert "--state FILE" in str(found.error)


def test_a_stack_that_cannot_be_exported_says_what_pulumi_said(cli: Cli) -> None:
    """And the exit code is 2."""
    found = cli.json("plan", "--stack", "nobody/nothing/never", env={"PULUMI_BACKEND_URL": "file:///nowhere"})
    validate(found, "plan")
    assert found["exit_code"] == 2
    assert "`pulumi stack export --stack nobody/nothing/never` failed: error:" in found["stacks"][0]["error"]
