"""Guards of programs in TypeScript on the real engine, with the real SDK for AWS, against the emulator."""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from scripts.plugin_archives import archive
from stacks.workspace import Workspace
from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import before, states
from tests.native.typescript import RUNTIME, compiled
from tests.support.emulator import REGION, aws, start
from tests.support.plugins import environment
from translation_job_guard.emulator import Emulator

NEIGHBOUR = "arn:aws:iam::123456789012:role/production"


def guarded(workspace: MakeWorkspace, emulator: Emulator, program: str = "guarded", **config: str) -> Workspace:
    return workspace(
        compiled(program),
        runtime=RUNTIME,
        env=environment(emulator),
        config={"aws:region": REGION, **{f"test:{key}": value for key, value in config.items()}},
    )


def job(emulator: Emulator, name: str, role: str = NEIGHBOUR) -> str:
    return start(aws(emulator), JobName=name, DataAccessRoleArn=role)


def test_a_guard_from_preview_to_destroy(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A preview of a new stack knows neither role nor account; a trigger stops the jobs of the release before; destroy
    stops the rest, and takes the role and the bucket away after the guard. A neighbour's job is left alone."""
    stack = guarded(workspace, emulator)
    previewed = stack.preview().check()
    assert ("create", "guard") in previewed.started()
    assert emulator.control.requests(service="amazon-translate") == []

    stack.up().check()
    made = stack.outputs()
    assert made["account"] == "123456789012"
    assert made["scopes"] == [{"dataAccessRoleArns": [made["roleArn"]]}]
    mine, neighbour = [job(emulator, "a", made["roleArn"])], job(emulator, "b")

    stack.config["test:release"] = "2"
    replaced = stack.up().check()
    assert states(emulator, mine) == {"STOPPED"}
    assert before(replaced, ("delete-replaced", "guard"), ("create-replacement", "guard"))
    assert "[dev/guard] a replacement stops 1 job in flight" in replaced.output
    assert "[dev/guard] quiet: 1 stopped" in replaced.output

    mine = [job(emulator, name, made["roleArn"]) for name in ("c", "d")]
    destroyed = stack.destroy().check()
    assert before(destroyed, ("delete", "guard"), ("delete", "role"))
    assert before(destroyed, ("delete", "guard"), ("delete", "bucket"))
    assert states(emulator, mine) == {"STOPPED"}
    assert states(emulator, [neighbour]) == {"IN_PROGRESS"}
    assert "[dev/guard] quiet: 2 stopped" in destroyed.output
    assert not stack.resources()


@pytest.mark.parametrize("change", [{"role": "translate-2"}, {"path": "/new/"}], ids=["delete first", "create first"])
def test_a_protected_role_goes_after_its_jobs(
    workspace: MakeWorkspace, emulator: Emulator, change: dict[str, str]
) -> None:
    """A fixed name is replaced delete-first, a made-up one create-first: in both orders the guard stops the jobs."""
    stack = guarded(workspace, emulator, **({"role": "translate-1"} if "role" in change else {}))
    stack.up().check()
    mine = [job(emulator, "a", stack.outputs()["roleArn"])]
    stack.config |= {f"test:{key}": value for key, value in change.items()}
    replaced = stack.up().check()
    assert states(emulator, mine) == {"STOPPED"}
    assert before(replaced, ("delete-replaced", "guard"), ("delete-replaced", "role"))


def test_a_narrower_scope_and_a_secret_one(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """What the new scope leaves behind is stopped. A secret in a scope is a secret in the state."""
    stack = guarded(workspace, emulator, names="a-,b-")
    stack.up().check()
    kept, left = job(emulator, "a-1"), job(emulator, "b-1")
    stack.config |= {"test:names": "a-", "test:secret": "true"}
    updated = stack.up().check()
    assert (states(emulator, [kept]), states(emulator, [left])) == ({"IN_PROGRESS"}, {"STOPPED"})
    assert "[dev/guard] the scope has changed" in updated.output
    stored = stack.resources()["guard"]
    assert "a-" not in json.dumps([stored["inputs"]["scope"], stored["outputs"]["scope"]])
    stack.destroy().check()
    assert states(emulator, [kept]) == {"STOPPED"}


def test_a_timeout_keeps_the_stack_and_the_next_destroy_ends_it(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """By `customTimeouts`, since the program gives no timeout. The override lets the next one go on."""
    emulator.control.settings(stop_latency=100_000)
    stack = guarded(workspace, emulator, names="a-", deleteTimeout="2s")
    stack.up().check()
    mine = job(emulator, "a-1")
    failed = stack.destroy().check(fails=True)
    assert failed.failed() == [("delete", "guard")]
    assert {"role", "bucket", "guard"} == set(stack.resources())
    assert "Traceback" not in failed.output
    assert "[dev/guard] 2 s (timeout) passed" in failed.output
    assert mine in failed.output
    stack.env["TRANSLATION_JOB_GUARD_ON_DELETE"] = "dev/guard=ignore"
    left = stack.destroy().check()
    assert "mode ignore: left as it is: 1 still in flight" in left.output
    assert not stack.resources()


def test_bad_input_and_another_account_are_refused(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """In a preview already, and before anything is stopped; the names are the program's."""
    stack = guarded(workspace, emulator, names="a-*", mode="stop", account="999999999999")
    refused = stack.preview().check(fails=True)
    assert "`onDelete` is not a valid mode" in refused.output
    assert "scope.jobNamePrefixes[0]" in refused.output
    stack.config |= {"test:names": "a-", "test:mode": "fail"}
    refused = stack.up().check(fails=True)
    assert "123456789012, and `expectedAccountId` is 999999999999" in refused.output
    stack.config["test:account"] = "123456789012"
    stack.up().check()
    mine = job(emulator, "a-1")
    assert "1 job is in flight" in stack.destroy().check(fails=True).output
    assert states(emulator, [mine]) == {"IN_PROGRESS"}


def test_an_interrupted_destroy_goes_on_later(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """The first Ctrl-C ends the wait, with what was asked; after `kill -9` the next destroy ends the work as well."""
    stack = guarded(workspace, emulator, names="a-")
    stack.up().check()
    emulator.control.settings(stop_latency=100_000)
    mine = job(emulator, "a-1")
    running = stack.start("destroy")
    running.wait_for("asked to stop")
    running.interrupt()
    interrupted = running.wait().check(fails=True)
    assert f"interrupted: 1 job is in flight, 1 asked to stop: {mine}" in interrupted.output
    assert "run it again" in interrupted.output

    running = stack.start("destroy")
    running.wait_for("in flight")
    running.kill()
    stack.cancel().check()
    emulator.control.set_job(mine, state="STOPPED")
    stack.destroy().check()
    assert not stack.resources()


def test_two_stacks_at_once(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """Each stops its own jobs only."""
    stacks = [guarded(workspace, emulator, scope="derived") for _ in range(2)]
    for running in [stack.start("up") for stack in stacks]:
        running.wait().check()
    buckets = [stack.outputs()["bucketName"] for stack in stacks]
    mine = [
        start(aws(emulator), InputDataConfig={"S3Uri": f"s3://{bucket}/in/", "ContentType": "text/plain"})
        for bucket in buckets
    ]
    stacks[0].destroy().check()
    assert (states(emulator, mine[:1]), states(emulator, mine[1:])) == ({"STOPPED"}, {"IN_PROGRESS"})
    stacks[1].destroy().check()
    assert states(emulator, mine) == {"STOPPED"}


def test_the_example(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """It is as it is printed, and its guard stops the jobs that run under its role."""
    stack = guarded(workspace, emulator, program="example")
    stack.up().check()
    mine = [job(emulator, "letters", stack.outputs()["roleArn"])]
    stack.destroy().check()
    assert states(emulator, mine) == {"STOPPED"}
    assert not stack.resources()


def test_a_missing_plugin_keeps_the_stack(workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path) -> None:
    """The destroy says what to install, before it deletes anything."""
    stack = guarded(workspace, emulator, names="a-")
    stack.up().check()
    stack.env["PATH"] = without_plugin(tmp_path, stack.env["PATH"])
    refused = stack.destroy().check(fails=True)
    assert "translation-job-guard" in refused.output
    assert "pulumi plugin install resource translation-job-guard" in refused.output
    assert {"role", "bucket", "guard"} <= set(stack.resources())


def without_plugin(place: Path, path: str) -> str:
    """A PATH with the engine, its companions and Python, and without the plugin."""
    programs = place / "programs"
    programs.mkdir()
    environment_bin = Path(sys.prefix) / "bin"
    for program in environment_bin.glob("pulumi*"):
        if program.is_symlink():
            (programs / program.name).symlink_to(program)
    # A link would be an interpreter outside of its environment.
    python = programs / "python3"
    python.write_text(f'#!/bin/sh\nexec "{environment_bin}/python3" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return os.pathsep.join(str(programs) if Path(one) == environment_bin else one for one in path.split(os.pathsep))


class Releases(http.server.SimpleHTTPRequestHandler):
    """Serves release archives, and keeps quiet."""

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[str]:
    """The URL of a server with a release of the plugin, whose environment is this one."""
    archive(tmp_path, f"{platform()}", None, virtualenv=sys.prefix)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Releases, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    return f"{os.uname().sysname.lower()}-{machine}"


def test_a_missing_plugin_is_downloaded_at_destroy(
    workspace: MakeWorkspace, emulator: Emulator, releases: str, tmp_path: Path
) -> None:
    """The state says where the release archives are, and the destroy goes on."""
    stack = guarded(workspace, emulator, names="a-", download=releases)
    stack.up().check()
    mine = job(emulator, "a-1")
    stack.env["PATH"] = without_plugin(tmp_path, stack.env["PATH"])
    stack.destroy().check()
    assert states(emulator, [mine]) == {"STOPPED"}
    assert not stack.resources()
