"""A Pulumi workspace in a directory of its own (backend, home, project), for the demo and the tests.

Runs the real `pulumi` command line; the user's own Pulumi login, state and cloud credentials stay untouched.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import psutil

_FOREIGN = ("PULUMI_", "TRANSLATION_JOB_GUARD_", "AWS_", "AZURE_", "ARM_", "PYTHONDONTWRITEBYTECODE")
"""Variables that a run must not inherit: they name the user's own backend, credentials and settings. The last one would
make each start of Python compile the SDKs again, which is half of the time of an update."""

ENGINE_UNDER_TEST = "ENGINE_UNDER_TEST"
"""The variable with the directory of an engine other than the environment's own: `make test-minimum-engine` sets it."""

_GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


class EngineMissing(Exception):
    """There is no `pulumi` command to run."""


class EngineFailed(AssertionError):
    """A command ended otherwise than `Result.check` expected; the message carries its output."""


@dataclass(frozen=True)
class Result:
    """Output and events of one command. `events` are Pulumi's engine events, in their JSON form."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    events: tuple[dict[str, Any], ...] = ()

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def check(self, *, fails: bool = False) -> Result:
        """Return this result, or raise EngineFailed unless the command succeeded (with `fails`: failed)."""
        if (self.exit_code != 0) is not fails:
            raise EngineFailed(f"pulumi {' '.join(self.arguments)} ended with {self.exit_code}\n{self.output}")
        return self

    def started(self) -> list[tuple[str, str]]:
        """Return (operation, resource name) of each step as it began, without resources that stay the same."""
        return list(self._steps("resourcePreEvent"))

    def completed(self) -> list[tuple[str, str]]:
        """Return (operation, resource name) of each step that succeeded."""
        return list(self._steps("resOutputsEvent"))

    def failed(self) -> list[tuple[str, str]]:
        """Return (operation, resource name) of each step that failed."""
        return list(self._steps("resOpFailedEvent"))

    def diagnostics(self) -> str:
        """Return everything that the program, its providers and the engine said, in order."""
        return "".join(event["diagnosticEvent"]["message"] for event in self.events if "diagnosticEvent" in event)

    def _steps(self, kind: str) -> Iterator[tuple[str, str]]:
        for event in self.events:
            if step := event.get(kind):
                metadata = step["metadata"]
                own = not metadata["type"].startswith("pulumi:")
                if own and metadata["op"] != "same":
                    yield metadata["op"], metadata["urn"].rpartition("::")[2]


class Running:
    """A command that is running."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        arguments: Sequence[str],
        events: Path | None,
        time_limit: float,
        on_line: Callable[[str], None] | None,
    ) -> None:
        self.process = process
        self._arguments = tuple(arguments)
        self._events = events
        self._time_limit = time_limit
        self._on_line = on_line
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._grown = threading.Condition()
        self._open = len(self._lines)
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def wait(self) -> Result:
        """Wait for the command, and return its result. Kill it after the time limit, and raise EngineFailed."""
        try:
            self.process.wait(self._time_limit)
        except subprocess.TimeoutExpired:
            self.kill_tree()
            raise EngineFailed(
                f"pulumi {' '.join(self._arguments)} was still running after {self._time_limit:g} s\n"
                f"{self._text('stdout')}{self._text('stderr')}"
            ) from None
        for reader in self._readers:
            reader.join()
        return Result(
            self._arguments,
            self.process.returncode,
            self._text("stdout"),
            self._text("stderr"),
            _read_events(self._events) if self._events is not None else (),
        )

    def wait_for(self, text: str) -> None:
        """Wait until a line of the output contains `text`. Raise EngineFailed if the command ends without it."""

        def seen() -> bool:
            return any(text in line for lines in self._lines.values() for line in lines)

        with self._grown:
            self._grown.wait_for(lambda: seen() or self._open == 0, self._time_limit)
            if not seen():
                raise EngineFailed(
                    f"pulumi {' '.join(self._arguments)} never said {text!r}\n"
                    f"{self._text('stdout')}{self._text('stderr')}"
                )

    def interrupt(self) -> None:
        """Interrupt the command as Ctrl-C does: the engine ends the steps under way, and begins no others."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the command line alone with `kill -9`, as the out-of-memory killer does: its plugins live on."""
        self.process.kill()
        self.process.wait()

    def kill_tree(self) -> None:
        """Kill the command line and all plugins with `kill -9`, as the end of a container does."""
        try:
            processes = [
                *psutil.Process(self.process.pid).children(recursive=True),
                psutil.Process(self.process.pid),
            ]
        except psutil.NoSuchProcess:
            processes = []
        for process in processes:
            with suppress(*_GONE):
                process.kill()
        self.process.wait()

    def _read(self, name: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._grown:
                    self._lines[name].append(line)
                    self._grown.notify_all()
                if self._on_line is not None:
                    self._on_line(line.rstrip("\n"))
        with self._grown:
            self._open -= 1
            self._grown.notify_all()

    def _text(self, name: str) -> str:
        with self._grown:
            return "".join(self._lines[name])


PYTHON: Final = {"name": "python", "options": {"virtualenv": sys.prefix}}


@dataclass
class Workspace:
    """One stack of one project, in `root`.

    `program` is the text of a `__main__.py`, or the path of a file or of a directory with a `__main__.py`.
    `config` (`key` or `namespace:key`) goes to each preview and update; it and `env` may change at any time.
    `runtime` is what `Pulumi.yaml` says of the program's language.
    With `copy_of`, the stack begins as that workspace's stack of the same name is now, without another `up`.
    Close it, or use it as a context manager, to end every process that it started.
    """

    root: Path
    program: str | Path
    project: str = "test"
    stack: str = "dev"
    config: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    time_limit: float = 120.0
    on_line: Callable[[str], None] | None = None
    copy_of: Workspace | None = None
    runtime: Mapping[str, Any] = field(default_factory=lambda: dict(PYTHON))

    def __post_init__(self) -> None:
        self.directory = self.root / "project"
        self._home = self.root / "home"
        self._backend = self.root / "state"
        self._operations = 0
        self._engine = find_engine()
        self._home.mkdir(parents=True)
        if self.copy_of is not None:
            shutil.copytree(self.copy_of.directory, self.directory)
            shutil.copytree(self.copy_of._backend, self._backend)
            self.write_program(self.program)
            return
        self.directory.mkdir()
        self._backend.mkdir()
        self.write_program(self.program)
        self.run("stack", "init", self.stack).check()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def write_program(self, program: str | Path) -> None:
        """Make `program` the one that the next command runs."""
        self.program = program
        if isinstance(program, Path):
            main = program.resolve()
        else:
            main = self.directory / "program"
            main.mkdir(exist_ok=True)
            (main / "__main__.py").write_text(program, encoding="utf-8")
        project = {"name": self.project, "runtime": dict(self.runtime), "main": str(main)}
        (self.directory / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")

    def preview(self, *options: str, policy_packs: Sequence[Path] = ()) -> Result:
        return self.start("preview", *_policies(policy_packs), *options).wait()

    def up(self, *options: str, policy_packs: Sequence[Path] = ()) -> Result:
        return self.start("up", *_policies(policy_packs), *options).wait()

    def refresh(self, *options: str) -> Result:
        return self.start("refresh", *options).wait()

    def destroy(self, *options: str) -> Result:
        return self.start("destroy", *options).wait()

    def start(self, operation: str, *options: str) -> Running:
        """Begin preview, up, refresh or destroy, and return at once.

        No preview comes before a change, unless `options` have `--skip-preview=false`.
        """
        arguments = [operation, "--stack", self.stack, *options]
        if operation != "preview":
            arguments += ["--yes"] if "--skip-preview=false" in options else ["--yes", "--skip-preview"]
        if operation in ("preview", "up"):
            for key, value in self.config.items():
                arguments += ["--config", f"{key}={value}"]
        self._operations += 1
        events = self.root / f"events-{self._operations}.json"
        return self._start([*arguments, "--event-log", str(events)], events)

    def cancel(self) -> Result:
        """Remove the lock that a killed command left behind."""
        return self.run("cancel", "--yes", "--stack", self.stack)

    def set_secret(self, key: str, value: str) -> Result:
        return self.run("config", "set", "--secret", "--stack", self.stack, "--", key, value)

    def export_state(self) -> dict[str, Any]:
        """Return the stack's deployment, as `pulumi stack export` prints it."""
        exported: dict[str, Any] = json.loads(self.run("stack", "export", "--stack", self.stack).check().stdout)
        return exported

    def import_state(self, deployment: Mapping[str, Any]) -> Result:
        path = self.root / "import.json"
        path.write_text(json.dumps(deployment), encoding="utf-8")
        return self.run("stack", "import", "--stack", self.stack, "--file", str(path))

    def rename(self, stack: str) -> Result:
        result = self.run("stack", "rename", "--stack", self.stack, stack)
        if result.exit_code == 0:
            self.stack = stack
        return result

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the stack's own resources by name; of two with one name, the one that is not to be deleted."""
        found = self.export_state()["deployment"].get("resources") or []
        own = [resource for resource in found if not resource["type"].startswith("pulumi:")]
        own.sort(key=lambda resource: not resource.get("delete", False))
        return {resource["urn"].rpartition("::")[2]: resource for resource in own}

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, with secrets in plain text."""
        shown = self.run("stack", "output", "--json", "--show-secrets", "--stack", self.stack).check()
        outputs: dict[str, Any] = json.loads(shown.stdout)
        return outputs

    def run(self, *arguments: str) -> Result:
        """Run any other command."""
        return self._start(arguments).wait()

    def close(self) -> None:
        """End the processes that are left of this workspace."""
        end_processes(self._home)

    def environment(self) -> dict[str, str]:
        """Return the environment of a command: the caller's without their clouds and backends, with `env`."""
        return {
            **own_environment(self._home, self._backend),
            "PULUMI_DEBUG_COMMANDS": "true",  # makes --event-log known
            **self.env,
        }

    def _start(self, arguments: Sequence[str], events: Path | None = None) -> Running:
        process = subprocess.Popen(
            [self._engine, "--non-interactive", "--color", "never", *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # A Ctrl-C in the terminal goes to the caller alone, who decides what becomes of the engine.
            start_new_session=True,
        )
        return Running(process, arguments, events, self.time_limit, self.on_line)


def own_environment(home: Path, backend: Path) -> dict[str, str]:
    """Return the caller's environment without their clouds and backends, with Pulumi's home and backend."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    return {
        **inherited,
        "PATH": _path(),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": backend.resolve().as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "passphrase",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def end_processes(home: Path) -> None:
    """End every process whose home for Pulumi is this one: plugins outlive a command line that was killed."""
    for process in psutil.process_iter():
        with suppress(*_GONE):
            if process.environ().get("PULUMI_HOME") == str(home):
                process.kill()


def find_engine() -> str:
    """Return the path of the `pulumi` under test, else of this environment, else of the system.

    Raises EngineMissing.
    """
    chosen = os.environ.get(ENGINE_UNDER_TEST)
    engine = shutil.which("pulumi", path=chosen or _path())
    if engine is None and chosen:
        raise EngineMissing(f"There is no `pulumi` command in {chosen}, which {ENGINE_UNDER_TEST} names.")
    if engine is None:
        raise EngineMissing("There is no `pulumi` command here: run `make setup`, which finds or builds one.")
    return engine


def _path() -> str:
    # No activated environment is needed: the engine's companions are found on PATH, beside the engine.
    directories = [
        os.environ.get(ENGINE_UNDER_TEST, ""),
        str(Path(sys.prefix) / "bin"),
        os.environ.get("PATH", os.defpath),
    ]
    return os.pathsep.join(filter(None, directories))


def _policies(packs: Sequence[Path]) -> list[str]:
    return [argument for pack in packs for argument in ("--policy-pack", str(pack))]


def _read_events(path: Path) -> tuple[dict[str, Any], ...]:
    if not path.exists():
        return ()
    # A killed engine leaves its last line unfinished.
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return tuple(json.loads(line) for line in whole.splitlines())
