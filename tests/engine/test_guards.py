"""The guards on the real engine, against the emulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks.workspace import Result, Workspace
from tests.engine.conftest import MakeWorkspace
from tests.support.emulator import aws, azure, start
from translation_job_guard.emulator import Emulator

GUARDED = Path(__file__).parent / "programs" / "guarded.py"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEMULATOR",
    "AWS_SECRET_ACCESS_KEY": "secret-access-key",
    "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key",
}
ROLE = "arn:aws:iam::123456789012:role/translate-dev"
NEIGHBOUR = "arn:aws:iam::123456789012:role/production"


def guarded(workspace: MakeWorkspace, emulator: Emulator, **config: str) -> Workspace:
    stack = workspace(GUARDED, env=dict(CREDENTIALS), config={"test:emulator": emulator.url})
    stack.config |= {f"test:{key}": value for key, value in config.items()}
    return stack


def jobs(emulator: Emulator, role: str, count: int, name: str = "dev") -> list[str]:
    client = aws(emulator)
    return [start(client, JobName=f"{name}-{number}", DataAccessRoleArn=role) for number in range(count)]


def states(emulator: Emulator, ids: list[str]) -> set[str]:
    return {emulator.control.job(id_)["state"] for id_ in ids}


def before(result: Result, first: tuple[str, str], then: tuple[str, str]) -> bool:
    """Check whether the step `first` had ended when the step `then` began."""
    order = [
        (kind, (step["metadata"]["op"], step["metadata"]["urn"].rpartition("::")[2]))
        for event in result.events
        for kind in ("resourcePreEvent", "resOutputsEvent")
        if (step := event.get(kind))
    ]
    return order.index(("resOutputsEvent", first)) < order.index(("resourcePreEvent", then))


def test_replace_and_destroy_stop_jobs_and_a_failed_one_goes_on(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A trigger replaces the guard and stops its jobs; a destroy that fails in the guard keeps the guard and all that
    it protects, and the next one goes on from there, in order: guard, policy, role."""
    stack = guarded(workspace, emulator)
    stack.up().check()
    first_id = stack.outputs()["guard"]
    mine, neighbours = jobs(emulator, ROLE, 3), jobs(emulator, NEIGHBOUR, 2)

    stack.config["test:release"] = "2"
    replaced = stack.up().check()
    assert states(emulator, mine) == {"STOPPED"}
    assert before(replaced, ("delete-replaced", "guard"), ("create-replacement", "guard"))
    assert stack.outputs()["guard"] != first_id
    assert "[dev/guard] a replacement stops 3 jobs in flight" in replaced.output
    assert "[dev/guard] quiet: 3 stopped" in replaced.output

    mine = jobs(emulator, ROLE, 2)
    emulator.control.fault(operation="StopTextTranslationJob", kind="ignore-stop")
    stack.env["TRANSLATION_JOB_GUARD_TIMEOUT"] = "6s"
    failed = stack.destroy().check(fails=True)
    assert failed.failed() == [("delete", "guard")]
    assert {"role", "policy", "bucket", "guard"} <= set(stack.resources())
    assert states(emulator, mine) == {"IN_PROGRESS"}
    last_line = next(line for line in failed.diagnostics().splitlines() if "TeardownTimeout: " in line)
    for told in (*mine, "still in flight", "TRANSLATION_JOB_GUARD_TIMEOUT", "goes on from here"):
        assert told in last_line

    emulator.control.clear_faults()
    del stack.env["TRANSLATION_JOB_GUARD_TIMEOUT"]
    destroyed = stack.destroy().check()
    assert before(destroyed, ("delete", "guard"), ("delete", "policy"))
    assert before(destroyed, ("delete", "policy"), ("delete", "role"))
    assert before(destroyed, ("delete", "guard"), ("delete", "bucket"))
    assert states(emulator, mine) == {"STOPPED"}
    assert states(emulator, neighbours) == {"IN_PROGRESS"}
    assert not stack.resources()


