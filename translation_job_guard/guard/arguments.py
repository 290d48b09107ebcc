"""Validate and parse guard arguments: the properties of a guard as they are stored.

``problems`` checks new properties, in preview too, where some are unknown; ``read`` makes a ``GuardArguments`` of
stored ones. Both know the stored format, nothing else does. Reasons never repeat a value: it may be a secret.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from translation_job_guard.durations import parse_duration
from translation_job_guard.errors import InvalidArgument, MissingExtra
from translation_job_guard.guard.properties import DEFAULTS, FORMAT, UNKNOWN
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, SCOPES, Scope, parse_time
from translation_job_guard.redaction import looks_like_key, remember_variable
from translation_job_guard.services import Connection, is_loopback
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.teardown import Mode, TeardownOptions
from translation_job_guard.teardown.schedule import FASTEST_POLL

__all__ = [
    "GuardArguments",
    "Problem",
    "Protected",
    "missing_packages",
    "problems",
    "read",
    "read_connection",
    "read_scope",
    "scope_field",
]


@dataclass(frozen=True)
class Problem:
    """An argument that a guard cannot take. ``path`` as in the program: ``scope.container_urls[0]``."""

    path: str
    reason: str


@dataclass(frozen=True)
class Protected:
    """A resource that must outlive the jobs. ``id`` is None for a component."""

    urn: str
    id: str | None


@dataclass(frozen=True)
class GuardArguments:
    """A guard's stored properties, read. Its connection leads to the account that the guard was made for."""

    name: str
    stack: str
    project: str
    connection: Connection
    scopes: tuple[Scope, ...]
    options: TeardownOptions
    protects: tuple[Protected, ...]
    expected_account_id: str | None


_Check = Callable[[Any], "str | None"]


@dataclass(frozen=True)
class _Field:
    """One selector of a scope: its name in the program, whether it is a list, and what a value of it must be."""

    name: str
    check: _Check
    many: bool = True
    selects: bool = True
    whole: bool = False


def _pattern(pattern: str, reason: str) -> _Check:
    compiled = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and compiled.fullmatch(value) else reason


def _moment(value: Any) -> str | None:
    try:
        parse_time(value)
    except (AttributeError, TypeError, ValueError):
        return 'is not a valid time; expected RFC 3339 with a time zone, for instance "2025-01-31T12:00:00Z"'
    return None


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be True or False"


def _duration(value: Any) -> str | None:
    try:
        parse_duration(value)
    except ValueError as error:
        return str(error)
    return None


def _s3_uri(value: Any) -> str | None:
    # Keys are not percent-encoded: decoded only to find a signature, which follows a question mark.
    if isinstance(value, str) and "?" in (decoded := _decoded(value)) and _SIGNED.search(decoded):
        return _QUERY
    if not isinstance(value, str) or not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", value):
        return "is not a valid S3 URI; expected s3://bucket/ or s3://bucket/folder/"
    if reason := _never_matches(value.removeprefix("s3://"), "*?"):
        return reason
    return _EMPTY_FOLDER if value.endswith("//") else None


