"""Each path of a teardown, one example each, in simulated time."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from translation_job_guard.errors import CredentialsUnusable, Denied, JobNotFound, Rejected, Throttled, Transient
from translation_job_guard.jobs import (
    AZURE_DOCUMENT_TRANSLATION,
    AmazonScope,
    AzureScope,
    Coverage,
    DocumentRow,
    Documents,
    Job,
    JobState,
    left_behind,
)
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import (
    CannotTell,
    Ending,
    Mode,
    Record,
    Report,
    TeardownOptions,
    TeardownRefused,
    TeardownTimeout,
    Undecided,
)
from translation_job_guard.teardown.machine import Answers, List, Locate, Request, Teardown, Wait
from translation_job_guard.teardown.runner import run
from translation_job_guard.teardown.schedule import stop_is_due
from translation_job_guard.testing import Operation, SimulatedClock, SimulatedService, tear_down

SCOPES = [AmazonScope(job_name_prefixes=("own-",))]
CONTAINER = "https://account.blob.core.windows.net/own"
AZURE_SCOPES = [AzureScope(container_urls=(CONTAINER,))]


@pytest.fixture
def service() -> SimulatedService:
    """Amazon Translate without jobs."""
    return SimulatedService()


@pytest.fixture
def azure() -> SimulatedService:
    """Azure Document Translation without batches."""
    return SimulatedService(AZURE_DOCUMENT_TRANSLATION)


def _began(service: SimulatedService, operation: Operation) -> list[float]:
    return [call.began for call in service.calls if call.operation == operation]


def _only(report: Report) -> Ending:
    (record,) = report.records.values()
    return record.ending


def test_nothing_in_flight_takes_two_listings(service: SimulatedService) -> None:
    """Quiet is two listings that show nothing, the second one quiet period after the first."""
    service.add(name="foreign")
    report = tear_down(service, SCOPES, TeardownOptions(quiet_period=3))
    first, second = _began(service, "list")
    assert second - first >= 3
    assert report.quiet
    assert report.summary().startswith("nothing was in flight")
    assert not _began(service, "stop")


def test_without_a_quiet_period_one_listing_suffices(service: SimulatedService) -> None:
    """`quiet_period` 0 asks for one look."""
    tear_down(service, SCOPES, TeardownOptions(quiet_period=0))
    assert len(_began(service, "list")) == 1


def test_jobs_are_stopped_and_waited_for(service: SimulatedService) -> None:
    """Every job in scope is asked once, and the teardown ends when all have ended."""
    jobs = [service.add(name=f"own-{number}", stop_takes=5) for number in range(3)]
    foreign = service.add(name="other")
    report = tear_down(service, SCOPES)
    assert [call.asked for call in service.calls if call.operation == "stop"] == [(job.id,) for job in jobs]
    assert report.count(Ending.STOPPED) == 3
    assert foreign.in_flight(service.clock.now())


def test_a_grace_period_lets_jobs_end_by_themselves(service: SimulatedService) -> None:
    """Within `grace_period` nothing is asked; what is left then is."""
    service.add(name="own-short", runs_for=4)
    service.add(name="own-long")
    report = tear_down(service, SCOPES, TeardownOptions(grace_period=10, poll_interval=60))
    (asked,) = _began(service, "stop")
    assert 10 <= asked < 12
    assert (report.count(Ending.BY_ITSELF), report.count(Ending.STOPPED)) == (1, 1)


def test_drain_waits_and_never_stops(service: SimulatedService) -> None:
    """Mode drain ends when the jobs have ended by themselves."""
    service.add(name="own-1", runs_for=100)
    report = tear_down(service, SCOPES, TeardownOptions(mode=Mode.DRAIN))
    assert not _began(service, "stop")
    assert _only(report) is Ending.BY_ITSELF


def _slow_listings(jobs: int, stop_takes: float) -> SimulatedService:
    """Listings of a second and a half, in pages that have the guard's batches first."""
    service = SimulatedService(AZURE_DOCUMENT_TRANSLATION, latency=0.3, page_size=2)
    for number in range(jobs):
        service.add(locations=[f"{CONTAINER}/a.docx"], submitted_at=-100.0 + 2 * number, stop_takes=stop_takes)
    for number in range(jobs, 6):
        service.add(locations=["https://account.blob.core.windows.net/b"], submitted_at=-50.0 + 2 * number)
    return service


def test_a_long_listing_waits_for_the_job_asked_last() -> None:
    """One that begins just before the end shows the job in flight and is all for nothing; one look is not."""
    service = _slow_listings(2, stop_takes=3.0)
    tear_down(service, AZURE_SCOPES, TeardownOptions(quiet_period=0))
    _, last = _began(service, "list")
    *before, _ending = [call for call in service.calls if call.operation == "look"]
    asked = [call.asked for call in service.calls if call.operation == "stop"]
    assert {look.asked for look in before} == {asked[-1]}
    assert 1 <= len(before) <= 3
    assert last >= before[-1].ended


def test_it_waits_no_longer_than_such_a_listing_takes() -> None:
    """Others come in meanwhile: what was asked last may take its time."""
    service = _slow_listings(1, stop_takes=20.0)
    tear_down(service, AZURE_SCOPES, TeardownOptions(quiet_period=0))
    listings = [call for call in service.calls if call.operation == "list"]
    for one, other in itertools.pairwise(listings[:4]):
        # A pause as long as the listing, as long again for the looks, and the last of them.
        assert other.began - one.ended <= 2 * (one.ended - one.began) + 2.5


def test_a_look_that_is_not_permitted_is_asked_for_once() -> None:
    """It is an optional permission; only at the end it is tried once more."""
    service = _slow_listings(1, stop_takes=30.0)
    service.fail("look", Denied("look: denied."), times=None)
    report = tear_down(service, AZURE_SCOPES, TeardownOptions(quiet_period=0))
    assert len(_began(service, "list")) > 5
    assert len(_began(service, "look")) == 2
    assert report.quiet


def test_a_listing_after_a_throttled_look_waits_as_told() -> None:
    """The place has said how long it wants to be left alone."""
    service = _slow_listings(1, stop_takes=3.0)
    service.fail("look", Throttled("look: too many.", retry_after=30.0))
    tear_down(service, AZURE_SCOPES, TeardownOptions(quiet_period=0))
    [throttled] = [call for call in service.calls if isinstance(call.error, Throttled)]
    assert min(call.began for call in service.calls if call.began > throttled.began) >= throttled.ended + 30.0


