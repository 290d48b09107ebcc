"""The whole estate in one look: accounts, an organization, profiles, subscriptions; what refuses is one row."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import REGION, AddJobs, Cli
from tests.support.emulator import aws
from tests.support.schema import validate
from tests.support.states import state
from translation_job_guard.services.azure import ARM_ENDPOINT_ENV

MANAGEMENT, FIRST, SECOND, GONE = "900000000000", "100000000001", "100000000002", "100000000003"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
UNKNOWN = "22222222-2222-2222-2222-222222222222"
REGIONS = 15


def put_account(cli: Cli, name: str, subscription: str = SUBSCRIPTION, **more: Any) -> None:
    group = f"/subscriptions/{subscription}/resourceGroups/group"
    id_ = f"{group}/providers/Microsoft.CognitiveServices/accounts/{name}"
    cli.emulator.control.put_azure_account(name, resource_id=id_, **more)


@pytest.fixture(autouse=True)
def estate(cli: Cli) -> None:
    """Two accounts of an organization, and one that nobody may enter; three Translator resources."""
    control = cli.emulator.control
    control.settings(
        accounts={"AKIAEMULATOR": MANAGEMENT}, azure_cache_seconds=0, azure_read_lag=0, azure_resources="explicit"
    )
    control.put_organization(MANAGEMENT, {FIRST: "ACTIVE", SECOND: "ACTIVE", "300000000000": "SUSPENDED"})
    control.fault("AssumeRole", "denied", match={"RoleArn": f"*:{GONE}:*"})
    put_account(cli, "plain")
    put_account(cli, "walled", properties={"publicNetworkAccess": "Disabled"})
    put_account(cli, "regional", properties={"customSubDomainName": None})
    put_account(cli, "speech", kind="SpeechServices")
    cli.env |= {
        "IDENTITY_ENDPOINT": cli.emulator.azure_identity_endpoint,
        "IDENTITY_HEADER": "emulator",
        ARM_ENDPOINT_ENV: cli.emulator.azure_arm_endpoint,
        "AZURE_DOCUMENT_TRANSLATION_KEY": "key-of-one-resource",
    }


def rows(found: Any) -> dict[tuple[str | None, str], Any]:
    return {(one["account"], one["place"].removesuffix("/").rsplit("/", 1)[-1]): one for one in found["places"]}


def test_an_unknown_account_is_one_row_and_nothing_else_is_lost(cli: Cli, add_jobs: AddJobs) -> None:
    """One that is none, too; each says what is wrong with it."""
    [job] = add_jobs(account=SECOND, name="there")
    arguments = ["--account", FIRST, "--account", SECOND, "--account", GONE, "--account", "12", "--role-name", "look"]
    found = cli.json("scan", *arguments)
    validate(found, "scan")
    assert [one["id"] for one in found["jobs"]] == [job]
    assert found["jobs"][0]["account"] == SECOND
    failed = {account: one["error"] for (account, _), one in rows(found).items() if one["error"]}
    assert failed.keys() == {GONE, "12"}
    assert "sts:AssumeRole is not permitted" in failed[GONE]
    assert "expected 12 digits" in failed["12"]
    assert len(found["places"]) == 2 * REGIONS + 2
    assert found["exit_code"] == 2


def test_an_organization_and_its_subscriptions(cli: Cli, add_jobs: AddJobs) -> None:
    """Regions narrow; accounts that are not active are left out; progress is on standard error alone."""
    add_jobs(account=FIRST, name="there")
    add_jobs(resource="plain")
    done = cli("scan", "--organization", "--role-name", "look", "--all-subscriptions", "--region", REGION, "-o", "json")
    found = json.loads(done.stdout)
    validate(found, "scan")
    assert {one["account"] for one in found["places"] if one["place"] == REGION} == {MANAGEMENT, FIRST, SECOND}
    assert "300000000000" in found["notes"][0]
    assert len(found["jobs"]) == 2
    assert "places: 1 failed, 2 jobs found so far" in done.stderr
    for secret in ("planted-aws-secret", "key-of-one-resource"):
        assert secret not in done.stdout + done.stderr


def test_accounts_that_cannot_be_looked_at_say_why(cli: Cli) -> None:
    """A firewall is a failure that is named; without a subdomain there is nothing to look at; speech is left out."""
    found = cli.json("scan", "--subscription", SUBSCRIPTION, "--subscription", UNKNOWN, "--subscription", "mine")
    validate(found, "scan")
    places = {place: one for (_, place), one in rows(found).items()}
    assert len(places) == 5
    assert places["plain"]["in_flight"] == 0
    assert "has a firewall (public network access is disabled)" in places["walled"]["error"]
    assert "no custom subdomain" in places["regional"]["remark"]
    assert places["regional"]["error"] is None
    assert "could not be found" in places[f"subscription {UNKNOWN}"]["error"]
    assert "expected a GUID" in places["subscription mine"]["error"]


def test_what_lists_accounts_can_be_refused(cli: Cli) -> None:
    """One row each, and the accounts that are named are looked at."""
    cli.emulator.control.fault("ListAccounts", "denied")
    cli.emulator.control.fault("ListSubscriptions", "denied")
    arguments = ["--account", FIRST, "--organization", "--role-name", "look", "--all-subscriptions"]
    found = cli.json("scan", *arguments, "--region", REGION)
    failed = [one for one in found["places"] if one["error"]]
    assert [one["place"] for one in failed] == ["organization", "all subscriptions"]
    assert [one["account"] for one in found["places"] if not one["error"]] == [FIRST]


def test_profiles_lead_to_accounts(cli: Cli, tmp_path: Path) -> None:
    """A profile that is not there is a row."""
    credentials = tmp_path / "credentials"
    credentials.write_text(
        "[one]\naws_access_key_id = AKIAONE\naws_secret_access_key = x\n"
        "[two]\naws_access_key_id = AKIATWO\naws_secret_access_key = x\n"
    )
    cli.emulator.control.settings(accounts={"AKIAONE": FIRST, "AKIATWO": SECOND})
    env = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    profiles = ["--profile", "one", "--profile", "two", "--profile", "three"]
    found = cli.json("scan", *profiles, "--region", REGION, env=env)
    assert {one["account"] for one in found["places"] if not one["error"]} == {FIRST, SECOND}
    [failed] = [one["error"] for one in found["places"] if one["error"]]
    assert "three" in failed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan", "--account", FIRST], "--account needs --role-name"),
        (["scan", "--role-name", "look"], "--role-name needs --account or --organization"),
        (["scan", "--account", FIRST, "--role-name", "arn:aws:iam::1:role/x"], "is not a valid role name"),
        (["scan", "--subscription", SUBSCRIPTION, "--concurrency", "0"], "--concurrency must be between"),
        (["scan", "--subscription", SUBSCRIPTION, "--watch"], "--watch looks at places that are named"),
        (["plan", "--state", "x.json", "--profile", "a", "--profile", "b"], "--profile: only one"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_options_that_do_not_go_together(cli: Cli, arguments: list[str], says: str) -> None:
    """The sentence names the option to change."""
    (cli.directory / "x.json").write_text(json.dumps(state(cli.emulator.url)))
    done = cli(*arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_ctrl_c_shows_what_is_known(cli: Cli, add_jobs: AddJobs) -> None:
    """With exit code 130; places that were not looked at say so."""
    add_jobs(account=FIRST, name="seen")
    control = cli.emulator.control
    control.fault("ListTextTranslationJobs", "slow", match={"account": SECOND}, seconds=20)
    arguments = ["--account", FIRST, "--account", SECOND, "--role-name", "look", "--region", REGION, "-o", "json"]
    with cli.start("scan", *arguments) as process:
        control.wait_for_requests(3, "ListTextTranslationJobs", match={"account": FIRST})
        assert process.stderr is not None
        while "1 failed" not in (line := process.stderr.readline()) and "1 of 2" not in line:
            assert line, "the look ended before it was interrupted"
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=30)
    found = json.loads(shown)
    validate(found, "scan")
    assert (process.returncode, found["exit_code"]) == (130, 130)
    assert [one["name"] for one in found["jobs"]] == ["seen"]
    assert [one["error"] for one in found["places"]] == [None, "interrupted before this place was looked at"]


def test_orphans_are_attributed_by_tags(cli: Cli, add_jobs: AddJobs) -> None:
    """A role's tags name a stack that is gone; the command to stop leads into the account."""
    sts = aws(cli.emulator, "sts", access_key_id="AKIAEMULATOR")
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{FIRST}:role/look", RoleSessionName="test")["Credentials"]
    iam = aws(
        cli.emulator,
        "iam",
        access_key_id=keys["AccessKeyId"],
        secret=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )
    tags = [{"Key": "pulumi:stack", "Value": "pr-17"}, {"Key": "pulumi:project", "Value": "shop"}]
    iam.create_role(RoleName="translate-x", AssumeRolePolicyDocument="{}", Tags=tags)
    role = f"arn:aws:iam::{FIRST}:role/translate-x"
    add_jobs(account=FIRST, name="left", role=role, input="s3://elsewhere/in/", output="s3://elsewhere/out/")
    (cli.directory / "dev.json").write_text(json.dumps(state(cli.emulator.url)))
    arguments = ["--state", "dev.json", "--account", FIRST, "--role-name", "look", "--region", REGION]
    found = cli.json("orphans", *arguments)
    validate(found, "orphans")
    [orphan] = found["orphans"]
    assert orphan["likely_stack"] == "shop/pr-17"
    assert "the tag pulumi:stack of its role translate-x" in orphan["because"]
    shown = cli("orphans", *arguments).stdout
    assert f"--assume-role-arn arn:aws:iam::{FIRST}:role/look" in " ".join(shown.split())


