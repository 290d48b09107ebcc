"""``plan --preview``: what an update would stop and orphan, over previews that the real engine printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.workspace import Workspace
from tests.cli.conftest import AddJobs, Cli
from tests.cli.test_orphans import PROGRAM
from tests.support.previews import meaning, recorded
from tests.support.schema import validate
from translation_job_guard.cli.preview import forecast, parse_preview
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.state import parse_state

URL = "http://127.0.0.1:1"
KEPT = {"guard": ("none", False, (), False)}
GUARD = "pulumi-python:dynamic/translation:AmazonTranslateJobGuard"

MEANINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "create": ({}, {}),
    "same": (KEPT, {}),
    "update": ({"guard": ("update", False, (), False)}, {}),
    "narrowed": ({"guard": ("update", False, (), False)}, {}),
    "secret": ({"guard": ("update", False, (), True)}, {}),
    "delete": (
        {"guard": ("delete", False, (), False)},
        {name: ("delete", False, ["guard"] if name == "role" else []) for name in ("role", "loose", "bucket")},
    ),
    "guard-deleted": ({"guard": ("delete", False, (), False)}, {}),
    "trigger": ({"guard": ("replace", True, ("triggers",), False)}, {}),
    "replace-delete-first": (
        {"guard": ("replace", True, ("protects",), False)},
        {"role": ("replace", True, ["guard"])},
    ),
    "guardless-delete-first": (
        {"guard": ("delete", True, (), False)},
        {"role": ("replace", True, ["guard"])},
    ),
    "replace-create-first": (
        {"guard": ("replace", True, ("protects",), False)},
        {"role": ("replace", False, ["guard"])},
    ),
    "unguarded-replace": (KEPT, {"loose": ("replace", False, [])}),
    "renamed": ({"guard": ("update", False, (), False)}, {}),
    "target": ({"guard": ("replace", True, (), False)}, {"role": ("replace", True, ["guard"])}),
    "refresh": (KEPT, {"loose": ("replace", False, [])}),
    "retained": (
        {"guard": ("delete", False, (), False)},
        {name: ("delete", False, []) for name in ("loose", "bucket")},
    ),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_what_a_recorded_preview_means(name: str) -> None:
    """Of each guard: its change, whether it goes first, why, and whether that cannot be told; of each loss who acts."""
    found = meaning(*recorded(name, URL))
    assert (found["guards"], found["losses"]) == MEANINGS[name]


def test_the_order_of_the_steps_says_nothing() -> None:
    """Dependencies and the engine's marks do."""
    for name in MEANINGS:
        preview, state = recorded(name, URL)
        document = json.loads(preview)
        document["steps"].reverse()
        assert meaning(json.dumps(document), state) == meaning(preview, state), name


def test_a_guard_without_a_dependency_acts_too_late() -> None:
    """Both go in the end, side by side."""
    preview, state = recorded("delete", URL)
    document = json.loads(preview)
    for step in document["steps"]:
        if GUARD in step["urn"]:
            step["oldState"]["dependencies"], step["oldState"]["propertyDependencies"] = [], {}
    assert meaning(json.dumps(document), state)["losses"]["role"] == ("delete", False, [])


@pytest.mark.parametrize(("mark", "acting"), [("pendingReplacement", []), ("delete", ["guard"])])
def test_a_guard_that_goes_in_the_end_misses_what_goes_first(mark: str, acting: list[str]) -> None:
    """A deleted guard stops nothing before a role that is replaced delete-first."""
    preview, state = recorded("delete", URL)
    document = json.loads(preview)
    for step in document["steps"]:
        if step["urn"].endswith("Role::role"):
            step["op"] = "replace"
            step["oldState"][mark] = True
    assert meaning(json.dumps(document), state)["losses"]["role"][2] == acting


@pytest.mark.parametrize(
    ("changes", "acting"), [({"retainOnDelete": True}, []), ({"pendingReplacement": True}, []), ({}, ["guard"])]
)
def test_a_guard_that_is_not_called_acts_before_nothing(changes: dict[str, Any], acting: list[str]) -> None:
    """As the state says of it."""
    preview, state = recorded("delete", URL)
    document = json.loads(state)
    for one in document["deployment"]["resources"]:
        if one["type"] == GUARD:
            one |= changes
    assert meaning(preview, json.dumps(document))["losses"]["role"][2] == acting


