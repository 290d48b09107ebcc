"""The live check sees of the emulator what the emulator was set to do, tells no secret, and cleans up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from live.__main__ import main
from live.check import Clock, credentials
from live.facts import facts, table
from live.transcript import Step, Transcript
from tests.support.emulator import REGION, ROLE, aws, azure, start, submit
from translation_job_guard.emulator import Emulator

SOURCE = "https://planted-storage.blob.core.windows.net/planted-source?sv=2024&sig=planted-signature"
TARGET = "https://planted-storage.blob.core.windows.net/planted-target?sv=2024&sig=planted-signature"
PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTED",
    "AWS_SECRET_ACCESS_KEY": "planted-secret-key",
    "AWS_SESSION_TOKEN": "planted-session-token",
    "AZURE_DOCUMENT_TRANSLATION_KEY": "planted-key-of-azure",
}
SECRETS = (
    *PLANTED.values(),
    *("123456789012", "210987654321", "planted-s", "planted-t", "planted-r", "input-bucket", "output-bucket"),
    *("neighbour", "127.0.0.1", "core.windows.net", "arn:", "s3:"),
)
AMAZON = {"region": REGION, "input": "s3://input-bucket/in/", "output": "s3://output-bucket/out/", "role": ROLE}

Look = Callable[..., tuple[int, Any, dict[str, str]]]


def options(emulator: Emulator, service: str, **changes: str) -> list[str]:
    """Return the arguments of a run without question and stack; an empty value leaves an option out."""
    at_azure = {"endpoint": emulator.azure_endpoint("planted-resource"), "source": SOURCE, "target": TARGET}
    given = {**(AMAZON if service == "amazon" else at_azure), "interval": "1", "patience": "60", **changes}
    return [service, *(f"--{name}={value}" for name, value in given.items() if value)]


@pytest.fixture
def look(
    stepped: Emulator,
    s3: Any,  # noqa: ARG001 - for its buckets and documents
    bare_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Look:
    """Run the check on the emulator with some settings; return its exit code, transcript and facts."""
    for name, value in {**stepped.environment, **PLANTED, "HOME": str(bare_environment)}.items():
        monkeypatch.setenv(name, value)
    stepped.control.put_azure_account("planted-resource", ["planted-key-of-azure"])

    def run(service: str, *arguments: str, changes: dict[str, str] | None = None, **settings: Any) -> Any:
        stepped.control.settings(**{"start_latency": 3, "run_time": 20, **settings})
        clock = Clock(stepped.control.now, stepped.control.advance)
        given = [*options(stepped, service, **(changes or {})), "--no-stack", "--output-dir", str(tmp_path / "out")]
        code = main([*given, *(arguments or ["--yes"])], clock)
        written = sorted((tmp_path / "out").glob("*.json"))
        document = json.loads(written[0].read_text(encoding="utf-8")) if written else {}
        return code, document, {fact.question: fact.observed for fact in facts(document)} if document else {}

    return run


AMAZON_FACTS: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {"stop_submitted": "stop", "stop_ended": "answer", "paging": "key"},
        {
            "Stop of a SUBMITTED job": "200 STOP_REQUESTED; then STOP_REQUESTED after 0.0 s",
            "Stop of an IN_PROGRESS job": "IN_PROGRESS: 200 STOP_REQUESTED",
            "Stop of a STOP_REQUESTED job": "STOP_REQUESTED: 200 STOP_REQUESTED",
            "Stop of an ended job": "STOPPED: 200 STOPPED",
            "Stop of an unknown job": "400 ResourceNotFoundException",
            "Does a listing by JobStatus SUBMITTED show a job that was just started?": "yes",
            "Order without a filter": "newest first",
            "Order with SubmittedBeforeTime": "oldest first",
            "Paging": "goes on behind the last job",
        },
    ),
    (
        {"stop_submitted": "stopped", "stop_ended": "refuse", "paging": "offset", "error_status": "model"},
        {
            "Stop of a SUBMITTED job": "SUBMITTED: 200 STOPPED; then STOPPED",
            "Stop of an ended job": "STOPPED: 400 ValidationException",
            "Stop of an unknown job": "404 ResourceNotFoundException",
            "Paging": "repeats the last job",
        },
    ),
    (
        {"stop_submitted": "ignore", "stop_ended": "not-found", "listing_delay": 600},
        {
            "Stop of a SUBMITTED job": "200 SUBMITTED; then SUBMITTED after 0.0 s; then IN_PROGRESS",
            "Stop of an ended job": "STOPPED: 400 ResourceNotFoundException",
            "Does a listing by JobStatus SUBMITTED show a job that was just started?": "no",
        },
    ),
    ({"stop_submitted": "refuse"}, {"Stop of a SUBMITTED job": "SUBMITTED: 400 ValidationException"}),
    ({"start_latency": 0}, {"Stop of a SUBMITTED job": "not observed: it was IN_PROGRESS"}),
]
"""Settings of the emulator, and what the check then says of Amazon Translate."""

AZURE_FACTS: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {"azure_cancel_refused": 400, "azure_document_path": "always", "azure_page_size": 50},
        {
            "DELETE of a NotStarted batch": "NotStarted: 200 Cancelling",
            "DELETE of a Cancelling batch": "Cancelling: 400",
            "DELETE of a Cancelled batch": "Cancelled: 400",
            "DELETE of another ended batch": "Succeeded: 400",
            "DELETE of an unknown batch": "404",
            "Do documents tell their target, by document status?": "Running: yes",
            "Entries on a page without maxpagesize": "2 and no link",
            "Link to the next page": "Link` with ",
            "Order of listings": "newest first",
            "Order with orderby=createdDateTimeUtc asc": "oldest first",
        },
    ),
    (
        {
            "azure_cancel_refused": 409,
            "azure_document_path": "succeeded",
            "azure_page_size": 1,
            "azure_counting_time": 3,
        },
        {
            "DELETE of a Cancelling batch": "Cancelling: 409",
            "DELETE of a Cancelled batch": "Cancelled: 409",
            "DELETE of another ended batch": "Succeeded: 409",
            "Do documents tell their target, by document status?": "Running: no",
            "Entries on a page without maxpagesize": "1 and a link",
            "Are documents of a NotStarted batch listed?": "no: at most 0 documents",
        },
    ),
    ({"azure_cancel_queued": "cancelled"}, {"DELETE of a NotStarted batch": "NotStarted: 200 Cancelled"}),
    ({"azure_cancel_queued": "refuse"}, {"DELETE of a NotStarted batch": "NotStarted: 400"}),
]
"""The same of Azure Document Translation."""


@pytest.mark.parametrize(
    ("service", "settings", "expected"),
    [("amazon", *row) for row in AMAZON_FACTS] + [("azure", *row) for row in AZURE_FACTS],
)
def test_the_facts_are_the_emulators(
    look: Look, service: str, settings: dict[str, Any], expected: dict[str, str]
) -> None:
    """What the check says of a service is what the emulator was set to do."""
    code, _, found = look(service, **settings)
    assert code == 0
    assert {question: found[question] for question in expected if expected[question] not in found[question]} == {}


def test_a_listing_that_is_behind_is_seen(stepped: Emulator, look: Look) -> None:
    """The listing under one URL does not show what was submitted; the next one does."""
    stepped.control.fault("GetTranslationsStatus", kind="late", after=4, times=3, seconds=600)
    _, _, found = look("azure")
    assert found["One list URL asked before and after a submission"] == "3 of 3 did not show it"


@pytest.mark.parametrize(
    ("seconds", "stale"), [(60, "3 of 3 were stale: NotStarted (Age 0)"), (0, "0 of 3 were stale")]
)
def test_the_emulators_cache_is_seen(look: Look, seconds: int, stale: str) -> None:
    """And that URLs of their own get around it."""
    _, _, found = look("azure", azure_cache_seconds=seconds, azure_read_lag=0)
    assert stale in found["One batch URL asked before and right after its DELETE"]
    assert found["Answers with Age"].startswith("0 of") is (seconds == 0)
    assert "; 0 of " in found["Answers with Age"]


def test_answers_from_a_cache_are_facts_of_their_own() -> None:
    """A stale answer is counted with its age, and says nothing of what the batch did."""
    transcript = Transcript("azure-document-translation", lambda: 0.0)
    transcript.names["1"] = "queued"

    def get(step: Step, status: str, method: str = "GET", **headers: str) -> None:
        with transcript.step(step):
            request = {"method": method, "url": "https://name/translator/document/batches/1"}
            transcript.record(0.0, request, 200, headers, {"id": "1", "status": status})

    get(Step.WATCH, "NotStarted")
    get(Step.STOP_QUEUED, "Cancelling", "DELETE")
    get(Step.CACHED_GET_AFTER, "NotStarted", age="0")
    get(Step.CACHED_GET_AFTER, "Cancelling")
    get(Step.WATCH, "Running", age="57")
    get(Step.WATCH, "Cancelled")
    found = {fact.question: fact.observed for fact in facts(transcript.document())}
    stale = found["One batch URL asked before and right after its DELETE"]
    assert stale == "1 of 2 were stale: NotStarted (Age 0), Cancelling"
    assert found["Answers with Age"] == "2 of 5 GETs, 0 to 57 s old; 1 of 3 with a URL of their own"
    assert found["DELETE of a NotStarted batch"] == "NotStarted: 200 Cancelling; then Cancelled after 0.0 s"


@pytest.mark.parametrize("service", ["amazon", "azure"])
def test_no_secret_is_in_transcript_or_table(stepped: Emulator, look: Look, service: str, tmp_path: Path) -> None:
    """Nor a name of a neighbour, nor an account that a message of an error tells of."""
    stepped.control.settings(accounts={"AKIAPLANTED": "210987654321"})
    other = "arn:aws:iam::210987654321:role/neighbour"
    start(aws(stepped, access_key_id="AKIAPLANTED"), JobName="neighbour", DataAccessRoleArn=other)
    client = azure(stepped, "planted-resource", "planted-key-of-azure")
    submit(client, "https://neighbour.blob.core.windows.net/in", "https://neighbour.blob.core.windows.net/out")
    stepped.control.fault("StopTextTranslationJob", kind="denied", times=1)
    look(service)
    written = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir())
    assert "other-1" in written
    assert [secret for secret in SECRETS if secret in written] == []


def test_what_no_field_is_known_for_is_left_out() -> None:
    """Messages lose whatever tells of an account; fields that nobody has looked at are not kept at all."""
    transcript = Transcript("amazon-translate", lambda: 0.0)
    transcript.hide("planted-bucket", "planted/key+1")
    message = (
        "User arn:aws:iam::123456789012:user/jo of 210987654321 (jo@example.com, AKIAIOSFODNN7EXAMPLE) at 10.1.2.3 and "
        "name.cognitiveservices.azure.com: https://a.blob.core.windows.net/c?sig=planted, s3://planted/a.txt, "
        "planted-bucket, planted/key+1, wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY, 01234567-89ab-cdef-0123-456789abcdef"
    )
    transcript.names["mine"] = "queued"
    job = {"JobId": "mine", "JobStatus": "FAILED", "Message": "planted.txt", "JobName": "planted", "Role": "planted"}
    body: dict[str, Any] = {
        "message": message,
        "Message": message,
        "planted": "planted",
        "TextTranslationJobProperties": job,
    }
    other = {"JobId": "their", "JobStatus": "STOPPED", "JobDetails": {"InputDocumentsCount": 417}}
    link = "https://name.example.com:443/translator/document/batches?sig=planted&skip=5&token=1&orderby=x asc"
    body |= {"TextTranslationJobPropertiesList": [other], "@nextLink": link}
    transcript.record(0.0, {"operation": "List", "body": {"ClientToken": "planted"}}, 400, {"x-planted": "1"}, body)
    document = transcript.document()
    text = json.dumps(document) + table({**document, "exchanges": []})
    hidden = ["planted", "1234567890", "2109876543", "jo@", "AKIA", "10.1.2", "azure.com", "wJal", "89ab", "user/jo"]
    assert [told for told in (*hidden, "417", "their") if told in text] == []
    seen = document["exchanges"][0]["body"]
    assert seen["TextTranslationJobProperties"] == {"JobId": "queued", "JobStatus": "FAILED"}
    assert seen["@nextLink"] == "https://HOST:443/batches?sig=…&skip=5&token=…&orderby=x asc"


def test_only_its_own_jobs_are_asked_to_stop(stepped: Emulator, look: Look) -> None:
    """By id; besides them, one id each that does not exist."""
    neighbours = {start(aws(stepped, access_key_id="AKIAPLANTED"))}
    neighbours.add(submit(azure(stepped, "planted-resource", "planted-key-of-azure")))
    look("amazon")
    look("azure")
    asked = stepped.control.requests(operation="StopTextTranslationJob")
    asked += stepped.control.requests(operation="CancelTranslation")
    own = {job["id"] for job in stepped.control.jobs()} - neighbours
    ids = {request["parameters"].get("JobId") or request["parameters"].get("id") for request in asked}
    assert len(ids - own) == 2
    assert not ids & neighbours


@pytest.mark.parametrize("service", ["amazon", "azure"])
def test_a_run_that_fails_half_way_stops_what_it_started(
    stepped: Emulator, look: Look, service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And writes what it has seen until then."""
    stepped.control.fault("DescribeTextTranslationJob", kind="denied", after=2, times=1)
    stepped.control.fault("GetTranslationsStatus", kind="denied", after=9, times=1)
    code, document, _ = look(service, run_time=600)
    assert code == 1
    assert {job["state"] for job in stepped.control.jobs()} <= {"STOPPED", "Cancelled"}
    assert document["exchanges"]
    assert "It failed" in capsys.readouterr().err


