"""The real pulumi_aws and pulumi_azure_native on the real engine, by the stand-in plugins, with guards among them."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from stacks.workspace import Result, Workspace
from tests.engine.conftest import MakeWorkspace
from tests.support.emulator import REGION, aws, azure, start
from tests.support.plugins import PLUGINS, environment
from translation_job_guard.emulator import Emulator

NEIGHBOUR = "arn:aws:iam::123456789012:role/neighbour"
NEIGHBOURS = "https://neighbour.blob.core.windows.net"


def steps(result: Result, *names: str) -> list[tuple[str, str, str]]:
    """Return (began or ended, operation, name) of the deletions of some resources, in the order of the events."""
    words = {"resourcePreEvent": "began", "resOutputsEvent": "ended"}
    return [
        (words[kind], metadata["op"], name)
        for event in result.events
        for kind in words
        if kind in event
        and (metadata := event[kind]["metadata"])["op"].startswith("delete")
        and (name := metadata["urn"].rpartition("::")[2]) in names
    ]


def one_by_one(operation: str, *names: str) -> list[tuple[str, str, str]]:
    """Return what `steps` returns if each deletion began after the one before had ended."""
    return [(word, operation, name) for name in names for word in ("began", "ended")]


def translate(emulator: Emulator, role: str, bucket: str) -> str:
    place = f"s3://{bucket}"
    return start(
        aws(emulator),
        DataAccessRoleArn=role,
        InputDataConfig={"S3Uri": f"{place}/in/", "ContentType": "text/plain"},
        OutputDataConfig={"S3Uri": f"{place}/out/"},
    )


def translate_documents(emulator: Emulator, account: str, source: str, target: str) -> str:
    return str(azure(emulator, account).begin_translation(source, target, "fr").id)


def ended_before(emulator: Emulator, jobs: list[str], state: str, **request: Any) -> bool:
    """Check whether all jobs had ended, in this state, when the one request that is described came in."""
    (asked,) = emulator.control.requests(**request)
    found = [emulator.control.job(job) for job in jobs]
    return all(job["state"] == state and job["ended"] <= asked["started"] for job in found)


def test_a_guard_goes_before_the_role_and_bucket_of_its_jobs(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A role with a fixed name is replaced delete-first: the guard stops the role's jobs before it goes. A destroy does
    the same, in the order guard, policy, role; a bucket that holds what a job wrote refuses to go until it is empty. A
    neighbour's job is left alone."""
    stack: Workspace = workspace(
        PLUGINS / "programs" / "amazon_stack.py",
        config={"aws:region": REGION, "test:role": "translate-1"},
        env=environment(emulator),
    )
    stack.up().check()
    made = stack.outputs()
    mine = [translate(emulator, made["role"], made["bucket"]) for _ in range(2)]
    neighbours = translate(emulator, NEIGHBOUR, "neighbour")
    for job in (*mine, neighbours):
        emulator.control.wait_for_job(job, ["IN_PROGRESS"])

    stack.config["test:role"] = "translate-2"
    replaced = stack.up("--refresh").check()
    assert steps(replaced, "guard", "policy", "role") == one_by_one("delete-replaced", "guard", "policy", "role")
    done = replaced.completed()
    assert done.index(("delete-replaced", "role")) < done.index(("create-replacement", "role"))
    assert {step for step in done if step[0] in ("create", "update")} == {("update", "bucket"), ("update", "key")}
    old_role = {"operation": "DeleteRole", "match": {"RoleName": "translate-1"}}
    assert ended_before(emulator, mine, "STOPPED", **old_role)
    roles = {role["RoleName"] for role in aws(emulator, "iam").list_roles()["Roles"]}
    assert roles == {"translate-2"}

    made, s3 = stack.outputs(), aws(emulator, "s3")
    assert made["role"].endswith("role/translate-2")
    assert s3.get_bucket_tagging(Bucket=made["bucket"])["TagSet"] == [{"Key": "for", "Value": "translate-2"}]
    (rule,) = s3.get_bucket_encryption(Bucket=made["bucket"])["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == made["key"]
    late, finished = (translate(emulator, made["role"], made["bucket"]) for _ in range(2))
    emulator.control.wait_for_job(late, ["IN_PROGRESS"])
    emulator.control.wait_for_job(finished, ["IN_PROGRESS"])
    emulator.control.set_job(finished, run_time=0)
    emulator.control.wait_for_job(finished, ["COMPLETED"])

    refused = stack.destroy().check(fails=True)
    assert "BucketNotEmpty" in refused.output
    assert refused.failed() == [("delete", "bucket")]
    assert steps(refused, "guard", "policy", "role") == one_by_one("delete", "guard", "policy", "role")
    assert ended_before(emulator, [late], "STOPPED", operation="DeleteRole", match={"RoleName": "translate-2"})
    assert stack.resources().keys() == {"bucket"}

    for stored in s3.list_objects_v2(Bucket=made["bucket"])["Contents"]:
        s3.delete_object(Bucket=made["bucket"], Key=stored["Key"])
    stack.destroy().check()
    assert s3.list_buckets()["Buckets"] == []
    assert emulator.control.job(neighbours)["state"] == "IN_PROGRESS"


def test_a_guard_goes_before_the_account_of_its_batches(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A Translator account is replaced delete-first: the guard stops the batches before their endpoint goes. A destroy
    does the same, and takes everything away. A neighbour's batch on the same account is left alone."""
    emulator.control.settings(azure_resources="explicit")
    stack: Workspace = workspace(
        PLUGINS / "programs" / "azure_stack.py",
        config={"azure-native:location": "westeurope", "test:account": "translator-1"},
        env=environment(emulator),
    )
    stack.up().check()
    made = stack.outputs()
    containers = made["containers"]
    assert made["key"] == "emulator-key"
    assert emulator.control.azure_containers() == sorted(containers)
    mine = [translate_documents(emulator, "translator-1", *containers) for _ in range(2)]
    neighbours = translate_documents(emulator, "translator-1", f"{NEIGHBOURS}/source", f"{NEIGHBOURS}/target")

    stack.config["test:account"] = "translator-2"
    replaced = stack.up().check()
    order = steps(replaced, "guard", "access", "account")
    assert order == one_by_one("delete-replaced", "guard", "access", "account")
    done = replaced.completed()
    assert done.index(("delete-replaced", "account")) < done.index(("create-replacement", "account"))
    gone = {"operation": "DeleteResource", "match": {"resource": "*/accounts/translator-1"}}
    assert ended_before(emulator, mine, "Cancelled", **gone)
    assert emulator.control.job(neighbours)["state"] == "Running"
    with pytest.raises(HttpResponseError):
        list(azure(emulator, "translator-1").list_translation_statuses())

    assert stack.outputs()["endpoint"] == f"{emulator.azure_endpoint('translator-2')}/"
    late = translate_documents(emulator, "translator-2", *containers)
    destroyed = stack.destroy().check()
    deleted = [name for _, name in destroyed.completed()]
    assert deleted[0] == "guard"
    assert deleted[-1] == "group"
    assert deleted.index("source") < deleted.index("storage")
    assert deleted.index("access") < deleted.index("account")
    gone = {"operation": "DeleteResource", "match": {"resource": "*/accounts/translator-2"}}
    assert ended_before(emulator, [late], "Cancelled", **gone)
    assert emulator.control.azure_accounts() == []
    assert emulator.control.azure_containers() == []
