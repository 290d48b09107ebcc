"""The README says what there is, and its examples run."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from translation_job_emulator import Emulator
from translation_job_emulator.clock import SteppedClock
from translation_job_emulator.control_http import ControlApi
from translation_job_emulator.faults import KINDS
from translation_job_emulator.log import Signal
from translation_job_emulator.settings import Settings
from translation_job_emulator.world import World

README = Path(__file__).parents[1] / "README.md"


def section(heading: str) -> str:
    return README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def blocks(heading: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section(heading), re.MULTILINE | re.DOTALL)


def test_every_setting_is_listed_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", section("Settings"), re.MULTILINE)
    assert {name: json.loads(default) for name, default in rows} == dataclasses.asdict(Settings())
    assert len(rows) == len(dataclasses.fields(Settings))


def test_every_fault_is_listed() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", section("Faults"), re.MULTILINE) == list(KINDS)


def test_every_request_of_the_control_endpoint_is_listed() -> None:
    """Each route, and the two that wait, is in the table; the table has no others."""
    api = ControlApi(World(SteppedClock(0), {}, lambda: None), Signal())
    listed = set(re.findall(r"`([A-Z]+) ([\w/]+)`", section("Control endpoint")))
    names = [re.sub(r"(?<=/)(ID|NAME)$", "1", path) for _, path in listed]
    routes = [(method, pattern) for method, pattern, _ in api._routes]
    paths = {(method, name) for (method, _), name in zip(listed, names, strict=True)}
    found = {route for route in routes if any(m == route[0] and re.fullmatch(route[1], path) for m, path in paths)}
    assert found == set(routes)
    waits = {("GET", "wait/requests"), ("GET", "wait/job")}
    assert len(listed) == len(routes) + len(waits)
    assert waits <= listed


def test_links_work_on_a_package_index() -> None:
    """A package index shows the README outside of the repository, where relative links lead nowhere."""
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl")
def test_the_examples_with_curl_run(emulator: Emulator) -> None:
    """As printed, at the address of this emulator; the reset at the end is left out, to see what was done."""
    first, second = blocks("Use it from any language", "sh")
    script = f"{first}\n{second}".replace("http://127.0.0.1:4566", emulator.url)
    *done, reset = script.strip().splitlines()
    assert reset.endswith('/_control/reset"')
    # Not through the proxy of a machine that has one.
    ran = subprocess.run(
        ["bash", "-e"],
        input="\n".join(done),
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    requests = [(call["operation"], call["status"]) for call in emulator.control.requests()]
    assert requests == [("StartTextTranslationJob", 200), ("StartTranslation", 202)]
    assert '"operation": "StartTextTranslationJob"' in ran.stdout
    assert [fault["kind"] for fault in emulator.control.faults()] == ["throttle"]
    assert {job.get("name") for job in emulator.control.jobs()} >= {"letters", "manual"}
    subprocess.run(["bash", "-e"], input=f"EMULATOR={emulator.url}\n{reset}", text=True, timeout=60, check=True)
    assert emulator.control.jobs() == []


def test_the_example_in_python_runs() -> None:
    (example,) = blocks("Use it from any language", "python")
    exec(compile(example, str(README), "exec"), {})
