"""Errors of botocore, as errors of this package."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    JobNotFound,
    Rejected,
    ServiceError,
    Throttled,
    Transient,
)
from translation_job_guard.redaction import excerpt
from translation_job_guard.services import calling
from translation_job_guard.services.amazon.permissions import STATEMENT
from translation_job_guard.services.reading import retry_after

__all__ = ["call", "service_error"]

# Codes without the word "Exception", which some of them end with at some endpoints.
_THROTTLED: Final = "LimitExceeded RequestLimitExceeded RequestThrottled SlowDown Throttled Throttling TooManyRequests"
_DENIED: Final = "AccessDenied UnauthorizedOperation"
_CREDENTIALS: Final = (
    "ExpiredToken IncompleteSignature InvalidClientTokenId InvalidSignature MissingAuthenticationToken RequestExpired "
    "SignatureDoesNotMatch UnrecognizedClient"
)
_TRANSIENT: Final = "InternalFailure InternalServer RequestTimeout ServiceUnavailable"

_T = TypeVar("_T")


def call(request: Callable[[], _T], permission: str) -> _T:
    """Send one request and return its answer.

    Args:
        request: sends the request and reads what is needed of the answer.
        permission: the IAM action that it needs.

    Raises:
        ServiceError: the request failed.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    translate = partial(service_error, permission=permission)
    operation = _operation(permission)
    return calling.call(request, operation, (ClientError, BotoCoreError), translate, (ResponseParserError,))


def service_error(error: Exception, permission: str) -> ServiceError:
    """Return the error of this package for one of botocore's.

    Args:
        error: a ``ClientError`` or ``BotoCoreError``.
        permission: the IAM action that the request needed.
    """
    import botocore.exceptions as botocore

    operation = _operation(permission)
    if isinstance(error, botocore.ClientError):
        return _refused(error, operation, permission)
    if isinstance(
        error,
        (
            botocore.NoCredentialsError,
            botocore.PartialCredentialsError,
            botocore.CredentialRetrievalError,
            botocore.ProfileNotFound,
            botocore.TokenRetrievalError,
            botocore.SSOError,
            botocore.InvalidConfigError,
            botocore.ConfigParseError,
            # Of `aws login`; newer than the oldest boto3 that is supported.
            getattr(botocore, "LoginError", botocore.SSOError),
        ),
    ):
        return CredentialsUnusable(
            f"{operation}: {excerpt(str(error))}".rstrip(".") + ". Give this environment AWS credentials "
            "(`aws sts get-caller-identity` tells whether it has any).",
            operation=operation,
        )
    transient = (botocore.HTTPClientError, botocore.ConnectionError, botocore.IncompleteReadError)
    return calling.unanswered(error, operation, transient=transient, certificates="AWS_CA_BUNDLE")


def _operation(permission: str) -> str:
    return permission.rpartition(":")[2]


def _refused(error: Any, operation: str, permission: str) -> ServiceError:
    """Return the error for an answer that is one: by its code first, because statuses differ between model and docs."""
    said, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, status = str(said.get("Code", "")), metadata.get("HTTPStatusCode", 0)
    text = f"{operation}: {excerpt(code)}: {excerpt(str(said.get('Message') or ''))}".rstrip(". :") + "."
    kind = code.removesuffix("Exception")
    if kind in _DENIED.split():
        return _denied(text, operation, "sts:AssumeRole" if error.operation_name == "AssumeRole" else permission)
    if kind in _THROTTLED.split() or status == 429:
        after = retry_after(metadata.get("HTTPHeaders", {}).get("retry-after"))
        return Throttled(text, operation=operation, retry_after=after)
    if kind in _CREDENTIALS.split():
        return CredentialsUnusable(f"{text} Renew the AWS credentials of this environment.", operation=operation)
    if kind == "ResourceNotFound":
        return JobNotFound(text, operation=operation)
    return (Transient if kind in _TRANSIENT.split() or status >= 500 else Rejected)(text, operation=operation)


def _denied(text: str, operation: str, missing: str) -> Denied:
    fix = f"add to their IAM policy {json.dumps(STATEMENT)}"
    if missing == "sts:AssumeRole":
        fix = "let the role's trust policy name these credentials, and allow them sts:AssumeRole on it"
    return Denied(f"{text} {missing} is not permitted: {fix}.", operation=operation, permission=missing)
