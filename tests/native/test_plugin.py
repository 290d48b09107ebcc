"""What the plugin is installed from."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from scripts.plugin_archives import PLATFORMS, archive
from translation_job_guard import __version__

PLUGIN = Path(__file__).parents[2] / "plugin"


def test_the_plugins_folder_requires_this_release() -> None:
    """Pulumi installs what it says into an environment of the plugin's own."""
    assert (PLUGIN / "requirements.txt").read_text(encoding="utf-8") == (
        f"translation-job-guard[aws,azure]=={__version__}\n"
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_archive_has_what_pulumi_installs(tmp_path: Path, platform: str) -> None:
    """The wheel, and where the archives are; its name is the one that Pulumi asks a server for."""
    wheel = tmp_path / "translation_job_guard-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    made = archive(tmp_path, platform, wheel, "https://example.com/releases")
    assert made.name == f"pulumi-resource-translation-job-guard-v{__version__}-{platform}.tar.gz"
    with tarfile.open(made) as opened:
        files = {name: opened.extractfile(name) for name in opened.getnames()}
        texts = {name: file.read().decode() for name, file in files.items() if file is not None}
    assert set(texts) == {"PulumiPlugin.yaml", "__main__.py", "requirements.txt", wheel.name}
    assert texts["requirements.txt"] == f"./{wheel.name}[aws,azure]\n"
    assert "main(plugin_download_url='https://example.com/releases')" in texts["__main__.py"]


def test_an_archive_may_use_an_environment_that_is_there(tmp_path: Path) -> None:
    """Then Pulumi installs nothing."""
    with tarfile.open(archive(tmp_path, PLATFORMS[0], None, virtualenv="/opt/guard")) as opened:
        described = opened.extractfile("PulumiPlugin.yaml")
        assert described is not None
        text = described.read().decode()
    assert "    virtualenv: /opt/guard\n" in text
    assert "toolchain" not in text
