"""The engine itself, and the workspace that the other engine tests stand on."""

import json
import sys
from pathlib import Path

import pytest

from stacks.workspace import ENGINE_UNDER_TEST, EngineMissing, Workspace, find_engine
from tests.engine.conftest import MakeWorkspace

NOTES = """
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class NoteProvider(ResourceProvider):
    def create(self, props):
        return CreateResult(f"id-{props['text']}", props)

    def diff(self, _id, olds, news):
        return DiffResult(changes=olds["text"] != news["text"], replaces=["text"])

    def delete(self, id_, props):
        print(f"deleting {id_}")


class Note(Resource):
    text: pulumi.Output[str]

    def __init__(self, name, text, opts=None):
        super().__init__(NoteProvider(), name, {"text": text}, opts)


print("this is the program")
first = Note("first", pulumi.Config().require("text"))
Note("second", first.text, pulumi.ResourceOptions(depends_on=[first]))
pulumi.export("text", first.text)
"""

POLICY = """
import pulumi
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def no_shouting(args, report):
    if args.props.get("text", "").isupper():
        report(f"{args.name} shouts {pulumi.Config('test').get('text')} in {pulumi.get_stack()}")


manners = ResourceValidationPolicy(
    "no-shouting", "Checks whether a note shouts.", no_shouting, EnforcementLevel.MANDATORY
)
PolicyPack("manners", [manners])
"""

PLUGIN = """
import json
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc


class Notes(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="0.1.0")

    def GetSchema(self, request, context):
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "notes", "version": "0.1.0"}))


server = grpc.server(ThreadPoolExecutor())
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Notes(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


def test_a_stack_goes_up_is_replaced_and_is_destroyed_in_order(workspace: MakeWorkspace) -> None:
    notes = workspace(NOTES, config={"text": "one"})

    up = notes.up().check()
    assert up.completed() == [("create", "first"), ("create", "second")]
    assert "this is the program" in up.stdout
    assert notes.outputs() == {"text": "one"}

    notes.config["text"] = "two"
    assert ("replace", "first") in notes.preview().check().started()
    replaced = notes.up().check()
    assert "deleting id-one" in replaced.diagnostics()
    assert notes.resources()["first"]["id"] == "id-two"

    notes.refresh().check()
    destroyed = notes.destroy().check()
    assert destroyed.completed() == [("delete", "second"), ("delete", "first")]
    assert notes.resources() == {}


def test_destroy_can_run_the_program(workspace: MakeWorkspace) -> None:
    notes = workspace(NOTES, config={"text": "one"})
    notes.up().check()
    destroyed = notes.destroy("--run-program").check()
    assert "this is the program" in destroyed.stdout
    assert notes.resources() == {}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise ValueError('the reason')", "ValueError: the reason"),
        ("import pulumi\nraise pulumi.RunError('the reason')", "error: the reason"),
        ("import sys\nsys.exit(3)", "exit status 3"),
    ],
)
def test_a_program_that_fails_fails_the_update_with_its_message(
    workspace: MakeWorkspace, program: str, message: str
) -> None:
    assert message in workspace(program).up().check(fails=True).stdout


def test_a_virtual_environment_that_does_not_exist_is_named(workspace: MakeWorkspace) -> None:
    stack = workspace(NOTES)
    settings = stack.directory / "Pulumi.yaml"
    settings.write_text(settings.read_text().replace('"virtualenv": "', '"virtualenv": "/nowhere'))
    assert "/nowhere" in stack.up().check(fails=True).stdout


def test_a_policy_pack_stops_an_update(workspace: MakeWorkspace, tmp_path: Path) -> None:
    """The pack knows the stack and its configuration. A pack that cannot run is an error."""
    notes = workspace(NOTES, config={"text": "LOUD"})
    pack = tmp_path / "pack"
    pack.mkdir()
    settings = pack / "PulumiPolicy.yaml"
    settings.write_text((notes.directory / "Pulumi.yaml").read_text().replace('"main"', '"description"'))
    (pack / "__main__.py").write_text(POLICY)

    assert "first shouts LOUD in dev" in notes.up(policy_packs=[pack]).check(fails=True).stdout
    notes.config["text"] = "quiet"
    notes.up(policy_packs=[pack]).check()

    (pack / "__main__.py").write_text("raise ValueError('the reason')")
    assert "ValueError: the reason" in notes.preview(policy_packs=[pack]).check(fails=True).output
    settings.write_text(settings.read_text().replace('"virtualenv": "', '"virtualenv": "/nowhere'))
    assert "/nowhere" in notes.preview(policy_packs=[pack]).check(fails=True).output


@pytest.mark.needs_engine("3.249")
def test_a_provider_plugin_runs_from_its_folder(workspace: MakeWorkspace, tmp_path: Path) -> None:
    """In the virtual environment that its PulumiPlugin.yaml names; its exit code and its errors reach the user."""
    notes = workspace(NOTES)
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (plugin / "PulumiPlugin.yaml").write_text(json.dumps({"runtime": runtime}))
    (plugin / "__main__.py").write_text(PLUGIN)
    schema = json.loads(notes.run("package", "get-schema", str(plugin)).check().stdout)
    assert (schema["name"], schema["version"]) == ("notes", "0.1.0")

    (plugin / "__main__.py").write_text("raise ValueError('the reason')")
    assert "ValueError: the reason" in notes.run("package", "get-schema", str(plugin)).check(fails=True).output


def test_state_can_be_exported_imported_and_the_stack_renamed(workspace: MakeWorkspace) -> None:
    notes = workspace(NOTES, config={"text": "one"})
    notes.up().check()
    notes.rename("other").check()
    assert notes.resources().keys() == {"first", "second"}

    exported = notes.export_state()
    exported["deployment"]["resources"] = []
    notes.import_state(exported).check()
    assert notes.resources() == {}


def test_a_killed_command_leaves_a_lock_that_cancel_removes(workspace: MakeWorkspace) -> None:
    waiting = "\nimport time\nprint('under way')\ntime.sleep(3600)\n"
    notes = workspace(NOTES + waiting, config={"text": "one"})
    running = notes.start("up")
    running.wait_for("under way")
    running.kill()
    assert running.wait().exit_code != 0

    notes.write_program(NOTES)
    assert "locked" in notes.up().check(fails=True).output
    notes.cancel().check()
    notes.up().check()


def test_a_workspace_inherits_no_clouds_or_backends(workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AZURE_CLIENT_SECRET", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK"):
        monkeypatch.setenv(name, "the caller's")
    assert "the caller's" not in workspace(NOTES).environment().values()


def test_without_an_engine_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(ENGINE_UNDER_TEST, raising=False)
    with pytest.raises(EngineMissing, match="make setup"):
        find_engine()
    with pytest.raises(EngineMissing):
        Workspace(tmp_path / "workspace", NOTES)


def test_an_engine_under_test_is_never_replaced_by_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENGINE_UNDER_TEST, str(tmp_path))
    with pytest.raises(EngineMissing, match=ENGINE_UNDER_TEST):
        find_engine()
