"""The command as a whole: help, exit codes, formats, pipes, secrets."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, REGION, AddJobs, Cli
from tests.support.schema import validate
from translation_job_guard import __version__
from translation_job_guard.cli import completion

COMMANDS = ("scan", "plan", "orphans", "cancel", "doctor", "emulator")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_teaches_with_examples(cli: Cli, command: str) -> None:
    """Of the command itself and of each of its commands, with the exit codes."""
    done = cli(*command.split(), "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert "Exit codes: 0 " in done.stdout
    assert f"translation-job-guard {command}" in done.stdout


def test_the_release_is_shown(cli: Cli) -> None:
    """``--version``."""
    assert cli("--version").stdout == f"translation-job-guard {__version__}\n"


def test_help_loads_no_sdk() -> None:
    """Neither Pulumi nor a cloud's packages nor what draws tables: help has to come at once."""
    script = (
        "import sys; sys.argv = ['translation-job-guard', 'scan', '--help']\n"
        "from translation_job_guard.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('pulumi', 'boto3', 'botocore', 'azure', 'jinja2', 'rich', 'starlette', 'logging')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "No such command"),
        (["scan", "--nonsense"], "--nonsense"),
        (["scan", "--region", "europe"], "--region is not a valid AWS region"),
        (["scan", "--container-url", "https://a/b?sig=x", "--endpoint", "https://a/"], "--container-url must not have"),
        (["scan", "--s3-uri-prefix", "bucket", "--region", REGION], "--s3-uri-prefix is not a valid S3 URI"),
        (["scan", "--submitted-after", "yesterday", "--region", REGION], "--submitted-after"),
        (["scan", "--region", REGION, "--submitted-after", "2026-01-01T00:00:00Z"], "only narrows"),
        (["scan", "--region", REGION, "--timeout", "soon"], "--timeout is not a valid duration"),
        (["scan", "--region", REGION, "--output", "xml"], "'xml' is not a valid format"),
        (["scan", "--region", REGION, "-o", "json", "-o", "markdown"], "only one format"),
        (["scan", "--region", REGION, "-o", "json="], "name of the file is missing"),
        (["scan", "--region", REGION, "--watch", "-o", "json"], "--watch draws a table"),
        (["plan", "--state", "missing.json"], "missing.json cannot be read"),
        (["plan", "--state", "-"], "standard input is not valid JSON"),
        (["plan", "--state", "-", "--state", "-"], "only once"),
    ],
)
def test_bad_usage_is_exit_code_2_and_says_what_to_give(cli: Cli, arguments: list[str], says: str) -> None:
    """In one sentence, never with a traceback."""
    done = cli(*arguments)
    assert done.returncode == 2
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_place_the_remedy_is_named(cli: Cli) -> None:
    """Options and variables."""
    done = cli("scan")
    assert done.returncode == 2
    for word in ("--region", "--endpoint", "AWS_REGION", "AZURE_DOCUMENT_TRANSLATION_ENDPOINT"):
        assert word in done.stderr


def test_without_credentials_the_remedy_is_named(cli: Cli) -> None:
    """A row for each place, and exit code 2."""
    found = cli.json(
        "scan",
        "--region",
        REGION,
        env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
    )
    validate(found, "scan")
    assert found["exit_code"] == 2
    assert "aws sts get-caller-identity" in found["places"][0]["error"]
    assert found["places"][0]["in_flight"] is None


def test_each_format_goes_where_it_was_asked_to(cli: Cli, add_jobs: AddJobs) -> None:
    """Files whole, and the table on standard output all the same."""
    add_jobs(name="pr-17-a")
    done = cli("scan", "--region", REGION, "-o", "json=jobs.json", "-o", "markdown=jobs.md")
    assert done.returncode == 1
    assert "1 job in flight" in done.stdout
    validate(json.loads((cli.directory / "jobs.json").read_text()), "scan")
    assert "pr-17-a" in (cli.directory / "jobs.md").read_text()
    assert {path.name for path in cli.directory.iterdir() if path.suffix} == {"jobs.json", "jobs.md"}


def test_a_file_that_cannot_be_written_is_said(cli: Cli) -> None:
    """Exit code 2, with the reason."""
    done = cli("scan", "--region", REGION, "-o", "json=missing/jobs.json")
    assert done.returncode == 2
    assert "missing/jobs.json cannot be written: No such file or directory" in done.stderr


