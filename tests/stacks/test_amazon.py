"""The AWS example stack: what goes wrong without its guard, and that nothing does with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks.support import (
    PROGRAMS,
    STACKS,
    configure,
    deleted_first,
    deleted_in_order,
    dependencies,
    ended_before,
    example,
)
from tests.support.emulator import REGION, aws, listed, start
from tests.support.plugins import environment
from translation_job_guard.emulator import Emulator

CONFIG = {"stack": "aws", "aws:region": REGION}
NEIGHBOUR = "arn:aws:iam::123456789012:role/neighbour"
ENCRYPTION = ("source-encryption", "source-private", "target-encryption", "target-private")
PROTECTED = ("access", "translate", "source", "target", "key", *ENCRYPTION)
"""By the names of the example stack."""


def translate(emulator: Emulator, role: str, source: str, target: str) -> str:
    return start(
        aws(emulator),
        DataAccessRoleArn=role,
        InputDataConfig={"S3Uri": source, "ContentType": "text/plain"},
        OutputDataConfig={"S3Uri": target},
    )


def jobs(emulator: Emulator, made: Mapping[str, Any], count: int) -> list[str]:
    return [translate(emulator, made["roleArn"], made["source"], made["target"]) for _ in range(count)]


def put_documents(emulator: Emulator, made: Mapping[str, Any], count: int) -> None:
    for number in range(count):
        body = b"Good morning."
        aws(emulator, "s3").put_object(Bucket=bucket(made["source"]), Key=f"documents/{number}.txt", Body=body)


def bucket(uri: str) -> str:
    return uri.split("/")[2]


def objects(emulator: Emulator, name: str) -> list[str]:
    found = aws(emulator, "s3").list_objects_v2(Bucket=name)
    return [stored["Key"] for stored in found.get("Contents", ())]


def roles(emulator: Emulator) -> list[str]:
    return [role["RoleName"] for role in aws(emulator, "iam").list_roles()["Roles"]]


def buckets(emulator: Emulator) -> set[str]:
    return {found["Name"] for found in aws(emulator, "s3").list_buckets()["Buckets"]}


def test_without_a_guard_jobs_lose_their_role(workspace: MakeWorkspace, stepped: Emulator) -> None:
    """A job writes into a bucket that was just emptied, so the bucket cannot be deleted and destroy fails. The role is
    gone: the jobs that ran fail for it, and one that was queued is still in flight and starts without it."""
    stack = example(workspace, CONFIG, environment(stepped), PROGRAMS / "unguarded.py")
    stack.up().check()
    client, control = aws(stepped), stepped.control
    role_arn, target = (stack.resources()[name]["outputs"][of] for name, of in (("translate", "arn"), ("target", "id")))
    made = {"roleArn": role_arn, "source": "s3://archive/documents/", "target": f"s3://{target}/"}
    aws(stepped, "s3", region="us-east-1").create_bucket(Bucket="archive")
    put_documents(stepped, made, 4)
    running = jobs(stepped, made, 2)
    control.settings(start_latency=3600)
    queued = jobs(stepped, made, 1)
    # The order of these three is the cloud's to choose: the bucket is emptied, the job writes, the role goes.
    control.fault(f"DELETE /{target}", "slow", after=2, seconds=2)  # after its encryption and its access block
    control.fault("DeleteRole", "slow", seconds=5)

    since = control.last_request()
    destroying = stack.start("destroy")
    control.wait_for_requests(3, operation=f"DELETE /{target}", since=since, arrived=True)
    assert objects(stepped, target) == []
    assert states(stepped, running) == {"IN_PROGRESS"}
    control.advance(150)  # a document takes a quarter of the 600 s that the job runs
    destroyed = destroying.wait().check(fails=True)

    assert "BucketNotEmpty" in destroyed.output
    assert destroyed.failed() == [("delete", "target")]
    assert len(objects(stepped, target)) == len(running)
    assert roles(stepped) == []
    failed = [control.job(job) for job in running]
    assert {(job["state"], job["message"]) for job in failed} == {
        ("FAILED", f"The role {role_arn} does not exist or cannot be assumed.")
    }
    assert listed(client, Filter={"JobStatus": "SUBMITTED"}) == queued
    control.advance(3600)
    late = control.job(*queued)
    assert late["started"] is not None
    assert (late["state"], late["message"]) == ("FAILED", failed[0]["message"])


def test_the_guard_stops_jobs_before_anything_goes(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A guard is added to a stack whose jobs run, and does nothing to them. A role and a bucket are replaced, a destroy
    fails in the guard, and the next one ends clean. Each time the jobs end first, stopped; none fails for a missing
    role or bucket, and a neighbour's job is left alone."""
    control = emulator.control
    config, env = {**CONFIG, "roleName": "translate-1"}, environment(emulator)
    stack = example(workspace, config, env, PROGRAMS / "unguarded.py")
    stack.up().check()
    first = stack.outputs()
    put_documents(emulator, first, 2)
    neighbour = translate(emulator, NEIGHBOUR, "s3://neighbour/in/", "s3://neighbour/out/")

    of_the_role = jobs(emulator, first, 3)
    stack.write_program(STACKS)
    assert stack.up().check().completed() == [("create", "jobs")]
    assert states(emulator, of_the_role) == {"IN_PROGRESS"}

    configure(stack, {"roleName": "translate-2"})
    replaced = stack.up().check()
    order = ("jobs", "access", "translate")
    assert deleted_in_order(replaced, *order, operation="delete-replaced")
    done = replaced.completed()
    assert done.index(("delete-replaced", "translate")) < done.index(("create-replacement", "translate"))
    assert ended_before(emulator, of_the_role, "STOPPED", "DeleteRole", RoleName="translate-1")
    assert roles(emulator) == ["translate-2"]

    second = stack.outputs()
    of_the_bucket = jobs(emulator, second, 3)
    replaced = stack.up("--replace", stack.resources()["target"]["urn"]).check()
    assert deleted_in_order(replaced, "jobs", "target", operation="delete-replaced")
    assert ended_before(emulator, of_the_bucket, "STOPPED", f"DELETE /{bucket(second['target'])}")
    third = stack.outputs()
    assert buckets(emulator) == {bucket(third["source"]), bucket(third["target"])}
    assert third["target"] != second["target"]

    last = jobs(emulator, third, 3)
    there = stack.resources().keys()
    assert there == {"jobs", *PROTECTED}
    assert dependencies(stack, "jobs") == set(PROTECTED)
    control.fault("StopTextTranslationJob", "denied")
    refused = stack.destroy().check(fails=True)
    assert refused.failed() == [("delete", "jobs")]
    assert refused.started() == [("delete", "jobs")]
    assert "translate:StopTextTranslationJob" in refused.output
    assert stack.resources().keys() == there
    assert roles(emulator) == ["translate-2"]
    assert buckets(emulator) == {bucket(third["source"]), bucket(third["target"])}
    assert states(emulator, last) == {"IN_PROGRESS"}

    control.clear_faults()
    destroyed = stack.destroy().check()
    assert deleted_first(destroyed, "jobs", PROTECTED)
    for after in ("translate", "source", "target", "key"):
        assert deleted_in_order(destroyed, "access", after)
    assert ended_before(emulator, last, "STOPPED", "DeleteRole", RoleName="translate-2")
    assert not stack.resources()
    assert not roles(emulator)
    assert not buckets(emulator)
    assert states(emulator, [neighbour]) == {"IN_PROGRESS"}
    assert states(emulator, [*of_the_role, *of_the_bucket, *last]) == {"STOPPED"}
