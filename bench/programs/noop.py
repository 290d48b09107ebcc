"""As many dynamic resources as the configuration says that do nothing: what a guard is measured against."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class NoOpProvider(ResourceProvider):
    """Does nothing."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("no-op", props)


class NoOp(Resource, module="no-op", name="NoOp"):
    """Is nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(NoOpProvider(), name, {})


for number in range(pulumi.Config("bench").require_int("count")):
    NoOp(f"guard-{number}")
