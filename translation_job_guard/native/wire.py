"""Decode and encode the values of Pulumi's provider protocol.

Pulumi writes what JSON does not have as a map with a signature: a secret, a resource reference, an output, an asset.
An unknown value is a certain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from translation_job_guard.exported_values import SECRET, SIGNATURE
from translation_job_guard.guard.properties import UNKNOWN

__all__ = ["Opaque", "Reference", "decode", "decode_struct", "encode", "encode_struct"]

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""An unknown value of any type: ``pulumi.runtime.rpc.UNKNOWN``."""
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


@dataclass(frozen=True)
class Reference:
    """A resource that a program gave as a value.

    Attributes:
        urn: Its URN.
        id: Its ID; ``UNKNOWN`` in a preview that makes it, None for a component.
    """

    urn: str
    id: Any


class Opaque:
    """A value that a guard cannot use: an asset, or an archive."""


def decode_struct(struct: Any) -> dict[str, Any]:
    """Return a map of the protocol as plain values, ``UNKNOWN`` and ``Reference`` included. Secrets are in plain text.

    The engine keeps secret what was: it is told that this plugin does not accept secrets.
    """
    return {key: decode(value) for key, value in struct.fields.items()}


def decode(value: Any) -> Any:
    """Return one value of the protocol, as ``decode_struct`` does."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
    if kind == "number_value":
        return value.number_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [decode(element) for element in value.list_value.values]
    if kind == "struct_value":
        return _decode_map(value.struct_value)
    return None


def _decode_map(struct: Any) -> Any:
    fields = struct.fields
    if SIGNATURE not in fields:
        return decode_struct(struct)
    signature = fields[SIGNATURE].string_value
    if signature == SECRET:
        return decode(fields["value"])
    if signature == OUTPUT:
        return decode(fields["value"]) if "value" in fields else UNKNOWN
    if signature == REFERENCE:
        # In a preview the ID of a resource that is to be made is empty.
        return Reference(fields["urn"].string_value, (decode(fields["id"]) or UNKNOWN) if "id" in fields else None)
    return Opaque()


def encode_struct(values: Mapping[str, Any]) -> Any:
    """Return a map of plain values and ``UNKNOWN`` as one of the protocol. What is None is left out."""
    return struct_pb2.Struct(fields={key: encode(value) for key, value in values.items() if value is not None})


def encode(value: Any) -> Any:
    """Return a plain value, or ``UNKNOWN``, as one of the protocol."""
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        fields = {key: encode(one) for key, one in value.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[encode(one) for one in value]))
