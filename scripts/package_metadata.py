"""The build's part of the package's metadata: the README with absolute links, and the project's links.

A package index shows the README outside of the repository, where a relative link leads nowhere. Hatchling runs these
hooks in every build; `TRANSLATION_JOB_GUARD_REPOSITORY` is the build's parameter for the address of the repository.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).resolve().parent.parent
PROJECT = Path("translation_job_guard", "_project.py")
PARAMETER = "TRANSLATION_JOB_GUARD_REPOSITORY"

_ADDRESS = re.compile(r'(?<=REPOSITORY: Final = ")[^"]+(?=")')
_RELATIVE = r"(?!https?://|mailto:|#)[^)\s\"]+"
_LINK = re.compile(rf"(?P<before>(?P<image>!?)\[[^\]]*\]\()(?P<target>{_RELATIVE})")
_SOURCE = re.compile(rf'(?P<before>\b(?:src|srcset)=")(?P<target>{_RELATIVE})')


def repository() -> str:
    """Return the address of the repository: the build's parameter, or what the package says."""
    found = _ADDRESS.search((ROOT / PROJECT).read_text(encoding="utf-8"))
    assert found is not None, f"{PROJECT} says where the repository is"
    return (os.environ.get(PARAMETER) or found.group()).rstrip("/")


def absolute(text: str, address: str) -> str:
    """Return Markdown whose links into the repository lead there from anywhere."""

    def link(found: re.Match[str]) -> str:
        kind = "raw" if found["image"] else "blob"
        return f"{found['before']}{address}/{kind}/main/{found['target']}"

    return _SOURCE.sub(rf"\g<before>{address}/raw/main/\g<target>", _LINK.sub(link, text))


class ProjectMetadata(MetadataHookInterface):
    """Fills in what `pyproject.toml` calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README and the links of the project."""
        address = repository()
        text = absolute((ROOT / "README.md").read_text(encoding="utf-8"), address)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = {
            "Repository": address,
            "Documentation": f"{address}/tree/main/docs",
            "Changelog": f"{address}/blob/main/CHANGELOG.md",
            "Issues": f"{address}/issues",
            "Security": f"{address}/blob/main/SECURITY.md",
        }


class ProjectAddress(BuildHookInterface[Any]):
    """Puts the build's parameter, where it is given, into the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Take the package's own address file, with the address of this build."""
        if self.target_name != "wheel" or not os.environ.get(PARAMETER):
            return
        self._directory = tempfile.TemporaryDirectory()
        made = Path(self._directory.name, PROJECT.name)
        made.write_text(_ADDRESS.sub(repository(), (ROOT / PROJECT).read_text(encoding="utf-8")), encoding="utf-8")
        build_data["force_include"][str(made)] = str(PROJECT)
