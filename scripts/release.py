"""Build what a release publishes: both distributions, reproducibly, with their SBOMs and digests.

    dist/
        translation_job_guard-VERSION-py3-none-any.whl   and the sdist; the same of the emulator
        translation_job_guard-VERSION.cdx.json           what the wheel needs, as CycloneDX; the same of the emulator
        SHA256SUMS                                       digests of all of these, for `sha256sum --check`

Every distribution is built twice, from two copies of the commit, and the two have to be equal byte for byte. The SBOM
is made from an environment that has the wheel with all extras, in the versions of requirements.lock, and nothing else.
"""

from __future__ import annotations

import argparse
import ast
import functools
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from email import message_from_bytes
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from scripts.setup import uv_environment

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
DISTRIBUTIONS = {"translation_job_emulator": "emulator", "translation_job_guard": "."}
"""The packages, and the directories of the repository that their distributions are built from."""
EXTRAS = {"translation_job_emulator": "", "translation_job_guard": "[all]"}
SUMS = "SHA256SUMS"


class ReleaseError(Exception):
    """The release cannot be built; the message says what to do."""


def main(arguments: list[str] | None = None) -> None:
    """Build a release as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="directory to write; emptied first")
    parser.add_argument("--tag", help="the tag to release: it has to be v and the version, with a dated changelog")
    parser.add_argument(
        "--allow-changes", action="store_true", help="build the working tree, also what is not committed"
    )
    given = parser.parse_args(arguments)
    if given.tag:
        check_tag(given.tag, ROOT)
    if not given.allow_changes and git("status", "--porcelain").strip():
        raise ReleaseError("The working tree has changes: commit them, or build them with --allow-changes.")
    epoch = git("log", "-1", "--format=%ct").strip()
    with tempfile.TemporaryDirectory() as place:
        first, second = (build(Path(place), name, epoch, changes=given.allow_changes) for name in ("first", "second"))
        compare(first, second)
        run(BIN / "twine", "check", "--strict", *sorted(first.iterdir()))
        for package in DISTRIBUTIONS:
            write_sbom(first, package, epoch)
        write_sums(first)
        shutil.rmtree(given.output, ignore_errors=True)
        shutil.copytree(first, given.output)
    print((given.output / SUMS).read_text(encoding="utf-8"), end="")


def version_of(package: str, root: Path) -> str:
    """Return the version that the source of a package has."""
    source = (root / DISTRIBUTIONS[package] / package / "_version.py").read_text(encoding="utf-8")
    return str(ast.literal_eval(source.partition("__version__ = ")[2].strip()))


def check_tag(tag: str, root: Path) -> None:
    """Check that a tag names the version of both packages, and that the changelog has a section for it with a date.

    Raises:
        ReleaseError: the tag cannot be released.
    """
    for package in DISTRIBUTIONS:
        if tag != f"v{version_of(package, root)}":
            raise ReleaseError(f"The tag is {tag}, and {package} has version {version_of(package, root)}: set both.")
    section = re.search(
        rf"^## {re.escape(tag[1:])} \((.*)\)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    if section is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", section[1]):
        raise ReleaseError(f'CHANGELOG.md has no "## {tag[1:]} (YYYY-MM-DD)": put the date of the release there.')


def build(place: Path, name: str, epoch: str, *, changes: bool) -> Path:
    """Build sdists and wheels from a copy of the repository of its own; returns the directory that has them."""
    source, output = place / name / "source", place / name / "dist"
    export(source, changes=changes)
    for directory in DISTRIBUTIONS.values():
        # Without isolation: the build backend is in the lock file, as everything else is.
        command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", output, source / directory)
        run(*command, SOURCE_DATE_EPOCH=epoch)
    return output


def export(directory: Path, *, changes: bool) -> None:
    """Copy the files of the last commit, or with ``changes`` those of the working tree, into a directory."""
    directory.mkdir(parents=True)
    if changes:
        for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
            if name and (ROOT / name).is_file():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, directory / name)
        return
    archive = directory.parent / "commit.tar"
    git("archive", "--format=tar", f"--output={archive}", "HEAD")
    with tarfile.open(archive) as opened:
        opened.extractall(directory, filter="data")


def compare(first: Path, second: Path) -> None:
    """Check that two builds are the same.

    Raises:
        ReleaseError: a file differs, or is in one of them only.
    """
    one, other = digests(first), digests(second)
    if differing := sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)):
        raise ReleaseError(f"Two builds of the same source differ in {', '.join(differing)}.")


def digests(directory: Path) -> dict[str, str]:
    """Return the SHA-256 digest of each file by its name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def write_sbom(directory: Path, package: str, epoch: str) -> None:
    """Write the SBOM of a wheel beside it; the digests of wheel and sdist are in it."""
    name = package.replace("_", "-")
    (wheel,) = directory.glob(f"{package}-*.whl")
    with tempfile.TemporaryDirectory() as venv:
        python = Path(venv) / "bin" / "python"
        uv = (BIN / "uv", "--quiet")
        run(*uv, "venv", "--clear", "--python", sys.executable, venv)
        locked = ("--constraint", ROOT / "requirements.lock", "--find-links", directory)
        run(*uv, "pip", "install", "--python", python, *locked, f"{name}{EXTRAS[package]} @ {wheel.as_uri()}")
        pyproject = Path(venv) / "pyproject.toml"
        pyproject.write_text(_root_component(wheel, package), encoding="utf-8")
        target = directory / f"{package}-{version_of(package, ROOT)}.cdx.json"
        options = ("--pyproject", pyproject, "--mc-type", "library", "--output-reproducible", "--validate")
        run(BIN / "cyclonedx-py", "environment", *options, "-o", target, python, SOURCE_DATE_EPOCH=epoch)
    sbom = json.loads(target.read_text(encoding="utf-8"))
    sbom["metadata"]["component"]["externalReferences"] = [
        {"type": "distribution", "url": path.name, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for path, digest in ((directory / file, digest) for file, digest in digests(directory).items())
        if path.name.startswith(f"{package}-") and path != target
    ]
    _without_places(sbom)
    target.write_text(json.dumps(sbom, indent=2) + "\n", encoding="utf-8")


def _root_component(wheel: Path, package: str) -> str:
    """Return what the SBOM says of the distribution itself: a pyproject.toml whose dynamic fields are filled in."""
    with ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    needed = {re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in metadata.get_all("Requires-Dist") or ()}
    needed.discard(metadata["Name"])  # an extra that is made of others
    return (
        f'[project]\nname = "{metadata["Name"]}"\nversion = "{version_of(package, ROOT)}"\nlicense = "Apache-2.0"\n'
        f"dependencies = {json.dumps(sorted(needed))}\n"
    )


def _without_places(sbom: dict[str, Any]) -> None:
    """Drop the places that wheels were installed from: they are of this machine."""
    for component in sbom["components"]:
        references = component.get("externalReferences", [])
        component["externalReferences"] = [one for one in references if not one["url"].startswith("file:")]


def write_sums(directory: Path) -> None:
    """Write the digests of everything in a directory into one file."""
    lines = [f"{digest}  {name}\n" for name, digest in digests(directory).items()]
    (directory / SUMS).write_text("".join(lines), encoding="utf-8")


def git(*arguments: str) -> str:
    """Return what git says of the repository."""
    return run("git", "-C", ROOT, *arguments)


def run(*command: str | Path, **env: str) -> str:
    """Run a program; returns what it printed.

    Raises:
        ReleaseError: it failed.
    """
    done = subprocess.run(command, env=_environment() | env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"`{' '.join(map(str, command))}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def _environment() -> dict[str, str]:
    return uv_environment()


if __name__ == "__main__":
    try:
        main()
    except ReleaseError as error:
        sys.exit(str(error))
