"""``cancel``: the guard's teardown by hand."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import REGION, AddJobs, Cli
from tests.support.schema import validate

SELECT = ["--region", REGION, "--job-name-prefix", "pr-17-"]
DOCS, OUT, ELSEWHERE = (f"https://account.blob.core.windows.net/{name}" for name in ("docs", "out", "elsewhere"))


def receipts_in(directory: Path) -> list[Any]:
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))]


def states(cli: Cli) -> dict[str, str]:
    return {job["name"] or job["id"]: job["state"] for job in cli.emulator.control.jobs()}


def stops(cli: Cli) -> int:
    return len(cli.emulator.control.requests(operation="StopTextTranslationJob"))


def test_without_yes_nothing_is_stopped(cli: Cli, add_jobs: AddJobs) -> None:
    """It says what would be, with exit code 1."""
    add_jobs(name="pr-17-a")
    add_jobs(name="pr-18-a")
    done = cli("cancel", *SELECT, "-o", "json=dry.json")
    assert done.returncode == 1
    assert "Dry run: 1 job would be stopped" in done.stdout
    found = json.loads((cli.directory / "dry.json").read_text())
    validate(found, "cancel")
    assert ([job["name"] for job in found["jobs"]], found["dry_run"]) == (["pr-17-a"], True)
    assert stops(cli) == 0


def test_with_yes_the_jobs_in_scope_are_stopped_and_no_other(cli: Cli, add_jobs: AddJobs) -> None:
    """Waits until they have ended, and leaves a receipt; output stays output."""
    add_jobs(name="pr-17-a")
    add_jobs(name="pr-17-b")
    add_jobs(name="pr-18-a")
    done = cli("cancel", *SELECT, "--yes", "--quiet-period", "0s", "--receipts", "receipts", "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    validate(found, "cancel")
    [receipt] = found["receipts"]
    assert {job["name"]: job["ending"] for job in receipt["jobs"]} == {"pr-17-a": "stopped", "pr-17-b": "stopped"}
    assert states(cli) == {"pr-17-a": "STOPPED", "pr-17-b": "STOPPED", "pr-18-a": "IN_PROGRESS"}
    assert receipts_in(cli.directory / "receipts") == [receipt]
    assert "quiet: 2 stopped" in done.stderr


def test_both_clouds_at_once(cli: Cli, add_jobs: AddJobs) -> None:
    """A teardown and a receipt for each place; the receipts' directory from the environment."""
    add_jobs(name="pr-17-a")
    [batch] = add_jobs(resource="translator")
    endpoint = cli.emulator.azure_endpoint("translator")
    done = cli(
        *("cancel", *SELECT, "--endpoint", endpoint, "--translation-id", batch, "--yes", "--quiet-period", "0s"),
        env={"TRANSLATION_JOB_GUARD_RECEIPTS": "receipts"},
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 2 places are quiet: 2 jobs in scope ended." in done.stdout
    made = receipts_in(cli.directory / "receipts")
    assert {one["place"] for one in made} == {REGION, endpoint}
    assert {one["occasion"] for one in made} == {"cancel"}
    text = "".join(path.read_text() for path in (cli.directory / "receipts").iterdir()) + done.stdout + done.stderr
    assert "emulator-key" not in text
    assert "planted-aws-secret" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--region", REGION],
        ["--endpoint", "https://name.cognitiveservices.azure.com/"],
        ["--region", REGION, "--container-url", "https://account.blob.core.windows.net/docs"],
        [*SELECT, "--endpoint", "https://name.cognitiveservices.azure.com/"],
        ["--region", REGION, "--submitted-after", "2026-01-01T00:00:00Z"],
        [*SELECT, "--whole-region"],
        ["--region", REGION, "--job-name-prefix", ""],
    ],
)
def test_a_scope_that_is_everything_takes_its_own_word(cli: Cli, add_jobs: AddJobs, arguments: list[str]) -> None:
    """Refused, and nothing is looked at or stopped: also where another service alone has a scope."""
    add_jobs(name="pr-17-a")
    done = cli("cancel", *arguments, "--yes")
    assert done.returncode == 2, done.stdout
    assert "Error: " in done.stderr
    assert cli.emulator.control.requests(service="translate") == []


def test_the_whole_region_is_stopped_on_its_own_word(cli: Cli, add_jobs: AddJobs) -> None:
    """And only that region."""
    add_jobs(name="a")
    add_jobs(name="b", region="us-east-1")
    assert cli("cancel", "--region", REGION, "--whole-region", "--yes", "--quiet-period", "0s").returncode == 0
    assert states(cli) == {"a": "STOPPED", "b": "IN_PROGRESS"}


def test_another_account_than_expected_is_refused(cli: Cli, add_jobs: AddJobs) -> None:
    """Before anything is listed."""
    add_jobs(name="pr-17-a")
    done = cli("cancel", *SELECT, "--expected-account-id", "999999999999", "--yes")
    assert done.returncode == 2
    assert "999999999999" in done.stdout
    assert cli.emulator.control.requests(service="translate") == []


