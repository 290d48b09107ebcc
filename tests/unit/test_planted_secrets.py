"""A secret of every source, planted into what is said by every way out: it leaves by none of them."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from translation_job_guard import redaction
from translation_job_guard.cli import output, streams, verbose
from translation_job_guard.cli.output import Format, Sink
from translation_job_guard.errors import Rejected
from translation_job_guard.guard.arguments import read
from translation_job_guard.guard.operations import in_one_line
from translation_job_guard.guard.progress import Voice
from translation_job_guard.guard.validation import problems
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Job, JobState
from translation_job_guard.presentation import Bar, Cell, Column, Figure, Note, Page, Table
from translation_job_guard.receipts import Receipt, as_html, as_json, as_markdown, receipt, write
from translation_job_guard.redaction import remember_secret
from translation_job_guard.state import parse_state
from translation_job_guard.teardown import Record, Report, TeardownOptions, TeardownTimeout

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
MARK = "PLANTED"
SECRET = f"{MARK}wJalr/XUtn+FEMI{MARK}"
KEY_ENV = "TEAM_KEY"
ESCAPE = "\x1b]0;title\x07\x1b[31m\u202e"
"""What would set a terminal's title and colour, and turn the direction of writing."""

_VARIABLES = {
    name: (name, SECRET, SECRET)
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AZURE_CLIENT_SECRET",
        "AZURE_DOCUMENT_TRANSLATION_KEY",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "PULUMI_ACCESS_TOKEN",
        KEY_ENV,
    )
}
_SOURCES: dict[str, tuple[str | None, str, str]] = {
    # An environment variable and its value, or None for what is remembered; and the text that is said.
    **_VARIABLES,
    "a line break inside": ("AWS_SESSION_TOKEN", f"{MARK}first\n{MARK}second", f"{MARK}first\n{MARK}second"),
    "a line break, escaped": ("AWS_SESSION_TOKEN", f"{MARK}first\n{MARK}second", rf"b'{MARK}first\n{MARK}second'"),
    "an endpoint's password": ("AWS_ENDPOINT_URL", f"user:{MARK}pass@127.0.0.1:1", f"user:{MARK}pass@127.0.0.1:1"),
    "a proxy's password": ("HTTPS_PROXY", f"http://u:{MARK}pass@127.0.0.1:1", f"http://u:{MARK}pass@127.0.0.1:1"),
    "remembered at run time": (None, SECRET, SECRET),
    "a header with a colon": (None, "", f"x-amz-security-token:{SECRET}"),
    "a header of AWS": (None, "", f"Authorization: AWS4-HMAC-SHA256 Credential={MARK}/x, Signature={MARK}"),
    "a header of Entra ID": (None, "", f"'Authorization': 'Bearer {SECRET}'"),
    "a header of Translator": (None, "", f"Ocp-Apim-Subscription-Key: {SECRET}"),
    "a SAS": (None, "", f"https://a.blob.core.windows.net/c?sv=1&sig={SECRET}&se=1"),
    "an encoded SAS": (None, "", f"https://a.blob.core.windows.net/c%253Fsv%253D1%2526sig%253D{MARK}"),
    "a presigned URL": (None, "", f"s3://b/k?X-Amz-Credential={MARK}&X-Amz-Signature={MARK}"),
    "a URL's user": (None, "", f"https://user:{MARK}@gateway.example/path"),
    "the answer of listKeys": (None, "", json.dumps({"key1": SECRET, "key2": SECRET})),
}


@pytest.fixture(params=list(_SOURCES.values()), ids=list(_SOURCES))
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A text with a secret in it, which this process knows or which has the form of one."""
    monkeypatch.setattr(redaction, "_remembered", {})
    monkeypatch.setattr(redaction, "_variables", {})
    variable, value, text = request.param
    if variable is not None:
        monkeypatch.setenv(variable, value)
    elif value:
        remember_secret(value)
    return f"{ESCAPE}a gateway says: {text} and no more"


@pytest.fixture
def _logging(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("botocore.endpoint", "urllib3.connectionpool"):
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        monkeypatch.setattr(logging.getLogger(name), "level", 0)


@dataclass(frozen=True)
class Found:
    """A command's result with the text wherever it can stand."""

    text: str
    exit_code: int = 1

    def document(self) -> Any:
        return {"lead": self.text, "jobs": [{"name": self.text, "message": [self.text]}]}

    def page(self) -> Page:
        return Page(
            self.text,
            Note(self.text),
            NOW,
            (Figure("place", self.text),),
            (Note(self.text),),
            (Table(self.text, (Column(self.text),), ((Cell(self.text),),)), Table("none", (), (), self.text)),
            (Bar(self.text, NOW, None, self.text),),
        )


