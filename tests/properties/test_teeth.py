"""The properties have teeth: each of these mistakes, made on purpose, is found by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.properties import test_decide
from tests.properties.invariants import check
from tests.properties.scenarios import Scenario, job_plans, scenarios, teardown_options
from translation_job_guard import jobs, teardown
from translation_job_guard.errors import ServiceError
from translation_job_guard.guard import changes as decide
from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Coverage, Job
from translation_job_guard.services import amazon, reading
from translation_job_guard.teardown import CannotTell, Record, Report, machine, runner, schedule
from translation_job_guard.teardown.machine import Answers, List, Request, Script, Stop, Teardown, Value, Wait
from translation_job_guard.testing import SimulatedService

pytestmark = pytest.mark.no_cover

Mutation = Callable[[pytest.MonkeyPatch], None]


def _without_the_last_listing(patch: pytest.MonkeyPatch) -> None:
    def quiet(self: Teardown) -> Any:
        yield from self._look_at_ends()
        return self._nothing_left()

    patch.setattr(Teardown, "_stays_quiet", quiet)


def _without_a_pause_before_the_last_listing(patch: pytest.MonkeyPatch) -> None:
    original = Teardown._stays_quiet

    def hurried(self: Teardown) -> Any:
        options = self._options
        self._options = replace(options, quiet_period=min(options.quiet_period, 0.1))
        try:
            return (yield from original(self))
        finally:
            self._options = options

    patch.setattr(Teardown, "_stays_quiet", hurried)


def _without_looking_at_how_jobs_ended(patch: pytest.MonkeyPatch) -> None:
    def nothing(_self: Teardown) -> Script:
        yield from ()

    patch.setattr(Teardown, "_look_at_ends", nothing)


def _success_when_the_listing_failed(patch: pytest.MonkeyPatch) -> None:
    original = runner._Runner._send

    def send(self: runner._Runner, request: Request) -> Value:
        try:
            return original(self, request)
        except ServiceError:
            if isinstance(request, List):
                return []
            raise

    patch.setattr(runner._Runner, "_send", send)


def _cached_answers_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reading, "fresh", lambda ask, _what: ask()[0])


def _undecided_given_up_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Teardown, "_nothing_left", lambda self: not self.report.left)


def _one_document_suffices(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Job, "locations_known", property(lambda self: bool(self.rows)))


def _no_total_is_no_document(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Job, "locations_known", property(lambda self: len(self.rows) >= (self.documents.total if self.documents else 0))
    )


def _states_listed_in_another_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(amazon, "STATES", dict(reversed(list(amazon.STATES.items()))))


def _azure_pages_by_number(patch: pytest.MonkeyPatch) -> None:
    def pages(self: SimulatedService, behind: float) -> Any:
        skip, more = 0, True
        while more:
            now = self.clock.now() - behind
            listed = sorted((job.submitted_at, job.id) for job in self.jobs.values() if job.listed(now))
            page = listed[skip : skip + self.page_size]
            skip += len(page)
            more = len(listed) > skip
            yield [self._shown_now(id_, behind) for _, id_ in page]
            self.clock.sleep(self.latency)

    patch.setattr(SimulatedService, "_azure_pages", pages)


def _kinds_matched_with_or(patch: pytest.MonkeyPatch) -> None:
    original = jobs._all_kinds

    def any_kind(kinds: list[Coverage], after: Any, job: Job) -> Coverage:
        return original([Coverage.COVERED], after, job) if Coverage.COVERED in kinds else original(kinds, after, job)

    patch.setattr(jobs, "_all_kinds", any_kind)


def _created_after_forgotten(patch: pytest.MonkeyPatch) -> None:
    original = jobs._all_kinds
    patch.setattr(jobs, "_all_kinds", lambda kinds, _after, job: original(kinds, None, job))


def _prefixes_without_their_slash(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(jobs, "_s3_below", lambda uri, prefix: uri.startswith(prefix.rstrip("/")))


def _not_known_taken_for_covered(patch: pytest.MonkeyPatch) -> None:
    _decides(patch, lambda decision: Coverage.COVERED if decision is Coverage.UNKNOWN else decision)


def _not_known_taken_for_outside(patch: pytest.MonkeyPatch) -> None:
    _decides(patch, lambda decision: Coverage.OUTSIDE if decision is Coverage.UNKNOWN else decision)


def _asked_without_coverage(patch: pytest.MonkeyPatch) -> None:
    _decides(patch, lambda _decision: Coverage.COVERED)


def _decides(patch: pytest.MonkeyPatch, change: Callable[[Coverage], Coverage]) -> None:
    class Careless(Teardown):
        def __init__(
            self, covers: Callable[[Job], Coverage], options: teardown.TeardownOptions, report: Report
        ) -> None:
            super().__init__(lambda job: change(covers(job)), options, report)

    patch.setattr(runner, "Teardown", Careless)


def _stop_error_taken_for_done(patch: pytest.MonkeyPatch) -> None:
    in_flight = teardown.Ending.IN_FLIGHT

    def left(self: Report) -> list[Record]:
        return [one for one in self.records.values() if one.ending is in_flight and one.last_error is None]

    patch.setattr(Report, "left", property(left))


def _stop_error_taken_for_failure(patch: pytest.MonkeyPatch) -> None:
    original = Teardown._take

    def take(self: Teardown, answers: Answers) -> None:
        original(self, answers)
        for request, value in answers.values:
            if isinstance(request, Stop) and isinstance(value, ServiceError):
                raise CannotTell("stop failed", self.report)

    patch.setattr(Teardown, "_take", take)


def _asked_before_listing(patch: pytest.MonkeyPatch) -> None:
    original = runner._Runner.perform

    def perform(self: runner._Runner, batch: Sequence[Request]) -> Answers:
        service = self.service
        assert isinstance(service, SimulatedService)
        if isinstance(batch[0], List) and not service.calls:
            for id_ in service.jobs:
                shown = service._shown(service.jobs[id_], 0.0)
                if shown is not None and shown.in_flight:
                    self._call(Stop(shown))
        return original(self, batch)

    patch.setattr(runner._Runner, "perform", perform)


def _never_asked_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "stop_is_due", lambda record, _now: record.asked_at is None)


def _one_after_the_other(patch: pytest.MonkeyPatch) -> None:
    def stop(self: Teardown) -> Script:
        due = [record for record in self.report.left if schedule.stop_is_due(record, self._now)][:1]
        for record in due:
            record.asked(self._now)
            self._take((yield [Stop(record.now)]))

    patch.setattr(Teardown, "_stop", stop)


def _arrivals_ignored(patch: pytest.MonkeyPatch) -> None:
    original = Report.sight

    def sight(self: Report, job: Job, now: float, *, came_late: bool) -> bool:
        return (not came_late or job.id in self.records) and original(self, job, now, came_late=came_late)

    patch.setattr(Report, "sight", sight)


def _grace_forgotten(patch: pytest.MonkeyPatch) -> None:
    original = Teardown.__init__

    def init(self: Teardown, covers: Any, options: teardown.TeardownOptions, report: Report) -> None:
        original(self, covers, replace(options, grace_period=0.0), report)

    patch.setattr(Teardown, "__init__", init)


def _waits_not_cut_by_the_timeout(patch: pytest.MonkeyPatch) -> None:
    def wait(self: Teardown, seconds: float) -> Script:
        self._check_time()
        self._take((yield [Wait(max(seconds, self._not_before - self._now, 0.0))]))
        self._check_time()

    patch.setattr(Teardown, "_wait", wait)


def _deadline_forgotten_by_the_runner(patch: pytest.MonkeyPatch) -> None:
    original = runner._Runner.__init__

    def init(self: runner._Runner, *arguments: Any) -> None:
        original(self, *arguments)
        self.deadline = float("inf")

    patch.setattr(runner._Runner, "__init__", init)


def _listing_without_a_pause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "FASTEST_POLL", 0.1)


# Some mistakes show only where things move within a tenth of a second: fewer examples find them in such worlds.
_BUSY_JOBS = job_plans(
    submitted_at=st.just(-100.0),
    queued_for=st.sampled_from([0.0, 100.07, 100.12]),
    runs_for=st.sampled_from([100.07, 100.12, 103.0]),
)
_BUSY_AZURE = scenarios(
    service=st.just(AZURE_DOCUMENT_TRANSLATION),
    page_size=st.just(2),
    jobs=st.lists(_BUSY_JOBS, min_size=5, max_size=8).map(tuple),
)
_BUSY_AMAZON = scenarios(
    service=st.just(AMAZON_TRANSLATE), jobs=st.lists(_BUSY_JOBS, min_size=1, max_size=3).map(tuple)
)
_HIDDEN = scenarios(
    jobs=st.lists(job_plans(hidden=st.sampled_from([(2.0, 8.0), (4.0, 9.0)])), min_size=1, max_size=2).map(tuple)
)
_CACHED = scenarios(
    cached=st.just(((0.0, 30.0),)),
    jobs=st.lists(job_plans(own=st.just(True), submitted_at=st.just(0.1)), min_size=1, max_size=2).map(tuple),
)
_GROWING = scenarios(
    service=st.just(AZURE_DOCUMENT_TRANSLATION),
    jobs=st.lists(
        job_plans(
            own=st.just(True),
            differs=st.just(1),
            located_after=st.sampled_from([1.0, 101.0, 104.0]),
            counted_after=st.sampled_from([0.0, 101.0]),
            runs_for=st.just(900.0),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
)
_HURRIED = scenarios(options=teardown_options(timeout=st.just(4.0)), stops_per_second=st.just(0.7))


@pytest.mark.parametrize(
    ("mutation", "examples"),
    [
        pytest.param(_without_the_last_listing, scenarios(), id="without_the_last_listing"),
        pytest.param(
            _without_a_pause_before_the_last_listing, scenarios(), id="without_a_pause_before_the_last_listing"
        ),
        pytest.param(_without_looking_at_how_jobs_ended, _HIDDEN, id="without_looking_at_how_jobs_ended"),
        pytest.param(_success_when_the_listing_failed, scenarios(), id="success_when_the_listing_failed"),
        pytest.param(_cached_answers_believed, _CACHED, id="cached_answers_believed"),
        pytest.param(_undecided_given_up_at_once, scenarios(), id="undecided_given_up_at_once"),
        pytest.param(_one_document_suffices, _GROWING, id="one_document_suffices"),
        pytest.param(_no_total_is_no_document, _GROWING, id="no_total_is_no_document"),
        pytest.param(_states_listed_in_another_order, _BUSY_AMAZON, id="states_listed_in_another_order"),
        pytest.param(_azure_pages_by_number, _BUSY_AZURE, id="azure_pages_by_number"),
        pytest.param(_kinds_matched_with_or, scenarios(), id="kinds_matched_with_or"),
        pytest.param(_created_after_forgotten, scenarios(), id="created_after_forgotten"),
        pytest.param(_prefixes_without_their_slash, scenarios(), id="prefixes_without_their_slash"),
        pytest.param(_not_known_taken_for_covered, scenarios(), id="not_known_taken_for_covered"),
        pytest.param(_not_known_taken_for_outside, scenarios(), id="not_known_taken_for_outside"),
        pytest.param(_asked_without_coverage, scenarios(), id="asked_without_coverage"),
        pytest.param(_stop_error_taken_for_done, scenarios(), id="stop_error_taken_for_done"),
        pytest.param(_stop_error_taken_for_failure, scenarios(), id="stop_error_taken_for_failure"),
        pytest.param(_asked_before_listing, scenarios(), id="asked_before_listing"),
        pytest.param(_never_asked_again, scenarios(), id="never_asked_again"),
        pytest.param(_one_after_the_other, scenarios(), id="one_after_the_other"),
        pytest.param(_arrivals_ignored, scenarios(), id="arrivals_ignored"),
        pytest.param(_grace_forgotten, scenarios(), id="grace_forgotten"),
        pytest.param(_waits_not_cut_by_the_timeout, scenarios(), id="waits_not_cut_by_the_timeout"),
        pytest.param(_deadline_forgotten_by_the_runner, _HURRIED, id="deadline_forgotten_by_the_runner"),
        pytest.param(_listing_without_a_pause, scenarios(), id="listing_without_a_pause"),
    ],
)
def test_a_mistake_in_the_teardown_is_found(
    mutation: Mutation, examples: st.SearchStrategy[Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teardown's property fails when the teardown, the scopes, the sweep or the runner has this mistake."""
    mutation(monkeypatch)
    _assert_found(examples, check)


