"""Define every error that this package raises.

::

    GuardError
    ├── InvalidArgument            an argument, option or environment variable cannot be used (also a ValueError)
    ├── MissingExtra               a package that is needed is not installed
    ├── WrongAccount               the credentials lead to another account than the guard was made for
    ├── Interrupted                somebody interrupted the work; the same command continues it
    ├── UnexpectedError            an exception of another package, which this one does not handle
    ├── ServiceError               a request to a service failed
    │   ├── Throttled              too many requests: a retry succeeds later
    │   ├── Transient              server error, dropped connection, name not resolved: a retry may succeed
    │   │   └── StaleAnswer        every answer came from a cache
    │   ├── Abandoned              nobody waits for the answer any more
    │   ├── Denied                 the credentials are valid, and not permitted to do this
    │   ├── CredentialsUnusable    none found, expired, or not accepted
    │   ├── JobNotFound            the service knows no such job
    │   └── Rejected               any other refusal, for instance to stop what has ended
    └── TeardownError              a teardown did not reach quiet; carries its report (defined in ``teardown``)
        ├── TeardownTimeout        time ran out with jobs in flight, or before that was known
        ├── TeardownRefused        mode fail, and jobs are in flight
        └── CannotTell             what is in flight cannot be found out, or stopping is not permitted
            └── Undecided          batches are in flight of which it is not known whether they are in scope

The last line of a message is what a user of Pulumi sees first: it says what happened, and what to do.
"""

from __future__ import annotations

from translation_job_guard.redaction import excerpt

__all__ = [
    "Abandoned",
    "CredentialsUnusable",
    "Denied",
    "GuardError",
    "Interrupted",
    "InvalidArgument",
    "JobNotFound",
    "MissingExtra",
    "Rejected",
    "ServiceError",
    "StaleAnswer",
    "Throttled",
    "Transient",
    "UnexpectedError",
    "WrongAccount",
]


class GuardError(Exception):
    """Base of all errors of this package.

    Args:
        message: What happened, and what to do wherever it happens.
        advice: What to do in a Pulumi operation. It ends the message; code that reports the error elsewhere replaces
            it.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(f"{message} {advice}" if advice else message)
        self.advice = advice

    @property
    def happened(self) -> str:
        """The message without its advice."""
        return str(self).removesuffix(self.advice).rstrip()


class InvalidArgument(GuardError, ValueError):
    """An argument, option or environment variable is not valid; the message names it, and says what is expected."""


class MissingExtra(GuardError):
    """A package that is needed is not installed; the message has the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f'{what} needs packages that are not installed here: pip install "translation-job-guard[{extra}]"'
        )


class WrongAccount(GuardError):
    """The credentials lead to another account than the guard was made for."""


class Interrupted(GuardError):
    """Somebody interrupted the work. Nothing is lost: the same command goes on from there."""

    def __init__(self, message: str = "interrupted: run the same command again.") -> None:
        super().__init__(message)


class UnexpectedError(GuardError):
    """An exception of another package that this one does not handle. The message has its type and its text."""

    def __init__(self, error: BaseException, doing: str, advice: str) -> None:
        try:
            said = excerpt(str(error)).rstrip(". ")
        except Exception:
            said = ""
        kind = type(error).__name__
        super().__init__(f"{doing} failed unexpectedly: {kind}{f': {said}' if said else ''}.", advice=advice)


class ServiceError(GuardError):
    """A request to a service failed. ``operation`` is the service's own name for the request."""

    def __init__(self, message: str, *, operation: str = "") -> None:
        super().__init__(message)
        self.operation = operation


class Throttled(ServiceError):
    """Too many requests. ``retry_after`` is in seconds, if the service said it."""

    def __init__(self, message: str, *, operation: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, operation=operation)
        self.retry_after = retry_after


class Transient(ServiceError):
    """A failure that a retry may cure; it is not known whether the request took effect."""


class StaleAnswer(Transient):
    """Every answer came from a cache, so the present state is not known."""


class Abandoned(ServiceError):
    """The request was not sent, because nobody waits for its answer any more."""


class Denied(ServiceError):
    """The credentials are valid, and not permitted to do this. ``permission`` names what is missing."""

    def __init__(self, message: str, *, operation: str = "", permission: str = "") -> None:
        super().__init__(message, operation=operation)
        self.permission = permission


class CredentialsUnusable(ServiceError):
    """No credentials were found, or they have expired, or the service does not accept them."""


class JobNotFound(ServiceError):
    """The service knows no such job."""


class Rejected(ServiceError):
    """Any other refusal; the job's present state decides what it means."""
