"""``doctor``: whether guards can do their work from here."""

from __future__ import annotations

import base64
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import REGION, Cli
from tests.support.schema import validate
from tests.support.states import mixed, state
from translation_job_guard.cli.doctor import _clock
from translation_job_guard.cli.doctor_result import Health


def checks(found: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """What was found, by what it is about and which check."""
    return {(one["about"], one["check"]): (one["health"], one["says"]) for one in found["checks"]}


def write(cli: Cli, document: Any) -> str:
    (cli.directory / "state.json").write_text(json.dumps(document))
    return "state.json"


def test_all_is_well_where_guards_can_work(cli: Cli) -> None:
    """Both clouds and a state; nothing is started or stopped."""
    endpoint = cli.emulator.azure_endpoint("translator")
    guards = {"jobs": {}, "batches": {"endpoint": endpoint}}
    found = cli.json("doctor", "--state", write(cli, state(cli.emulator.url, guards=guards)))
    validate(found, "doctor")
    by = checks(found)
    assert found["exit_code"] == 0, found
    place = "Amazon Translate eu-west-1 (account 123456789012)"
    assert by[place, "credentials"] == ("good", "lead to account 123456789012")
    for check in ("credentials", "permissions", "clock"):
        assert by[f"Azure Document Translation {endpoint}", check][0] == "good"
    for guard in guards:
        assert by[f"Guard shop/dev/{guard}", "can be loaded"][0] == "good"
        assert by[f"Guard shop/dev/{guard}", "would be called"][0] == "good"
    assert cli.emulator.control.jobs() == []


def test_a_missing_permission_is_named_with_the_statement_to_add(cli: Cli) -> None:
    """A finding: exit code 1."""
    cli.emulator.control.fault("StopTextTranslationJob", "denied")
    found = cli.json("doctor", "--region", REGION)
    health, says = checks(found)["Amazon Translate eu-west-1", "permissions"]
    assert (health, found["exit_code"]) == ("bad", 1)
    assert "translate:StopTextTranslationJob" in says
    assert '"Effect": "Allow"' in says


def test_without_credentials_the_remedy_is_named(cli: Cli) -> None:
    """For each place; a wrong Azure key is not repeated."""
    endpoint = cli.emulator.azure_endpoint("translator")
    env = {
        "AWS_ACCESS_KEY_ID": None,
        "AWS_SECRET_ACCESS_KEY": None,
        "AZURE_DOCUMENT_TRANSLATION_KEY": "planted-wrong-key",
    }
    found = cli.json("doctor", "--region", REGION, "--endpoint", endpoint, env=env)
    by = checks(found)
    assert by["Amazon Translate eu-west-1", "credentials"][0] == "bad"
    assert by[f"Azure Document Translation {endpoint}", "permissions"][0] == "bad"
    assert "AZURE_DOCUMENT_TRANSLATION_KEY" in by[f"Azure Document Translation {endpoint}", "permissions"][1]
    assert "planted-wrong-key" not in json.dumps(found)
    assert found["exit_code"] == 1


def test_a_place_that_cannot_be_reached_could_not_be_told(cli: Cli) -> None:
    """Exit code 2: nothing is known about its permissions."""
    cli.emulator.control.fault("ListTextTranslationJobs", "error", status=500)
    found = cli.json("doctor", "--region", REGION)
    assert checks(found)["Amazon Translate eu-west-1", "permissions"][0] == "unknown"
    assert found["exit_code"] == 2


def test_a_guard_of_another_account_is_a_finding(cli: Cli) -> None:
    """Its destroy would fail from here."""
    document = state(cli.emulator.url, guards={"theirs": {"account_id": "999999999999"}})
    found = cli.json("doctor", "--state", write(cli, document))
    health, says = checks(found)["Amazon Translate eu-west-1 (account 999999999999)", "credentials"]
    assert health == "bad"
    assert "Use the credentials of 999999999999" in says


def test_guards_that_would_not_be_called_or_loaded_are_findings(cli: Cli) -> None:
    """With what to do, in a state with foreign resources."""
    document = mixed(cli.emulator.url)
    for resource in document["deployment"]["resources"]:
        if resource["urn"].endswith("::translate"):
            pickled = base64.b64decode(resource["outputs"]["__provider"])
            changed = pickled.replace(b"AmazonTranslateJobGuardProvider", b"AmazonTranslateJobGuardProviderX"[:31])
            changed = changed.replace(b"translation_job_guard.provider", b"translation_job_guard.provideX")
            resource["outputs"]["__provider"] = base64.b64encode(changed).decode()
    found = cli.json("doctor", "--state", write(cli, document))
    by = checks(found)
    assert by["Guard test/dev/translate", "can be loaded"][0] == "bad"
    assert "translation_job_guard.provideX" in by["Guard test/dev/translate", "can be loaded"][1]
    assert by["Guard test/dev/inherits", "would be called"][0] == "bad"
    assert "deletedWith" in by["Guard test/dev/inherits", "would be called"][1]
    assert by["Guard test/dev/inherits", "protect"][0] == "warning"
    assert found["exit_code"] == 1


def test_an_encrypted_guard_could_not_be_told(cli: Cli) -> None:
    """And the export that would tell is named."""
    found = cli.json("doctor", "--state", write(cli, mixed(cli.emulator.url, show_secrets=False)))
    health, says = checks(found)["Guard test/dev/documents", "properties"]
    assert (health, found["exit_code"]) == ("unknown", 2)
    assert "--show-secrets" in says


@pytest.mark.parametrize(
    ("virtualenv", "health", "word"),
    [(sys.prefix, "good", "virtualenv"), ("nowhere", "bad", "does not exist")],
)
def test_the_python_of_a_destroy_is_asked_for_the_package(cli: Cli, virtualenv: str, health: str, word: str) -> None:
    """The one that Pulumi.yaml names, as the engine chooses it."""
    settings = f"name: shop\nruntime:\n  name: python\n  options:\n    virtualenv: {virtualenv}\n"
    (cli.directory / "Pulumi.yaml").write_text(settings)
    found = cli.json("doctor", "--state", write(cli, state(cli.emulator.url)))
    assert checks(found)["This machine", "Python of a destroy"][0] == health
    assert word in checks(found)["This machine", "Python of a destroy"][1]


def test_overrides_of_the_environment_are_said(cli: Cli, tmp_path: Path) -> None:
    """In force: a warning. Of no use: a finding. A receipts' directory that cannot be written to: a finding."""
    (tmp_path / "file").touch()
    args = ["doctor", "--state", write(cli, state(cli.emulator.url))]
    env = {"TRANSLATION_JOB_GUARD_ON_DELETE": "guard=ignore", "TRANSLATION_JOB_GUARD_RECEIPTS": str(tmp_path / "file")}
    by = checks(cli.json(*args, env=env))
    assert by["This machine", "environment overrides"][0] == "warning"
    assert by["This machine", "receipts"][0] == "bad"
    by = checks(cli.json(*args, env={"TRANSLATION_JOB_GUARD_ON_DELETE": "nonsense"}))
    assert by["This machine", "environment overrides"][0] == "bad"


def test_an_override_that_names_no_guard_is_a_finding(cli: Cli) -> None:
    """Nothing of it is in force; for a guard that exists it is."""
    args = ["doctor", "--state", write(cli, state(cli.emulator.url, guards={"guard": {}}))]
    for text, health in (("gaurd=ignore", "bad"), ("dev/guard=ignore", "warning")):
        by = checks(cli.json(*args, env={"TRANSLATION_JOB_GUARD_ON_DELETE": text}))
        assert by["This machine", "environment overrides"][0] == health
        assert ("in force" in by["This machine", "environment overrides"][1]) is (health == "warning")


@pytest.fixture
def clock_server() -> Iterator[Any]:
    """A server whose clock is `offset` away."""
    offset = timedelta()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(404)
            self.send_header("Date", format_datetime(datetime.now(timezone.utc) + server.offset, usegmt=True))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = SimpleNamespace(offset=offset, url=f"http://127.0.0.1:{listening.server_port}/")
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield server
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.mark.parametrize(
    ("offset", "health"),
    [(0, Health.GOOD), (100, Health.WARNING), (-400, Health.BAD), (4000, Health.BAD)],
)
def test_a_clock_that_is_off_is_seen(clock_server: Any, offset: int, health: Health) -> None:
    """By the service's own time; AWS refuses signatures that are five minutes off."""
    clock_server.offset = timedelta(seconds=offset)
    check = _clock("here", SimpleNamespace(place=clock_server.url))
    assert check.health is health


def test_a_doctor_that_looked_at_nothing_is_exit_code_2(cli: Cli) -> None:
    """This machine alone says nothing of any guard."""
    found = cli.json("doctor")
    assert found["exit_code"] == 2
    assert checks(found)["This machine", "looked at"][0] == "unknown"


def test_a_place_of_a_guard_is_looked_at_once(cli: Cli) -> None:
    """Although an option names it, too."""
    name = write(cli, state(cli.emulator.url, guards={"guard": {}}))
    found = cli.json("doctor", "--state", name, "--region", REGION)
    about = {one["about"] for one in found["checks"] if one["about"].startswith("Amazon Translate")}
    assert about == {f"Amazon Translate {REGION} (account 123456789012)"}
