"""Azure Document Translation's batches and the resources they need, apart from HTTP.

What a batch shows in which state follows recorded traffic of the service; `docs/services/azure.md` says what is
recorded, what is documented, and what is assumed here.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from translation_job_emulator.clock import Timeline, in_microseconds
from translation_job_emulator.lifecycle import Job, Lifecycle, States
from translation_job_emulator.settings import Settings

VALIDATION_FAILED = "ValidationFailed"

STATES = States(
    queued="NotStarted",
    running="Running",
    stopping="Cancelling",
    stopped="Cancelled",
    succeeded="Succeeded",
    ended=frozenset({"Cancelled", "Succeeded", "Failed", VALIDATION_FAILED}),
)

SUPPORTED = (".txt", ".html", ".md", ".csv", ".tsv", ".docx", ".pptx", ".xlsx", ".pdf", ".xlf", ".mhtml", ".msg")
"""Extensions of files that are translated; the service does not count others."""

FIRST_DOCUMENT = 0x010A04E1
"""Documents are numbered through, in the first part of their ids."""

Item = TypeVar("Item")


class DocumentTranslationError(Exception):
    """An error of the service: HTTP status, high-level code and inner code."""

    def __init__(self, status: int, code: str, message: str, inner: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner


@dataclasses.dataclass(frozen=True)
class Problem:
    """What the service says of a failure: the inner code and the message."""

    code: str
    message: str


SOURCE_DENIED = Problem(
    "InvalidDocumentAccessLevel", "Cannot access source document location with the current permissions."
)
TARGET_DENIED = Problem(
    "InvalidTargetDocumentAccessLevel", "Cannot access target document location with the current permissions."
)
TARGET_EXISTS = Problem("TargetFileAlreadyExists", "Target document file already exists.")
NO_TEXT = Problem("NoTranslatableText", "The document does not have any translatable text.")


@dataclasses.dataclass(frozen=True)
class Document:
    id: str
    source: str
    target: str
    language: str


@dataclasses.dataclass(frozen=True)
class Row:
    """What a listing of documents shows of one."""

    document: Document
    status: str
    progress: float
    created: float | None
    """None for a document that failed at validation."""
    problem: Problem | None = None


@dataclasses.dataclass(frozen=True)
class View:
    """What a batch's status shows at one time."""

    state: str
    updated: float
    summary: dict[str, int]
    problem: Problem | None = None


@dataclasses.dataclass
class Batch(Job):
    documents: list[Document] = dataclasses.field(default_factory=list)
    sources: list[str] = dataclasses.field(default_factory=list)
    targets: list[str] = dataclasses.field(default_factory=list)
    needs: frozenset[str] = frozenset()
    """The containers that it was given, if the emulator had been told of them."""
    counted: float = 0.0
    """When the service has counted its documents."""
    first_row: float | None = None
    """When its first document gets a row; None for the time at which it starts."""
    row_interval: float = 0.0
    """From one row to the next."""
    invalid: int = 0
    """How many of its documents, the last ones, failed at validation."""
    problem: Problem | None = None
    behind: View | None = None
    """What reads still show after a cancel."""
    behind_until: float = 0.0

    created: float = 0.0
    """When it was submitted, in microseconds as answers show it: a filter by the time shown finds it."""

    @property
    def valid(self) -> int:
        """How many of its documents can be translated."""
        return len(self.documents) - self.invalid


