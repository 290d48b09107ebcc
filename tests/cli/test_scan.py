"""``scan``: what is in flight, and whose it is."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, REGION, AddJobs, Cli
from tests.support.golden import check_golden, normalised
from tests.support.schema import validate

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def both(cli: Cli, add_jobs: AddJobs) -> list[str]:
    """Arguments that look at both clouds, with jobs at each."""
    add_jobs(id=f"{1:032x}", name="pr-17-catalogue")
    other = "arn:aws:iam::123456789012:role/other"
    add_jobs(id=f"{2:032x}", name="pr-18-manuals", role=other, state="STOP_REQUESTED", stop_latency=10**6)
    add_jobs(id=f"{3:032x}", name="elsewhere", region="us-east-1")
    add_jobs(id="00000000-0000-0000-0000-00000000000a", resource="translator")
    return ["--region", REGION, "--endpoint", cli.emulator.azure_endpoint("translator")]


@pytest.mark.parametrize("format_", ["table", "json", "markdown"])
def test_scan_is_what_it_was(cli: Cli, both: list[str], format_: str) -> None:
    """Golden outputs, over both clouds."""
    done = cli("scan", *both, "--output", format_)
    assert done.returncode == 1, done.stderr
    check_golden(GOLDEN / f"scan.{format_}", normalised(done.stdout, cli.emulator.url))


def test_the_environment_names_the_places_where_no_option_does(cli: Cli, both: list[str]) -> None:
    """Region and endpoint; a selector of one service leaves the other's place out."""
    env = {"AWS_REGION": REGION, "AZURE_DOCUMENT_TRANSLATION_ENDPOINT": both[-1]}
    found = cli.json("scan", env=env)
    validate(found, "scan")
    assert [place["place"] for place in found["places"]] == [REGION, both[-1]]
    assert len(found["jobs"]) == 3
    found = cli.json("scan", "--job-name-prefix", "pr-17-", env=env)
    assert [place["place"] for place in found["places"]] == [REGION]
    assert [job["name"] for job in found["jobs"]] == ["pr-17-catalogue"]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        (["--data-access-role-arn", "arn:aws:iam::123456789012:role/other"], {"pr-18-manuals"}),
        (["--s3-uri-prefix", "s3://bucket/in/"], {"pr-17-catalogue", "pr-18-manuals"}),
        (["--s3-uri-prefix", "s3://buck/"], set()),
        (["--job-id", f"{1:032x}", "--job-id", f"{9:032x}"], {"pr-17-catalogue"}),
    ],
)
def test_selectors_narrow_as_a_scope_does(cli: Cli, both: list[str], selector: list[str], names: set[str]) -> None:
    """The guard's own predicate decides."""
    found = cli.json("scan", *both[:2], *selector)
    assert {job["name"] for job in found["jobs"]} == names
    assert found["exit_code"] == (1 if names else 0)


def test_batches_are_told_by_their_containers(cli: Cli, add_jobs: AddJobs) -> None:
    """Also where there are more than would be looked up unasked."""
    other = {"source": "https://other.blob.core.windows.net/in", "target": "https://other.blob.core.windows.net/out"}
    add_jobs(130, resource="translator", **other)
    [mine] = add_jobs(resource="translator")
    endpoint = ["--endpoint", cli.emulator.azure_endpoint("translator")]
    url = "https://account.blob.core.windows.net/docs"
    found = cli.json("scan", *endpoint, "--container-url", url)
    assert [(job["id"], job["locations"][0]) for job in found["jobs"]] == [(mine, url)]
    found = cli.json("scan", *endpoint)
    assert len(found["jobs"]) == 131
    assert {job["locations"] and tuple(job["locations"]) for job in found["jobs"]} == {None}
    assert "--locate" in found["notes"][0]


def test_a_batch_without_documents_yet_is_neither_in_nor_out(cli: Cli, add_jobs: AddJobs) -> None:
    """Exit code 2, and a row."""
    add_jobs(resource="translator", counted=cli.emulator.control.now() + 10_000)
    found = cli.json(
        "scan",
        *("--endpoint", cli.emulator.azure_endpoint("translator")),
        *("--container-url", "https://account.blob.core.windows.net/docs"),
    )
    validate(found, "scan")
    assert (found["jobs"], len(found["undecided"]), found["exit_code"]) == ([], 1, 2)


def test_all_regions_with_a_slow_one_and_a_dead_place(cli: Cli, add_jobs: AddJobs) -> None:
    """The others are shown; each of the two is a row that says why, and the exit code is 2."""
    add_jobs(name="far", region="ap-southeast-2")
    cli.emulator.control.fault("ListTextTranslationJobs", "slow", match={"region": "us-west-1"}, seconds=600)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/azure/translator"
        found = cli.json("scan", "--all-regions", "--endpoint", dead, "--timeout", "15s")
    validate(found, "scan")
    places = {place["place"]: place for place in found["places"]}
    assert len(places) >= 16
    assert "ap-east-1" not in places
    assert "ap-east-1" in found["notes"][0]
    failed = {place for place, row in places.items() if row["error"]}
    assert failed == {"us-west-1", dead}
    assert "no answer in 15 s" in places["us-west-1"]["error"]
    assert [job["name"] for job in found["jobs"]] == ["far"]
    assert found["exit_code"] == 2


