"""Settings are checked as a whole before any of them changes."""

from __future__ import annotations

from typing import Any

import pytest

from translation_job_emulator.settings import DOCUMENTED_RATES, Settings


@pytest.mark.parametrize(
    "change",
    [
        {"stop_latency": 0},
        {"stop_latency": 2.5},
        {"max_running": 3},
        {"rates": DOCUMENTED_RATES},
        {"burst": None},
        {"paging": "offset"},
        {"azure_cancel_refused": 409},
        {"azure_cache_seconds": 0},
        {"azure_cache_route": "random"},
        {"azure_next_link": "nextLink"},
        {"azure_get_rate": 11},
        {"azure_document_path": "unless-failed"},
        {"azure_keys": ["a"]},
        {"accounts": {"AKIA": "123456789012"}},
    ],
)
def test_what_can_be_set(change: dict[str, Any]) -> None:
    """Whole numbers do for durations; lists and dictionaries are checked to the bottom."""
    settings = Settings()
    settings.change(change)
    assert settings.as_dict() == {**Settings().as_dict(), **change}


@pytest.mark.parametrize(
    "change",
    [
        {"stop_latency": "1"},
        {"stop_latency": True},
        {"stop_latency": -0.1},
        {"max_running": 1.5},
        {"paging": "pages"},
        {"azure_cancel_refused": 404},
        {"azure_cache_nodes": 1.5},
        {"azure_cache_route": "sticky"},
        {"azure_next_link": "next"},
        {"azure_keys": "a"},
        {"accounts": {"AKIA": 123456789012}},
        {"unknown": 1},
    ],
)
def test_what_cannot_be_set(change: dict[str, Any]) -> None:
    """Nothing changes, also not what could."""
    settings = Settings()
    with pytest.raises(ValueError, match=next(iter(change))):
        settings.change({"run_time": 1, **change})
    assert settings == Settings()
