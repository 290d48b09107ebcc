"""Generate the SDKs of the native plugin from its schema into `build/sdks/`, compile and pack them: `make sdks`.

Node.js, Python and Go. Users of .NET and Java, and everybody who has the Pulumi command line, generate theirs with
`pulumi package add`. PLUGIN_DOWNLOAD_URL in the environment is where the release archives of the plugin are: an SDK
writes it into the states of its stacks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from translation_job_guard.native.schema import PACKAGE, schema

__all__ = ["LANGUAGES", "generate"]

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sdks"
PARAMETER = "PLUGIN_DOWNLOAD_URL"
LANGUAGES = ("nodejs", "python", "go")


def main() -> None:
    """Generate, compile and pack each SDK, and print where the packages are."""
    shutil.rmtree(BUILD, ignore_errors=True)
    generate(BUILD, os.environ.get(PARAMETER, ""))
    packages = BUILD / "packages"
    packages.mkdir()
    _pack_nodejs(BUILD / "nodejs", packages)
    _pack_python(BUILD / "python", packages)
    _pack_go(BUILD / "go", packages)
    for package in sorted(packages.iterdir()):
        print(package.relative_to(ROOT))


def generate(directory: Path, plugin_download_url: str = "", languages: Sequence[str] = LANGUAGES) -> None:
    """Generate SDKs, one in each language's directory.

    Args:
        directory: Where to.
        plugin_download_url: Where the release archives of the plugin are.
        languages: Which.
    """
    directory.mkdir(parents=True, exist_ok=True)
    described = directory / "schema.json"
    described.write_text(json.dumps(schema(plugin_download_url), indent=2), encoding="utf-8")
    generator = Path(sys.prefix) / "bin" / "pulumi-gensdk"
    if generator.exists():
        # Beside an engine that was built here, which has no host that generates for Python.
        _run([generator, described, directory], directory)
        return
    for language in languages:
        _run(["pulumi", "package", "gen-sdk", described, "--language", language, "--out", directory], directory)


def _pack_nodejs(sdk: Path, packages: Path) -> None:
    _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"], sdk)
    _run(["npx", "--no-install", "tsc"], sdk)
    described = json.loads((sdk / "package.json").read_text(encoding="utf-8"))
    described["main"], described["types"] = "index.js", "index.d.ts"
    for unpublished in ("scripts", "devDependencies"):
        described.pop(unpublished, None)
    (sdk / "bin" / "package.json").write_text(json.dumps(described, indent=2), encoding="utf-8")
    shutil.copyfile(sdk / "README.md", sdk / "bin" / "README.md")
    _run(["npm", "pack", "--pack-destination", packages], sdk / "bin")


def _pack_python(sdk: Path, packages: Path) -> None:
    _run([Path(sys.prefix) / "bin" / "uv", "build", "--wheel", "--out-dir", packages, sdk], sdk)
    (packages / ".gitignore").unlink(missing_ok=True)


def _pack_go(sdk: Path, packages: Path) -> None:
    _run(["go", "mod", "tidy"], sdk)
    _run(["go", "build", "./..."], sdk)
    version = schema()["version"]
    with tarfile.open(packages / f"{PACKAGE}-go-{version}.tar.gz", "w:gz") as archive:
        archive.add(sdk, arcname=f"{PACKAGE}-go-{version}")


def _run(command: Sequence[str | Path], directory: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout.decode(errors='replace')}")


if __name__ == "__main__":
    main()
