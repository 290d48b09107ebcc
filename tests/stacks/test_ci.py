"""The recipes for CI: valid, with commands that exist, and run as they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.workspace import end_processes
from tests.engine.test_guards import states
from tests.stacks.commands import unknown
from tests.stacks.guides import TIME_LIMIT, blocks, follow
from tests.stacks.support import ROOT
from tests.support.emulator import aws, start
from tests.support.violations import violations
from translation_job_guard.durations import parse_duration
from translation_job_guard.emulator import Emulator

RECIPES = ROOT / "docs" / "ci"
GITHUB, GITLAB = RECIPES / "github-actions.yml", RECIPES / "gitlab-ci.yml"
REST = 5
"""Minutes that everything else in a job takes."""
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
    scripts = [script for job in ("fork", "up", "teardown") for script in github_scripts(job).values()]
    scripts += gitlab_scripts().values()
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


EVENTS: dict[tuple[str, str], set[str]] = {
    ("opened", "shop/shop"): {"up"},
    ("synchronize", "shop/shop"): {"up"},
    ("closed", "shop/shop"): {"teardown"},
    ("opened", "somebody/shop"): {"fork"},
    ("closed", "somebody/shop"): set(),
}
"""The jobs that run, by what happened to a pull request of `shop/shop`, and by where it comes from."""


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event[0]} from {event[1]}")
def test_each_event_runs_its_job(event: tuple[str, str]) -> None:
    """A fork has no login: it gets a job of its own, and no teardown."""
    action, head = event
    known = {
        "github.event.action": action,
        "github.event.pull_request.head.repo.full_name": head,
        "github.repository": "shop/shop",
    }

    def holds(condition: str) -> bool:
        python = re.sub(r"github[\w.]+", lambda found: repr(known[found.group()]), condition).replace("&&", "and")
        return bool(eval(python, {"__builtins__": {}}))

    jobs = recipe(GITHUB)["jobs"]
    assert {name for name, job in jobs.items() if holds(job["if"])} == EVENTS[event]
    assert [name for name, job in jobs.items() if "secrets." in str(job)] == ["up", "teardown"]


def test_gitlab_makes_environments_only_of_its_own_projects_branches() -> None:
    """A fork's pipeline runs in the fork's project: there, source and target of the merge request differ."""
    jobs = [job for job in recipe(GITLAB).values() if isinstance(job, dict) and "rules" in job]
    own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID"
    assert len(jobs) == 2
    assert all(rule["if"].endswith(f" && {own}") for job in jobs for rule in job["rules"])


def test_all_attempts_fit_into_the_time_limit_of_the_job() -> None:
    """Each attempt has a limit, that of the guards is less, and all of them leave time for the rest of the job."""
    github, gitlab = recipe(GITHUB), recipe(GITLAB)
    assert gitlab[".environment"]["timeout"] == "1 hour"
    for script, minutes, guards in (
        (
            github_scripts("teardown")["Tear down"],
            github["jobs"]["teardown"]["timeout-minutes"],
            github["env"]["TRANSLATION_JOB_GUARD_TIMEOUT"],
        ),
        (gitlab_scripts()["teardown"], 60, gitlab["variables"]["TRANSLATION_JOB_GUARD_TIMEOUT"]),
    ):
        [(kill, limit)] = re.findall(r"timeout --signal=INT --kill-after=(\d+)m (\d+)m pulumi destroy", script)
        assert script.count("pulumi destroy") == 1
        attempts = re.findall(r"^ *attempt\b(?!\()", script, re.MULTILINE)
        assert len(attempts) == 2
        assert parse_duration(guards) < int(limit) * 60
        assert len(attempts) * (int(limit) + int(kill)) + REST <= minutes


def test_the_github_recipe_runs(emulator: Emulator, wheel: Path, tmp_path: Path) -> None:
    """Its scripts, as they are, in the project that the guide makes with its own commands.

    A fork without a login is checked by the pack, and not red for want of a login. The environment comes up. An update
    that would orphan jobs is red, and the summary names them. A teardown that fails is not tried again; one that finds
    the lock of a run that was killed is. It ends the jobs, and leaves a plan and the receipts in the summary; the stack
    is gone.
    """
    with follow(blocks(ROOT / "docs" / "ci.md"), tmp_path, wheel, emulator.environment) as reader:
        reader.finish()
        program = reader.directory / "__main__.py"
        guarded = program.read_text("utf-8")
        unguarded = re.sub(r"^AmazonTranslateJobGuard\(.*?^\)$", "", guarded, flags=re.MULTILINE | re.DOTALL)

        without_login = {name: value for name, value in reader.environment.items() if not name.startswith("AWS_")}
        fork = Runner("fork", reader.directory, without_login)
        fork.step("Install")
        assert violations(fork.step("Check without a login")) == set()
        program.write_text(unguarded, encoding="utf-8")
        refused = fork.step("Check without a login", exit_code=1, STACK="pr-18")
        assert ("mandatory", "translation-resources-guarded") in violations(refused)
        program.write_text("raise SystemExit('This program needs a login.')", encoding="utf-8")
        assert "::warning::" in fork.step("Check without a login", STACK="pr-19")
        assert emulator.control.requests() == []
        for settings in reader.directory.glob("Pulumi.*.yaml"):
            settings.unlink()

        program.write_text(guarded, encoding="utf-8")
        up = Runner("up", reader.directory, reader.environment)
        for name in ("Install", "Check the stack", "Check the jobs", "Bring up"):
            up.step(name)
        role = json.loads(up.run("pulumi stack output --json"))["roleArn"]
        emulator.control.settings(stop_latency=60)
        job = start(aws(emulator), DataAccessRoleArn=role)
        program.write_text(guarded.replace("translate-{", "letters-{"), encoding="utf-8")
        up.step("Check the jobs", exit_code=1, TRANSLATION_JOB_GUARD_ON_DELETE="ignore")
        assert job in up.summary()
        program.write_text(guarded, encoding="utf-8")

        teardown = Runner("teardown", reader.directory, reader.environment)
        teardown.step("Install")
        emulator.control.fault("StopTextTranslationJob", "denied")
        assert teardown.step("Tear down", exit_code=1).count("Destroying (") == 1
        emulator.control.clear_faults()

        since = emulator.control.last_request()
        with teardown.start("pulumi destroy --yes --stack pr-17") as killed:
            emulator.control.wait_for_requests(operation="StopTextTranslationJob", since=since)
            end_processes(Path(reader.environment["PULUMI_HOME"]))
            killed.wait(TIME_LIMIT)
        emulator.control.set_job(job, stop_latency=0)
        late = start(aws(emulator), DataAccessRoleArn=role)
        emulator.control.set_job(late, stop_latency=0)
        teardown.step("Show what will be stopped")
        assert late in teardown.summary()
        assert "currently locked by" in teardown.step("Tear down")
        teardown.step("Show the receipts")

        assert states(emulator, [job, late]) == {"STOPPED"}
        assert json.loads(teardown.run("pulumi stack ls --json")) == []
        written = sorted((reader.directory / "receipts").glob("*.md"))
        assert written
        assert all(path.read_text("utf-8") in teardown.summary() for path in written)


class Runner:
    """Runs steps of a job as GitHub does, in ``directory``."""

    def __init__(self, job: str, directory: Path, environment: Mapping[str, str]) -> None:
        self._scripts = github_scripts(job)
        self._directory = directory
        self._steps = Path(tempfile.mkdtemp(dir=directory.parent))
        self._path = self._steps / "path"
        self._path.touch()
        known = {
            "github.event.number": "17",
            "github.workspace": str(directory),
            "secrets.PULUMI_ACCESS_TOKEN": "not-needed",
        }
        told = recipe(GITHUB)["env"] | recipe(GITHUB)["jobs"][job].get("env", {})
        self._env = dict(environment) | {
            name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: known[found[1]], value) for name, value in told.items()
        }

    def step(self, name: str, exit_code: int = 0, **env: str) -> str:
        """Run a step of the job; returns what it said."""
        summary = self._steps / f"summary-{len(list(self._steps.iterdir()))}.md"
        return self.run(self._scripts[name], exit_code, GITHUB_STEP_SUMMARY=str(summary), **env)

    def run(self, script: str, exit_code: int = 0, **env: str) -> str:
        """Run a script as with `shell: bash`; returns what it said."""
        with self.start(script, **env) as process:
            said, _ = process.communicate(timeout=TIME_LIMIT)
        assert process.returncode == exit_code, f"{script}\nended with {process.returncode}:\n{said}"
        return said

    def start(self, script: str, **env: str) -> subprocess.Popen[str]:
        """Begin what `run` does."""
        added = [*reversed(self._path.read_text(encoding="utf-8").split()), self._env["PATH"]]
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self._directory,
            env=self._env | {"PATH": ":".join(added), "GITHUB_PATH": str(self._path)} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def summary(self) -> str:
        """Return what the steps have put into the summary of the run."""
        return "".join(path.read_text("utf-8") for path in sorted(self._steps.glob("summary-*.md")))
