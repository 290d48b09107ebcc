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
    azure_cache_seconds: float = 60
    """How long GETs are answered from the cache; 0 is without a cache."""
    azure_cache_nodes: int = 3
    """How many nodes the cache has, each with answers of its own."""
    azure_cache_route: Literal["turns", "random"] = "turns"
    """Whether requests reach the nodes in turn, or as a generator with a fixed seed says."""
    azure_read_lag: float = 0.3
    """How long a fresh answer does not show a cancel, and a fresh listing not a batch that was just submitted."""
    azure_next_link: Literal["@nextLink", "nextLink"] = "@nextLink"
    """The name of the link to the next page: the recorded one, or the documented one."""
    azure_get_rate: float | None = None
    """GETs per second of each Translator resource; without one, any number. Recorded: 429 after about 120 GETs in 11 s,
    so about 11. It is off by default, since with a stepped clock nothing would be admitted after the first second's
    worth, and since nobody has recorded what exactly is counted."""
    azure_start_latency: float = 2.0
    """From submission to the earliest start, if `start_latency` is not longer. Recorded: 1.5 to 4 s."""
    azure_counting_time: float = 0.5
    """How long a new batch has `summary.total` 0. Recorded: 0.2 to 1.6 s."""
    azure_row_interval: float = 0.3
    """From one document's row to the next; the first one is there when the batch starts. Recorded: 0.2 to 0.45 s."""
    azure_validation_time: float = 0.3
    """From submission to ValidationFailed, for a source that cannot be reached. Recorded: 0.01 to 0.5 s."""
    azure_target_validation_time: float = 26.0
    """The same for a target that cannot be reached. Recorded: 25 to 28 s."""
    azure_max_running: int | None = None
    azure_page_size: int = 50
    azure_cancel_status: Literal["Cancelling", "NotStarted"] = "Cancelling"
    """What the answer to a cancel says; a GET that shows the cancel says Cancelling in either case."""
    azure_cancel_summary: Literal["empty", "counted"] = "empty"
    """Whether the answer to a cancel has counted the documents. Both are recorded."""
    azure_cancel_queued: Literal["cancel", "cancelled", "ignore", "refuse"] = "cancel"
    """As `stop_submitted`, for a batch that is not started."""
    azure_cancel_ended: Literal["refuse", "answer"] = "refuse"
    """What a DELETE does that finds a batch ended or being cancelled: an error, or the batch as it is. Not recorded."""
    azure_cancel_refused: Literal[400, 409] = 400
    """The HTTP status for a batch that cannot be cancelled (any more). Not recorded."""
    azure_document_path: Literal["always", "unless-failed", "succeeded"] = "unless-failed"
    """Which documents say where their translation goes. Recorded: succeeded ones do, failed ones never do; documents of
    batches in flight are not recorded."""
    azure_gone: Literal["not-found", "drop"] = "not-found"
    """What a deleted Translator resource does with requests."""
    azure_arm_page_size: int = 100
    """How many subscriptions or accounts Resource Manager lists on a page."""
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
