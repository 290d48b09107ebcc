"""A role by a stand-in, which has several ways to be called and to be replaced, and a guard that protects it.

Configured by the test: `shape` is what is special about this program.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

config = pulumi.Config("test")
shape = config.get("shape") or "plain"


class StandInProvider(ResourceProvider):
    """A role that is replaced create-first by another name; its id is made of the name, as an IAM role's is."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['name']}-id", props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        renamed = olds["name"] != news["name"]
        return DiffResult(changes=renamed, replaces=["name"] if renamed else [])


class StandIn(Resource, module="stand-in", name="StandIn"):
    def __init__(self, resource_name: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(StandInProvider(), resource_name, {"name": name}, opts)


class Platform(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("my:index:Platform", name, None, opts)


def retain(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True))
    return pulumi.ResourceTransformationResult(args.props, opts)


if shape == "retained":
    pulumi.runtime.register_stack_transformation(retain)

options = pulumi.ResourceOptions()
if shape == "renamed":
    options = pulumi.ResourceOptions(aliases=[pulumi.Alias(name="role")])
elif shape == "another parent":
    options = pulumi.ResourceOptions(
        parent=Platform("platform"), aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
    )
platform = Platform("platform") if shape == "component" else None
if platform is not None:
    options = pulumi.ResourceOptions(parent=platform)
role = StandIn("translator" if shape == "renamed" else "role", config.get("role") or "translate-dev", options)
guard_options = pulumi.ResourceOptions()
if shape == "deleted with":
    guard_options = pulumi.ResourceOptions(parent=Platform("platform", pulumi.ResourceOptions(deleted_with=role)))
AmazonTranslateJobGuard(
    "guard",
    region="eu-west-1",
    scope=AmazonTranslateScope(job_name_prefixes=["dev-"]),
    protects=[] if shape == "unprotected" else [platform or role],
    triggers=[config.get("release") or "1"],
    quiet_period=0.2,
    endpoint_url=config.require("emulator"),
    opts=guard_options,
)
