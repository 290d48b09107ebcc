"""What users install: each wheel, in an environment that has nothing else, in a project of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psutil
import pytest

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks.support import ROOT
from tests.stacks.wheels import EMULATOR, GUARD, SOURCES, UV, build, build_wheel, run
from tests.support.emulator import aws, azure, start, submit
from translation_job_guard._project import REPOSITORY
from translation_job_guard.emulator import Emulator

USER_PROJECT = Path(__file__).parent / "user_project"


@pytest.mark.parametrize("package", [GUARD, EMULATOR])
def test_a_wheel_has_its_package_with_its_data_and_nothing_else(package: str, wheels: Mapping[str, Path]) -> None:
    """One package: types, schemas and whatever else the package reads are in it, tests and stacks are not."""
    names = within(wheels[package])
    assert {name.split("/")[0].partition("-")[0] for name in names} == {package}
    inside = {name for name in names if name.startswith(f"{package}/")}
    source = SOURCES[package]
    there = {str(path.relative_to(source)) for path in (source / package).rglob("*") if path.is_file()}
    assert {name for name in there if "__pycache__" not in name} <= inside
    assert f"{package}/py.typed" in inside
    assert any(name.endswith(".schema.json") for name in inside) == (package == GUARD)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not any("__pycache__" in name for name in inside)


@pytest.mark.parametrize(
    ("package", "has", "has_not"),
    [
        (GUARD, {"pyproject.toml", "README.md", "translation_job_guard", "tests"}, {"emulator"}),
        (EMULATOR, {"pyproject.toml", "README.md", "LICENSE", EMULATOR, "tests"}, {"emulator", GUARD}),
    ],
)
def test_an_sdist_has_one_distribution(
    package: str, has: set[str], has_not: set[str], wheels: Mapping[str, Path], tmp_path: Path
) -> None:
    """And the wheel that is built from it alone is the wheel that is built from the clone."""
    build(tmp_path, package)
    (sdist,), (wheel,) = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    with tarfile.open(sdist) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert has <= top
    assert not has_not & top
    assert within(wheel) == within(wheels[package])


def within(wheel: Path) -> set[str]:
    """Return the names of a wheel's files."""
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_readme_of_the_package_links_to_the_repository(wheel: Path, tmp_path: Path) -> None:
    """Every relative link of the README is absolute in the metadata, and leads to a file of the project. Another
    address is given to the build, and the package has it too."""
    assert set(linked(wheel, REPOSITORY)) >= {"docs/adopt-aws.md", "docs/architecture.svg", "docs/cli/plan-dark.png"}

    elsewhere = "https://git.example/translation"
    with ZipFile(build_wheel(tmp_path, TRANSLATION_JOB_GUARD_REPOSITORY=elsewhere)) as archive:
        assert f'REPOSITORY: Final = "{elsewhere}"' in archive.read("translation_job_guard/_project.py").decode()
    assert linked(next(tmp_path.glob("*.whl")), elsewhere) == linked(wheel, REPOSITORY)


def linked(wheel: Path, repository: str) -> list[str]:
    """Return the files of the project that a wheel's metadata links to; fail for a relative link."""
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


def test_the_emulator_works_without_the_guards(wheels: Mapping[str, Path], tmp_path: Path) -> None:
    """As a command and as a module, in an environment that has its wheel and no cloud's SDK for Azure, no Pulumi and no
    guard: it serves plain HTTP, and ends on a signal."""
    bin_ = environment(tmp_path / "venv", f"translation-job-emulator @ {wheels[EMULATOR].as_uri()}") / "bin"
    assert {"translation-job-emulator", "moto", "uvicorn"} <= packages(bin_)
    assert packages(bin_).isdisjoint({"translation-job-guard", "pulumi", "azure-core", "typer"})

    commands: list[list[str | Path]] = [[bin_ / "translation-job-emulator"], [bin_ / "python", "-m", EMULATOR]]
    for command in commands:
        with subprocess.Popen([*command, "--stop-latency", "60"], cwd=tmp_path, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            ready = process.stdout.readline().decode()
            try:
                assert ready.startswith("emulator ready at http://127.0.0.1:")
                stop_a_job_over_http(ready.split()[-1])
            finally:
                process.terminate()
        assert process.returncode == 0


def stop_a_job_over_http(url: str) -> None:
    """Seed a job of each service and stop it, as a program in any language would."""
    amazon, batch = ask("POST", f"{url}/_control/jobs", [{"region": "eu-west-1"}, {"resource": "any-name"}])
    scope = "any/20260101/eu-west-1/translate/aws4_request"
    headers = {
        "X-Amz-Target": "AWSShineFrontendService_20170701.StopTextTranslationJob",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=any",
    }
    assert ask("POST", f"{url}/", {"JobId": amazon}, headers) == {"JobId": amazon, "JobStatus": "STOP_REQUESTED"}
    place = f"{url}/azure/any-name/translator/document/batches/{batch}?api-version=2024-05-01"
    assert ask("DELETE", place, None, {"Ocp-Apim-Subscription-Key": "emulator-key"})["status"] == "Cancelling"
    states = {job["id"]: job["state"] for job in ask("GET", f"{url}/_control/jobs")}
    assert states == {amazon: "STOP_REQUESTED", batch: "Cancelling"}


def ask(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
    """Send JSON and return the JSON that is answered; fails for an answer that is an error."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict(headers or {}), method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


def environment(venv: Path, requirement: str) -> Path:
    """Make a virtual environment that has one wheel, and of everything else what is locked."""
    run(UV, "venv", "--quiet", "--python", sys.executable, venv)
    python = venv / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", ROOT / "requirements.lock", requirement)
    return venv


def packages(bin_: Path) -> set[str]:
    """Return the names of what is installed."""
    listed = json.loads(run(UV, "pip", "list", "--quiet", "--python", bin_ / "python", "--format", "json"))
    return {package["name"] for package in listed}


def test_a_project_with_only_the_wheel_comes_up_and_goes_down(
    wheel: Path, workspace: MakeWorkspace, emulator: Emulator
) -> None:
    """A project outside of the repository, with a virtual environment of its own in which nothing but the wheel and its
    dependencies are installed: its guards stop its jobs of both services on destroy, and no others."""
    stack = workspace(USER_PROJECT, project="shop", stack="pr-1", env=emulator.environment)
    shutil.copytree(USER_PROJECT, stack.directory, dirs_exist_ok=True)
    venv = environment(stack.directory / "venv", f"translation-job-guard[aws,azure] @ {wheel.as_uri()}")
    installed = packages(venv / "bin")
    assert {"translation-job-guard", "boto3", "azure-ai-translation-document"} <= installed
    assert installed.isdisjoint({"pulumi-aws", "pulumi-azure-native", "pulumi-policy", "moto", "pytest"})
    assert "translation-job-emulator" not in installed
    command: list[str | Path] = [venv / "bin" / "translation-job-guard", "emulator"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert 'pip install "translation-job-guard[emulator]"' in refused.stderr

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
    """Return the interpreters of the processes that run dynamic resources."""
    for process in engine.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            command = process.cmdline()
            if "pulumi.dynamic" in command:
                yield command[0]
