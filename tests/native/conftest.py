"""The native plugin: its servicer over gRPC without an engine, and programs in other languages on the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.conftest import MakeWorkspace, emulator, real_server, workspace
from tests.native.plugin import Plugin
from translation_job_guard.emulator import Emulator

__all__ = ["MakeWorkspace", "emulator", "plugin", "real_server", "workspace"]


@pytest.fixture
def plugin(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """A plugin in this process, whose guards find the emulator."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    with Plugin(emulator) as started:
        yield started
