"""The ready pack: its filter, in front of the handler and in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from tests.policy import support
from tests.policy.stacks.case import Case
from tests.policy.support import Resource, amazon_guard, bucket, judge, role
from tests.policy.test_golden import CASES, OFFLINE
from translation_job_guard.policies import NAMES, pack, policies
from translation_job_guard.policies.pack import RelevantResources

COMPONENT = Resource("shop:index:Documents", "component", {})
OTHER = Resource("aws:sqs/queue:Queue", "queue", {"name": "queue"}, parent=COMPONENT)


class Recording:
    """A handler that notes which resources it is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def Analyze(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.shown.append(request.name)
        return analyzer_pb2.AnalyzeResponse()

    Remediate = Analyze

    def AnalyzeStack(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.shown += [one.name for one in request.resources]
        return analyzer_pb2.AnalyzeResponse()


@pytest.mark.parametrize("case", CASES)
def test_the_filter_changes_no_finding(case: Case) -> None:
    """The golden stacks without it; they run with it elsewhere."""
    config = {**OFFLINE, **case.config}
    assert judge(case.build(), config, filtered=False) == judge(case.build(), config)


def test_the_handler_sees_what_rules_read_and_their_dependencies() -> None:
    """Deletion order goes through resources of any type; what only depends on a role is no rule's business."""
    first = Resource("pulumi:pulumi:Stack", "shop-dev", {})
    translate, between = role(), Resource("random:index/randomId:RandomId", "between", {})
    between.depends.append(translate)
    made_from = Resource("tls:index/privateKey:PrivateKey", "made-from", {})
    guard = amazon_guard(translate, depends=[between])
    guard.parent = COMPONENT
    guard.flows["triggers"] = [made_from]
    handler = Recording()
    resources = [first, translate, between, made_from, COMPONENT, OTHER, guard]
    RelevantResources(handler).AnalyzeStack(support.stack_request(resources), None)
    assert handler.shown == ["shop-dev", "translate", "between", "made-from", "component", "guard"]


def test_the_handler_judges_guards_and_the_first_resource() -> None:
    """At the first one of each validation, rules report errors in their configuration."""
    handler = Recording()
    filtered = RelevantResources(handler)
    requests = [support.resource_request(one) for one in (OTHER, bucket(), amazon_guard(bucket()))]
    for request in requests:
        filtered.Analyze(request, None)
    filtered.AnalyzeStack(support.stack_request([]), None)
    for request in requests:
        filtered.Analyze(request, None)
    assert handler.shown == ["queue", "guard", "queue", "guard"]
    for request in requests:
        filtered.Remediate(request, None)
    assert handler.shown[4:] == ["guard"]


@pytest.fixture
def process() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The ready pack as Pulumi starts it."""
    with subprocess.Popen([sys.executable, "policy"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(running.stdout.readline())}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            running.kill()


def test_the_process_of_the_ready_pack_answers_the_engine(process: analyzer_pb2_grpc.AnalyzerStub) -> None:
    """Through the filter, with real gRPC: what it passes on and what it answers itself."""
    info = process.GetAnalyzerInfo(empty_pb2.Empty(), timeout=60)
    assert tuple(policy.name for policy in info.policies) == NAMES
    guard = amazon_guard(bucket(), on_delete="ignore")
    config = analyzer_pb2.ConfigureAnalyzerRequest()
    for name in OFFLINE:
        config.policyConfig[name].enforcementLevel = analyzer_pb2.DISABLED
    process.Configure(config, timeout=60)
    [found] = process.Analyze(support.resource_request(guard), timeout=60).diagnostics
    assert found.policyName == "guard-cancels-on-delete"
    assert not process.Analyze(support.resource_request(role()), timeout=60).diagnostics
    [found] = process.AnalyzeStack(support.stack_request([role(), OTHER]), timeout=60).diagnostics
    assert found.policyName == "translation-resources-guarded"


def test_a_pulumi_policy_that_registers_otherwise_is_unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pack runs as any other, and the generated code is left as it was."""
    started: list[Any] = []
    register = analyzer_pb2_grpc.add_AnalyzerServicer_to_server
    monkeypatch.setattr(pack, "PolicyPack", lambda name, policies: started.append((name, policies)))
    own = policies()
    pack.start("pack", own)
    assert started == [("pack", own)]
    assert analyzer_pb2_grpc.add_AnalyzerServicer_to_server is register