@pytest.mark.parametrize("order", ["delete-first", "create-first"])
@pytest.mark.parametrize("scope", ["role", "names"])
def test_jobs_are_stopped_before_their_role_is_replaced(
    workspace: MakeWorkspace, emulator: Emulator, order: str, scope: str
) -> None:
    """A protected role that is replaced, delete-first or create-first, in the scope or only protected, goes after its
    jobs have been stopped."""
    stack = guarded(workspace, emulator, order=order, scope=scope)
    stack.up().check()
    mine, neighbours = jobs(emulator, ROLE, 2), jobs(emulator, NEIGHBOUR, 1, "production")

    stack.config["test:role"] = "translate-dev-2"
    replaced = stack.up().check()
    assert states(emulator, mine) == {"STOPPED"}
    assert states(emulator, neighbours) == {"IN_PROGRESS"}
    assert before(replaced, ("delete-replaced", "guard"), ("delete-replaced", "role"))


def test_an_azure_guard_stops_batches_on_replace_and_destroy(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """Batches on the guard's container are stopped by a replacement and by destroy, a neighbour's batch is not; the
    key is nowhere in the state."""
    stack = workspace(
        """
import pulumi
from translation_job_guard import AzureDocumentTranslationJobGuard, AzureDocumentTranslationScope
config = pulumi.Config("test")
AzureDocumentTranslationJobGuard(
    "guard",
    endpoint=config.require("endpoint"),
    scope=AzureDocumentTranslationScope(container_urls=["https://a.blob.core.windows.net/dev/"]),
    quiet_period=0.5,
    triggers=[config.get("release")],
)
""",
        env=dict(CREDENTIALS),
        config={"test:endpoint": emulator.azure_endpoint("translator"), "test:release": "1"},
    )
    client = azure(emulator)

    def batch(container: str) -> str:
        source = f"https://a.blob.core.windows.net/{container}"
        return str(client.begin_translation(source, f"{source}-out", "de").id)

    stack.up().check()
    mine, neighbour = [batch("dev")], [batch("dev-10")]
    stack.config["test:release"] = "2"
    stack.up().check()
    assert states(emulator, mine) == {"Cancelled"}
    mine = [batch("dev"), batch("dev")]
    destroyed = stack.destroy().check()
    assert states(emulator, mine) == {"Cancelled"}
    assert states(emulator, neighbour) <= {"Running", "NotStarted"}
    assert "[dev/guard] quiet: 2 stopped" in destroyed.output
    assert "emulator-key" not in destroyed.output


def test_a_sas_signature_is_refused_and_found_nowhere(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """A container URL with a SAS signature, plain or as a Pulumi secret, is refused in preview and in up with the
    property and the remedy, and neither output nor state has it."""
    stack = workspace(
        """
import pulumi
from translation_job_guard import AzureDocumentTranslationJobGuard, AzureDocumentTranslationScope
config = pulumi.Config("test")
url = "https://a.blob.core.windows.net/dev?sv=2024&sig=PLANTEDSIGNATURE"
AzureDocumentTranslationJobGuard(
    "guard",
    endpoint=config.require("endpoint"),
    scope=AzureDocumentTranslationScope(
        container_urls=[pulumi.Output.secret(url) if config.get_bool("secret") else url]
    ),
)
""",
        env=dict(CREDENTIALS),
        config={"test:endpoint": emulator.azure_endpoint("translator")},
    )
    for secret in ("false", "true"):
        stack.config["test:secret"] = secret
        for result in (stack.preview(), stack.up()):
            result.check(fails=True)
            assert "scope.container_urls[0]" in result.output
            assert "up to the question mark" in result.output
            assert "PLANTED" not in result.output + json.dumps(result.events)
        assert "PLANTED" not in json.dumps(stack.export_state())
        assert "guard" not in stack.resources()
