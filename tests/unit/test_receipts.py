"""Receipts: what they say, what they never say, and that writing them never gets in the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.emulator import REGION, aws, start
from tests.support.schema import validate
from tests.support.services import changed
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import Denied, GuardError
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.guard.environment import ON_DELETE, RECEIPTS
from translation_job_guard.guard.progress import Voice
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Documents, Job, JobState
from translation_job_guard.presentation import plain
from translation_job_guard.receipts import Outcome, as_json, as_markdown, receipt, write, write_file
from translation_job_guard.teardown import Record, Report, TeardownOptions, TeardownTimeout

SECRET = "sv=2024&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def running(id_: str, **changes: object) -> Job:
    job = Job(AZURE_DOCUMENT_TRANSLATION, id_, JobState.RUNNING, "Running", submitted_at=STARTED - timedelta(minutes=9))
    return replace(job, **changes)  # type: ignore[arg-type]


def a_report() -> Report:
    """Of one batch that was stopped, one that ended by itself and one that is in flight still."""
    one, two, three = running("one"), running("two"), running("three", name="late | arrival")
    stopped = replace(
        one,
        state=JobState.STOPPED,
        service_state="Cancelled",
        documents=Documents(8, succeeded=3, stopped=5),
        characters_charged=1_200_000,
    )
    done = replace(two, state=JobState.SUCCEEDED, service_state="Succeeded", characters_charged=400_000)
    report = Report(AZURE_DOCUMENT_TRANSLATION, "https://a.example/", "a.example", TeardownOptions(), STARTED)
    report.records = {
        "one": Record(one, stopped, 0.1, asks=1, asked_at=0.2, ended_at=4.3),
        "two": Record(two, done, 0.1, ended_at=2.0),
        "three": Record(three, three, 3.0, came_late=True, asks=2, asked_at=5.0),
    }
    report.requests = {"list": 4, "stop": 3}
    report.elapsed = 12.0
    report.looked = True
    return report


def test_a_receipt_says_of_each_job_how_it_was_and_how_it_ended() -> None:
    """States before and after, who ended it, when it was asked, how long it took."""
    made = receipt(a_report(), guard="documents", stack="dev", project="shop")
    one, two, three = made.jobs
    assert (one.service_state_before, one.service_state_after, one.ending.value) == ("Running", "Cancelled", "stopped")
    assert one.seconds == pytest.approx(4.2)
    assert one.asked_at == STARTED + timedelta(seconds=0.2)
    assert two.ending.value == "ended by itself"
    assert (three.ending.value, three.came_late, three.ended_at) == ("in flight", True, None)
    assert made.characters_charged == 1_600_000


def test_json_follows_the_published_schema() -> None:
    """For a teardown that failed as for one that is done."""
    for error in (None, TeardownTimeout("too late", a_report()), KeyboardInterrupt()):
        validate(json.loads(as_json(receipt(a_report(), guard="documents", error=error))), "receipt")


def test_markdown_names_every_job_and_cannot_be_broken_by_a_name() -> None:
    """A job's name with a table's separator stays in its cell."""
    text = as_markdown(receipt(a_report(), guard="documents", stack="dev", project="shop"))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 3
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "late \\| arrival" in text
    assert "1,600,000" in text


def test_a_thousand_jobs_still_fit_a_job_summary() -> None:
    """Markdown is cut, and says so; JSON has them all."""
    report = a_report()
    report.records |= {f"job-{n}": Record(running(f"job-{n}"), running(f"job-{n}"), 0.0) for n in range(5000)}
    made = receipt(report, guard="documents")
    assert len(as_markdown(made).encode()) < 2**20
    assert "…and 4503 more." in as_markdown(made)
    assert len(json.loads(as_json(made))["jobs"]) == 5003


def test_no_secret_is_in_a_receipt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a SAS signature in a message nor the value of the guard's key variable, in any format."""
    monkeypatch.setenv("MY_KEY", "planted-key-value")
    report = a_report()
    report.records["one"].last_error = Denied(f"GET https://a.example/?{SECRET} with planted-key-value")
    report.records["two"].now = replace(report.records["two"].now, message=f"from https://a.example/c?{SECRET}")
    error = TeardownTimeout(f"planted-key-value and {SECRET}", report)
    files = write(receipt(report, guard="documents", error=error, key_env="MY_KEY"), tmp_path)
    text = "".join(path.read_text() for path in files)
    assert "planted-key-value" not in text
    assert "c2VjcmV0" not in text
    assert "https://a.example/c?sv=2024&sig=…" in text


