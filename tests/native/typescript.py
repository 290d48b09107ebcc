"""Programs in TypeScript, compiled once for all tests, with the SDK that Pulumi generates from the plugin's schema.

`build/typescript-…` holds what `npm ci` installed and what was compiled; it is made again when a source changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stacks.workspace import find_engine, own_environment
from translation_job_guard.native.schema import PACKAGE, schema

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "typescript"
PROGRAMS = Path(__file__).parent / "programs"
RUNTIME = {"name": "nodejs", "options": {"typescript": False}}
"""The programs are compiled: nothing is compiled again for each command."""
TIME_LIMIT = 300


def compiled(name: str) -> Path:
    """Return the directory of a compiled program: `example`, or one of `programs/`."""
    build = ROOT / "build" / f"typescript-{_digest()}"
    build.parent.mkdir(exist_ok=True)
    with (build.parent / "typescript-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not build.exists():
            for old in build.parent.glob("typescript-*-unfinished"):
                shutil.rmtree(old)
            unfinished = build.with_name(f"{build.name}-unfinished")
            unfinished.mkdir()
            _build(unfinished)
            unfinished.rename(build)
    return build / "programs" / name


def sources() -> dict[str, Path]:
    return {"example": EXAMPLE / "index.ts", **{path.parent.name: path for path in sorted(PROGRAMS.glob("*/index.ts"))}}


def _digest() -> str:
    files = [*(EXAMPLE / name for name in ("package.json", "package-lock.json", "tsconfig.json")), *sources().values()]
    total = hashlib.sha256(json.dumps(schema()).encode())
    for path in (*files, Path(__file__)):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _build(directory: Path) -> None:
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copyfile(EXAMPLE / name, directory / name)
    sdk = directory / "sdks" / PACKAGE
    generate(sdk, "nodejs")
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory)
    compiler = directory / "node_modules" / "typescript" / "bin" / "tsc"
    _run(["node", compiler, "--types", "node"], sdk)
    shutil.copyfile(sdk / "package.json", sdk / "bin" / "package.json")
    settings = json.loads((directory / "tsconfig.json").read_text(encoding="utf-8"))
    for name, path in sources().items():
        source = directory / "sources" / name
        source.mkdir(parents=True)
        shutil.copyfile(path, source / "index.ts")
    settings["compilerOptions"] |= {"outDir": "programs", "rootDir": "sources"}
    settings["files"] = [f"sources/{name}/index.ts" for name in sources()]
    (directory / "tsconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    _run(["node", compiler], directory)


def generate(directory: Path, language: str) -> None:
    """Generate the SDK as `pulumi package add` does, into a directory that is not there yet."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        described = Path(place, "schema.json")
        described.write_text(json.dumps(schema()), encoding="utf-8")
        command: list[str | Path] = [
            find_engine(),
            "package",
            "gen-sdk",
            described,
            "--language",
            language,
            "--out",
            place,
            "--local",
        ]
        _run(command, Path(place), own_environment(Path(place), Path(place)))
        shutil.move(Path(place, language), directory)


def _run(command: Sequence[str | Path], directory: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=environment or {**os.environ, "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout.decode(errors='replace')}"
