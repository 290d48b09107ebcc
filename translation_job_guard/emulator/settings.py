"""Everything about the emulated services that can be set, with its default."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

DOCUMENTED_RATES: dict[str, float] = {
    "StartTextTranslationJob": 5,
    "StopTextTranslationJob": 5,
    "ListTextTranslationJobs": 10,
    "DescribeTextTranslationJob": 10,
}
"""Requests per second that AWS documents for each account and region."""


@dataclasses.dataclass
class Settings:
    """Durations are seconds. Changes hold for what happens from then on."""

    # Both services
    stop_latency: float = 1.0
    """From a stop request to the job's end."""
    start_latency: float = 0.0
    """From submission to the earliest start."""
    run_time: float = 600.0
    """From the start of a job to its end, if nobody stops it."""
    documents: int = 3
    """Documents of a job whose input the emulator does not know."""
    listing_delay: float = 0.0
    """How long a new job is missing in listings."""
    rates: dict[str, float] = dataclasses.field(default_factory=dict)
    """Requests per second by operation, for each account and region or resource; without one, any number."""
    burst: float | None = None
    """How many requests may come at once; by default one second's worth."""
    log_limit: int = 200_000
    """How many requests the log keeps; settled at the start."""

    # Amazon Translate and what is around it
    max_running: int = 10
    max_queued: int = 1_000
    accounts: dict[str, str] = dataclasses.field(default_factory=dict)
    """Account id by access key id. Other keys have moto's: 123456789012, or that of the user or role they are for."""
    error_status: Literal["documented", "model"] = "documented"
    """The documentation says HTTP 400 for what the service model says 404 and 429."""
    throttling_code: Literal["TooManyRequestsException", "ThrottlingException"] = "TooManyRequestsException"
    stop_submitted: Literal["stop", "stopped", "ignore", "refuse"] = "stop"
    """What Stop does to a job that waits: STOP_REQUESTED first, STOPPED at once, nothing, or an error."""
    stop_ended: Literal["answer", "refuse", "not-found"] = "answer"
    """What Stop does to a job that has ended: answers its status, or an error (one that it declares, or not)."""
    paging: Literal["key", "offset"] = "key"
    """What NextToken remembers: the last job shown, or how many were (and misses jobs when others leave)."""
    check_resources: Literal["existing", "always", "never"] = "existing"
    """Which jobs need their role and bucket: those that had them at the start, all, or none."""

    # Azure Document Translation
    azure_keys: list[str] = dataclasses.field(default_factory=lambda: ["emulator-key", "emulator-key-2"])
    """The keys of a Translator resource that was not given its own."""
    azure_resources: Literal["any", "explicit"] = "any"
    """Whether a Translator resource comes into being on first use."""
    azure_counting_time: float = 0.5
    """How long a new batch has `summary.total` 0 and no documents."""
    azure_max_running: int | None = None
    azure_page_size: int = 50
    azure_cancel_status: Literal["Cancelling", "NotStarted"] = "Cancelling"
    """What the answer to a cancel says; the next GET says Cancelling in either case."""
    azure_cancel_queued: Literal["cancel", "cancelled", "ignore", "refuse"] = "cancel"
    """As `stop_submitted`, for a batch that is not started."""
    azure_cancel_refused: Literal[400, 409] = 400
    """The HTTP status for a batch that cannot be cancelled (any more)."""
    azure_document_path: Literal["always", "succeeded"] = "always"
    """Whether a document says where its translation goes before it is there."""
    azure_gone: Literal["not-found", "drop"] = "not-found"
    """What a deleted Translator resource does with requests."""
    azure_characters: int = 1_000
    """Characters charged for each document."""

    def change(self, changes: Mapping[str, Any]) -> None:
        """Takes all changes or none. Raises ValueError for an unknown name or a value that it cannot have."""
        kinds = typing.get_type_hints(Settings)
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"unknown setting {name!r}; there are {', '.join(sorted(kinds))}")
            if not _fits(value, kinds[name]):
                raise ValueError(f"setting {name} cannot be {value!r}: expected {_spelled(kinds[name])}")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def _fits(value: object, kind: Any) -> bool:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return value in args
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, arg) for arg in args)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items())
    if origin is list:
        return isinstance(value, list) and all(_fits(item, args[0]) for item in value)
    if kind in (int, float):
        number = (int, float) if kind is float else int
        return isinstance(value, number) and not isinstance(value, bool) and value >= 0
    return isinstance(value, kind)


def _spelled(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return " or ".join(repr(arg) for arg in typing.get_args(kind))
    return f"{getattr(kind, '__name__', kind)}, not negative" if kind in (int, float) else str(kind)
