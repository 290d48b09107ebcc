"""Azure Document Translation's batches and the resources they need, apart from HTTP."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from translation_job_guard.emulator.clock import Timeline
from translation_job_guard.emulator.lifecycle import Job, Lifecycle, States
from translation_job_guard.emulator.settings import Settings

STATES = States(
    queued="NotStarted",
    running="Running",
    stopping="Cancelling",
    stopped="Cancelled",
    succeeded="Succeeded",
    ended=frozenset({"Cancelled", "Succeeded", "Failed", "ValidationFailed"}),
)


class DocumentTranslationError(Exception):
    """An error of the service: HTTP status, high-level code and inner code."""

    def __init__(self, status: int, code: str, message: str, inner: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner


@dataclasses.dataclass(frozen=True)
class Document:
    id: str
    source: str
    target: str
    language: str


@dataclasses.dataclass
class Batch(Job):
    documents: list[Document] = dataclasses.field(default_factory=list)
    sources: list[str] = dataclasses.field(default_factory=list)
    targets: list[str] = dataclasses.field(default_factory=list)
    needs: frozenset[str] = frozenset()
    """The containers that it was given, if the emulator had been told of them."""
    counted: float = 0.0
    """When the service has counted its documents."""
    inner_error: str | None = None


@dataclasses.dataclass(frozen=True)
class Account:
    """A Translator resource."""

    name: str
    keys: tuple[str, str]
    id: str
    location: str = "westeurope"
    local_auth: bool = True
    """Whether its keys are taken."""

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
    ) -> Account:
        given = keys or self._settings.azure_keys or [uuid.uuid4().hex]
        account = Account(
            name=name,
            keys=(given[0], given[-1]),
            id=resource_id
            or "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
            f"/providers/Microsoft.CognitiveServices/accounts/{name}",
            location=location or "westeurope",
        )
        self._accounts[name] = account
        self._deleted.discard(name)
        return account

    def set_local_auth(self, name: str, enabled: bool) -> None:
        self._accounts[name] = dataclasses.replace(self._accounts[name], local_auth=enabled)

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

    # The operations

    def start(self, resource: str, inputs: Sequence[Mapping[str, Any]]) -> Batch:
        batch = self._new(resource, str(uuid.uuid4()), self.timeline.now)
        for entry in inputs:
            self._take(batch, entry)
        self._tie(batch)
        self.enter(batch)
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
        if batch.state in STATES.ended or batch.state == STATES.stopping or (queued and (not_yet or how == "refuse")):
            raise DocumentTranslationError(
                self.settings.azure_cancel_refused,
                "InvalidRequest",
                f"The operation {batch_id} cannot be cancelled: its status is {batch.state}.",
                "InvalidOperationStatus",
            )
        if ignored or (queued and how == "ignore"):
            return batch
        batch.wins_race = loses_race
        if queued and how == "cancelled":
            self.put(batch, STATES.stopped)
        else:
            self.stop(batch)
        return batch

    def page(
        self, resource: str, query: Query, hidden: Callable[[Batch], bool] | None = None
    ) -> tuple[list[Batch], bool]:
        """A page and whether more follows."""
        return page_of(self._listing(resource, query, hidden), query, self.settings.azure_page_size)

    def documents(self, batch: Batch, query: Query) -> tuple[list[tuple[Document, str, float]], bool]:
        """A page of documents with status and progress, and whether more follows."""
        if batch.counted > self.timeline.now and batch.state not in STATES.ended:
            return [], False
        shown = (
            (document, *self.document_status(batch, number))
            for number, document in enumerate(batch.documents)
            if not query.ids or document.id in query.ids
        )
        wanted = (one for one in shown if not query.statuses or one[1] in query.statuses)
        return page_of(wanted, query, self.settings.azure_page_size)

    def document_status(self, batch: Batch, number: int) -> tuple[str, float]:
        done = self.done(batch)
        if number < int(done):
            return STATES.succeeded, 1.0
        if batch.state in (STATES.stopped, "Failed"):
            return batch.state, 0.0
        if batch.state == STATES.running and number == int(done):
            return STATES.running, round(min(0.99, done - int(done)), 2)
        if batch.state == "ValidationFailed":
            return "Failed", 0.0
        return STATES.queued, 0.0

    def done(self, batch: Batch) -> float:
        """How many documents have been translated, the one at hand in part."""
        count = len(batch.documents)
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
        if batch.counted > self.timeline.now and batch.state not in STATES.ended:
            return empty_summary()
        count, done = len(batch.documents), self.done(batch)
        success = int(done)
        rest = count - success
        failed = rest if batch.state in ("Failed", "ValidationFailed") else 0
        cancelled = rest if batch.state == STATES.stopped else 0
        at_hand = 1 if batch.state == STATES.running and rest else 0
        return {
            "total": count,
            "failed": failed,
            "success": success,
            "inProgress": at_hand,
            "notYetStarted": rest - failed - cancelled - at_hand,
            "cancelled": cancelled,
            "totalCharacterCharged": int(done * self.settings.azure_characters),
        }

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
        batch.run_time, batch.stop_latency = entry.get("run_time"), entry.get("stop_latency")
        batch.outcome = entry.get("outcome")
        self.enter(batch)
        return batch

    def clear(self) -> None:
        super().clear()
        self.accounts.clear()

    # What is around a batch

    def slots(self) -> int | None:
        return self.settings.azure_max_running

    def on_start(self, job: Batch) -> None:
        """The service validates a batch before it runs."""
        gone = job.needs & self.accounts.gone_containers()
        if gone:
            self._fail(job, "ValidationFailed", min(gone))

    def _container_gone(self, container: str) -> None:
        for batch in list(self.jobs()):
            if container in batch.needs and batch.state not in STATES.ended:
                self._fail(batch, "ValidationFailed" if batch.started is None else "Failed", container)

    def _fail(self, batch: Batch, state: str, container: str) -> None:
        batch.inner_error = "InvalidDocumentAccessLevel"
        batch.message = f"Cannot access the container {container}: it does not exist."
        self.put(batch, state)

    def _new(self, resource: str, batch_id: str, submitted: float) -> Batch:
        return Batch(
            id=batch_id,
            place=(resource, ""),
            state=STATES.queued,
            submitted=submitted,
            sequence=self.next_sequence(),
            counted=submitted + self.settings.azure_counting_time,
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
            batch.documents.append(
                Document(
                    id=str(uuid.uuid4()),
                    source=source if single else f"{source.rstrip('/')}/{name}",
                    target=to if single else f"{to.rstrip('/')}/{name}",
                    language=str(target["language"]),
                )
            )
            if to not in batch.targets:
                batch.targets.append(to)

    def _tie(self, batch: Batch) -> None:
        used = {container_of(url) for url in (*batch.sources, *batch.targets)}
        batch.needs = frozenset(used & (self.accounts.containers() | self.accounts.gone_containers()))

    def _listing(self, resource: str, query: Query, hidden: Callable[[Batch], bool] | None) -> Iterator[Batch]:
        states = [state for state in (*STATES.in_flight, *sorted(STATES.ended)) if state in query.statuses]
        place = self.place((resource, ""))
        for batch in place.listing(states if query.statuses else None, newest_first=not query.ascending):
            if query.ids and batch.id not in query.ids:
                continue
            if query.created_from is not None and batch.submitted < query.created_from:
                continue
            if query.created_to is not None and batch.submitted > query.created_to:
                continue
            if batch.visible > self.timeline.now or (hidden is not None and hidden(batch)):
                continue
            yield batch


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


def page_of(items: Iterator[Any], query: Query, server_size: int) -> tuple[list[Any], bool]:
    """`skip` and `top` count over all pages: what `nextLink` asks for has less of `top` and more to skip."""
    size = min(server_size, query.page_size or server_size)
    if query.top is not None:
        size = min(size, query.top)
    found = list(itertools.islice(items, query.skip, query.skip + size + 1))
    more = len(found) > size and (query.top is None or query.top > size)
    return found[:size], more


def container_of(url: str) -> str:
    """`https://account.blob.core.windows.net/container` of anything in it; the signature of a SAS is left out."""
    scheme, _, rest = without_query(url).partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/{path.split('/')[0]}".lower().rstrip("/")


def without_query(url: str) -> str:
    return url.partition("?")[0]