def test_what_does_not_end_is_exit_code_2_and_named(cli: Cli, add_jobs: AddJobs) -> None:
    """With the receipt of the failure."""
    add_jobs(name="pr-17-a", stop_latency=100_000)
    done = cli("cancel", *SELECT, "--yes", "--quiet-period", "0s", "--timeout", "6s", "--receipts", "receipts")
    assert done.returncode == 2
    assert "pr-17-a" in done.stdout
    [receipt] = receipts_in(cli.directory / "receipts")
    assert (receipt["outcome"], receipt["jobs"][0]["ending"]) == ("failed", "in flight")


@pytest.mark.parametrize("yes", [["--yes", "--quiet-period", "0s"], []], ids=["yes", "dry run"])
def test_a_job_that_is_nowhere_is_exit_code_2(cli: Cli, add_jobs: AddJobs, yes: list[str]) -> None:
    """A mistyped id, or one of another region, is not a job that was stopped; an ended one needs nothing more."""
    [elsewhere, gone_astray] = add_jobs(2, region="us-east-1")
    [ended] = add_jobs(name="ended", run_time=0)
    cli.emulator.control.wait_for_job(ended, ["COMPLETED"])
    known = cli("cancel", "--region", REGION, "--job-id", ended, *yes)
    assert known.returncode == 0, known.stdout
    done = cli(
        "cancel", "--region", REGION, "--job-id", elsewhere, "--job-id", ended, "--job-id", "123", *yes, "-o", "json"
    )
    assert done.returncode == 2
    found = json.loads(done.stdout)
    validate(found, "cancel")
    assert [one["id"] for one in found["not_found"]] == [elsewhere, "123"]
    said = cli("cancel", "--region", REGION, "--job-id", "123", *yes)
    assert said.returncode == 2
    assert f"Job 123 was not found in {REGION}: check the id and the region." in " ".join(said.stdout.split())
    assert states(cli)[elsewhere] == states(cli)[gone_astray] == "IN_PROGRESS"


def test_a_job_that_another_selector_leaves_out_is_not_stopped(cli: Cli, add_jobs: AddJobs) -> None:
    """It is said, since whoever names a job means it."""
    [job] = add_jobs(name="pr-18-a")
    done = cli("cancel", *SELECT, "--job-id", job, "--yes", "--quiet-period", "0s")
    assert done.returncode == 2
    assert "another selector leaves it out" in " ".join(done.stdout.split())
    assert states(cli) == {"pr-18-a": "IN_PROGRESS"}


def test_a_batch_that_is_nowhere_is_exit_code_2(cli: Cli, add_jobs: AddJobs) -> None:
    """Whatever the case of its id's letters; another batch is stopped all the same."""
    [batch] = add_jobs(resource="translator")
    unknown = "0000000a-0000-0000-0000-00000000000F"
    endpoint = ["--endpoint", cli.emulator.azure_endpoint("translator")]
    ids = ["--translation-id", batch.upper(), "--translation-id", unknown]
    found = cli.json("cancel", *endpoint, *ids, "--yes", "--quiet-period", "0s")
    assert [one["id"] for one in found["not_found"]] == [unknown.lower()]
    assert cli.emulator.control.job(batch)["state"] == "Cancelled"


def test_a_timeout_advises_the_option_of_this_command(cli: Cli, add_jobs: AddJobs) -> None:
    """Not the variable, nor the modes, of a destroy: on the screen and in the receipt."""
    add_jobs(name="pr-17-a", stop_latency=100_000)
    done = cli("cancel", *SELECT, "--yes", "--quiet-period", "0s", "--timeout", "6s", "--receipts", "receipts")
    [receipt] = receipts_in(cli.directory / "receipts")
    for text in (done.stdout, done.stderr, receipt["error"]):
        assert "--timeout" in text
        assert "TRANSLATION_JOB_GUARD" not in text


def test_no_answer_in_time_advises_a_longer_timeout(cli: Cli, add_jobs: AddJobs) -> None:
    """By the option of this command, not by a variable or a mode of a destroy."""
    add_jobs(name="pr-17-a")
    cli.emulator.control.fault("GetCallerIdentity", "error", status=503)
    done = cli("cancel", *SELECT, "--yes", "--quiet-period", "0s", "--timeout", "2s")
    assert done.returncode == 2
    assert "--timeout" in done.stderr
    assert "TRANSLATION_JOB_GUARD" not in done.stdout + done.stderr


