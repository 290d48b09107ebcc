"""A role, its policy and a bucket by stand-ins, and a guard over the role's jobs. Configured by the test."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

config = pulumi.Config("test")


class StandInProvider(ResourceProvider):
    """A resource with a fixed name: another name is another resource, as with IAM roles and buckets."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        arn = f"arn:aws:iam::123456789012:role/{props['name']}"
        return CreateResult(f"{props['name']}-id", {**props, "arn": arn})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        renamed = olds["name"] != news["name"]
        return DiffResult(
            changes=renamed,
            replaces=["name"] if renamed else [],
            delete_before_replace=news["order"] == "delete-first",
        )


class StandIn(Resource, module="stand-in", name="StandIn"):
    arn: pulumi.Output[str]

    def __init__(self, resource_name: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        properties = {"name": name, "order": config.get("order") or "create-first", "arn": None}
        super().__init__(StandInProvider(), resource_name, properties, opts)


role = StandIn("role", config.get("role") or "translate-dev")
policy = StandIn("policy", "read-write", pulumi.ResourceOptions(depends_on=[role]))
bucket = StandIn("bucket", "documents")
by_role = config.get("scope") != "names"
guard = AmazonTranslateJobGuard(
    "guard",
    region="eu-west-1",
    scope=AmazonTranslateScope(data_access_role_arns=[role.arn])
    if by_role
    else AmazonTranslateScope(job_name_prefixes=["dev-"]),
    protects=[role, policy, bucket],
    quiet_period=0.5,
    triggers=[config.get("release") or "1"],
    endpoint_url=config.require("emulator"),
)
pulumi.export("guard", guard.id)
