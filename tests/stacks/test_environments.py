"""Environments of pull requests: small stacks side by side in one account, by the example that runs anywhere."""

from __future__ import annotations

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import CREDENTIALS, states
from tests.stacks.support import example
from tests.support.emulator import aws, azure, start, submit
from translation_job_guard.emulator import Emulator


def test_destroying_one_environment_leaves_other_jobs_alone(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """Three environments share a region and a Translator resource; the one that is destroyed stops its own jobs of both
    services and asks about no other's."""
    config = {"stack": "local", "emulator": emulator.url}
    names = ("pr-1", "pr-2", "pr-17")
    environments = {name: example(workspace, config, CREDENTIALS, stack=name) for name in names}
    for run in [environment.start("up") for environment in environments.values()]:
        run.wait().check()

    client, documents = aws(emulator), azure(emulator)
    jobs: dict[str, list[str]] = {}
    batches: dict[str, list[str]] = {}
    for name, environment in environments.items():
        made = environment.outputs()
        jobs[name] = [start(client, DataAccessRoleArn=made["roleArn"]) for _ in range(2)]
        batches[name] = [submit(documents, made["containerUrl"], f"{made['containerUrl']}/de")]

    since = emulator.control.last_request()
    environments["pr-1"].destroy().check()

    assert states(emulator, jobs["pr-1"]) == {"STOPPED"}
    assert states(emulator, batches["pr-1"]) == {"Cancelled"}
    for other in ("pr-2", "pr-17"):
        assert states(emulator, jobs[other]) == {"IN_PROGRESS"}
        assert states(emulator, batches[other]) == {"Running"}
    asked = emulator.control.requests(since, operation="StopTextTranslationJob")
    assert {request["parameters"]["JobId"] for request in asked} == set(jobs["pr-1"])
    cancelled = emulator.control.requests(since, operation="CancelTranslation")
    assert {request["parameters"]["id"] for request in cancelled} == set(batches["pr-1"])