def test_a_poll_interval_that_was_given_is_kept() -> None:
    """Whoever sets it has a reason: no looks in between."""
    service = _slow_listings(1, stop_takes=3.0)
    tear_down(service, AZURE_SCOPES, TeardownOptions(quiet_period=0, poll_interval=0.5))
    assert len(_began(service, "look")) == 1


def test_drain_looks_less_often_as_it_goes_on(service: SimulatedService) -> None:
    """The listings' intervals grow."""
    service.add(name="own-1", runs_for=600)
    tear_down(service, SCOPES, TeardownOptions(mode=Mode.DRAIN))
    looks = _began(service, "list")
    assert looks[1] - looks[0] < 1
    assert len(looks) < 80


def test_fail_refuses_while_any_is_in_flight(service: SimulatedService) -> None:
    """Mode fail names the jobs and stops none."""
    job = service.add(name="own-1")
    with pytest.raises(TeardownRefused, match=job.id):
        tear_down(service, SCOPES, TeardownOptions(mode=Mode.FAIL))
    assert not _began(service, "stop")


def test_ignore_says_what_is_left_and_goes_on(service: SimulatedService) -> None:
    """Mode ignore looks once, stops nothing, and succeeds."""
    service.add(name="own-1")
    report = tear_down(service, SCOPES, TeardownOptions(mode=Mode.IGNORE))
    assert (report.looked, report.quiet, len(report.left)) == (True, False, 1)
    assert "1 still in flight" in report.summary()


def test_ignore_goes_on_without_an_answer(service: SimulatedService) -> None:
    """Mode ignore succeeds where the account is gone."""
    service.fail("list", Denied("gone"), times=None)
    assert not tear_down(service, SCOPES, TeardownOptions(mode=Mode.IGNORE)).looked


def test_ignore_goes_on_where_a_batch_cannot_be_located(azure: SimulatedService) -> None:
    """Mode ignore succeeds where the documents of a batch may not be read."""
    batch = azure.add(locations=[f"{CONTAINER}/a.docx"])
    azure.fail("locate", Denied("not permitted"), times=None)
    report = tear_down(azure, AZURE_SCOPES, TeardownOptions(mode=Mode.IGNORE))
    assert list(report.undecided) == [batch.id]


def test_time_that_runs_out_names_jobs_and_what_to_do(service: SimulatedService) -> None:
    """The timeout's last line has the jobs, their states, the late ones, and the remedy."""
    stuck = service.add(name="own-stuck", stop_takes=1000)
    late = service.add(name="own-late", submitted_at=5.0, stop_takes=1000)
    with pytest.raises(TeardownTimeout) as caught:
        tear_down(service, SCOPES, TeardownOptions(timeout=30))
    text = str(caught.value)
    assert "\n" not in text
    assert f"2 jobs are still in flight: {stuck.id} (own-stuck) STOP_REQUESTED" in text
    assert f"1 came in after the start: {late.id}" in text
    assert "TRANSLATION_JOB_GUARD_TIMEOUT" in text
    assert caught.value.report.elapsed == pytest.approx(30, abs=0.1)


def test_more_than_ten_jobs_are_counted_not_named(service: SimulatedService) -> None:
    """Ten jobs are named, the rest is a number."""
    for number in range(13):
        service.add(name=f"own-{number}")
    with pytest.raises(TeardownRefused, match=r"own-9\) IN_PROGRESS \(for .*\) and 3 more"):
        tear_down(service, SCOPES, TeardownOptions(mode=Mode.FAIL))


def test_jobs_that_could_not_be_asked_in_time_are_counted(service: SimulatedService) -> None:
    """What throttling kept from being asked is not said to have been asked."""
    service.stops_per_second = 0.5
    for number in range(20):
        service.add(name=f"own-{number}", stop_takes=100)
    with pytest.raises(TeardownTimeout, match=r"\((\d+) of them could not be asked to stop in time\)") as caught:
        tear_down(service, SCOPES, TeardownOptions(timeout=12))
    accepted = sum(call.error is None for call in service.calls if call.operation == "stop")
    assert f"({20 - accepted} of them" in str(caught.value)


def test_the_quiet_period_that_does_not_fit_is_said(service: SimulatedService) -> None:
    """Jobs that ended just before the timeout: it was not confirmed, and says so."""
    service.add(name="own-1", stop_takes=9)
    with pytest.raises(TeardownTimeout, match="before it was confirmed"):
        tear_down(service, SCOPES, TeardownOptions(timeout=10, quiet_period=3))


def test_a_quiet_period_to_the_very_end_is_said(service: SimulatedService) -> None:
    """A second look that would come at the deadline is none."""
    with pytest.raises(TeardownTimeout, match="before it was confirmed"):
        tear_down(service, SCOPES, TeardownOptions(timeout=0.3, quiet_period=0.2))


# Undecided batches


def test_undecided_batches_fail_the_teardown_with_the_ways_out(azure: SimulatedService) -> None:
    """A batch whose documents are not known is never taken for someone else's, and never stopped."""
    batches = [azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6]) for _ in range(12)]
    with pytest.raises(Undecided, match="12 batches are in flight of which") as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20))
    text = str(caught.value)
    assert batches[0].id in text
    assert "and 2 more" in text
    for way_out in ("source_container_urls", "TRANSLATION_JOB_GUARD_UNDECIDED=leave", "same command again"):
        assert way_out in text
    assert not _began(azure, "stop")
    assert 20 <= caught.value.report.elapsed < 22


