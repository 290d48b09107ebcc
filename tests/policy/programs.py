"""Runs a Pulumi program in this process by the real SDKs, and records what it registers as the engine would show it."""

from __future__ import annotations

import warnings
from typing import Any

import pulumi
from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime import mocks

from tests.policy.support import ACCOUNT, REGION, Resource
from tests.support.loops import own_loops

_ID = "/subscriptions/s/resourceGroups/g/providers"


class _Cloud(mocks.Mocks):
    """Gives each resource the outputs that the rules and the guards use."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        token, name, inputs = args.typ, args.name, dict(args.inputs)
        id_ = f"{name}-id"
        if token == "aws:iam/role:Role":
            inputs = {"name": name, **inputs, "arn": f"arn:aws:iam::{ACCOUNT}:role/{inputs.get('name', name)}"}
        elif token == "aws:s3/bucket:Bucket":
            inputs = {"bucket": name, "region": REGION, "arn": f"arn:aws:s3:::{name}", **inputs}
        elif token == "azure-native:cognitiveservices:Account":
            id_ = f"{_ID}/Microsoft.CognitiveServices/accounts/{name}"
            inputs["properties"] = {**inputs.get("properties", {}), "endpoint": self._endpoint}
        return id_, inputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"no program here calls {args.token}")


class _Recorder(mocks.MockMonitor):
    def __init__(self, cloud: _Cloud) -> None:
        super().__init__(cloud)
        self.found: dict[str, tuple[Resource, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - of gRPC
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        properties = {**json_format.MessageToDict(request.object), **json_format.MessageToDict(response.object)}
        self.found[response.urn] = Resource(request.type, request.name, properties), request
        return response


def run(source: str, endpoint: str = "https://translator.cognitiveservices.azure.com/") -> list[Resource]:
    """The resources of the program `source`. `endpoint` is what an Azure account answers."""
    recorder = _Recorder(_Cloud(endpoint))
    pulumi.runtime.set_all_config({"aws:region": REGION})
    with own_loops(), warnings.catch_warnings():
        # Importing pulumi_aws names its own deprecated types.
        warnings.simplefilter("ignore", DeprecationWarning)
        mocks.set_mocks(recorder.mocks, project="shop", stack="dev", preview=False, monitor=recorder)
        program = mocks.test(lambda: exec(compile(source, "program", "exec"), {"__name__": "__main__"}))  # type: ignore[no-untyped-call]
        program()
    pulumi.runtime.set_all_config({})
    for resource, request in recorder.found.values():
        resource.depends = [recorder.found[urn][0] for urn in request.dependencies]
        resource.flows = {
            name: [recorder.found[urn][0] for urn in used.urns if urn in recorder.found]
            for name, used in request.propertyDependencies.items()
        }
    return [resource for resource, _ in recorder.found.values() if resource.type != "pulumi:pulumi:Stack"]
