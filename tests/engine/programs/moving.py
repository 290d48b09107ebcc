"""One guard whose scope and region the test changes."""

import pulumi

from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

config = pulumi.Config("test")
AmazonTranslateJobGuard(
    "guard",
    region=config.get("region") or "eu-west-1",
    scope=AmazonTranslateScope(job_name_prefixes=(config.get("names") or "a-,b-").split(",")),
    quiet_period=0.5,
    timeout=config.get("timeout") or "2m",
    endpoint_url=config.require("emulator"),
)
