"""How service modules call an SDK: limits of each request, and errors of this package for whatever the SDK raises."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from translation_job_guard.errors import GuardError, MissingExtra, Rejected, ServiceError, Transient
from translation_job_guard.redaction import excerpt

__all__ = ["CONNECTIONS", "CONNECT_TIMEOUT", "READ_TIMEOUT", "call", "opening", "unanswered", "without_collection"]

CONNECT_TIMEOUT: Final = 5
"""Seconds that a request waits for a connection."""
READ_TIMEOUT: Final = 20
"""Seconds that a request waits for more of its answer."""
CONNECTIONS: Final = 40
"""Connections that a client keeps open: more than a teardown has threads."""

_UNREADABLE: Final[tuple[type[Exception], ...]] = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_T = TypeVar("_T")


def call(
    request: Callable[[], _T],
    operation: str,
    sdk_errors: tuple[type[Exception], ...],
    translate: Callable[[Exception], ServiceError],
    unreadable: tuple[type[Exception], ...] = (),
) -> _T:
    """Send one request and return its answer.

    Args:
        request: sends the request and reads what is needed of the answer.
        operation: the service's name of the operation, for errors.
        sdk_errors: what the SDK raises.
        translate: makes an error of this package of it.
        unreadable: what the SDK raises for an answer that it cannot parse.

    Raises:
        ServiceError: the request failed, whatever raised which exception for it.
    """
    try:
        return request()
    except ServiceError:
        raise
    except sdk_errors as error:
        raise translate(error) from error
    except _UNREADABLE + unreadable as error:
        said = f"{type(error).__name__}: {excerpt(str(error))}"
        raise Transient(
            f"{operation}: the answer cannot be read ({said}); is there a proxy between?", operation=operation
        ) from error
    except Exception as error:
        raise _unexpected(error, operation) from error


def unanswered(
    error: Exception, operation: str, *, transient: tuple[type[Exception], ...], certificates: str
) -> ServiceError:
    """Return the error of this package for a request that got no answer.

    Args:
        error: what the SDK raised.
        operation: the service's name of the operation.
        transient: what the SDK raises where another attempt may succeed.
        certificates: the environment variable that names trusted certificates.
    """
    text = f"{operation}: {excerpt(str(error))}".rstrip(".") + "."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Rejected(f"{text} Set {certificates} to the certificates of the proxy between.", operation=operation)
    return (Transient if isinstance(error, transient) else Rejected)(text, operation=operation)


@contextmanager
def opening(what: str, extra: str) -> Iterator[None]:
    """Turn what fails while a client is made into errors of this package.

    Args:
        what: what needs the packages.
        extra: the extra of this package that installs them.

    Raises:
        MissingExtra: a package is not installed.
        ServiceError: the SDK cannot use the environment.
    """
    try:
        yield
    except GuardError:
        raise
    except ImportError as error:
        raise MissingExtra(what, extra) from error
    except Exception as error:
        raise _unexpected(error, "configuration") from error


def _unexpected(error: Exception, operation: str) -> GuardError:
    """Return the error for an environment that an SDK cannot use: no retry helps, but the environment can be corrected.

    Examples: a token or certificate file that does not exist, a credential process that prints no JSON, an endpoint
    without a scheme.
    """
    if isinstance(error, MissingExtra):
        return error
    said = excerpt(str(error))
    return Rejected(
        f"{operation}: {type(error).__name__}: {said}".rstrip(". ") + ". Check the environment variables and the files "
        "that set credentials, endpoints, proxies and certificates.",
        operation=operation,
    )


@contextmanager
def without_collection() -> Iterator[None]:
    """Do without garbage collection what makes many objects that stay: the import of an SDK, for instance.

    Python would walk everything that Pulumi has in memory again and again. That takes up to a third of an import, and
    the import is most of what a guard without jobs costs.
    """
    if not gc.isenabled():
        # Also while another thread is in here, which enables it again.
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
