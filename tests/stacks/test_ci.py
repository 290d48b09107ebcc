"""The recipes for CI: valid, with commands that exist, and run as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.workspace import Workspace
from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks.commands import unknown
from tests.stacks.support import ROOT
from tests.stacks.test_wheel import USER_PROJECT
from tests.support.emulator import aws, start
from translation_job_guard.emulator import Emulator

RECIPES = ROOT / "docs" / "ci"
GITHUB, GITLAB = RECIPES / "github-actions.yml", RECIPES / "gitlab-ci.yml"
SCHEMAS = {GITHUB: ["vendor.github-workflows"], GITLAB: ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]}


def recipe(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return {"on" if key is True else key: value for key, value in yaml.safe_load(path.read_text("utf-8")).items()}


def github_scripts(job: str) -> dict[str, str]:
    """The scripts of a job's steps, by the steps' names."""
    return {step["name"]: step["run"] for step in recipe(GITHUB)["jobs"][job]["steps"] if "run" in step}


def gitlab_scripts() -> dict[str, str]:
    """The scripts of the jobs, by the jobs' names."""
    return {
        name: "\n".join([*job.get("before_script", ()), *job.get("script", ())])
        for name, job in recipe(GITLAB).items()
        if isinstance(job, dict)
    }


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_recipe_is_what_its_schema_says(path: Path) -> None:
    """GitHub's and GitLab's own schemas, which check-jsonschema ships."""
    command = [f"{sys.prefix}/bin/check-jsonschema", "--builtin-schema", *SCHEMAS[path], str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_of_the_recipes_exist_with_the_options_they_are_given() -> None:
    """Each call of `pulumi` and of this project's command line is held against its help."""
    scripts = [*github_scripts("up").values(), *github_scripts("teardown").values(), *gitlab_scripts().values()]
    assert sum(script.count("pulumi ") for script in scripts) >= 10
    assert [problem for script in scripts for problem in unknown(script)] == []


def test_both_recipes_tear_down_in_the_same_way() -> None:
    """What is run for the one holds for the other."""

    def commands(script: str) -> list[str]:
        return [line.strip() for line in script.splitlines() if not line.strip().startswith("#") and line.strip()]

    destroy = commands(github_scripts("teardown")["Tear down"])
    teardown = commands(gitlab_scripts()["teardown"])
    assert teardown[-len(destroy) :] == destroy


def test_environments_are_not_torn_down_twice_at_once_nor_broken_off() -> None:
    """Removing another run's lock is safe only where there is no other run."""
    assert recipe(GITHUB)["concurrency"] == {
        "group": "environment-${{ github.event.number }}",
        "cancel-in-progress": False,
    }
    gitlab = recipe(GITLAB)[".environment"]
    assert gitlab["resource_group"] == "environment-$CI_MERGE_REQUEST_IID"
    assert gitlab["interruptible"] is False


def test_the_github_recipe_runs(workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path) -> None:
    """Its scripts, as they are: the pack is asked, the environment comes up; a teardown is killed, and the next one
    removes the lock, ends the jobs, and leaves a plan and the receipts in the summary; the stack is gone."""
    stack = workspace(USER_PROJECT, project="shop", stack="pr-17", env=emulator.environment)
    shutil.copytree(USER_PROJECT, stack.directory, dirs_exist_ok=True)
    for name in ("venv", ".venv"):  # the project's, and the pack's
        (stack.directory / name).symlink_to(sys.prefix)
    shutil.copytree(ROOT / "policy", stack.directory / "policy")
    stack.run("config", "set", "--stack", "pr-17", "endpoint", emulator.azure_endpoint("translator")).check()
    summary, receipts = tmp_path / "summary.md", tmp_path / "receipts"
    stack.env |= {
        "STACK": "pr-17",
        "GITHUB_STEP_SUMMARY": str(summary),
        "TRANSLATION_JOB_GUARD_RECEIPTS": str(receipts),
    }

    up = github_scripts("up")
    step(stack, up["Check"])
    step(stack, up["Bring up"])
    assert {"jobs", "batches"} <= stack.resources().keys()

    emulator.control.settings(stop_latency=60)
    job = start(aws(emulator), JobName="pr-17-manuals")
    since = emulator.control.last_request()
    killed = stack.start("destroy")
    emulator.control.wait_for_requests(since=since)
    killed.kill_tree()

    emulator.control.set_job(job, stop_latency=0)
    late = start(aws(emulator), JobName="pr-17-leaflets")
    emulator.control.set_job(late, stop_latency=0)
    teardown = github_scripts("teardown")
    step(stack, teardown["Show what will be stopped"])
    assert late in summary.read_text("utf-8")
    done = step(stack, teardown["Tear down"])
    assert "locked" in done
    step(stack, teardown["Show the receipts"])

    assert states(emulator, [job, late]) == {"STOPPED"}
    assert json.loads(stack.run("stack", "ls", "--json").check().stdout) == []
    written = sorted(receipts.glob("*.md"))
    assert written
    assert all(path.read_text("utf-8") in summary.read_text("utf-8") for path in written)


def step(stack: Workspace, script: str) -> str:
    """Runs a script as GitHub does with `shell: bash`; returns what it said."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=stack.directory,
        env=stack.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=stack.time_limit,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
