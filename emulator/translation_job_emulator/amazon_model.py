"""Checks requests against botocore's service model, as the service does and the client does not."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

TARGET_PREFIX = "AWSShineFrontendService_20170701"
OPERATIONS = (
    "StartTextTranslationJob",
    "StopTextTranslationJob",
    "DescribeTextTranslationJob",
    "ListTextTranslationJobs",
)


class Malformed(Exception):
    """The body cannot be read as the operation's input at all."""


@functools.cache
def service_model() -> Any:
    """Return botocore's model of Amazon Translate."""
    # Imported here, because importing botocore and reading the model takes half a second.
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("translate", "service-2"), "translate")


@functools.cache
def input_shape(operation: str) -> Any:
    """Return the shape of what an operation takes."""
    return service_model().operation_model(operation).input_shape


@functools.cache
def error_status(code: str) -> int | None:
    """Return the HTTP status that the model gives an error, or None if the service does not declare the error."""
    if code not in service_model().shape_names:
        return None
    return int(service_model().shape_for(code).metadata["error"]["httpStatusCode"])


def violations(operation: str, request: Any) -> list[str]:
    """Return what is wrong with a request, in the words that AWS uses.

    Raises:
        Malformed: a value has the wrong type.
    """
    return list(_check(input_shape(operation), request, ""))


def _check(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        _expect(isinstance(value, dict), path, "structure")
        for name in shape.required_members:
            if value.get(name) is None:
                yield _failed(None, _join(path, name), "Member must not be null")
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _check(member, value[name], _join(path, name))
    elif kind == "list":
        _expect(isinstance(value, list), path, "list")
        yield from _check_size(shape, len(value), value, path, "length")
        for number, item in enumerate(value, start=1):
            yield from _check(shape.member, item, f"{path}.{number}.member")
    elif kind == "string":
        _expect(isinstance(value, str), path, "string")
        yield from _check_size(shape, len(value), value, path, "length")
        if shape.enum and value not in shape.enum:
            yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    elif kind in ("integer", "long"):
        _expect(isinstance(value, int) and not isinstance(value, bool), path, kind)
        yield from _check_size(shape, value, value, path, "value")
    elif kind == "timestamp":
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), path, kind)


def _check_size(shape: Any, size: int, value: Any, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _failed(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _failed(value, path, f"Member must have {what} less than or equal to {most}")


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of the model, which is written for Java, for Python."""
    # Python has no \p{..}. This model uses \p{L} and \p{N} only together and with "_": that is \w.
    spaces = " \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
    classes = {r"\p{L}": r"\w", r"\p{N}": "", r"\p{Z}": spaces, r"\P{M}\p{M}": r"\s\S"}
    for theirs, ours in {**classes, r"\p{ASCII}": r"[\x00-\x7f]"}.items():
        pattern = pattern.replace(theirs, ours)
    # AWS reads a hyphen after a class (`[a-z0-9-_]`, `\w...-%`) as a hyphen; Python warns, or reads a range.
    return re.compile(pattern.replace("0-9-_", r"0-9\-_").replace("0-9:/_-", r"0-9:/_\-"))


def _expect(right: bool, path: str, kind: str) -> None:
    if not right:
        raise Malformed(f"{path or 'The request'} is not a {kind}.")


def _failed(value: Any, path: str, constraint: str) -> str:
    shown = "" if value is None else f" '{value}'"
    return f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name