def test_two_receipts_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Two destroys, or both halves of a replacement, may end at once."""
    made = receipt(a_report(), guard="a/b guard", stack="dev", project="shop")
    assert len({*write(made, tmp_path), *write(made, tmp_path)}) == 6
    assert all(
        path.parent == tmp_path and path.name.startswith("shop-dev-a_b_guard-2026") for path in tmp_path.iterdir()
    )


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there stays if writing fails half-way, and nothing half-written is left behind."""
    path = tmp_path / "receipt.json"
    path.write_text("before")

    def full(self: Path, *_: object, **__: object) -> int:
        if not self.exists():
            self.touch()
        raise OSError(28, "No space left on device")

    for step in ("write_text", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, step, full)
            with pytest.raises(OSError, match="No space left"):
                write_file(path, "after")
    assert [one.name for one in tmp_path.iterdir()] == ["receipt.json"]
    assert path.read_text() == "before"


# In the lifecycle, against the emulator.


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(stop_latency=0.05) as server:
        yield server


@pytest.fixture
def guard(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> GuardArguments:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAEMULATOR",
        "AWS_SECRET_ACCESS_KEY": "planted-secret",
        "AWS_SESSION_TOKEN": "planted-token",
    }.items():
        monkeypatch.setenv(name, value)
    return read(
        AMAZON_TRANSLATE,
        {
            "name": "guard",
            "stack": "dev",
            "project": "shop",
            "region": REGION,
            "endpoint_url": emulator.url,
            "scope": [{"job_name_prefixes": ["mine-"]}],
            "quiet_period": 0,
        },
    )


def receipts_in(directory: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))]


