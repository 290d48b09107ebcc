"""The files that contributors, forges and reviewers look for: valid, and in agreement with the project."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.check_subject import LONGEST, problems
from translation_job_guard._project import REPOSITORY
from translation_job_guard.services import amazon, azure

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GITHUB = ROOT / ".github"
SCHEMAS = {
    GITHUB / "ISSUE_TEMPLATE" / "bug.yml": "vendor.github-issue-forms",
    GITHUB / "ISSUE_TEMPLATE" / "idea.yml": "vendor.github-issue-forms",
    GITHUB / "ISSUE_TEMPLATE" / "config.yml": "vendor.github-issue-config",
    GITHUB / "dependabot.yml": "vendor.dependabot",
}


def ran(*command: str | Path) -> str:
    """Run a program of the environment; fails with what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hooks() -> list[dict[str, Any]]:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [hook for repository in config["repos"] for hook in repository["hooks"]]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_file_of_the_forge_is_valid(path: Path) -> None:
    """By the schemas that check-jsonschema ships."""
    ran(BIN / "check-jsonschema", "--builtin-schema", SCHEMAS[path], path)


def test_no_file_of_the_forge_goes_without_a_schema() -> None:
    """A new one is added to the table above; workflows have tests of their own."""
    there = set(GITHUB.rglob("*.yml")) | set(GITHUB.rglob("*.yaml"))
    assert {path for path in there if path.parent.name != "workflows"} == set(SCHEMAS)


def test_the_pre_commit_configuration_is_valid() -> None:
    """By pre-commit itself."""
    ran(BIN / "pre-commit", "validate-config", ".pre-commit-config.yaml")


def test_the_hooks_run_the_tools_of_make_check() -> None:
    """From the same environment, so in the same versions; what they name exists."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    tools = {hook["entry"].split()[0] for hook in hooks()}
    for target in ("lint", "typecheck", "imports"):
        recipe = re.search(rf"^{target}: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe is not None
        assert set(re.findall(r"\$\(BIN\)/([\w-]+)", recipe[1])) <= {Path(tool).name for tool in tools}
    for hook in hooks():
        words = hook["entry"].split()
        assert (ROOT / words[0]).exists(), words[0]
        assert all((ROOT / word).exists() for word in words[1:] if word.endswith(".py"))


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md"])
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    """A renamed target is renamed here, too."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = re.findall(r"`make ([a-z -]+)", text) + re.findall(r"^make ([a-z -]+)", text, re.MULTILINE)
    named = {word for words in commands for word in words.split()}
    assert named
    assert named <= targets


def test_every_path_that_contributing_names_exists() -> None:
    """Directories and files in the text and in its tables."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tops = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
    # What `make` writes is not there in a new clone.
    named = set(re.findall(rf"`((?:{tops})/[\w./-]*)`", text))
    assert len(named) > 10
    assert [path for path in named if not (path.startswith("build/") or (ROOT / path).exists())] == []


def test_security_names_every_permission() -> None:
    """Whoever reviews it reads one page, and it says what the service modules declare."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for permission in (*amazon.PERMISSIONS, *azure.PERMISSIONS):
        assert f"`{permission.name}`" in text


def test_security_fits_on_two_pages() -> None:
    """Of at most 600 words each, so that a reviewer reads it to the end."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert len(re.sub(r"\]\([^)]*\)", "]", text).split()) <= 1200


def test_the_address_of_the_project_is_the_same_everywhere() -> None:
    """When the project moves, each file that names its address is found."""
    for path in (ROOT / "SECURITY.md", ROOT / "CODE_OF_CONDUCT.md", ROOT / "CONTRIBUTING.md", *SCHEMAS):
        for found in re.findall(r"https://github\.com/[\w-]+/[\w-]+", path.read_text(encoding="utf-8")):
            assert found == REPOSITORY, path


def test_a_good_subject_has_no_problems() -> None:
    assert problems("Stop asking for documents of ended batches\n\nThey never change.\n# a comment\n") == []


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("x" * (LONGEST + 1), f"{LONGEST + 1} characters"),
        ("Stop jobs.", "full stop"),
        ("Stop jobs\nbecause", "not blank"),
    ],
)
def test_a_bad_subject_is_refused_with_its_reason(message: str, says: str, tmp_path: Path) -> None:
    """By the hook as git runs it: a file's name, and an exit code."""
    assert any(says in problem for problem in problems(message))
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text(message, encoding="utf-8")
    done = subprocess.run([ROOT / "scripts" / "check_subject.py", file], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert says in done.stderr


def test_an_older_python_reads_the_hook() -> None:
    """It is run by whatever `python3` a contributor has."""
    ast.parse((ROOT / "scripts" / "check_subject.py").read_text(encoding="utf-8"), feature_version=(3, 9))
