"""What was read of batches so far, whether that puts them in scope, and how long to wait for the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from translation_job_guard.jobs import Coverage, Job

__all__ = ["Observations", "Patience"]


@dataclass
class Observations:
    """Decides whether a job is in scope, by everything that was read of it so far.

    Args:
        covers: returns whether a job is in scope, by the job alone. Nothing else decides what may be stopped.
        totals: the highest total of documents that answers gave for each batch; a lower total is an older answer.
        located: batches in scope, with the documents that were read.
        outside_at: the totals at which batches were found to be out of scope. Their documents are not kept: there may
            be many.
        documents: the largest number of documents that were listed of each undecided batch.
    """

    covers: Callable[[Job], Coverage]
    totals: dict[str, int] = field(default_factory=dict)
    located: dict[str, Job] = field(default_factory=dict)
    outside_at: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)

    def completed(self, job: Job) -> Job:
        """Return a listed job with its highest total and the documents that were read before."""
        if job.documents is None:
            return job
        total = self.totals[job.id] = max(self.totals.get(job.id, 0), job.documents.total)
        located = self.located.get(job.id)
        rows, locations = (located.rows, located.locations) if located is not None else (job.rows, job.locations)
        return replace(job, documents=replace(job.documents, total=total), rows=rows, locations=locations)

    def decide(self, job: Job) -> Coverage:
        """Return whether a job is in scope; unknown if its documents have to be read first."""
        total = job.documents.total if job.documents else 0
        if self.outside_at.get(job.id, -1) >= total > 0 and not job.rows:
            # Its documents were read, and there are no new ones.
            return Coverage.OUTSIDE
        decision = self.covers(job)
        if decision is Coverage.OUTSIDE and job.rows:
            # A listing that is behind may count fewer documents than were read.
            self.outside_at[job.id] = max(total, len(job.rows))
            self.located.pop(job.id, None)
        return decision

    def decide_located(self, job: Job) -> Coverage:
        """Return whether a job with its documents is in scope, and keep what is needed of them."""
        decision = self.decide(job)
        if decision is Coverage.UNKNOWN:
            # Its documents are read again after the next listing; there may be too many to keep them.
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
        timeout: the seconds for each batch, the guard's ``undecided_timeout``.
        since: when the wait for each undecided batch began, and how many documents it had then.
    """

    timeout: float
    since: dict[str, tuple[float, int]] = field(default_factory=dict)

    def note(self, undecided: Collection[str], documents: dict[str, int], now: float) -> bool:
        """Begin to wait for undecided batches; return whether a wait has begun.

        Each batch has its own wait. It begins when everything in scope has ended, and begins anew when more documents
        of the batch are listed: the service lists them one by one (recorded traffic). A listing without the batch does
        not end the wait: it may come from a node that is behind.
        """
        begun = False
        for id_ in undecided:
            known = documents.get(id_, 0)
            if id_ not in self.since or known > self.since[id_][1]:
                self.since[id_] = (now, known)
                begun = True
        return begun

    def is_over(self, id_: str, now: float) -> bool:
        """Check whether the wait for a batch is over."""
        return id_ in self.since and now >= self.gives_up_at(id_)

    def gives_up_at(self, id_: str) -> float:
        """Return when the wait for a batch will be over."""
        return self.since[id_][0] + self.timeout

    def left(self, undecided: Collection[str], now: float) -> list[float]:
        """Return the remaining seconds of each wait that is not over."""
        return [due for id_ in self.since.keys() & undecided if (due := self.gives_up_at(id_) - now) > 0]
