"""Check single values of a guard's arguments.

Each check returns None for a valid value, and otherwise what is wrong with it: the end of a sentence whose subject is
the property. It never repeats the value, which may be a secret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from translation_job_guard.durations import parse_duration
from translation_job_guard.jobs import parse_time
from translation_job_guard.redaction import looks_like_key
from translation_job_guard.services import is_loopback
from translation_job_guard.teardown import Mode

__all__ = [
    "ACCOUNT_ID",
    "API_VERSION",
    "JOB_ID",
    "PROFILE",
    "REGION",
    "RESOURCE_ID",
    "ROLE_ARN",
    "UUID",
    "Check",
    "boolean",
    "container_url",
    "duration",
    "job_name",
    "key_env",
    "mode",
    "s3_uri",
    "time",
    "url",
]

Check = Callable[[Any], "str | None"]


def _matching(pattern: str, reason: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and compiled.fullmatch(value) else reason


# No wildcards: an ARN is compared as it is, and one with * would match no job.
ROLE_ARN: Final = _matching(
    r"arn:aws(-[a-z]+)*:iam::\d{12}:role/[^\s*?]+",
    "is not a valid ARN of an IAM role; expected arn:aws:iam::123456789012:role/name",
)
REGION: Final = _matching(r"[a-z]{2,}(-[a-z]+)+-\d+", 'is not a valid AWS region; expected for instance "eu-west-1"')
ACCOUNT_ID: Final = _matching(r"\d{12}", "is not a valid AWS account ID; expected its 12 digits as text")
PROFILE: Final = _matching(r".*\S.*", "is not a valid profile; expected its name")
JOB_ID: Final = _matching(r"\S{1,32}", "is not a valid job ID; expected at most 32 characters without spaces")
API_VERSION: Final = _matching(
    r"\d{4}-\d{2}-\d{2}(-preview)?", 'is not a valid API version; expected for instance "2024-05-01"'
)
RESOURCE_ID: Final = _matching(
    r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+",
    "is not a valid resource ID of a Cognitive Services account; expected "
    "/subscriptions/…/providers/Microsoft.CognitiveServices/accounts/name",
)
UUID: Final = _matching(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "is not a valid translation ID; expected a UUID"
)
_VARIABLE: Final = _matching(
    r"[A-Za-z_][A-Za-z0-9_]{0,127}",
    "is not a valid name of an environment variable; expected the variable's name, never the key",
)

_SIGNED: Final = re.compile(
    r"(?i)(?:^|[?&;])\s*(?:sig|signature|x-amz-(?:signature|credential|security-token)|awsaccesskeyid)="
)
"""A parameter of a signed URL: a SAS, or what S3 presigns by version 4 or 2."""
_QUERY: Final = (
    "must not have a query string; expected the URL up to the question mark, because a SAS or AWS signature would be "
    "stored in the state"
)
_EMPTY_FOLDER: Final = (
    "has an empty part (//), which would widen the scope; expected a path without it. Most likely an output that it "
    "was made from resolved to nothing"
)


def boolean(value: Any) -> str | None:
    """Check a flag."""
    return None if isinstance(value, bool) else "is not a valid flag; expected true or false"


def mode(value: Any) -> str | None:
    """Check what a guard does when it is deleted."""
    modes = [known.value for known in Mode]
    return None if value in modes else f"is not a valid mode; expected one of {', '.join(modes)}"


def duration(value: Any) -> str | None:
    """Check a duration: a number of seconds, or text such as ``"15m"``."""
    try:
        parse_duration(value)
    except ValueError as error:
        return str(error)
    return None


def time(value: Any) -> str | None:
    """Check a point in time."""
    try:
        parse_time(value)
    except (AttributeError, TypeError, ValueError):
        return 'is not a valid time; expected RFC 3339 with a time zone, for instance "2025-01-31T12:00:00Z"'
    return None


def job_name(value: Any) -> str | None:
    """Check how the names of jobs begin."""
    if not isinstance(value, str):
        return "is not a valid job name prefix; expected text"
    # A prefix that no name has would match no job, and every teardown would find nothing to do: "pr-*", and what
    # Pulumi makes of an output in an f-string.
    if not all(char in "_.:/=+-%@" or unicodedata.category(char)[0] in "LMNZ" for char in value):
        return "has characters that no job name has; expected how names begin, without a * at its end"
    return None


def key_env(value: Any) -> str | None:
    """Check the name of an environment variable that holds a key: the key itself would be stored in the state."""
    if isinstance(value, str) and _is_key(value):
        return "looks like a key; expected the name of an environment variable that holds the key, never the key"
    return _VARIABLE(value)


def _is_key(text: str) -> bool:
    """Check whether a text is a key rather than the name of a variable: longer, or more mixed, than names are."""
    text = text.strip("_")
    if re.fullmatch(r"[A-Z]{1,79}\d{0,3}|[a-z]{1,79}\d{0,3}", text):
        return False
    return looks_like_key(text) or bool(re.fullmatch(r"(?=.*\d)[0-9A-Fa-f]{24,}|[A-Za-z0-9]{80,}", text))


def url(value: Any) -> str | None:
    """Check what any URL of a guard must be: https, or http to loopback, and nothing secret in it."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        return "is not a valid URL; expected one with its scheme, https://…"
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return _UNPARSED
    if parts.username is not None or parts.password is not None:
        return "must not have a user name or password; credentials come from the environment"
    # A signature counts even where its question mark was encoded.
    if parts.query or parts.fragment or value.endswith(("?", "#")) or _SIGNED.search(_decoded(value)):
        return _QUERY
    if not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+", host or ""):
        return _UNPARSED
    if parts.scheme == "http" and not is_loopback(value):
        return "is not a valid URL; expected https, because http is only for an emulator on this machine's loopback"
    return None


_UNPARSED: Final = "is not a valid URL; expected a host name or address, and a port number if any"


def container_url(value: Any) -> str | None:
    """Check the URL of a blob container, or of a folder in it."""
    if reason := url(value):
        return reason
    path = urlsplit(value).path
    if not path.strip("/"):
        return "is not a valid container URL; expected https://account.blob.core.windows.net/container"
    return _never_matches(_decoded(path), "*") or (_EMPTY_FOLDER if "//" in path else None)


def s3_uri(value: Any) -> str | None:
    """Check the URI of a bucket, or of a folder in it."""
    # Keys are not percent-encoded: decoded only to find a signature, which follows a question mark.
    if isinstance(value, str) and "?" in (decoded := _decoded(value)) and _SIGNED.search(decoded):
        return _QUERY
    if not isinstance(value, str) or not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", value):
        return "is not a valid S3 URI; expected s3://bucket/ or s3://bucket/folder/"
    if reason := _never_matches(value.removeprefix("s3://"), "*?"):
        return reason
    return _EMPTY_FOLDER if value.endswith("//") else None


def _never_matches(path: str, wildcards: str) -> str | None:
    # Paths are compared as text, not as patterns.
    if any(wildcard in path for wildcard in wildcards):
        return "has a wildcard, which would match nothing; expected the folder above it, which covers all below it"
    if any(part in (".", "..") for part in path.split("/")):
        return 'has a "." or ".." part, which would match nothing; expected the path without it'
    return None


def _decoded(text: str) -> str:
    """Return ``text`` without percent-encoding, however often it was encoded."""
    while (once := unquote(text)) != text:
        text = once
    return text
