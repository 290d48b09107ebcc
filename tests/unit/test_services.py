"""What the services have in common."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from translation_job_guard.services import is_loopback
from translation_job_guard.services.calling import without_collection


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """The collector runs before, and after whatever happens here."""
    gc.enable()
    yield
    gc.enable()


def test_nothing_is_collected_while_an_sdk_is_loaded() -> None:
    """And again afterwards, also where it is not installed."""

    def load() -> None:
        with without_collection():
            assert not gc.isenabled()
            raise ImportError

    with pytest.raises(ImportError):
        load()
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    """Whoever turned it off has a reason."""
    gc.disable()
    with without_collection():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_of_two_that_load_side_by_side_the_last_leaves_it_on() -> None:
    """However they overlap: the second one begins while the first is at it, and ends after it."""
    begun, end = threading.Event(), threading.Event()

    def second() -> None:
        with without_collection():
            begun.set()
            end.wait(20)

    with without_collection():
        thread = threading.Thread(target=second)
        thread.start()
        assert begun.wait(20)
    assert gc.isenabled()
    end.set()
    thread.join(20)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80/path", True),
        ("http://localhost:1", True),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://emulator.localhost", False),
        ("https://translate.eu-west-1.amazonaws.com", False),
        ("nonsense", False),
    ],
)
def test_loopback_goes_by_the_address(url: str, here: bool) -> None:
    """Not by how the text begins, and not by a name that a resolver may send elsewhere."""
    assert is_loopback(url) is here
