"""Reach a service: retry transient errors, and abandon what does not answer in time.

Nothing but this package's own errors is raised: any other exception becomes an ``UnexpectedError``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import Abandoned, GuardError, ServiceError, Throttled, Transient, UnexpectedError
from translation_job_guard.guard.environment import ON_DELETE
from translation_job_guard.guard.host import current_host
from translation_job_guard.guard.progress import Voice
from translation_job_guard.jobs import counted
from translation_job_guard.services import Connection
from translation_job_guard.services.reading import LONGEST_WAIT, Reads
from translation_job_guard.threads import each

__all__ = ["add_advice", "in_time", "is_transient", "retried", "unexpected"]

_T = TypeVar("_T")

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 10.0

_ADVICE: Final = (
    "Check the environment variables and files that set credentials, endpoints, proxies and certificates, and run the "
    f"same command again. If that cannot be done, {ON_DELETE}=ignore goes on without looking (docs/runbook.md)."
)


def retried(
    connection: Connection,
    work: Callable[[Reads], _T],
    patience: Callable[[ServiceError], float],
    voice: Voice,
    *,
    within: float,
) -> _T:
    """Return ``work``'s result; retry it for as many seconds as ``patience`` gives its error.

    Args:
        connection: Where ``work`` sends its requests.
        work: Is called with the reads that it may send; may hang.
        patience: Returns for how many seconds since the first attempt an error is retried.
        voice: Says that the guard waits.
        within: Seconds after which ``work`` is abandoned.

    Raises:
        Transient: ``work`` was abandoned.
        GuardError: The last error of ``work``.
    """
    started = time.monotonic()
    pause, attempts = _FIRST_PAUSE, 1
    while True:
        try:
            result = in_time(_with_own_errors(work, connection), started + within)
            if result is not None:
                return result
            raise Transient(
                f"no answer came in {format_duration(within)} from the service, or from where the credentials are "
                "looked for."
            )
        except ServiceError as error:
            elapsed, limit = time.monotonic() - started, patience(error)
            if elapsed + pause > limit:
                if attempts > 1:
                    add_advice(
                        error, f"It was asked {counted(attempts, 'time', 'times')} in {format_duration(elapsed)}."
                    )
                raise
            _say_waiting(voice, connection, error, attempts, elapsed, limit)
            ordered = min((error.retry_after if isinstance(error, Throttled) else None) or 0.0, LONGEST_WAIT)
            current_host().sleep(ordered if ordered > pause and elapsed + ordered <= limit else pause)
            pause, attempts = min(pause * 2, _LONGEST_PAUSE), attempts + 1


def in_time(work: Callable[[Reads], _T], deadline: float) -> _T | None:
    """Return ``work``'s result; None if it was not done by the deadline, on ``time.monotonic``'s clock."""
    # In a thread, because SDKs may ask for credentials where nothing answers. No read begins after the deadline.
    reads = Reads(until=deadline)
    results = each(lambda _: work(reads), [None], workers=1, deadline=deadline)
    try:
        return next((result for _, result in results), None)
    except Abandoned:
        return None  # the thread noticed the deadline first


def is_transient(error: BaseException) -> bool:
    """Check whether an error may pass by itself, whatever it is about."""
    return isinstance(error, (Transient, Throttled))


def unexpected(error: BaseException, connection: Connection) -> UnexpectedError:
    """Return the error of this package for an exception of another one."""
    return UnexpectedError(error, f"reaching the jobs in {connection.place}", _ADVICE)


def add_advice(error: GuardError, text: str) -> None:
    """Append a sentence to an error's message."""
    error.args = (f"{error} {text}", *error.args[1:])


def _with_own_errors(work: Callable[[Reads], _T], connection: Connection) -> Callable[[Reads], _T]:
    def work_in_thread(reads: Reads) -> _T:
        try:
            return work(reads)
        except GuardError:
            raise
        # In a thread nothing means this process: an SDK's exit ends the thread and nothing else.
        except BaseException as error:
            raise unexpected(error, connection) from error

    return work_in_thread


def _say_waiting(
    voice: Voice, connection: Connection, error: ServiceError, attempts: int, elapsed: float, limit: float
) -> None:
    hint = f" If {connection.place} is mistyped, correct it." if isinstance(error, Transient) else ""
    voice.say_waiting(
        f"not ready yet, asked again ({attempts}); {format_duration(elapsed)} so far, "
        f"{format_duration(limit - elapsed)} left: {error}{hint}",
        news=f"{type(error).__name__} {error.operation}",
    )