@dataclasses.dataclass(frozen=True)
class Account:
    """A Translator resource."""

    name: str
    keys: tuple[str, str]
    id: str
    location: str = "westeurope"
    local_auth: bool = True
    """Whether its keys are taken."""
    kind: str = "TextTranslation"
    properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What Resource Manager shows of it beside its subdomain: `networkAcls`, `publicNetworkAccess`, and so on."""

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "keys": list(self.keys), "id": self.id, "location": self.location}


@dataclasses.dataclass(frozen=True)
class Query:
    """What a listing asks for."""

    top: int | None = None
    skip: int = 0
    page_size: int | None = None
    ids: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    created_from: float | None = None
    created_to: float | None = None
    ascending: bool = False


class Accounts:
    """Translator resources and blob containers."""

    def __init__(self, settings: Settings, container_gone: Callable[[str], None]) -> None:
        self._settings = settings
        self._container_gone = container_gone
        self._accounts: dict[str, Account] = {}
        self._deleted: set[str] = set()
        self._containers: set[str] = set()
        self._gone_containers: set[str] = set()

    def get(self, name: str) -> Account | None:
        found = self._accounts.get(name)
        if found is None and self._settings.azure_resources == "any" and name not in self._deleted:
            found = self.put(name)
        return found

    def put(
        self,
        name: str,
        keys: list[str] | None = None,
        resource_id: str | None = None,
        location: str | None = None,
        kind: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Account:
        given = keys or self._settings.azure_keys or [uuid.uuid4().hex]
        account = Account(
            name=name,
            keys=(given[0], given[-1]),
            id=resource_id
            or "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
            f"/providers/Microsoft.CognitiveServices/accounts/{name}",
            location=location or "westeurope",
            kind=kind or "TextTranslation",
            properties=dict(properties or {}),
        )
        self._accounts[name] = account
        self._deleted.discard(name)
        return account

    def set_local_auth(self, name: str, enabled: bool) -> None:
        self._accounts[name] = dataclasses.replace(self._accounts[name], local_auth=enabled)

    def set_properties(self, name: str, properties: Mapping[str, Any]) -> None:
        """Change what Resource Manager shows of a resource, its firewall included."""
        self._accounts[name] = dataclasses.replace(self._accounts[name], properties=dict(properties))

    def delete(self, name: str) -> bool:
        """A deleted resource does not come back on use, only by `put`."""
        self._deleted.add(name)
        return self._accounts.pop(name, None) is not None

    def by_id(self, resource_id: str) -> Account | None:
        wanted = resource_id.lower()
        known = next((account for account in self._accounts.values() if account.id.lower() == wanted), None)
        if known is not None or self._settings.azure_resources == "explicit":
            return known
        name = resource_id.rsplit("/", 1)[-1]
        return None if name in self._accounts or name in self._deleted else self.put(name, resource_id=resource_id)

    def regenerate(self, account: Account, which: str) -> Account:
        first, second = account.keys
        keys = (uuid.uuid4().hex, second) if which == "Key1" else (first, uuid.uuid4().hex)
        self._accounts[account.name] = dataclasses.replace(account, keys=keys)
        return self._accounts[account.name]

    def all(self) -> list[Account]:
        return list(self._accounts.values())

    def put_container(self, url: str) -> None:
        self._containers.add(container_of(url))
        self._gone_containers.discard(container_of(url))

    def delete_container(self, url: str) -> bool:
        """Also a whole storage account, by a URL without a container."""
        deleted = container_of(url)
        gone = {known for known in self._containers if known == deleted or known.startswith(f"{deleted}/")}
        self._containers -= gone
        self._gone_containers |= gone
        for container in gone:
            self._container_gone(container)
        return bool(gone)

    def containers(self) -> frozenset[str]:
        return frozenset(self._containers)

    def gone_containers(self) -> frozenset[str]:
        return frozenset(self._gone_containers)

    def clear(self) -> None:
        self._accounts.clear()
        self._deleted.clear()
        self._containers.clear()
        self._gone_containers.clear()


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
        """Return what is known of one document, or None where it has no row."""
        found = (number for number in self._row_numbers(batch) if batch.documents[number].id == document_id)
        number = next(found, None)
        return None if number is None else self._row(batch, number, self.done(batch))

    def view(self, batch: Batch) -> View:
        """Return what the answer to a change shows."""
        known = [batch.counted] if self._is_counted(batch) and batch.counted <= self.timeline.now else []
        rows = self.rows(batch)
        if rows and batch.state == STATES.running:
            # Recorded: the time of the last action moves while a batch runs, without a change in its counts.
            known.append(self._row_time(batch, rows - 1))
        return View(batch.state, max(batch.updated, *known, batch.submitted), self.summary(batch), problem_of(batch))

    def read(self, batch: Batch) -> View:
        """Return what a GET shows, which may be behind a cancel."""
        if batch.behind is not None and self._is_behind(batch):
            return batch.behind
        return self.view(batch)

    def rows(self, batch: Batch) -> int:
        """Count the documents that have a row, apart from those that failed at validation."""
        first, count = self._first_row(batch), batch.valid
        if first is None or batch.state == VALIDATION_FAILED:
            return 0
        if batch.state in STATES.ended:
            return count
        if first > self.timeline.now:
            return 0
        if not batch.row_interval:
            return count
        # The clock's fractions are not exact.
        return min(count, math.floor((self.timeline.now - first) / batch.row_interval + 1e-6) + 1)

    def done(self, batch: Batch) -> float:
        """How many documents have been translated, the one at hand in part."""
        count = batch.valid
        if batch.state == STATES.succeeded:
            return count
        if batch.started is None:
            return 0
        # What was at hand when it was asked to stop is not finished any more.
        until = batch.stop_requested or batch.ended or self.timeline.now
        share = (until - batch.started) / max(self.end_by_itself(batch) - batch.started, 1e-9)
        done = max(0.0, min(float(count), share * count))
        return done if batch.state == STATES.running else float(int(done))

    def summary(self, batch: Batch) -> dict[str, int]:
        """Count a batch's documents, as recorded in each state."""
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
            # Nothing is charged before the end, by what the answers say.
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
        """Recorded: newest first, and at the end those that failed at validation and have no time."""
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

    # What tests do

    def seed(self, resource: str, entry: Mapping[str, Any]) -> Batch:
        """A batch straight in a state; only what matters needs to be said."""
        submitted = float(entry.get("submitted", self.timeline.now))
        batch = self._new(resource, str(entry.get("id") or uuid.uuid4()), submitted)
        self._take(
            batch,
            {
                "source": {"sourceUrl": entry.get("source", "https://emulator.blob.core.windows.net/source")},
                "targets": [
                    {
                        "targetUrl": entry.get("target", "https://emulator.blob.core.windows.net/target"),
                        "language": entry.get("language", "fr"),
                    }
                ],
            },
            entry.get("documents"),
        )
        self._tie(batch)
        batch.state = str(entry.get("state", STATES.running))
        batch.counted = float(entry.get("counted", submitted))
        batch.invalid = min(int(entry.get("invalid", 0)), len(batch.documents))
        if entry.get("row_interval") is not None:
            batch.row_interval = float(entry["row_interval"])
        # Without a word about rows, all of them are there as soon as the documents are counted.
        at_once = None if "row_interval" in entry else batch.counted
        batch.first_row = at_once if entry.get("first_row") is None else float(entry["first_row"])
        batch.run_time, batch.stop_latency = entry.get("run_time"), entry.get("stop_latency")
        batch.outcome = entry.get("outcome")
        self.enter(batch)
        return batch

    def clear(self) -> None:
        super().clear()
        self.accounts.clear()
        self._behind.clear()
        self._numbers = itertools.count(FIRST_DOCUMENT)

    # What is around a batch

    def slots(self) -> int | None:
        return self.settings.azure_max_running

    def on_start(self, job: Batch) -> None:
        """The service validates a batch before it runs."""
        gone = job.needs & self.accounts.gone_containers()
        if gone:
            self._fail(job, VALIDATION_FAILED, min(gone))

    def _validate(self, batch: Batch) -> None:
        """Take a batch in; one whose containers are gone never starts, and fails when the service has noticed."""
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
        # A batch that is behind shows another state than it has.
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


