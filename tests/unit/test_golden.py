"""What releases have stored: it loads, is read, and can be deleted by today's code, through Pulumi's own server."""

from __future__ import annotations

import base64
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dill  # type: ignore[import-untyped]
import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from pulumi.dynamic.dynamic import Resource, serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from translation_job_guard import AmazonTranslateJobGuard, AzureDocumentTranslationJobGuard, provider
from translation_job_guard.emulator import Emulator
from translation_job_guard.guard.arguments import read
from translation_job_guard.guard.changes import Answer, decide

GOLDEN = Path(__file__).parent.parent / "golden"
STORED = sorted(GOLDEN.glob("[0-9]*/*.json"))
EACH = pytest.mark.parametrize("path", STORED, ids=lambda path: f"{path.parent.name}-{path.stem}")

PROVIDERS = {
    "amazon": provider.AmazonTranslateJobGuardProvider,
    "azure": provider.AzureDocumentTranslationJobGuardProvider,
}
TYPES: dict[str, type[Resource]] = {"amazon": AmazonTranslateJobGuard, "azure": AzureDocumentTranslationJobGuard}


def stored(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def dynamic() -> Iterator[Any]:
    """Pulumi's server of dynamic providers, as the engine starts it."""
    credentials = {
        "AWS_ACCESS_KEY_ID": "AKIAEMULATOR",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "TRANSLATION"))}
    command = [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**kept, **credentials}) as server:
        assert server.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(server.stdout.readline())}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
        server.kill()


def delete(dynamic: Any, id_: str, outputs: Mapping[str, Any]) -> None:
    properties = Struct()
    properties.update(outputs)
    dynamic.Delete(provider_pb2.DeleteRequest(id=id_, properties=properties), timeout=60)


def test_every_provider_class_of_every_release_has_a_golden_file() -> None:
    """A release without them could not be kept to its word."""
    assert {path.parent.name for path in STORED} >= {"0.1.0"}
    for release in {path.parent for path in STORED}:
        assert {path.stem for path in release.iterdir()} == set(PROVIDERS)


@EACH
def test_a_stored_provider_is_todays_class(path: Path) -> None:
    """By its module and name: whoever moves one leaves an alias."""
    pickled = base64.b64decode(stored(path)["outputs"]["__provider"])
    loaded = dill.loads(pickled)
    assert type(loaded) is PROVIDERS[path.stem]
    assert vars(loaded) == {}
    assert len(pickled) < 150, "by reference, not by value"


@EACH
@pytest.mark.skipif(pickle.DEFAULT_PROTOCOL != 4, reason="the golden files were pickled by protocol 4")
def test_todays_provider_is_stored_as_before(path: Path) -> None:
    """Else every guard of every stack shows an update."""
    assert serialize_provider(PROVIDERS[path.stem]()) == stored(path)["outputs"]["__provider"]


@EACH
def test_the_type_token_is_as_before(path: Path) -> None:
    """It is a part of the URN: another one replaces every guard."""
    assert stored(path)["type"] == f"pulumi-python:{TYPES[path.stem]._resource_type_name}"


@EACH
def test_stored_properties_are_read_in_full(path: Path) -> None:
    """Scope, options and account are what they were."""
    outputs = stored(path)["outputs"]
    guard = read(outputs["service"], outputs)
    assert len(guard.scopes) == 2
    assert (guard.name, guard.stack, guard.project) == ("guard", "dev", "app")
    assert (guard.options.timeout, guard.options.quiet_period) == (300, 0.1)
    assert guard.protects
    assert guard.connection.account_id == outputs.get("account_id")


@EACH
def test_the_same_program_changes_nothing(path: Path) -> None:
    """A new release neither updates nor replaces a guard of an older one by itself."""
    outputs = stored(path)["outputs"]
    inputs = {name: value for name, value in outputs.items() if name != "account_id"}
    assert decide(outputs, inputs).answer is Answer.KEEP


_JOB = {
    "name": "pr-17-nightly",
    "region": "eu-west-1",
    "role": "arn:aws:iam::123456789012:role/translate",
    "input": "s3://input-17/in/",
    "output": "s3://output-17/out/",
}
_STORE = "https://store.blob.core.windows.net"
_BATCH = {"resource": "translator", "source": f"{_STORE}/source-17", "target": f"{_STORE}/target"}


@pytest.mark.parametrize(
    ("service", "mine", "others"),
    [
        (
            "amazon",
            [
                _JOB,
                {
                    **_JOB,
                    "id": "0123456789abcdef0123456789abcdef",
                    "name": "any",
                    "role": "arn:aws:iam::123456789012:role/x",
                },
            ],
            [
                {**_JOB, "name": "pr-1-nightly"},
                {**_JOB, "input": "s3://input-1/in/"},
                {**_JOB, "role": "arn:aws:iam::123456789012:role/other"},
            ],
        ),
        (
            "azure",
            [_BATCH, {**_BATCH, "id": "727bf148-f327-47a0-9481-abae6362f11e", "source": f"{_STORE}/elsewhere"}],
            [{**_BATCH, "source": f"{_STORE}/source-1"}],
        ),
    ],
)
def test_a_stored_guard_is_deleted(
    dynamic: Any, emulator: Emulator, service: str, mine: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    """Its jobs stop and the neighbours' run on; a second delete finds nothing to do."""
    golden = stored(GOLDEN / "0.1.0" / f"{service}.json")
    place = (
        {"endpoint_url": emulator.url} if service == "amazon" else {"endpoint": emulator.azure_endpoint("translator")}
    )
    ids = emulator.control.add_jobs([*mine, *others])
    for _ in range(2):
        delete(dynamic, golden["id"], {**golden["outputs"], **place})
    stopped = {one["id"] for one in emulator.control.jobs() if one["state"] in ("STOPPED", "Cancelled")}
    assert stopped == set(ids[: len(mine)])


def test_a_stored_guard_of_another_account_is_not_deleted(dynamic: Any, emulator: Emulator) -> None:
    """The account is a part of what is stored; the last line of the traceback says it all."""
    golden = stored(GOLDEN / "0.1.0" / "amazon.json")
    outputs = {**golden["outputs"], "endpoint_url": emulator.url, "account_id": "210987654321"}
    with pytest.raises(grpc.RpcError) as refused:
        delete(dynamic, golden["id"], outputs)
    last = str(refused.value.details()).strip().splitlines()[-1]
    assert last.startswith("translation_job_guard.errors.WrongAccount: [dev/guard] the credentials lead to account")
