"""The example stack that the configuration names, without its guard; `keep` names what destroy leaves there."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pulumi

import translation_job_guard

sys.path[:1] = [str(Path(__file__).parents[3])]

for guard in ("AmazonTranslateJobGuard", "AzureDocumentTranslationJobGuard"):
    setattr(translation_job_guard, guard, lambda *_, **__: None)

kept = (pulumi.Config().get("keep") or "").split()


def keep(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if args.name not in kept:
        return None
    retained = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True))
    return pulumi.ResourceTransformResult(args.props, retained)


pulumi.runtime.register_resource_transform(keep)
import_module({"aws": "stacks.aws", "azure": "stacks.azure_native"}[pulumi.Config().require("stack")])
