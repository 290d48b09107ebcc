"""The cache in front of Azure's GETs keeps no more than it has to."""

from __future__ import annotations

from typing import Any

from translation_job_emulator.azure_cache import Cache
from translation_job_emulator.clock import SteppedClock, Timeline
from translation_job_emulator.messages import Request, Response
from translation_job_emulator.settings import Settings


def cache(**options: Any) -> tuple[Cache, SteppedClock]:
    clock = SteppedClock(1000)
    return Cache(Timeline(clock), Settings(), **options), clock


def request(number: int) -> Request:
    return Request("GET", "/batches", [], {}, b"", "/batches", f"top={number}")


def test_expired_answers_are_dropped() -> None:
    """However many URLs there have been, only those of the last minute are kept."""
    kept, clock = cache()
    for number in range(1_000):
        clock.advance(1)
        kept.keep(0, request(number), Response(200, b"{}"))
    assert len(kept) == 60
    assert kept.find(0, request(940)) is not None
    assert kept.find(0, request(939)) is None


def test_the_oldest_answers_make_room() -> None:
    """With a clock that stands still nothing expires, and the size has a limit all the same."""
    kept, _ = cache(largest=100)
    for number in range(50):
        kept.keep(number % 3, request(number), Response(200, b"0123456789"))
    assert len(kept) == 10
    assert kept.find(49 % 3, request(49)) is not None


def test_an_answer_larger_than_everything_is_not_kept() -> None:
    """And does not stay in the way."""
    kept, _ = cache(largest=5)
    kept.keep(0, request(1), Response(200, b"0123456789"))
    kept.keep(0, request(2), Response(200, b"01"))
    assert (kept.find(0, request(1)), len(kept)) == (None, 1)


def test_nodes_do_not_share_answers() -> None:
    """What one has kept, another has not."""
    kept, clock = cache()
    kept.keep(0, request(1), Response(200, b"first"))
    clock.advance(5)
    kept.keep(1, request(1), Response(200, b"second"))
    found = [kept.find(node, request(1)) for node in (0, 1, 2)]
    assert [one and (one.body, one.headers["Age"]) for one in found] == [(b"first", "5"), (b"second", "0"), None]
