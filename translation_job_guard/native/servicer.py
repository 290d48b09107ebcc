"""Pulumi's provider protocol around ``guard.operations``, and nothing more.

Errors leave as one line by ``context.abort``, failures of a check without the name of the property: under a property's
own name Pulumi would print its value, secrets included.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from translation_job_guard._version import __version__
from translation_job_guard.errors import GuardError, Interrupted, InvalidArgument
from translation_job_guard.guard import operations
from translation_job_guard.guard.changes import Answer
from translation_job_guard.guard.ignored import DECISIVE, blinding
from translation_job_guard.guard.properties import FORMAT, UNKNOWN
from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.native.calls import Calls
from translation_job_guard.native.inputs import Guard, components, prepare, with_identity
from translation_job_guard.native.names import camel, from_wire, in_camel_case, to_wire
from translation_job_guard.native.wire import decode_struct, encode_struct
from translation_job_guard.resource_types import NATIVE_GUARD_TYPES
from translation_job_guard.urns import type_of

__all__ = ["Log", "Servicer", "Severity"]

_T = TypeVar("_T")


class Severity(Enum):
    """How the engine shows a line."""

    INFO = "info"
    WARNING = "warning"


Log = Callable[[Severity, str, str], None]
"""Writes a line to the engine's log: how it is shown, the line, the URN of the resource that it is about."""

