"""The ready pack on the real engine, with the real pulumi_aws and pulumi_azure_native."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.conftest import MakeWorkspace
from tests.support.emulator import REGION, aws, start
from tests.support.plugins import environment
from tests.support.violations import violations
from translation_job_guard.cli.policy import init
from translation_job_guard.emulator import Emulator

PACK = Path(__file__).parents[2] / "policy"

AMAZON = """
import json
import pulumi
import pulumi_aws as aws
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

documents = aws.s3.Bucket("documents")
trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "translate.amazonaws.com"}}
translate = aws.iam.Role("translate", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
access = aws.iam.RolePolicy("access", role=translate.name, policy=documents.arn.apply(lambda arn: json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": arn + "/*"}]})))
pulumi.export("role", translate.arn)
"""
AZURE = """
import pulumi_azure_native as azure
from translation_job_guard import AzureDocumentTranslationJobGuard

group = azure.resources.ResourceGroup("documents", location="westeurope")
translator = azure.cognitiveservices.Account(
    "translator",
    resource_group_name=group.name,
    account_name="translator",
    kind="TextTranslation",
    sku=azure.cognitiveservices.SkuArgs(name="S1"),
    properties=azure.cognitiveservices.AccountPropertiesArgs(custom_sub_domain_name="translator"),
)
store = azure.storage.StorageAccount(
    "store",
    resource_group_name=group.name,
    account_name="store",
    kind="StorageV2",
    sku=azure.storage.SkuArgs(name="Standard_LRS"),
)
source = azure.storage.BlobContainer("source", resource_group_name=group.name, account_name=store.name)
"""
GUARD = """
AmazonTranslateJobGuard(
    "guard",
    scope=AmazonTranslateScope(data_access_role_arns=[translate.arn]),
    protects=[PROTECTS],
    on_delete="MODE",
)
"""
AZURE_GUARD = """
AzureDocumentTranslationJobGuard(
    "azure-guard",
    endpoint=translator.properties.endpoint,
    account_resource_id=translator.id,
    protects=[translator, source],
)
"""


def guard(protects: str, mode: str = "cancel") -> str:
    return GUARD.replace("PROTECTS", protects).replace("MODE", mode)


def test_a_pull_request_is_blocked_until_it_is_fixed(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """In a first preview, where every output is unknown, of both clouds at once."""
    half = AMAZON + AZURE + guard("translate")
    request = workspace(half, config={"aws:region": REGION}, env=environment(emulator))

    blocked = request.up("--skip-preview=false", policy_packs=[PACK]).check(fails=True)
    found = violations(blocked.stdout)
    assert found == {("mandatory", "guard-deleted-first"), ("mandatory", "translation-resources-guarded")}
    assert "protects=[…, access]," in blocked.stdout
    assert "AzureDocumentTranslationJobGuard(" in blocked.stdout
    assert "can't run policy" not in blocked.output
    assert request.resources() == {}
    assert aws(emulator, "iam").list_roles()["Roles"] == []

    request.write_program(AMAZON + AZURE + guard("translate, access, documents") + AZURE_GUARD)
    passed = request.preview(policy_packs=[PACK]).check()
    assert violations(passed.stdout) == set()
    assert emulator.control.requests(operation="ListTextTranslationJobs") == []


def test_orphans_are_found_and_gone_after_a_guard_was_added(
    workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path
) -> None:
    """Without credentials that is said, and not taken for no jobs. A guard of a wrong mode is remedied on the way."""
    stack = workspace(AMAZON, config={"aws:region": REGION}, env=environment(emulator))
    stack.up().check()
    job = start(aws(emulator), DataAccessRoleArn=stack.outputs()["role"])

    found = stack.preview(policy_packs=[PACK]).check(fails=True)
    assert ("mandatory", "orphaned-translation-jobs") in violations(found.stdout)
    assert job in found.stdout

    given = stack.env
    stack.env = {name: value for name, value in given.items() if not name.startswith("AWS_ACCESS_KEY")}
    unseen = stack.preview(policy_packs=[PACK]).check(fails=True)  # for the role without a guard
    assert ("advisory", "translation-places-reachable") in violations(unseen.stdout)
    assert f"Amazon Translate in {REGION} could not be looked at" in unseen.stdout
    assert "AWS credentials" in unseen.stdout
    stack.env = given

    settings = tmp_path / "policies.json"
    settings.write_text(json.dumps({"guard-cancels-on-delete": "remediate"}), encoding="utf-8")
    stack.write_program(AMAZON + guard("translate, access, documents", "ignore"))
    options = ("--skip-preview=false", "--policy-pack-config", str(settings))
    fixed = stack.up(*options, policy_packs=[PACK]).check()
    assert "orphaned-translation-jobs" not in fixed.stdout
    assert stack.resources()["guard"]["outputs"]["on_delete"] == "cancel"
    assert emulator.control.job(job)["state"] in ("SUBMITTED", "IN_PROGRESS")


@pytest.mark.needs_engine("3.249")
def test_an_exported_stack_is_analyzed_without_its_program(
    workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path
) -> None:
    """The rules that look at the service run, too. Neither the backend nor the passphrase of the stack is needed."""
    stack = workspace(AMAZON, config={"aws:region": REGION}, env=environment(emulator))
    stack.up().check()
    job = start(aws(emulator), DataAccessRoleArn=stack.outputs()["role"])
    exported = tmp_path / "state.json"
    analysis = ("policy", "analyze", "--file", str(exported), "--policy-pack", str(PACK))

    exported.write_text(json.dumps(stack.export_state()), encoding="utf-8")
    backend = {"PULUMI_BACKEND_URL": "https://backend.invalid", "PULUMI_CONFIG_PASSPHRASE": "unknown"}
    stack.write_program("raise SystemExit('the program ran')")
    stack.env |= backend
    found = stack.run(*analysis).check(fails=True)
    rules = {("mandatory", "orphaned-translation-jobs"), ("mandatory", "translation-resources-guarded")}
    assert violations(found.stdout) == rules
    assert job in found.stdout

    for name in backend:
        del stack.env[name]
    stack.write_program(AMAZON + guard("translate, access, documents"))
    stack.up().check()
    exported.write_text(json.dumps(stack.export_state()), encoding="utf-8")
    assert violations(stack.run(*analysis).check().stdout) == set()
    assert emulator.control.job(job)["state"] in ("SUBMITTED", "IN_PROGRESS")


def test_a_new_pack_on_trial_runs_at_once_and_blocks_nothing(
    workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path
) -> None:
    """As `policy init` writes it, with its own configuration; a misspelt option is reported by its rule."""
    pack = tmp_path / "pack"
    init(pack, trial=True, requirement=None, virtualenv=None)
    settings = json.loads((pack / "policy-config.json").read_text(encoding="utf-8"))
    settings["guard-deleted-first"]["waiver"] = []
    (pack / "policy-config.json").write_text(json.dumps(settings), encoding="utf-8")
    stack = workspace(AMAZON + guard("translate", "drain"), config={"aws:region": REGION}, env=environment(emulator))
    options = ("--policy-pack-config", str(pack / "policy-config.json"))
    found = stack.preview(*options, policy_packs=[pack]).check()
    assert violations(found.stdout) == {("advisory", "guard-deleted-first"), ("advisory", "guard-cancels-on-delete")}
    assert "Did you mean `waivers`?" in found.stdout
