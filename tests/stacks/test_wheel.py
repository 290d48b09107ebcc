"""What users install: the wheel, in an environment that has nothing else, in a project of their own."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import psutil

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks.support import ROOT
from tests.stacks.wheels import UV, build_wheel, run
from tests.support.emulator import aws, azure, start, submit
from translation_job_guard._project import REPOSITORY
from translation_job_guard.emulator import Emulator

USER_PROJECT = Path(__file__).parent / "user_project"


def test_the_wheel_has_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    """One package: types, schemas and whatever else the package reads are in it, tests and stacks are not."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"translation_job_guard"}
    inside = {name for name in names if name.startswith("translation_job_guard/")}
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "translation_job_guard").rglob("*") if path.is_file()}
    assert {name for name in there if "__pycache__" not in name} <= inside
    assert "translation_job_guard/py.typed" in inside
    assert any(name.endswith(".schema.json") for name in inside)
    assert not any("__pycache__" in name for name in inside)


def test_the_readme_of_the_package_links_to_the_repository(wheel: Path, tmp_path: Path) -> None:
    """Every relative link of the README is absolute in the metadata, and leads to a file of the project. Another
    address is given to the build, and the package has it too."""
    assert set(linked(wheel, REPOSITORY)) >= {"docs/adopt-aws.md", "docs/architecture.svg", "docs/cli/plan-dark.png"}

    elsewhere = "https://git.example/translation"
    with ZipFile(build_wheel(tmp_path, TRANSLATION_JOB_GUARD_REPOSITORY=elsewhere)) as archive:
        assert f'REPOSITORY: Final = "{elsewhere}"' in archive.read("translation_job_guard/_project.py").decode()
    assert linked(next(tmp_path.glob("*.whl")), elsewhere) == linked(wheel, REPOSITORY)


def linked(wheel: Path, repository: str) -> list[str]:
    """The files of the project that the metadata of a wheel links to; fails for a relative link."""
    with ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    targets = re.findall(r"\]\(([^)\s]+)\)|\b(?:src|srcset)=\"([^\"]+)\"", text)
    within = re.escape(repository) + r"/(?:blob|raw)/main/([^#]+)"
    found = [re.match(rf"{within}|https?://|#", link or source) for link, source in targets]
    assert all(found), targets
    files = [one[1] for one in found if one and one[1]]
    assert all((ROOT / file).exists() for file in files)
    return files


def test_a_project_that_has_only_the_wheel_comes_up_and_goes_down(
    wheel: Path, workspace: MakeWorkspace, emulator: Emulator
) -> None:
    """A project outside of the repository, with a virtual environment of its own in which nothing but the wheel and its
    dependencies are installed: its guards stop its jobs of both services on destroy, and no others."""
    stack = workspace(USER_PROJECT, project="shop", stack="pr-1", env=emulator.environment)
    shutil.copytree(USER_PROJECT, stack.directory, dirs_exist_ok=True)
    venv = stack.directory / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, venv)
    requirement = f"translation-job-guard[aws,azure] @ {wheel.as_uri()}"
    python = venv / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", ROOT / "requirements.lock", requirement)
    listed = json.loads(run(UV, "pip", "list", "--quiet", "--python", python, "--format", "json"))
    installed = {package["name"] for package in listed}
    assert {"translation-job-guard", "boto3", "azure-ai-translation-document"} <= installed
    assert installed.isdisjoint({"pulumi-aws", "pulumi-azure-native", "pulumi-policy", "moto", "pytest"})

    stack.config = {"shop:endpoint": emulator.azure_endpoint("translator")}
    stack.up().check()
    assert Path(stack.outputs()["package"]).is_relative_to(venv)

    emulator.control.settings(stop_latency=60)
    client, documents = aws(emulator), azure(emulator)
    mine, neighbours = start(client, JobName="pr-1-manuals"), start(client, JobName="pr-2-manuals")
    place = "https://documents.blob.core.windows.net"
    batch, other_batch = (submit(documents, f"{place}/{name}", f"{place}/{name}-de") for name in ("pr-1", "pr-2"))

    since = emulator.control.last_request()
    destroying = stack.start("destroy")
    emulator.control.wait_for_requests(since=since)
    emulator.control.wait_for_requests(operation="CancelTranslation", since=since, match={"id": batch})
    at_work = list(dynamic_providers(psutil.Process(destroying.process.pid)))
    for job in (mine, batch):
        emulator.control.set_job(job, stop_latency=0.1)
    destroying.wait().check()

    assert at_work
    assert all(Path(program).is_relative_to(venv) for program in at_work)
    assert states(emulator, [mine, batch]) == {"STOPPED", "Cancelled"}
    assert states(emulator, [neighbours, other_batch]) == {"IN_PROGRESS", "Running"}
    assert not stack.resources()


def dynamic_providers(engine: psutil.Process) -> Iterator[str]:
    """The interpreters of the processes that run dynamic resources."""
    for process in engine.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            command = process.cmdline()
            if "pulumi.dynamic" in command:
                yield command[0]
