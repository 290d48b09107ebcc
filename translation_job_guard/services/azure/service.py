"""Azure Document Translation as a ``JobService``, by azure-ai-translation-document."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from translation_job_guard.errors import JobNotFound, Rejected, Transient
from translation_job_guard.jobs import AZURE_DOCUMENT_TRANSLATION, DocumentRow, Job, JobState
from translation_job_guard.services.azure import listing
from translation_job_guard.services.azure.errors import Advice, call
from translation_job_guard.services.azure.listing import document_of, job_of
from translation_job_guard.services.reading import Reads, fresh, pages, read
from translation_job_guard.threads import each

__all__ = ["AzureDocumentTranslation"]

LOOK_AT_ONCE: Final = 40
"""IDs in one request: they go into the URL."""
LOOKS_AT_ONCE: Final = 10
"""Such requests under way at once."""

_T = TypeVar("_T")


class AzureDocumentTranslation:
    """Document Translation of one Translator resource, as a ``JobService``.

    Reads are requests of this class, sent through the SDK's client (its credentials, transport and pipeline): the
    SDK's pager reads ``nextLink`` where the service answers ``@nextLink`` and so stops after 50 items, and it hides the
    headers that tell a cached answer.

    Args:
        endpoint: the endpoint of the Translator resource.
        client: the SDK's client of it.
        per_call: options of each request.
        advice: what errors tell the user to do.
        api_version: the version of the service's API.
    """

    service = AZURE_DOCUMENT_TRANSLATION

    def __init__(
        self, endpoint: str, client: Any, per_call: Mapping[str, Any], advice: Advice, api_version: str = "2024-05-01"
    ) -> None:
        self.place = endpoint
        self.client = client
        self._per_call = dict(per_call)
        self._advice = advice
        self._api_version = api_version

    def account(self, reads: Reads | None = None) -> str:  # noqa: ARG002 - no request is needed
        """Return the endpoint's host and path, without a request: nothing else identifies a Translator resource."""
        parts = urlsplit(self.place)
        return f"{parts.netloc.lower()}{parts.path.rstrip('/')}"

    def close(self) -> None:
        """Close the connections to the service."""
        self.client.close()

    def list_in_flight(self, reads: Reads | None = None) -> Sequence[Job]:
        """Return every batch in flight, oldest first, each once; ``listing`` explains how."""
        return listing.in_flight(partial(self.page, reads))

    def page(self, reads: Reads | None, since: datetime | None, skip: int) -> tuple[list[Job], bool]:
        """Return one page of what is in flight, and whether more follows; see ``listing.ReadPage``."""
        query = {"statuses": ",".join(listing.words_in_flight()), "orderby": "createdDateTimeUtc asc"}
        query |= {"skip": str(skip)} if skip else {}
        jobs, link = self._entries("", query, partial(listing.fresh_start, since), reads, job_of)
        return jobs, link is not None

    def locate(self, job: Job, reads: Reads | None = None) -> Job:
        """Return ``job`` with the source and target of each document that the service lists.

        New documents come first and push the others back, so pages repeat some and miss none.
        """

        def page(query: str | None) -> tuple[list[tuple[str, DocumentRow]], str | None]:
            asked = dict(parse_qsl(query or ""))
            documents, link = self._entries(f"{job.id}/documents", asked, listing.fresh_top, reads, document_of)
            return documents, None if link is None else listing.query_of(link)

        documents = (document for found in pages(page, "list documents") for document in found)
        rows = tuple(dict(documents).values())
        urls = (url for row in rows for url in (row.source, row.target) if url)
        return replace(job, rows=rows, locations=tuple(dict.fromkeys(urls)))

    def stop(self, job: Job) -> JobState | None:
        """Send DELETE of the batch. The SDK returns nothing, and the service answers before the batch has stopped."""
        self._cancel(job.id)
        return None

    def look(self, jobs: Collection[Job], reads: Reads | None = None) -> Mapping[str, Job | None]:
        """Return the present state of batches, by listings of their IDs, several at a time.

        A GET of one batch has a URL that cannot be varied, and so may be answered from a cache: it is never sent.
        """
        ids = [job.id for job in jobs]
        parts = [ids[start : start + LOOK_AT_ONCE] for start in range(0, len(ids), LOOK_AT_ONCE)]
        found: dict[str, Job | None] = dict.fromkeys(ids)
        for _, part in each(partial(self._look, reads), parts, workers=LOOKS_AT_ONCE):
            found |= part
        return found

    def prove(self, reads: Reads | None = None) -> None:
        """List, and cancel a batch that cannot exist: any answer but a denial proves the permission."""
        self._entries("", {"top": "1"}, partial(listing.fresh_start, None), reads, job_of)
        # What the service answers to an ID that cannot exist is not documented: a server error is no denial either.
        with contextlib.suppress(JobNotFound, Rejected, Transient):
            read(lambda: self._cancel("00000000-0000-0000-0000-000000000000"), reads)

    def _cancel(self, id_: str) -> None:
        call(lambda: self.client.cancel_translation(id_, **self._per_call), "cancel translation", self._advice)

    def _look(self, reads: Reads | None, ids: Sequence[str]) -> dict[str, Job | None]:
        found: dict[str, Job | None] = {}
        while wanted := [id_ for id_ in ids if id_ not in found]:
            start = partial(listing.fresh_start, None)
            shown, link = self._entries("", {"ids": ",".join(wanted)}, start, reads, job_of)
            jobs = {job.id: job for job in shown if job.id in wanted}
            found |= jobs
            if not link or not jobs:
                break
        return found

    def _entries(
        self,
        path: str,
        query: Mapping[str, str],
        vary: Callable[[], Mapping[str, str]],
        reads: Reads | None,
        take: Callable[[Mapping[str, Any]], _T],
    ) -> tuple[list[_T], str | None]:
        """Return the entries of one page, and the link to the next one.

        Args:
            path: below ``…/translator/document/batches/``; empty for the batches themselves.
            query: what is asked for.
            vary: returns one more parameter, another one each time, so that no cache has an answer to the URL.
            reads: sets the pace.
            take: makes of an entry what is wanted of it.
        """
        from azure.core.rest import HttpRequest

        operation = "list documents" if path else "list translations"

        def send() -> tuple[tuple[list[_T], str | None], bool]:
            asked = {**query, **vary(), "api-version": self._api_version}
            url = f"/document/batches/{path}".rstrip("/")
            request = HttpRequest("GET", f"{url}?{urlencode(asked, quote_via=quote, safe=',:')}")
            return listing.page_of(self.client.send_request(request, **self._per_call), take)

        return fresh(lambda: read(lambda: call(send, operation, self._advice), reads), operation)
