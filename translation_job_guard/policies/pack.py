"""Start a pack that reads only the resources that matter to translation jobs.

The handler of pulumi-policy converts every resource of a stack once for each rule: about 15 ms a rule for 1,000
resources, whatever the rule does with them. The rules of this package read a few types of resources, and the graph of
what those depend on. So in a pack that has only these rules, a filter in front of the handler leaves out the rest.

The filter works on the gRPC interface between the engine and every pack, and is put in place where the generated code
registers a handler with its server. pulumi-policy offers no other way. A version of it that registers its handler
differently bypasses the filter: the pack then takes longer, and finds the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import Policy, PolicyPack

from translation_job_guard.policies.nodes import kind_of
from translation_job_guard.resource_types import GUARD_TYPES
from translation_job_guard.services.calling import without_collection

__all__ = ["RelevantResources", "start"]


def start(name: str, policies: list[Policy]) -> None:
    """Run a pack whose policies are all of this package, until its process is ended."""
    register = analyzer_pb2_grpc.add_AnalyzerServicer_to_server

    def register_filtered(handler: Any, server: Any) -> None:
        register(RelevantResources(handler), server)  # type: ignore[arg-type]

    analyzer_pb2_grpc.add_AnalyzerServicer_to_server = register_filtered  # type: ignore[assignment]
    try:
        PolicyPack(name, policies)
    finally:
        analyzer_pb2_grpc.add_AnalyzerServicer_to_server = register


class RelevantResources:
    """The handler of a pack, which is shown only the resources that the rules of this package read."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._reports_configuration = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Judge a guard, and the first resource of a stack: there the rules report errors in their configuration."""
        if request.type not in GUARD_TYPES and not self._reports_configuration:
            return analyzer_pb2.AnalyzeResponse()
        self._reports_configuration = False
        return self._handler.Analyze(request, context)

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Remediate a guard."""
        if request.type not in GUARD_TYPES:
            return analyzer_pb2.RemediateResponse()
        return self._handler.Remediate(request, context)

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Judge a stack without the resources that no rule reads."""
        self._reports_configuration = True
        relevant = analyzer_pb2.AnalyzeStackRequest(resources=_relevant(request.resources))
        # The handler makes many objects and no cycles: looking for garbage takes up to a third of the time.
        with without_collection():
            return self._handler.AnalyzeStack(relevant, context)


def _relevant(resources: Iterable[Any]) -> list[Any]:
    """Return the resources that a rule reads, and what they depend on: deletion order goes through any type."""
    by_urn = {one.urn: one for one in resources}
    # The first one as well: every URN tells which stack it is, and a rule needs one.
    relevant = set(list(by_urn)[:1])
    waiting = [urn for urn, one in by_urn.items() if kind_of(one.type) is not None]
    while waiting:
        urn = waiting.pop()
        one = by_urn.get(urn)
        if one is not None and urn not in relevant:
            relevant.add(urn)
            waiting += [one.parent, *one.dependencies]
            waiting += [source for sources in one.propertyDependencies.values() for source in sources.urns]
    return [one for urn, one in by_urn.items() if urn in relevant]
