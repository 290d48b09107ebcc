"""The pack that ``policy init`` writes, and what ``policy check-config`` says of a configuration."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format  # type: ignore[import-untyped]
from typer.testing import CliRunner

from tests.policy.support import Servicer
from translation_job_guard import __version__
from translation_job_guard.cli.app import app
from translation_job_guard.policies import NAMES
from translation_job_guard.policies.configuration import problems

ROOT = Path(__file__).parents[2]
PACKAGE = "translation-job-guard[policy,aws,azure]"


def command(*arguments: str) -> tuple[int, str]:
    """Run the command; returns its exit code and everything that it says."""
    done = CliRunner().invoke(app, ["policy", *arguments])
    return done.exit_code, done.output


@pytest.mark.parametrize("trial", [False, True])
def test_the_written_pack_has_every_rule(tmp_path: Path, trial: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program makes a pack of all rules, advisory ones on trial, and its configuration has every option."""
    made: list[Any] = []
    monkeypatch.setattr("translation_job_guard.policies.start", lambda name, policies: made.append((name, policies)))
    pack = tmp_path / "new" / "pack"
    assert command("init", str(pack), *["--trial"] * trial)[0] == 0
    runpy.run_path(str(pack / "__main__.py"))
    [(_, policies)] = made
    assert tuple(one.name for one in policies) == NAMES
    levels = {one.name: one.enforcement_level.value for one in policies}
    settings = json.loads((pack / "policy-config.json").read_text(encoding="utf-8"))
    assert {name: one["enforcementLevel"] for name, one in settings.items()} == levels
    assert (set(levels.values()) == {"advisory"}) is trial
    for policy in Servicer().servicer.GetAnalyzerInfo(None, None).policies:
        options = set(json_format.MessageToDict(policy.configSchema.properties))
        assert set(settings[policy.name]) == {"enforcementLevel", *options}
    assert command("check-config", str(pack / "policy-config.json"))[0] == 0


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (None, f"{PACKAGE}=={__version__}"),
        ("9.9.9", f"{PACKAGE}==9.9.9"),
        ("https://example.com/guard-1-py3-none-any.whl", f"{PACKAGE} @ https://example.com/guard-1-py3-none-any.whl"),
        ("/wheels/guard-1-py3-none-any.whl", f"{PACKAGE} @ file:///wheels/guard-1-py3-none-any.whl"),
        ("translation-job-guard[policy]>=1", "translation-job-guard[policy]>=1"),
    ],
)
def test_the_requirement_is_this_release_or_what_was_given(tmp_path: Path, given: str | None, written: str) -> None:
    """A wheel until there is a release."""
    assert command("init", str(tmp_path), *(["--requirement", given] if given else []))[0] == 0
    assert (tmp_path / "requirements.txt").read_text(encoding="utf-8") == f"{written}\n"


@pytest.mark.parametrize("given", [None, "my venv"])
def test_the_environment_is_the_running_one_or_what_was_given(tmp_path: Path, given: str | None) -> None:
    """So that the pack runs at once."""
    assert command("init", str(tmp_path), *(["--virtualenv", given] if given else []))[0] == 0
    project = yaml.safe_load((tmp_path / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    running = sys.prefix if sys.prefix != sys.base_prefix else "venv"
    assert project["runtime"] == {"name": "python", "options": {"virtualenv": given or running}}


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    """A second run changes nothing."""
    (tmp_path / "__main__.py").write_text("mine", encoding="utf-8")
    code, said = command("init", str(tmp_path))
    assert (code, "already has __main__.py" in said) == (2, True)
    assert [one.name for one in tmp_path.iterdir()] == ["__main__.py"]


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ([], "not a JSON object"),
        ({"guard-deleted-frist": "mandatory"}, "Did you mean `guard-deleted-first`?"),
        ({"something": {}}, "The rules are orphaned"),
        ({"guard-deleted-first": "loud"}, "`loud` is not a valid level"),
        ({"all": "loud"}, "`loud` is not a valid level of all"),
        ({"guard-deleted-first": {"enforcementLevel": "loud"}}, "`loud` is not a valid level"),
        ({"overdue-translation-jobs": {"maxAgeHour": 3}}, "Did you mean `maxAgeHours`?"),
        ({"overdue-translation-jobs": {"maxAgeHours": "3"}}, "is not of type number"),
        ({"overdue-translation-jobs": {"maxAgeHours": True}}, "is not of type number"),
        ({"guard-deleted-first": {"waivers": [{"resource": "*"}]}}, "has no reason"),
    ],
)
def test_what_no_rule_knows_is_a_finding(configuration: Any, words: str, tmp_path: Path) -> None:
    """One sentence each, exit code 1."""
    [problem] = problems(configuration)
    assert words in problem
    file = tmp_path / "config.json"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    code, said = command("check-config", str(file))
    assert (code, problem in said) == (1, True)


def test_a_configuration_in_order_has_no_findings() -> None:
    """The example of the ready pack, and Pulumi's word for every rule."""
    example = json.loads((ROOT / "policy" / "config.example.json").read_text(encoding="utf-8"))
    assert problems(example) == []
    assert problems({"all": "advisory", "guard-deleted-first": {"waivers": [{"reason": "r"}]}}) == []


@pytest.mark.parametrize("text", [None, "{"])
def test_a_file_that_cannot_be_read_is_an_error(text: str | None, tmp_path: Path) -> None:
    """Nothing was checked, so it is neither in order nor a finding."""
    file = tmp_path / "config.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert command("check-config", str(file))[0] == 2


def test_every_policy_has_a_link_and_a_name_to_show() -> None:
    """As the handler tells the engine; the link is to the rule's own section."""
    for policy in Servicer().servicer.GetAnalyzerInfo(None, None).policies:
        assert policy.url.endswith(f"docs/policies.md#{policy.name}")
        assert policy.displayName
        assert policy.displayName[0].isupper()