def test_the_timeout_bounds_the_wait_for_undecided_batches(azure: SimulatedService) -> None:
    """The timeout's own error names them as well."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    with pytest.raises(TeardownTimeout, match=r"1 batch is in flight of which .*UNDECIDED=leave"):
        tear_down(azure, AZURE_SCOPES, TeardownOptions(timeout=20))


def test_the_wait_begins_when_everything_in_scope_has_ended(azure: SimulatedService) -> None:
    """While an own batch is in flight, undecided ones cost no time."""
    azure.add(locations=[f"{CONTAINER}/a.docx"], stop_takes=40)
    azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    with pytest.raises(Undecided) as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20))
    assert 60 <= caught.value.report.elapsed < 70


def test_the_wait_begins_anew_when_more_documents_are_listed(azure: SimulatedService) -> None:
    """Documents are listed one by one: a batch that goes on is waited for, and found to be in scope."""
    locations = [f"{CONTAINER}-2/{number}.docx" for number in range(6)] + [f"{CONTAINER}/a.docx"]
    own = azure.add(locations=locations, located_after=[8.0 * number for number in range(7)], counted_after=0.0)
    report = tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=10))
    assert report.records[own.id].ending is Ending.STOPPED
    assert report.elapsed > 48


def test_one_batch_that_goes_on_holds_no_other_verdict(azure: SimulatedService) -> None:
    """Each batch has its own wait, and the error names those that are left."""
    growing = azure.add(
        locations=[f"{CONTAINER}-2/{number}.docx" for number in range(5)],
        located_after=[8.0 * number for number in range(5)],
        counted_after=0.0,
    )
    silent = azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    with pytest.raises(Undecided) as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=10))
    assert silent.id in str(caught.value)
    assert growing.id not in str(caught.value)


@pytest.mark.parametrize("mode", [Mode.CANCEL, Mode.DRAIN])
def test_leave_waits_as_long_and_says_what_was_left(azure: SimulatedService, mode: Mode) -> None:
    """It goes on only after fresh listings that show nothing in scope."""
    silent = azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    report = tear_down(azure, AZURE_SCOPES, TeardownOptions(mode=mode, undecided_timeout=20, leave_undecided=True))
    assert report.quiet
    assert list(report.undecided) == [silent.id]
    assert f"left undecided, in scope or not: {silent.id}" in report.summary()
    assert 23 <= report.elapsed < 26
    assert not _began(azure, "stop")


def test_leave_still_stops_a_batch_that_is_decided_late(azure: SimulatedService) -> None:
    """Between the two last listings it turns out to be in scope."""
    own = azure.add(locations=[f"{CONTAINER}/a.docx"], located_after=[21.0])
    report = tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20, leave_undecided=True))
    assert report.records[own.id].ending is Ending.STOPPED
    assert not report.undecided


def test_fail_refuses_at_once_for_what_is_in_scope(azure: SimulatedService) -> None:
    """And waits where only undecided batches are in flight."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    with pytest.raises(Undecided):
        tear_down(azure, AZURE_SCOPES, TeardownOptions(mode=Mode.FAIL, undecided_timeout=5))
    azure.add(locations=[f"{CONTAINER}/a.docx"])
    before = azure.clock.now()
    with pytest.raises(TeardownRefused, match="1 job is in flight"):
        tear_down(azure, AZURE_SCOPES, TeardownOptions(mode=Mode.FAIL, undecided_timeout=5))
    assert azure.clock.now() - before < 1


def test_ignore_never_waits_for_undecided_batches(azure: SimulatedService) -> None:
    """One look, and on."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    assert tear_down(azure, AZURE_SCOPES, TeardownOptions(mode=Mode.IGNORE)).elapsed < 1


def test_documents_of_a_growing_foreign_batch_are_read_again(azure: SimulatedService) -> None:
    """The documents are not kept; the total at which it was foreign is."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"] * 2, located_after=[0.0, 10.0])
    azure.add(locations=[f"{CONTAINER}/a.docx"], stop_takes=30)
    tear_down(azure, AZURE_SCOPES)
    assert len([call for call in azure.calls if call.operation == "locate"]) == 3


def test_a_covered_batch_that_grew_is_not_stopped_unseen(azure: SimulatedService) -> None:
    """In an update: its new documents may be the new scope's, and cannot be read."""
    new = [AzureScope(container_urls=(f"{CONTAINER}-new",))]
    azure.add(locations=[f"{CONTAINER}/a.docx", f"{CONTAINER}-new/b.docx"], located_after=[0.0, 4.0])
    azure.fail("locate", Transient("reset"), times=None, skip=1)
    with pytest.raises(TeardownTimeout):
        run(
            azure,
            lambda job: left_behind(AZURE_SCOPES, new, job),
            TeardownOptions(grace_period=6, timeout=20),
            account="a",
            clock=azure.clock,
            workers=0,
        )
    assert not _began(azure, "stop")


def test_stop_requests_do_not_wait_for_the_neighbours_documents() -> None:
    """Hundreds of documents lists at 10 a second take longer than many a timeout."""
    slow = SimulatedService(AZURE_DOCUMENT_TRANSLATION, reads_per_second=10.0)
    known = slow.add(locations=[f"{CONTAINER}/a.docx"], submitted_at=-1.0)
    for number in range(300):
        slow.add(locations=[f"{CONTAINER}-2/a.docx"], submitted_at=-3000.0 + 2 * number, runs_for=1e6)
    scopes = [AzureScope(translation_ids=(known.id,)), *AZURE_SCOPES]
    with pytest.raises(TeardownTimeout):
        tear_down(slow, scopes, TeardownOptions(timeout=20))
    [stop] = [call for call in slow.calls if call.operation == "stop"]
    assert stop.asked == (known.id,)
    assert stop.began < 1


def test_stop_requests_go_out_between_parts_of_the_documents() -> None:
    """An own batch that was found by its documents is asked before all the others are read."""
    slow = SimulatedService(AZURE_DOCUMENT_TRANSLATION, reads_per_second=10.0)
    own = slow.add(locations=[f"{CONTAINER}/a.docx"], submitted_at=-5000.0, runs_for=1e6)
    for number in range(300):
        slow.add(locations=[f"{CONTAINER}-2/a.docx"], submitted_at=-3000.0 + 2 * number, runs_for=1e6)
    tear_down(slow, AZURE_SCOPES)
    [stop] = [call for call in slow.calls if call.operation == "stop"]
    assert stop.asked == (own.id,)
    assert stop.began < 15, "all of them take half a minute"


def test_a_batch_whose_documents_are_refused_is_undecided(azure: SimulatedService) -> None:
    """It keeps no other batch from being stopped, and the error says why it is undecided."""
    own = azure.add(locations=[f"{CONTAINER}/a.docx"])
    azure.add(locations=[f"{CONTAINER}-2/a.docx"])
    azure.fail("locate", Rejected("list documents: 400."), times=None, skip=1)
    with pytest.raises(Undecided, match="list documents: 400"):
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20))
    assert azure.jobs[own.id].state(azure.clock.now()) is JobState.STOPPED


