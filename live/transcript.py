"""What was asked and answered, without anything that tells whose account it was.

The recorders hook into the SDKs below their retries, so each attempt counts. What leaves this module passes through
`Transcript.document`, which knows each field that it lets through by name and leaves all others out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy


class Step(str, Enum):
    """What an exchange is there to show."""

    LOGIN = "log in"
    START = "start"
    WATCH = "watch"
    STOP_QUEUED = "stop a queued job"
    STOP_RUNNING = "stop a running job"
    STOP_STOPPING = "stop a stopping job"
    STOP_STOPPED = "stop a stopped job"
    STOP_SUCCEEDED = "stop a succeeded job"
    STOP_UNKNOWN = "stop an unknown job"
    LIST_QUEUED = "list queued jobs"
    LIST = "list"
    LIST_AFTER = "list after a time"
    LIST_BEFORE = "list before a time"
    LIST_ASCENDING = "list in ascending order"
    PAGE_1 = "first page"
    PAGE_2 = "second page"
    CACHED_LIST_BEFORE = "one list URL, before a submission"
    CACHED_LIST_AFTER = "one list URL, after a submission"
    CACHED_GET_BEFORE = "one batch URL, before its DELETE"
    CACHED_GET_AFTER = "one batch URL, after its DELETE"
    CACHED_GET_LATER = "one batch URL, until it shows the end"
    AFTER_DESTROY = "after pulumi destroy"
    CLEAN_UP = "clean up"


HEADERS = ("age", "cache-control", "date", "retry-after")
_IDS = {"id", "JobId"}
_URLS = {"sourcePath", "path", "@nextLink", "nextLink"}
_TEXTS = {"message", "Message"}
_WORDS = {"status", "JobStatus", "code", "__type", "createdDateTimeUtc", "lastActionDateTimeUtc"}
_TREES = {
    "summary",
    "error",
    "innerError",
    "value",
    "JobDetails",
    "Filter",
    "TextTranslationJobPropertiesList",
    "TextTranslationJobProperties",
}
_NUMBERS = {
    *("total", "failed", "success", "inProgress", "notYetStarted", "cancelled", "totalCharacterCharged"),
    *("progress", "characterCharged", "SubmittedTime", "EndTime", "MaxResults"),
    *("InputDocumentsCount", "TranslatedDocumentsCount", "DocumentsWithErrorsCount"),
    *("SubmittedAfterTime", "SubmittedBeforeTime"),
}
_OF_OTHERS = ("id", "JobId", "status", "JobStatus", "createdDateTimeUtc", "SubmittedTime")
"""All that is kept of a job which the check did not start."""
_QUERY = {"top", "skip", "maxpagesize", "orderby", "statuses", "createddatetimeutcstart", "api-version"}
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,63}|\d{3}|\d{4}-\d\d-\d\dT[\d:.]+Z")
_PATTERNS = (
    (re.compile(r"arn:[^\s\"',;)]+"), "ARN"),
    (re.compile(r"\b(?:s3|wasbs?|abfss?)://[^\s\"',;)]+"), "URI"),
    (re.compile(r"https?://[^\s\"',;)]+"), "URL"),
    (re.compile(r"/subscriptions/[^\s\"',;)]+"), "RESOURCE"),
    (re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|cn|us|io|dev|local|localhost)\b(?::\d+)?"), "HOST"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?"), "HOST"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}\b"), "KEY"),
    (re.compile(r"[\w.+-]+@[\w.-]+"), "MAIL"),
    (re.compile(r"\b\d{12}\b"), "ACCOUNT"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "ID"),
    (re.compile(r"[A-Za-z0-9+/=_%-]{24,}"), "…"),
)


class Transcript:
    """The exchanges of one run; `names` gives the jobs of this run their names in it."""

    def __init__(self, service: str, now: Callable[[], float]) -> None:
        self.now = now
        self.begun = now()
        self.names: dict[str, str] = {}
        self.about: dict[str, Any] = {"service": service}
        self.stack: dict[str, dict[str, Any]] = {}
        self._secrets: set[str] = set()
        self._others: dict[str, str] = {}
        self._exchanges: list[dict[str, Any]] = []
        self._step = Step.LOGIN

    def hide(self, *values: str | None) -> None:
        """Keep these out of every text: keys, accounts, hosts, buckets."""
        self._secrets |= {value for value in values if value}

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        before, self._step = self._step, step
        try:
            yield
        finally:
            self._step = before

    def record(self, began: float, request: dict[str, Any], status: int, headers: Mapping[str, str], body: Any) -> None:
        """Keep one exchange, as it was: it is sanitised when it is written."""
        times = {"at": round(began - self.begun, 3), "seconds": round(self.now() - began, 3)}
        kept = {name: headers[name] for name in HEADERS if name in headers}
        exchange = {"step": self._step.value, **times, "request": request, "status": status}
        self._exchanges.append({**exchange, "headers": kept, "body": body})

    def document(self) -> dict[str, Any]:
        """Return the sanitised transcript, as JSON has it."""
        exchanges = [
            {
                **exchange,
                "request": self._request(exchange["request"]),
                "headers": {name: self.text(str(value)) for name, value in exchange["headers"].items()},
                "body": self._tree(exchange["body"]),
            }
            for exchange in self._exchanges
        ]
        stack = {
            name: {**event, "lines": [self.text(line) for line in event["lines"]]} for name, event in self.stack.items()
        }
        return {"format": 1, **self.about, "stack": stack, "exchanges": exchanges}

    def text(self, value: str) -> str:
        """Return a text for people, without what it tells of the account."""
        known = {**dict.fromkeys(self._secrets, "…"), **{id_: f"[{name}]" for id_, name in self.names.items()}}
        for secret in sorted(known, key=len, reverse=True):
            value = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", known[secret], value)
        for pattern, replacement in _PATTERNS:
            value = pattern.sub(replacement, value)
        return value

    def _name(self, id_: str) -> str:
        return self.names.get(id_) or self._others.setdefault(id_, f"other-{len(self._others) + 1}")

    def _request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "operation" in request:
            return {"operation": request["operation"], "body": self._tree(request["body"])}
        return {"method": request["method"], "url": self._link(request["url"])}

    def _tree(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._tree(entry) for entry in value]
        if not isinstance(value, Mapping):
            return None
        id_ = value.get("id", value.get("JobId"))
        document = "sourcePath" in value
        others = isinstance(id_, str) and id_ not in self.names and not document
        kept = {name: value[name] for name in value if not others or name in _OF_OTHERS}
        if document:
            kept.pop("id", None)
        # What a job says of its failure names documents; what an answer says of its own does not.
        if "JobStatus" in kept:
            kept.pop("Message", None)
        found = {name: self._field(name, entry) for name, entry in kept.items()}
        return {name: entry for name, entry in found.items() if entry is not None}

    def _field(self, name: str, value: Any) -> Any:
        if name in _TREES:
            return self._tree(value)
        if name in _NUMBERS:
            return value if isinstance(value, (int, float)) else None
        if not isinstance(value, str):
            return None
        if name in _IDS:
            return self._name(value)
        if name in _URLS:
            return self._link(value)
        if name == "NextToken":
            return "TOKEN"
        if name in _WORDS:
            return value if _WORD.fullmatch(value) else self.text(value)
        return self.text(value) if name in _TEXTS else None

    def _link(self, url: str) -> str:
        """Return a URL with its port, the service's own path and the query parameters that say how to page."""
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port and parts.hostname not in ("127.0.0.1", "localhost") else ""
        api = re.search(r"/translator/document/batches(?:/([^/]+))?(/documents)?/?$", parts.path)
        path = "/…"
        if api:
            path = "/batches" + (f"/{self._name(api[1])}" if api[1] else "") + (api[2] or "")
        query = [part for part in parts.query.split("&") if part]
        # As they are, so that a raw space stays one; a value that could say anything else is left out.
        shown = [part if self._pages(part) else f"{self.text(part.partition('=')[0])}=…" for part in query]
        return f"{parts.scheme}://HOST{port}{path}" + (f"?{'&'.join(shown)}" if shown else "")

    @staticmethod
    def _pages(parameter: str) -> bool:
        name, _, value = parameter.partition("=")
        known = name.lower().replace("%24", "$").lstrip("$") in _QUERY
        return known and re.fullmatch(r"[\w ,:.%+-]{1,64}", value) is not None


