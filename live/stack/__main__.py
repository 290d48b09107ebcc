"""The guarded stack: a guard and nothing else. Its scope is what only the check's own jobs have."""

import pulumi

from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)

config = pulumi.Config("live")
if config.get("region"):
    AmazonTranslateJobGuard(
        "guard",
        region=config.require("region"),
        scope=AmazonTranslateScope(job_name_prefixes=[config.require("jobs")]),
    )
else:
    AzureDocumentTranslationJobGuard(
        "guard",
        endpoint=config.require("endpoint"),
        scope=AzureDocumentTranslationScope(container_urls=[config.require("target")]),
        api_version=config.require("api-version"),
        key_env=config.require("key-env"),
    )
