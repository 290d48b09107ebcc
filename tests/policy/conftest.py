"""The live rules look at the emulator through real clients."""

from __future__ import annotations

import os

import pulumi
import pytest

from tests.support.emulator import emulator, iam, real_server, s3, stepped, stepped_server
from translation_job_guard.emulator import Emulator

__all__ = ["bare", "emulator", "iam", "real_server", "s3", "stepped", "stepped_server"]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """No cloud of the caller's; where a test has the emulator, its credentials and endpoint."""
    # The pack's handler takes it from the environment, and Pulumi keeps it for the process.
    pulumi.runtime.set_all_config({})
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "TRANSLATION_JOB_GUARD_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if "emulator" in request.fixturenames:
        server: Emulator = request.getfixturevalue("emulator")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AZURE_DOCUMENT_TRANSLATION_KEY", "emulator-key")
