"""Request rates, as token buckets."""

from __future__ import annotations

from translation_job_emulator.clock import Clock
from translation_job_emulator.log import Call
from translation_job_emulator.settings import Settings


class Rates:
    """Limits each operation of each account and region, or of each resource, separately."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._buckets: dict[tuple[str, str, str, str], tuple[float, float]] = {}

    def admits(self, call: Call) -> bool:
        """Check whether a request is within its rates, and count it."""
        rate = self._settings.rates.get(call.operation)
        if rate is not None and not self._take(call.operation, call, rate):
            return False
        reads = self._settings.azure_get_rate
        is_read = call.service == "document-translation" and call.operation.startswith("Get")
        return reads is None or not is_read or self._take("GET", call, reads)

    def _take(self, counted: str, call: Call, rate: float) -> bool:
        now, size = (
            self._clock.now(),
            max(1.0, rate if self._settings.burst is None else self._settings.burst),
        )
        whose = (counted, call.account, call.region, call.resource)
        left, then = self._buckets.get(whose, (size, now))
        left = min(size, left + (now - then) * rate)
        admitted = left >= 1
        self._buckets[whose] = (left - 1 if admitted else left, now)
        return admitted

    def clear(self) -> None:
        """Forget all requests."""
        self._buckets.clear()
