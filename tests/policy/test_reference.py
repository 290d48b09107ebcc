"""The rule reference and the example configuration say what is true."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]

from tests.policy.programs import run
from tests.policy.support import ACCOUNT, REGION, Servicer, judge
from translation_job_guard.emulator import Emulator
from translation_job_guard.policies import NAMES
from translation_job_guard.provider import AmazonTranslateJobGuardProvider

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
EXAMPLE = json.loads((ROOT / "policy" / "config.example.json").read_text(encoding="utf-8"))
SECTIONS = dict(
    re.findall(r"^### ([\w-]+)\n(.*?)(?=^### |\Z)", PAGE.partition("## The rules")[2], re.MULTILINE | re.DOTALL)
)

JOBS: dict[str, dict[str, Any]] = {
    "orphaned-translation-jobs": {"role": f"arn:aws:iam::{ACCOUNT}:role/translate"},
    "overdue-translation-jobs": {"name": "nightly-7", "submitted": -90000},
    "abandoned-translation-jobs": {"role": f"arn:aws:iam::{ACCOUNT}:role/was-here"},
}
"""What is in flight while the programs are judged."""
CONFIGURATION: dict[str, dict[str, dict[str, Any]]] = {
    "abandoned-translation-jobs": {"orphaned-translation-jobs": {"checkAbandoned": True}},
    "translation-waivers": {"guard-cancels-on-delete": {"waivers": [{"reason": "drains at night"}]}},
}


def test_the_reference_has_every_rule_and_no_other() -> None:
    """In the order of the pack, each with a violating and a fixed program."""
    assert tuple(SECTIONS) == NAMES
    for text in SECTIONS.values():
        assert re.findall(r"^(Violates it|Fixed)", text, re.MULTILINE) == ["Violates it", "Fixed"]
        assert len(_programs(text)) == 2


@pytest.mark.parametrize("rule", NAMES)
def test_each_example_violates_its_rule_until_fixed(
    rule: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are run by the real SDKs, and what they register is judged by the whole pack, live rules included."""
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": REGION}))
    job = JOBS.get(rule)
    if job:
        since = job.get("submitted", 0)
        job = {"region": REGION, "run_time": 1e7, **job, "submitted": time.time() + since}
        emulator.control.add_jobs([job])
    config: dict[str, dict[str, Any]] = CONFIGURATION.get(rule, {})
    endpoint = emulator.azure_endpoint("translator")
    violating, fixed = (
        run(one.replace("https://shared.cognitiveservices.azure.com/", endpoint), endpoint)
        for one in _programs(SECTIONS[rule])
    )
    found = judge(violating, config)
    assert rule in {one.rule for one in found}
    expected = {rule, "translation-resources-guarded", "guard-cancels-on-delete"}
    assert {one.rule for one in found} <= expected, found
    if rule.startswith("overdue"):
        # The fix is that the guard is replaced: what the engine deletes then stops the job.
        [old] = violating
        assert old.properties["triggers"] != fixed[0].properties["triggers"]
        assert old.properties["scope"] == fixed[0].properties["scope"]
        AmazonTranslateJobGuardProvider().delete("guard", old.properties | {"quiet_period": "0s"})
    left = [one for one in judge(fixed, config) if one.rule != "guard-cancels-on-delete"]
    assert left == []


def test_the_levels_on_the_page_are_those_of_the_pack() -> None:
    """As the handler tells the engine."""
    info = Servicer().servicer.GetAnalyzerInfo(None, None)
    told = {policy.name: {0: "advisory", 1: "mandatory"}[policy.enforcementLevel] for policy in info.policies}
    assert dict(re.findall(r"^\| \[([\w-]+)\]\(#[\w-]+\) \| (\w+) \|", PAGE, re.MULTILINE)) == told


def test_the_example_configuration_has_every_option() -> None:
    """It is on the page as it is in the file, and none of its values is refused."""
    assert json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]) == EXAMPLE
    assert set(EXAMPLE) == set(NAMES)
    for policy in Servicer().servicer.GetAnalyzerInfo(None, None).policies:
        schema = json_format.MessageToDict(policy.configSchema.properties)
        chosen = EXAMPLE[policy.name]
        values = {} if isinstance(chosen, str) else {k: v for k, v in chosen.items() if k != "enforcementLevel"}
        assert set(values) == set(schema) - {"waivers"}
        jsonschema.validate(values, {"type": "object", "properties": schema, "additionalProperties": False})
        defaults = {name: one["default"] for name, one in schema.items()}
        jsonschema.validate(defaults, {"type": "object", "properties": schema})
        for name, one in schema.items():
            assert one["description"], name


def _programs(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)
