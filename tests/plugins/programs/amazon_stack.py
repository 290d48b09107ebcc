"""An encrypted bucket, a role with its policies, and a guard that stops the role's jobs before any of them goes."""

from __future__ import annotations

import pulumi
from pulumi_aws import get_caller_identity
from pulumi_aws.iam import Policy, Role, RolePolicy, RolePolicyAttachment, get_policy_document
from pulumi_aws.kms import Alias, Key
from pulumi_aws.s3 import (
    Bucket,
    BucketObject,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
)

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

config = pulumi.Config()

key = Key("key", description=f"For {config.require('role')}.", enable_key_rotation=True)
Alias("alias", target_key_id=key.key_id)
bucket = Bucket("bucket", tags={"for": config.require("role")})
BucketServerSideEncryptionConfiguration(
    "encryption",
    bucket=bucket.bucket,
    rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}}],
)
BucketPublicAccessBlock("private", bucket=bucket.bucket, block_public_acls=True, block_public_policy=True)
BucketObject("document", bucket=bucket.bucket, key="in/document.txt", content="Good morning.")

account = get_caller_identity().account_id
trust = get_policy_document(
    statements=[
        {
            "actions": ["sts:AssumeRole"],
            "principals": [{"type": "Service", "identifiers": ["translate.amazonaws.com"]}],
            "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": [account]}],
        }
    ]
)
# A fixed name: a replacement has to delete the old role first.
role = Role("role", name=config.require("role"), assume_role_policy=trust.json)


def allow(actions: list[str], resource: pulumi.Input[str]) -> pulumi.Output[str]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]})


objects = pulumi.Output.concat(bucket.arn, "/*")
policy = RolePolicy("policy", role=role.name, policy=allow(["s3:GetObject", "s3:PutObject"], objects))
use_key = Policy("use-key", policy=allow(["kms:Decrypt", "kms:GenerateDataKey"], key.arn))
attachment = RolePolicyAttachment("attachment", role=role.name, policy_arn=use_key.arn)

AmazonTranslateJobGuard(
    "guard",
    scope=AmazonTranslateScope(data_access_role_arns=[role.arn]),
    protects=[role, policy, attachment, bucket],
    quiet_period=0,
    timeout=60,
)

pulumi.export("bucket", bucket.bucket)
pulumi.export("key", key.arn)
pulumi.export("role", role.arn)