def test_listings_that_flap_do_not_prolong_the_wait(azure: SimulatedService) -> None:
    """Every second listing goes without the undecided batch: its wait goes on all the same."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    listed = azure.list_in_flight
    turns = itertools.count()
    azure.list_in_flight = lambda *_: listed() if next(turns) % 2 == 0 else []  # type: ignore[method-assign]
    with pytest.raises(Undecided) as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20, quiet_period=1.0))
    assert caught.value.report.elapsed < 30


def test_leave_waits_on_when_a_document_comes_late(azure: SimulatedService) -> None:
    """The wait begins anew: the next document decides that the batch is in scope."""
    locations = [f"{CONTAINER}-2/a.docx", f"{CONTAINER}/a.docx"]
    own = azure.add(locations=locations, located_after=[11.0, 14.0], counted_after=0.0)
    report = tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=10, leave_undecided=True))
    assert report.records[own.id].ending is Ending.STOPPED


def test_states_that_flap_cause_no_flood_of_stop_requests() -> None:
    """Two nodes of the same moment contradict each other: each state is answered by a request once."""
    record = Record(_at(0, JobState.QUEUED), _at(0, JobState.QUEUED), seen_at=0.0)
    asked = []
    for tenth in range(200):
        record.shown(_at(0, JobState.RUNNING if tenth % 2 else JobState.QUEUED))
        if stop_is_due(record, tenth / 10):
            record.asked(tenth / 10)
            asked.append(tenth / 10)
    assert len(asked) <= 4


# Answers that are cached or behind


def test_cached_listings_until_the_timeout_are_an_error(service: SimulatedService) -> None:
    """Nothing is believed of them, although they show nothing in flight."""
    service.add(name="own-1", submitted_at=0.01)
    service.serve_from_cache(0.0, 1e6)
    with pytest.raises(TeardownTimeout, match=r"could not be listed: .* from a cache"):
        tear_down(service, SCOPES, TeardownOptions(timeout=20))
    report = tear_down(service, SCOPES, TeardownOptions(mode=Mode.IGNORE))
    assert not report.looked


def test_a_cache_that_ends_is_waited_for(service: SimulatedService) -> None:
    """The first fresh listing shows the job that the cached ones did not."""
    own = service.add(name="own-1", submitted_at=0.01)
    service.serve_from_cache(0.0, 15.0)
    assert tear_down(service, SCOPES).records[own.id].ending is Ending.STOPPED


def test_states_that_go_backwards_end_nothing_and_lower_no_total(azure: SimulatedService) -> None:
    """Every second answer is 2 s behind: one stop request, no wrong ending, and all documents are known once."""
    azure.lags = (0.0, 2.0)
    slow = SimulatedService(AZURE_DOCUMENT_TRANSLATION, lags=(0.0, 2.0))
    own = slow.add(locations=[f"{CONTAINER}/a.docx"], submitted_at=-10.0, stop_takes=6.0)
    report = tear_down(slow, AZURE_SCOPES)
    assert report.records[own.id].ending is Ending.STOPPED
    assert report.records[own.id].asks <= 2


def _at(seconds: float, state: JobState) -> Job:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return Job(AZURE_DOCUMENT_TRANSLATION, "one", state, state.value, changed_at=moment)


def test_an_older_answer_lets_a_lost_stop_be_asked_again() -> None:
    """It is not the job's state, but it may be right: the stop is asked again at the usual interval."""
    record = Record(_at(0, JobState.RUNNING), _at(0, JobState.RUNNING), seen_at=0.0)
    record.asked(1.0)
    record.shown(_at(2, JobState.STOPPING))
    assert not stop_is_due(record, 60.0)
    record.shown(_at(0, JobState.RUNNING))
    assert record.now.state is JobState.STOPPING
    assert not stop_is_due(record, 2.0)
    assert stop_is_due(record, 7.0)
    record.shown(_at(2, JobState.STOPPING))
    assert not stop_is_due(record, 60.0), "a newer answer says that it is stopping"


def test_on_equal_times_the_fresh_answer_wins() -> None:
    """A node that is not behind may contradict another one of the same moment."""
    record = Record(_at(0, JobState.RUNNING), _at(2, JobState.STOPPING), seen_at=0.0)
    assert record.shown(_at(2, JobState.RUNNING))
    assert record.now.state is JobState.RUNNING


def test_an_older_answer_neither_ends_nor_revives_a_job() -> None:
    """Both would be believed on the word of a node that is behind."""
    record = Record(_at(0, JobState.RUNNING), _at(5, JobState.RUNNING), seen_at=0.0)
    record.shown(_at(3, JobState.STOPPED))
    assert record.now.state is JobState.RUNNING
    ended = Record(_at(0, JobState.RUNNING), _at(5, JobState.STOPPED), seen_at=0.0)
    assert ended.known_better(_at(3, JobState.RUNNING))
    assert not ended.known_better(_at(5, JobState.RUNNING))


# Orders of the other side


@pytest.mark.parametrize("operation", ["list", "stop", "look"])
def test_a_retry_after_of_a_day_waits_half_a_minute(service: SimulatedService, operation: Operation) -> None:
    """Waiting on the order of a header is capped at 30 s each time."""
    service.add(name="own-1")
    service.fail(operation, Throttled("slow", retry_after=86_400))
    report = tear_down(service, SCOPES)
    assert 30 <= report.elapsed < 60


def test_the_report_says_how_long_the_service_made_it_wait(service: SimulatedService) -> None:
    """Once, however many requests waited."""
    for number in range(3):
        service.add(name=f"own-{number}")
    service.fail("stop", Throttled("slow", retry_after=12))
    report = tear_down(service, SCOPES)
    assert report.waited == pytest.approx(12, abs=0.5)


def test_a_batch_is_located_once_it_is_known_and_once_only(azure: SimulatedService) -> None:
    """The documents of a batch are asked for until they are known, and not again."""
    foreign = azure.add(locations=[f"{CONTAINER}-2/a.docx"])
    own = azure.add(locations=[f"{CONTAINER}/a.docx"], located_after=[1.0], stop_takes=20)
    tear_down(azure, AZURE_SCOPES)
    located = [call.asked for call in azure.calls if call.operation == "locate"]
    assert located.count((foreign.id,)) == 1
    assert 1 < located.count((own.id,)) < 5
    assert azure.jobs[own.id].state(azure.clock.now()) is JobState.STOPPED


def test_a_batch_that_grows_is_located_again(azure: SimulatedService) -> None:
    """A batch whose first documents were someone else's is looked at again when it has more."""
    own = azure.add(locations=[f"{CONTAINER}-2/a.docx", f"{CONTAINER}/b.docx"], located_after=[0.0, 2.0])
    report = tear_down(azure, AZURE_SCOPES)
    assert report.records[own.id].ending is Ending.STOPPED


