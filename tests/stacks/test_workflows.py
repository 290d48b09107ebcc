"""The workflows of the forge: valid, safe, with commands that exist; what can run here runs here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stacks.support import ROOT
from translation_job_guard import __version__

BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = shutil.which("actionlint")
RUNS_ELSEWHERE = {
    # These need the forge or another system. Their parts are checked below.
    "Install the locked packages",
    "Install both distributions",
    "Test",
    "Create the release",
}
RUNS_HERE = {"Put aside what goes to the package index", "Check the digests"}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each job with the names of its workflow and itself."""
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            yield path.stem, name, job


def scripts() -> dict[str, str]:
    """Return the scripts of all steps by the steps' names."""
    found: dict[str, str] = {}
    for _, _, job in jobs():
        for step in job["steps"]:
            if "run" in step:
                assert found.setdefault(step["name"], step["run"]) == step["run"], f"{step['name']} is two things"
    return found


def uses() -> list[str]:
    return [step["uses"] for _, _, job in jobs() for step in job["steps"] if "uses" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_a_workflow_is_what_its_schema_says(path: Path, schema: str) -> None:
    """GitHub's own schema, and a time limit on every job."""
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    """Injections, credentials that stay, permissions that are too wide, actions that are not pinned."""
    command = [str(BIN / "zizmor"), "--offline", "--no-progress", "--persona=pedantic", str(ROOT / ".github")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout


@pytest.mark.skipif(ACTIONLINT is None, reason="`go install github.com/rhysd/actionlint/cmd/actionlint@latest`")
def test_actionlint_finds_nothing() -> None:
    done = subprocess.run([str(ACTIONLINT), *WORKFLOWS], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_actions_are_pinned_by_commit_and_to_one_version_each() -> None:
    """A tag can be moved; a commit cannot. The comment says which release it is, for people and for dependabot."""
    lines = [line for path in WORKFLOWS for line in path.read_text("utf-8").splitlines() if " uses: " in line]
    assert all(re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines), lines
    assert len({one.partition("@")[0] for one in uses()}) == len(set(uses()))


def test_no_job_has_a_permission_that_it_does_not_need() -> None:
    """None by default; what writes is one job each, and runs nothing of the repository."""
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {}
    writing = {name: job for _, name, job in jobs() if "write" in job["permissions"].values()}
    assert set(writing) == {"deploy", "attest", "publish", "attach"}
    assert not any("checkout" in str(job["steps"]) for job in writing.values())
    assert not any("secrets." in path.read_text(encoding="utf-8") for path in WORKFLOWS)


def test_every_python_that_is_supported_is_checked() -> None:
    (matrix,) = (job["strategy"]["matrix"]["python"] for _, name, job in jobs() if name == "linux")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert matrix == re.findall(r"Python :: (3\.\d+)\"", text)


def test_every_step_runs_here_or_is_checked() -> None:
    """A new step gets a test, or a place in the list of those that cannot run here."""
    targets = {name for name, script in scripts().items() if re.match(r"bash \.ci/run\b|make \w|\.venv/bin/", script)}
    assert set(scripts()) == targets | RUNS_HERE | RUNS_ELSEWHERE


def test_make_has_the_targets_that_the_workflows_run() -> None:
    """Those of `make` and of `.ci/run`, also those that a matrix names."""
    named = re.findall(r"(?:make|bash \.ci/run) ([a-z-]+)", "\n".join(scripts().values()))
    named += [target for _, _, job in jobs() for target in job.get("strategy", {}).get("matrix", {}).get("target", [])]
    assert set(named) >= {"site", "release", "test-minimum-engine", "properties-nightly", "prove-nightly"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_every_path_that_a_step_names_exists() -> None:
    named = set(re.findall(r"(?<![\w./-])((?:tests|scripts|emulator)(?:/[\w.]+)*|requirements\.lock)", str(scripts())))
    assert len(named) >= 6
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_files_of_a_release_are_parted_and_their_digests_checked(tmp_path: Path) -> None:
    """The steps as they are: the index gets wheels and sdists only, and a file that was changed is found."""
    dist = tmp_path / "dist"
    dist.mkdir()
    names = [f"translation_job_guard-{__version__}{end}" for end in ("-py3-none-any.whl", ".tar.gz", ".cdx.json")]
    for name in names:
        (dist / name).write_text(name, encoding="utf-8")
    sums = subprocess.run(["sha256sum", *names], cwd=dist, capture_output=True, text=True, check=True).stdout
    (dist / "SHA256SUMS").write_text(sums, encoding="utf-8")

    def step(name: str) -> int:
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", scripts()[name]]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode

    assert step("Put aside what goes to the package index") == 0
    assert {path.name for path in (tmp_path / "packages").iterdir()} == set(names[:2])
    assert step("Check the digests") == 0
    (dist / names[0]).write_text("changed", encoding="utf-8")
    assert step("Check the digests") != 0