_IDENTITY: Final = ("name", "stack", "project", "service")
"""What the URN tells, and is not stored."""
_DECISIVE: Final = frozenset(map(camel, DECISIVE))
_NOT_IMPORTED: Final = (
    "a guard cannot be imported or read by its ID: it exists in the state of its stack only. Declare it in the program "
    "without `import`; `pulumi up` makes it, and changes nothing else."
)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The plugin's methods, named as in Pulumi's protocol. Each may be called from several threads at once.

    Args:
        log: Writes a line to the engine's log.
        schema: The plugin's schema.
    """

    def __init__(self, log: Log, schema: Mapping[str, Any]) -> None:
        self._log = log
        self._schema = schema
        self._calls = Calls()
        self._warned: set[str] = set()
        self._warning = threading.Lock()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - as in all methods here
        """Return the plugin's version."""
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Return the schema."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(self._schema))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Accept any configuration: the plugin has none."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Find no change that matters."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Tell what the plugin can: previews, and resources as values.

        Secrets arrive in plain text, and the engine keeps secret in the state what was.
        """
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=True, acceptOutputs=False
        )

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        """Interrupt what is under way. Also called at the end of every run, when nothing is."""
        self._calls.interrupt()
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Report everything that is wrong with a program's inputs, and return them with defaults and derived scope."""
        guard, given = self._guard(request, context), decode_struct(request.news)

        def work() -> tuple[dict[str, Any], list[str]]:
            properties, found = prepare(guard, given)
            known = [*found, *operations.check(guard.service, with_identity(guard, properties))]
            # A scope that cannot be derived is missing, too: one sentence about each property is enough.
            paths = {problem.path for problem in found}
            failures = [one for one in known if one in found or one.path not in paths]
            return properties, [in_camel_case(str(problem)) for problem in failures]

        properties, failures = self._perform(guard, {}, work, context)
        self._warn_of_components(guard, given)
        return provider_pb2.CheckResponse(
            # What cannot be used cannot always be encoded.
            inputs=request.news if failures else encode_struct(to_wire(properties)),
            failures=[provider_pb2.CheckFailure(property="", reason=reason) for reason in failures],
        )

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Decide what a change needs, with one line about the jobs that it would stop."""
        guard = self._guard(request, context)
        olds, news = self._properties(guard, request.olds), self._properties(guard, request.news)

        def work() -> Any:
            if frozen := blinding(request.ignoreChanges, _DECISIVE):
                raise InvalidArgument(
                    f"ignoreChanges of {', '.join(frozen)} would keep the guard at jobs and resources that are no "
                    "longer the stack's. Leave it out."
                )
            return operations.diff(guard.service, request.id, olds, news)

        decision = self._perform(guard, olds, work, context)
        names = {*olds, *news} - {"account_id", "format", *_IDENTITY}
        changed = sorted(camel(name) for name in names if olds.get(name) != news.get(name))
        changes = decision.answer is not Answer.KEEP
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed if changes else [],
            replaces=[camel(name) for name in decision.because],
            deleteBeforeReplace=decision.delete_first,
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Prove that the guard can do its work; starts and stops nothing. A preview asks nobody."""
        guard = self._guard(request, context)
        given = self._properties(guard, request.properties, request.timeout)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_outputs(guard, request.properties, {"account_id": UNKNOWN}))
        id_, made = self._perform(guard, given, lambda: operations.create(guard.service, given), context)
        return provider_pb2.CreateResponse(id=id_, properties=_outputs(guard, request.properties, made))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Stop what a changed scope leaves behind; refuse credentials that lead to another account."""
        guard = self._guard(request, context)
        olds = self._properties(guard, request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_outputs(guard, request.news, olds))
        news = self._properties(guard, request.news, request.timeout)
        made = self._perform(guard, news, lambda: operations.update(guard.service, olds, news), context)
        return provider_pb2.UpdateResponse(properties=_outputs(guard, request.news, made))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Tear down the guard whose properties are in the state."""
        guard = self._guard(request, context)
        stored = self._properties(guard, request.properties, request.timeout)
        self._perform(guard, stored, lambda: operations.delete(guard.service, stored), context)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return what is stored: nothing of a guard changes by itself. Refuse an import."""
        guard = self._guard(request, context)
        if not request.properties.fields:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"[{guard.stack}/{guard.name}] {_NOT_IMPORTED}")
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def _guard(self, request: Any, context: Any) -> Guard:
        """Return the guard that a request is about; abort if it is about another type of resource."""
        type_ = type_of(request.urn)
        if type_ not in NATIVE_GUARD_TYPES:
            known = " and ".join(NATIVE_GUARD_TYPES)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{type_} is not a resource of this plugin; it has {known}")
        return Guard(request.urn, NATIVE_GUARD_TYPES[type_])

    def _properties(self, guard: Guard, struct: Any, timeout: float = 0.0) -> dict[str, Any]:
        return with_identity(guard, from_wire(decode_struct(struct)), timeout)

    def _perform(self, guard: Guard, props: Mapping[str, Any], work: Callable[[], _T], context: Any) -> _T:
        """Return ``work``'s result; abort the call with its error in one line, by the names of the wire."""

        def write(line: str) -> None:
            self._log(Severity.INFO, in_camel_case(line), guard.urn)

        identified = with_identity(guard, props)
        try:
            return self._calls.perform(lambda: operations.in_one_line(identified, work), write)
        except Interrupted as error:
            text = str(error)
            if not text.startswith("["):
                text = f"[{guard.stack}/{guard.name}] {text}"
        except GuardError as error:
            text = str(error)
        # Raises, which ends the call.
        context.abort(grpc.StatusCode.UNKNOWN, in_camel_case(text))
        raise AssertionError("abort raises")

    def _warn_of_components(self, guard: Guard, given: Mapping[str, Any]) -> None:
        with self._warning:
            if guard.urn in self._warned or not (names := components(given)):
                return
            self._warned.add(guard.urn)
        for name in names:
            self._log(
                Severity.WARNING,
                f"[{guard.stack}/{guard.name}] protects the component {name}, and a plugin does not know the resources "
                "in it: a replacement in it is not noticed. Protect its resources themselves, or change triggers when "
                "you replace one",
                guard.urn,
            )


def _outputs(guard: Guard, inputs: Any, made: Mapping[str, Any]) -> Any:
    """Return what is stored of a guard: its inputs as they were checked, and what the guard found out."""
    found: dict[str, Any] = {"format": FORMAT}
    if guard.service == AMAZON_TRANSLATE:
        found["account_id"] = made.get("account_id")
    outputs = encode_struct(to_wire(found))
    for name, value in inputs.fields.items():
        outputs.fields[name].CopyFrom(value)
    return outputs
