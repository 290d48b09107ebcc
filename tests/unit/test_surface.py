"""Public names: none comes or goes without being written down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts import public_surface
from scripts.public_surface import CHANGELOG, FILE, PACKAGES, read, renewed, surface, unnamed

ROOT = Path(__file__).parents[2]


def test_the_list_has_every_public_name_and_no_other() -> None:
    """If this fails: `make surface` renews the list, and says what CHANGELOG.md has to name."""
    present, _ = read()
    now = surface()
    assert sorted(set(now) - set(present)) == [], "new names are not in the list; run `make surface`"
    assert sorted(set(present) - set(now)) == [], (
        "names of the list are gone; name them in CHANGELOG.md, `make surface`"
    )


def test_every_removed_name_is_in_the_changelog() -> None:
    _, removed = read()
    assert unnamed(removed, CHANGELOG.read_text(encoding="utf-8")) == []
    assert not set(removed) & set(surface())


@pytest.mark.parametrize(
    "name",
    [
        "name: translation_job_guard.AmazonTranslateJobGuard",
        "parameter: translation_job_guard.AmazonTranslateJobGuard(on_delete)",
        "parameter: translation_job_guard.AmazonTranslateScope(whole_region)",
        "output: translation_job_guard.AmazonTranslateJobGuard.account_id",
        "parameter: translation_job_guard.policies.policies(levels)",
        "parameter: translation_job_guard.testing.SimulatedService.add(runs_for)",
        "error: translation_job_guard.errors.InvalidArgument",
        "fixture: simulated_amazon_translate",
        "stored format: 1",
        "stored property: quiet_period",
        "stored class path: translation_job_guard.provider.AmazonTranslateJobGuardProvider",
        "stored type: pulumi-python:dynamic/translation:AzureDocumentTranslationJobGuard",
        "command: policy check-config",
        "option: plan --fail-on",
        "exit code: scan exits with 1",
        "environment variable: TRANSLATION_JOB_GUARD_ON_DELETE",
        "policy: orphaned-translation-jobs",
        "policy option: guard-scope-bounded.allowedGuards",
        "JSON schema: output-1.schema.json",
        "JSON property: scan.kind",
        "emulator setting: stop_latency",
        "emulator fault: lose-race",
        "name: translation_job_emulator.Control.wait_for_requests",
    ],
)
def test_each_kind_of_public_name_is_seen(name: str) -> None:
    """One of each kind: a kind that is no longer found would let all of its names go unnoticed."""
    assert name in surface()


def test_every_exit_code_that_a_command_documents_is_seen() -> None:
    """The promise of `docs/versioning.md` is the whole set."""
    codes = {one.rpartition(" ")[2] for one in surface() if one.startswith("exit code: ")}
    assert codes == {"0", "1", "2", "130"}


def test_a_removed_name_has_to_be_named_as_it_is_spelled() -> None:
    """In backticks: a word of the text is not enough, nor a longer name that has it inside."""
    gone = ["option: plan --fail-on"]
    assert unnamed(gone, "- Removed: `plan --fail-on`, use `--gate`.") == []
    assert unnamed(gone, "- Removed: plan --fail-on.") == gone
    assert unnamed(gone, "- `plan --fail-on-orphaned` is new.") == gone


def test_a_name_moves_between_the_parts_of_the_list_and_never_vanishes() -> None:
    present, removed = renewed(["a: 1", "a: 2"], ["a: 0"], ["a: 2", "a: 3"])
    assert (present, removed) == (["a: 2", "a: 3"], ["a: 0", "a: 1"])
    assert renewed(present, removed, ["a: 0", "a: 2", "a: 3"]) == (["a: 0", "a: 2", "a: 3"], ["a: 1"])


def test_the_list_is_not_renewed_while_the_changelog_misses_a_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is removed by mistake is found by whoever runs `make surface`, too."""
    file, changelog = tmp_path / "surface.txt", tmp_path / "CHANGELOG.md"
    before = FILE.read_text(encoding="utf-8").replace(
        "option: plan --fail-on", "option: plan --gate\noption: plan --fail-on"
    )
    file.write_text(before, encoding="utf-8")
    said = CHANGELOG.read_text(encoding="utf-8")
    changelog.write_text(said, encoding="utf-8")
    monkeypatch.setattr(public_surface, "FILE", file)
    monkeypatch.setattr(public_surface, "CHANGELOG", changelog)
    with pytest.raises(SystemExit, match="option: plan --gate"):
        public_surface.main()
    assert file.read_text(encoding="utf-8") == before
    changelog.write_text(f"{said}- `plan --gate` is gone.\n", encoding="utf-8")
    public_surface.main()
    assert "option: plan --gate" in read()[1]


def test_the_versioning_page_has_every_exit_code_and_schema() -> None:
    """And a state of each golden release exists, as it says."""
    text = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
    for schema in (PACKAGES[0] / "schemas").glob("*.json"):
        assert f"`{schema.name}`" in text
    for code in ("0 nothing found", "1 findings", "2 could not tell", "130 interrupted"):
        assert code in text
    releases = [path for path in (ROOT / "tests" / "golden").iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]
    assert releases
    assert all(json.loads(state.read_text("utf-8"))["outputs"] for path in releases for state in path.glob("*.json"))
