"""How the jobs in flight are listed: state after state, all pages of each; and what an entry says of a job.

Amazon Translate lists the jobs of one state. A job that moves on meanwhile must not be missed, so the states are listed
in the order in which a job goes through them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from translation_job_guard.jobs import AMAZON_TRANSLATE, Documents, Job, JobState

__all__ = ["PAGE", "STATES", "job_of", "page_of", "words_in_flight"]

PAGE: Final = 500
"""The most that MaxResults takes (Amazon Translate API reference)."""

STATES: Final[Mapping[str, JobState]] = {
    "SUBMITTED": JobState.QUEUED,
    "IN_PROGRESS": JobState.RUNNING,
    "STOP_REQUESTED": JobState.STOPPING,
    "STOPPED": JobState.STOPPED,
    "COMPLETED": JobState.SUCCEEDED,
    "COMPLETED_WITH_ERROR": JobState.SUCCEEDED_IN_PART,
    "FAILED": JobState.FAILED,
}
"""The service's words (botocore model), in the order in which a job goes through them."""


def words_in_flight(words_of_sdk: Iterable[str]) -> Iterator[str]:
    """Yield the states to list: those in flight, and those that the installed SDK knows and this release does not.

    Where a new state stands in a job's course is not known, so it is listed before and after each other one: a job that
    moves on from it, or to it, is not missed.
    """
    newer = [word for word in words_of_sdk if word not in STATES]
    for word, state in STATES.items():
        if state.in_flight:
            yield from newer
            yield word
    yield from newer


def page_of(answer: Mapping[str, Any]) -> tuple[list[Job], str | None]:
    """Return the jobs of one page, and the token of the next one."""
    entries = answer.get("TextTranslationJobPropertiesList")
    if entries is None and not answer["ResponseMetadata"].get("RequestId"):
        # botocore makes an empty answer of any text, for instance of a proxy's page: that shows no job gone.
        raise ValueError("not an answer of Amazon Translate")
    return [job_of(entry) for entry in entries or ()], answer.get("NextToken") or None


def job_of(entry: Mapping[str, Any]) -> Job:
    """Return the job that an entry of a listing, or a description, shows."""
    word = entry.get("JobStatus", "")
    details = entry.get("JobDetails") or {}
    uris = (entry.get("InputDataConfig", {}).get("S3Uri"), entry.get("OutputDataConfig", {}).get("S3Uri"))
    total = details.get("InputDocumentsCount")
    counts = (details.get("TranslatedDocumentsCount", 0), details.get("DocumentsWithErrorsCount", 0))
    return Job(
        service=AMAZON_TRANSLATE,
        id=entry["JobId"],
        # A word that this release does not know counts as running, never as ended.
        state=STATES.get(word, JobState.RUNNING),
        service_state=word,
        name=entry.get("JobName"),
        submitted_at=entry.get("SubmittedTime"),
        ended_at=entry.get("EndTime"),
        role_arn=entry.get("DataAccessRoleArn"),
        locations=tuple(uri for uri in uris if uri),
        locations_listed=True,
        documents=None if total is None else Documents(int(total), *map(int, counts)),
        message=entry.get("Message"),
    )
