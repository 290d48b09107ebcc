"""How batches in flight are listed while pages shift: no batch is missed, whatever ends meanwhile."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from tests.support.services import azure_service, batch
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import Transient
from translation_job_guard.jobs import Job, JobState
from translation_job_guard.services.azure import AzureDocumentTranslation
from translation_job_guard.services.azure.listing import in_flight

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")

LIST = "GetTranslationsStatus"


@pytest.fixture(scope="module")
def shared(stepped_server: Emulator) -> Iterator[AzureDocumentTranslation]:
    """One for all tests: none changes it."""
    with pytest.MonkeyPatch.context() as patch:
        yield azure_service(stepped_server, patch)


@pytest.fixture(name="service")
def _service(stepped: Emulator, shared: AzureDocumentTranslation) -> AzureDocumentTranslation:
    # No batch starts by itself.
    stepped.control.settings(azure_max_running=0)
    return shared


START = 1_700_000_000.0

SPREADS: dict[str, Callable[[int], float]] = {
    "minutes apart": lambda number: START + number * 60,
    "one moment": lambda _: START,
    "bursts": lambda number: START + number // 7 * 3,
    "several a second": lambda number: START + number * 0.15,
}


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(("count", "size"), [(0, 5), (4, 5), (5, 5), (60, 5), (61, 6), (60, 7)])
def test_a_listing_is_whole_and_its_requests_are_bounded(
    stepped: Emulator, service: AzureDocumentTranslation, spread: str, count: int, size: int
) -> None:
    """Oldest first, each batch once, with at most two requests for each page."""
    stepped.control.settings(azure_page_size=size)
    ids = stepped.control.add_jobs(
        [{"resource": "translator", "submitted": SPREADS[spread](number)} for number in range(count)]
    )
    stepped.control.add_jobs([{"resource": "other"}, {"resource": "translator", "state": "Succeeded"}])
    before = stepped.control.last_request()
    assert [job.id for job in service.list_in_flight()] == ids
    calls = stepped.control.requests(before)
    assert {call["operation"] for call in calls} == {LIST}
    assert len(calls) <= max(1, 2 * count / max(size - 1, 1) + 1)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("size", [2, 5, 50])
def test_no_batch_is_lost_while_others_end(
    stepped: Emulator,
    service: AzureDocumentTranslation,
    spread: str,
    size: int,
) -> None:
    """However the pages shift, each batch that is in flight all the time is listed, once."""
    stepped.control.settings(azure_page_size=size)
    count, seeds = (30, 4) if size < 50 else (120, 1)
    for seed in range(seeds):
        chance = random.Random(f"{spread} {size} {seed}")
        ids = stepped.control.add_jobs(
            [{"resource": "translator", "submitted": SPREADS[spread](number)} for number in range(count)]
        )
        stay = set(chance.sample(ids, count // 4))
        going = [id_ for id_ in ids if id_ not in stay]
        page = partial(service.page, None)
        pages = 0

        def then_some_end(*asked: Any, page: Any = page, going: list[str] = going, chance: Any = chance) -> Any:
            nonlocal pages
            pages += 1
            answer = page(*asked)
            # The oldest go first, as they do: those that have been listed.
            for _ in range(min(len(going), chance.choice([0, 1, size // 2, size, 2 * size]))):
                stepped.control.set_job(going.pop(chance.randrange(min(len(going), size))), state="Succeeded")
            return answer

        listed = [job.id for job in in_flight(then_some_end)]
        assert len(listed) == len(set(listed))
        assert stay <= set(listed), f"lost with seed {seed}"
        # Each time it goes back, half a page has ended.
        assert pages <= 2 * count / max(size - 1, 1) + 1 + 2 * count / max(size // 2, 1)
        for id_ in ids:
            stepped.control.remove_job(id_)


class Server:
    """A list in the service's place, for answers that nobody has recorded."""

    def __init__(self, count: int, *, skips: bool = True, sorts: bool = True, filters: bool = True) -> None:
        moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
        order = range(count) if sorts else range(count - 1, -1, -1)
        self.jobs = [
            Job("azure", f"{n}", JobState.RUNNING, "Running", submitted_at=moment + timedelta(seconds=n * 2))
            for n in order
        ]
        self.skips, self.filters = skips, filters
        self.requests = 0

    def page(self, since: datetime | None, skip: int) -> tuple[list[Job], bool]:
        self.requests += 1
        assert self.requests < 200, "it does not end"
        shown = self.jobs
        if since is not None and self.filters:
            shown = [job for job in shown if job.submitted_at and job.submitted_at >= since]
        first = skip if self.skips else 0
        return shown[first : first + 10], first + 10 < len(shown)


@pytest.mark.parametrize("sorts", [True, False])
@pytest.mark.parametrize("filters", [True, False])
def test_a_listing_is_whole_if_the_service_ignores_order_or_time(sorts: bool, filters: bool) -> None:
    """Not sorted as asked, or not filtered by time: pages are asked for by number then."""
    server = Server(45, sorts=sorts, filters=filters)
    assert {job.id for job in in_flight(server.page)} == {f"{n}" for n in range(45)}


def test_an_unsorted_page_and_then_sorted_ones_lose_nothing() -> None:
    """Once a page was not sorted, no time of a later page bounds the listing."""
    server = Server(45)
    server.jobs[:10] = [server.jobs[44], *server.jobs[:9]]
    server.jobs[44] = replace(server.jobs[43], id="last", submitted_at=server.jobs[10].submitted_at)
    assert {job.id for job in in_flight(server.page)} == {job.id for job in server.jobs}


@pytest.mark.parametrize(("sorts", "whole"), [(True, True), (False, False)])
def test_a_service_that_cannot_skip_is_listed_by_time_or_fails(sorts: bool, whole: bool) -> None:
    """Where time does not tell batches apart either, the listing fails; it never passes for a whole one."""
    server = Server(60, skips=False, sorts=sorts)
    if whole:
        assert {job.id for job in in_flight(server.page)} == {f"{n}" for n in range(60)}
    else:
        with pytest.raises(Transient, match="pages repeat"):
            in_flight(server.page)


def test_two_gaps_in_the_pages_lose_no_batch() -> None:
    """What was seen behind the first gap does not prove that there is no second one."""
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    there = [Job("azure", f"{n}", JobState.RUNNING, "Running", submitted_at=moment) for n in range(400)]
    pages = itertools.count()
    ends = {6: 40, 11: 50}

    def page(_since: datetime | None, skip: int) -> tuple[list[Job], bool]:
        shown, more = there[skip : skip + 50], skip + 50 < len(there)
        del there[: ends.get(next(pages), 0)]
        return shown, more

    assert {job.id for job in there} <= {job.id for job in in_flight(page)}


def test_a_list_that_never_holds_still_is_no_answer() -> None:
    """It gives up with a transient error, instead of going back for ever."""
    numbers = iter(range(1_000_000))

    def page(_since: datetime | None, _skip: int) -> tuple[list[Job], bool]:
        return [batch(str(next(numbers))) for _ in range(4)], True

    with pytest.raises(Transient, match="faster than they can be listed"):
        in_flight(page)
