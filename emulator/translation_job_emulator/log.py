"""The log of all requests, and how to wait for one."""

from __future__ import annotations

import asyncio
import dataclasses
import fnmatch
from collections import deque
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass
class Call:
    """One request, as the log keeps it. Credentials are names or IDs, never secrets."""

    service: str
    operation: str
    account: str = ""
    region: str = ""
    resource: str = ""
    credential: str = ""
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    sequence: int = 0
    started: float = 0.0
    ended: float | None = None
    status: int | None = None
    error: str | None = None
    fault: str | None = None
    age: int | None = None
    """The answer's `Age`, if it came from a cache."""

    def as_dict(self) -> dict[str, Any]:
        """Return the request as the control endpoint shows it."""
        return dict(self.__dict__)

    def is_about(self, match: Mapping[str, Any]) -> bool:
        """Check whether account, region, resource, credential and parameters match, wildcards included."""
        about = {**self.parameters, "account": self.account, "region": self.region}
        about |= {"resource": self.resource, "credential": self.credential}
        return all(alike(about.get(name), wanted) for name, wanted in match.items())

    def matches(self, service: str | None, operation: str | None) -> bool:
        """Check whether the request was for a service and an operation; None stands for any."""
        return (service is None or self.service == service) and (operation is None or self.operation == operation)


def alike(value: object, wanted: object) -> bool:
    """Check whether a value equals another, is one of a list, or fits a pattern with `*` and `?`."""
    if isinstance(wanted, list):
        return any(alike(value, one) for one in wanted)
    if isinstance(wanted, str) and isinstance(value, str):
        return fnmatch.fnmatchcase(value, wanted)
    return value == wanted


class Signal:
    """Wakes everybody who waits for a change."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake everybody who waits."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, timeout: float) -> None:
        """Wait for a change, for at most `timeout` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            pass
        finally:
            self._waiting.discard(future)


class RequestLog:
    """The requests in the order in which they arrived."""

    def __init__(self, limit: int) -> None:
        self._calls: deque[Call] = deque(maxlen=limit)
        self._last = 0

    def begin(self, call: Call) -> None:
        """Add a request, and give it its number."""
        self._last += 1
        call.sequence = self._last
        self._calls.append(call)

    @property
    def last(self) -> int:
        """Return the number of the latest request."""
        return self._last

    def since(
        self, sequence: int, service: str | None = None, operation: str | None = None, *, ended: bool = False
    ) -> list[Call]:
        """Return the requests with a higher number; with `ended`, only those that have been answered."""
        found: list[Call] = []
        for call in reversed(self._calls):
            if call.sequence <= sequence:
                break
            if call.matches(service, operation) and not (ended and call.ended is None):
                found.append(call)
        found.reverse()
        return found

    def clear(self) -> None:
        """Forget the requests, but keep counting: whoever waits for requests since number 17 can go on."""
        self._calls.clear()
