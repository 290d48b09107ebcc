"""An environment whose jobs are known by the names and the container that they are given."""

import pulumi

import translation_job_guard
from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)

environment = pulumi.get_stack()
AmazonTranslateJobGuard(
    "jobs",
    region="eu-west-1",
    scope=AmazonTranslateScope(job_name_prefixes=[f"{environment}-"]),
    quiet_period=1,
)
AzureDocumentTranslationJobGuard(
    "batches",
    endpoint=pulumi.Config().require("endpoint"),
    scope=AzureDocumentTranslationScope(
        source_container_urls=[f"https://documents.blob.core.windows.net/{environment}"]
    ),
    quiet_period=1,
)
pulumi.export("package", translation_job_guard.__file__)
