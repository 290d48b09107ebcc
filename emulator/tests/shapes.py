"""Checks a JSON body against an output shape of botocore's service model, much more strictly than botocore's parser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from translation_job_emulator.amazon_model import compiled


def faults_of(shape: Any, value: Any, path: str = "$") -> Iterator[str]:
    """Everything about a value that its shape does not allow."""
    kind = shape.type_name
    types: dict[str, Any] = {
        "structure": dict,
        "list": list,
        "string": str,
        "integer": int,
        "timestamp": (int, float),
    }
    if not isinstance(value, types[kind]):
        yield f"{path} is {value!r}, not a {kind}"
        return
    size = value if kind == "integer" else None if kind in ("structure", "timestamp") else len(value)
    if size is not None and not shape.metadata.get("min", size) <= size <= shape.metadata.get("max", size):
        yield f"{path} is out of range: {value!r}"
    if kind == "structure":
        yield from (f"{path}.{name} is unknown" for name in value.keys() - shape.members.keys())
        yield from (f"{path}.{name} is missing" for name in set(shape.required_members) - value.keys())
        for name in value.keys() & shape.members.keys():
            yield from faults_of(shape.members[name], value[name], f"{path}.{name}")
    elif kind == "list":
        for number, item in enumerate(value):
            yield from faults_of(shape.member, item, f"{path}[{number}]")
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}, which is not in the enum"
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            yield f"{path} is {value!r}, which is not {pattern}"
