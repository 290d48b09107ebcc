"""``orphans``: what no guard of any live stack answers for, and whose it was."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from stacks.workspace import Workspace
from tests.cli.conftest import REGION, ROLE, AddJobs, Cli
from tests.support.emulator import aws
from tests.support.schema import validate
from tests.support.states import mixed, state

OTHER_ROLE = "arn:aws:iam::123456789012:role/somebody"


def write(cli: Cli, **stacks: Any) -> list[str]:
    arguments = []
    for name, document in stacks.items():
        (cli.directory / f"{name}.json").write_text(json.dumps(document))
        arguments += ["--state", f"{name}.json"]
    return arguments


@pytest.fixture(autouse=True)
def surroundings(cli: Cli) -> None:
    """The roles and buckets that the jobs of these tests need are there."""
    iam, s3 = aws(cli.emulator, "iam"), aws(cli.emulator, "s3")
    for role in ("translate-dev", "somebody"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}")
    for bucket in ("bucket", "pr-17-files"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})


def by_name(found: Any, key: str = "orphans") -> dict[str, Any]:
    return {one["job"]["name"] or one["job"]["id"]: one for one in found[key]}


def test_what_a_guard_of_any_stack_covers_is_no_orphan(cli: Cli, add_jobs: AddJobs) -> None:
    """Over two stacks; a job that neither covers is one."""
    for name in ("one-a", "two-a", "three-a"):
        add_jobs(name=name, role=OTHER_ROLE)
    documents = {
        name: state(cli.emulator.url, stack=name, guards={"guard": {"scope": [{"job_name_prefixes": [f"{name}-"]}]}})
        for name in ("one", "two")
    }
    found = cli.json("orphans", *write(cli, **documents))
    validate(found, "orphans")
    orphans = by_name(found)
    assert orphans.keys() == {"three-a"}
    assert orphans["three-a"]["reasons"] == ["no guard covers it"]
    assert orphans["three-a"]["likely_stack"] is None
    assert found["exit_code"] == 1


def test_the_likely_stack_and_why(cli: Cli, add_jobs: AddJobs) -> None:
    """What it runs under or reads comes before a name, and a name has to be a whole word."""
    add_jobs(name="by-role", role=ROLE)
    add_jobs(name="by-bucket", role=OTHER_ROLE, input="s3://pr-17-files/in/", output="s3://pr-17-files/out/")
    add_jobs(name="nightly-pr-17", role=OTHER_ROLE)
    add_jobs(name="pr-170", role=OTHER_ROLE, input="s3://bucket/in/", output="s3://bucket/out/")
    documents = {
        "dev": state(cli.emulator.url, guards={"guard": {"scope": [{"job_ids": ["none"]}]}}, keep=["role"]),
        "pr": state(cli.emulator.url, stack="pr-17"),
    }
    orphans = by_name(cli.json("orphans", *write(cli, **documents)))
    likely = {name: (one["likely_stack"], one["because"]) for name, one in orphans.items()}
    assert likely == {
        "by-role": ("shop/dev", "it runs under the stack's role role"),
        "by-bucket": ("shop/pr-17", "its bucket has the stack's name"),
        "nightly-pr-17": ("shop/pr-17", "its name has the stack's name"),
        "pr-170": (None, None),
    }


def test_what_a_job_needs_and_is_gone_makes_it_an_orphan(cli: Cli, add_jobs: AddJobs) -> None:
    """Although a guard covers it; what one may not know is not gone."""
    add_jobs(name="mine-a", role="arn:aws:iam::123456789012:role/gone")
    add_jobs(name="mine-b", input="s3://gone-bucket/in/", output="s3://bucket/out/")
    add_jobs(name="mine-c", role="arn:aws:iam::999999999999:role/of-another-account")
    add_jobs(name="mine-d")
    scope = [{"job_name_prefixes": ["mine-"]}]
    arguments = write(cli, dev=state(cli.emulator.url, guards={"guard": {"scope": scope}}))
    orphans = by_name(cli.json("orphans", *arguments))
    assert {name: one["reasons"] for name, one in orphans.items()} == {
        "mine-a": ["role gone is gone"],
        "mine-b": ["bucket gone-bucket is gone"],
    }


def test_a_guard_that_would_not_be_called_answers_for_nothing(cli: Cli, add_jobs: AddJobs) -> None:
    """In a state with guards of both clouds, foreign resources and secrets."""
    add_jobs(name="a")  # only the guard "inherits" covers it, by its bucket
    add_jobs(name="pr-17-b")
    add_jobs(resource="translator")
    found = cli.json("orphans", *write(cli, dev=mixed(cli.emulator.url)))
    validate(found, "orphans")
    orphans = by_name(found)
    assert orphans.keys() == {"a"}
    assert "test/dev/inherits covers it" in orphans["a"]["reasons"][0]
    assert "hush" not in json.dumps(found)


def test_jobs_that_an_unreadable_guard_may_cover_are_undecided(cli: Cli, add_jobs: AddJobs) -> None:
    """Exit code 2, and no command to stop it is offered; what has lost its bucket is an orphan in any case."""
    add_jobs(name="other", role=OTHER_ROLE, input="s3://pr-17-files/in/", output="s3://pr-17-files/out/")
    add_jobs(name="lost", role=OTHER_ROLE, input="s3://bucket-x/", output="s3://bucket-x/")
    done = cli("orphans", *write(cli, dev=mixed(cli.emulator.url, show_secrets=False)), "-o", "json=found.json")
    found = json.loads((cli.directory / "found.json").read_text())
    validate(found, "orphans")
    assert set(by_name(found)) == {"lost"}
    assert set(by_name(found, "undecided")) == {"other"}
    assert found["stacks"][0]["unreadable"] == ["documents"]
    assert done.returncode == 2
    assert (
        by_name(found, "undecided")["other"]["job"]["id"]
        not in done.stdout.split("Undecided: covered by a guard or not")[0]
    )


def test_an_unreadable_stack_leaves_everything_undecided(cli: Cli, add_jobs: AddJobs) -> None:
    """Its guards might cover what nobody else does."""
    add_jobs(name="other", role=OTHER_ROLE)
    (cli.directory / "broken.json").write_text("{")
    found = cli.json("orphans", "--state", "broken.json", "--region", REGION)
    validate(found, "orphans")
    assert (found["orphans"], set(by_name(found, "undecided")), found["exit_code"]) == ([], {"other"}, 2)


def test_no_orphan_is_exit_code_0(cli: Cli, add_jobs: AddJobs) -> None:
    """And says by how many stacks."""
    add_jobs(name="pr-17-a")
    done = cli("orphans", *write(cli, dev=state(cli.emulator.url, guards={"guard": {}})))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing in flight is orphaned" in done.stdout


def test_stacks_without_a_place_ask_for_one(cli: Cli) -> None:
    """The options are named."""
    done = cli("orphans", *write(cli, dev=state(cli.emulator.url)))
    assert done.returncode == 2
    assert "--region" in done.stderr


PROGRAM = """
import pulumi
from translation_job_guard import AmazonTranslateJobGuard, AmazonTranslateScope

