"""What `make release` makes: equal builds, complete metadata, an SBOM of what is installed, and digests."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from scripts import release
from scripts.release import DISTRIBUTIONS, ReleaseError, check_tag, compare, main, version_of
from tests.stacks.support import ROOT
from translation_job_guard._project import REPOSITORY

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a release is built from a clone")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of the working tree."""
    output = tmp_path_factory.mktemp("release") / "dist"
    main(["--allow-changes", "--output", str(output)])
    return output


def metadata(dist: Path, package: str) -> Message:
    """The metadata of a wheel."""
    (wheel,) = dist.glob(f"{package}-*.whl")
    with ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def sbom(dist: Path, package: str) -> Any:
    (path,) = dist.glob(f"{package}-*.cdx.json")
    return json.loads(path.read_text(encoding="utf-8"))


def locked() -> dict[str, set[str]]:
    """The versions of each package in the lock file: more than one where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.M):
        found.setdefault(name, set()).add(version)
    return found


def test_a_release_has_both_distributions_and_the_digests_of_all_files(dist: Path) -> None:
    """As ``sha256sum --check`` reads them."""
    lines = (dist / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    expected = {
        f"{package}-{version_of(package, ROOT)}{ending}"
        for package in DISTRIBUTIONS
        for ending in ("-py3-none-any.whl", ".tar.gz", ".cdx.json")
    }
    assert set(sums) == expected == {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
    assert all(hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest for name, digest in sums.items())


def test_a_file_of_a_wheel_has_the_time_of_the_commit(dist: Path) -> None:
    """``SOURCE_DATE_EPOCH`` reaches the build: two builds are equal for a better reason than luck."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%cd", "--date=format-local:%Y %m %d %H %M"]
    said = subprocess.run(command, env={"TZ": "UTC"}, capture_output=True, text=True, check=True).stdout
    for wheel in dist.glob("*.whl"):
        with ZipFile(wheel) as archive:
            assert {entry.date_time[:5] for entry in archive.infolist()} == {tuple(map(int, said.split()))}


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_the_metadata_says_who_where_and_under_which_licence(package: str, dist: Path) -> None:
    found = metadata(dist, package)
    assert found["Author"] == "The maintainers of translation-job-guard"
    assert found["License-Expression"] == "Apache-2.0"
    links = dict(one.split(", ") for one in found.get_all("Project-URL") or ())
    assert {"Repository", "Documentation", "Changelog", "Issues"} <= set(links)
    assert all(link.startswith(REPOSITORY) for link in links.values())


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_no_link_of_the_description_is_relative(package: str, dist: Path) -> None:
    """An index shows it outside of the repository."""
    text = str(metadata(dist, package).get_payload())
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    assert any(link.startswith(REPOSITORY) for link in links)


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_the_sbom_names_its_subjects_with_their_digests(package: str, dist: Path) -> None:
    """The distribution is the root, and the files that the SBOM is for are known by their digests."""
    component = sbom(dist, package)["metadata"]["component"]
    assert (component["name"], component["version"]) == (package.replace("_", "-"), version_of(package, ROOT))
    subjects = {one["url"]: one["hashes"][0]["content"] for one in component["externalReferences"]}
    assert {Path(name).suffix for name in subjects} == {".whl", ".gz"}
    for name, digest in subjects.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    ("package", "direct"),
    [
        ("translation_job_guard", {"pulumi", "boto3", "azure-identity", "pulumi-policy", "translation-job-emulator"}),
        ("translation_job_emulator", {"uvicorn", "moto", "flask", "botocore"}),
    ],
)
def test_the_sbom_has_what_is_installed_in_the_locked_versions(package: str, direct: set[str], dist: Path) -> None:
    """No tool of development, no place of this machine, and what the distribution needs itself is told apart."""
    found = sbom(dist, package)
    known = locked() | {one.replace("_", "-"): {version_of(one, ROOT)} for one in DISTRIBUTIONS}
    versions = {one["name"].lower().replace("_", "-"): one["version"] for one in found["components"]}
    assert {name for name, version in versions.items() if version not in known.get(name, ())} == set()
    assert {"pytest", "mypy", "ruff", "pip"}.isdisjoint(versions)
    by_reference = {one["bom-ref"]: one["name"] for one in found["components"]}
    (needs,) = (
        one["dependsOn"] for one in found["dependencies"] if one["ref"] == found["metadata"]["component"]["bom-ref"]
    )
    assert direct <= {by_reference[one].lower().replace("_", "-") for one in needs}
    assert "file:" not in json.dumps(found)


def test_builds_that_differ_are_refused(tmp_path: Path) -> None:
    """And the file is named, also one that is in one of them only."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same").touch()
    compare(tmp_path / "first", tmp_path / "second")
    (tmp_path / "first" / "a.whl").write_text("a", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"differ in a\.whl"):
        compare(tmp_path / "first", tmp_path / "second")
    (tmp_path / "second" / "a.whl").write_text("b", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"differ in a\.whl"):
        compare(tmp_path / "first", tmp_path / "second")


def test_a_tag_has_to_name_both_versions_and_a_dated_section(tmp_path: Path) -> None:
    for package, directory in DISTRIBUTIONS.items():
        (tmp_path / directory / package).mkdir(parents=True)
        shutil.copy(ROOT / directory / package / "_version.py", tmp_path / directory / package)
    version = version_of("translation_job_guard", ROOT)
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"# Changes\n\n## {version} (not released yet)\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="YYYY-MM-DD"):
        check_tag(f"v{version}", tmp_path)
    changelog.write_text(f"# Changes\n\n## {version} (2026-12-01)\n", encoding="utf-8")
    check_tag(f"v{version}", tmp_path)
    with pytest.raises(ReleaseError, match="set both"):
        check_tag("v99.0.0", tmp_path)


def test_what_is_not_committed_is_not_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless that is asked for: nobody could build it again."""
    monkeypatch.setattr(release, "git", lambda *arguments: " M README.md\n" if arguments[0] == "status" else "0")
    with pytest.raises(ReleaseError, match="--allow-changes"):
        main([])
