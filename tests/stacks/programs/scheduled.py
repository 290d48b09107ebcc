"""The example stack that the configuration names, and a schedule that submits jobs until it is deleted."""

from __future__ import annotations

import json
import sys
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

sys.path[:1] = [str(Path(__file__).parents[3])]


class ScheduleProvider(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        self.ask("PUT", props)
        return CreateResult("schedule", props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        self.ask("DELETE", props)

    def ask(self, method: str, props: dict[str, Any]) -> None:
        data = json.dumps(props["job"]).encode()
        request = urllib.request.Request(props["scheduler"], data, method=method)
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


class Schedule(Resource, module="scheduler", name="Schedule"):
    def __init__(self, name: str, job: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(
            ScheduleProvider(), name, {"scheduler": pulumi.Config().require("scheduler"), "job": job}, opts
        )


which = pulumi.Config().require("stack")
stack = import_module({"aws": "stacks.aws", "azure": "stacks.azure_native"}[which])
if which == "aws":
    job = {"role": stack.role.arn, "source": stack.source.bucket, "target": stack.target.bucket}
else:
    job = {"source": stack.urls[0], "target": stack.urls[1]}

# After the guard in being made, and so before it in being deleted.
Schedule("nightly", job, pulumi.ResourceOptions(depends_on=[stack.guard]))
