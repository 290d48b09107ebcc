"""Both guards against an emulator of both services: runs on a laptop and in CI, without an account.

Configuration (`pulumi config set KEY VALUE`):
    emulator   URL that `translation-job-guard emulator` printed (required)
    release    any text; a new one replaces the Amazon guard, and so stops its jobs (default "1")
    onDelete   cancel, drain, fail or ignore (default cancel)
"""

from __future__ import annotations

import pulumi

from stacks.configuration import mode, text
from translation_job_guard import (
    AmazonTranslateJobGuard,
    AmazonTranslateScope,
    AzureDocumentTranslationJobGuard,
    AzureDocumentTranslationScope,
)

emulator = text(
    "emulator",
    example="http://127.0.0.1:PORT",
    pattern=r"http://(127\.0\.0\.1|localhost|\[::1\]):\d+",
    must_be="the URL that `translation-job-guard emulator` printed",
)
release = text("release", default="1")
on_delete = mode("onDelete")
environment = pulumi.get_stack()

# What an environment of one's own has: a role and a container that no other environment uses. They say which jobs
# are this environment's, in an account that others share.
role_arn = f"arn:aws:iam::123456789012:role/translate-{environment}"
container_url = f"https://documents.blob.core.windows.net/{environment}"

amazon = AmazonTranslateJobGuard(
    "amazon-jobs",
    region="eu-west-1",
    scope=AmazonTranslateScope(data_access_role_arns=[role_arn]),
    on_delete=on_delete,
    triggers=[release],
    endpoint_url=emulator,
)
azure = AzureDocumentTranslationJobGuard(
    "azure-batches",
    endpoint=f"{emulator}/azure/translator",
    scope=AzureDocumentTranslationScope(container_urls=[container_url]),
    on_delete=on_delete,
)

pulumi.export("roleArn", role_arn)
pulumi.export("containerUrl", container_url)
pulumi.export("azureEndpoint", azure.endpoint)