def test_an_undecided_batch_advises_the_options_of_this_command(cli: Cli, add_jobs: AddJobs) -> None:
    """A dry run shows it; --yes waits for --undecided-timeout, stops nothing of it and names the ways out."""
    [batch] = add_jobs(resource="translator", counted=cli.emulator.control.now() + 10_000)
    select = ["--endpoint", cli.emulator.azure_endpoint("translator"), "--container-url", ELSEWHERE]
    dry = cli("cancel", *select)
    assert dry.returncode == 2
    assert "Undecided" in dry.stdout
    done = cli("cancel", *select, "--yes", "--undecided-timeout", "1s", "--receipts", "receipts")
    assert done.returncode == 2
    assert cli.emulator.control.job(batch)["state"] == "Running"
    [receipt] = receipts_in(cli.directory / "receipts")
    assert receipt["undecided"] == [batch]
    for text in (" ".join(done.stdout.split()), done.stderr, receipt["error"]):
        assert batch in text
        assert "--source-container-url or --translation-id" in text
        assert "--undecided-timeout" in text
        assert "TRANSLATION_JOB_GUARD" not in text


def test_another_account_advises_the_option_of_this_command(cli: Cli, add_jobs: AddJobs) -> None:
    """Nothing is stopped there."""
    add_jobs(name="pr-17-a")
    done = cli("cancel", *SELECT, "--yes", "--expected-account-id", "999999999999")
    assert done.returncode == 2
    assert "--expected-account-id" in done.stderr
    assert "TRANSLATION_JOB_GUARD" not in done.stdout + done.stderr
    assert stops(cli) == 0


@pytest.mark.parametrize(
    ("options", "stopped"),
    [
        (["--source-container-url", DOCS], {"a"}),
        (["--target-container-url", OUT], {"a", "b"}),
        (["--source-container-url", OUT], set()),
        (["--source-container-url", ELSEWHERE, "--target-container-url", OUT], {"b"}),
        (["--container-url", DOCS, "--target-container-url", OUT], {"a"}),
    ],
)
def test_sources_and_targets_select_batches(cli: Cli, add_jobs: AddJobs, options: list[str], stopped: set[str]) -> None:
    """Each side by itself, as in a guard's scope; a batch that is not selected is asked nothing."""
    ids = {"a": add_jobs(resource="translator")[0], "b": add_jobs(resource="translator", source=ELSEWHERE)[0]}
    endpoint = ["--endpoint", cli.emulator.azure_endpoint("translator")]
    seen = cli.json("scan", *endpoint, *options)
    assert {job["id"] for job in seen["jobs"]} == {ids[name] for name in stopped}
    cli("cancel", *endpoint, *options, "--yes", "--quiet-period", "0s")
    ended = {name for name, id_ in ids.items() if cli.emulator.control.job(id_)["state"] == "Cancelled"}
    assert ended == stopped


def test_an_interrupted_cancel_leaves_its_receipt(cli: Cli, add_jobs: AddJobs) -> None:
    """Exit code 130; what was asked to stop is said and recorded."""
    add_jobs(name="pr-17-a", stop_latency=100_000)
    process = cli.start("cancel", *SELECT, "--yes", "--receipts", "receipts")
    since = cli.emulator.control.wait_for_requests(timeout=60)[-1]["sequence"]
    cli.emulator.control.wait_for_requests(operation="ListTextTranslationJobs", since=since, timeout=60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "1 job had been asked to stop" in err
    assert "Traceback" not in err
    [receipt] = receipts_in(cli.directory / "receipts")
    validate(receipt, "receipt")
    assert (receipt["outcome"], receipt["jobs"][0]["stop_requests"]) == ("interrupted", 1)


def test_the_mode_of_the_environment_is_for_guards(cli: Cli, add_jobs: AddJobs) -> None:
    """Whoever says cancel means it: TRANSLATION_JOB_GUARD_ON_DELETE does not turn it into something else."""
    add_jobs(name="pr-17-a")
    env = {"TRANSLATION_JOB_GUARD_ON_DELETE": "ignore"}
    assert cli("cancel", *SELECT, "--yes", "--quiet-period", "0s", env=env).returncode == 0
    assert states(cli) == {"pr-17-a": "STOPPED"}


@pytest.mark.parametrize("format_", ["table", "json", "markdown", "html"])
def test_output_that_cannot_be_encoded_is_escaped(cli: Cli, add_jobs: AddJobs, format_: str) -> None:
    """The jobs are stopped by then: a character must not turn that into a failure."""
    add_jobs(name="pr-17-\u00fc\U0001f600")
    env = {"PYTHONIOENCODING": "ascii"}
    done = cli("cancel", *SELECT, "--yes", "--quiet-period", "0s", "-o", format_, env=env)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert done.stdout.isascii()
    if format_ == "json":
        assert json.loads(done.stdout)["receipts"][0]["jobs"][0]["name"] == "pr-17-\u00fc\U0001f600"


@pytest.mark.parametrize(
    ("option", "asked", "other"),
    [("--translation-id", "--endpoint", "--region"), ("--job-id", "--region", "--endpoint")],
)
def test_an_id_without_a_place_asks_for_the_place_of_its_service(cli: Cli, option: str, asked: str, other: str) -> None:
    """A batch has no region."""
    done = cli("cancel", option, "an-id")
    assert done.returncode == 2
    assert asked in done.stderr
    assert other not in done.stderr
