"""Previews as the real engine printed them, with the stack's state before: `tests/engine/test_previews.py` records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from translation_job_guard.cli.preview import forecast, parse_preview
from translation_job_guard.state import parse_state

PREVIEWS = Path(__file__).parents[1] / "golden" / "previews"


def recorded(name: str, url: str) -> tuple[str, str]:
    """Return the preview and the state of that name, with the emulator's URL."""
    preview, state = ((PREVIEWS / f"{name}.{suffix}").read_text("utf-8") for suffix in ("json", "state.json"))
    return preview.replace("EMULATOR", url), state.replace("EMULATOR", url)


def meaning(preview: str, state: str) -> dict[str, Any]:
    """Return what a preview says of each guard and of each resource that goes, by name."""
    ahead = forecast(parse_preview(preview, "preview"), parse_state(state, "state"))
    return {
        "guards": {
            one.guard.name: (one.change.value, one.delete_first, one.because, bool(one.problem)) for one in ahead.guards
        },
        "losses": {
            one.tie.name: (one.change.value, one.delete_first, [acting.guard.name for acting in one.guards])
            for one in ahead.losses
        },
        "created": len(ahead.created),
    }
