"""Set up everything that the other make targets need: `.venv/` with locked packages, and a Pulumi engine.

Run by whatever `python3` the system has: it uses the standard library alone, and says when that is too old. With an
argument it does one thing only: `minimum-engine` builds the earliest supported engine, `clean-engines` deletes old
engines.
"""

import sys

if sys.version_info < (3, 10):
    sys.exit(
        "Python 3.10 or newer is needed, this is %d.%d: install one and run `make setup PYTHON=python3.x`."
        % sys.version_info[:2]
    )

import ast
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / "setup-stamp"
LOCK = ROOT / "requirements.lock"
DISTRIBUTIONS = (ROOT, ROOT / "emulator")
"""What is installed as editable: each has a pyproject.toml of its own, and both have one lock file."""
NEEDED_ENGINE = (3, 249, 0)
"""The earliest release that has everything that is used here: `pulumi policy analyze --file`."""
INSTALLER_TIME_LIMIT = 600
BUILD_REPORT_INTERVAL = 15

SDK = "github.com/pulumi/pulumi/sdk/v3"
ENGINE = "github.com/pulumi/pulumi/pkg/v3"
SDK_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


@dataclass(frozen=True)
class EngineSource:
    """A Go module that builds one release of the engine, with its language host.

    `scripts` are the files of Pulumi's SDK that go beside the two programs.
    """

    directory: Path
    scripts: tuple[str, ...]

    @property
    def version(self) -> str:
        return self._selected(rf"{ENGINE} v(\S+)")

    @property
    def go_version(self) -> str:
        """Return the version of Go that go.mod selects: an older one cannot build the engine."""
        return self._selected(r"^go (\S+)")

    @property
    def place(self) -> Path:
        """Return the directory of the built engine: one for each state of the sources."""
        files = (self.directory / "go.mod", self.directory / "go.sum", *self.directory.glob("pulumi-*/*.go"))
        return cache() / f"engine-{digest(*sorted(files))[:16]}"

    def _selected(self, pattern: str) -> str:
        module = (self.directory / "go.mod").read_text(encoding="utf-8")
        found = re.search(pattern, module, re.MULTILINE)
        assert found is not None, f"{self.directory}/go.mod selects {pattern}"
        return found.group(1)


SOURCE = EngineSource(ROOT / "engine", SDK_SCRIPTS)
MINIMUM = EngineSource(ROOT / "engine" / "minimum", (*SDK_SCRIPTS, "python/dist/pulumi-analyzer-policy-python"))
"""The earliest release that the guards are tested with; not for use. Its engine starts policy packs by a script."""
MINIMUM_BIN = VENV / "minimum-engine"
LANGUAGES = ROOT / "engine" / "languages"
"""A Go module of what runs programs in TypeScript, Go and Java on a built engine. A released CLI brings its own."""


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


class Unavailable(Exception):
    """This way to an engine is not open here; the message says why."""


class TooOld(Unavailable):
    """The user has an engine, but it is too old."""


def main() -> None:
    arguments = sys.argv[1:]
    if arguments == ["minimum-engine"]:
        set_up_minimum_engine()
    elif arguments == ["clean-engines"]:
        clean_engines()
    elif arguments:
        raise SetupError(f"`{' '.join(arguments)}` is not a valid argument; expected minimum-engine or clean-engines.")
    else:
        with exclusively(ROOT / "pyproject.toml"):
            set_up_environment()
            set_up_engine()


# --- The Python environment ---


def set_up_environment() -> None:
    stamp = f"{ROOT}\n{digest(LOCK, *(place / 'pyproject.toml' for place in DISTRIBUTIONS), Path(__file__))}\n"
    installed = STAMP.read_text(encoding="utf-8") if STAMP.exists() else ""
    if installed == stamp and (BIN / "python").exists():
        say("Python environment: .venv is up to date")
        return
    say("Python environment: installing the locked packages into .venv; this takes a minute or so")
    # Scripts of an environment hold its path: one that was moved or copied has to be made anew.
    moved = bool(installed) and installed.splitlines()[0] != str(ROOT)
    STAMP.unlink(missing_ok=True)
    if moved or not (BIN / "python").exists():
        create_environment()
    if not (BIN / "uv").exists():
        install_uv()
    uv = [str(BIN / "uv"), "--quiet", "pip"]
    target = ["--python", str(BIN / "python")]
    environment = uv_environment()
    remedy = "check the network and pip's settings (`pip config list`), then run `make setup` again"
    run(
        [*uv, "sync", *target, "--require-hashes", str(LOCK)],
        "The packages could not be installed",
        remedy,
        environment,
    )
    editables = [argument for place in DISTRIBUTIONS for argument in ("--editable", str(place))]
    own = [*uv, "install", *target, "--no-deps", "--no-build-isolation", *editables]
    run(own, "The project could not be installed into .venv", remedy, environment)
    STAMP.write_text(stamp, encoding="utf-8")