def test_a_teardown_leaves_its_receipt(
    guard: GuardArguments,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the directory that the environment names, which is made; with the jobs stopped, and without secrets."""
    monkeypatch.setenv(RECEIPTS, str(tmp_path / "some" / "where"))
    job = start(aws(emulator), JobName="mine-1")
    start(aws(emulator), JobName="theirs")
    lifecycle.tear_down(guard)
    [written] = receipts_in(tmp_path / "some" / "where")
    validate(written, "receipt")
    assert (written["outcome"], written["guard"], written["occasion"]) == ("quiet", "guard", "delete")
    assert [(one["id"], one["ending"]) for one in written["jobs"]] == [(job, "stopped")]  # type: ignore[attr-defined]
    assert "receipt: " in capsys.readouterr().out
    assert "planted" not in "".join(path.read_text() for path in tmp_path.rglob("*.*"))


def test_a_failed_teardown_leaves_its_receipt_too(
    guard: GuardArguments,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """With the error, and the job that is in flight still."""
    monkeypatch.setenv(RECEIPTS, str(tmp_path))
    monkeypatch.setenv(ON_DELETE, "fail")
    start(aws(emulator), JobName="mine-1")
    with pytest.raises(GuardError):
        lifecycle.tear_down(guard)
    [written] = receipts_in(tmp_path)
    assert (written["outcome"], written["mode"]) == (Outcome.FAILED.value, "fail")
    assert written["jobs"][0]["ending"] == "in flight"  # type: ignore[index]
    assert "on_delete" in str(written["error"])


def test_a_teardown_that_cannot_begin_leaves_its_receipt_too(
    guard: GuardArguments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Credentials of another account: nothing was looked at, and the receipt says so."""
    monkeypatch.setenv(RECEIPTS, str(tmp_path))
    with pytest.raises(GuardError):
        lifecycle.tear_down(changed(guard, account_id="999999999999"))
    [written] = receipts_in(tmp_path)
    assert (written["outcome"], written["looked"], written["account"]) == ("failed", False, "999999999999")


def test_an_interrupted_teardown_leaves_its_receipt_too(
    guard: GuardArguments,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """With what it had come to."""
    monkeypatch.setenv(RECEIPTS, str(tmp_path))
    start(aws(emulator), JobName="mine-1")

    class Interrupting(Voice):
        def observe(self, report: Report) -> None:
            if report.records:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lifecycle.tear_down(guard, voice=Interrupting("guard"))
    [written] = receipts_in(tmp_path)
    assert (written["outcome"], len(written["jobs"])) == ("interrupted", 1)  # type: ignore[arg-type]


def test_a_receipt_that_cannot_be_written_fails_no_teardown(
    guard: GuardArguments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, and what is done stays done."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(RECEIPTS, str(tmp_path / "file" / "below"))
    assert lifecycle.tear_down(guard).quiet
    assert f"the receipt could not be written to {tmp_path / 'file' / 'below'}" in capsys.readouterr().out


def test_plain_makes_what_json_has() -> None:
    """Enumerations by their value, times in UTC."""
    made = plain({"state": JobState.QUEUED, "at": STARTED, "many": (1, None)})
    assert made == {"state": "queued", "at": "2026-01-02T03:04:05Z", "many": [1, None]}


@pytest.mark.parametrize("name", ["g" * 300, "ü" * 300, "翻" * 120, "a/b\\c:" * 60, "half \ud800"])
def test_a_guard_of_any_name_leaves_its_receipt(name: str, tmp_path: Path) -> None:
    """File systems have room for 255 bytes; the receipt itself has the whole name."""
    made = receipt(a_report(), guard=name, stack="s" * 100, project="p" * 100)
    files = write(made, tmp_path)
    assert [file.suffix for file in files] == [".json", ".md", ".html"]
    assert sorted(tmp_path.iterdir()) == sorted(files), "nothing half-written is left beside them"
    assert json.loads(files[0].read_text())["guard"] == name.replace("\ud800", "\ufffd")
    assert all("20260102T030405Z" in file.name for file in files)


def test_a_file_with_the_longest_name_is_written(tmp_path: Path) -> None:
    """What is written beside it first has a name of its own."""
    path = tmp_path / ("n" * 250 + ".html")
    write_file(path, "text")
    assert path.read_text() == "text"


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example/x",
        "HTTP://evil.example",
        "www.evil.example",
        "ftp://evil.example",
        "team@evil.example",
        "@everyone",
        "<https://evil.example>",
        "[text](https://evil.example)",
        "![image](https://evil.example/x.png)",
        "<img src=x onerror=alert(1)>",
        "<!-- hidden",
        "&lt;b&gt; &#64;",
        "a | b",
        "`code` ~~gone~~ **bold** _i_ # h",
        "$x$",
        "line\n\n# heading",
        "\x1b[31mred",
    ],
)
def test_a_name_cannot_write_markdown(name: str) -> None:
    """Neither links that GitHub makes by itself, nor HTML, nor a second table cell."""
    report = a_report()
    report.records["one"] = replace(report.records["one"], before=replace(report.records["one"].before, name=name))
    text = as_markdown(receipt(report, guard=name, stack="dev", error=TeardownTimeout(f"job {name} left", report)))
    assert "\x1b" not in text
    visible = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)  # without what is escaped
    visible = visible.replace("<!-- -->", "\0")
    for link in ("://", "www.", "<img", "<https", "](", "&lt;", "&#", "~~", "$"):
        assert link.lower() not in visible.lower()
    assert not re.search(r"@\w", visible)
    header, _rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert {re.sub(r"\\.", "", row).count("|") for row in rows} == {header.count("|")}
