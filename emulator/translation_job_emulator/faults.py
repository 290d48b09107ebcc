"""Faults to order: what goes wrong, for which requests, how often."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from translation_job_emulator.lifecycle import Job
from translation_job_emulator.log import Call, alike

KINDS: dict[str, str] = {
    "throttle": "429 or the service's throttling error; retry_after=seconds, code=, status=",
    "error": "status=500 or 503; retry_after=seconds, when='after' lets the request take effect first",
    "drop": "the connection ends without an answer, when='before' or 'after' the request takes effect",
    "slow": "the answer takes seconds=... longer, when='before' or 'after' the request takes effect",
    "denied": "AccessDeniedException, or 403",
    "expired": "ExpiredTokenException, or 401",
    "late": "a listing lacks the jobs that match job={...} or are younger than seconds=...",
    "ignore-stop": "a stop request is answered as usual and changes nothing",
    "lose-race": "a stop request is accepted, but the job succeeds",
    "not-yet": "a queued job cannot be stopped",
}

REFUSING = ("throttle", "error", "denied", "expired")
ENDING = (*REFUSING, "drop")


@dataclasses.dataclass
class Fault:
    """A fault that was ordered.

    It lets `after` matching requests through, and then hits `times` of them, or all.
    """

    id: int
    kind: str
    operation: str | None = None
    service: str | None = None
    times: int | None = None
    after: int = 0
    match: dict[str, Any] = dataclasses.field(default_factory=dict)
    probability: float = 1.0
    seed: int = 0
    per_job: bool = False
    """Whether `after` and `times` count for each job by itself."""
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a kind of fault; expected one of {', '.join(KINDS)}")
        self._random = random.Random(self.seed)
        self._seen: Counter[str] = Counter()
        self._hit: Counter[str] = Counter()

    @property
    def before(self) -> bool:
        """Return whether the fault strikes before the request takes effect."""
        return bool(self.details.get("when", "before") == "before")

    def strikes(self, call: Call) -> bool:
        """Check whether the fault hits a request, and count it."""
        if not call.matches(self.service, self.operation) or not call.is_about(self.match):
            return False
        counted = str(call.parameters.get("JobId") or call.parameters.get("id") or "") if self.per_job else ""
        self._seen[counted] += 1
        if self._seen[counted] <= self.after or (self.times is not None and self._hit[counted] >= self.times):
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self._hit[counted] += 1
        self.hits += 1
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as the control endpoint shows it."""
        return dataclasses.asdict(self)


class Taken:
    """The faults that strike one request."""

    def __init__(self, faults: list[Fault], now: float = 0.0) -> None:
        self._faults = faults
        self._now = now

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def has(self, kind: str) -> bool:
        """Check whether one of the faults is of a kind."""
        return any(fault.kind == kind for fault in self._faults)

    def hides(self, job: Job) -> bool:
        """Check whether a fault hides a job from a listing."""
        return any(fault.kind == "late" and self._is_late(fault.details, job) for fault in self._faults)

    def _is_late(self, details: Mapping[str, Any], job: Job) -> bool:
        wanted, seconds = details.get("job"), details.get("seconds")
        if wanted is not None and not all(alike(getattr(job, name, None), value) for name, value in wanted.items()):
            return False
        return seconds is None or job.submitted + float(seconds) > self._now


class Faults:
    """The faults in force."""

    none = Taken([])

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Add a fault. What is not a field of `Fault` is one of its details.

        Raises:
            ValueError: the kind is missing or unknown.
        """
        fields = {field.name for field in dataclasses.fields(Fault)} - {"id", "hits", "details"}
        known = {name: value for name, value in order.items() if name in fields and value is not None}
        details = {name: value for name, value in order.items() if name not in fields}
        if "kind" not in known:
            raise ValueError(f"`kind` is missing; expected one of {', '.join(KINDS)}")
        fault = Fault(id=next(self._ids), details=details, **known)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: int) -> None:
        """Remove a fault; there need not be one of this number."""
        self._faults.pop(fault_id, None)

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def all(self) -> list[Fault]:
        """Return all faults."""
        return list(self._faults.values())

    def strike(self, call: Call, now: float) -> Taken:
        """Return the faults that hit a request, in the order in which they were added.

        A fault that ends the request before it takes effect keeps later faults from hitting it.
        """
        struck: list[Fault] = []
        for fault in self._faults.values():
            if fault.strikes(call):
                struck.append(fault)
                if fault.before and fault.kind in ENDING:
                    break
        return Taken(struck, now)