@pytest.mark.parametrize("error", [Transient("reset"), Throttled("slow", retry_after=4), JobNotFound("too new")])
def test_a_batch_that_cannot_be_read_for_a_moment_is_kept(azure: SimulatedService, error: Exception) -> None:
    """What passes, and a batch too new to be found, is tried again in the next round."""
    own = azure.add(locations=[f"{CONTAINER}/a.docx"])
    azure.fail("locate", error)
    assert tear_down(azure, AZURE_SCOPES, TeardownOptions(quiet_period=0)).records[own.id].ending is Ending.STOPPED
    if isinstance(error, Throttled):
        first, second = _began(azure, "locate")
        assert second - first >= 4


def test_a_batch_that_may_not_be_located_is_an_error(azure: SimulatedService) -> None:
    """Documents that may not be read: what is in flight cannot be told."""
    azure.add(locations=[f"{CONTAINER}/a.docx"])
    azure.fail("locate", Denied("documents: 403."), times=None)
    with pytest.raises(CannotTell, match=r"documents: 403\."):
        tear_down(azure, AZURE_SCOPES)


def test_a_batch_that_came_to_the_new_scope_is_left_alone(azure: SimulatedService) -> None:
    """In an update: a batch that turns out to be the new scope's too is not stopped, and not waited for."""
    new = [AzureScope(container_urls=(f"{CONTAINER}-new",))]
    azure.add(locations=[f"{CONTAINER}/a.docx", f"{CONTAINER}-new/b.docx"], located_after=[0.0, 4.0])
    report = run(
        azure,
        lambda job: left_behind(AZURE_SCOPES, new, job),
        TeardownOptions(grace_period=6),
        account="a",
        clock=azure.clock,
        workers=0,
    )
    assert not _began(azure, "stop")
    assert report.quiet
    assert not report.records


def test_a_denied_stop_is_an_error_after_all_were_asked(service: SimulatedService) -> None:
    """A denial names the permission once every other stop request is out."""
    for number in range(3):
        service.add(name=f"own-{number}", stop_takes=60)
    service.fail("stop", Denied("Stop: translate:StopTextTranslationJob is not permitted."))
    with pytest.raises(
        CannotTell, match=r"translate:StopTextTranslationJob.*Still in flight: 0+1 .*Add the permission"
    ):
        tear_down(service, SCOPES)
    assert len(_began(service, "stop")) == 3


def test_a_denied_stop_of_what_ends_anyway_is_no_error(service: SimulatedService) -> None:
    """A job that ended in the meantime needs no permission."""
    service.add(name="own-1", runs_for=0.3)
    service.fail("stop", Denied("no"), times=None)
    assert _only(tear_down(service, SCOPES)) is Ending.BY_ITSELF


def test_an_expired_credential_is_an_error_not_a_success(service: SimulatedService) -> None:
    """A listing that is refused for good is not "nothing"."""
    service.fail("list", CredentialsUnusable("expired."), times=None)
    with pytest.raises(CannotTell, match=r"cannot be determined: expired\..*ignore goes on"):
        tear_down(service, SCOPES)


def test_a_listing_throttled_is_tried_again_after_what_it_says(service: SimulatedService) -> None:
    """Retry-After of a listing is honoured."""
    service.fail("list", Throttled("slow", retry_after=11))
    tear_down(service, SCOPES)
    assert _began(service, "list")[1] >= 11


def test_failing_listings_grow_rarer_until_time_runs_out(service: SimulatedService) -> None:
    """Nothing is given up while the timeout lasts, and nothing is hammered."""
    service.fail("list", Transient("503."), times=None)
    with pytest.raises(TeardownTimeout, match=r"could not be listed: 503\."):
        tear_down(service, SCOPES, TeardownOptions(timeout=120))
    assert 8 <= len(_began(service, "list")) <= 14


def test_a_queued_job_that_refuses_is_asked_when_it_runs(service: SimulatedService) -> None:
    """A refusal of a queued job is asked again as soon as it runs."""
    service.add(name="own-1", queued_for=8, stoppable_while_queued=False)
    assert _only(tear_down(service, SCOPES)) is Ending.STOPPED
    assert 8 <= _began(service, "stop")[-1] < 11


def test_a_job_that_ignores_the_request_is_asked_again(service: SimulatedService) -> None:
    """Asked again after 5 s, then 10: not in every round."""
    service.add(name="own-1", ignores_stops=2)
    assert _only(tear_down(service, SCOPES)) is Ending.STOPPED
    first, second, third = _began(service, "stop")
    assert 5 <= second - first < 7
    assert 10 <= third - second < 13


def test_stop_requests_that_keep_failing_grow_rarer(service: SimulatedService) -> None:
    """An outage of an hour neither hammers the service nor breaks the teardown."""
    service.add(name="own-1")
    service.fail("stop", Transient("503"), times=1200)
    with pytest.raises(TeardownTimeout):
        tear_down(service, SCOPES, TeardownOptions(timeout=3600))
    assert len(_began(service, "stop")) < 300


@pytest.mark.parametrize("error", [Rejected("400"), JobNotFound("404"), Transient("reset")])
def test_after_an_error_of_a_stop_request_the_state_decides(service: SimulatedService, error: Exception) -> None:
    """A stop that raised and took effect all the same is a stop."""
    service.add(name="own-1")
    service.fail("stop", error, took_effect=True)
    assert _only(tear_down(service, SCOPES)) is Ending.STOPPED


def test_a_stop_that_loses_the_race_is_no_error(service: SimulatedService) -> None:
    """A job that ends by itself although the stop was accepted has ended."""
    service.add(name="own-1", stop_loses_race=True)
    assert _only(tear_down(service, SCOPES)) is Ending.BY_ITSELF


def test_a_job_that_vanishes_has_ended(service: SimulatedService) -> None:
    """A job that neither a listing nor a look knows is told as vanished."""
    service.add(name="own-1", stop_takes=100, vanishes_at=2.0)
    assert _only(tear_down(service, SCOPES)) is Ending.VANISHED


def test_a_look_that_fails_leaves_the_ending_open(service: SimulatedService) -> None:
    """How a job ended is not worth failing for."""
    service.add(name="own-1")
    service.fail("look", Denied("describe"), times=None)
    report = tear_down(service, SCOPES)
    assert report.quiet
    assert _only(report) is Ending.UNKNOWN


