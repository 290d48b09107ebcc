"""What a batch of Azure Document Translation is made of, and what the service shows of it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import TypeVar

from translation_job_emulator.lifecycle import Job, States

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
    """The code and the message that the service gives for a failure."""

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
    """One document of a batch."""

    id: str
    source: str
    target: str
    language: str


@dataclasses.dataclass(frozen=True)
class Row:
    """What a listing of documents shows of one document."""

    document: Document
    status: str
    progress: float
    created: float | None
    """None for a document that failed at validation."""
    problem: Problem | None = None


@dataclasses.dataclass(frozen=True)
class View:
    """What a batch's status shows at one moment."""

    state: str
    updated: float
    summary: dict[str, int]
    problem: Problem | None = None


@dataclasses.dataclass
class Batch(Job):
    """A document translation batch."""

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
class Query:
    """The parameters of a listing."""

    top: int | None = None
    skip: int = 0
    page_size: int | None = None
    ids: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    created_from: float | None = None
    created_to: float | None = None
    ascending: bool = False


def problem_of(batch: Batch) -> Problem | None:
    """Return what the service says about a batch that failed."""
    if batch.problem is not None and batch.state in (VALIDATION_FAILED, "Failed"):
        return batch.problem
    if batch.message is not None:
        return Problem("InvalidRequest", batch.message)
    return {VALIDATION_FAILED: SOURCE_DENIED, "Failed": NO_TEXT}.get(batch.state)


def is_supported(file: str) -> bool:
    """Check whether a file has a format that is translated. A name without an extension counts as text."""
    name = file.rsplit("/", 1)[-1]
    return "." not in name or name.lower().endswith(SUPPORTED)


def empty_summary() -> dict[str, int]:
    """Return the summary of a batch whose documents have not been counted."""
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
