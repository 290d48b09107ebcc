"""Amazon Translate with a guard: input and output bucket, key, role, and the guard that stops the role's jobs first.

Configuration (`pulumi config set KEY VALUE`):
    aws:region          where (required)
    release             any text; a new one replaces the guard, and so stops the jobs of the release before
                        (default "1")
    onDelete            cancel, drain, fail or ignore (default cancel)
    keepDocuments       true: a bucket that holds documents refuses to be deleted (default false: for an environment
                        that comes and goes, its documents go with it)
    roleName            a fixed name for the role (default: Pulumi makes one up)
    expectedAccountId   refuse to run in any other account (default: any)

Outputs: what a job is started with (`roleArn`, `source`, `target`, `keyArn`, `region`). Give `keyArn` as its
EncryptionKey: Amazon Translate encrypts its output with a key of its own otherwise.
"""

from __future__ import annotations

import pulumi
import pulumi_aws.iam as iam
import pulumi_aws.kms as kms
import pulumi_aws.s3 as s3
from pulumi_aws import get_caller_identity, get_partition

from stacks.configuration import account_id, boolean, mode, optional, text
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

region = text(
    "region",
    namespace="aws",
    example="eu-west-1",
    pattern=r"[a-z]{2}(-[a-z]+)+-\d",
    must_be="the name of an AWS region",
)
release = text("release", default="1")
on_delete = mode("onDelete")
keep_documents = boolean("keepDocuments", default=False)
role_name = optional(
    "roleName", example="translate-dev", pattern=r"[\w+=,.@-]{1,64}", must_be="1 to 64 letters, digits or +=,.@_-"
)
expected_account_id = account_id("expectedAccountId")
account, partition = get_caller_identity().account_id, get_partition().partition

# Amazon Translate reads no documents at the top of a bucket.
FOLDER = "documents"


def document(*statements: dict[str, object]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


key = kms.Key("key", description="Documents and translations", enable_key_rotation=True)
settings: list[pulumi.Resource] = []


def bucket(name: str) -> s3.Bucket:
    """Make an encrypted bucket that nobody can open to the public."""
    made = s3.Bucket(name, force_destroy=not keep_documents)
    by_key = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key.arn
    )
    settings.append(
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=made.bucket,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=by_key, bucket_key_enabled=True
                )
            ],
        )
    )
    settings.append(
        s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=made.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
    )
    return made


source, target = bucket("source"), bucket("target")

role = iam.Role(
    "translate",
    name=role_name,
    # The conditions keep Amazon Translate from using the role on behalf of any other account (the confused deputy).
    assume_role_policy=document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "translate.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:translate:{region}:{account}:*"},
            },
        }
    ),
)
# What Amazon Translate's documentation asks for, and not more: it also reads what it has written.
access = iam.RolePolicy(
    "access",
    role=role.name,
    policy=document(
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": [source.arn, target.arn]},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": pulumi.Output.concat(source.arn, f"/{FOLDER}/*")},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": pulumi.Output.concat(target.arn, "/*"),
        },
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key.arn},
    ),
)

# Everything that runs under the role is this environment's, and nothing else is.
guard = AmazonTranslateJobGuard(
    "jobs",
    region=region,
    scope=AmazonTranslateScope(data_access_role_arns=[role.arn]),
    protects=[role, access, source, target, key, *settings],
    on_delete=on_delete,
    triggers=[release],
    expected_account_id=expected_account_id,
)

pulumi.export("roleArn", role.arn)
pulumi.export("source", pulumi.Output.concat("s3://", source.bucket, f"/{FOLDER}/"))
pulumi.export("target", pulumi.Output.concat("s3://", target.bucket, "/"))
pulumi.export("keyArn", key.arn)
pulumi.export("region", region)
