"""Read a guard's stored properties, of this or an older release, into ``GuardArguments``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from translation_job_guard.durations import parse_duration
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.properties import DEFAULTS, FORMAT
from translation_job_guard.guard.selectors import SELECTORS, Kind, Selector
from translation_job_guard.jobs import SCOPES, Scope, parse_time
from translation_job_guard.redaction import remember_variable
from translation_job_guard.services import Connection
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.teardown import Mode, TeardownOptions

__all__ = ["GuardArguments", "Protected", "read", "read_connection", "read_scope"]


@dataclass(frozen=True)
class Protected:
    """A resource that must outlive the jobs. ``id`` is None for a component."""

    urn: str
    id: str | None


@dataclass(frozen=True)
class GuardArguments:
    """A guard's stored properties, parsed. Its connection leads to the account that the guard was made for."""

    name: str
    stack: str
    project: str
    connection: Connection
    scopes: tuple[Scope, ...]
    options: TeardownOptions
    protects: tuple[Protected, ...]
    expected_account_id: str | None


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except InvalidArgument:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InvalidArgument(
            f"The guard's stored properties cannot be read ({type(error).__name__}): the state was edited, or was "
            "written by a newer release of translation-job-guard. Install that release, or correct the state "
            "(pulumi stack export, import)."
        ) from error


@_reading()
def read(service: str, properties: Mapping[str, Any]) -> GuardArguments:
    """Read a guard's stored properties.

    Raises:
        InvalidArgument: They cannot be read: the state was edited, or was written by a newer release.
    """
    get = partial(_stored, properties)
    if float(get("format")) > FORMAT:
        raise ValueError("newer format")
    scopes, poll = properties["scope"], get("poll_interval")
    if not isinstance(scopes, Sequence) or not scopes:
        raise ValueError("no scope: a teardown would find nothing to stop, and succeed")
    return GuardArguments(
        name=str(get("name")),
        stack=str(get("stack")),
        project=str(get("project")),
        connection=read_connection(service, properties),
        scopes=tuple(read_scope(service, scope) for scope in scopes),
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


@_reading()
def read_connection(service: str, properties: Mapping[str, Any]) -> Connection:
    """Read where a guard with these properties looks, and where its credentials come from.

    Raises:
        InvalidArgument: They do not tell the place.
    """
    kind = CONNECTIONS[service]
    values = {field.name: _stored(properties, field.name) for field in fields(kind) if field.name != "place"}
    connection = kind(
        str(properties[kind.place_name]),
        **{name: None if value is None else str(value) for name, value in values.items()},
    )
    if connection.secret_env is not None:
        remember_variable(connection.secret_env)
    return connection


@_reading()
def read_scope(service: str, scope: Mapping[str, Any]) -> Scope:
    """Read one stored scope.

    Raises:
        InvalidArgument: It cannot be read in full: a selector that is skipped or misread would widen it.
    """
    selectors = SELECTORS[service]
    given = {
        name: value
        for name, value in scope.items()
        if value is not None and not (selectors[name].kind is Kind.WHOLE and value is False)
    }
    kinds = [selectors[name].kind for name in given]
    if all(kind is Kind.TIME for kind in kinds):
        raise ValueError("a scope without a selector")
    if Kind.WHOLE in kinds and len(kinds) > 1:
        raise ValueError("everything, and another selector")
    return SCOPES[service](**{name: _read_selector(selectors[name], value) for name, value in given.items()})


def _read_selector(selector: Selector, value: Any) -> Any:
    if selector.kind is Kind.TIME:
        return parse_time(value)
    if selector.kind is Kind.WHOLE:
        if value is not True:
            raise ValueError("a flag that is neither true nor false")
        return True
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError("a selector that is not a list of texts")
    return tuple(value)


def _stored(properties: Mapping[str, Any], name: str) -> Any:
    value = properties.get(name)
    return DEFAULTS.get(name) if value is None or value == "" else value