def test_a_look_that_says_still_in_flight_counts(service: SimulatedService) -> None:
    """A job that a listing leaves out and a look shows in flight is waited for, and listed again is the same job."""
    job = service.add(name="own-1", stop_takes=8, hidden=(1.0, 5.0))
    report = tear_down(service, SCOPES)
    assert service.clock.now() > 8 + report.options.quiet_period
    assert _only(report) is Ending.STOPPED
    assert not report.records[job.id].came_late


def test_jobs_that_come_in_between_the_two_looks_are_stopped(service: SimulatedService) -> None:
    """The second look of a quiet period finds what came in, and it starts again."""
    service.add(name="own-1", submitted_at=2.0)
    report = tear_down(service, SCOPES)
    assert _only(report) is Ending.STOPPED
    assert next(iter(report.records.values())).came_late


def test_what_someone_else_stops_is_told_so(service: SimulatedService) -> None:
    """A job found stopping is not asked, and is said to have been found so."""
    job = service.add(name="own-1", stop_takes=6)
    service.stop_by_others(job)
    report = tear_down(service, SCOPES)
    assert not _began(service, "stop")
    assert "1 stopped by others, 1 of them found stopping already" in report.summary()


def test_two_guards_with_the_same_scope_both_succeed(service: SimulatedService) -> None:
    """A second teardown in the middle of the first: both end quiet, and no job is asked by both."""
    for number in range(4):
        service.add(name=f"own-{number}", stop_takes=6)
    reports: list[Report] = []
    service.clock.at(0.5, lambda: reports.append(tear_down(service, SCOPES)))
    reports.append(tear_down(service, SCOPES))
    assert [report.quiet for report in reports] == [True, True]
    assert len(_began(service, "stop")) == 4


def test_the_summary_says_what_was_charged(azure: SimulatedService) -> None:
    """The last line has finished documents and charged characters where the service tells them."""
    report = tear_down(azure, AZURE_SCOPES)
    job = Job(AZURE_DOCUMENT_TRANSLATION, "id", JobState.STOPPED, "Cancelled", documents=Documents(8, succeeded=3))
    azure_job = azure.add(locations=[f"{CONTAINER}/a.docx"])
    report = tear_down(azure, AZURE_SCOPES)
    report.records[azure_job.id].now = replace(job, characters_charged=12_345)
    assert "3 documents finished, 12,345 characters charged as far as known" in report.summary()


def test_coverage_is_asked_of_every_job_of_each_listing(service: SimulatedService) -> None:
    """What is in scope is decided by the predicate given, and by nothing else."""
    service.add(name="own-1")
    report = run(service, lambda _job: Coverage.OUTSIDE, TeardownOptions(), account="a", clock=service.clock, workers=0)
    assert report.quiet
    assert not report.records


# What a listing or its documents show out of scope is not stopped


def test_a_job_that_a_listing_shows_out_of_scope_is_let_go(service: SimulatedService) -> None:
    """The last answer of the predicate counts: what it covered before is neither stopped nor waited for."""
    service.add(name="own-1")

    def covers(_job: Job) -> Coverage:
        return Coverage.COVERED if service.clock.now() < 3 else Coverage.OUTSIDE

    report = run(service, covers, TeardownOptions(grace_period=6), account="a", clock=service.clock, workers=0)
    assert report.quiet
    assert not report.records
    assert not _began(service, "stop")


def test_a_batch_of_the_new_scope_is_not_stopped_in_that_round(azure: SimulatedService) -> None:
    """The first listing after the grace period finds it: no other listing comes before the stop requests."""
    new = [AzureScope(container_urls=(f"{CONTAINER}-new",))]
    azure.add(locations=[f"{CONTAINER}/a.docx", f"{CONTAINER}-new/b.docx"], located_after=[0.0, 5.0])
    report = run(
        azure,
        lambda job: left_behind(AZURE_SCOPES, new, job),
        TeardownOptions(grace_period=6, poll_interval=60),
        account="a",
        clock=azure.clock,
        workers=0,
    )
    first, second = [call for call in azure.calls if call.operation == "locate"][:2]
    assert first.began < 5 < 6 <= second.began, "located once before the batch grew, and once after the grace period"
    assert not _began(azure, "stop")
    assert report.quiet
    assert not report.records


def test_a_denied_stop_of_a_job_that_others_stop_is_no_error(service: SimulatedService) -> None:
    """It is stopping all the same, so no permission is missed; the teardown waits for it."""
    job = service.add(name="own-1", stop_takes=6)
    service.fail("stop", Denied("no"), times=None)
    service.clock.at(0.3, lambda: service.stop_by_others(job))
    report = tear_down(service, SCOPES)
    assert report.quiet
    assert not job.in_flight(service.clock.now())
    assert len(_began(service, "stop")) == 1


@pytest.mark.parametrize("jobs", [0, 1])
def test_a_report_says_that_it_has_looked(service: SimulatedService, jobs: int) -> None:
    """Also of a teardown that fails later: what was in flight was found out."""
    for number in range(jobs):
        service.add(name=f"own-{number}", stop_takes=100)
    if not jobs:
        assert tear_down(service, SCOPES).looked
        return
    with pytest.raises(TeardownTimeout) as caught:
        tear_down(service, SCOPES, TeardownOptions(timeout=20))
    assert caught.value.report.looked


# What a message says, and what it does not


def test_a_timeout_says_only_what_was_the_case(service: SimulatedService) -> None:
    """Every job was asked, and the last listing came: nothing else is said."""
    service.began = datetime.now(timezone.utc)
    service.add(name="own-1", submitted_at=-50.0, stop_takes=1000)
    service.fail("list", Transient("503."), skip=1)
    with pytest.raises(TeardownTimeout) as caught:
        tear_down(service, SCOPES, TeardownOptions(timeout=30))
    text = str(caught.value)
    assert "1 job is still in flight: " in text
    assert "STOP_REQUESTED (for 1 min 20 s, asked 1 time)" in text
    for absent in ("could not be listed", "could not be asked", "came in after", "undecided"):
        assert absent not in text


def test_a_drain_that_runs_out_of_time_missed_no_stop(service: SimulatedService) -> None:
    """It asks for none."""
    service.add(name="own-1")
    with pytest.raises(TeardownTimeout) as caught:
        tear_down(service, SCOPES, TeardownOptions(mode=Mode.DRAIN, timeout=30))
    assert "could not be asked" not in str(caught.value)


