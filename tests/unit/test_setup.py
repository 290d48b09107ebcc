"""Set-up: which engine it takes, which Go may build one, and what it deletes."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from scripts import setup

ROOT = Path(__file__).parents[2]
MAKE = ["make", "--no-print-directory", "--dry-run", "--always-make"]


def stand_in(directory: Path, name: str, says: str, *, fails: bool = False) -> Path:
    """Make a program that writes one line: to stderr if it fails."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / name
    program.write_text(f"#!/bin/sh\necho '{says}' {'>&2; exit 1' if fails else ''}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Set-up of a checkout that has an empty environment, with a cache and a PATH of its own."""
    root = tmp_path / "checkout"
    (root / "scripts").mkdir(parents=True)
    (root / "emulator").mkdir()
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in ("scripts/setup.py", "requirements.lock", "pyproject.toml", "emulator/pyproject.toml"):
        shutil.copyfile(ROOT / name, root / name)
    shutil.copytree(ROOT / "engine", root / "engine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    spec = importlib.util.spec_from_file_location("setup_of_the_checkout", root / "scripts" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_an_old_python_can_read_the_message_about_itself() -> None:
    ast.parse((ROOT / "scripts" / "setup.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_both_distributions_are_installed_again_when_either_changes(
    checkout: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are editable, and a change of either pyproject.toml is one of what is installed."""
    stand_in(checkout.BIN, "python", "")
    called = checkout.ROOT / "uv-called"
    stand_in(checkout.BIN, "uv", "").write_text(f'#!/bin/sh\necho "$@" >> "{called}"\n', encoding="utf-8")

    def installed() -> list[str]:
        called.unlink(missing_ok=True)
        checkout.set_up_environment()
        return called.read_text(encoding="utf-8").splitlines() if called.exists() else []

    emulator = checkout.ROOT / "emulator"
    sync, own = installed()
    assert sync.endswith(f"--require-hashes {checkout.LOCK}")
    assert own.endswith(f"--no-deps --no-build-isolation --editable {checkout.ROOT} --editable {emulator}")
    assert installed() == []
    for distribution in (checkout.ROOT, emulator):
        with (distribution / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        assert installed() == [sync, own]
        assert installed() == []
    assert capsys.readouterr().out.count("is up to date") == 3


def test_the_lock_file_has_neither_distribution() -> None:
    """Set-up installs both from the checkout; an index has neither."""
    locked = {line.partition("==")[0] for line in setup.LOCK.read_text(encoding="utf-8").splitlines() if "==" in line}
    assert {"pulumi", "uvicorn", "moto", "flask", "flask-cors", "botocore"} <= locked
    assert not {name for name in locked if name.startswith("translation-job")}
    assert planned("lock")[-1].count("--no-emit-package translation-job-") == 2


def test_an_engine_on_path_is_taken(checkout: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the release on that `pulumi policy analyze --file` needs, if its language host is beside it."""
    stand_in(tmp_path / "path", "pulumi", "v3.249.0")
    stand_in(tmp_path / "path", "pulumi-language-python", "")
    checkout.set_up_engine()
    assert "version 3.249.0, found on PATH" in capsys.readouterr().out
    assert not list(checkout.BIN.glob("pulumi*"))


def test_an_old_engine_on_path_is_named_and_another_is_used(
    checkout: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = stand_in(tmp_path / "path", "pulumi", "v3.248.9")
    stand_in(tmp_path / "path", "pulumi-language-python", "")
    built = stand_in(checkout.SOURCE.place, "pulumi", "v3.259.0")
    checkout.set_up_engine()
    said = capsys.readouterr().out
    assert f"{old} is version 3.248.9, and 3.249.0 or newer is needed" in said
    assert (checkout.BIN / "pulumi").readlink() == built


def test_a_link_of_the_engine_before_is_removed(checkout: ModuleType) -> None:
    """The earlier engine started policy packs by a script that the new one does not have."""
    (checkout.BIN / "pulumi-analyzer-policy-python").symlink_to("/nowhere")
    stand_in(checkout.SOURCE.place, "pulumi", "v3.259.0")
    checkout.set_up_engine()
    assert {link.name for link in checkout.BIN.iterdir()} == {"pulumi"}
    assert checkout.link_engine(checkout.SOURCE.place, checkout.BIN) is False


def test_a_built_engine_gets_the_hosts_of_other_languages(
    checkout: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are built once, in a place of their own: a change of them does not build the engine again."""
    stand_in(checkout.SOURCE.place, "pulumi", "v3.259.0")
    checkout.set_up_engine()
    assert "programs in TypeScript, Go and Java cannot be run here: there is no Go" in capsys.readouterr().out
    host = stand_in(checkout.languages_place(), "pulumi-language-nodejs", "")
    checkout.set_up_engine()
    assert (checkout.BIN / "pulumi-language-nodejs").readlink() == host
    engine, hosts = checkout.SOURCE.place, checkout.languages_place()
    with (checkout.LANGUAGES / "serve" / "serve.go").open("a") as file:
        file.write("// changed\n")
    assert checkout.SOURCE.place == engine
    assert checkout.languages_place() != hosts


def test_a_released_engine_brings_its_own_hosts(checkout: ModuleType) -> None:
    """Nothing is built for it."""
    stand_in(checkout.installed_place(), "pulumi", "v3.270.0")
    checkout.set_up_engine()
    assert {link.name for link in checkout.BIN.iterdir()} == {"pulumi"}


@pytest.mark.parametrize(
    ("says", "fails"),
    [
        ("go1.24.10", False),
        ("go: go.mod requires go >= 1.25.11 (running go 1.24.10; GOTOOLCHAIN=local)", True),
        ("go: download go1.25.11 for linux/amd64: toolchain not available", True),
    ],
)
def test_a_go_that_cannot_build_is_refused_first(tmp_path: Path, says: str, fails: bool) -> None:
    """Before anything is built: the message has the version that go.mod selects, and how to get it."""
    go = stand_in(tmp_path, "go", says, fails=fails)
    with pytest.raises(setup.Unavailable, match=r"Go 1\.25\.11 or newer can .*GOTOOLCHAIN=auto"):
        setup.usable_go(str(go), setup.SOURCE)


def test_each_engine_has_the_go_that_its_module_selects(tmp_path: Path) -> None:
    assert setup.usable_go(str(stand_in(tmp_path, "go", "go1.25.11")), setup.SOURCE) == "1.25.11"
    assert setup.usable_go(str(stand_in(tmp_path, "go", "go1.24.10")), setup.MINIMUM) == "1.24.10"


def test_the_built_engine_has_what_is_needed() -> None:
    assert setup.parsed(setup.SOURCE.version) >= setup.NEEDED_ENGINE > setup.parsed(setup.MINIMUM.version)


def test_the_minimum_does_not_change_where_the_engine_is(tmp_path: Path) -> None:
    """Each engine has a directory by its own sources."""
    directory = tmp_path / "engine"
    shutil.copytree(ROOT / "engine", directory)
    source = replace(setup.SOURCE, directory=directory)
    minimum = replace(setup.MINIMUM, directory=directory / "minimum")
    before = source.place, minimum.place
    with (directory / "minimum" / "pulumi-language-python" / "main.go").open("a") as file:
        file.write("// changed\n")
    assert source.place == before[0] == setup.SOURCE.place
    assert minimum.place != before[1] == setup.MINIMUM.place


def test_clean_engines_keeps_what_this_checkout_uses(
    checkout: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {checkout.SOURCE.place, checkout.MINIMUM.place, checkout.languages_place()}
    kept.add(checkout.installed_place().parent)
    old = {checkout.cache() / name for name in ("engine-0123456789abcdef", "pulumi-3.201.0", "unfinished-abc")}
    for place in kept | old:
        stand_in(place / "bin", "pulumi", "")
    other = checkout.cache() / "of-another-program"
    other.mkdir()
    monkeypatch.setattr(sys, "argv", ["setup.py", "clean-engines"])
    checkout.main()
    assert {path for path in checkout.cache().iterdir() if path.is_dir()} == {*kept, other}
    said = capsys.readouterr().out
    assert all(str(place) in said for place in old)


def test_an_unknown_argument_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["setup.py", "minimum"])
    with pytest.raises(setup.SetupError, match="expected minimum-engine or clean-engines"):
        setup.main()


def planned(target: str) -> list[str]:
    """Return the commands that `make` would run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run([*MAKE, target], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_minimum_job_builds_and_tests_the_minimum() -> None:
    """It builds engine/minimum, and runs the tests of engine, policies and stored states on it, and nothing else."""
    first, second, tests = planned("test-minimum-engine")
    assert first.endswith("scripts/setup.py")
    assert second.endswith("scripts/setup.py minimum-engine")
    engine, python, *arguments = tests.split()
    assert engine == f"ENGINE_UNDER_TEST={setup.MINIMUM_BIN}"
    assert python == ".venv/bin/python"
    assert arguments[:2] == ["-m", "pytest"]
    assert set(arguments[-3:]) == {"tests/engine", "tests/policy", "tests/unit/test_golden.py"}
    assert all((ROOT / path).exists() for path in arguments[-3:])
    assert setup.MINIMUM.directory == ROOT / "engine" / "minimum"


def test_ci_runs_one_engine_in_one_job() -> None:
    """The minimum is built by a job of its own: `.ci/run test-minimum-engine`."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -- setup lint typecheck imports site test prove\n" in script
    assert 'for target in "$@"' in script
    assert not any("minimum" in command for command in planned("check"))


@pytest.mark.parametrize("page", ["README.md", "engine/README.md"])
def test_pages_name_the_versions_that_set_up_wants(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    needed = ".".join(map(str, setup.NEEDED_ENGINE[:2]))
    for version in (needed, setup.SOURCE.version.rpartition(".")[0], f"Go {setup.SOURCE.go_version}"):
        assert version in text, f"{page} does not name {version}"