def test_a_guard_covers_in_its_own_account_alone(cli: Cli, add_jobs: AddJobs) -> None:
    """The same name prefix in another account of the estate is an orphan there."""
    bucket = {"LocationConstraint": REGION}
    aws(cli.emulator, "s3").create_bucket(Bucket="bucket", CreateBucketConfiguration=bucket)
    for account in (FIRST, SECOND):
        add_jobs(account=account, name="pr-17-x")
    document = state(cli.emulator.url, guards={"guard": {"account_id": FIRST}})
    (cli.directory / "dev.json").write_text(json.dumps(document))
    arguments = ["--account", FIRST, "--account", SECOND, "--role-name", "look", "--region", REGION]
    found = cli.json("orphans", "--state", "dev.json", *arguments)
    assert [one["job"]["account"] for one in found["orphans"]] == [SECOND]


def test_doctor_checks_every_place(cli: Cli) -> None:
    """And has a check for what it could not enter."""
    arguments = ["--account", FIRST, "--account", GONE, "--role-name", "look", "--region", REGION]
    found = cli.json("doctor", *arguments, "--subscription", SUBSCRIPTION)
    validate(found, "doctor")
    checks = {(one["about"], one["check"]): one for one in found["checks"]}
    permitted = [about for (about, check), one in checks.items() if check == "permissions" and one["health"] == "good"]
    assert len(permitted) == 2
    assert any(GONE in about and one["health"] == "bad" for (about, _), one in checks.items())
    assert any(one["check"] == "can have batches" for one in checks.values())


