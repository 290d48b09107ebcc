"""Reads: retried, paced, never from a cache, and never after their time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from translation_job_guard.errors import Abandoned, Denied, ServiceError, StaleAnswer, Throttled, Transient
from translation_job_guard.services.reading import Reads, fresh, read, retry_after
from translation_job_guard.teardown.pace import Pace


@pytest.fixture(name="waited")
def _waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What is waited, without waiting; it moves the clock."""
    waits: list[float] = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=lambda: 100.0 + sum(waits))
    monkeypatch.setattr("translation_job_guard.services.reading.time", clock)
    return waits


class Requests:
    """A request that fails with ``errors``, one after the other, and then answers."""

    def __init__(self, *errors: ServiceError) -> None:
        self.errors = list(errors)
        self.sent = 0

    def __call__(self) -> str:
        self.sent += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_transient_errors_are_retried_twice(waited: list[float]) -> None:
    """The third one is raised."""
    request = Requests(Transient("one"), Transient("two"))
    assert read(request, Reads()) == "answer"
    assert waited == [0.5, 1.0]
    with pytest.raises(Transient, match="three"):
        read(Requests(Transient("one"), Transient("two"), Transient("three")), Reads())


def test_a_refusal_is_not_retried(waited: list[float]) -> None:
    """It would be refused again."""
    request = Requests(Denied("no"))
    with pytest.raises(Denied):
        read(request, Reads())
    assert (request.sent, waited) == (1, [])


def test_a_wait_that_the_service_orders_is_capped(waited: list[float]) -> None:
    """At 30 s each time, and five of them."""
    request = Requests(*[Throttled("slow", retry_after=86_400)] * 9)
    with pytest.raises(Throttled):
        read(request, Reads())
    assert (request.sent, waited) == (6, [30.0] * 5)


def test_throttling_without_a_time_waits_longer_each_time(waited: list[float]) -> None:
    """And an answer in between starts anew."""
    reads = Reads()
    assert read(Requests(Throttled("slow"), Throttled("slow")), reads) == "answer"
    assert waited == [1.0, 2.0]
    read(Requests(Throttled("slow")), reads)
    assert waited == [1.0, 2.0, 1.0]


@pytest.mark.parametrize("error", [Transient("reset"), Throttled("slow", retry_after=7)])
def test_nothing_is_sent_after_the_deadline(waited: list[float], error: ServiceError) -> None:
    """Neither a retry nor the next page, and no wait that would end after it; what the service said is raised."""
    request = Requests(error)
    reads = Reads(until=100.4)
    with pytest.raises(type(error)):
        read(request, reads)
    assert (request.sent, waited) == (1, [])
    waited.append(1.0)
    with pytest.raises(Abandoned):
        read(Requests(), reads)


@pytest.mark.parametrize("cached", range(6))
def test_a_cached_answer_is_asked_for_again_three_times(cached: int) -> None:
    """Then the caller has to wait; where nothing is cached, one request is enough."""
    asked = iter(range(10))

    def ask() -> tuple[int, bool]:
        number = next(asked)
        return number, number < cached

    if cached > 3:
        with pytest.raises(StaleAnswer, match=r"^list: every answer came from a cache"):
            fresh(ask, "list")
        assert next(asked) == 4
    else:
        assert fresh(ask, "list") == cached


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *[("7", 7.0), (" 1.5 ", 1.5), ("0", 0.0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0)],
        *[
            (header, None)
            for header in (
                "²",
                "-3",
                "soon",
                "",
                None,
                "1e9",
                "9" * 400,
                "nan",
                "inf",
                "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
            )
        ],
    ],
)
def test_a_retry_after_header_is_read_or_ignored(header: str | None, seconds: float | None) -> None:
    """A number or a date; whatever else it says never raises."""
    assert retry_after(header) == seconds


def test_a_date_to_come_is_a_wait() -> None:
    """In seconds from now."""
    soon = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=60), usegmt=True)
    seconds = retry_after(soon)
    assert seconds is not None
    assert 50 < seconds <= 60


def test_an_order_to_wait_a_day_does_not_poison_a_pace() -> None:
    """Other guards of the process share it."""
    pace = Pace()
    pace.turn(0.0)
    pace.throttled(0.0, 86_400.0)
    assert pace.delay(0.0) == 30.0
    assert pace.turn(30.0) == 0.0
