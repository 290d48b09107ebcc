"""Previews by the real engine mean what the recorded ones mean, which the fast tests of `plan --preview` read.

`UPDATE_GOLDEN=1` records them anew into `tests/golden/previews`: `NAME.json` is what `pulumi preview --json
--show-sames` printed, `NAME.state.json` what `pulumi stack export` gave before.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stacks.workspace import Workspace
from tests.support.emulator import REGION
from tests.support.plugins import environment
from tests.support.previews import PREVIEWS, meaning
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import InvalidArgument

PROGRAM = Path(__file__).parent / "programs" / "previewed.py"
BASE = {"shape": "plain", "role": "translate-1", "path": "/", "release": "1", "timeout": "1m", "loose": "/"}
ROLE = "urn:pulumi:dev::test::aws:iam/role:Role::role"

CHANGES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "same": ({}, ()),
    "update": ({"timeout": "2m"}, ()),
    "narrowed": ({"shape": "narrowed"}, ()),
    "secret": ({"shape": "secret", "timeout": "2m"}, ()),
    "delete": ({"shape": "emptied"}, ()),
    "guard-deleted": ({"shape": "guardless"}, ()),
    "trigger": ({"release": "2"}, ()),
    "replace-delete-first": ({"role": "translate-2"}, ()),
    "guardless-delete-first": ({"shape": "guardless", "role": "translate-2"}, ()),
    "unguarded-replace": ({"loose": "/other/"}, ()),
    "renamed": ({"shape": "renamed"}, ()),
    "target": ({"role": "translate-2", "loose": "/other/"}, ("--target", ROLE)),
    "failed": ({"shape": "failed", "role": "translate-2"}, ()),
    "refresh": ({"loose": "/other/"}, ("--refresh",)),
}
"""What changes against the stack as it is, and the options of the preview."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Workspace]:
    with (
        Emulator(stop_latency=0.05, start_latency=0, run_time=100_000) as emulator,
        Workspace(tmp_path / "workspace", PROGRAM, env=environment(emulator)) as made,
    ):
        made.config = {"aws:region": REGION, "test:emulator": emulator.url}
        yield made


def configure(stack: Workspace, **changes: str) -> None:
    # The engine keeps what --config has given in the stack's file, so each command gives all of it.
    stack.config |= {f"test:{key}": value for key, value in {**BASE, **changes}.items()}


def recorded(stack: Workspace, state: str, name: str, *options: str, sames: bool = True) -> None:
    """Preview the stack, and compare what it means with what the recorded preview of that name means.

    Args:
        stack: the stack.
        state: its state, as exported; a preview does not change it.
        name: of the recorded preview.
        options: of `pulumi preview`.
        sames: whether the preview shows what stays the same.
    """
    shown = stack.preview("--json", *(["--show-sames"] if sames else []), *options).stdout
    if os.environ.get("UPDATE_GOLDEN"):
        PREVIEWS.mkdir(exist_ok=True)
        for suffix, text in (("json", shown), ("state.json", state)):
            plain = _plain(json.loads(text))
            url = stack.config["test:emulator"]
            written = json.dumps(plain, indent=1).replace(url, "EMULATOR")
            (PREVIEWS / f"{name}.{suffix}").write_text(written + "\n", encoding="utf-8")
    try:
        found: Any = meaning(shown, state)
    except InvalidArgument as error:
        found = str(error)[:60]
    try:
        expected: Any = meaning(
            (PREVIEWS / f"{name}.json").read_text("utf-8"), (PREVIEWS / f"{name}.state.json").read_text("utf-8")
        )
    except InvalidArgument as error:
        expected = str(error)[:60]
    assert found == expected, name


def _plain(value: Any) -> Any:
    """Leave out where things are on this machine."""
    if isinstance(value, dict):
        left_out = {"sourcePosition", "stackTrace", "created", "modified", "time"}
        return {key: _plain(one) for key, one in value.items() if key not in left_out}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return re.sub(r"(?:/[\w.+-]+)+/(?=tests/|bin/|lib/)", "", value)
    return value


def test_previews_mean_what_the_recorded_ones_mean(stack: Workspace) -> None:
    """Create, update, delete, replace in both orders, rename, --target, retained, a program that fails."""
    configure(stack)
    recorded(stack, json.dumps(stack.export_state()), "create")
    state = updated(stack)
    for name, (changes, options) in CHANGES.items():
        configure(stack, **changes)
        recorded(stack, state, name, *options)
    configure(stack, loose="/other/")
    recorded(stack, state, "without-sames", sames=False)
    configure(stack, shape="retained")
    state = updated(stack)
    configure(stack, shape="emptied")
    recorded(stack, state, "retained")
    configure(stack, role="")
    state = updated(stack)
    configure(stack, role="", path="/other/")
    recorded(stack, state, "replace-create-first")


def updated(stack: Workspace) -> str:
    """Update the stack, and return its state."""
    stack.up().check()
    return json.dumps(stack.export_state())