@pytest.mark.parametrize(
    ("name", "says"),
    [("failed", "this program fails after its resources"), ("without-sames", "add --show-sames")],
)
def test_a_preview_that_does_not_tell_is_refused(name: str, says: str) -> None:
    """Its JSON is valid all the same."""
    with pytest.raises(InvalidArgument, match=says):
        parse_preview(recorded(name, URL)[0], "preview")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"steps": [1], "changeSummary": {}}', '{"steps": []}'])
def test_what_is_not_a_preview_is_refused(text: str) -> None:
    """With what is expected."""
    with pytest.raises(InvalidArgument, match="--show-sames"):
        parse_preview(text, "preview")


def test_a_preview_of_another_stack_is_refused() -> None:
    """Its changes would be looked up in vain, and nothing would seem to change."""
    preview, state = recorded("delete", URL)
    with pytest.raises(InvalidArgument, match="not of the stack"):
        forecast(parse_preview(preview, "preview"), parse_state(state.replace("pulumi:dev::", "pulumi:prod::"), "s"))


def test_a_preview_of_another_state_is_refused() -> None:
    """It says nothing of a guard or role that the state has, and nothing would seem to become of it."""
    preview, state = recorded("same", URL)
    document = json.loads(preview)
    document["steps"] = [step for step in document["steps"] if not step["urn"].endswith("Role::loose")]
    document["changeSummary"]["same"] -= 1
    with pytest.raises(InvalidArgument, match="no step for loose"):
        meaning(json.dumps(document), state)


def test_a_resource_that_a_refresh_found_gone_is_no_loss() -> None:
    """It went before the update, which makes it again."""
    preview, state = recorded("refresh", URL)
    document = json.loads(preview)
    for step in document["steps"]:
        if step["urn"].endswith("Role::loose"):
            step |= {"newState": None} if step["op"] == "refresh" else {"op": "create", "oldState": None}
    assert meaning(json.dumps(document), state)["losses"] == {}


# The command


def run(cli: Cli, name: str, *options: str) -> Any:
    preview, state = recorded(name, cli.emulator.url)
    (cli.directory / "state.json").write_text(state)
    found = cli.json("plan", "--preview", "-", "--state", "state.json", *options, stdin=preview)
    validate(found, "plan")
    return found


def role_of(name: str, resource: str) -> str:
    [arn] = [
        one["outputs"]["arn"]
        for one in json.loads(recorded(name, URL)[1])["deployment"]["resources"]
        if one["urn"].endswith(f"Role::{resource}")
    ]
    return str(arn)


ELSEWHERE = {"input": "s3://elsewhere/in/", "output": "s3://elsewhere/out/"}


def test_a_deliberate_replacement_stops_jobs_and_is_not_red(cli: Cli, add_jobs: AddJobs) -> None:
    """--fail-on stopped makes it so."""
    mine = add_jobs(2, role=role_of("trigger", "role"), **ELSEWHERE)
    found = run(cli, "trigger")
    [guard] = found["stacks"][0]["guards"]
    assert {job["id"] for job in guard["jobs"]} == set(mine)
    assert (guard["change"], guard["because"], guard["action"]) == ("replace", ["triggers"], "stop")
    assert (found["occasion"], found["exit_code"], found["stacks"][0]["unguarded"]) == ("update", 0, [])
    assert run(cli, "trigger", "--fail-on", "stopped")["exit_code"] == 1


def test_a_replaced_role_without_a_guard_orphans_its_jobs(cli: Cli, add_jobs: AddJobs) -> None:
    """And another role's jobs are not its own."""
    [mine] = add_jobs(role=role_of("unguarded-replace", "loose"), **ELSEWHERE)
    add_jobs(role=role_of("unguarded-replace", "role"), **ELSEWHERE)
    found = run(cli, "unguarded-replace")
    [stack] = found["stacks"]
    assert [job["id"] for job in stack["unguarded"]] == [mine]
    [loss] = stack["losses"]
    assert (loss["name"], loss["guards"], loss["orphans"], found["exit_code"]) == ("loose", [], [mine], 1)


@pytest.mark.parametrize(
    "name", ["replace-delete-first", "replace-create-first", "guardless-delete-first", "delete", "target"]
)
def test_a_guard_that_acts_first_leaves_no_orphan(cli: Cli, add_jobs: AddJobs, name: str) -> None:
    """In both orders."""
    [mine] = add_jobs(role=role_of(name, "role"), **ELSEWHERE)
    found = run(cli, name)
    [stack] = found["stacks"]
    assert [job["id"] for job in stack["guards"][0]["jobs"]] == [mine]
    assert (stack["unguarded"], found["exit_code"]) == ([], 0)