def _protected_ids_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "_compare", lambda _old, _new: ((), False))


def _replacement_hidden_by_a_rename(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "_type", str)


def _parents_taken_for_the_type(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "_type", lambda urn: None if urn is UNKNOWN else urn.split("::")[2])


def _rename_taken_for_a_replacement(patch: pytest.MonkeyPatch) -> None:
    original = decide._compare
    patch.setattr(decide, "_compare", lambda old, new: (original(old, new)[0], original(old, new)[1] or old != new))


def _true_taken_for_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "_same", lambda one, other: bool(one == other))


def _unprotected_forgotten(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda decision: replace(decision, unprotected=()))


def _triggers_before_the_place(patch: pytest.MonkeyPatch) -> None:
    _answers(
        patch, lambda decision: replace(decision, delete_first=True) if "triggers" in decision.because else decision
    )


def _always_create_first(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda decision: replace(decision, delete_first=False))


def _always_delete_first(patch: pytest.MonkeyPatch) -> None:
    _answers(patch, lambda decision: replace(decision, delete_first=decision.answer is decide.Answer.REPLACE))


def _kept_where_replacing_is_due(patch: pytest.MonkeyPatch) -> None:
    _answers(
        patch,
        lambda decision: decide.Decision(decide.Answer.KEEP) if "triggers" in decision.because else decision,
    )


