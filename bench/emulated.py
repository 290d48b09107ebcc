"""The emulator in a process of its own, with jobs in it, and what it can do by itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, Literal
from urllib.parse import urlsplit

from bench.figures import Figure, Pair, Plan, Show
from translation_job_guard.emulator import Control
from translation_job_guard.jobs import AMAZON_TRANSLATE, AmazonScope, AzureScope, Scope

__all__ = [
    "CALL",
    "CONTAINER",
    "ENVIRONMENT",
    "NEIGHBOURS",
    "REGION",
    "REGIONS",
    "ROLE",
    "SLOW",
    "SLOWEST_REGION",
    "STOP_LATENCY",
    "Emulated",
    "measure",
    "running",
    "slow_region",
]

REGION = "eu-west-1"
SLOWEST_REGION = "us-west-2"
REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
SLOW = 1.5
"""Seconds that a request takes longer in the slowest region."""
ROLE = "arn:aws:iam::123456789012:role/translate-dev"
NEIGHBOURS = "arn:aws:iam::123456789012:role/translate-neighbour"
CONTAINER = "https://storage.blob.core.windows.net/dev"
NEIGHBOURS_CONTAINER = "https://storage.blob.core.windows.net/neighbour"
RESOURCE = "translator"

CALL = 0.04
"""Seconds that each request takes, about what a region nearby answers in."""
STOP_LATENCY = 2.0
SPACING = 0.2
"""Seconds between two submissions: five a second, which is what AWS allows."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key",
}
"""What leads the SDKs to the emulator and nowhere else."""


class Emulated:
    """A running emulator, to fill with jobs and to count the requests of."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.control = Control(url)
        self._since = 0

    def place(self, service: str) -> str:
        """Return the region or endpoint of a service."""
        return REGION if service == AMAZON_TRANSLATE else f"{self.url}/azure/{RESOURCE}"

    def scope(self, service: str) -> Scope:
        """Return the scope of this stack's guard: the jobs of its role, or of its container."""
        if service == AMAZON_TRANSLATE:
            return AmazonScope(data_access_role_arns=(ROLE,))
        return AzureScope(container_urls=(CONTAINER,))

    def fill(
        self, service: str, mine: int, *, ended: int, neighbours: int, rate: float | None = None, call: float = CALL
    ) -> None:
        """As new, with so many jobs. ``rate`` stop requests a second are let through, and at once a second's worth."""
        amazon = service == AMAZON_TRANSLATE
        self.control.reset()
        self.control.settings(
            stop_latency=STOP_LATENCY,
            max_running=100_000,
            rates={} if rate is None else {"StopTextTranslationJob" if amazon else "CancelTranslation": rate},
        )
        now = self.control.now()
        kinds = ((ended, "ended", 86_400.0), (neighbours, "neighbour", 7_200.0), (mine, "mine", 3_600.0))
        for count, kind, age in kinds:
            jobs = [_job(amazon, kind, now - age + number * SPACING) for number in range(count)]
            for start in range(0, count, 1_000):
                self.control.add_jobs(jobs[start : start + 1_000])
        if call:
            self.control.fault(kind="slow", seconds=call)
        self.forget_requests()

    def submit(self, count: int) -> None:
        """Submit batches of this stack as a program does, with the Azure SDK."""
        from azure.ai.translation.document import DocumentTranslationClient
        from azure.core.credentials import AzureKeyCredential
        from azure.core.rest import HttpRequest

        target = {"targetUrl": f"{CONTAINER}/out", "language": "fr"}
        batch = {"inputs": [{"source": {"sourceUrl": f"{CONTAINER}/in"}, "targets": [target]}]}
        client = DocumentTranslationClient(
            f"{self.url}/azure/{RESOURCE}", AzureKeyCredential("emulator-key"), api_version="2024-05-01"
        )
        for _ in range(count):
            request = HttpRequest("POST", "/document/batches?api-version=2024-05-01", json=batch)
            client.send_request(request).raise_for_status()

    def forget_requests(self) -> None:
        """Count from here on."""
        self._since = self.control.last_request()

    def requests(self, by: Literal["operation", "region"] = "operation") -> Counter[str]:
        """How many requests came in."""
        return Counter(str(request[by]) for request in self.control.requests(self._since))


