"""The Azure example stack: what goes wrong without its guard, and that nothing does with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from azure.ai.translation.document import DocumentTranslationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.policies import HeadersPolicy

from tests.engine.conftest import MakeWorkspace
from tests.engine.test_guards import states
from tests.stacks.support import (
    PROGRAMS,
    configure,
    deleted_first,
    deleted_in_order,
    dependencies,
    ended_before,
    example,
)
from tests.support.emulator import submit
from tests.support.plugins import keyless
from translation_job_guard.emulator import Emulator

CONFIG = {"stack": "azure", "azure-native:location": "westeurope", "subdomain": "translator-1"}
ROLES = ("translator-reads-and-writes", "deployer-may-stop")
PROTECTED = ("translator", "documents", "source", "target", *ROLES)
"""By the names of the example stack."""
ELSEWHERE = "https://neighbour.blob.core.windows.net"


def documents(emulator: Emulator, subdomain: str) -> DocumentTranslationClient:
    """Make the real client with Entra ID: the account accepts no keys."""
    # The SDK's own way of adding a token insists on https.
    bearer: Any = HeadersPolicy({"Authorization": "Bearer of-a-colleague"})
    endpoint, nothing = emulator.azure_endpoint(subdomain), AzureKeyCredential("not-used")
    return DocumentTranslationClient(endpoint, nothing, authentication_policy=bearer, retry_total=0)


def batches(emulator: Emulator, subdomain: str, made: Mapping[str, str], count: int) -> list[str]:
    with documents(emulator, subdomain) as client:
        return [submit(client, made["source"], made["target"]) for _ in range(count)]


def test_without_a_guard_batches_run_on_without_their_account(workspace: MakeWorkspace, stepped: Emulator) -> None:
    """Destroy says that all went well. Batches whose container went with it fail, half-way and charged for; others run
    on and are charged for, and with the account has gone the only endpoint that could cancel them."""
    control = stepped.control
    control.settings(azure_resources="explicit")
    config = {**CONFIG, "keep": "translation documents source"}
    stack = example(workspace, config, keyless(stepped), PROGRAMS / "unguarded.py")
    stack.up().check()
    blob = stack.resources()["documents"]["outputs"]["primaryEndpoints"]["blob"]
    made = {"source": f"{blob}source", "target": f"{blob}target"}
    to_the_target = batches(stepped, "translator-1", made, 2)
    to_the_archive = batches(stepped, "translator-1", {**made, "target": f"{ELSEWHERE}/archive"}, 2)
    control.settings(start_latency=3600)
    queued = batches(stepped, "translator-1", made, 1)
    control.advance(300)  # half of the time that a batch runs

    stack.destroy().check()

    failed = [control.job(batch) for batch in (*to_the_target, *queued)]
    assert [job["state"] for job in failed] == ["Failed", "Failed", "ValidationFailed"]
    assert {job["message"] for job in failed} == {f"Cannot access the container {blob}target: it does not exist."}
    assert failed[0]["characters_charged"] > 0
    orphans = [control.job(batch) for batch in to_the_archive]
    assert {job["state"] for job in orphans} == {"Running"}
    with documents(stepped, "translator-1") as client, pytest.raises(ResourceNotFoundError):
        client.cancel_translation(to_the_archive[0])
    control.advance(200)
    assert control.job(to_the_archive[0])["characters_charged"] > orphans[0]["characters_charged"]


def test_the_guard_stops_batches_before_anything_goes(workspace: MakeWorkspace, emulator: Emulator) -> None:
    """The account is replaced, a destroy fails in the guard, and the next one ends clean: each time the batches end
    first, cancelled, and none fails for a missing account or container. So does a batch that waits in the queue and
    lists no documents, and one with documents elsewhere: the account is the environment's own. A neighbour's batch, on
    another account, is left alone. Nobody uses a key: the account takes none, and none is in the state."""
    control = emulator.control
    control.settings(azure_resources="explicit")
    control.put_azure_account("neighbour")
    stack = example(workspace, CONFIG, keyless(emulator))
    stack.up().check()
    containers = stack.outputs()

    of_the_account = batches(emulator, "translator-1", containers, 2)
    neighbours = {"source": f"{ELSEWHERE}/source", "target": f"{ELSEWHERE}/target"}
    (neighbour,) = batches(emulator, "neighbour", neighbours, 1)
    configure(stack, {"subdomain": "translator-2"})
    replaced = stack.up().check()
    order = ("batches", "deployer-may-stop", "translator")
    assert deleted_in_order(replaced, *order, operation="delete-replaced")
    gone = "*/accounts/translator-1"
    assert ended_before(emulator, of_the_account, "Cancelled", "DeleteResource", resource=gone)
    to_the_archive = {**containers, "target": f"{ELSEWHERE}/archive"}
    places = (containers, to_the_archive, neighbours)
    last = [job for place in places for job in batches(emulator, "translator-2", place, 2)]
    for job in last:
        control.wait_for_job(job, ["Running"])
    control.settings(azure_start_latency=3600)
    queued = batches(emulator, "translator-2", containers, 1)
    there = stack.resources().keys()
    assert there == {"translation", "batches", *PROTECTED}
    assert dependencies(stack, "batches") == set(PROTECTED)
    control.fault("CancelTranslation", "denied")
    refused = stack.destroy().check(fails=True)
    assert refused.failed() == [("delete", "batches")]
    assert refused.started() == [("delete", "batches")]
    assert "Cognitive Services User" in refused.output
    assert stack.resources().keys() == there
    assert control.azure_containers() == sorted(containers[name] for name in ("source", "target"))
    assert states(emulator, last) == {"Running"}
    assert states(emulator, queued) == {"NotStarted"}

    control.clear_faults()
    assert "emulator-key" not in str(stack.export_state())
    destroyed = stack.destroy().check()
    assert deleted_first(destroyed, "batches", PROTECTED)
    for after in ("translator", "documents"):
        assert deleted_in_order(destroyed, "translator-reads-and-writes", after)
    gone = "*/accounts/translator-2"
    assert ended_before(emulator, [*last, *queued], "Cancelled", "DeleteResource", resource=gone)
    assert control.requests(operation="GetDocumentsStatus") == []
    assert not stack.resources()
    assert [account["name"] for account in control.azure_accounts()] == ["neighbour"]
    assert control.azure_containers() == []
    assert states(emulator, [neighbour]) == {"Running"}
    assert states(emulator, [*of_the_account, *last, *queued]) == {"Cancelled"}
