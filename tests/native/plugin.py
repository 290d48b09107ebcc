"""The plugin's servicer in this process, called over gRPC as the engine calls it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from translation_job_guard.emulator import Emulator
from translation_job_guard.exported_values import SECRET, SIGNATURE
from translation_job_guard.native import wire
from translation_job_guard.native.schema import schema
from translation_job_guard.native.servicer import Servicer, Severity

AMAZON = "translation-job-guard:index:AmazonTranslateJobGuard"
AZURE = "translation-job-guard:index:AzureDocumentTranslationJobGuard"
ROLE, BUCKET = "aws:iam/role:Role", "aws:s3/bucket:Bucket"
UNKNOWN = wire.UNKNOWN_TEXT


def urn(type_: str, name: str = "jobs") -> str:
    return f"urn:pulumi:dev::app::{type_}::{name}"


def reference(type_: str, name: str, id_: str | None = "") -> dict[str, Any]:
    """A resource as the engine hands it over; in a preview that makes it its ID is empty, a component has none."""
    found = {SIGNATURE: wire.REFERENCE, "urn": urn(type_, name), "packageVersion": ""}
    return found if id_ is None else {**found, "id": id_}


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


class Refused(Exception):
    """What the engine shows of a call that failed."""


@dataclass
class Plugin:
    """Calls the plugin with plain values, and returns plain values. ``lines`` is the engine's log."""

    emulator: Emulator
    lines: list[tuple[Severity, str, str]] = field(default_factory=list)

    def __enter__(self) -> Plugin:
        # What a change would do is said once for each ID and process.
        self.id = f"guard-{uuid.uuid4()}"
        self._server = grpc.server(ThreadPoolExecutor(max_workers=16))
        servicer = Servicer(lambda *line: self.lines.append(line), schema("https://example.com/releases"))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self._server.stop(grace=None).wait()

    def amazon(self, **changes: Any) -> dict[str, Any]:
        """The inputs of a guard, by their names on the wire. None takes one out."""
        given = {
            "region": "eu-west-1",
            "scope": [{"jobNamePrefixes": ["pr-17-"]}],
            "quietPeriod": "0.1s",
            "endpointUrl": self.emulator.url,
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def azure(self, **changes: Any) -> dict[str, Any]:
        given = {
            "endpoint": self.emulator.azure_endpoint("translator"),
            "scope": [{"containerUrls": ["https://a.blob.core.windows.net/dev"]}],
            "quietPeriod": "0.1s",
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def check(self, inputs: dict[str, Any], type_: str = AMAZON) -> tuple[dict[str, Any], list[str]]:
        """The checked inputs, and the failures."""
        request = provider_pb2.CheckRequest(urn=urn(type_), news=_struct(inputs))
        answer = self._call("Check", request)
        assert all(not failure.property for failure in answer.failures), "Pulumi would print the property's value"
        return _values(answer.inputs), [failure.reason for failure in answer.failures]

    def checked(self, inputs: dict[str, Any], type_: str = AMAZON) -> dict[str, Any]:
        found, failures = self.check(inputs, type_)
        assert failures == []
        return found

    def create(
        self, inputs: dict[str, Any], type_: str = AMAZON, *, preview: bool = False, timeout: float = 0.0
    ) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(
            urn=urn(type_), properties=_struct(inputs), preview=preview, timeout=timeout
        )
        answer = self._call("Create", request)
        return answer.id, _values(answer.properties)

    def made(self, inputs: dict[str, Any], type_: str = AMAZON) -> dict[str, Any]:
        """The stored properties of a guard that was checked and made."""
        return self.create(self.checked(inputs, type_), type_)[1]

    def diff(
        self, olds: dict[str, Any], news: dict[str, Any], type_: str = AMAZON, ignored: tuple[str, ...] = ()
    ) -> Any:
        request = provider_pb2.DiffRequest(
            id=self.id, urn=urn(type_), olds=_struct(olds), news=_struct(news), ignoreChanges=ignored
        )
        return self._call("Diff", request)

    def update(
        self, olds: dict[str, Any], news: dict[str, Any], type_: str = AMAZON, *, preview: bool = False
    ) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            id="guard-1", urn=urn(type_), olds=_struct(olds), news=_struct(news), preview=preview
        )
        return _values(self._call("Update", request).properties)

    def delete(self, stored: dict[str, Any], type_: str = AMAZON, timeout: float = 0.0) -> None:
        request = provider_pb2.DeleteRequest(id="guard-1", urn=urn(type_), properties=_struct(stored), timeout=timeout)
        self._call("Delete", request)

    def read(self, stored: dict[str, Any], type_: str = AMAZON) -> dict[str, Any]:
        request = provider_pb2.ReadRequest(id="guard-1", urn=urn(type_), properties=_struct(stored))
        return _values(self._call("Read", request).properties)

    def cancel(self) -> None:
        self._call("Cancel", empty_pb2.Empty())

    def said(self) -> str:
        return "\n".join(line for _, line, _ in self.lines)

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.stub, method)(request, timeout=60)
        except grpc.RpcError as error:
            raise Refused(error.details()) from None


def _struct(values: dict[str, Any]) -> Any:
    return wire.encode_struct(values)


def _values(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The values as they are on the wire: numbers are floats, and what is unknown is a certain text."""
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [_value(one) for one in value.list_value.values]
    if kind == "struct_value":
        return _values(value.struct_value)
    return None if kind == "null_value" else getattr(value, kind)
