"""The process that a guard works in, as far as it decides where lines go and how somebody interrupts the work.

A dynamic resource prints to standard output, and Pulumi never tells it of Ctrl-C. The native plugin writes to the
engine's log, and is told of the first Ctrl-C. It sets a host around each call; everywhere else the default is in force.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from translation_job_guard.errors import Interrupted

__all__ = ["Host", "HostClock", "current_host", "working_in"]


@dataclass(frozen=True)
class Host:
    """Where lines go, and how the work is interrupted.

    Attributes:
        write: Writes one line; None for standard output.
        interruption: Is set when somebody interrupts the work; None where nobody can.
        keys: What somebody presses to stop waiting, and what follows.
    """

    write: Callable[[str], None] | None = None
    interruption: threading.Event | None = None
    keys: str = "press Ctrl-C twice"

    @property
    def interrupted(self) -> bool:
        """Whether somebody has interrupted the work."""
        return self.interruption is not None and self.interruption.is_set()

    @property
    def clock(self) -> HostClock | None:
        """The clock for a teardown's runner; None, for its own, where nobody can interrupt the work."""
        return None if self.interruption is None else HostClock(self)

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass.

        Raises:
            Interrupted: Somebody interrupted the work before.
        """
        if self.interruption is None:
            time.sleep(seconds)
        elif self.interruption.wait(seconds):
            raise Interrupted


class HostClock:
    """The machine's clock, as a teardown's runner takes it, whose waits end when somebody interrupts the work."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass, or raise ``Interrupted``."""
        self._host.sleep(seconds)


_host: ContextVar[Host] = ContextVar("host", default=Host())  # noqa: B039 - a Host is frozen


def current_host() -> Host:
    """Return the host of the present thread."""
    return _host.get()


@contextmanager
def working_in(host: Host) -> Iterator[None]:
    """Make ``host`` the present thread's."""
    token = _host.set(host)
    try:
        yield
    finally:
        _host.reset(token)
