"""The pace of stop requests: against a simulated service, in simulated time."""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.pace import Pace, pace_of


@dataclass
class Service:
    """A token bucket: `rate` requests a second, `burst` of them at once."""

    rate: float
    burst: float
    accepted: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)
    _tokens: float = 0.0
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._tokens = self.burst

    def ask(self, now: float) -> bool:
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        taken = self._tokens >= 1
        self._tokens -= taken
        (self.accepted if taken else self.rejected).append(now)
        return taken


def send(
    count: int,
    service: Service,
    pace: Pace,
    *,
    latency: float = 0.04,
    workers: int = 32,
    retry_after: float | None = None,
) -> None:
    """Send `count` requests as the runner does: each worker asks for a turn, sends, and tells how it went."""
    order = itertools.count()
    events = [(0.0, next(order), "turn") for _ in range(min(workers, count))]
    waiting = count - len(events)
    while events:
        now, _, what = heapq.heappop(events)
        if what == "turn":
            delay = pace.turn(now)
            if delay:
                heapq.heappush(events, (now + delay, next(order), "turn"))
            else:
                answer = "accepted" if service.ask(now + latency / 2) else "rejected"
                heapq.heappush(events, (now + latency, next(order), answer))
        elif what == "rejected":
            pace.throttled(now, retry_after)
            heapq.heappush(events, (now, next(order), "turn"))
        else:
            pace.accepted(now)
            if waiting:
                waiting -= 1
                heapq.heappush(events, (now, next(order), "turn"))


@pytest.mark.parametrize("latency", [0.01, 0.04, 0.5])
@pytest.mark.parametrize(("rate", "burst"), [(5, 5), (5, 25), (10, 10), (50, 50)])
@pytest.mark.parametrize("count", [200, 1000])
def test_nearly_all_of_the_allowed_rate_is_used(count: int, rate: float, burst: float, latency: float) -> None:
    """At least 85 % of what the service would allow, and rejected requests stay a fraction of the accepted ones."""
    service = Service(rate, burst)
    send(count, service, Pace(), latency=latency)
    assert len(service.accepted) == count
    shortest = (count - burst) / rate
    assert service.accepted[-1] - latency <= shortest / 0.85
    # The first volley of 32 workers, and one a learnt step: measured 35 to 55 and 9 to 18 of 100 accepted.
    assert len(service.rejected) <= 60 + 0.2 * count


@pytest.mark.parametrize("latency", [0.01, 0.5])
def test_a_service_that_allows_no_burst_is_learnt_too(latency: float) -> None:
    """One request of the first volley is all that such a place shows of its rate; the search for it costs seconds."""
    service = Service(5, 1)
    send(200, service, Pace(), latency=latency)
    assert service.accepted[-1] <= 1.45 * 200 / 5
    assert len(service.rejected) <= 60


@settings(max_examples=40, deadline=None)
@given(st.floats(2, 50), st.floats(1, 3), st.floats(0.01, 0.5))
def test_it_is_never_much_faster_than_allowed_for_long(rate: float, seconds: float, latency: float) -> None:
    """Once learnt, no five seconds hold more than a fifth above the allowed rate, rejected requests included."""
    service = Service(rate, max(1.0, rate * seconds))
    send(int(rate * 40), service, Pace(), latency=latency)
    sent = sorted(service.accepted + service.rejected)
    settled = bisect_left(sent, sent[0] + 10 + seconds)
    for index in range(settled, len(sent)):
        assert bisect_left(sent, sent[index] + 5) - index <= rate * 5 * 1.2 + 4


def test_it_follows_a_rate_that_changes() -> None:
    """Another guard or person uses the same quota, and stops."""
    service, pace = Service(10, 10), Pace()
    send(100, service, pace)
    assert pace.rate is not None
    assert 7 <= pace.rate <= 14
    quiet = Service(2, 2)
    send(100, quiet, pace)
    assert pace.rate is not None
    assert pace.rate <= 3


def test_nothing_is_held_back_until_a_limit_is_met() -> None:
    """A thousand jobs where nothing is throttled go out nearly as fast as the workers can send them."""
    service, pace = Service(1e6, 1e6), Pace()
    send(1000, service, pace, latency=0.04, workers=32)
    # The first volley is small, and grows as answers come: until all workers are busy.
    assert service.accepted[-1] <= 1000 / 32 * 0.04 + 0.2
    assert pace.rate is None


def test_retry_after_is_honoured() -> None:
    """Nothing goes out before the time that the service said."""
    pace = Pace()
    assert pace.turn(0.0) == 0.0
    pace.throttled(1.0, retry_after=7.0)
    assert pace.turn(1.5) == pytest.approx(6.5)
    assert pace.turn(7.999) > 0
    assert pace.turn(8.0) == 0.0


def test_retry_after_counts_in_a_volley_of_rejections_too() -> None:
    """Of many answers to one volley the rate is learnt once, and the longest wait is kept."""
    pace = Pace()
    for at in (0.0, 0.1, 0.2):
        pace.throttled(at, retry_after=5.0)
    rate = pace.rate
    pace.throttled(0.3)
    assert pace.rate == rate
    assert pace.turn(5.1) > 0
    assert pace.turn(5.2) == 0.0
    pace.throttled(5.3, retry_after=0.1)
    assert pace.turn(5.4) > 0, "a short wait does not shorten the pause of the pace"


def test_a_place_that_accepts_nothing_is_still_asked() -> None:
    """Every two seconds in the end: nothing is given up while the timeout lasts."""
    pace, now, sent = Pace(), 0.0, 0
    while now < 60:
        delay = pace.turn(now)
        if delay:
            now += delay
        else:
            sent += 1
            pace.throttled(now)
    assert 25 <= sent <= 40


def test_a_late_turn_does_not_slow_the_next_one_down() -> None:
    """Nor does a long pause save turns up for a volley."""
    pace = Pace()
    pace.turn(0.0)
    for _ in range(5):
        pace.accepted(0.5)
    pace.throttled(1.0)
    assert pace.rate == 5.0
    at = 100.0
    turns = [pace.turn(at) for _ in range(3)]
    assert turns == [0.0, 0.0, pytest.approx(0.2, rel=0.05)]


def test_one_place_has_one_pace() -> None:
    """Guards of the same account and region share what is learnt; no other does."""
    mine = pace_of("amazon-translate", "111111111111", "eu-west-1")
    assert pace_of("amazon-translate", "111111111111", "eu-west-1") is mine
    others = [
        pace_of("amazon-translate", "222222222222", "eu-west-1"),
        pace_of("amazon-translate", "111111111111", "us-east-1"),
        pace_of("azure-document-translation", "111111111111", "eu-west-1"),
    ]
    assert all(other is not mine for other in others)
