"""What a platform team has to be able to rely on: the wrong account, a killed run, neighbours, a failed replacement."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import CREDENTIALS, NEIGHBOUR, ROLE, guarded, jobs, states
from tests.support.emulator import aws, azure, start
from translation_job_guard.emulator import Emulator

PROGRAMS = Path(__file__).parent / "programs"
STOP = "StopTextTranslationJob"


def test_a_wrong_account_is_refused_and_a_killed_run_finished(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """With the credentials of another account destroy fails, names both accounts and stops nothing there; after a
    kill -9 in the middle of the teardown, the next destroy finishes it."""
    emulator.control.settings(accounts={"AKIAOTHER": "999999999999"}, stop_latency=60)
    stack = guarded(workspace, emulator)
    stack.up().check()
    mine, neighbours = jobs(emulator, ROLE, 3), jobs(emulator, NEIGHBOUR, 1)
    elsewhere = start(aws(emulator, access_key_id="AKIAOTHER"), DataAccessRoleArn=ROLE)

    stack.env["AWS_ACCESS_KEY_ID"] = "AKIAOTHER"
    refused = stack.destroy().check(fails=True)
    assert "WrongAccount: [dev/guard]" in refused.output
    assert "999999999999" in refused.output
    assert "123456789012" in refused.output
    assert not emulator.control.requests(operation=STOP)[1:]  # the first is create's proof of the permission
    assert states(emulator, [*mine, elsewhere]) == {"IN_PROGRESS"}

    stack.env["AWS_ACCESS_KEY_ID"] = CREDENTIALS["AWS_ACCESS_KEY_ID"]
    since = emulator.control.last_request()
    killed = stack.start("destroy")
    emulator.control.wait_for_requests(3, operation=STOP, since=since)
    killed.kill_tree()
    stack.cancel().check()
    assert {"guard", "role"} <= set(stack.resources())
    assert states(emulator, mine) == {"STOP_REQUESTED"}
    late = jobs(emulator, ROLE, 1)
    since = emulator.control.last_request()
    finishing = stack.start("destroy")
    asked = emulator.control.wait_for_requests(1, operation=STOP, since=since)
    assert [request["parameters"]["JobId"] for request in asked] == late
    for id_ in [*mine, *late]:
        emulator.control.set_job(id_, stop_latency=0.1)
    finished = finishing.wait().check()
    assert "found stopping already" in finished.output
    assert states(emulator, [*mine, *late]) == {"STOPPED"}
    assert states(emulator, [*neighbours, elsewhere]) == {"IN_PROGRESS"}
    assert not stack.resources()


def test_two_stacks_destroyed_at_once_each_stop_only_their_own(
    workspace: MakeWorkspace, emulator: Emulator, tmp_path: Path
) -> None:
    """Two stacks share a region and a Translator resource: destroyed at the same time, each stops only its own jobs,
    and a third stack's go on. A parent's retain_on_delete does not keep the guards from it, nor does a key that was
    rotated since; no key and no token is in state, output or receipts."""
    emulator.control.put_azure_account("translator", keys=["first-planted-key"])
    client, documents = aws(emulator), azure(emulator, key="first-planted-key")
    config = {"test:emulator": emulator.url}
    env = {
        **CREDENTIALS,
        "AWS_SECRET_ACCESS_KEY": "planted-secret-key",
        "AWS_SESSION_TOKEN": "planted-session-token",
        "AZURE_DOCUMENT_TRANSLATION_KEY": "first-planted-key",
        "TRANSLATION_JOB_GUARD_RECEIPTS": str(tmp_path / "receipts"),
    }
    stacks = [
        workspace(PROGRAMS / "shared.py", stack=name, config=dict(config), env=dict(env)) for name in ("one", "two")
    ]
    for run in [stack.start("up") for stack in stacks]:
        run.wait().check()

    def batch(name: str) -> str:
        url = f"https://a.blob.core.windows.net/{name}"
        return str(documents.begin_translation(url, f"{url}-out", "de").id)

    owned = {
        name: [start(client, JobName=f"{name}-{number}") for number in range(2)] + [batch(name), batch(name)]
        for name in ("one", "two", "three")
    }
    emulator.control.put_azure_account("translator", keys=["second-planted-key"])
    for stack in stacks:
        stack.env["AZURE_DOCUMENT_TRANSLATION_KEY"] = "second-planted-key"
    for stack, run in [(stack, stack.start("destroy")) for stack in stacks]:
        result = run.wait().check()
        assert f"[{stack.stack}/amazon] quiet: 2 stopped" in result.output
        assert f"[{stack.stack}/azure] quiet: 2 stopped" in result.output
        said = result.output + json.dumps(result.events) + json.dumps(stack.export_state())
        assert "planted" not in said
    receipts = [path.read_text() for path in (tmp_path / "receipts").iterdir()]
    assert {json.loads(text)["stack"] for text in receipts if text.startswith("{")} == {"one", "two"}
    assert "planted" not in "".join(receipts)
    assert states(emulator, owned["one"] + owned["two"]) == {"STOPPED", "Cancelled"}
    assert states(emulator, owned["three"]) <= {"IN_PROGRESS", "Running", "NotStarted"}


def test_narrowing_a_failed_replacement_and_a_lost_account(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A narrower scope stops what it leaves behind and no more. A move to a region where stopping is denied fails, and
    the old guard stays in force. When its account is gone, destroy fails with the way out, and the override takes
    it."""
    stack = workspace(PROGRAMS / "moving.py", env=dict(CREDENTIALS), config={"test:emulator": emulator.url})
    stack.up().check()
    client = aws(emulator)
    first, second, neighbour = (start(client, JobName=f"{name}-1") for name in "abc")

    stack.config["test:names"] = "b-"
    narrowed = stack.up().check()
    assert narrowed.completed() == [("update", "guard")]
    assert states(emulator, [first]) == {"STOPPED"}
    assert states(emulator, [second, neighbour]) == {"IN_PROGRESS"}
    kept = stack.resources()["guard"]["outputs"]
    assert kept["account_id"] == "123456789012"
    assert kept["scope"] == [{"job_name_prefixes": ["b-"]}]

    stack.config["test:region"] = "eu-central-1"
    emulator.control.fault(operation=STOP, kind="denied", match={"region": "eu-central-1"})
    moved = stack.up().check(fails=True)
    assert "Denied: [dev/guard]" in moved.output
    assert "translate:StopTextTranslationJob" in moved.output
    assert stack.resources()["guard"]["outputs"]["region"] == "eu-west-1"
    assert not stack.resources()["guard"].get("pendingReplacement")
    assert states(emulator, [second]) == {"IN_PROGRESS"}

    emulator.control.fault(kind="expired")
    gone = stack.destroy().check(fails=True)
    assert "TRANSLATION_JOB_GUARD_ON_DELETE=ignore" in gone.output
    stack.env["TRANSLATION_JOB_GUARD_ON_DELETE"] = "guard=ignore"
    ignored = stack.destroy().check()
    assert "TRANSLATION_JOB_GUARD_ON_DELETE is in force: ignore" in ignored.output
    assert not stack.resources()
    assert states(emulator, [second]) == {"IN_PROGRESS"}


def test_two_hundred_jobs_are_stopped_at_five_a_second(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """Throttled to AWS's documented rate, a destroy of 200 jobs gives nothing up and asks each job once."""
    stack = workspace(
        PROGRAMS / "moving.py", env=dict(CREDENTIALS), config={"test:emulator": emulator.url, "test:timeout": "5m"}
    )
    stack.up().check()
    emulator.control.settings(rates={STOP: 5}, burst=5)
    mine = emulator.control.add_jobs(
        [{"name": f"a-{number}", "region": "eu-west-1", "state": "IN_PROGRESS"} for number in range(200)]
    )
    since = emulator.control.last_request()
    destroyed = stack.destroy().check()
    assert "quiet: 200 stopped" in destroyed.output
    assert set(mine) == {job["id"] for job in emulator.control.jobs() if job["state"] == "STOPPED"}
    asked = emulator.control.requests(since=since, operation=STOP)
    accepted = [request["parameters"]["JobId"] for request in asked if request["status"] == 200]
    assert sorted(accepted) == sorted(mine)
    # A thousand lines of progress help nobody: one line a second at most.
    assert destroyed.stdout.count("[dev/guard]") < 200
