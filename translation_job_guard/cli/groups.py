"""Let a command take its options in groups, each of them declared once as a frozen dataclass.

typer makes one option of each parameter of a function, and has no groups. Commands are written like this::

    @dataclass(frozen=True)
    class CredentialOptions:
        profile: Annotated[str | None, Option("--profile", help="AWS profile to use.")] = None

    def scan(*, credentials: CredentialOptions) -> int: ...

``flattened(scan)`` is the function for typer: it has the fields of all groups as parameters, and calls ``scan`` with
the groups put together again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar, get_type_hints

__all__ = ["flags", "flattened"]

_R = TypeVar("_R")


def flattened(command: Callable[..., _R]) -> Callable[..., _R]:
    """Return ``command`` with the fields of its groups in place of the groups.

    Raises:
        ValueError: two groups of the command declare the same name.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        parameters += _fields(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]

    @functools.wraps(command)
    def flat(**values: Any) -> _R:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)

    # Where typer looks, with annotations that need no namespace to be read.
    flat.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


def _fields(group: Any) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])


def flags(*groups: type[Any]) -> dict[str, str]:
    """Return the option of each field of some groups: ``--job-id`` for ``job_ids``."""
    # typer keeps the first name that an option declares where other parameters have their default.
    return {one.name: one.annotation.__metadata__[0].default for group in groups for one in _fields(group)}
