"""What both services' checks have in common: jobs that this run started, and a guarded stack around two of them."""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from live.transcript import Step, Transcript
from stacks.workspace import Result, Workspace

PROGRAM = Path(__file__).parent / "stack"
STACK_TIME_LIMIT = 2400.0
CLEAN_UP_LIMIT = 300.0
ENDED = {"STOPPED", "COMPLETED", "COMPLETED_WITH_ERROR", "FAILED"} | {
    *("Cancelled", "Succeeded", "Failed", "ValidationFailed")
}


STOPPING = {"STOP_REQUESTED", "Cancelling"}


class CheckFailed(Exception):
    """The check cannot start, or cannot go on; the message says what to do."""


@dataclass(frozen=True)
class Clock:
    """The time, and how to let it pass."""

    now: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep


class Check(ABC):
    """One run. Only jobs that it started are ever asked to stop, by their ids."""

    service: str
    guarded_names = ("guarded-1", "guarded-2")

    def __init__(self, given: argparse.Namespace, clock: Clock) -> None:
        self.given = given
        self.clock = clock
        self.run_id = f"live-check-{secrets.token_hex(4)}"
        self.transcript = Transcript(self.service, clock.now)
        self.started: dict[str, str] = {}
        """Ids of the jobs of this run, by their names in the transcript."""

    @classmethod
    @abstractmethod
    def problems(cls, given: argparse.Namespace) -> list[str]:
        """Return what is wrong with the options, each with its fix."""

    @abstractmethod
    def prepare(self) -> list[str]:
        """Log in and look at what was named, without starting anything; return what the run would cost and leave.

        Raises:
            CheckFailed: something that the jobs need is not there.
        """

    @abstractmethod
    def run(self) -> None:
        """Start jobs and see what the service does with them."""

    @abstractmethod
    def state(self, name: str) -> str:
        """Return a job's present state."""

    @abstractmethod
    def ask_to_stop(self, job_id: str) -> None:
        """Send one stop request; an error is one more observation."""

    @abstractmethod
    def submit(self, name: str) -> str:
        """Start a job; return its id."""

    @abstractmethod
    def stack_config(self) -> dict[str, str]:
        """Return what `stack/` needs: a scope that only jobs of this run can be in."""

    def start(self, name: str) -> None:
        with self.transcript.step(Step.START):
            job_id = self.submit(name)
        self.started[name] = job_id
        self.transcript.names[job_id] = name

    def stop(self, name: str) -> None:
        self.ask_to_stop(self.started[name])

    def wait(self, name: str, states: Collection[str], limit: float, between: Callable[[], None] | None = None) -> str:
        """Look at a job, at growing intervals, until it is in one of the states or the limit is over."""
        until, interval = self.clock.now() + limit, 0.5
        while True:
            with self.transcript.step(Step.WATCH):
                state = self.state(name)
                if between is not None:
                    between()
            if state in states or self.clock.now() >= until:
                return state
            self.clock.pause(interval)
            interval = min(interval * 1.2, self.given.interval)

    def guarded_stack(self) -> None:
        """Bring a stack with a guard up, start jobs in its scope, and destroy it."""
        config = {f"live:{key}": value for key, value in self.stack_config().items()}
        with (
            tempfile.TemporaryDirectory(prefix="translation-job-guard-live-") as directory,
            Workspace(
                Path(directory) / "stack",
                PROGRAM,
                project="live-check",
                stack="live",
                config=config,
                env=credentials(os.environ),
                time_limit=STACK_TIME_LIMIT,
            ) as stack,
        ):
            try:
                self._timed("up", stack.up)
                for name in self.guarded_names:
                    self.start(name)
            finally:
                self._timed("destroy", stack.destroy)
        with self.transcript.step(Step.AFTER_DESTROY):
            for name in self.guarded_names:
                self.state(name)

    def _timed(self, name: str, command: Callable[[], Result]) -> None:
        began = self.clock.now()
        result = command()
        lines = [line[line.index("[live/") :] for line in result.output.splitlines() if "[live/" in line]
        seconds = round(self.clock.now() - began, 1)
        event = {"at": round(began - self.transcript.begun, 3), "seconds": seconds, "exit_code": result.exit_code}
        self.transcript.stack[name] = {**event, "lines": list(dict.fromkeys(lines))}
        if result.exit_code:
            raise CheckFailed(f"`pulumi {name}` of the guarded stack failed:\n{result.output}")

    def clean_up(self) -> list[str]:
        """Stop the jobs of this run that have not ended, and return what is left."""
        left = []
        with self.transcript.step(Step.CLEAN_UP):
            for name in self.started:
                try:
                    if self._ends(name):
                        continue
                    left.append(f"{name} ({self.started[name]}) has not ended: stop it by hand.")
                except Exception as error:  # the others are to be stopped all the same
                    left.append(f"{name} ({self.started[name]}) may still run, stop it by hand: {error}")
        return left

    def _ends(self, name: str) -> bool:
        until = self.clock.now() + CLEAN_UP_LIMIT
        while (state := self.state(name)) not in ENDED:
            if self.clock.now() >= until:
                return False
            if state not in STOPPING:
                self.stop(name)
            self.clock.pause(self.given.interval)
        return True


def credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what leads the SDKs in the stack to the caller's account: a Workspace inherits none of it."""
    found = {name: value for name, value in environment.items() if name.startswith(("AWS_", "AZURE_"))}
    home = Path(environment.get("HOME", "~")).expanduser()
    defaults = {
        "AWS_CONFIG_FILE": str(home / ".aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws" / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "false",
    }
    return {**defaults, **found}
