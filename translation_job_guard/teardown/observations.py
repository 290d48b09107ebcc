"""What answers have shown of batches: their documents, their highest totals, and how long to wait for the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from translation_job_guard.jobs import Coverage, Job

__all__ = ["Observations", "Patience"]


@dataclass
class Observations:
    """Decides of each job whether it is in scope, by everything that was read of it so far.

    Args:
        covers: whether a job is in scope, by what the job itself tells; the one source of what may be stopped.
        totals: the highest number of documents that a batch was said to have; a lower one is an older answer.
        located: batches in scope with the documents that were read.
        outside_at: totals at which batches were found to be out of scope. Their documents are not kept: there may be
            many.
        documents: how many documents of each undecided batch were listed at the most.
    """

    covers: Callable[[Job], Coverage]
    totals: dict[str, int] = field(default_factory=dict)
    located: dict[str, Job] = field(default_factory=dict)
    outside_at: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)

    def completed(self, job: Job) -> Job:
        """Return ``job``, as a listing shows it, with its highest total and the documents that were read before."""
        if job.documents is None:
            return job
        total = self.totals[job.id] = max(self.totals.get(job.id, 0), job.documents.total)
        located = self.located.get(job.id)
        rows, locations = (located.rows, located.locations) if located is not None else (job.rows, job.locations)
        return replace(job, documents=replace(job.documents, total=total), rows=rows, locations=locations)

    def decide(self, job: Job) -> Coverage:
        """Return whether ``job`` is in scope; unknown if its documents have to be read first."""
        total = job.documents.total if job.documents else 0
        if self.outside_at.get(job.id, -1) >= total > 0 and not job.rows:
            # Its documents were read, and there are no more of them now.
            return Coverage.OUTSIDE
        decision = self.covers(job)
        if decision is Coverage.OUTSIDE and job.rows:
            # A listing that is behind counts fewer documents than were read.
            self.outside_at[job.id] = max(total, len(job.rows))
            self.located.pop(job.id, None)
        return decision

    def decide_located(self, job: Job) -> Coverage:
        """Return whether ``job``, with its documents, is in scope, and keep what is needed of them."""
        decision = self.decide(job)
        if decision is Coverage.UNKNOWN:
            # Its documents are read again with the next listing; there may be too many to keep them.
            self.documents[job.id] = max(self.documents.get(job.id, 0), len(job.rows))
        elif decision is Coverage.COVERED:
            before = self.located.get(job.id)
            if before is None or len(job.rows) >= len(before.rows):
                self.located[job.id] = job
        return decision


@dataclass
class Patience:
    """How long each undecided batch is waited for.

    Args:
        timeout: seconds for each batch, the guard's ``undecided_timeout``.
        since: from when each undecided batch is waited for, and how many documents it had then.
    """

    timeout: float
    since: dict[str, tuple[float, int]] = field(default_factory=dict)

    def note(self, undecided: Collection[str], documents: dict[str, int], now: float) -> bool:
        """Note from when on each undecided batch is waited for; return whether a wait has begun.

        The wait begins when everything in scope has ended, for each batch by itself, and begins anew when more of its
        documents are listed: the service lists them one by one (recorded traffic). A listing that goes without the
        batch does not end the wait: it may come from a node that is behind.
        """
        begun = False
        for id_ in undecided:
            known = documents.get(id_, 0)
            if id_ not in self.since or known > self.since[id_][1]:
                self.since[id_] = (now, known)
                begun = True
        return begun

    def is_over(self, id_: str, now: float) -> bool:
        """Check whether an undecided batch was waited for long enough."""
        return id_ in self.since and now >= self.gives_up_at(id_)

    def gives_up_at(self, id_: str) -> float:
        """Return when the wait for a batch is over."""
        return self.since[id_][0] + self.timeout

    def left(self, undecided: Collection[str], now: float) -> list[float]:
        """Return the seconds that are left of each wait that is not over."""
        return [due for id_ in self.since.keys() & undecided if (due := self.gives_up_at(id_) - now) > 0]