def test_a_job_that_cannot_be_stopped_is_named(
    stepped: Emulator, look: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    stepped.control.fault("StopTextTranslationJob", kind="ignore-stop")
    code, _, _ = look("amazon", changes={"interval": "30"}, run_time=10_000)
    assert code == 1
    output = capsys.readouterr().out
    for job in stepped.control.jobs():
        assert f"({job['id']}) has not ended: stop it by hand" in output


@pytest.mark.parametrize(
    ("service", "changes", "fix"),
    [
        ("amazon", {"region": ""}, "--region eu-west-1"),
        ("amazon", {"input": "input-bucket"}, "--input s3://BUCKET/FOLDER/"),
        ("amazon", {"output": ""}, "--output s3://BUCKET/FOLDER/"),
        ("amazon", {"role": "translate"}, "--role arn:aws:iam::ACCOUNT:role/NAME"),
        ("amazon", {"input": "s3://nowhere/in/"}, "--input: there is no bucket nowhere"),
        ("amazon", {"output": "s3://nowhere/in/"}, "--output: there is no bucket nowhere"),
        ("amazon", {"input": "s3://input-bucket/empty/"}, "--input: there are no documents; put"),
        ("azure", {"endpoint": "http://name.example.com"}, "--endpoint https://NAME"),
        ("azure", {"source": ""}, "--source https://ACCOUNT"),
        ("azure", {"target": "https://account.blob.core.windows.net"}, "--target https://ACCOUNT"),
        ("azure", {"target": SOURCE}, "--target: it is the same container as --source"),
        ("azure", {"key-env": "AWS_SECRET_ACCESS_KEY"}, "set AWS_SECRET_ACCESS_KEY to a key"),
    ],
)
def test_a_wrong_option_is_named_before_anything_starts(
    stepped: Emulator,
    look: Look,
    service: str,
    changes: dict[str, str],
    fix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, _ = look(service, changes=changes)
    assert code == 2
    assert fix in capsys.readouterr().err
    assert stepped.control.jobs() == []


def test_much_input_is_refused(stepped: Emulator, s3: Any, look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    s3.put_object(Bucket="input-bucket", Key="in/large.txt", Body=b"x" * 1_000_001)
    assert look("amazon")[0] == 2
    assert "--input: there are more than 100 documents or 1,000,000 bytes" in capsys.readouterr().err
    assert stepped.control.jobs() == []


@pytest.mark.parametrize("answer", ["n\n", "", "\n"])
@pytest.mark.parametrize("service", ["amazon", "azure"])
def test_without_a_yes_nothing_starts(
    stepped: Emulator,
    look: Look,
    service: str,
    answer: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What it costs and what stays is said before the question."""
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, document, _ = look(service, "--patience=1")
    output = capsys.readouterr().out
    assert (code, document, stepped.control.jobs()) == (2, {}, [])
    assert output.index("Cost: ") < output.index("Clean-up: ") < output.index("What stays: ") < output.index("Start?")


@pytest.mark.parametrize("service", ["amazon", "azure"])
def test_a_guarded_stack_goes_up_and_down(
    emulator: Emulator, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the real engine, with jobs in the guard's scope in flight when it is destroyed."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    client = aws(emulator, "s3")
    for bucket in ("input-bucket", "output-bucket"):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_object(Bucket="input-bucket", Key="in/a.txt", Body=b"text")
    # One of the facts is how long a cached answer stays: it is waited for.
    emulator.control.settings(run_time=600, azure_cache_seconds=5)
    given = options(emulator, service, endpoint="" if service == "amazon" else emulator.azure_endpoint("translator"))
    assert main([*given, "--yes", "--output-dir", str(tmp_path), "--patience=2"]) == 0
    document = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    observed = {fact.question: fact.observed for fact in facts(document)}["The guarded stack"]
    stopped = "STOPPED, STOPPED" if service == "amazon" else "Cancelled, Cancelled"
    assert observed.endswith(f"the jobs were {stopped}")
    assert [document["stack"][name]["exit_code"] for name in ("up", "destroy")] == [0, 0]
    assert "quiet: 2 stopped" in document["stack"]["destroy"]["lines"][-1]


def test_the_stack_gets_the_credentials_of_the_caller() -> None:
    """A workspace inherits none of them, and turns off where they may be."""
    found = credentials({"AWS_PROFILE": "mine", "HOME": "/home/me", "PULUMI_ACCESS_TOKEN": "not for it"})
    assert found["AWS_PROFILE"] == "mine"
    assert found["AWS_CONFIG_FILE"] == str(Path("/home/me/.aws/config"))
    assert "PULUMI_ACCESS_TOKEN" not in found
