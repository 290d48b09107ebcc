"""Request rates, as token buckets."""

from __future__ import annotations

from translation_job_guard.emulator.clock import Clock
from translation_job_guard.emulator.log import Call
from translation_job_guard.emulator.settings import Settings


class Rates:
    """Counts for each operation of each account and region, or resource, by itself."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._buckets: dict[tuple[str, str, str, str], tuple[float, float]] = {}

    def admits(self, call: Call) -> bool:
        rate = self._settings.rates.get(call.operation)
        if rate is None:
            return True
        now, size = (
            self._clock.now(),
            max(1.0, rate if self._settings.burst is None else self._settings.burst),
        )
        whose = (call.operation, call.account, call.region, call.resource)
        left, then = self._buckets.get(whose, (size, now))
        left = min(size, left + (now - then) * rate)
        admitted = left >= 1
        self._buckets[whose] = (left - 1 if admitted else left, now)
        return admitted

    def clear(self) -> None:
        self._buckets.clear()