def test_cancel_stops_in_accounts_that_are_named(cli: Cli, add_jobs: AddJobs) -> None:
    """A dry run without --yes, never more than a dry run of an organization; what is refused makes the exit code 2."""
    [first] = add_jobs(account=FIRST, name="pr-17-a")
    [second] = add_jobs(account=SECOND, name="pr-17-b")
    [other] = add_jobs(account=FIRST, name="pr-18")
    where = ["--role-name", "look", "--region", REGION, "--job-name-prefix", "pr-17-"]
    refused = cli("cancel", "--organization", *where, "--yes")
    assert refused.returncode == 2
    assert "named one by one" in refused.stderr
    dry = cli.json("cancel", "--organization", *where)
    validate(dry, "cancel")
    assert ({one["id"] for one in dry["jobs"]}, dry["exit_code"]) == ({first, second}, 1)
    assert {one["state"] for one in cli.emulator.control.jobs()} == {"IN_PROGRESS"}

    done = cli("cancel", "--account", FIRST, "--account", SECOND, *where, "--yes", "--quiet-period", "0.1s")
    assert done.returncode == 0, done.stdout + done.stderr
    states = {one["id"]: one["state"] for one in cli.emulator.control.jobs()}
    assert states == {first: "STOPPED", second: "STOPPED", other: "IN_PROGRESS"}
    assert cli("cancel", "--account", FIRST, "--account", GONE, *where, "--yes").returncode == 2