prefix = pulumi.Config().require("prefix")
url = pulumi.Config().require("url")
AmazonTranslateJobGuard(
    "guard", region="eu-west-1", endpoint_url=url,
    scope=AmazonTranslateScope(job_name_prefixes=[pulumi.Output.secret(prefix)]),
)
"""


def test_all_stacks_of_a_backend_are_read(cli: Cli, add_jobs: AddJobs, tmp_path: Path) -> None:
    """By the installed pulumi: `orphans` over all, `plan` over the current one and a named one, scopes being secret."""
    for name in ("one-a", "two-a", "three-a"):
        add_jobs(name=name)
    keys = {name: cli.env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with Workspace(tmp_path / "workspace", PROGRAM, project="shop", stack="one", env=keys) as workspace:
        for name in ("one", "two"):
            if name != "one":
                workspace.stack = name
                workspace.run("stack", "init", name).check()
            workspace.config = {"prefix": f"{name}-", "url": cli.emulator.url}
            workspace.up().check()
        environment = workspace.environment()
        pulumi_env = {name: value for name, value in environment.items() if name.startswith("PULUMI_")}
        cli.env |= {**pulumi_env, "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]])}
        cli.directory = workspace.directory
        found = cli.json("orphans")
        validate(found, "orphans")
        assert {one["stack"] for one in found["stacks"]} == {"shop/one", "shop/two"}
        assert by_name(found).keys() == {"three-a"}

        def stopped(*arguments: str) -> dict[str, list[str]]:
            stacks = cli.json("plan", *arguments)["stacks"]
            return {one["stack"]: [job["name"] for job in one["guards"][0]["jobs"]] for one in stacks}

        assert stopped() == {"shop/two": ["two-a"]}
        assert stopped("--stack", "one", "-s", "two") == {"shop/one": ["one-a"], "shop/two": ["two-a"]}


def test_only_what_is_attributed_is_suggested_to_stop(cli: Cli, add_jobs: AddJobs) -> None:
    """Of each stack by itself, and as a dry run."""
    [of_dev] = add_jobs(name="by-role", role=ROLE)
    [of_pr] = add_jobs(name="nightly-pr-17", role=OTHER_ROLE)
    [nobodys] = add_jobs(name="stray", role=OTHER_ROLE)
    documents = {
        "dev": state(cli.emulator.url, guards={"guard": {"scope": [{"job_ids": ["none"]}]}}, keep=["role"]),
        "pr": state(cli.emulator.url, stack="pr-17"),
    }
    shown = cli("orphans", *write(cli, **documents)).stdout
    commands = [line for line in shown.splitlines() if "translation-job-guard cancel" in line]
    assert sorted(id_ for line in commands for id_ in (of_dev, of_pr, nobodys) if id_ in line) == sorted(
        [of_dev, of_pr]
    )
    assert len(commands) == 2
    assert "--yes" not in shown


def test_the_region_of_the_environment_is_looked_at(cli: Cli, add_jobs: AddJobs) -> None:
    """As by every other command."""
    add_jobs(name="stray", role=OTHER_ROLE)
    arguments = write(cli, dev=state(cli.emulator.url))
    assert cli("orphans", *arguments).returncode == 2
    assert by_name(cli.json("orphans", *arguments, env={"AWS_REGION": REGION})).keys() == {"stray"}


def test_a_bucket_that_is_gone_is_named_once(cli: Cli, add_jobs: AddJobs) -> None:
    """A job may read from and write to the same; and the summary does not call it without a guard."""
    add_jobs(name="mine-a", input="s3://gone-bucket/in/", output="s3://gone-bucket/out/")
    arguments = write(cli, dev=state(cli.emulator.url, guards={"guard": {"scope": [{"job_name_prefixes": ["mine-"]}]}}))
    [orphan] = cli.json("orphans", *arguments)["orphans"]
    assert orphan["reasons"].count("bucket gone-bucket is gone") == 1
    assert "1 job in flight is orphaned" in cli("orphans", *arguments).stdout
