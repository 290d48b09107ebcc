"""What things cost, in requests and imports: never in seconds, which `make bench` measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from translation_job_guard.emulator import Emulator
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, AmazonScope
from translation_job_guard.teardown import TeardownOptions
from translation_job_guard.testing import SimulatedService, tear_down

ROLE = "arn:aws:iam::123456789012:role/mine"
CONTAINER = "https://store.blob.core.windows.net/mine"
THEIRS = "https://store.blob.core.windows.net/theirs"
MINE = AmazonScope(job_name_prefixes=("mine-",))

DELETE = """
import json, sys
from translation_job_guard import provider
getattr(provider, sys.argv[1])().delete("guard-0", json.loads(sys.argv[2]))
print(*sys.modules)
"""


def environment(**more: str) -> dict[str, str]:
    """The caller's without their clouds."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "TRANSLATION"))}
    aws = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**own, **aws, **files, "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key", **more}


def output(*command: str) -> str:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def delete(emulator: Emulator, service: str) -> set[str]:
    """Delete a guard in a fresh process, as the engine has it done; returns the modules that it imported."""
    # With an interval, since a slow machine's listings would have jobs looked at in between.
    properties: dict[str, Any] = {"name": "guard", "stack": "dev", "project": "app"}
    properties |= {"quiet_period": 0.5, "poll_interval": 1.0}
    if service == AMAZON_TRANSLATE:
        name = "AmazonTranslateJobGuardProvider"
        properties |= {"region": "eu-west-1", "scope": [{"data_access_role_arns": [ROLE]}]}
        properties |= {"endpoint_url": emulator.url, "account_id": "123456789012"}
    else:
        name = "AzureDocumentTranslationJobGuardProvider"
        properties |= {
            "endpoint": emulator.azure_endpoint("translator"),
            "scope": [{"container_urls": [CONTAINER]}],
        }
    said = output(sys.executable, "-c", DELETE, name, json.dumps(properties))
    return set(said.splitlines()[-1].split())


def requests(emulator: Emulator) -> Mapping[str, int]:
    return Counter(str(request["operation"]) for request in emulator.control.requests())


def test_a_delete_of_amazon_jobs_asks_as_little_as_it_can(emulator: Emulator) -> None:
    """Who am I once; each job is stopped and described once; listings are rounds of three states."""
    emulator.control.add_jobs([{"region": "eu-west-1", "role": ROLE, "name": f"mine-{n}"} for n in range(12)])
    emulator.control.add_jobs([{"region": "eu-west-1", "name": "theirs"} for _ in range(30)])
    emulator.control.add_jobs([{"region": "eu-west-1", "role": ROLE, "state": "COMPLETED"} for _ in range(600)])
    delete(emulator, AMAZON_TRANSLATE)
    found = dict(requests(emulator))
    rounds, rest = divmod(found.pop("ListTextTranslationJobs"), 3)
    assert rest == 0, "the states of a round fit into a page each: ended jobs are not listed"
    assert 3 <= rounds <= 8, "before, after, and at the end of the quiet period"
    assert found == {"GetCallerIdentity": 1, "StopTextTranslationJob": 12, "DescribeTextTranslationJob": 12}


def test_a_delete_of_azure_batches_asks_as_little_as_it_can(emulator: Emulator) -> None:
    """Each batch in flight is asked for its documents once, whosever it is; each own one is cancelled once."""
    for container, count in ((CONTAINER, 5), (THEIRS, 20)):
        batch = {"resource": "translator", "source": f"{container}/in", "target": f"{container}/out"}
        emulator.control.add_jobs([{**batch, "submitted": emulator.control.now() - 60} for _ in range(count)])
    delete(emulator, AZURE_DOCUMENT_TRANSLATION)
    found = dict(requests(emulator))
    assert 4 <= found.pop("GetTranslationsStatus") <= 9, "a page a round, and one for how the five ended"
    assert found == {"GetDocumentsStatus": 25, "CancelTranslation": 5}


@pytest.mark.parametrize(
    ("service", "least"),
    [
        (AMAZON_TRANSLATE, {"GetCallerIdentity": 1, "ListTextTranslationJobs": 6}),
        (AZURE_DOCUMENT_TRANSLATION, {"GetTranslationsStatus": 2}),
    ],
)
def test_a_delete_with_nothing_in_flight_lists_twice(
    emulator: Emulator, service: str, least: Mapping[str, int]
) -> None:
    """And imports what its service needs: not the other cloud's SDK, nor what makes tables and pages."""
    modules = delete(emulator, service)
    assert requests(emulator) == least
    tops = {module.partition(".")[0] for module in modules}
    other = {"azure"} if service == AMAZON_TRANSLATE else {"botocore"}
    other |= {"boto3", "s3transfer"}  # botocore does without
    assert not tops & (other | {"jinja2", "rich", "typer", "starlette", "moto", "pulumi_policy", "pulumi_aws"})
    assert "azure.identity" not in modules, "there is a key"
    assert not modules & {"translation_job_guard.receipts", "translation_job_guard.presentation"}, "nobody asked"
    assert tops & {"botocore", "azure"}, "the check itself works"


def test_a_throttled_place_is_asked_little_more_than_it_allows() -> None:
    """200 jobs at five a second: beyond the first volley, one stop request in five is too many at most."""
    service = SimulatedService(stops_per_second=5)
    for number in range(200):
        service.add(name=f"mine-{number}")
    report = tear_down(service, [MINE], TeardownOptions(quiet_period=0))
    assert report.requests["stop"] <= 200 * 1.2 + 32
    assert len(report.records) == 200


def test_a_long_wait_asks_less_and_less() -> None:
    """A job that takes half an hour to stop is listed every half second first, every quarter of a minute later."""
    service = SimulatedService()
    service.add(name="mine-0", runs_for=7200, stop_takes=1800)
    tear_down(service, [MINE], TeardownOptions(quiet_period=0, timeout=3600))
    lists = [call.began for call in service.calls if call.operation == "list"]
    assert len(lists) <= 170
    assert lists[2] - lists[1] <= 1 < 14 <= lists[-1] - lists[-2] <= 16
    assert sum(call.operation == "stop" for call in service.calls) <= 40, "asked again, each time later"


def test_the_help_of_the_command_line_imports_no_sdk() -> None:
    """It has to come at once."""
    script = "import sys; from translation_job_guard.cli import app; print(*sys.modules)"
    tops = {module.partition(".")[0] for module in output(sys.executable, "-c", script).split()}
    assert not tops & {"boto3", "botocore", "azure", "pulumi", "pulumi_policy", "jinja2", "starlette", "moto", "grpc"}
    assert "typer" in tops, "the check itself works"