def record_boto3(client: Any, transcript: Transcript) -> None:
    """Record what a boto3 client sends and gets: events around each attempt."""
    sent: list[tuple[float, dict[str, Any]]] = []

    def before(request: Any, **_: Any) -> None:
        target = request.headers.get("X-Amz-Target", b"")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        sent.append((transcript.now(), {"operation": operation, "body": _json(request.body)}))

    def after(response_dict: Any, **_: Any) -> None:
        began, request = sent.pop()
        if response_dict is not None:
            headers = {name.lower(): value for name, value in response_dict["headers"].items()}
            transcript.record(began, request, response_dict["status_code"], headers, _json(response_dict["body"]))

    client.meta.events.register("before-send.translate", before)
    client.meta.events.register("response-received.translate", after)


class AzureRecorder(SansIOHTTPPolicy[Any, Any]):
    """A policy behind azure-core's retries: it records each attempt."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__()
        self._transcript = transcript

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context["live-check-began"] = self._transcript.now()

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        sent, answer = request.http_request, response.http_response
        headers = {name.lower(): value for name, value in answer.headers.items()}
        asked = {"method": sent.method, "url": sent.url}
        body = _json(answer.read() if hasattr(answer, "read") else answer.body())
        self._transcript.record(request.context["live-check-began"], asked, answer.status_code, headers, body)


def _json(body: Any) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def instant(text: str) -> datetime:
    """Return the moment of a time as either service writes it; Python 3.10 reads six digits of a second at most."""
    return datetime.fromisoformat(re.sub(r"\.(\d+)", lambda found: f".{found[1]:0<6.6}", text).replace("Z", "+00:00"))
