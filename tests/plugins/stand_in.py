"""What the stand-in plugins share: Pulumi's provider protocol over a table of resource types and functions.

The engine starts a plugin with its own address, and reads a port from the first line of its output.
"""

from __future__ import annotations

import functools
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a text that is not known yet: `pulumi.runtime.rpc.UNKNOWN`, which would import all of the SDK."""

Properties = dict[str, Any]
Function = Callable[[Properties], Properties]

DEFAULTS = "__defaults"
"""Where the inputs say which of them the provider chose: a name that Pulumi made, unlike a fixed one."""

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Kind(ABC):
    """A resource type: its rules as data, and what is done at the service."""

    name: str | None = None
    """The property that is made up from the resource's name where the program leaves it out."""
    replaced_by: frozenset[str] = frozenset()
    """The properties whose change the service cannot do on a resource that exists."""
    known_after: tuple[str, ...] = ()
    """The outputs that preview cannot know, with dots for what is inside of others."""

    def made_up_name(self, logical_name: str, random: str) -> str:
        return f"{logical_name}-{random[:7]}"

    def delete_first(self, inputs: Properties) -> bool:
        """Whether a replacement deletes the old resource before it makes the new one."""
        return self.name is not None and self.name not in inputs.get(DEFAULTS, [])

    def default_inputs(self, inputs: Properties) -> Properties:  # noqa: ARG002 - for those that have some
        """Further inputs that the real provider fills in."""
        return {}

    @abstractmethod
    def create(self, inputs: Properties) -> str:
        """Make the resource, and return its ID."""

    def update(self, id_: str, olds: Properties, inputs: Properties) -> None:
        raise NotImplementedError(f"{type(self).__name__} {id_} cannot be updated")

    @abstractmethod
    def outputs(self, id_: str, inputs: Properties) -> Properties | None:
        """Every output as the service has it, or None if the resource is gone."""

    @abstractmethod
    def delete(self, id_: str, state: Properties) -> None:
        """Delete the resource. That it is already gone is not an error."""


def _plainly(method: _Method) -> _Method:
    """Show an error of the service to the user as the service wrote it, without a traceback."""

    @functools.wraps(method)
    def call(self: StandIn, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except Exception as error:
            return context.abort(grpc.StatusCode.UNKNOWN, str(error) or repr(error))

    return call  # type: ignore[return-value]


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """A provider plugin of the given resource types (by token) and functions (by token)."""

    def __init__(self, version: str, configure: Callable[[Properties], None]) -> None:
        self._version = version
        self._configure = configure
        self.kinds: Mapping[str, Kind] = {}
        self.functions: Mapping[str, Function] = {}

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - as in all methods of the protocol
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.DiffResponse(changes=_changes(request.olds != request.news))

    @_plainly
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._configure(_read(request.args))
        # Without secrets: the engine keeps secret what was, by the properties' names.
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    @_plainly
    def Check(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        kind, olds, inputs = self._kind(request.urn), _read(request.olds), _read(request.news)
        if kind.name is not None and not inputs.get(kind.name):
            kept = olds[kind.name] if kind.name in olds.get(DEFAULTS, []) else None
            inputs[kind.name] = kept or kind.made_up_name(_name(request.urn), request.randomSeed.hex())
            inputs[DEFAULTS] = [kind.name]
        inputs = {**kind.default_inputs(inputs), **inputs}
        return provider_pb2.CheckResponse(inputs=_written(inputs))

    @_plainly
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        kind, olds, news = self._kind(request.urn), _read(request.old_inputs), _read(request.news)
        changed = [
            name
            for name in sorted({*olds, *news} - {DEFAULTS, *request.ignoreChanges})
            if olds.get(name) != news.get(name)
        ]
        replaced = [name for name in changed if name in kind.replaced_by]
        return provider_pb2.DiffResponse(
            changes=_changes(bool(changed)),
            diffs=changed,
            replaces=replaced,
            deleteBeforeReplace=bool(replaced) and kind.delete_first(news),
        )

    @_plainly
    def Create(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        kind, inputs = self._kind(request.urn), _read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_foreseen(kind, {}, inputs))
        id_ = kind.create(inputs)
        return provider_pb2.CreateResponse(id=id_, properties=_written(_present(kind, id_, inputs)))

    @_plainly
    def Update(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        kind, olds, inputs = self._kind(request.urn), _read(request.olds), _read(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_foreseen(kind, olds, inputs))
        kind.update(request.id, olds, inputs)
        return provider_pb2.UpdateResponse(properties=_written(_present(kind, request.id, inputs)))

    @_plainly
    def Read(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        inputs = _read(request.inputs)
        found = self._kind(request.urn).outputs(request.id, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=_written(found), inputs=request.inputs)

    @_plainly
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._kind(request.urn).delete(request.id, _read(request.properties))
        return empty_pb2.Empty()

    @_plainly
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        function = self.functions.get(request.tok)
        if function is None:
            raise NotImplementedError(f"the stand-in has no function {request.tok}")
        return provider_pb2.InvokeResponse(**{"return": _written(function(_read(request.args)))})

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def _kind(self, urn: str) -> Kind:
        token = urn.split("::")[2].rpartition("$")[2]
        if token not in self.kinds:
            raise NotImplementedError(f"the stand-in has no resource type {token}")
        return self.kinds[token]


def serve(plugin: StandIn) -> None:
    """Answers the engine until it ends this process."""
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(grace=None)


def _name(urn: str) -> str:
    return urn.split("::")[3]


def _read(struct: Any) -> Properties:
    return dict(json_format.MessageToDict(struct))


def _written(properties: Properties) -> Any:
    # By way of JSON: it refuses what Pulumi could not store either, such as a date.
    return json_format.ParseDict(json.loads(json.dumps(properties)), struct_pb2.Struct())


def _changes(changed: bool) -> Any:
    return provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE


def _present(kind: Kind, id_: str, inputs: Properties) -> Properties:
    found = kind.outputs(id_, inputs)
    if found is None:
        raise LookupError(f"{id_} is not there after it was made")
    return found


def _foreseen(kind: Kind, olds: Properties, inputs: Properties) -> Any:
    """Return the outputs as far as preview knows them: those of an existing resource stay the same."""
    unknown: Properties = {}
    for path in kind.known_after:
        *outer, name = path.split(".")
        functools.reduce(lambda inside, one: inside.setdefault(one, {}), outer, unknown)[name] = UNKNOWN
    given = {name: value for name, value in inputs.items() if name != DEFAULTS}
    return _written(_merged(_merged(unknown, olds), given))


def _merged(below: Properties, above: Properties) -> Properties:
    both = {
        name: _merged(below[name], value) if isinstance(value, dict) and isinstance(below.get(name), dict) else value
        for name, value in above.items()
    }
    return {**below, **both}
