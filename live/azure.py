"""The check of Azure Document Translation.

A GET is answered from a cache by its URL, so a look that is to be fresh has a URL that nobody has asked before: another
past `createdDateTimeUtcStart` for listings, another large `top` for documents.
"""

from __future__ import annotations

import argparse
import itertools
import os
import uuid
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, urlsplit

from azure.ai.translation.document import DocumentTranslationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.rest import HttpRequest
from azure.identity import DefaultAzureCredential

from live.check import ENDED, Check, CheckFailed, Clock
from live.transcript import AzureRecorder, Step
from translation_job_guard.services import is_loopback
from translation_job_guard.services.azure import cloud_of

TIMES = 3
"""How often a URL is asked: the cache has several nodes."""
CACHE_LIMIT = 75.0
BEHIND = 10.0
BATCHES = "/document/batches"
_IDENTITY = ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")


class AzureCheck(Check):
    service = "azure-document-translation"

    @classmethod
    def problems(cls, given: argparse.Namespace) -> list[str]:
        found = []
        endpoint = given.endpoint or ""
        if not urlsplit(endpoint).hostname or not (endpoint.startswith("https://") or is_loopback(endpoint)):
            found.append(
                "--endpoint: give the Translator resource's own, --endpoint https://NAME.cognitiveservices.azure.com/."
            )
        for name in ("source", "target"):
            url = urlsplit(getattr(given, name) or "")
            if url.scheme != "https" or not url.hostname or not url.path.strip("/"):
                found.append(
                    f"--{name}: give the URL of an existing container, --{name} https://ACCOUNT.blob.core.windows.net/"
                    "CONTAINER, with a SAS where the resource's identity has no access."
                )
        if not found and urlsplit(given.source)[:3] == urlsplit(given.target)[:3]:
            found.append("--target: it is the same container as --source; name another one.")
        return found

    def __init__(self, given: argparse.Namespace, clock: Clock) -> None:
        super().__init__(given, clock)
        key = os.environ.get(given.key_env, "").strip()
        credential: Any = AzureKeyCredential(key) if key else DefaultAzureCredential()
        scopes = {} if key else {"credential_scopes": [cloud_of(given.endpoint).credential_scope]}
        self._client = DocumentTranslationClient(
            given.endpoint,
            credential,
            api_version=given.api_version,
            per_retry_policies=[AzureRecorder(self.transcript)],
            **scopes,
        )
        self._numbers = itertools.count(1)
        sdk = version("azure-ai-translation-document")
        self.transcript.about |= {"api_version": given.api_version, "azure-ai-translation-document": sdk}
        self._hide(key)

    def _hide(self, key: str) -> None:
        endpoint, *places = (urlsplit(url) for url in (self.given.endpoint, self.given.source, self.given.target))
        self.transcript.hide(key, endpoint.netloc, *(os.environ.get(f"AZURE_{name}") for name in _IDENTITY))
        for url in (endpoint, *places):
            if not is_loopback(url.geturl()):
                self.transcript.hide(url.hostname, (url.hostname or "").partition(".")[0])
        for url in places:
            self.transcript.hide(*url.path.split("/"), *(part.partition("=")[2] for part in url.query.split("&")))

    def prepare(self) -> list[str]:
        given = self.given
        try:
            answer = self._get(BATCHES, f"top=1&{self._past()}")
            answer.raise_for_status()
        except HttpResponseError as error:
            fix = f"check --endpoint, and set {given.key_env} to a key of the resource or log in with `az login`"
            raise CheckFailed(f"The batches of the resource cannot be listed; {fix}: {error}") from error
        except AzureError as error:
            raise CheckFailed(f"--endpoint: there is no answer from {given.endpoint}: {error}") from error
        batches = 4 if given.stack else 2
        return [
            f"Cost: {batches} batches, each of EVERY document under {_plain(given.source)}, which is not looked "
            "at: let it be three to five small .txt files. Azure charges about 15 USD a million characters.",
            "Clean-up: it asks the batches that have not ended to stop, no others, and waits until they have ended.",
            "What stays: batches cannot be deleted, so listings show them as ended; translated documents are under "
            f"{_plain(given.target)}/{self.run_id}/.",
        ]

    def run(self) -> None:
        step, patience = self.transcript.step, self.given.patience
        with step(Step.CACHED_LIST_BEFORE):
            self._ask_again(BATCHES)
        self.start("queued")
        with step(Step.CACHED_LIST_AFTER):
            self._ask_again(BATCHES)
        self._stop_queued()
        self.clock.pause(1)
        self.start("running")
        self.wait("running", {"Running", *ENDED}, patience, self._look_around)
        with step(Step.LIST):
            self._get(BATCHES, self._past())
        with step(Step.LIST_ASCENDING):
            self._get(BATCHES, f"orderby=createdDateTimeUtc%20asc&{self._recently()}")
        with step(Step.PAGE_1):
            page = self._get(BATCHES, f"maxpagesize=1&orderby=createdDateTimeUtc%20asc&{self._recently()}").json()
        link = page.get("@nextLink") or page.get("nextLink")
        if link and urlsplit(link).hostname == urlsplit(self.given.endpoint).hostname:  # the key goes nowhere else
            with step(Step.PAGE_2):
                self._client.send_request(HttpRequest("GET", link.replace(" ", "%20")))
        # As long as it takes, so that documents of each state are seen; a real one takes seconds.
        self.wait("running", ENDED, patience, self._look_around)
        if self.wait("queued", ENDED, patience) in ENDED:
            self._wait_for_cache()
            with step(Step.WATCH):
                self._documents("queued")
            with step(Step.STOP_STOPPED):
                self.stop("queued")
        if self.wait("running", ENDED, 0) in ENDED:
            with step(Step.STOP_SUCCEEDED):
                self.stop("running")
        with step(Step.STOP_UNKNOWN):
            unknown = str(uuid.uuid4())
            self.transcript.names[unknown] = "unknown"
            self.ask_to_stop(unknown)

    def _stop_queued(self) -> None:
        step, url = self.transcript.step, self._url("queued")
        with step(Step.CACHED_GET_BEFORE):
            self._ask_again(url)
            self._documents("queued")
        # A listing may be behind a submission, and behind a DELETE.
        self.wait("queued", {"NotStarted", "Running", *ENDED}, BEHIND)
        with step(Step.STOP_QUEUED):
            self.stop("queued")
        with step(Step.CACHED_GET_AFTER):
            self._ask_again(url)
        if self.wait("queued", {"Cancelling", *ENDED}, BEHIND) == "Cancelling":
            with step(Step.STOP_STOPPING):
                self.stop("queued")

    def _look_around(self) -> None:
        self._documents("running")
        self._cached_state()

    def _cached_state(self) -> str:
        with self.transcript.step(Step.CACHED_GET_LATER):
            return str(self._get(self._url("queued")).json().get("status"))

    def _wait_for_cache(self) -> None:
        """Ask for one URL until its answer shows what fresh answers have shown before."""
        until = self.clock.now() + CACHE_LIMIT
        while self._cached_state() not in ENDED and self.clock.now() < until:
            self.clock.pause(self.given.interval)

    def state(self, name: str) -> str:
        found = self._get(BATCHES, f"ids={self.started[name]}&{self._recently()}")
        found.raise_for_status()
        return next((str(batch["status"]) for batch in found.json()["value"]), "not listed yet")

    def ask_to_stop(self, job_id: str) -> None:
        self._client.send_request(HttpRequest("DELETE", self._versioned(f"{BATCHES}/{job_id}")), retry_total=0)

    def submit(self, name: str) -> str:
        # Each batch writes into a folder of its own: a batch whose target files exist fails.
        target = {"targetUrl": self._target(name), "language": "fr"}
        body = {"inputs": [{"source": {"sourceUrl": self.given.source}, "targets": [target]}]}
        answer = self._client.send_request(HttpRequest("POST", self._versioned(BATCHES), json=body))
        try:
            answer.raise_for_status()
        except HttpResponseError as error:
            raise CheckFailed(f"No batch can be submitted with --source and --target: {error}") from error
        return str(answer.headers["Operation-Location"].partition("/batches/")[2].partition("?")[0])

    def stack_config(self) -> dict[str, str]:
        given, target = self.given, _plain(self._target("guarded"))
        return {
            "endpoint": given.endpoint,
            "api-version": given.api_version,
            "key-env": given.key_env,
            "target": target,
        }

    def _target(self, name: str) -> str:
        url = urlsplit(str(self.given.target))
        folder = name.replace("guarded-", "guarded/")
        return url._replace(path=f"{url.path.rstrip('/')}/{self.run_id}/{folder}").geturl()

    def _documents(self, name: str) -> None:
        self._get(f"{self._url(name)}/documents", f"top={1_000_000 + next(self._numbers)}")

    def _ask_again(self, path: str) -> None:
        for _ in range(TIMES):
            self._get(path)

    def _get(self, path: str, query: str = "") -> Any:
        return self._client.send_request(HttpRequest("GET", self._versioned(path, query)))

    def _url(self, name: str) -> str:
        return f"{BATCHES}/{self.started[name]}"

    def _versioned(self, path: str, query: str = "") -> str:
        return f"{path}?api-version={self.given.api_version}" + (f"&{query}" if query else "")

    def _past(self) -> str:
        """Return a start time that excludes nothing, and that no request has had before."""
        return self._since(datetime(2020, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.transcript.begun % 1e6))

    def _recently(self) -> str:
        return self._since(datetime.fromtimestamp(self.transcript.begun, timezone.utc) - timedelta(minutes=5))

    def _since(self, moment: datetime) -> str:
        moment -= timedelta(microseconds=next(self._numbers))
        return f"createdDateTimeUtcStart={quote(moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ'))}"


def _plain(url: str) -> str:
    return url.partition("?")[0].rstrip("/")