def _answers(patch: pytest.MonkeyPatch, change: Callable[[decide.Decision], decide.Decision]) -> None:
    original = decide.decide
    patch.setattr(test_decide, "decide", lambda old, new: change(original(old, new)))


def _code_ignored(patch: pytest.MonkeyPatch) -> None:
    original = decide._get
    patch.setattr(decide, "_get", lambda properties, name: None if name == "__provider" else original(properties, name))


def _defaults_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "DEFAULTS", {})


def _unknown_as_a_whole_let_pass(patch: pytest.MonkeyPatch) -> None:
    original = decide._needed
    patch.setattr(
        decide,
        "_needed",
        lambda old, new: [name for name in original(old, new) if name != "scope" or new.get(name) is not UNKNOWN],
    )


def _place_only_updated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "_PLACE", ("region", "endpoint"))


@pytest.mark.parametrize(
    "mutation",
    [
        _protected_ids_ignored,
        _replacement_hidden_by_a_rename,
        _parents_taken_for_the_type,
        _rename_taken_for_a_replacement,
        _true_taken_for_one,
        _unprotected_forgotten,
        _triggers_before_the_place,
        _always_create_first,
        _always_delete_first,
        _kept_where_replacing_is_due,
        _code_ignored,
        _defaults_forgotten,
        _unknown_as_a_whole_let_pass,
        _place_only_updated,
    ],
    ids=lambda mutation: mutation.__name__.strip("_"),
)
def test_a_mistake_in_deciding_is_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property of `decide` fails when it has this mistake."""
    mutation(monkeypatch)
    _assert_found(test_decide.changes(), test_decide.check)


def _assert_found(examples: st.SearchStrategy[Any], property_: Callable[[Any], None]) -> None:
    # Found is enough: nobody reads the smallest example of a mistake that was made on purpose.
    tried = settings(
        settings.get_profile("ci"),
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(given(examples)(lambda example: property_(example)))
    with pytest.raises((AssertionError, ServiceError, KeyError)):
        tried()
