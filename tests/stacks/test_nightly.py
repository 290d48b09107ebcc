"""The nightly recipes and the composite action: valid, with commands that exist, and run as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.workspace import Workspace, find_engine
from tests.stacks.commands import unknown
from tests.stacks.support import ROOT
from tests.support.emulator import aws, start
from translation_job_guard.emulator import Emulator

RECIPES = ROOT / "docs" / "ci"
GITHUB, GITLAB, ACTION = (
    RECIPES / "nightly-github-actions.yml",
    RECIPES / "nightly-gitlab-ci.yml",
    ROOT / "action.yml",
)
SCHEMAS = {
    GITHUB: ["vendor.github-workflows"],
    GITLAB: ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
    ACTION: ["vendor.github-actions"],
}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEMULATOR", "AWS_SECRET_ACCESS_KEY": "secret"}
PROGRAM = """
import pulumi
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

AmazonTranslateJobGuard(
    "guard", region="eu-west-1", endpoint_url=pulumi.Config().require("url"),
    scope=AmazonTranslateScope(job_name_prefixes=[f"{pulumi.get_stack()}-"]),
)
"""
GH = """#!/bin/bash
echo "$@" >> gh.log
case "$1 $2" in
  "pr list") echo 8 ;;
  "issue list") cat issue 2> /dev/null ;;
  "issue create") echo 41 > issue ;;
esac
exit 0
"""
CURL = """#!/bin/bash
echo "$@" >> curl.log
case "$*" in
  *merge_requests/7*) echo '{"state": "closed"}' ;;
  *merge_requests/8*) echo '{"state": "opened"}' ;;
  *issues?labels=*) if [ -f issue ]; then echo '[{"iid": 41}]'; else echo '[]'; fi ;;
  *POST*) touch issue ;;
esac
exit 0
"""
"""Stand-ins for the hosts of the code, which are out of reach: they log what they are asked."""


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def plain(script: str) -> str:
    """Without variables, and without an option that new releases of pulumi take and do not show in their help."""
    return script.replace("$ESTATE", "").replace("stack ls --json", "stack ls")


def github_steps() -> dict[str, str]:
    return {step["name"]: step["run"] for step in loaded(GITHUB)["jobs"]["look"]["steps"] if "run" in step}


def action_steps() -> dict[str, Any]:
    return {step["name"]: step for step in loaded(ACTION)["runs"]["steps"]}


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_recipe_is_what_its_schema_says(path: Path) -> None:
    """GitHub's and GitLab's own schemas, which check-jsonschema ships."""
    command = [f"{sys.prefix}/bin/check-jsonschema", "--builtin-schema", *SCHEMAS[path], str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_of_the_nightly_recipes_exist() -> None:
    """Each call of `pulumi` and of this project's command line is held against its help; none of them destroys."""
    scripts = [*github_steps().values(), *loaded(GITLAB)["translation-jobs"]["script"]]
    assert sum(script.count("pulumi policy analyze") for script in scripts) == 2
    assert [problem for script in scripts for problem in unknown(plain(script))] == []
    commands = [line.strip() for script in scripts for line in script.splitlines()]
    assert not [line for line in commands if line.startswith(("pulumi destroy", "pulumi up", "pulumi cancel"))]


def run(script: str, directory: Path, environment: Mapping[str, str], exit_code: int = 0, **more: str) -> str:
    """Run a step as with `shell: bash`, and return what it said."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=directory,
        env={**environment, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == exit_code, f"{script}\nended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def test_the_nightly_recipes_run(emulator: Emulator, tmp_path: Path) -> None:
    """An orphan, and a stack without an open request: one issue, made once and changed after that."""
    with Workspace(tmp_path / "workspace", PROGRAM, project="shop", stack="pr-7", env=KEYS) as workspace:
        for name in ("pr-7", "pr-8", "mr-7", "mr-8"):
            if name != "pr-7":
                workspace.stack = name
                workspace.run("stack", "init", name).check()
            workspace.config = {"url": emulator.url}
            workspace.up().check()
        directory, tools = workspace.directory, tmp_path / "tools"
        tools.mkdir()
        for name, text in (("gh", GH), ("curl", CURL)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        path = [str(tools), str(Path(find_engine()).parent), f"{sys.prefix}/bin", os.environ["PATH"]]
        environment = workspace.environment() | {"PATH": os.pathsep.join(path), "ESTATE": "--region eu-west-1"}
        environment |= {"AWS_ENDPOINT_URL": emulator.url, "LABEL": "translation-jobs", "CI_API_V4_URL": "https://lab"}
        environment |= {"CI_PROJECT_ID": "1", "GITLAB_TOKEN": "token", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
        run("translation-job-guard policy init policy", directory, environment)
        orphan = start(aws(emulator), JobName="stray")

        for _ in range(2):
            for name, step in github_steps().items():
                if name != "Install":
                    run(step, directory, environment, 1 if name == "Tell by the exit code" else 0)
        report = (directory / "nightly" / "report.md").read_text()
        assert orphan in report
        assert "`pulumi destroy --yes --stack pr-7`" in report
        assert "--stack pr-8" not in report
        assert report in (tmp_path / "summary").read_text()
        asked = (directory / "gh.log").read_text()
        assert (asked.count("issue create"), asked.count("issue edit 41"), asked.count("issue reopen 41")) == (1, 1, 1)

        run("rm -rf nightly issue", directory, environment)
        script = "\n".join(loaded(GITLAB)["translation-jobs"]["script"])
        for _ in range(2):
            run(script, directory, environment, 1)
            run("rm -f nightly/*.md", directory, environment)
        asked = (directory / "curl.log").read_text()
        assert (asked.count("--request POST"), asked.count("--request PUT")) == (1, 1)
        assert "state_event=reopen" in asked
        stacks = json.loads(run("pulumi stack ls --json", directory, environment))
        assert len(stacks) == 4


def test_the_action_runs_step_by_step(emulator: Emulator, tmp_path: Path) -> None:
    """It writes the summary and the result, and its exit code; what is no command of it is refused."""
    start(aws(emulator))
    bin_ = tmp_path / "translation-job-guard" / "bin"
    bin_.mkdir(parents=True)
    (bin_ / "translation-job-guard").symlink_to(f"{sys.prefix}/bin/translation-job-guard")
    step = action_steps()["Run"]
    inputs = {f"inputs.{name}": one["default"] for name, one in loaded(ACTION)["inputs"].items()}
    inputs |= {"inputs.command": "scan", "inputs.arguments": "--region eu-west-1"}
    told = {name: inputs[value[3:-2].strip()] for name, value in step["env"].items()}
    environment = {**KEYS, **told, "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": emulator.url}
    environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "HOME": str(tmp_path)}
    environment |= {"RUNNER_TEMP": str(tmp_path)}
    environment |= {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    run(step["run"], tmp_path, environment)
    assert len(json.loads((tmp_path / "translation-jobs.json").read_text())["jobs"]) == 1
    assert "Translation jobs in flight" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "exit-code=1\n"
    (tmp_path / "dev.json").write_text("{")
    orphans = {"COMMAND": "orphans", "ARGUMENTS": "--region eu-west-1 --state dev.json"}
    run(step["run"], tmp_path, environment, 2, **orphans)
    assert "is not one of" in run(step["run"], tmp_path, environment, 2, COMMAND="cancel; true")
