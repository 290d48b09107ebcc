"""A stack that an earlier release has made is destroyed by this one, and so is a stack of an earlier engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import CREDENTIALS, states
from tests.support.emulator import aws, azure, start
from translation_job_guard.emulator import Emulator

STATES = Path(__file__).parent / "states"
RELEASES = sorted((Path(__file__).parents[1] / "golden").glob("[0-9]*"))


def state(release: Path, emulator: Emulator) -> dict[str, Any]:
    """Return the deployment of a stack with both guards of a release, as Pulumi stored it, at this emulator."""
    stack, provider = "urn:pulumi:dev::app::", "pulumi:providers:pulumi-python::default"
    places = {"amazon": {"endpoint_url": emulator.url}, "azure": {"endpoint": emulator.azure_endpoint("translator")}}
    guards = []
    for service, place in places.items():
        golden = json.loads((release / f"{service}.json").read_text())
        properties = {**golden["outputs"], **place}
        guards.append(
            {
                "urn": f"{stack}{golden['type']}::{service}",
                "type": golden["type"],
                "custom": True,
                "id": golden["id"],
                "inputs": properties,
                "outputs": properties,
                "parent": f"{stack}pulumi:pulumi:Stack::app-dev",
                "provider": f"{stack}{provider}::0123456789abcdef",
            }
        )
    root = [
        {"urn": f"{stack}pulumi:pulumi:Stack::app-dev", "type": "pulumi:pulumi:Stack", "custom": False},
        {
            "urn": f"{stack}{provider}",
            "type": "pulumi:providers:pulumi-python",
            "custom": True,
            "id": "0123456789abcdef",
        },
    ]
    manifest = {"time": "2025-01-31T12:00:00Z", "magic": "", "version": ""}
    return {"version": 3, "deployment": {"manifest": manifest, "resources": [*root, *guards]}}


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_the_guards_of_an_earlier_release_are_destroyed(
    workspace: MakeWorkspace, emulator: Emulator, release: Path
) -> None:
    """Their class, type and stored properties still mean the same: they stop their jobs, and only theirs."""
    stack = workspace("", project="app", env=dict(CREDENTIALS))
    stack.import_state(state(release, emulator)).check()
    golden = json.loads((release / "amazon.json").read_text())["outputs"]["scope"][0]
    bucket = {"S3Uri": golden["s3_uri_prefixes"][0], "ContentType": "text/plain"}
    client, documents = aws(emulator), azure(emulator)
    mine, neighbour = (
        start(
            client,
            JobName=f"{name}-manual",
            DataAccessRoleArn=golden["data_access_role_arns"][0],
            InputDataConfig=bucket,
        )
        for name in ("pr-17", "pr-170")
    )
    container = json.loads((release / "azure.json").read_text())["outputs"]["scope"][0]["container_urls"][0]
    batch, other = (
        str(documents.begin_translation(url, f"{url}-translated", "de").id) for url in (container, f"{container}0")
    )
    destroyed = stack.destroy().check()
    assert sorted(destroyed.completed()) == [("delete", "amazon"), ("delete", "azure")]
    assert states(emulator, [mine, batch]) == {"STOPPED", "Cancelled"}
    assert states(emulator, [neighbour, other]) <= {"IN_PROGRESS", "Running", "NotStarted"}


@pytest.mark.parametrize("recorded", sorted(STATES.glob("pulumi-*.json")), ids=lambda path: path.stem)
def test_a_stack_of_an_earlier_engine_is_destroyed(
    workspace: MakeWorkspace, emulator: Emulator, recorded: Path
) -> None:
    """A real `pulumi stack export` of that engine, with both guards and a secret. In the file EMULATOR stands for the
    emulator's URL, and the positions in the program's source are left out."""
    exported = json.loads(recorded.read_text(encoding="utf-8").replace("EMULATOR", emulator.url))
    assert exported["deployment"]["manifest"]["version"] in recorded.name
    stack = workspace("", project="app", env=dict(CREDENTIALS))
    stack.import_state(exported).check()
    assert stack.outputs() == {"token": "a-secret"}

    client, documents = aws(emulator), azure(emulator)
    mine, neighbour = (start(client, JobName=f"{name}-manual") for name in ("pr-17", "pr-18"))
    place = "https://documents.blob.core.windows.net"
    batch, other = (
        str(documents.begin_translation(f"{place}/{name}", f"{place}/out", "de").id) for name in ("pr-17", "pr-18")
    )
    destroyed = stack.destroy().check()
    assert sorted(destroyed.completed()) == [("delete", "amazon"), ("delete", "azure")]
    assert states(emulator, [mine, batch]) == {"STOPPED", "Cancelled"}
    assert states(emulator, [neighbour, other]) <= {"IN_PROGRESS", "Running", "NotStarted"}
    assert not stack.resources()
