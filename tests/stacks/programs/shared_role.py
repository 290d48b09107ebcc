"""An environment with a bucket of its own, whose jobs run under a role of another stack, as others' jobs do."""

import pulumi
from pulumi_aws.s3 import Bucket

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

platform = pulumi.StackReference("organization/translation-job-guard/platform")
bucket = Bucket("documents", force_destroy=True)

AmazonTranslateJobGuard(
    "jobs",
    scope=[
        # Of all that runs under the role, what this environment has named as its own...
        AmazonTranslateScope(
            data_access_role_arns=[platform.require_output("roleArn")],
            job_name_prefixes=[f"{pulumi.get_stack()}-"],
        ),
        # ...and whatever reads or writes its bucket, whoever has started it.
        AmazonTranslateScope(s3_uri_prefixes=[pulumi.Output.concat("s3://", bucket.bucket, "/")]),
    ],
    protects=[bucket],
)
pulumi.export("bucket", bucket.bucket)
