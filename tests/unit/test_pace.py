"""The pace of stop requests: against a simulated service, in simulated time."""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.teardown.pace import Pace, pace_of


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


# The arithmetic, one example each


def _turns_until(pace: Pace, began: float, until: float) -> list[float]:
    """When turns were given, to somebody who always wants the next one."""
    given, now = [], began
    while now <= until + 1e-9:
        delay = pace.turn(now)
        if delay:
            now += delay
        else:
            given.append(now)
            assert len(given) < 1_000, "nothing holds them back"
    return given


def test_the_first_volley_is_four_and_doubles_every_answers_time() -> None:
    """Four at once, eight after 50 ms, sixteen after 100: whenever it begins."""
    given = _turns_until(Pace(), 100.0, 100.15)
    assert [sum(at <= 100.0 + after + 1e-9 for at in given) for after in (0.0, 0.05, 0.1, 0.15)] == [4, 8, 16, 32]


def test_a_delay_is_what_is_left_of_a_wait() -> None:
    """And never less than nothing."""
    pace = Pace()
    assert pace.delay(5.0) == 0.0
    pace.throttled(1.0, retry_after=7.0)
    assert pace.delay(2.0) == pytest.approx(6.0)
    assert pace.delay(9.0) == 0.0


def test_the_first_rate_is_what_went_through_in_a_second_or_five() -> None:
    """What is documented for Amazon Translate, where less went through."""
    few = Pace()
    few.throttled(3.0)
    assert few.rate == 5.0
    many = Pace()
    many.turn(10.0)
    for _ in range(50):
        many.accepted(10.2)
    many.throttled(10.5)
    assert many.rate == 50.0
    slow = Pace()
    slow.turn(10.0)
    for _ in range(50):
        slow.accepted(12.0)
    slow.throttled(12.0)
    assert slow.rate == 25.0


def test_a_rate_is_measured_between_two_throttled_answers() -> None:
    """Not sooner: few requests tell nothing."""
    pace = Pace()
    pace.throttled(0.0)
    for _ in range(20):
        pace.accepted(0.5)
    assert pace.rate == 20.0, "what went through beyond the first guess counts at once"
    pace.throttled(0.999)
    assert pace.rate == 20.0
    for _ in range(20):
        pace.accepted(0.9995)
    pace.throttled(1.0)
    assert pace.rate == 40.0
    for _ in range(60):
        pace.accepted(1.01)
    assert pace.rate == 40.0, "a measured rate is no guess any more"


def test_a_pace_that_was_too_fast_keeps_most_of_itself() -> None:
    """A small bucket runs over below its limit: one measurement does not stop everything."""
    pace = Pace()
    pace.throttled(0.0)
    pace.accepted(1.0)
    pace.throttled(2.0)
    assert pace.rate == pytest.approx(0.85 * 5 * 1.02)


def test_a_pace_halves_where_nothing_was_accepted() -> None:
    """What is accepted at the moment of a throttled answer came before it."""
    pace = Pace()
    pace.accepted(0.0)
    pace.throttled(0.0)
    pace.throttled(2.0)
    assert pace.rate == pytest.approx(0.5 * 5 * 1.02)
    for _ in range(9):
        pace.accepted(2.1)
    assert pace.rate is not None
    assert pace.rate > 5, "one that accepts again is not taken to be known"


def test_a_pace_never_falls_below_one_request_in_two_seconds() -> None:
    """Whatever was throttled: nothing is given up while the timeout lasts."""
    pace = Pace()
    for at in range(40):
        pace.throttled(float(at))
    assert pace.rate == 0.5


def test_one_request_between_throttled_answers_is_enough() -> None:
    """From then on the guess of what a bucket holds is over."""
    pace = Pace()
    pace.throttled(0.0)
    pace.accepted(0.5)
    pace.throttled(1.0)
    rate = pace.rate
    for _ in range(50):
        pace.accepted(1.1)
    assert pace.rate == rate


@pytest.mark.parametrize(("after", "measured"), [(4.5, True), (5.0, True), (5.5, False)])
def test_a_throttled_answer_is_forgotten_after_five_seconds(after: float, measured: bool) -> None:
    """With what was accepted since: the place may be another by now."""
    pace = Pace()
    pace.throttled(0.0)
    for number in range(90):
        pace.accepted(after * number / 90 + 0.01)
    before = pace.rate
    pace.throttled(after)
    assert (pace.rate != before) is measured


def test_what_was_accepted_long_ago_tells_nothing_of_now() -> None:
    """Only five seconds of it count."""
    pace = Pace()
    pace.turn(0.0)
    pace.throttled(0.0)
    for tenth in range(1, 101):
        for _ in range(6 if tenth <= 50 else 12):
            pace.accepted(tenth / 10)
    assert pace.rate == pytest.approx(60.0, rel=0.1)


@pytest.mark.parametrize(("known", "doubles_in"), [(False, 4.0), (True, 8.0)])
def test_a_pace_that_is_used_doubles(known: bool, doubles_in: float) -> None:
    """In four seconds without a throttled answer, in eight once the rate was measured; slowly at first."""
    pace = Pace()
    pace.throttled(0.0)
    if known:
        for _ in range(5):
            pace.accepted(0.5)
        pace.throttled(1.0)
    assert pace.rate == pytest.approx(5.0)
    began = float(known)
    given = _turns_until(pace, began, began + doubles_in + 1)
    speeds = {at - began: 1 / (after - at) for at, after in itertools.pairwise(given)}
    assert next(iter(speeds.values())) == pytest.approx(5 * 1.02, rel=0.02)
    # The square of the time: a quarter of the growth after half of it.
    for share, expected in ((0.5, 1.02 + 0.25), (1.0, 1.02 + 1.0)):
        speed = next(speed for at, speed in speeds.items() if at >= share * doubles_in)
        assert speed == pytest.approx(5 * expected, rel=0.06)


def test_a_pace_that_nobody_uses_does_not_grow() -> None:
    """A turn after a long pause counts as two at most."""
    pace = Pace()
    pace.throttled(0.0)
    at = 0.0
    for _ in range(4):
        at += 100.0
        assert pace.turn(at) == 0.0
    assert pace.turn(at) == 0.0
    used = 8 / 5.26  # eight pauses, each a bit shorter than the one before
    assert pace.turn(at) == pytest.approx(1 / (5 * (1.02 + (used / 4) ** 2)), rel=0.002)


def test_the_wait_before_a_throttled_answer_does_not_count() -> None:
    """Growth begins anew with it."""
    pace = Pace()
    pace.turn(0.0)
    pace.throttled(10.0)
    assert pace.turn(10.2) == 0.0
    at = 10.2 + pace.turn(10.2)
    assert pace.turn(at) == 0.0
    assert pace.turn(at) == pytest.approx(1 / (5 * (1.02 + (0.2 / 4) ** 2)))


def test_stops_and_reads_of_a_place_have_a_pace_each() -> None:
    """What a place allows of one says nothing of the other."""
    place = ("azure-document-translation", "account.example", "https://account.example/")
    assert pace_of(*place, "read") is pace_of(*place, "read")
    assert pace_of(*place, "read") is not pace_of(*place, "stop")
    assert pace_of(*place) is pace_of(*place, "stop")


def test_throttled_answers_far_apart_tell_nothing_of_each_other() -> None:
    """Nobody asked in between, as far as is known."""
    pace = Pace()
    pace.throttled(0.0)
    pace.throttled(5.5)
    assert pace.rate == 5.0
    pace.throttled(7.0)
    assert pace.rate == pytest.approx(0.5 * 5 * 1.02)
