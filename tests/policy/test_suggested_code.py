"""Every suggested guard, pasted as it is into the program that it was suggested for, satisfies the next run."""

from __future__ import annotations

import json
import re
import textwrap

import pytest

from tests.policy.programs import run
from tests.policy.support import ACCOUNT, REGION, Violation, judge
from translation_job_guard.emulator import Emulator

GUARDED = "translation-resources-guarded"
POSSIBLY = "translation-resources-possibly-guarded"
LIVE = ("orphaned-translation-jobs", "overdue-translation-jobs")
OFFLINE = {name: {"enforcementLevel": "disabled"} for name in LIVE}

START = """
import json
import pulumi
import pulumi_aws as aws
import pulumi_azure_native as azure

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "translate.amazonaws.com"}}]})

def on(*buckets):
    return pulumi.Output.all(*[one.arn for one in buckets]).apply(lambda arns: json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": [f"{arn}/*" for arn in arns]}],
    }))
"""

PROGRAMS = {
    "role and bucket": """
documents = aws.s3.Bucket("documents")
translate = aws.iam.Role("translate", assume_role_policy=TRUST)
access = aws.iam.RolePolicy("access", role=translate.name, policy=on(documents))
""",
    "role alone": """
translate = aws.iam.Role("translate", assume_role_policy=TRUST)
""",
    "two regions": """
here = aws.s3.Bucket("here")
there = aws.s3.Bucket("there", region="us-east-1")
translate = aws.iam.Role("translate", assume_role_policy=TRUST)
access = aws.iam.RolePolicy("access", role=translate.name, policy=on(here, there))
""",
    "two roles": """
documents = aws.s3.Bucket("documents")
first = aws.iam.Role("first", assume_role_policy=TRUST)
second = aws.iam.Role("second", assume_role_policy=TRUST)
reads = aws.iam.RolePolicy("reads", role=first.name, policy=on(documents))
writes = aws.iam.RolePolicy("writes", role=second.name, policy=on(documents))
""",
    "one name for everything": """
class_bucket = aws.s3.Bucket("class")
class_role = aws.iam.Role("class", assume_role_policy=TRUST)
class_role_policy = aws.iam.RolePolicy("class", role=class_role.name, policy=on(class_bucket))
""",
    "names that are not identifiers": """
pr_17_documents = aws.s3.Bucket("pr-17.documents")
_17_role = aws.iam.Role("17-role", assume_role_policy=TRUST)
lambda_ = aws.iam.RolePolicy("lambda", role=_17_role.name, policy=on(pr_17_documents))
""",
    "encrypted bucket": """
master = aws.kms.Key("master")
documents = aws.s3.Bucket("documents")
settings = aws.s3.BucketServerSideEncryptionConfiguration("settings", bucket=documents.bucket, rules=[{
    "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": master.arn}}])
translate = aws.iam.Role("translate", assume_role_policy=TRUST)
access = aws.iam.RolePolicy("access", role=translate.name, policy=on(documents))
""",
    "managed policy": """
documents = aws.s3.Bucket("documents")
shared = aws.iam.Policy("shared", policy=on(documents))
translate = aws.iam.Role("translate", assume_role_policy=TRUST)
attached = aws.iam.RolePolicyAttachment("attached", role=translate.name, policy_arn=shared.arn)
traces = aws.iam.RolePolicyAttachment("traces", role=translate.name,
    policy_arn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
""",
    "a guard that is narrower": """
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope
translate = aws.iam.Role("translate", assume_role_policy=TRUST)
AmazonTranslateJobGuard("translate-guard-eu-west-1", protects=[translate],
    scope=AmazonTranslateScope(data_access_role_arns=[translate.arn], job_ids=["a1"]))
""",
    "account": """
translator = azure.cognitiveservices.Account("translator", resource_group_name="g", account_name="translator",
    kind="TextTranslation", sku=azure.cognitiveservices.SkuArgs(name="S1"),
    properties=azure.cognitiveservices.AccountPropertiesArgs(custom_sub_domain_name="translator"))
""",
    "account, container and rights": """
translator = azure.cognitiveservices.Account("translator", resource_group_name="g", account_name="translator",
    kind="TextTranslation", sku=azure.cognitiveservices.SkuArgs(name="S1"),
    properties=azure.cognitiveservices.AccountPropertiesArgs(custom_sub_domain_name="translator"))
store = azure.storage.StorageAccount("store", resource_group_name="g", account_name="store", kind="StorageV2",
    sku=azure.storage.SkuArgs(name="Standard_LRS"))
documents = azure.storage.BlobContainer("documents", resource_group_name="g", account_name=store.name)
rights = azure.authorization.RoleAssignment("rights", scope=store.id, principal_id=translator.id,
    role_definition_id="/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe")
""",
    "account with many services": """
models = azure.cognitiveservices.Account("models", resource_group_name="g", account_name="models",
    kind="AIServices", sku=azure.cognitiveservices.SkuArgs(name="S0"),
    properties=azure.cognitiveservices.AccountPropertiesArgs(custom_sub_domain_name="models"))
""",
}


def suggestions(found: list[Violation]) -> list[str]:
    """The code in the messages, each text once."""
    codes: dict[str, None] = {}
    for one in found:
        code = re.search(r"(?<=\n)    from .*?\n    \)\n(?=Replace )", one.message, re.DOTALL)
        if code:
            codes[textwrap.dedent(code[0])] = None
    return list(codes)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_pasted_suggestion_satisfies_the_next_run(program: str) -> None:
    """At the end of the program, whose variables follow the names of its resources."""
    found = judge(run(START + program), OFFLINE)
    codes = suggestions(found)
    assert codes
    assert {one.rule for one in found} <= {GUARDED, POSSIBLY}
    assert judge(run(START + program + "".join(codes)), OFFLINE) == []


@pytest.mark.parametrize("name", ["role and bucket", "one name for everything", "account, container and rights"])
def test_a_suggestion_pasted_into_a_component_does_too(name: str) -> None:
    """Where role and bucket are the component's children."""
    inside = re.sub(r'(\w+\("[\w-]+",)', r"\1 opts=pulumi.ResourceOptions(parent=self),", PROGRAMS[name].strip())
    inside = re.sub(r'(s3\.Bucket\("[\w-]+")\)', r"\1, opts=pulumi.ResourceOptions(parent=self))", inside)

    def component(body: str) -> str:
        return f"""{START}
class Translator(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("shop:index:Translator", "outer")
{textwrap.indent(body, " " * 8)}
        self.register_outputs({{}})

Translator()
"""

    codes = suggestions(judge(run(component(inside)), OFFLINE))
    assert codes
    assert judge(run(component(inside + "\n" + "".join(codes))), OFFLINE) == []


def test_every_rule_suggests_the_same_guard(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """One role, two rules that speak of it, one text."""
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": REGION}))
    emulator.control.add_jobs([{"region": REGION, "role": f"arn:aws:iam::{ACCOUNT}:role/translate", "run_time": 1e7}])
    found = judge(run(START + PROGRAMS["role and bucket"]))
    assert {one.rule for one in found} == {GUARDED, "orphaned-translation-jobs"}
    assert len(suggestions(found)) == 1


def test_the_message_says_which_names_to_replace() -> None:
    """A pack knows the names of resources, and nothing of the program's variables."""
    [found] = judge(run(START + PROGRAMS["role and bucket"]), OFFLINE)
    assert "Replace translate, documents, access with your program's variables" in found.message