def test_five_thousand_jobs_are_all_there(cli: Cli, add_jobs: AddJobs) -> None:
    """In JSON and in a pipe; a job summary says how many it leaves out."""
    add_jobs(5000, name="many")
    done = cli("scan", "--region", REGION, "-o", "json=jobs.json", "-o", "markdown=jobs.md")
    assert done.returncode == 1
    assert done.stdout.count("many (") == 5000
    assert (cli.directory / "jobs.json").read_text().count('"name": "many"') == 5000
    assert "…and 4500 more." in (cli.directory / "jobs.md").read_text()


def test_an_interrupted_scan_ends_at_once(cli: Cli) -> None:
    """With exit code 130 and a word, although a place has not answered."""
    cli.emulator.control.fault("ListTextTranslationJobs", "slow", seconds=600)
    process = cli.start("scan", "--region", REGION)
    cli.emulator.control.wait_for_requests(operation="ListTextTranslationJobs", arrived=True, timeout=60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")


def run_in_terminal(cli: Cli, *arguments: str, columns: int, env: dict[str, str | None] | None = None) -> str:
    """What the command shows on a terminal so many columns wide."""
    leader, follower = pty.openpty()
    environment = cli.environment({"COLUMNS": str(columns), "TERM": "xterm-256color", **(env or {})})
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=cli.directory, env=environment, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            some = os.read(leader, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not some:
            break
        shown += some
    os.close(leader)
    process.wait(60)
    return shown.decode()


def test_a_terminal_has_colours_unless_they_are_unwanted(cli: Cli, both: list[str]) -> None:
    """NO_COLOR is respected."""
    assert "\x1b[" in run_in_terminal(cli, "scan", *both, columns=200)
    plain = run_in_terminal(cli, "scan", *both, columns=200, env={"NO_COLOR": "1"})
    assert "\x1b[3" not in plain
    assert "pr-17-catalogue" in plain


def test_a_narrow_terminal_loses_nothing(cli: Cli, both: list[str]) -> None:
    """Rows become records, no line is wider than the terminal, and every word is there."""
    shown = re.sub(r"\x1b\[[0-9;]*m", "", run_in_terminal(cli, "scan", *both, columns=44))
    assert max(len(line) for line in shown.splitlines()) <= 44
    for word in ("pr-17-catalogue", "pr-18-manuals", "STOP_REQUESTED", "3 h 30 min", "translate-dev"):
        assert word in shown


def test_watch_goes_on_until_nothing_is_in_flight(cli: Cli, add_jobs: AddJobs) -> None:
    """In a pipe each change is a line; files have the last look."""
    [job] = add_jobs(name="pr-17-a")
    process = cli.start("scan", "--region", REGION, "--watch", "--every", "0.5s", "-o", "json=last.json")
    assert process.stdout is not None
    assert "1 job in flight" in process.stdout.readline()
    cli.emulator.control.set_job(job, state="COMPLETED")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.endswith(" Nothing in flight in 1 place.\n")
    found = json.loads((cli.directory / "last.json").read_text())
    assert (found["jobs"], found["exit_code"]) == ([], 0)


def test_an_interrupted_watch_is_exit_code_130(cli: Cli, add_jobs: AddJobs) -> None:
    """While jobs are in flight; a terminal is left as it was."""
    add_jobs(name="pr-17-a")
    process = cli.start("scan", "--region", REGION, "--watch")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "Interrupted.\n")


def test_watch_draws_on_a_terminal(cli: Cli) -> None:
    """One table, which ends when nothing is in flight."""
    assert "Nothing in flight" in run_in_terminal(cli, "scan", "--region", REGION, "--watch", columns=100)


@pytest.mark.parametrize("moment", ["yesterday", "2025-01-31T12:00:00Z"])
def test_a_time_alone_selects_nothing(cli: Cli, moment: str) -> None:
    """The error names options that there are."""
    done = cli("scan", "--region", REGION, "--submitted-after", moment)
    assert done.returncode == 2
    assert "--job-name-prefix" in done.stderr
    assert "--scope" not in done.stderr


def test_where_no_place_could_be_looked_at_nothing_is_known(cli: Cli) -> None:
    """Which is not "nothing in flight"."""
    done = cli("scan", "--region", REGION, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, timeout=120)
    assert done.returncode == 2
    assert "Not known" in done.stdout
    assert "Nothing in flight" not in done.stdout


def test_documents_that_are_not_counted_yet_are_null(cli: Cli, add_jobs: AddJobs) -> None:
    """Not 0."""
    add_jobs(resource="translator", counted=cli.emulator.control.now() + 10_000)
    found = cli.json("scan", "--endpoint", cli.emulator.azure_endpoint("translator"))
    validate(found, "scan")
    assert [job["documents"] for job in found["jobs"]] == [None]
