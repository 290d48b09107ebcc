"""The real command, as a subprocess, against the emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from translation_job_guard.emulator import Emulator

COMMAND = Path(sys.executable).parent / "translation-job-guard"
_FOREIGN = ("AWS_", "AZURE_", "PULUMI_", "TRANSLATION_JOB_GUARD_", "ARM_")
"""Variables of the caller that the command must not see."""

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/translate-dev"
LONG_AGO = 3 * 3600 + 30 * 60 + 5
"""Seconds: an age that is shown in minutes, and stays the same for most of one."""


@dataclass
class Cli:
    """Runs ``translation-job-guard`` in a directory and an environment of its own."""

    directory: Path
    emulator: Emulator
    env: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, *arguments: str, env: Mapping[str, str | None] | None = None, stdin: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.directory,
            env=self.environment(env),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str, **options: Any) -> Any:
        """What the command prints as JSON."""
        done = self(*arguments, "--output", "json", **options)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=self.directory,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        merged: dict[str, str | None] = {**inherited, **self.env, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}


@pytest.fixture(scope="session")
def server() -> Iterator[Emulator]:
    with Emulator(stop_latency=0.05, start_latency=0, run_time=100_000) as emulator:
        yield emulator


@pytest.fixture
def emulator(server: Emulator) -> Emulator:
    """As new; jobs run until somebody stops them."""
    server.control.reset()
    return server


@pytest.fixture
def cli(tmp_path: Path, emulator: Emulator) -> Cli:
    """With credentials for the emulator, and no region or endpoint."""
    return Cli(
        tmp_path,
        emulator,
        {
            "AWS_ACCESS_KEY_ID": "AKIAEMULATOR",
            "AWS_SECRET_ACCESS_KEY": "planted-aws-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ENDPOINT_URL": emulator.url,
            "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key",
            "COLUMNS": "80",
            "HOME": str(tmp_path),
        },
    )


AddJobs = Callable[..., list[str]]


@pytest.fixture
def add_jobs(emulator: Emulator) -> AddJobs:
    """Puts running jobs into the emulator: ``add_jobs(name=…)`` or ``add_jobs(resource=…)``; returns their ids."""

    def add(count: int = 1, **changes: Any) -> list[str]:
        job: dict[str, Any] = {"submitted": emulator.control.now() - LONG_AGO}
        if "resource" in changes:
            job |= {"source": "https://account.blob.core.windows.net/docs", "documents": 5}
            job |= {"target": "https://account.blob.core.windows.net/out"}
        else:
            job |= {"region": REGION, "role": ROLE, "input": "s3://bucket/in/", "output": "s3://bucket/out/"}
        return emulator.control.add_jobs([{**job, **changes}] * count)

    return add
