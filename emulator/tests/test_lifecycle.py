"""The states of jobs, whatever order things happen in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_emulator.amazon import STATES, Translate
from translation_job_emulator.clock import SteppedClock, Timeline
from translation_job_emulator.settings import Settings

PLACE = ("123456789012", "eu-west-1")


class Nothing:
    """No buckets, no roles."""

    def has_bucket(self, _: str) -> bool:
        return False

    def has_role(self, _: str) -> bool:
        return False

    def documents(self, _: str) -> list[str] | None:
        return None

    def write(self, uri: str, _: bytes) -> None:
        raise AssertionError(f"there is no bucket to write {uri} to")


def service(**changes: object) -> tuple[Translate, SteppedClock]:
    chosen = Settings()
    chosen.change(changes)
    clock = SteppedClock(1000)
    return Translate(Timeline(clock), chosen, lambda: None, Nothing()), clock


ACTIONS = st.one_of(
    st.tuples(st.just("start"), st.just(0)),
    st.tuples(st.just("stop"), st.integers(0, 30)),
    st.tuples(st.just("remove"), st.integers(0, 30)),
    st.tuples(st.sampled_from(sorted(STATES.ended) + list(STATES.in_flight)), st.integers(0, 30)),
    st.tuples(st.just("advance"), st.integers(0, 30)),
)


@settings(max_examples=300)
@given(st.lists(ACTIONS, max_size=60))
def test_jobs_are_where_their_state_says(actions: list[tuple[str, int]]) -> None:
    """After any history: every listing agrees with the jobs, no more run than may, and nobody waits for a free slot."""
    translate, clock = service(max_running=2, start_latency=3, run_time=20, stop_latency=4)
    place = translate.place(PLACE)
    seeded = False
    for action, number in actions:
        jobs = list(place.jobs.values())
        if action == "start":
            translate.seed(PLACE, {"state": STATES.queued})
        elif action == "advance":
            clock.advance(number)
        elif jobs and action == "stop":
            translate.request_stop(PLACE, jobs[number % len(jobs)].id)
        elif jobs and action == "remove":
            translate.discard(jobs[number % len(jobs)])
        elif jobs:
            seeded = seeded or action == STATES.running
            translate.put(jobs[number % len(jobs)], action)
        translate.timeline.settle()
        for state in (*STATES.in_flight, *STATES.ended):
            listed = {job.id for job in place.listing([state])}
            assert listed == {job.id for job in place.jobs.values() if job.state == state}
        everything = list(place.listing())
        assert [job.key for job in everything] == sorted((job.key for job in everything), reverse=True)
        assert len(everything) == len(place.jobs)
        assert seeded or len(place.holding) <= 2
        ready = [job for job in everything if job.state == STATES.queued and job.ready <= clock.now()]
        assert not ready or len(place.holding) >= 2
        for job in everything:
            assert (job.ended is not None) == (job.state in STATES.ended)
    clock.advance(1000)
    translate.timeline.settle()
    assert all(job.state in STATES.ended for job in place.jobs.values())


@settings(max_examples=300)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 7), st.data())
def test_pages_have_every_job_that_stays_once(times: list[int], size: int, data: st.DataObject) -> None:
    """By key, whatever leaves between the pages."""
    translate, _ = service()
    jobs = [translate.seed(PLACE, {"submitted": 900 + time}) for time in times]
    wanted = {"JobStatus": STATES.running}
    seen: list[str] = []
    gone: set[str] = set()
    token: str | None = None
    while True:
        page, token = translate.page(PLACE, wanted, size, token)
        seen += [job.id for job in page]
        if token is None:
            break
        leaving = data.draw(st.sampled_from(jobs))
        if leaving.state == STATES.running:
            translate.put(leaving, "COMPLETED")
            gone.add(leaving.id)
    assert len(seen) == len(set(seen))
    assert {job.id for job in jobs} - gone <= set(seen)
