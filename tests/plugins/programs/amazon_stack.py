"""A bucket, a role with its policy, and a guard that stops the role's jobs before any of them goes."""

from __future__ import annotations

import pulumi
from pulumi_aws import get_caller_identity
from pulumi_aws.iam import Role, RolePolicy, get_policy_document
from pulumi_aws.s3 import Bucket, BucketObject, BucketPublicAccessBlock

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

config = pulumi.Config()

bucket = Bucket("bucket")
BucketPublicAccessBlock("private", bucket=bucket.bucket, block_public_acls=True, block_public_policy=True)
BucketObject("document", bucket=bucket.bucket, key="in/document.txt", content="Good morning.")

account = {"test": "StringEquals", "variable": "aws:SourceAccount", "values": [get_caller_identity().account_id]}
trust = get_policy_document(
    statements=[
        {
            "actions": ["sts:AssumeRole"],
            "principals": [{"type": "Service", "identifiers": ["translate.amazonaws.com"]}],
            "conditions": [account],
        }
    ]
)
# A fixed name: a replacement has to delete the old role first.
role = Role("role", name=config.require("role"), assume_role_policy=trust.json)
policy = RolePolicy(
    "policy",
    role=role.name,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject"],
                    "Resource": pulumi.Output.concat(bucket.arn, "/*"),
                }
            ],
        }
    ),
)

AmazonTranslateJobGuard(
    "guard",
    scope=AmazonTranslateScope(data_access_role_arns=[role.arn]),
    protects=[role, policy, bucket],
    quiet_period=0,
    timeout=60,
)

pulumi.export("bucket", bucket.bucket)
pulumi.export("role", role.arn)
pulumi.export("trust", trust.json)