def test_a_job_that_others_stop_was_not_missed_either(service: SimulatedService) -> None:
    """It needs no request."""
    job = service.add(name="own-1", stop_takes=1000)
    service.stop_by_others(job)
    with pytest.raises(TeardownTimeout) as caught:
        tear_down(service, SCOPES, TeardownOptions(timeout=30))
    assert "could not be asked" not in str(caught.value)


def test_a_quiet_summary_without_undecided_batches_names_none(azure: SimulatedService) -> None:
    """Nothing was left."""
    azure.add(locations=[f"{CONTAINER}/a.docx"])
    assert "undecided" not in tear_down(azure, AZURE_SCOPES).summary()


# When the next listing comes


def test_a_long_grace_period_does_not_hold_what_has_ended(service: SimulatedService) -> None:
    """Jobs that end by themselves within it end the teardown."""
    service.add(name="own-1", runs_for=4)
    assert tear_down(service, SCOPES, TeardownOptions(grace_period=600)).elapsed < 15


def test_a_short_order_to_wait_is_kept_to_the_second(service: SimulatedService) -> None:
    """The cap of half a minute is no minimum."""
    service.fail("list", Throttled("slow", retry_after=11))
    tear_down(service, SCOPES)
    assert 11 <= _began(service, "list")[1] < 12


def test_an_end_makes_the_next_listing_come_soon(service: SimulatedService) -> None:
    """Intervals that have grown in a long drain begin anew with what changes."""
    for number, runs_for in enumerate((400, 440)):
        service.add(name=f"own-{number}", runs_for=runs_for)
    tear_down(service, SCOPES, TeardownOptions(mode=Mode.DRAIN))
    looks = _began(service, "list")
    seen = next(at for at in looks if at >= 400)
    assert looks[looks.index(seen) - 1] < seen - 10
    assert looks[looks.index(seen) + 1] < seen + 1


def test_a_drain_looks_at_no_job_between_its_listings() -> None:
    """Only what was asked to stop is about to end."""
    service = _slow_listings(1, stop_takes=3.0)
    for job in service.jobs.values():
        job.runs_for = 130.0
    tear_down(service, AZURE_SCOPES, TeardownOptions(mode=Mode.DRAIN, quiet_period=0))
    assert len(_began(service, "look")) == 1


def test_undecided_batches_are_given_up_on_time(azure: SimulatedService) -> None:
    """Whatever the poll interval is."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    with pytest.raises(Undecided) as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20, poll_interval=600))
    assert 20 <= caught.value.report.elapsed < 22


def test_an_own_batch_restarts_the_wait_for_undecided_ones(azure: SimulatedService) -> None:
    """It is in flight until 18 s; only from then on is the other one waited for."""
    silent = azure.add(locations=[f"{CONTAINER}-2/a.docx"], located_after=[1e6])
    azure.add(locations=[f"{CONTAINER}/a.docx"], submitted_at=10.0, stop_takes=8)
    with pytest.raises(Undecided, match=silent.id) as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=15))
    assert 33 <= caught.value.report.elapsed < 40


def test_documents_that_came_with_the_last_look_count(azure: SimulatedService) -> None:
    """A batch whose rows have grown at the moment at which it would be given up is waited for."""
    locations = [*(f"{CONTAINER}-2/{number}.docx" for number in range(3)), f"{CONTAINER}/a.docx"]
    own = azure.add(locations=locations, located_after=[0.0, 9.0, 18.0, 27.0], counted_after=0.0)
    report = tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=10, poll_interval=60))
    assert report.records[own.id].ending is Ending.STOPPED


# Answers that leave something out


def test_a_look_that_leaves_a_job_out_tells_nothing_of_it() -> None:
    """How it ended stays open, and nothing fails."""

    class Forgetful(SimulatedService):
        def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:
            super().look(jobs, reads)
            return {}

    service = Forgetful()
    service.add(name="own-1")
    report = tear_down(service, SCOPES)
    assert report.quiet
    assert _only(report) is Ending.UNKNOWN


def test_an_older_answer_is_no_change() -> None:
    """So it makes no listing come sooner."""
    record = Record(_at(0, JobState.RUNNING), _at(5, JobState.STOPPING), seen_at=0.0)
    assert not record.shown(_at(3, JobState.RUNNING))
    assert record.shown(_at(6, JobState.RUNNING))


# When a job is asked again


def _asked_for(lost: bool, most: float) -> list[float]:
    """Seconds between the requests of a job that goes on running, seen to the tenth."""
    record = Record(_at(0, JobState.RUNNING), _at(0, JobState.RUNNING), seen_at=0.0)
    asked = []
    for tenth in range(int(most * 10)):
        if stop_is_due(record, tenth / 10):
            record.asked(tenth / 10)
            asked.append(tenth / 10)
            record.last_error = Transient("reset") if lost else None
    return [round(after - before, 1) for before, after in itertools.pairwise(asked)]


def test_a_job_that_runs_on_is_asked_after_5_s_and_then_rarer() -> None:
    """At last every minute."""
    assert _asked_for(lost=False, most=300) == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]


def test_a_job_whose_answer_was_lost_is_asked_sooner() -> None:
    """At last every fifteen seconds."""
    assert _asked_for(lost=True, most=62) == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_a_job_that_is_asked_for_ever_overflows_nothing() -> None:
    """A float's exponent ends at 1,024."""
    record = Record(_at(0, JobState.RUNNING), _at(0, JobState.RUNNING), seen_at=0.0)
    for number in range(2_000):
        record.asked(float(number))
    assert not stop_is_due(record, 2_058.0)
    assert stop_is_due(record, 2_059.0)


def test_a_request_that_did_not_go_out_leaves_no_trace() -> None:
    """What was known before holds again."""
    record = Record(_at(0, JobState.QUEUED), _at(0, JobState.QUEUED), seen_at=0.0)
    record.asked(1.0)
    record.shown(_at(1, JobState.RUNNING))
    error = Transient("reset")
    record.last_error = error
    record.asked(2.0)
    assert record.asks == 2
    assert record.last_error is None
    assert not stop_is_due(record, 3.0)
    record.not_sent()
    assert (record.asks, record.asked_at) == (1, 1.0)
    assert vars(record)["last_error"] is error
    assert stop_is_due(record, 1.0), "it was queued when it was asked, and runs now"