def _job(amazon: bool, kind: str, submitted: float) -> dict[str, Any]:
    mine = kind != "neighbour"
    job: dict[str, Any] = {"submitted": submitted, "run_time": 10_000_000}
    if amazon:
        job |= {"region": REGION, "role": ROLE if mine else NEIGHBOURS, "name": f"{kind}-job"}
        return job | ({"state": "COMPLETED"} if kind == "ended" else {"state": "IN_PROGRESS"})
    container = CONTAINER if mine else NEIGHBOURS_CONTAINER
    job |= {"resource": RESOURCE, "source": f"{container}/in", "target": f"{container}/out", "documents": 3}
    return job | ({"state": "Succeeded"} if kind == "ended" else {"state": "Running"})


@contextmanager
def slow_region(emulated: Emulated) -> Iterator[None]:
    """Make one region slow until the end of the block, or until the emulator is filled again."""
    match = {"region": SLOWEST_REGION}
    emulated.control.fault("ListTextTranslationJobs", kind="slow", times=None, match=match, seconds=SLOW)
    yield
    emulated.control.clear_faults()


@contextmanager
def running() -> Iterator[Emulated]:
    """Run an emulator in a process of its own until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "translation_job_emulator", "--run-time", "10000000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        if "ready at" not in ready:
            raise RuntimeError("the emulator did not start")
        emulated = Emulated(ready.split()[-1])
        _ask_for_identity(emulated.url)
        yield emulated
    finally:
        process.terminate()
        process.wait(30)


def _ask_for_identity(url: str) -> None:
    # The first such request makes the emulator import moto, which takes seconds.
    import boto3

    boto3.client(
        "sts", region_name=REGION, endpoint_url=url, aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="none"
    ).get_caller_identity()


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Measure the emulator alone, since the other figures must not measure it."""
    emulated.fill(AMAZON_TRANSLATE, 1, ended=0, neighbours=0, call=0)
    job_id = str(emulated.control.jobs()[0]["id"])
    wire = _request(emulated.url, job_id)
    seconds = plan.choose(1.0, 3.0)
    alone = tuple(Pair(_latency(emulated.url, wire) * 1_000, CALL * 1_000) for _ in range(3))
    show(Figure("emulator", "one request after the other, no latency set", "ms", "the latency set for a call", alone))
    rates = tuple(Pair(_rate(emulated.url, wire, seconds), 32 / CALL) for _ in range(3))
    show(
        Figure(
            "emulator",
            "requests a second over 8 connections, no latency set",
            "1/s",
            "what 32 workers send at most",
            rates,
        )
    )


def _request(url: str, job_id: str) -> bytes:
    """Return a request as boto3 sends it. Its bytes are made once, so that the client takes next to no time."""
    body = json.dumps({"JobId": job_id}).encode()
    scope = f"AKIAEXAMPLE/20260101/{REGION}/translate/aws4_request"
    head = (
        f"POST / HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Type: application/x-amz-json-1.1\r\n"
        "X-Amz-Target: AWSShineFrontendService_20170701.DescribeTextTranslationJob\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _connect(url: str) -> socket.socket:
    host, _, port = urlsplit(url).netloc.partition(":")
    connection = socket.create_connection((host, int(port)), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _ask(connection: socket.socket, wire: bytes) -> None:
    connection.sendall(wire)
    answer = connection.recv(65_536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the emulator refused: {answer[:200]!r}")
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    missing = length - len(body)
    while missing > 0:
        missing -= len(connection.recv(65_536))


def _latency(url: str, wire: bytes) -> float:
    with _connect(url) as connection:
        times = []
        for _ in range(200):
            begun = time.perf_counter()
            _ask(connection, wire)
            times.append(time.perf_counter() - begun)
    return median(times)


def _rate(url: str, wire: bytes, seconds: float) -> float:
    counts = [0] * 8
    ends = time.perf_counter() + seconds

    def ask(number: int) -> None:
        with _connect(url) as connection:
            while time.perf_counter() < ends:
                _ask(connection, wire)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(counts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds
