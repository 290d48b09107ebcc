"""What people write by hand: one request after the other with the SDK, stop everything, then wait for each."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench.emulated import CONTAINER, REGION, ROLE, Emulated
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

__all__ = ["amazon", "ask", "azure"]

_POLL = 0.5


def ask(emulated: Emulated, service: str) -> Callable[[str], Any]:
    """Return the SDK's own request about one job, with enough connections for many threads: the fastest possible."""
    if service == AMAZON_TRANSLATE:
        import boto3
        from botocore.config import Config

        wide = Config(max_pool_connections=40)
        client: Any = boto3.client("translate", region_name=REGION, endpoint_url=emulated.url, config=wide)
        return lambda job_id: client.describe_text_translation_job(JobId=job_id)
    from azure.ai.translation.document import DocumentTranslationClient
    from azure.core.credentials import AzureKeyCredential
    from azure.core.pipeline.transport import RequestsTransport

    transport = RequestsTransport()
    transport.open()
    assert transport.session is not None
    transport.session.get_adapter("http://").init_poolmanager(40, 40)
    return DocumentTranslationClient(
        emulated.place(service), AzureKeyCredential("emulator-key"), api_version="2024-05-01", transport=transport
    ).get_translation_status


def amazon(emulated: Emulated) -> int:
    """Run the boto3 loop and return how many jobs it stopped.

    boto3 retries throttled requests by itself, with enough attempts to get through.
    """
    import boto3
    from botocore.config import Config

    patient = Config(retries={"mode": "standard", "max_attempts": 20})
    client: Any = boto3.client("translate", region_name=REGION, endpoint_url=emulated.url, config=patient)

    def in_flight() -> list[str]:
        ids = []
        for status in ("SUBMITTED", "IN_PROGRESS", "STOP_REQUESTED"):
            request: dict[str, Any] = {"Filter": {"JobStatus": status}, "MaxResults": 500}
            while True:
                page = client.list_text_translation_jobs(**request)
                found = page["TextTranslationJobPropertiesList"]
                ids += [job["JobId"] for job in found if job["DataAccessRoleArn"] == ROLE]
                if "NextToken" not in page:
                    break
                request["NextToken"] = page["NextToken"]
        return ids

    ids = in_flight()
    for job_id in ids:
        client.stop_text_translation_job(JobId=job_id)
    stopped = 0
    for job_id in ids:
        while True:
            answer = client.describe_text_translation_job(JobId=job_id)
            status = answer["TextTranslationJobProperties"]["JobStatus"]
            if status in ("STOPPED", "COMPLETED", "FAILED"):
                stopped += status == "STOPPED"
                break
            time.sleep(_POLL)
    return 0 if in_flight() else stopped


def azure(emulated: Emulated) -> int:
    """Run the same loop with the Azure SDK and return how many batches it stopped.

    It has to ask each batch for its documents to know whose it is. The SDK's pager stops after 50 items, so the loop
    follows the links itself; and it varies each URL, or it would read for a minute what a cache has.
    """
    from azure.ai.translation.document import DocumentTranslationClient
    from azure.core.credentials import AzureKeyCredential
    from azure.core.rest import HttpRequest

    endpoint = emulated.place(AZURE_DOCUMENT_TRANSLATION)
    client = DocumentTranslationClient(
        endpoint, AzureKeyCredential("emulator-key"), api_version="2024-05-01", retry_total=20
    )
    start = datetime(2019, 1, 1) + timedelta(microseconds=random.randrange(10**12))

    def pages(path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        nonlocal start
        more = True
        while more:
            start += timedelta(microseconds=1)
            fresh = {"createdDateTimeUtcStart": f"{start:%Y-%m-%dT%H:%M:%S.%f}Z"} if path == "batches" else {}
            asked = urlencode({**query, **fresh, "api-version": "2024-05-01"})
            page = client.send_request(HttpRequest("GET", f"/document/{path}?{asked}")).json()
            yield from page["value"]
            more = "@nextLink" in page
            if more:
                query = dict(parse_qsl(urlsplit(page["@nextLink"]).query))
                if path == "batches":
                    query.pop("top", None)

    def in_flight() -> list[str]:
        return [batch["id"] for batch in pages("batches", {"statuses": "NotStarted,Running,Cancelling"})]

    ids = []
    for batch_id in in_flight():
        top = str(1_000_000 + random.randrange(10**9))
        documents = pages(f"batches/{batch_id}/documents", {"top": top})
        if any(document["sourcePath"].startswith(f"{_WITH_PORT}/") for document in documents):
            ids.append(batch_id)
    for batch_id in ids:
        client.cancel_translation(batch_id)
    stopped = 0
    for batch_id in ids:
        while True:
            [batch] = pages("batches", {"ids": batch_id})
            if batch["status"] in ("Cancelled", "Succeeded", "Failed"):
                stopped += batch["status"] == "Cancelled"
                break
            time.sleep(_POLL)
    return 0 if set(in_flight()) & set(ids) else stopped


_WITH_PORT = CONTAINER.replace(".net/", ".net:443/")