@pytest.mark.parametrize("arguments", [["scan", "--region", REGION], ["scan", "--region", REGION, "-o", "json"]])
def test_a_reader_that_goes_away_gets_no_traceback(cli: Cli, add_jobs: AddJobs, arguments: list[str]) -> None:
    """``| head -1``, with more to say than a pipe takes."""
    add_jobs(1500, name="many")
    process = cli.start(*arguments)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(120) == 1
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""


def test_verbose_shows_requests_without_secrets(cli: Cli, add_jobs: AddJobs) -> None:
    """On standard error, so that output stays output."""
    add_jobs(name="pr-17-a")
    add_jobs(resource="translator")
    endpoint = cli.emulator.azure_endpoint("translator")
    env = {"AWS_SESSION_TOKEN": "planted-session-token"}
    done = cli("scan", "--region", REGION, "--endpoint", endpoint, "-v", "-o", "json", env=env)
    assert "> ListTextTranslationJobs eu-west-1" in done.stderr
    assert "/translator/document/batches" in done.stderr
    assert json.loads(done.stdout)["exit_code"] == 1
    for secret in ("planted-aws-secret", "planted-session-token", "emulator-key", "Credential="):
        assert secret not in done.stdout + done.stderr


def test_the_emulator_runs_until_it_is_told_to_end(cli: Cli) -> None:
    """It prints the variables with which the other commands find it."""
    process = cli.start("emulator")
    assert process.stdout is not None
    variables: dict[str, str | None] = {}
    while "AZURE_DOCUMENT_TRANSLATION_KEY" not in variables:
        for word in shlex.split(process.stdout.readline(), comments=True)[1:]:
            name, equals, value = word.partition("=")
            if equals:
                variables[name] = value
    try:
        found = cli.json("scan", env=variables)
    finally:
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert found["exit_code"] == 0
    assert {place["service"] for place in found["places"]} == {"amazon-translate", "azure-document-translation"}


def test_completion_is_offered_for_the_shell(cli: Cli) -> None:
    """By the script that the shell asks for."""
    done = cli("--show-completion", "bash", env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert done.returncode == 0
    assert "_TRANSLATION_JOB_GUARD_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("scan --output ", {"table", "json", "markdown", "html"}),
        ("plan -o m", {"markdown"}),
        ("scan --region eu-west-", {"eu-west-1", "eu-west-2", "eu-west-3"}),
        ("orphans --region cn-", set()),
        ("plan --stack d", set()),
    ],
)
def test_values_of_options_are_completed(cli: Cli, typed: str, offered: set[str]) -> None:
    """Regions without Amazon Translate are left out; outside of a project there are no stacks to offer."""
    words = f"translation-job-guard {typed}"
    done = cli(
        env={
            "_TRANSLATION_JOB_GUARD_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        }
    )
    found = {line for line in done.stdout.split() if line in offered or not line.startswith("eu-west-")}
    assert found == offered
    assert not done.stderr


def test_a_stack_of_the_project_is_completed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what `pulumi stack ls` lists."""
    pulumi = cli.directory / "pulumi"
    pulumi.write_text('#!/bin/sh\necho \'[{"name": "dev"}, {"name": "prod"}]\'\n')
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", str(cli.directory), prepend=os.pathsep)
    assert completion.stacks("d") == ["dev"]
    assert completion.stacks("") == ["dev", "prod"]


def test_the_command_is_installed() -> None:
    """The entry point of the package, as users call it."""
    assert Path(COMMAND).is_file()


def test_help_shows_whole_summaries(cli: Cli) -> None:
    """At 80 columns, too."""
    commands = cli("--help").stdout.partition("Commands:")[2].strip().splitlines()
    assert len(commands) >= 6
    assert not [line for line in commands if line.rstrip().endswith("...")]


def test_the_command_runs_in_another_directory(cli: Cli) -> None:
    """With -C; one that is not there is a mistake of usage."""
    (cli.directory / "below").mkdir()
    (cli.directory / "below" / "state.json").write_text("{}")
    assert "is not a valid exported stack" in cli("-C", "below", "plan", "--state", "state.json").stdout
    assert cli("-C", "missing", "plan").returncode == 2


def test_the_release_is_shown_by_a_short_option(cli: Cli) -> None:
    """And by the long one."""
    assert cli("-V").stdout == cli("--version").stdout != ""


def test_the_emulator_names_the_region_that_boto3_reads(cli: Cli) -> None:
    """AWS_REGION is for the other SDKs; boto3 knows AWS_DEFAULT_REGION alone."""
    variables = cli.emulator.environment
    assert variables["AWS_DEFAULT_REGION"] == variables["AWS_REGION"]
