"""As many guards as the configuration says, with nothing in flight in their scopes."""

import pulumi

from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)

config = pulumi.Config("bench")
quiet_period = float(config.require("quiet-period"))
for number in range(config.require_int("count")):
    if config.require("service") == "azure":
        AzureDocumentTranslationJobGuard(
            f"guard-{number}",
            endpoint=f"{config.require('emulator')}/azure/translator",
            scope=AzureDocumentTranslationScope(
                container_urls=[f"https://storage.blob.core.windows.net/bench-{number}"]
            ),
            quiet_period=quiet_period,
        )
    else:
        AmazonTranslateJobGuard(
            f"guard-{number}",
            region="eu-west-1",
            scope=AmazonTranslateScope(job_name_prefixes=[f"bench-{number}-"]),
            quiet_period=quiet_period,
            endpoint_url=config.require("emulator"),
        )
