"""The guides: what they show is the text of files that tests run, and the commands in them exist."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.workspace import Workspace, find_engine
from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks.commands import unknown
from tests.stacks.support import PROGRAMS, ROOT, STACKS, example
from tests.stacks.test_amazon import CONFIG, buckets
from tests.stacks.test_wheel import USER_PROJECT
from tests.support.emulator import REGION, aws, start
from tests.support.plugins import environment
from tests.support.violations import violations
from translation_job_guard.emulator import Emulator

DOCS = ROOT / "docs"
GUIDES = [DOCS / "adopt-aws.md", DOCS / "adopt-azure.md", DOCS / "ci.md"]
DEPLOY = DOCS / "examples" / "deploy.py"
TESTED = [*STACKS.glob("*.py"), *PROGRAMS.glob("*.py"), *USER_PROJECT.iterdir(), DEPLOY]
"""Files that some test here runs on the engine."""
OTHER_COMMANDS = {"venv/bin/pip", ".", "az"}


def blocks(path: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of each block of code, without the indentation that a list gives it."""
    text = path.read_text(encoding="utf-8")
    for indentation, language, code in re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        assert indentation is not None
        yield language, textwrap.dedent(code)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_code_in_a_guide_is_the_text_of_a_file_that_is_run(guide: Path) -> None:
    """Python and YAML blocks are excerpts, word for word."""
    texts = [path.read_text(encoding="utf-8") for path in TESTED if path.is_file()]
    shown = [code for language, code in blocks(guide) if language in ("python", "yaml")]
    assert [code for code in shown if not any(code in text for text in texts)] == []
    assert {language for language, _ in blocks(guide)} <= {"python", "yaml", "sh"}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_commands_in_a_guide_exist_with_the_options_they_are_given(guide: Path) -> None:
    """Those of `pulumi` and of this project; others are few, and known."""
    scripts = [code for language, code in blocks(guide) if language == "sh"]
    inline = re.findall(r"`((?:pulumi|translation-job-guard) [^`]*)`", guide.read_text(encoding="utf-8"))
    assert scripts
    assert [problem for script in (*scripts, *inline) for problem in unknown(script)] == []
    first_words = {re.sub(r"^([A-Z_]+=\S+ )*", "", line).split()[0] for code in scripts for line in code.splitlines()}
    assert first_words <= {"pulumi", "translation-job-guard", *OTHER_COMMANDS}


def test_commands_are_known_by_their_aliases_and_no_others() -> None:
    """`pulumi stack rm` is an alias in some releases. What is unknown gets the help of its group from `pulumi`."""
    assert unknown("pulumi stack rm --yes dev") == []
    assert unknown("pulumi stack remov --yes dev") == ["pulumi stack remov --yes dev: there is no option --yes"]
    assert unknown("pulumi stak rm") == ["pulumi stak rm: there is no such command"]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_in_a_guide_lead_somewhere(guide: Path) -> None:
    """To files that are there, and to headings that they have."""
    for target in re.findall(r"\]\(([^)\s]+)\)", guide.read_text(encoding="utf-8")):
        name, _, heading = target.partition("#")
        path = (guide.parent / name) if name else guide
        assert path.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, target


def test_a_guard_stops_its_own_of_the_jobs_under_a_role_of_another_stack_also_outside_of_the_project(
    workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path
) -> None:
    """The role is another stack's and shared: the guard stops what is named as this environment's and what uses its
    bucket, and nothing else. The destroy runs in a directory without the project, by the python3 on PATH."""
    platform = example(workspace, {"stack": "local", "emulator": emulator.url}, environment(emulator), stack="platform")
    platform.up().check()
    role = platform.outputs()["roleArn"]
    env = {**environment(emulator), "PULUMI_BACKEND_URL": platform.environment()["PULUMI_BACKEND_URL"]}
    stack = workspace(PROGRAMS / "shared_role.py", stack="pr-1", config={"aws:region": REGION}, env=env)
    stack.up().check()

    client, place = aws(emulator), f"s3://{stack.outputs()['bucket']}/documents/"
    named = start(client, JobName="pr-1-manuals", DataAccessRoleArn=role)
    on_the_bucket = start(client, JobName="by-hand", InputDataConfig={"S3Uri": place, "ContentType": "text/plain"})
    others = [
        start(client, JobName="pr-2-manuals", DataAccessRoleArn=role),
        start(client, JobName="pr-1-manuals", DataAccessRoleArn=f"{role}-2"),
    ]

    run(stack, tmp_path, find_engine(), "destroy", "--yes", "--stack", f"organization/{stack.project}/pr-1")
    assert states(emulator, [named, on_the_bucket]) == {"STOPPED"}
    assert states(emulator, others) == {"IN_PROGRESS"}
    assert not stack.resources()


def test_the_example_of_the_automation_api_previews_with_the_pack_before_it_makes_anything(
    workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path
) -> None:
    """A role without a guard: the pack stops it before anything is made. A stack in order comes up, and goes down."""
    stack = example(workspace, CONFIG, environment(emulator), PROGRAMS / "unguarded.py", stack="pr-1")
    for key, value in stack.config.items():
        stack.run("config", "set", "--stack", "pr-1", key, value).check()
    (stack.directory / "policy").symlink_to(ROOT / "policy")

    refused = run(stack, tmp_path, sys.executable, DEPLOY, "up", "pr-1", stack.directory, fails=True)
    assert ("mandatory", "translation-resources-guarded") in violations(refused)
    assert buckets(emulator) == set()
    assert not stack.resources()

    stack.write_program(STACKS)
    for key, value in {"stack": "local", "emulator": emulator.url}.items():
        stack.run("config", "set", "--stack", "pr-1", key, value).check()
    run(stack, tmp_path, sys.executable, DEPLOY, "up", "pr-1", stack.directory)
    assert stack.resources().keys() == {"amazon-jobs", "azure-batches"}
    run(stack, tmp_path, sys.executable, DEPLOY, "destroy", "pr-1", stack.directory)
    assert not stack.resources()


def run(stack: Workspace, directory: Path, *command: str | Path, fails: bool = False) -> str:
    """Runs a command elsewhere, with the stack's environment; returns what it said."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=stack.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=stack.time_limit,
        check=False,
    )
    assert (done.returncode != 0) is fails, done.stdout
    return done.stdout
