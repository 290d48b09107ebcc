"""Amazon Translate as a ``JobService``, by boto3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any, Final, TypeVar

from translation_job_guard.errors import JobNotFound, Rejected, Transient
from translation_job_guard.jobs import AMAZON_TRANSLATE, Job, JobState
from translation_job_guard.services.amazon import listing
from translation_job_guard.services.amazon.credentials import refuse_unrelated
from translation_job_guard.services.amazon.errors import call
from translation_job_guard.services.amazon.listing import STATES, job_of
from translation_job_guard.services.reading import Reads, pages, read
from translation_job_guard.threads import each

__all__ = ["AmazonTranslate"]

DESCRIBE_AT_MOST: Final = 20
"""How many jobs are described one by one; for more, one listing since the oldest of them costs less."""

_LIST: Final = "translate:ListTextTranslationJobs"
_STOP: Final = "translate:StopTextTranslationJob"
_DESCRIBE: Final = "translate:DescribeTextTranslationJob"
_T = TypeVar("_T")


class AmazonTranslate:
    """Amazon Translate of one account in one region, as a ``JobService``.

    Args:
        region: the region's name.
        client: boto3's client of Amazon Translate.
        sts: makes a client of STS.
        chosen: whether the user chose the endpoint; one that was left in the environment has to be STS's as well.
    """

    service = AMAZON_TRANSLATE

    def __init__(self, region: str, client: Any, sts: Callable[[], Any], *, chosen: bool = False) -> None:
        self.place = region
        self.client = client
        self.sts = sts
        self._chosen = chosen

    @property
    def url(self) -> str:
        """The URL that the requests go to."""
        return str(self.client.meta.endpoint_url)

    def account(self, reads: Reads | None = None) -> str:
        """Return the ID of the account that the credentials lead to (STS GetCallerIdentity).

        Raises:
            Rejected: the environment sends Amazon Translate's requests somewhere that STS knows nothing of.
        """
        sts = self.sts()
        if not self._chosen:
            refuse_unrelated(self.url, sts.meta.endpoint_url)
        return _read(lambda: str(sts.get_caller_identity()["Account"]), "sts:GetCallerIdentity", reads)

    def close(self) -> None:
        """Close the connections to the service."""
        self.client.close()

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:
        """Return every job in flight: the states one after the other, all pages of one before the next.

        A job moves on in this order, so one that moves during the listing is seen twice or once, and never missed.
        """
        words = listing.words_in_flight(self.client.meta.service_model.shape_for("JobStatus").enum)
        # The later sight of a job is the newer one.
        jobs = {job.id: job for word in words for job in self._list({"JobStatus": word}, reads)}
        return [job for job in jobs.values() if job.in_flight]

    def locate(self, job: Job, reads: Reads | None = None) -> Job:  # noqa: ARG002 - a listing tells all of it
        """Return ``job`` as it is: a listing tells what it reads and writes."""
        return job

    def stop(self, job: Job) -> JobState | None:
        """Send StopTextTranslationJob, which answers before the job has stopped."""
        answer = call(lambda: self.client.stop_text_translation_job(JobId=job.id), _STOP)
        return STATES.get(answer.get("JobStatus", ""))

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:
        """Return the present state of jobs: one by one if they are few, else by a listing since the oldest of them."""
        if len(jobs) <= DESCRIBE_AT_MOST:
            described = each(lambda job: self._describe(job.id, reads), jobs, workers=10)
            return dict(chain.from_iterable(found.items() for _, found in described))
        found: dict[str, Job | None] = dict.fromkeys(job.id for job in jobs)
        missing = set(found)
        oldest = min((job.submitted_at for job in jobs if job.submitted_at), default=None)
        # A second earlier: whether the filter includes its own moment is not documented.
        since = {"SubmittedAfterTime": oldest - timedelta(seconds=1)} if oldest else {}
        for job in self._list(since, reads):
            if job.id in found:
                found[job.id] = job
                missing.discard(job.id)
                if not missing:
                    break
        return found

    def prove(self, reads: Reads | None = None) -> None:
        """List one job, and ask to stop one that cannot exist: any answer but a denial proves the permission."""
        _read(lambda: self.client.list_text_translation_jobs(MaxResults=1), _LIST, reads)
        # What the service answers to an ID that cannot exist is not documented: a server error is no denial either.
        with contextlib.suppress(JobNotFound, Rejected, Transient):
            _read(lambda: self.client.stop_text_translation_job(JobId="0" * 32), _STOP, reads)

    def _list(self, filter_: Mapping[str, Any], reads: Reads | None) -> Iterator[Job]:
        # botocore has no paginator for this operation.
        request = {"MaxResults": listing.PAGE} | ({"Filter": filter_} if filter_ else {})

        def page(token: str | None) -> tuple[list[Job], str | None]:
            asked = request | ({"NextToken": token} if token else {})
            return _read(lambda: listing.page_of(self.client.list_text_translation_jobs(**asked)), _LIST, reads)

        return chain.from_iterable(pages(page, "ListTextTranslationJobs"))

    def _describe(self, id_: str, reads: Reads | None) -> Mapping[str, Job | None]:
        """Return one job by its ID, None if it does not exist; nothing where the service refuses to describe it.

        How the service says that there is no such job is not recorded, so a refusal does not show that a job is gone.
        """
        try:
            return {id_: _read(lambda: job_of(self._properties(id_)), _DESCRIBE, reads)}
        except JobNotFound:
            return {id_: None}
        except Rejected:
            return {}

    def _properties(self, id_: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.client.describe_text_translation_job(JobId=id_)
        return answer["TextTranslationJobProperties"]  # type: ignore[no-any-return]


def _read(request: Callable[[], _T], permission: str, reads: Reads | None) -> _T:
    return read(lambda: call(request, permission), reads)
