"""A toy service beside the two real ones: what ARCHITECTURE.md says of adding one is enough for looks and teardowns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from translation_job_guard.errors import ServiceError
from translation_job_guard.jobs import Coverage, Job, JobState
from translation_job_guard.looking import look
from translation_job_guard.services import Connection
from translation_job_guard.services.reading import Reads
from translation_job_guard.teardown import TeardownOptions
from translation_job_guard.teardown.runner import run
from translation_job_guard.testing import SimulatedClock

SUBTITLES = "subtitle-jobs"


class SubtitleService:
    """Two jobs, the second of which is somebody else's. A stop takes effect with the listing after the next one."""

    service = SUBTITLES

    def __init__(self, place: str) -> None:
        self.place = place
        self.asked: list[str] = []
        self.jobs = {name: Job(SUBTITLES, name, JobState.RUNNING, "Working") for name in ("own", "foreign")}

    def account(self, reads: Reads | None = None) -> str:  # noqa: ARG002 - no request
        return "team"

    def close(self) -> None:
        """Nothing to close."""

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:  # noqa: ARG002 - no request
        shown = [job for job in self.jobs.values() if job.in_flight]
        for job in shown:
            if job.state is JobState.STOPPING:
                self.jobs[job.id] = replace(job, state=JobState.STOPPED)
        return shown

    def locate(self, job: Job, reads: Reads | None = None) -> Job:  # noqa: ARG002 - no request
        return job

    def stop(self, job: Job) -> JobState:
        self.asked.append(job.id)
        self.jobs[job.id] = replace(self.jobs[job.id], state=JobState.STOPPING)
        return JobState.STOPPING

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:  # noqa: ARG002
        return {job.id: self.jobs.get(job.id) for job in jobs}

    def prove(self, reads: Reads | None = None) -> None:
        """Everything is permitted."""


@dataclass(frozen=True)
class SubtitleConnection(Connection):
    """A studio."""

    service: ClassVar = SUBTITLES
    title: ClassVar = "Subtitles"
    place_name: ClassVar = "studio"
    extra: ClassVar = "subtitles"
    packages: ClassVar = ()

    def open(self, reads: Reads | None = None) -> SubtitleService:  # noqa: ARG002 - no credentials
        return SubtitleService(self.place)

    def settles_in(self, error: ServiceError) -> float:  # noqa: ARG002 - nothing here heals by itself
        return 0.0


def test_its_jobs_are_seen_by_a_look() -> None:
    """As the command line and the policies look."""
    [sight] = look([SubtitleConnection("one")], timeout=5, wants_locations=lambda _connection, _jobs: ())
    assert (sight.account, {job.id for job in sight.jobs}, sight.error) == ("team", {"own", "foreign"}, None)


def test_its_jobs_in_scope_are_stopped_and_no_others() -> None:
    """By the same machine and runner as those of the real services."""
    service = SubtitleConnection("one").open()
    report = run(
        service,
        lambda job: Coverage.COVERED if job.id == "own" else Coverage.OUTSIDE,
        TeardownOptions(timeout=60),
        account="team",
        clock=SimulatedClock(),
        workers=0,
    )
    assert report.quiet
    assert service.asked == ["own"]
    assert report.summary().startswith("1 stopped")
