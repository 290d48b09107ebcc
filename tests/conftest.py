"""What tests declare of the engine that they need."""

from __future__ import annotations

import os
from functools import cache

import pytest

from scripts.setup import engine_version, parsed
from stacks.workspace import ENGINE_UNDER_TEST, find_engine

MARKER = "needs_engine"

# Tests start Python hundreds of times. Without bytecode, each start compiles the SDKs again: that is most of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}(release): the earliest release of Pulumi that the test runs with")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what an engine under test is too old for. The engine in use is never too old: the test fails there."""
    if not os.environ.get(ENGINE_UNDER_TEST):
        return
    left_out = [item for item in items if _too_old(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if message := _too_old(item):
        pytest.fail(f"{message}; run `make setup`", pytrace=False)


def _too_old(item: pytest.Item) -> str:
    """Return why the engine cannot run this test; an empty text if it can."""
    for marker in item.iter_markers(MARKER):
        (needed,) = marker.args
        if parsed(_installed()) < parsed(needed):
            return f"The test needs Pulumi {needed} or newer, and {find_engine()} is version {_installed()}"
    return ""


@cache
def _installed() -> str:
    return engine_version(find_engine())
