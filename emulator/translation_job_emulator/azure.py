"""Azure Document Translation's batches and the resources they need, apart from HTTP.

What a batch shows in which state follows recorded traffic of the service; `docs/services/azure.md` says what is
recorded, what is documented, and what is assumed here.
"""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from translation_job_emulator.azure_accounts import Accounts, container_of, without_query
from translation_job_emulator.azure_batch import (
    NO_TEXT,
    SOURCE_DENIED,
    STATES,
    TARGET_DENIED,
    TARGET_EXISTS,
    VALIDATION_FAILED,
    Batch,
    Document,
    DocumentTranslationError,
    Query,
    Row,
    View,
    empty_summary,
    is_supported,
    page_of,
    problem_of,
)
from translation_job_emulator.clock import Timeline, in_microseconds
from translation_job_emulator.lifecycle import Lifecycle
from translation_job_emulator.settings import Settings

FIRST_DOCUMENT = 0x010A04E1
"""Documents are numbered through, in the first part of their ids."""


class DocumentTranslation(Lifecycle[Batch]):
    """The batches of every Translator resource."""

    states = STATES

    def __init__(self, timeline: Timeline, settings: Settings, changed: Callable[[], None]) -> None:
        super().__init__(timeline, settings, changed)
        self.accounts = Accounts(settings, self._container_gone)
        self._behind: dict[str, Batch] = {}
        """The batches whose cancel reads may not show yet, in the order of their cancels."""
        self._numbers = itertools.count(FIRST_DOCUMENT)

    # The operations

    def start(self, resource: str, inputs: Sequence[Mapping[str, Any]]) -> Batch:
        """Start a batch from the `inputs` of a request."""
        batch = self._new(resource, str(uuid.uuid4()), self.timeline.now)
        for entry in inputs:
            self._take(batch, entry)
        self._tie(batch)
        start = max(self.settings.start_latency, self.settings.azure_start_latency)
        batch.ready = in_microseconds(batch.submitted + start)
        lag = max(self.settings.listing_delay, self.settings.azure_read_lag)
        batch.visible = in_microseconds(batch.submitted + lag)
        batch.row_interval = self.settings.azure_row_interval
        self._validate(batch)
        return batch

    def get(self, resource: str, batch_id: str) -> Batch:
        """Return a batch.

        Raises:
            DocumentTranslationError: there is no such batch.
        """
        batch = self.place((resource, "")).jobs.get(batch_id)
        if batch is None:
            raise DocumentTranslationError(
                404, "ResourceNotFound", f"Operation {batch_id} was not found.", "OperationNotFound"
            )
        return batch

    def cancel(
        self,
        resource: str,
        batch_id: str,
        *,
        ignored: bool = False,
        loses_race: bool = False,
        not_yet: bool = False,
    ) -> Batch:
        """Ask a batch to stop. The last three arguments mean what they mean in `Translate.request_stop`.

        Raises:
            DocumentTranslationError: there is no such batch, or the service refuses to cancel it.
        """
        batch = self.get(resource, batch_id)
        how = self.settings.azure_cancel_queued
        queued = batch.state == STATES.queued
        late = batch.state in STATES.ended or batch.state == STATES.stopping
        if late and self.settings.azure_cancel_ended == "answer":
            return batch
        if late or (queued and (not_yet or how == "refuse")):
            raise DocumentTranslationError(
                self.settings.azure_cancel_refused,
                "InvalidRequest",
                f"The operation {batch_id} cannot be cancelled: its status is {batch.state}.",
                "InvalidOperationStatus",
            )
        if ignored or (queued and how == "ignore"):
            return batch
        self._fall_behind(batch)
        batch.wins_race = loses_race
        if queued and how == "cancelled":
            self.put(batch, STATES.stopped)
        else:
            self.stop(batch)
        return batch

    def page(
        self, resource: str, query: Query, hidden: Callable[[Batch], bool] | None = None
    ) -> tuple[list[Batch], int]:
        """Return a page of batches, and how many are left for the pages after it."""
        return page_of(self._listing(resource, query, hidden), query, self.settings.azure_page_size)

    def documents(self, batch: Batch, query: Query) -> tuple[list[Row], int]:
        """Return a page of documents, and how many are left for the pages after it."""
        numbers, done = self._row_numbers(batch, newest_first=not query.ascending), self.done(batch)
        if query.ids or query.statuses:
            numbers = (number for number in numbers if self._matches(self._row(batch, number, done), query))
        page, left = page_of(numbers, query, self.settings.azure_page_size)
        return [self._row(batch, number, done) for number in page], left

    def row(self, batch: Batch, document_id: str) -> Row | None:
        """Return what a listing shows of one document, or None if the document has no row."""
        found = (number for number in self._row_numbers(batch) if batch.documents[number].id == document_id)
        number = next(found, None)
        return None if number is None else self._row(batch, number, self.done(batch))

    def view(self, batch: Batch) -> View:
        """Return the state of a batch that the answer to a change shows."""
        known = [batch.counted] if self._is_counted(batch) and batch.counted <= self.timeline.now else []
        rows = self.rows(batch)
        if rows and batch.state == STATES.running:
            # Recorded: the time of the last action moves while a batch runs, without a change in its counts.
            known.append(self._row_time(batch, rows - 1))
        return View(batch.state, max(batch.updated, *known, batch.submitted), self.summary(batch), problem_of(batch))

    def read(self, batch: Batch) -> View:
        """Return the state of a batch that a GET shows. It may be from before a cancel."""
        if batch.behind is not None and self._is_behind(batch):
            return batch.behind
        return self.view(batch)

    def rows(self, batch: Batch) -> int:
        """Count the documents that have a row, except those that failed at validation."""
        first, count = self._first_row(batch), batch.valid
        if first is None or batch.state == VALIDATION_FAILED:
            return 0
        if batch.state in STATES.ended:
            return count
        if first > self.timeline.now:
            return 0
        if not batch.row_interval:
            return count
        # Fractions of seconds are not exact.
        return min(count, math.floor((self.timeline.now - first) / batch.row_interval + 1e-6) + 1)

    def done(self, batch: Batch) -> float:
        """Return how many documents have been translated; a fraction for the one in progress."""
        count = batch.valid
        if batch.state == STATES.succeeded:
            return count
        if batch.started is None:
            return 0
        # The document in progress at the stop request is not finished.
        until = batch.stop_requested or batch.ended or self.timeline.now
        share = (until - batch.started) / max(self.end_by_itself(batch) - batch.started, 1e-9)
        done = max(0.0, min(float(count), share * count))
        return done if batch.state == STATES.running else float(int(done))

    def summary(self, batch: Batch) -> dict[str, int]:
        """Count the documents of a batch by status, as recorded for each state of the batch."""
        if batch.state == VALIDATION_FAILED or not self._is_counted(batch):
            return empty_summary()
        done = int(self.done(batch))
        rest = batch.valid - done
        failed = rest if batch.state == "Failed" else 0
        cancelled = rest if batch.state == STATES.stopped else 0
        left = rest - failed - cancelled
        in_progress = left if batch.started is not None else 0
        return {
            "total": len(batch.documents),
            "failed": batch.invalid + failed,
            "success": done,
            "inProgress": in_progress,
            "notYetStarted": left - in_progress,
            "cancelled": cancelled,
            # Recorded: the answers charge nothing before the end.
            "totalCharacterCharged": done * self.settings.azure_characters if batch.state in STATES.ended else 0,
        }

    def _is_counted(self, batch: Batch) -> bool:
        return batch.counted <= self.timeline.now or batch.state in STATES.ended

    def _first_row(self, batch: Batch) -> float | None:
        return batch.started if batch.first_row is None else batch.first_row

    def _row_time(self, batch: Batch, number: int) -> float:
        first = self._first_row(batch)
        when = max(batch.submitted, first or 0.0) + number * batch.row_interval
        return when if batch.ended is None else min(when, batch.ended)

    def _row_numbers(self, batch: Batch, *, newest_first: bool = True) -> Iterator[int]:
        """Return the positions of the documents in the order of a listing.

        Recorded: newest first; at the end those that failed at validation, which have no time.
        """
        there, count = range(self.rows(batch)), len(batch.documents)
        counted = batch.state != VALIDATION_FAILED and self._is_counted(batch)
        invalid = range(batch.valid, count if counted else batch.valid)
        return itertools.chain(reversed(there) if newest_first else there, invalid)

    def _row(self, batch: Batch, number: int, done: float) -> Row:
        document, created = batch.documents[number], self._row_time(batch, number)
        if number >= batch.valid:
            return Row(document, "Failed", 0.0, None, TARGET_EXISTS)
        if number < int(done):
            return Row(document, STATES.succeeded, 1.0, created)
        if batch.state in (STATES.stopped, "Failed"):
            return Row(document, batch.state, 0.0, created, problem_of(batch))
        if batch.started is None:
            return Row(document, STATES.queued, 0.0, created)
        at_hand = batch.state == STATES.running and number == int(done)
        progress = round(min(0.99, done - int(done)), 2) if at_hand else 0.0
        return Row(document, STATES.running, progress, created)

    def _matches(self, row: Row, query: Query) -> bool:
        if query.ids and row.document.id not in query.ids:
            return False
        return not query.statuses or row.status in query.statuses

    def _fall_behind(self, batch: Batch) -> None:
        lag = self.settings.azure_read_lag
        if lag:
            batch.behind, batch.behind_until = self.read(batch), in_microseconds(self.timeline.now + lag)
            self._behind[batch.id] = batch

    def _is_behind(self, batch: Batch) -> bool:
        if self.timeline.now >= batch.behind_until:
            batch.behind = None
            self._behind.pop(batch.id, None)
            return False
        return True

    # For tests

    def seed(self, resource: str, entry: Mapping[str, Any]) -> Batch:
        """Add a batch that is already in some state. What the entry does not say has a default."""
        submitted = float(entry.get("submitted", self.timeline.now))
        batch = self._new(resource, str(entry.get("id") or uuid.uuid4()), submitted)
        target = {
            "targetUrl": entry.get("target", "https://emulator.blob.core.windows.net/target"),
            "language": entry.get("language", "fr"),
        }
        source = {"sourceUrl": entry.get("source", "https://emulator.blob.core.windows.net/source")}
        self._take(batch, {"source": source, "targets": [target]}, entry.get("documents"))
        self._tie(batch)
        batch.state = str(entry.get("state", STATES.running))
        batch.counted = float(entry.get("counted", submitted))
        batch.invalid = min(int(entry.get("invalid", 0)), len(batch.documents))
        if entry.get("row_interval") is not None:
            batch.row_interval = float(entry["row_interval"])
        # Without a setting for rows, all documents are listed as soon as they are counted.
        at_once = None if "row_interval" in entry else batch.counted
        batch.first_row = at_once if entry.get("first_row") is None else float(entry["first_row"])
        batch.run_time, batch.stop_latency = entry.get("run_time"), entry.get("stop_latency")
        batch.outcome = entry.get("outcome")
        self.enter(batch)
        return batch

    def clear(self) -> None:
        """Forget all batches, accounts and containers."""
        super().clear()
        self.accounts.clear()
        self._behind.clear()
        self._numbers = itertools.count(FIRST_DOCUMENT)

    # Accounts and containers

    def slots(self) -> int | None:
        """Return how many batches of a resource may run at once."""
        return self.settings.azure_max_running

    def on_start(self, job: Batch) -> None:
        """Fail a batch whose containers are gone: the service validates a batch before it runs."""
        gone = job.needs & self.accounts.gone_containers()
        if gone:
            self._fail(job, VALIDATION_FAILED, min(gone))

    def _validate(self, batch: Batch) -> None:
        """Enter a batch. If its containers are gone, it never starts, and fails when the service notices."""
        gone = batch.needs & self.accounts.gone_containers()
        if not gone and batch.documents:
            self.enter(batch)
            return
        batch.ready = batch.counted = math.inf
        self.enter(batch)
        sources = gone & {container_of(url) for url in batch.sources}
        container = min(sources or gone, default="")
        source = not gone or bool(sources)
        wait = self.settings.azure_validation_time if source else self.settings.azure_target_validation_time
        self._later(batch, batch.submitted + wait, lambda: self._fail(batch, VALIDATION_FAILED, container))

    def _container_gone(self, container: str) -> None:
        for batch in list(self.jobs()):
            if container in batch.needs and batch.state not in STATES.ended:
                self._fail(batch, VALIDATION_FAILED if batch.started is None else "Failed", container)

    def _fail(self, batch: Batch, state: str, container: str) -> None:
        sources = {container_of(url) for url in batch.sources}
        if container:
            batch.problem = SOURCE_DENIED if container in sources else TARGET_DENIED
            batch.message = f"Cannot access the container {container}: it does not exist."
        else:
            batch.problem = NO_TEXT
            batch.message = "There is no document of a supported format."
        self.put(batch, state)

    def _new(self, resource: str, batch_id: str, submitted: float) -> Batch:
        return Batch(
            id=batch_id,
            place=(resource, ""),
            state=STATES.queued,
            submitted=submitted,
            created=in_microseconds(submitted),
            sequence=self.next_sequence(),
            counted=in_microseconds(submitted + self.settings.azure_counting_time),
        )

    def _take(self, batch: Batch, entry: Mapping[str, Any], count: int | None = None) -> None:
        source = without_query(str(entry["source"]["sourceUrl"]))
        prefix = str((entry["source"].get("filter") or {}).get("prefix") or "")
        suffix = str((entry["source"].get("filter") or {}).get("suffix") or ".txt")
        single = str(entry.get("storageType") or "Folder").lower() == "file"
        numbers = range(1 if single else self.settings.documents if count is None else count)
        batch.sources.append(source)
        for target, number in itertools.product(entry["targets"], numbers):
            to = without_query(str(target["targetUrl"]))
            name = f"{prefix}document-{number}{suffix}"
            file = source if single else f"{source.rstrip('/')}/{name}"
            if to not in batch.targets:
                batch.targets.append(to)
            if not is_supported(file):
                continue
            batch.documents.append(
                Document(
                    id=f"{next(self._numbers):08x}-0000-0000-0000-000000000000",
                    source=file,
                    target=to if single else f"{to.rstrip('/')}/{name}",
                    language=str(target["language"]),
                )
            )

    def _tie(self, batch: Batch) -> None:
        used = {container_of(url) for url in (*batch.sources, *batch.targets)}
        batch.needs = frozenset(used & (self.accounts.containers() | self.accounts.gone_containers()))

    def _listing(self, resource: str, query: Query, hidden: Callable[[Batch], bool] | None) -> Iterator[Batch]:
        place, now = self.place((resource, "")), self.timeline.now
        self._catch_up()
        # Reads may show another state than a batch has.
        behind = {batch.state for batch in self._behind.values()}
        wanted = query.statuses | behind if query.statuses else frozenset()
        states = [state for state in (*STATES.in_flight, *sorted(STATES.ended)) if state in wanted]
        for batch in place.listing(states if query.statuses else None, newest_first=not query.ascending):
            if query.ids and batch.id not in query.ids:
                continue
            if query.created_from is not None and batch.created < query.created_from:
                continue
            if query.created_to is not None and batch.created > query.created_to:
                continue
            if batch.visible > now or (hidden is not None and hidden(batch)):
                continue
            if behind and query.statuses and self._shown_state(batch) not in query.statuses:
                continue
            yield batch

    def _shown_state(self, batch: Batch) -> str:
        if batch.behind is not None and self._is_behind(batch):
            return batch.behind.state
        return batch.state

    def _catch_up(self) -> None:
        while self._behind and not self._is_behind(next(iter(self._behind.values()))):
            pass
