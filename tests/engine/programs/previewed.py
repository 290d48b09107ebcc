"""Roles, a bucket and a guard by the real AWS SDK, in the shapes that a preview is recorded of."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_aws.iam import Role
from pulumi_aws.s3 import Bucket

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

config = pulumi.Config("test")
shape = config.get("shape") or "plain"
statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "translate.amazonaws.com"}}
trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(label: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any) -> Role:
    return Role(label, assume_role_policy=trust, opts=opts, **arguments)


options = pulumi.ResourceOptions(retain_on_delete=shape == "retained" or None)
name = "role"
if shape == "renamed":
    name, options = "translator", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="role")])
fixed, path = config.get("role"), config.get("path") or "/"

if shape != "emptied":
    guarded = role(name, options, path=path, **({"name": fixed} if fixed else {}))
    bucket = Bucket("bucket")
    secret = pulumi.Output.secret if shape == "secret" else pulumi.Output.from_input
    names = ["night-"] if shape == "narrowed" else None
    if shape != "guardless":
        AmazonTranslateJobGuard(
            "guard",
            region="eu-west-1",
            scope=AmazonTranslateScope(data_access_role_arns=[secret(guarded.arn)], job_name_prefixes=names),
            protects=[guarded],
            triggers=[config.get("release") or "1"],
            quiet_period=0.2,
            timeout=config.get("timeout") or "1m",
            endpoint_url=config.require("emulator"),
        )
    role("loose", path=config.get("loose") or "/")
if shape == "failed":
    raise ValueError("this program fails after its resources")
