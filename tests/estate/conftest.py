"""An estate on the emulator: AWS accounts that roles lead into, Azure subscriptions with Translator accounts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import bare_environment
from translation_job_guard.emulator import Control
from translation_job_guard.services.azure import ARM_ENDPOINT_ENV

__all__ = ["bare_environment"]


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Start an emulator in a process of its own, so that it takes no time from the look."""
    command = [sys.executable, "-m", "translation_job_emulator", "--run-time", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def control(url: str, bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Control:  # noqa: ARG001
    """Return the control of an emulator that is as new, to which the environment's credentials lead."""
    control = Control(url)
    control.reset()
    control.settings(azure_cache_seconds=0, azure_read_lag=0, azure_resources="explicit")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAEMULATOR",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": url,
        "IDENTITY_ENDPOINT": f"{url}/azure-identity/token",
        "IDENTITY_HEADER": "emulator",
        ARM_ENDPOINT_ENV: f"{url}/azure-arm",
    }.items():
        monkeypatch.setenv(name, value)
    return control