def _url(value: Any) -> str | None:
    """Check what any URL of a guard must be: https, or http to loopback, and nothing secret in it."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        return "is not a valid URL; expected one with its scheme, https://…"
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "is not a valid URL: its host or port cannot be parsed"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password: credentials come from the environment"
    # A signature is one also where its question mark was encoded.
    if parts.query or parts.fragment or value.endswith(("?", "#")) or _SIGNED.search(_decoded(value)):
        return _QUERY
    if not re.fullmatch(r"[\w.-]+|[0-9a-f:.]+", host or ""):
        return "is not a valid URL: its host or port cannot be parsed"
    if parts.scheme == "http" and not is_loopback(value):
        return "must be https: http is for an emulator on this machine's loopback only"
    return None


_SIGNED: Final = re.compile(
    r"(?i)(?:^|[?&;])\s*(?:sig|signature|x-amz-(?:signature|credential|security-token)|awsaccesskeyid)="
)
"""A parameter of a signed URL: a SAS, or what S3 presigns by version 4 or 2."""
_QUERY: Final = (
    "must not have a query string: a SAS or AWS signature would be stored in the state. Give the URL up to the "
    "question mark"
)


def _decoded(text: str) -> str:
    """Return ``text`` without percent-encoding, however often it was encoded."""
    while (once := unquote(text)) != text:
        text = once
    return text


def _never_matches(path: str, wildcards: str) -> str | None:
    """Explain why nothing is ever found below ``path``: what is compared is the text, and no pattern."""
    if any(wildcard in path for wildcard in wildcards):
        return "has a wildcard, which would match nothing: give the folder above it, which covers all below it"
    if any(part in (".", "..") for part in path.split("/")):
        return 'has a "." or ".." part, which would match nothing: give the path without it'
    return None


def _container_url(value: Any) -> str | None:
    if reason := _url(value):
        return reason
    path = urlsplit(value).path
    if not path.strip("/"):
        return "has no container; expected https://account.blob.core.windows.net/container"
    return _never_matches(_decoded(path), "*") or (_EMPTY_FOLDER if "//" in path else None)


def _is_key(text: str) -> bool:
    """Check whether a text is rather a key than a variable's name: a longer stretch than names have, or mixed more."""
    text = text.strip("_")
    if re.fullmatch(r"[A-Z]{1,79}\d{0,3}|[a-z]{1,79}\d{0,3}", text):
        return False
    return looks_like_key(text) or bool(re.fullmatch(r"(?=.*\d)[0-9A-Fa-f]{24,}|[A-Za-z0-9]{80,}", text))


def _key_env(value: Any) -> str | None:
    if isinstance(value, str) and _is_key(value):
        return "looks like a key; expected the name of an environment variable that holds the key, never the key"
    return _VARIABLE(value)


