"""States as ``pulumi stack export`` gives them: two real exports with a few cloud resources added, and variations.

In `exports/mixed.json` the stack `test/dev` has guards of both clouds, foreign resources and secrets;
`mixed-show-secrets.json` is the same stack, exported with `--show-secrets`. `EMULATOR` stands for an emulator's URL.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_DIRECTORY = Path(__file__).parent / "exports"


def mixed(url: str, *, show_secrets: bool = True) -> dict[str, Any]:
    """Return the export of the stack `test/dev`: guards `translate`, `inherits` and `documents`."""
    name = "mixed-show-secrets.json" if show_secrets else "mixed.json"
    loaded: dict[str, Any] = json.loads((_DIRECTORY / name).read_text().replace("EMULATOR", url))
    return loaded


def state(
    url: str,
    *,
    stack: str = "dev",
    project: str = "shop",
    guards: Mapping[str, Mapping[str, Any]] | None = None,
    keep: Sequence[str] = (),
    regions: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the export of a stack of one's own, in the shape of the real one.

    Args:
        guards: by name, what differs from the real guard of that kind (`endpoint` makes it Azure's): its properties,
            and under `resource` what differs in the resource itself.
        keep: names of cloud resources of the real export to have as well.
        regions: of AWS providers to have as well.
    """
    real = mixed(url)
    by_name = {one["urn"].rpartition("::")[2]: one for one in real["deployment"]["resources"]}
    resources = [by_name["test-dev"], *(by_name[name] for name in keep)]
    for region in regions:
        provider = "pulumi:providers:aws"
        urn = f"urn:pulumi:dev::test::{provider}::{region}"
        resources.append({"urn": urn, "type": provider, "custom": True, "id": region, "outputs": {"region": region}})
    for name, changes in (guards or {}).items():
        guard = copy.deepcopy(by_name["documents" if "endpoint" in changes else "translate"])
        properties = {key: value for key, value in changes.items() if key != "resource"}
        guard["outputs"] |= {"name": name, "protects": [], **properties}
        guard |= {
            "urn": guard["urn"].rpartition("::")[0] + f"::{name}",
            "dependencies": [],
            **changes.get("resource", {}),
        }
        resources.append(guard)
    real["deployment"]["resources"] = resources
    text = json.dumps(real).replace("urn:pulumi:dev::test::", f"urn:pulumi:{stack}::{project}::")
    text = text.replace('"stack": "dev"', f'"stack": "{stack}"').replace('"project": "test"', f'"project": "{project}"')
    loaded: dict[str, Any] = json.loads(text)
    return loaded
