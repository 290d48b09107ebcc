"""Make the release archives of the native plugin, one for each platform, in `build/plugin/`: `make plugin-archives`.

Each is what `pulumi plugin install resource translation-job-guard VERSION --server URL` takes, and what the engine
downloads at a destroy on a machine that lacks the plugin. All have the same content: `plugin/` and the wheel of this
checkout, which Pulumi's Python host installs into an environment of the plugin's own. PLUGIN_DOWNLOAD_URL in the
environment is where the archives will be: it stands in the schema.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from translation_job_guard.native.schema import PACKAGE, schema

__all__ = ["PLATFORMS", "archive", "build_wheel"]

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "plugin"
PARAMETER = "PLUGIN_DOWNLOAD_URL"
PLATFORMS = tuple(f"{system}-{machine}" for system in ("linux", "darwin", "windows") for machine in ("amd64", "arm64"))


def main() -> None:
    """Build the wheel, make every archive, and print where they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--virtualenv", help="an environment that has the package, instead of one of the plugin's own")
    given = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    wheel = build_wheel(BUILD)
    for platform in PLATFORMS:
        made = archive(BUILD, platform, wheel, os.environ.get(PARAMETER, ""), given.virtualenv)
        print(made.relative_to(ROOT))


def build_wheel(directory: Path) -> Path:
    """Build the wheel of this checkout into a directory, and return its path."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return max(directory.glob("translation_job_guard-*.whl"), key=lambda path: path.stat().st_mtime)


def archive(
    directory: Path, platform: str, wheel: Path | None, plugin_download_url: str = "", virtualenv: str | None = None
) -> Path:
    """Make the archive of one platform, and return its path.

    Args:
        directory: Where to.
        platform: One of ``PLATFORMS``.
        wheel: The wheel that the plugin's environment gets; None without one, where ``virtualenv`` has the package.
        plugin_download_url: Where the archives will be.
        virtualenv: An environment that has the package, instead of one of the plugin's own.
    """
    described = (ROOT / "plugin" / "PulumiPlugin.yaml").read_text(encoding="utf-8")
    if virtualenv is not None:
        described = described.replace("    toolchain: pip\n    virtualenv: venv\n", f"    virtualenv: {virtualenv}\n")
    program = (ROOT / "plugin" / "__main__.py").read_text(encoding="utf-8")
    if plugin_download_url:
        program = program.replace("main()", f"main(plugin_download_url={plugin_download_url!r})")
    files = {"PulumiPlugin.yaml": described.encode(), "__main__.py": program.encode()}
    if wheel is not None:
        files["requirements.txt"] = f"./{wheel.name}[aws,azure]\n".encode()
        files[wheel.name] = wheel.read_bytes()
    path = directory / f"pulumi-resource-{PACKAGE}-v{schema()['version']}-{platform}.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            made.addfile(entry, io.BytesIO(data))
    return path


if __name__ == "__main__":
    main()