def _job_name(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    # What no name has would match no job, and every teardown would find nothing to do: "pr-*", and what Pulumi makes
    # of an output in an f-string.
    if not all(char in "_.:/=+-%@" or unicodedata.category(char)[0] in "LMNZ" for char in value):
        return "has characters that no job's name has: write how names begin, without a * at its end"
    return None


_EMPTY_FOLDER: Final = (
    "has an empty part (//): the output that it was made from resolved to nothing, and the scope would be wider"
)
# No wildcards: an ARN is compared as it is, and one with * would match no job.
_ROLE_ARN = _pattern(
    r"arn:aws(-[a-z]+)*:iam::\d{12}:role/[^\s*?]+",
    "is not a valid ARN of an IAM role; expected arn:aws:iam::123456789012:role/name",
)
_REGION_FORM = _pattern(r"[a-z]{2,}(-[a-z]+)+-\d+", 'is not a valid AWS region; expected for instance "eu-west-1"')
_ACCOUNT = _pattern(r"\d{12}", "is not a valid AWS account id; expected its 12 digits as text")
_API_VERSION = _pattern(
    r"\d{4}-\d{2}-\d{2}(-preview)?", 'is not a valid api-version; expected for instance "2024-05-01"'
)
_VARIABLE = _pattern(
    r"[A-Za-z_][A-Za-z0-9_]{0,127}",
    "is not a valid name of an environment variable; expected the variable's name, never the key",
)
_RESOURCE_ID = _pattern(
    r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+",
    "is not a valid resource id of a Cognitive Services account; expected the account's id "
    "(/subscriptions/…/providers/Microsoft.CognitiveServices/accounts/name)",
)
_UUID = _pattern(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "is not a valid translation id; expected a UUID"
)

_SCOPE_FIELDS: Final[Mapping[str, Sequence[_Field]]] = {
    AMAZON_TRANSLATE: (
        _Field("data_access_role_arns", _ROLE_ARN),
        _Field("s3_uri_prefixes", _s3_uri),
        _Field("job_name_prefixes", _job_name),
        _Field(
            "job_ids", _pattern(r"\S{1,32}", "is not a valid job id; expected at most 32 characters without spaces")
        ),
        _Field("submitted_after", _moment, many=False, selects=False),
        _Field("whole_region", _boolean, many=False, whole=True),
    ),
    AZURE_DOCUMENT_TRANSLATION: (
        _Field("translation_ids", _UUID),
        _Field("container_urls", _container_url),
        _Field("source_container_urls", _container_url),
        _Field("target_container_urls", _container_url),
        _Field("created_after", _moment, many=False, selects=False),
        _Field("whole_resource", _boolean, many=False, whole=True),
    ),
}

_MODES = ", ".join(mode.value for mode in Mode)
_COMMON: Final[Mapping[str, _Check]] = {
    "on_delete": lambda value: (
        None if value in [mode.value for mode in Mode] else f"is not a valid mode; expected one of {_MODES}"
    ),
    "grace_period": _duration,
    "timeout": _duration,
    "quiet_period": _duration,
    "poll_interval": _duration,
}
_OWN: Final[Mapping[str, Mapping[str, _Check]]] = {
    AMAZON_TRANSLATE: {
        "region": _REGION_FORM,
        "expected_account_id": _ACCOUNT,
        "assume_role_arn": _ROLE_ARN,
        "endpoint_url": _url,
        "profile": _pattern(r".*\S.*", "is empty: leave it out, or name a profile"),
    },
    AZURE_DOCUMENT_TRANSLATION: {
        "endpoint": _url,
        "undecided_timeout": _duration,
        "api_version": _API_VERSION,
        "key_env": _key_env,
        "account_resource_id": _RESOURCE_ID,
    },
}
_MISSING_SCOPE: Final = {
    AMAZON_TRANSLATE: "name the jobs that this guard answers for",
    AZURE_DOCUMENT_TRANSLATION: (
        "it is not derived from a Translator account, which may be shared. Write "
        "AzureDocumentTranslationScope(whole_resource=True) for an account of this environment's own, or name the "
        "containers or ids of this guard's batches"
    ),
}
_MISSING_PLACE: Final = {
    AMAZON_TRANSLATE: "set region, or `pulumi config set aws:region …`",
    AZURE_DOCUMENT_TRANSLATION: "give the Translator resource's endpoint",
}


def scope_field(service: str) -> Sequence[str]:
    """The names of the selectors of a service's scope."""
    return [field.name for field in _SCOPE_FIELDS[service]]


def problems(service: str, properties: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with new properties, as far as it is known. ``UNKNOWN`` values are let pass.

    Args:
        service: ``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``.
        properties: as the resource registers them.
    """
    found: list[Problem] = []
    required = CONNECTIONS[service].place_name
    if properties.get(required) in (None, ""):
        found.append(Problem(required, f"is missing: {_MISSING_PLACE[service]}"))
    for name, check in {**_COMMON, **_OWN[service]}.items():
        value = properties.get(name)
        if value is None or value is UNKNOWN or (name == required and value == ""):
            continue
        if value == "":
            found.append(Problem(name, "came out empty: the output it was made from resolved to nothing"))
        elif reason := check(value):
            found.append(Problem(name, reason))
    if not {problem.path for problem in found} & _COMMON.keys():
        found += _between_durations(properties)
    if not {problem.path for problem in found} & {"region", "endpoint_url"}:
        found += _region_problems(properties)
    found += _scope_problems(service, properties.get("scope"))
    if not _storable(properties.get("triggers")):
        found.append(
            Problem(
                "triggers",
                "must be text, numbers, lists and maps of them: an asset or resource could not be read from the state "
                "again, not even to delete the guard. Give a hash of the file, or the resource's id",
            )
        )
    return found


def _storable(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_storable, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_storable, value))
    return value is None or value is UNKNOWN or isinstance(value, (str, bool, int, float))


def _between_durations(properties: Mapping[str, Any]) -> Iterable[Problem]:
    def seconds(name: str) -> float | None:
        value = properties.get(name)
        value = DEFAULTS[name] if value is None else value
        return None if value is UNKNOWN or value is None else parse_duration(value)

    timeout, quiet, grace, poll = map(seconds, ("timeout", "quiet_period", "grace_period", "poll_interval"))
    if timeout is not None:
        if timeout <= 0:
            yield Problem("timeout", "must be longer than nothing: the teardown would fail at once")
        elif quiet is not None and quiet >= timeout:
            yield Problem("quiet_period", "must be shorter than timeout, or the teardown can never succeed")
        if grace and grace + (quiet or 0) >= timeout:
            yield Problem(
                "grace_period", "must be shorter than timeout less quiet_period, or the teardown can never succeed"
            )
    if poll is not None and poll < FASTEST_POLL:
        yield Problem("poll_interval", f"must be at least {FASTEST_POLL} s: a listing costs the whole account's quota")


def _region_problems(properties: Mapping[str, Any]) -> Iterable[Problem]:
    """Refuse a region that botocore does not know: `up` would wait for its host name until ``timeout``."""
    region, endpoint = properties.get("region"), properties.get("endpoint_url")
    # An emulator on loopback has any region, and an endpoint that is not known yet may be one.
    if (
        region in (None, UNKNOWN)
        or endpoint is UNKNOWN
        or (isinstance(endpoint, str) and endpoint and is_loopback(endpoint))
    ):
        return
    known = _known_regions()
    if known and region not in known:
        import difflib

        near = difflib.get_close_matches(str(region), known, n=3, cutoff=0.7)
        yield Problem(
            "region",
            "is not a region that the installed botocore knows; "
            + (f"did you mean {' or '.join(near)}? " if near else "expected for instance eu-west-1. ")
            + "For a region that is newer, upgrade boto3",
        )


@functools.cache
def _known_regions() -> frozenset[str]:
    """Return the regions of all partitions by botocore's own data, unread by botocore; empty where it is missing."""
    # Importing botocore takes longer than all other checks together.
    package = importlib.util.find_spec("botocore")
    if package is None or package.origin is None:
        return frozenset()
    try:
        data = json.loads((Path(package.origin).parent / "data" / "partitions.json").read_text(encoding="utf-8"))
        return frozenset(region for partition in data["partitions"] for region in partition["regions"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()  # another layout of another release: what cannot be known is not refused


def missing_packages(service: str) -> MissingExtra | None:
    """Return the error that says how to install a service's packages; None if they are there. Imports none of them."""
    needs = CONNECTIONS[service]
    return None if all(map(_is_installed, needs.packages)) else MissingExtra(needs.title, needs.extra)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False  # its parent is missing


def _scope_problems(service: str, scopes: Any) -> Iterable[Problem]:
    if scopes is UNKNOWN:
        return
    if not isinstance(scopes, Sequence) or isinstance(scopes, str) or not scopes:
        yield Problem("scope", f"is missing: {_MISSING_SCOPE[service]} ({_selectors(service)})")
        return
    for index, scope in enumerate(scopes):
        where = "scope" if len(scopes) == 1 else f"scope[{index}]"
        if scope is UNKNOWN:
            continue
        if not isinstance(scope, Mapping):
            yield Problem(where, "is not a valid scope; expected a mapping of selectors")
            continue
        yield from _one_scope(service, where, scope)


def _one_scope(service: str, where: str, scope: Mapping[str, Any]) -> Iterable[Problem]:
    fields = {field.name: field for field in _SCOPE_FIELDS[service]}
    # A flag that is False was not given.
    given = [name for name in scope if name in fields and not (fields[name].whole and scope[name] is False)]
    for name in set(scope) - set(fields):
        yield Problem(f"{where}.{name}", f"is not a selector of this service; expected one of {_selectors(service)}")
    if not any(fields[name].selects for name in given):
        yield Problem(where, f"has no selector, and would be nothing or everything: give {_selectors(service)}")
    whole = next((name for name in given if fields[name].whole), None)
    if whole is not None and len(given) > 1 and scope[whole] is not UNKNOWN:
        yield Problem(
            f"{where}.{whole}",
            "cannot stand with another selector: leave it out to narrow the scope, or leave out the others to "
            "answer for every job there",
        )
    for name in given:
        yield from _selector_problems(f"{where}.{name}", fields[name], scope[name])


def _selector_problems(path: str, field: _Field, value: Any) -> Iterable[Problem]:
    empty = "came out empty: an output that it was made from resolved to nothing. Leave it out, or give a value"
    if value is UNKNOWN:
        return
    if not field.many:
        reason = empty if value in (None, "") else field.check(value)
        if reason:
            yield Problem(path, reason)
        return
    if value is None or value == "" or (isinstance(value, Sequence) and not value):
        yield Problem(path, empty)
        return
    if isinstance(value, str) or not isinstance(value, Sequence):
        yield Problem(path, "must be a list")
        return
    for index, element in enumerate(value):
        if element is UNKNOWN:
            continue
        nothing = element is None or (isinstance(element, str) and not element.strip())
        reason = empty if nothing else field.check(element)
        if reason:
            yield Problem(f"{path}[{index}]", reason)


def _selectors(service: str) -> str:
    return ", ".join(field.name for field in _SCOPE_FIELDS[service])


def read(service: str, properties: Mapping[str, Any]) -> GuardArguments:
    """Read stored properties, of this or an older release.

    Raises:
        InvalidArgument: they are not a guard's: the state was edited, or was written by a newer release.
    """
    remedy = (
        ": the state was edited, or was written by a newer release of translation-job-guard. Install that release, or "
        "correct the state (pulumi stack export, import)"
    )
    with _reading("The guard's stored properties", remedy):
        return _read(service, properties)


def read_connection(service: str, properties: Mapping[str, Any]) -> Connection:
    """Read where a guard with these properties looks, and by which credentials.

    Raises:
        InvalidArgument: they do not tell the place.
    """
    with _reading(f"The stored {CONNECTIONS[service].place_name}"):
        return _read_connection(service, properties)


def read_scope(service: str, scope: Mapping[str, Any]) -> Scope:
    """Read one stored scope.

    Raises:
        InvalidArgument: it is none.
    """
    with _reading("The stored scope"):
        return _read_scope(service, scope)


@contextmanager
def _reading(what: str, remedy: str = "") -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InvalidArgument(f"{what} cannot be read ({type(error).__name__}){remedy}.") from error


def _stored(properties: Mapping[str, Any], name: str) -> Any:
    value = properties.get(name)
    return DEFAULTS.get(name) if value is None or value == "" else value


def _read_connection(service: str, properties: Mapping[str, Any]) -> Connection:
    made = CONNECTIONS[service]
    values = {field.name: _stored(properties, field.name) for field in fields(made) if field.name != "place"}
    connection = made(
        str(properties[made.place_name]),
        **{name: None if value is None else str(value) for name, value in values.items()},
    )
    if connection.secret_env is not None:
        remember_variable(connection.secret_env)
    return connection


def _read(service: str, properties: Mapping[str, Any]) -> GuardArguments:
    get = partial(_stored, properties)
    if float(get("format")) > FORMAT:
        raise ValueError("newer format")
    poll = get("poll_interval")
    return GuardArguments(
        name=str(get("name")),
        stack=str(get("stack")),
        project=str(get("project")),
        connection=_read_connection(service, properties),
        scopes=_read_scopes(service, properties["scope"]),
        options=TeardownOptions(
            mode=Mode(get("on_delete")),
            grace_period=parse_duration(get("grace_period")),
            timeout=parse_duration(get("timeout")),
            quiet_period=parse_duration(get("quiet_period")),
            poll_interval=None if poll is None else parse_duration(poll),
            undecided_timeout=parse_duration(get("undecided_timeout")),
        ),
        protects=tuple(Protected(one["urn"], one.get("id")) for one in get("protects")),
        expected_account_id=get("expected_account_id"),
    )


def _read_scopes(service: str, scopes: Any) -> tuple[Scope, ...]:
    if not isinstance(scopes, Sequence) or not scopes:
        raise ValueError("no scope: a teardown would find nothing to stop, and succeed")
    return tuple(_read_scope(service, scope) for scope in scopes)


def _read_scope(service: str, scope: Mapping[str, Any]) -> Scope:
    # Strict: a selector that is skipped or misread would widen the scope.
    fields = {field.name: field for field in _SCOPE_FIELDS[service]}
    values = {
        name: _read_selector(fields[name], value)
        for name, value in scope.items()
        if value is not None and not (fields[name].whole and value is False)
    }
    if not any(fields[name].selects for name in values):
        raise ValueError("a scope without a selector")
    if len(values) > 1 and any(fields[name].whole for name in values):
        raise ValueError("everything, and another selector")
    return SCOPES[service](**values)


def _read_selector(field: _Field, value: Any) -> Any:
    if field.many:
        if not isinstance(value, (list, tuple)) or not value or not all(isinstance(one, str) and one for one in value):
            raise ValueError("a selector that is no list of texts")
        return tuple(value)
    if field.whole:
        if value is not True:
            raise ValueError("a flag that is neither true nor false")
        return True
    return parse_time(value)
