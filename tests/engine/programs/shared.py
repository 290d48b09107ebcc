"""Guards of both clouds below a component that retains its children, in an account that other stacks share."""

import pulumi

from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)

config = pulumi.Config("test")
stack = pulumi.get_stack()
parent = pulumi.ComponentResource(
    "test:index:Environment", "environment", opts=pulumi.ResourceOptions(retain_on_delete=True)
)
AmazonTranslateJobGuard(
    "amazon",
    region="eu-west-1",
    scope=AmazonTranslateScope(job_name_prefixes=[f"{stack}-"]),
    quiet_period=0.5,
    endpoint_url=config.require("emulator"),
    opts=pulumi.ResourceOptions(parent=parent),
)
AzureDocumentTranslationJobGuard(
    "azure",
    endpoint=f"{config.require('emulator')}/azure/translator",
    scope=AzureDocumentTranslationScope(container_urls=[f"https://a.blob.core.windows.net/{stack}"]),
    quiet_period=0.5,
    opts=pulumi.ResourceOptions(parent=parent),
)
