"""What people write by hand: one request after the other with the SDK, stop everything, then wait for each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.emulated import CONTAINER, REGION, ROLE, Emulated
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

__all__ = ["amazon", "ask", "azure"]

_POLL = 0.5


def ask(emulated: Emulated, service: str) -> Callable[[str], Any]:
    """The SDK's own request about one job, over enough connections for many threads: how fast it can go at most."""
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


def amazon(emulated: Emulated) -> None:
    """The boto3 loop. Retries throttled requests as boto3 does by itself, with enough attempts to get through."""
    import boto3
    from botocore.config import Config

    patient = Config(retries={"mode": "standard", "max_attempts": 20})
    client: Any = boto3.client("translate", region_name=REGION, endpoint_url=emulated.url, config=patient)
    ids = []
    for status in ("SUBMITTED", "IN_PROGRESS"):
        request: dict[str, Any] = {"Filter": {"JobStatus": status}, "MaxResults": 500}
        while True:
            page = client.list_text_translation_jobs(**request)
            found = page["TextTranslationJobPropertiesList"]
            ids += [job["JobId"] for job in found if job["DataAccessRoleArn"] == ROLE]
            if "NextToken" not in page:
                break
            request["NextToken"] = page["NextToken"]
    for job_id in ids:
        client.stop_text_translation_job(JobId=job_id)
    for job_id in ids:
        while True:
            answer = client.describe_text_translation_job(JobId=job_id)
            if answer["TextTranslationJobProperties"]["JobStatus"] in ("STOPPED", "COMPLETED", "FAILED"):
                break
            time.sleep(_POLL)


def azure(emulated: Emulated) -> None:
    """The same with the Azure SDK, which has to ask each batch for its documents to know whose it is."""
    from azure.ai.translation.document import DocumentTranslationClient
    from azure.core.credentials import AzureKeyCredential

    endpoint = emulated.place(AZURE_DOCUMENT_TRANSLATION)
    client = DocumentTranslationClient(
        endpoint, AzureKeyCredential("emulator-key"), api_version="2024-05-01", retry_total=20
    )
    ids = []
    for batch in list(client.list_translation_statuses(statuses=["NotStarted", "Running"])):
        documents = list(client.list_document_statuses(batch.id))
        if any((document.source_document_url or "").startswith(CONTAINER + "/") for document in documents):
            ids.append(batch.id)
    for batch_id in ids:
        client.cancel_translation(batch_id)
    for batch_id in ids:
        while str(client.get_translation_status(batch_id).status) not in (
            "Canceled",
            "Cancelled",
            "Succeeded",
            "Failed",
        ):
            time.sleep(_POLL)