def problem_of(batch: Batch) -> Problem | None:
    """Return what the service says of a batch that failed."""
    if batch.problem is not None and batch.state in (VALIDATION_FAILED, "Failed"):
        return batch.problem
    if batch.message is not None:
        return Problem("InvalidRequest", batch.message)
    return {VALIDATION_FAILED: SOURCE_DENIED, "Failed": NO_TEXT}.get(batch.state)


def is_supported(file: str) -> bool:
    """Check whether a file is of a format that is translated; one without an extension passes for text."""
    name = file.rsplit("/", 1)[-1]
    return "." not in name or name.lower().endswith(SUPPORTED)


def empty_summary() -> dict[str, int]:
    counts = (
        "total",
        "failed",
        "success",
        "inProgress",
        "notYetStarted",
        "cancelled",
        "totalCharacterCharged",
    )
    return dict.fromkeys(counts, 0)


def page_of(items: Iterator[Item], query: Query, server_size: int) -> tuple[list[Item], int]:
    """Return a page, and how many items are left after it.

    `skip` and `top` count over all pages. Without `top` everything is counted; with it, it says how many are left, and
    so cuts off what has come since.
    """
    size = min(server_size, query.page_size or server_size)
    if query.top is not None:
        size = min(size, query.top)
    for _ in itertools.islice(items, query.skip):
        pass
    page = list(itertools.islice(items, size))
    if query.top is None:
        return page, sum(1 for _ in items)
    return page, query.top - len(page) if next(items, None) is not None else 0


def container_of(url: str) -> str:
    """`https://account.blob.core.windows.net/container` of anything in it; the signature of a SAS is left out."""
    scheme, _, rest = without_query(url).partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{path.split('/')[0]}".lower().rstrip("/")


def without_query(url: str) -> str:
    return url.partition("?")[0]
