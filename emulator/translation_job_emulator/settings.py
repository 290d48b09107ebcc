"""All settings of the emulated services, with their defaults."""

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
    """The settings. Durations are seconds. A change applies to what happens after it."""

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
    """Requests per second by operation, for each account and region or resource; others are not limited."""
    burst: float | None = None
    """How many requests may come at once; by default as many as in one second."""
    log_limit: int = 200_000
    """How many requests the log keeps; cannot be changed later."""

    # Amazon Translate, S3, IAM and STS
    max_running: int = 10
    max_queued: int = 1_000
    accounts: dict[str, str] = dataclasses.field(default_factory=dict)
    """Account ID by access key ID. Other keys belong to 123456789012, or to the account of their user or role."""
    error_status: Literal["documented", "model"] = "documented"
    """HTTP 400 as documented, or 404 and 429 as the service model says."""
    throttling_code: Literal["TooManyRequestsException", "ThrottlingException"] = "TooManyRequestsException"
    stop_submitted: Literal["stop", "stopped", "ignore", "refuse"] = "stop"
    """What Stop does to a queued job: STOP_REQUESTED first, STOPPED at once, nothing, or an error."""
    stop_ended: Literal["answer", "refuse", "not-found"] = "answer"
    """What Stop does to a job that has ended: answer its status, or an undeclared or a declared error."""
    paging: Literal["key", "offset"] = "key"
    """What NextToken remembers: the last job shown, or the number of jobs shown (which skips jobs when others end)."""
    check_resources: Literal["existing", "always", "never"] = "existing"
    """Which jobs need their role and bucket: those whose role and bucket existed at the start, all, or none."""

    # Azure Document Translation
    azure_keys: list[str] = dataclasses.field(default_factory=lambda: ["emulator-key", "emulator-key-2"])
    """The keys of a Translator resource that has no keys of its own."""
    azure_resources: Literal["any", "explicit"] = "any"
    """Whether any Translator resource exists once it is used, or only those that were put."""
    azure_cache_seconds: float = 60
    """How long the cache answers a GET; 0 for no cache."""
    azure_cache_nodes: int = 3
    """The number of nodes of the cache. Each keeps its own answers."""
    azure_cache_route: Literal["turns", "random"] = "turns"
    """Whether requests reach the nodes in turn, or at random with a fixed seed."""
    azure_read_lag: float = 0.3
    """How long fresh answers do not show a cancel, and fresh listings do not show a new batch."""
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
    """The status in the answer to a cancel. A GET that shows the cancel always says Cancelling."""
    azure_cancel_summary: Literal["empty", "counted"] = "empty"
    """Whether the summary in the answer to a cancel is empty. Both are recorded."""
    azure_cancel_queued: Literal["cancel", "cancelled", "ignore", "refuse"] = "cancel"
    """What a cancel does to a queued batch; as `stop_submitted`."""
    azure_cancel_ended: Literal["refuse", "answer"] = "refuse"
    """What a cancel of an ended or stopping batch answers: an error, or the batch as it is. Not recorded."""
    azure_cancel_refused: Literal[400, 409] = 400
    """The HTTP status for a batch that cannot be cancelled. Not recorded."""
    azure_document_path: Literal["always", "unless-failed", "succeeded"] = "unless-failed"
    """Which documents have their target. Recorded: succeeded documents have it, failed documents do not. Documents of
    batches in flight are not recorded."""
    azure_gone: Literal["not-found", "drop"] = "not-found"
    """How requests to a deleted Translator resource end: with a 404, or without an answer."""
    azure_arm_page_size: int = 100
    """How many subscriptions or accounts Resource Manager lists on a page."""
    azure_characters: int = 1_000
    """Characters charged for each document."""

    def change(self, changes: Mapping[str, Any]) -> None:
        """Apply all changes, or none.

        Raises:
            ValueError: a name is unknown, or a value is not valid.
        """
        kinds = typing.get_type_hints(Settings)
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"{name!r} is not a setting; expected one of {', '.join(sorted(kinds))}")
            if not _fits(value, kinds[name]):
                raise ValueError(f"{value!r} is not a valid {name}; expected {_spelled(kinds[name])}")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings."""
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