def test_a_narrowed_scope_stops_what_it_leaves_behind(cli: Cli, add_jobs: AddJobs) -> None:
    """And no job that it still covers."""
    [behind] = add_jobs(role=role_of("narrowed", "role"), name="day-1", **ELSEWHERE)
    add_jobs(role=role_of("narrowed", "role"), name="night-1", **ELSEWHERE)
    found = run(cli, "narrowed")
    [guard] = found["stacks"][0]["guards"]
    assert [job["id"] for job in guard["jobs"]] == [behind]
    assert found["exit_code"] == 0


def test_a_guard_that_leaves_its_jobs_running_orphans_them(cli: Cli, add_jobs: AddJobs) -> None:
    """A deleted guard in mode ignore: no guard covers them from then on."""
    [mine] = add_jobs(role=role_of("guard-deleted", "role"), **ELSEWHERE)
    assert run(cli, "guard-deleted")["exit_code"] == 0
    cli.env["TRANSLATION_JOB_GUARD_ON_DELETE"] = "ignore"
    found = run(cli, "guard-deleted")
    assert [job["id"] for job in found["stacks"][0]["unguarded"]] == [mine]
    assert found["exit_code"] == 1


@pytest.mark.parametrize("name", ["same", "create", "renamed", "retained"])
def test_what_takes_nothing_away_orphans_nothing(cli: Cli, add_jobs: AddJobs, name: str) -> None:
    """Nor does a retained role; a preview that changes nothing needs no look at all."""
    if name != "create":
        add_jobs(role=role_of(name, "role"), **ELSEWHERE)
    found = run(cli, name)
    assert (found["stacks"][0]["unguarded"], found["exit_code"]) == ([], 0)
    if name in ("same", "create"):
        assert found["places"] == []


@pytest.mark.parametrize(
    ("name", "says"), [("failed", "fails after"), ("without-sames", "--show-sames"), ("secret", "--show-secrets")]
)
def test_what_cannot_be_told_is_exit_code_2(cli: Cli, name: str, says: str) -> None:
    """With the reason."""
    preview, state = recorded(name, cli.emulator.url)
    (cli.directory / "state.json").write_text(state)
    done = cli("plan", "--preview", "-", "--state", "state.json", stdin=preview)
    assert done.returncode == 2
    assert says in done.stdout + done.stderr


def test_a_scope_that_cannot_be_decrypted_is_exit_code_2(cli: Cli) -> None:
    """The state has to be exported with its secrets."""
    preview, state = recorded("trigger", cli.emulator.url)
    document = json.loads(state)
    for one in document["deployment"]["resources"]:
        if one["type"] == GUARD:
            one["outputs"]["scope"] = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "c": "x"}
    (cli.directory / "state.json").write_text(json.dumps(document))
    done = cli("plan", "--preview", "-", "--state", "state.json", stdin=preview)
    assert done.returncode == 2
    assert "--show-secrets" in done.stdout


@pytest.mark.parametrize(
    "options", [("--state", "a", "--state", "b"), ("--state", "-"), ("--stack", "a", "--state", "b")]
)
def test_a_preview_has_one_state(cli: Cli, options: tuple[str, ...]) -> None:
    """Two of them, or both on standard input, are a mistake."""
    done = cli("plan", "--preview", "-", *options)
    assert done.returncode == 2
    assert "--preview" in done.stderr


def test_without_a_state_the_current_stack_is_exported(cli: Cli, add_jobs: AddJobs, tmp_path: Path) -> None:
    """By the real engine: the preview comes through a pipe, and the guard's scope is a secret of the stack."""
    [mine], [_] = add_jobs(name="one-a"), add_jobs(name="two-a")
    keys = {name: cli.env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with Workspace(tmp_path / "workspace", PROGRAM, project="shop", stack="one", env=keys) as workspace:
        workspace.config = {"prefix": "one-", "url": cli.emulator.url}
        workspace.up().check()
        workspace.write_program("")
        preview = workspace.preview("--json", "--show-sames").check().stdout
        environment = workspace.environment()
        cli.env |= {name: value for name, value in environment.items() if name.startswith("PULUMI_") or name == "PATH"}
        cli.directory = workspace.directory

        found = cli.json("plan", "--preview", "-", stdin=preview)
        [stack] = found["stacks"]
        assert (stack["stack"], found["exit_code"]) == ("shop/one", 0)
        assert [[job["id"] for job in guard["jobs"]] for guard in stack["guards"]] == [[mine]]
        assert cli("plan", "--preview", "-", "--fail-on", "stopped", stdin=preview).returncode == 1