def test_a_denied_job_is_never_asked_again() -> None:
    """No second request changes a permission."""
    record = Record(_at(0, JobState.RUNNING), _at(0, JobState.RUNNING), seen_at=0.0)
    record.asked(1.0)
    record.last_error = Denied("no")
    assert not stop_is_due(record, 1e6)


# How a job's part came out


@pytest.mark.parametrize(
    ("state", "asks", "ended", "vanished", "ending"),
    [
        (JobState.RUNNING, 1, False, False, Ending.IN_FLIGHT),
        (JobState.STOPPED, 1, False, False, Ending.IN_FLIGHT),
        (JobState.STOPPING, 1, True, True, Ending.VANISHED),
        (JobState.STOPPING, 1, True, False, Ending.UNKNOWN),
        (JobState.STOPPED, 1, True, False, Ending.STOPPED),
        (JobState.STOPPED, 0, True, False, Ending.STOPPED_BY_OTHERS),
        (JobState.SUCCEEDED, 1, True, False, Ending.BY_ITSELF),
        (JobState.FAILED, 0, True, False, Ending.BY_ITSELF),
    ],
)
def test_an_ending_follows_from_what_is_known(
    state: JobState, asks: int, ended: bool, vanished: bool, ending: Ending
) -> None:
    """Only a listing without the job says that it has ended."""
    record = Record(_at(0, JobState.RUNNING), _at(1, state), 0.0, asks=asks, vanished=vanished)
    record.ended_at = 5.0 if ended else None
    assert record.ending is ending


# Intervals


def test_intervals_grow_with_the_time_that_nothing_changes(service: SimulatedService) -> None:
    """An eighth of it, from half a second to fifteen: from the beginning of one listing to that of the next."""
    service.add(name="own-1", runs_for=600)
    tear_down(service, SCOPES, TeardownOptions(mode=Mode.DRAIN))
    looks = [at for at in _began(service, "list") if at < 600]
    gaps = list(itertools.pairwise(looks))
    assert gaps[0][1] - gaps[0][0] == pytest.approx(0.5, abs=0.1)
    for before, after in gaps:
        assert after - before == pytest.approx(min(max(before / 8, 0.5), 15.0), abs=0.2)


def test_no_more_than_half_of_the_time_is_spent_on_listings() -> None:
    """Others have the same quota."""
    service = SimulatedService(latency=0.3, page_size=2)
    for number in range(8):
        service.add(name=f"own-{number}", stop_takes=20)
    tear_down(service, SCOPES)
    for one, other in itertools.pairwise([call for call in service.calls if call.operation == "list"][:5]):
        assert other.began - one.ended >= 0.99 * (one.ended - one.began)


def test_a_doubt_stays_until_a_newer_answer() -> None:
    """Another older answer, that it was stopping, does not take it away."""
    record = Record(_at(0, JobState.RUNNING), _at(5, JobState.STOPPING), seen_at=0.0)
    record.asked(1.0)
    record.shown(_at(3, JobState.RUNNING))
    record.shown(_at(4, JobState.STOPPING))
    assert stop_is_due(record, 60.0)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("new", [True, False])
def test_without_both_times_the_later_answer_is_the_newer_one(known: bool, new: bool) -> None:
    """Amazon Translate tells none."""
    before, after = _at(5, JobState.STOPPING), _at(3 if known != new else 6, JobState.STOPPED)
    before, after = (job if told else replace(job, changed_at=None) for job, told in ((before, known), (after, new)))
    record = Record(before, before, seen_at=0.0)
    assert record.shown(after)
    assert record.now is after


def test_the_job_asked_last_is_the_one_waited_for() -> None:
    """Not the first one: another came in meanwhile."""
    service = _slow_listings(1, stop_takes=40.0)
    late = service.add(locations=[f"{CONTAINER}/late.docx"], submitted_at=4.0, stop_takes=40.0)
    tear_down(service, AZURE_SCOPES, TeardownOptions(quiet_period=0))
    _, asked_last = _began(service, "stop")
    looks = [call.asked for call in service.calls if call.operation == "look" and asked_last < call.began < 40]
    assert looks
    assert set(looks) == {(late.id,)}


class ForwardClock(SimulatedClock):
    """As the machine's: it refuses a negative sleep."""

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        super().sleep(seconds)


@pytest.mark.parametrize("timeout", [0.5, 30.0, 41.0])
def test_a_listing_that_takes_longer_than_the_timeout_is_the_end(timeout: float) -> None:
    """Nothing is left to wait for; a machine's clock would refuse it."""
    service = SimulatedService(clock=ForwardClock(), latency=40.0)
    service.add(name="own-1")
    with pytest.raises(TeardownTimeout):
        tear_down(service, SCOPES, TeardownOptions(timeout=timeout))


def test_a_lower_total_is_an_older_answer(azure: SimulatedService) -> None:
    """A batch of two documents, of which one is known, is not decided by a node that has counted one."""
    scope = AZURE_SCOPES[0]
    report = Report(azure.service, azure.place, "a", TeardownOptions(), datetime.now(timezone.utc))
    script = Teardown(scope.coverage, TeardownOptions(), report).script()

    def shown(total: int) -> Job:
        return Job(AZURE_DOCUMENT_TRANSLATION, "one", JobState.RUNNING, "Running", documents=Documents(total))

    def located(batch: list[Request]) -> Job:
        [request] = batch
        assert isinstance(request, Locate)
        return replace(request.job, rows=(DocumentRow(f"{CONTAINER}-2/a.docx", ended=True),))

    assert list(next(script)) == [List()]
    for now, total in ((1.0, 2), (2.0, 1)):
        asked = list(script.send(Answers(now, [(List(), [shown(total)])])))
        [waiting] = script.send(Answers(now, [(asked[0], located(asked))]))
        assert isinstance(waiting, Wait)
        assert report.undecided.keys() == {"one"}
        assert list(script.send(Answers(now + 0.5, [(waiting, None)]))) == [List()]


def test_documents_known_from_the_start_lengthen_no_wait(azure: SimulatedService) -> None:
    """Only those that come count: the wait is as long as it is said to be."""
    azure.add(locations=[f"{CONTAINER}-2/a.docx"] * 2, located_after=[0.0, 1e6], counted_after=0.0)
    with pytest.raises(Undecided) as caught:
        tear_down(azure, AZURE_SCOPES, TeardownOptions(undecided_timeout=20, poll_interval=60))
    assert 20 <= caught.value.report.elapsed < 22
