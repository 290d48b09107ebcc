"""Teardowns of Azure batches against the emulator as recorded: cached answers, real links, documents one by one."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.emulator import SOURCE, TARGET, submit
from tests.support.emulator import azure as sdk
from tests.support.services import azure_service, batch
from translation_job_guard.emulator import Emulator
from translation_job_guard.jobs import AzureScope, Scope, coverage
from translation_job_guard.services import JobService
from translation_job_guard.teardown import Ending, Report, TeardownOptions
from translation_job_guard.teardown.pace import Pace
from translation_job_guard.teardown.runner import run

pytestmark = pytest.mark.usefixtures("bare_environment")


def tear_down(service: JobService, scope: Scope, quiet_period: float = 0.6, timeout: float = 60.0) -> Report:
    options = TeardownOptions(quiet_period=quiet_period, timeout=timeout)
    return run(service, partial(coverage, (scope,)), options, account="", pace=Pace(), read_pace=Pace())


@pytest.mark.parametrize(
    "scope",
    [
        AzureScope(whole_resource=True),
        AzureScope(source_container_urls=(SOURCE,)),
        AzureScope(target_container_urls=(TARGET,)),
    ],
    ids=["whole resource", "by source", "by target"],
)
def test_batches_submitted_after_a_look_are_stopped(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, scope: AzureScope
) -> None:
    """The look's answers are cached for a minute, and show none of them."""
    emulator.control.settings(azure_start_latency=0.2, azure_counting_time=0.1, azure_row_interval=0.05)
    service = azure_service(emulator, monkeypatch)
    for _ in range(6):
        assert service.list_in_flight() == []
    for _ in range(4):
        submit(sdk(emulator), SOURCE, TARGET)
    report = tear_down(service, scope)
    assert report.count(Ending.STOPPED) == 4
    assert {job["state"] for job in emulator.control.jobs()} == {"Cancelled"}


def test_a_teardown_asks_nothing_of_the_cache(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request of it has a URL that was asked for before, so none is repeated."""
    emulator.control.add_jobs([{"resource": "translator", "source": SOURCE, "target": TARGET}] * 60)
    before = emulator.control.last_request()
    tear_down(azure_service(emulator, monkeypatch), AzureScope(container_urls=(SOURCE,)))
    gets = [call for call in emulator.control.requests(before) if call["operation"].startswith("Get")]
    assert gets
    assert [call["age"] for call in gets if call["age"] is not None] == []


@pytest.mark.parametrize("count", [50, 51, 120, 5_000])
def test_all_batches_are_listed_behind_the_real_links(
    stepped: Emulator, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The links that were recorded, in pages of 50."""
    now = stepped.control.now()
    for start in range(0, count, 1_000):
        stepped.control.add_jobs(
            [{"resource": "translator", "submitted": now - 10_000 + number} for number in range(start, count)][:1_000]
        )
    before = stepped.control.last_request()
    service = azure_service(stepped, monkeypatch)
    assert len({job.id for job in service.list_in_flight()}) == count
    assert len(stepped.control.requests(before)) <= count / 48 + 1


@pytest.mark.parametrize("count", [50, 51, 130, 1_000])
def test_all_documents_are_read_behind_the_real_links(
    stepped: Emulator, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The last one decides as well as the first."""
    [id_] = stepped.control.add_jobs([{"resource": "translator", "documents": count, "counted": 0}])
    located = azure_service(stepped, monkeypatch).locate(batch(id_, count))
    assert len(located.rows) == count
    assert located.locations_known


def test_more_than_fifty_batches_and_documents_hold_no_teardown(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither own ones nor a neighbour's."""
    own = [{"resource": "translator", "source": SOURCE, "target": TARGET}] * 55
    other = "https://storage.blob.core.windows.net/other"
    emulator.control.add_jobs([*own, {"resource": "translator", "source": other, "target": other, "documents": 120}])
    report = tear_down(azure_service(emulator, monkeypatch), AzureScope(container_urls=(SOURCE,)))
    assert report.count(Ending.STOPPED) == 55
    assert [job["state"] for job in emulator.control.jobs() if job["sources"] == [other]] == ["Running"]


def test_documents_of_neighbours_are_read_at_the_allowed_pace(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Throttled GETs neither fail the teardown nor are run into again and again."""
    other = "https://storage.blob.core.windows.net/other"
    emulator.control.add_jobs([{"resource": "translator", "source": other, "target": other}] * 80)
    emulator.control.add_jobs([{"resource": "translator", "source": SOURCE, "target": TARGET}])
    emulator.control.settings(azure_get_rate=20)
    before = emulator.control.last_request()
    report = tear_down(azure_service(emulator, monkeypatch), AzureScope(source_container_urls=(SOURCE,)))
    assert report.count(Ending.STOPPED) == 1
    assert report.waited > 0
    reads = [call for call in emulator.control.requests(before) if call["operation"] == "GetDocumentsStatus"]
    refused = [call for call in reads if call["status"] == 429]
    assert refused
    assert len(refused) < 0.4 * len(reads)