def _receipt(text: str) -> Receipt:
    job = Job(AZURE_DOCUMENT_TRANSLATION, "id", JobState.RUNNING, "Running", name=text, message=text, submitted_at=NOW)
    report = Report(AZURE_DOCUMENT_TRANSLATION, "https://a.example/", "a.example", TeardownOptions(), NOW)
    report.records = {
        "one": Record(job, job, 0.1, last_error=Rejected(text)),
        "two": Record(replace(job, id="two"), job, 0.1),
    }
    return receipt(report, guard="jobs", stack="dev", error=TeardownTimeout(text, report), key_env=KEY_ENV)


def _error(text: str) -> str:
    def work() -> None:
        raise TeardownTimeout(text, Report(AMAZON_TRANSLATE, "eu-west-1", "", TeardownOptions(), NOW)) from ValueError(
            text
        )

    try:
        in_one_line({"stack": "dev", "name": "jobs", "key_env": KEY_ENV}, work)
    except TeardownTimeout:
        return traceback.format_exc()
    raise AssertionError


def _progress(text: str) -> str:
    out = io.StringIO()
    Voice("dev/jobs", KEY_ENV, out=out).say(text)
    return out.getvalue()


def _files(text: str, directory: Path) -> str:
    return "".join(file.read_text() for file in write(_receipt(text), directory))


@pytest.mark.parametrize("form", [as_json, as_markdown, as_html], ids=["json", "markdown", "html"])
def test_no_secret_is_in_a_receipt(said: str, form: Callable[[Receipt], str]) -> None:
    """In no format, wherever a service's text stands in it."""
    _check(form(_receipt(said)))


def test_no_secret_is_in_a_receipts_files(said: str, tmp_path: Path) -> None:
    """As they are written."""
    _check(_files(said, tmp_path))


@pytest.mark.parametrize("way", [_error, _progress], ids=["error", "progress"])
def test_no_secret_is_in_a_guards_lines(said: str, way: Callable[[str], str]) -> None:
    """What Pulumi shows: the whole traceback of an error, and the lines on the stack's row."""
    shown = way(said)
    _check(shown)
    assert "[dev/jobs] " in shown


@pytest.mark.parametrize("format_", Format)
def test_no_secret_is_in_a_commands_result(
    said: str, format_: Format, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard output and in a file, in every format."""
    output.emit(Found(said), [Sink(format_), Sink(format_, tmp_path / "result")], [KEY_ENV])
    _check(capsys.readouterr().out)
    _check((tmp_path / "result").read_text())


@pytest.mark.usefixtures("_logging")
def test_no_secret_is_in_what_verbose_shows(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The bodies and URLs of requests, whatever guard they are for."""
    read(
        AZURE_DOCUMENT_TRANSLATION,
        {"endpoint": "https://a.b/", "scope": [{"whole_resource": True}], "key_env": KEY_ENV},
    )
    verbose.show_requests()
    request = {"context": {"client_region": "eu-west-1"}, "body": said.encode()}
    logging.getLogger("botocore.endpoint").debug("Making request for %s with params: %s", "Stop", request)
    answer = ("https", "host", 443, "GET", f"/?q={said}", "HTTP/1.1", 200, 17)
    logging.getLogger("urllib3.connectionpool").debug('%s://%s:%s "%s %s %s" %s %s', *answer)
    streams.say(said)
    shown = capsys.readouterr().err
    assert len(shown.split("no more")) == 4
    _check(shown)


def _check(shown: str) -> None:
    assert "no more" in shown, "the text is there"
    assert MARK not in shown
    assert not set("\x1b\x07\u202e") & set(shown)


def test_no_secret_is_in_the_reasons_of_a_check(said: str) -> None:
    """Whatever property it was put into by mistake."""
    for service, names in {
        AMAZON_TRANSLATE: ("region", "profile", "endpoint_url", "assume_role_arn", "on_delete", "timeout"),
        AZURE_DOCUMENT_TRANSLATION: ("endpoint", "key_env", "api_version", "account_resource_id", "undecided_timeout"),
    }.items():
        properties = {**dict.fromkeys(names, said), "scope": [{"container_urls": [said]}, said]}
        found = problems(service, properties)
        assert len(found) > len(names)
        for problem in found:
            assert MARK not in problem.path + problem.reason


def test_no_secret_is_in_the_error_about_a_state(said: str) -> None:
    """An edited state may have anything in a name."""
    state = {"version": 3, "deployment": {"resources": [{"urn": f"urn:pulumi:dev::app::t::{said}", "type": 1}]}}
    with pytest.raises(ValueError, match="type of resource 0") as refused:
        parse_state(json.dumps(state), "state.json")
    assert MARK not in redaction.redact(str(refused.value), KEY_ENV)