def create_environment() -> None:
    # In an activated .venv, sys.executable is the interpreter that is about to be replaced.
    python = getattr(sys, "_base_executable", None) or sys.executable
    run(
        [python, "-m", "venv", "--clear", str(VENV)],
        "Python could not create a virtual environment",
        "install its venv module (Debian and Ubuntu: the package python3-venv) and run `make setup` again",
    )


def install_uv() -> None:
    block = re.search(r"^uv==.*?(?=^\S)", LOCK.read_text(encoding="utf-8") + "end", re.MULTILINE | re.DOTALL)
    if block is None:
        raise SetupError("requirements.lock has no uv: run `make lock`.")
    pip = [str(BIN / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as directory:
        requirement = Path(directory) / "uv.txt"
        requirement.write_text(block.group(), encoding="utf-8")
        run(
            [*pip, "install", "--require-hashes", "--requirement", str(requirement)],
            "pip could not install uv",
            "check the network and pip's settings (`pip config list`), then run `make setup` again",
        )


def uv_environment() -> dict[str, str]:
    """Return the environment for uv, with pip's settings, such as another package index."""
    listed = subprocess.run([str(BIN / "python"), "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        if value.startswith(("'", '"')):
            settings[name.rpartition(".")[2]] = ast.literal_eval(value)
    handed_over = {"UV_DEFAULT_INDEX": "index-url", "UV_INDEX": "extra-index-url", "SSL_CERT_FILE": "cert"}
    own = {variable: settings[name] for variable, name in handed_over.items() if name in settings}
    return {**own, **os.environ}


# --- The Pulumi engine ---


def set_up_engine() -> None:
    """Use what works first: a `pulumi` on PATH, one fetched before, Pulumi's installer, a build with Go."""
    reasons = []
    try:
        version, path = engine_on_path()
        unlink_engine(BIN)
        say(f"Pulumi engine: {path}, version {version}, found on PATH")
        return
    except TooOld as reason:
        say(f"Pulumi engine: {reason}; setting up one for .venv, and leaving yours as it is")
        reasons.append(str(reason))
    except Unavailable as reason:
        reasons.append(str(reason))

    installed, built = installed_place(), SOURCE.place
    for place in (installed, built):
        if (place / "pulumi").exists():
            fresh = link_engine(place, BIN, *languages(place))
            say(f"Pulumi engine: {place}" + (" (fetched before)" if fresh else " is up to date"))
            return

    for place, fetch in ((installed, partial(install_engine, installed)), (built, partial(build_engine, SOURCE))):
        try:
            with cache_lock():
                if not (place / "pulumi").exists():
                    fetch()
        except Unavailable as reason:
            reasons.append(str(reason))
            continue
        link_engine(place, BIN, *languages(place))
        say(f"Pulumi engine: {place}, linked into .venv/bin")
        return
    raise SetupError(
        "There is no Pulumi engine, and none can be had here:\n"
        + "".join(f"  - {reason}\n" for reason in reasons)
        + f"Install the Pulumi CLI, {dotted(NEEDED_ENGINE)} or newer (https://www.pulumi.com/docs/iac/download-install/),"
        + f" or Go, {SOURCE.go_version} or newer (https://go.dev/dl/),\nand run `make setup` again."
    )


def set_up_minimum_engine() -> None:
    """Build the earliest supported engine, and link it into a directory of its own: `.venv/bin` keeps its engine."""
    place = MINIMUM.place
    with cache_lock():
        if not (place / "pulumi").exists():
            try:
                build_engine(MINIMUM)
            except Unavailable as reason:
                raise SetupError(f"The minimum engine could not be built: {reason}.") from None
    MINIMUM_BIN.mkdir(parents=True, exist_ok=True)
    link_engine(place, MINIMUM_BIN)
    say(f"Minimum Pulumi engine: {place}, version {MINIMUM.version}, linked into {MINIMUM_BIN.relative_to(ROOT)}")


def clean_engines() -> None:
    """Delete the engines in the cache that this checkout does not use. Other checkouts get theirs again from set-up."""
    if not cache().is_dir():
        return
    kept = {installed_place().parent, SOURCE.place, MINIMUM.place, languages_place()}
    with exclusively(cache() / "lock"):
        for pattern in ("engine-*", "languages-*", "pulumi-*", "unfinished-*"):
            for place in sorted(set(cache().glob(pattern)) - kept):
                shutil.rmtree(place)
                say(f"Pulumi engine: deleted {place}")


def engine_on_path() -> tuple[str, str]:
    """Return version and path of the user's own engine."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = shutil.which("pulumi", path=os.pathsep.join(entry for entry in entries if Path(entry).resolve() != BIN))
    if path is None:
        raise Unavailable("there is no pulumi on PATH")
    version = engine_version(path)
    if parsed(version) < NEEDED_ENGINE:
        raise TooOld(f"the pulumi at {path} is version {version}, and {dotted(NEEDED_ENGINE)} or newer is needed")
    beside = os.pathsep.join([str(Path(path).parent), str(Path(path).resolve().parent), *entries])
    if shutil.which("pulumi-language-python", path=beside) is None:
        raise Unavailable(f"the pulumi at {path} comes without pulumi-language-python")
    return version, path


def install_engine(place: Path) -> None:
    say("Pulumi engine: trying Pulumi's installer")
    install = "import socket, sys; socket.setdefaulttimeout(10); from pulumi.automation import PulumiCommand; "
    with temporary_directory() as root:
        try:
            process = subprocess.run(
                [str(BIN / "python"), "-c", install + "PulumiCommand.install(root=sys.argv[1])", str(root)],
                capture_output=True,
                text=True,
                env=engine_environment(root),
                timeout=INSTALLER_TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"Pulumi's installer did not end within {INSTALLER_TIME_LIMIT} s") from None
        if process.returncode != 0:
            raise Unavailable(f"Pulumi's installer could not be used: {last_line(process.stderr)}")
        engine_version(str(root / "bin" / "pulumi"))
        move(root, place.parent)


def build_engine(source: EngineSource) -> None:
    go = shutil.which("go")
    if go is None:
        raise Unavailable("there is no Go on PATH to build one with")
    go_version = usable_go(go, source)
    say(f"Pulumi engine: building {source.version} from source with Go {go_version}: some minutes, once per machine")
    with temporary_directory() as directory:
        build = [go, "build", *build_flags(source), "-o", f"{directory}{os.sep}"]
        watch([*build, f"{ENGINE}/cmd/pulumi", "./pulumi-language-python"], source.directory)
        sdk = subprocess.run(
            [go, "list", "-m", "-f", "{{.Dir}}", SDK], cwd=source.directory, capture_output=True, text=True
        )
        for script in source.scripts:
            target = directory / Path(script).name
            shutil.copyfile(Path(sdk.stdout.strip()) / script, target)
            target.chmod(0o755)
        if engine_version(str(directory / "pulumi")) != source.version:
            raise SetupError(f"The engine that was built in {directory} does not say that it is {source.version}.")
        move(directory, source.place)


def languages(engine: Path) -> tuple[Path, ...]:
    """Return where the hosts of other languages than Python are, for an engine that was built here; build them first.

    Without Go there are none: everything but programs in those languages works all the same.
    """
    place = languages_place()
    if engine != SOURCE.place:
        return ()
    if not place.exists():
        try:
            with cache_lock():
                build_languages(place)
        except Unavailable as reason:
            say(f"Pulumi engine: programs in TypeScript, Go and Java cannot be run here: {reason}")
            return ()
    return (place,)


def languages_place() -> Path:
    """Return the directory of the built hosts: one for each state of their sources."""
    sources = (LANGUAGES / "go.mod", LANGUAGES / "go.sum", *sorted(LANGUAGES.glob("*/*.go")))
    return cache() / f"languages-{digest(*sources)[:16]}"


def build_languages(place: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise Unavailable("there is no Go on PATH to build what runs them")
    usable_go(go, SOURCE)
    if place.exists():
        return
    say("Pulumi engine: building what runs programs in TypeScript, Go and Java; up to a minute, once per machine")
    with temporary_directory() as directory:
        watch([go, "build", *build_flags(SOURCE), "-o", f"{directory}{os.sep}", "./..."], LANGUAGES)
        move(directory, place)


def build_flags(source: EngineSource) -> list[str]:
    return ["-trimpath", "-buildvcs=false", "-ldflags", f"-s -w -X {SDK}/go/common/version.Version={source.version}"]


def usable_go(go: str, source: EngineSource) -> str:
    """Return the version of Go that builds the engine: the one on PATH, or the one that it downloads for go.mod.

    Raises Unavailable before anything is built.
    """
    needed = source.go_version
    answer = subprocess.run([go, "env", "GOVERSION"], cwd=source.directory, capture_output=True, text=True)
    version = answer.stdout.strip().removeprefix("go")
    if answer.returncode != 0 or parsed(version) < parsed(needed):
        raise Unavailable(
            f"the Go at {go} cannot build one, Go {needed} or newer can ({version or last_line(answer.stderr)});"
            " with `GOTOOLCHAIN=auto` in the environment, Go 1.24 or newer downloads it"
        )
    return version


def watch(command: list[str], directory: Path) -> None:
    """Run a build that says nothing for minutes, and report how long it has been at it."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=directory, stdout=output, stderr=subprocess.STDOUT)
        try:
            while True:
                try:
                    process.wait(BUILD_REPORT_INTERVAL)
                    break
                except subprocess.TimeoutExpired:
                    say(f"Pulumi engine: building, {time.monotonic() - began:.0f} s so far")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise Unavailable(f"the build with Go failed: {last_line(output.read())}")


def link_engine(place: Path, directory: Path, *others: Path) -> bool:
    """Make links to the engine and its companions in `directory`, and no others. Return whether any changed.

    `others` are directories with more companions.
    """
    files = [path for one in (place, *others) for path in one.iterdir()]
    wanted = {directory / path.name: path for path in files if path.name.startswith("pulumi")}
    present = {link: link.readlink() for link in directory.glob("pulumi*") if link.is_symlink()}
    if present == wanted:
        return False
    unlink_engine(directory)
    for link, path in wanted.items():
        link.symlink_to(path)
    return True


def unlink_engine(directory: Path) -> None:
    for link in directory.glob("pulumi*"):
        if link.is_symlink():
            link.unlink()


def engine_version(path: str) -> str:
    """Return what `pulumi version` prints, without touching the user's Pulumi home."""
    with tempfile.TemporaryDirectory() as home:
        try:
            process = subprocess.run(
                [path, "version"],
                capture_output=True,
                text=True,
                env=engine_environment(Path(home)),
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"the pulumi at {path} does not run: {error}") from None
    if process.returncode != 0:
        raise Unavailable(f"the pulumi at {path} does not run: {last_line(process.stderr)}")
    return process.stdout.strip().removeprefix("v")


def engine_environment(home: Path) -> dict[str, str]:
    return {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}


def installed_place() -> Path:
    """Return where the engine goes that Pulumi's installer fetches: the SDK's own release."""
    return cache() / f"pulumi-{sdk_version()}" / "bin"


def sdk_version() -> str:
    pinned = re.search(r"^pulumi==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None, "the lock file names Pulumi's SDK"
    return pinned.group(1)


def cache() -> Path:
    """Return the per-user cache, which all clones share. XDG says to ignore a relative path."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return (base if base.is_absolute() else Path.home() / ".cache") / "translation-job-guard"


# --- Helpers ---


@contextmanager
def cache_lock() -> Iterator[None]:
    """Holds the lock of the cache, and makes it first."""
    cache().mkdir(parents=True, exist_ok=True)
    with exclusively(cache() / "lock"):
        yield


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Hold the lock of a file while the block runs. A process that dies releases its lock."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is at work; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Make a directory in the cache, to be renamed when it is finished. What a killed set-up left is deleted first."""
    for leftover in cache().glob("unfinished-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache()))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def move(directory: Path, place: Path) -> None:
    """Move a finished directory to its place. Whatever is there was found not to be an engine."""
    shutil.rmtree(place, ignore_errors=True)
    directory.replace(place)


def run(command: list[str], what: str, remedy: str, env: dict[str, str] | None = None) -> None:
    process = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    if process.returncode != 0:
        raise SetupError(f"{what} (see above): {remedy}.")


def digest(*paths: Path) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def parsed(version: str) -> tuple[int, ...]:
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else ()


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2] or "it said nothing"


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"Set-up failed. {error}")
    except KeyboardInterrupt:
        sys.exit("Set-up was interrupted; run `make setup` to go on.")
