"""Whatever the environment, the state and the service answer: a guard fails with its own errors only, each with a
remedy and without secrets, within its timeout; in mode ignore its delete does not fail at all.

Through the real SDKs, against a server on this machine's loopback. Nothing else is reached: all other hosts go by a
proxy that is not there.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import itertools
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from translation_job_guard.errors import GuardError
from translation_job_guard.provider import (
    AmazonTranslateJobGuardProvider,
    AzureDocumentTranslationJobGuardProvider,
    _GuardProvider,
)

pytestmark = [pytest.mark.usefixtures("no_sdk_pauses"), pytest.mark.no_cover]

AMAZON, AZURE = AmazonTranslateJobGuardProvider(), AzureDocumentTranslationJobGuardProvider()
ACCOUNT = "123456789012"
KEY_ENV = "AZURE_DOCUMENT_TRANSLATION_KEY"
TIMEOUT = 2.0
"""Seconds of the guards' timeout. Pauses take no real time, so few examples last as long."""
SLACK = 20.0
"""Seconds that a busy machine may take on top."""
REMEDY = re.compile(r"(?i)\b(again|install|set|give|use|unset|correct|check)\b")

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "plantedAwsSecret+0123456789/abcdefghij",
    "AWS_SESSION_TOKEN": "plantedSessionToken//////////wEaDGV1LXdlc3Q=",
    "AZURE_CLIENT_SECRET": "plantedClientSecret~0123456789",
    KEY_ENV: "plantedAzureKey0123456789abcdef",
}
SIGNATURE = "plantedSignature0123456789"
PLANTED = (*SECRETS.values(), SIGNATURE)

OPERATIONS = ("sts", "list", "stop", "other")


@dataclass(frozen=True)
class Answer:
    """One answer of the server, as it goes over the wire; ``length`` is what it says of its own length."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    length: int | None = None


class Service:
    """Amazon Translate, STS, Document Translation and whatever else is asked for, on loopback.

    Each example has a path of its own: what an example left behind is refused in the next one.
    """

    def __init__(self) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self._numbers = itertools.count()
        self.example = ""
        self.answers: Mapping[str, Answer] = {}
        self.stopped = False

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.host}/{self.example}"

    def begin(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.example, self.answers, self.stopped = f"e{next(self._numbers)}", answers or {}, False

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> Answer:
        if urlsplit(path).path.partition("/")[2].partition("/")[0] != self.example:
            return _json(400, {"__type": "ValidationException", "message": "of another example"})
        target = headers.get("X-Amz-Target", "").rpartition(".")[2]
        form = parse_qs(body.decode("latin-1"))
        operation = (
            "sts"
            if "Action" in form
            else "stop"
            if target.startswith("Stop") or method == "DELETE"
            else "list"
            if target.startswith("List") or "document/batches" in path
            else "other"
        )
        if operation in self.answers:
            return self.answers[operation]
        return self._proper(operation, path)

    def _proper(self, operation: str, path: str) -> Answer:
        """Answer as the service does: one job is in flight until somebody stops it."""
        if operation == "sts":
            return Answer(200, (("Content-Type", "text/xml"),), _IDENTITY)
        if operation == "stop":
            self.stopped = True
            return _json(200, {"JobId": "a", "JobStatus": "STOP_REQUESTED", "id": BATCH["id"], "status": "Cancelling"})
        if operation == "list" and "document/batches" in path:
            documents = path.partition("?")[0].endswith("/documents")
            return _json(200, {"value": [] if self.stopped else [DOCUMENT if documents else BATCH]})
        if operation == "list":
            return _json(200, {"TextTranslationJobPropertiesList": [] if self.stopped else [JOB]})
        return _json(404, {"__type": "ResourceNotFoundException", "message": "not there"})


def _handler(service: Service) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            answer = service.answer(self.command, self.path, self.headers, body)
            said = answer.body.replace(b"ECHO", str(self.headers).encode("latin-1", "replace"))
            lines = [f"HTTP/1.1 {answer.status} Fuzz", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in answer.headers]
            lines.append(f"Content-Length: {len(said) if answer.length is None else answer.length}")
            with contextlib.suppress(OSError):
                self.wfile.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + said)
            self.close_connection = True

        do_POST = do_DELETE = do_PUT = do_HEAD = do_GET  # noqa: N815 - names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Not on standard error."""

    return Handler


def _json(status: int, value: Any) -> Answer:
    # Both SDKs take it; the id says that it is an answer of Amazon Translate.
    headers = (("Content-Type", "application/json"), ("x-amzn-RequestId", "r"))
    return Answer(status, headers, json.dumps(value).encode())


_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>arn:aws:iam::{ACCOUNT}:user/u</Arn><UserId>u</UserId><Account>{ACCOUNT}</Account>"
    "</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    "</GetCallerIdentityResponse>"
).encode()
JOB = {
    "JobId": "a",
    "JobName": f"mine-?sig={SIGNATURE}",
    "JobStatus": "IN_PROGRESS",
    "SubmittedTime": 1_750_000_000,
    "DataAccessRoleArn": f"arn:aws:iam::{ACCOUNT}:role/translate",
    "InputDataConfig": {"S3Uri": "s3://bucket/in/"},
    "OutputDataConfig": {"S3Uri": "s3://bucket/out/"},
}
BATCH = {
    "id": "727bf148-f327-47a0-9481-abae6362f11e",
    "createdDateTimeUtc": "2026-01-02T03:04:05Z",
    "lastActionDateTimeUtc": "2026-01-02T03:04:06Z",
    "status": "Running",
    "summary": {
        **dict.fromkeys(("failed", "success", "inProgress", "cancelled", "totalCharacterCharged"), 0),
        **{"total": 1, "notYetStarted": 1},
    },
}
DOCUMENT = {
    "id": "273622bd-835c-4946-9798-fd8f19f6bbf2",
    "sourcePath": "https://store.blob.core.windows.net:443/docs/a.txt",
    "path": "https://store.blob.core.windows.net:443/out/a.txt",
    "createdDateTimeUtc": "2026-01-02T03:04:05Z",
    "lastActionDateTimeUtc": "2026-01-02T03:04:06Z",
    "status": "Running",
    "to": "de",
    "progress": 0.0,
    "characterCharged": 0,
}


# What is run, and how it is judged


PAUSING = tuple(
    module
    for name, module in sys.modules.items()
    if name.startswith(
        (
            "translation_job_guard.guard.lifecycle",
            "translation_job_guard.teardown.runner",
            "translation_job_guard.services",
        )
    )
    and getattr(module, "time", None) is time
)
"""The guard's modules that pause."""


class FastTime:
    """Replaces `time` in the guard: pauses are counted, and take no time."""

    def __init__(self) -> None:
        self._slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(scope="module")
def no_sdk_pauses() -> Iterator[None]:
    """Let the SDKs continue at once where they would pause between attempts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.endpoint.time", FastTime())
        patch.setattr("azure.core.pipeline.transport._base.HttpTransport.sleep", lambda _self, _seconds: None)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Write files that environment variables may name."""
    directory = tmp_path_factory.mktemp("files")
    (directory / "garbage").write_bytes(b"\x00\xff garbage = [\n")
    (directory / "config").write_text(
        "[default]\nregion = eu-west-1\n"
        f"[profile process]\ncredential_process = echo {SECRETS['AWS_SECRET_ACCESS_KEY']}\n"
        "[profile missing-source]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = nobody\n"
        "[profile sso]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://sso.invalid\n"
        "[profile services]\nservices = s\n[services s]\ntranslate =\n  endpoint_url = no-url\n",
        encoding="utf-8",
    )
    (directory / "token").write_text("token", encoding="utf-8")
    names = {name: str(directory / name) for name in ("garbage", "config", "token")}
    return {**names, "directory": str(directory), "missing": str(directory / "missing")}


def baseline(service: Service, files: Mapping[str, str]) -> dict[str, str]:
    """Return credentials that work, no way out of this machine, and nothing of the machine's own."""
    nowhere = "http://127.0.0.1:1"
    return {
        **SECRETS,
        "AWS_ACCESS_KEY_ID": "AKIAFUZZ",
        "AWS_CONFIG_FILE": files["config"],
        "AWS_SHARED_CREDENTIALS_FILE": files["missing"],
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url,
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url,
        "AZURE_AUTHORITY_HOST": "https://127.0.0.1:1",
        "TRANSLATION_JOB_GUARD_ARM_ENDPOINT": service.url,
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1",
        "HOME": files["directory"],
        "PATH": files["directory"],
    }


def properties(provider: _GuardProvider, service: Service, mode: str) -> dict[str, Any]:
    """Return a guard's stored properties, all valid."""
    common = {
        "name": "guard",
        "stack": "dev",
        "project": "app",
        "format": 1.0,
        "protects": [{"urn": "urn:a", "id": "a"}],
        "triggers": ["1"],
        "on_delete": mode,
        "grace_period": 0.0,
        "timeout": TIMEOUT,
        "quiet_period": 0.0,
    }
    if provider is AMAZON:
        return {
            **common,
            "region": "eu-west-1",
            "account_id": ACCOUNT,
            "endpoint_url": service.url,
            "scope": [{"job_name_prefixes": ["mine-"]}],
        }
    return {
        **common,
        "endpoint": service.url,
        "key_env": KEY_ENV,
        "scope": [{"container_urls": ["https://store.blob.core.windows.net/docs"]}],
    }


def check(props: dict[str, Any], call: Callable[[], object], *, may_fail: bool) -> None:
    """Run one call of a provider, and judge how it ends and what it prints."""
    said, began = io.StringIO(), time.monotonic()
    stands = FastTime()
    failure: GuardError | None = None
    with contextlib.ExitStack() as stack:
        for module in PAUSING:
            stack.enter_context(mock.patch.object(module, "time", stands))
        stack.enter_context(contextlib.redirect_stdout(said))
        try:
            call()
        except GuardError as error:
            failure = error
    assert time.monotonic() - began < TIMEOUT + SLACK, props
    text = said.getvalue()
    if failure is not None:
        text += str(failure)
        assert may_fail, text
        assert (failure.__cause__, failure.__suppress_context__) == (None, True)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", str(failure))
        assert REMEDY.search(str(failure)), f"no remedy: {failure}"
    assert not [secret for secret in PLANTED if secret in text]


def run_all(provider: _GuardProvider, props: dict[str, Any], olds: dict[str, Any], action: str) -> None:
    """Run one of the provider's calls, as Pulumi does."""
    ignored = olds.get("on_delete") == "ignore"
    if action == "delete":
        check(olds, lambda: provider.delete("id", olds), may_fail=not ignored)
    elif action == "create":
        check(props, lambda: provider.create(dict(props)), may_fail=True)
    elif action == "update":
        check(props, lambda: provider.update("id", olds, dict(props)), may_fail=True)
    else:
        check(
            props, lambda: (provider.diff(action, olds, dict(props)), provider.check(olds, dict(props))), may_fail=True
        )


PROVIDERS = st.sampled_from([AMAZON, AZURE])
MODES = st.sampled_from(["cancel", "drain", "fail", "ignore"])
ACTIONS = st.sampled_from(["delete", "delete", "delete", "create", "update", "diff"])
GARBAGE = st.one_of(st.text(max_size=20), st.sampled_from(["", " ", "%", "://", "[", "\\", "\x1b[2J", "true", "-1"]))


def fuzz(share: float) -> settings:
    """Return the settings for a share of a thousand examples: each is part of a guard's life with new SDK clients."""
    return settings(
        max_examples=min(int(settings.default.max_examples * share / 2), 5_000) or 1,  # type: ignore[union-attr]
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.function_scoped_fixture,
        ],
    )


# Environments

URLS = (
    "SERVICE",
    "http://127.0.0.1:1",
    "https://127.0.0.1:1",
    "localhost:4566",
    "http://",
    "http://[",
    "ftp://x",
    "no url",
)
PROXIES = (
    "http://127.0.0.1:1",
    "127.0.0.1:1",
    "socks5://127.0.0.1:1",
    "http://user:pass@127.0.0.1:1",
    "://",
    "no proxy",
)
PATHS = ("garbage", "config", "token", "directory", "missing")
VARIABLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_TRANSLATE"), URLS),
    **dict.fromkeys(("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"), URLS),
    **dict.fromkeys(("AZURE_AUTHORITY_HOST", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "IDENTITY_ENDPOINT"), URLS),
    **dict.fromkeys(("MSI_ENDPOINT", "IMDS_ENDPOINT", "TRANSLATION_JOB_GUARD_ARM_ENDPOINT"), URLS),
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), PROXIES),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), ("127.0.0.1", "127.0.0.1,[", "127.0.0.1,*.x:y")),
    **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_DATA_PATH", "AWS_CA_BUNDLE"), PATHS),
    **dict.fromkeys(("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "NETRC"), PATHS),
    **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"), PATHS),
    **dict.fromkeys(("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CONFIG_DIR", "HOME"), PATHS),
    "AWS_PROFILE": ("process", "missing-source", "sso", "services", "nobody", ""),
    "AWS_ACCESS_KEY_ID": ("ABSENT", "", " "),
    "AWS_SECRET_ACCESS_KEY": ("ABSENT", "", " ", "plantedAwsSecret+0123456789/abcdefghij\n"),
    "AWS_SESSION_TOKEN": ("ABSENT", "", "plantedSessionToken//////////wEaDGV1LXdlc3Q=\n"),
    "AWS_ROLE_ARN": ("arn:aws:iam::123456789012:role/r", "no arn"),
    "AWS_REGION": ("", "eu-wst-1", "eu west"),
    "AWS_DEFAULT_REGION": ("", "eu-wst-1", "eu west"),
    "AWS_MAX_ATTEMPTS": ("0", "-1", "many"),
    "AWS_RETRY_MODE": ("adaptive", "wild"),
    "AWS_DEFAULTS_MODE": ("auto", "wild"),
    "AWS_STS_REGIONAL_ENDPOINTS": ("legacy", "wild"),
    "AWS_USE_FIPS_ENDPOINT": ("true", "wild"),
    "AWS_USE_DUALSTACK_ENDPOINT": ("true", "wild"),
    "AWS_EC2_METADATA_DISABLED": ("true", "wild"),
    "AWS_METADATA_SERVICE_TIMEOUT": ("0.1", "-1", "long"),
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": ("1", "many"),
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ("true", "wild"),
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": ("required", "wild"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": ("a\nb", "\x1b"),
    KEY_ENV: ("ABSENT", "", " ", "a\nb", "schlüssel"),
    "AZURE_TENANT_ID": ("tenant", "", "a/b", "\x1b"),
    "AZURE_CLIENT_ID": ("client", ""),
    "AZURE_CLIENT_SECRET": ("ABSENT", ""),
    "AZURE_USERNAME": ("u",),
    "AZURE_PASSWORD": ("p",),
    "AZURE_TOKEN_CREDENTIALS": ("prod", "dev", "AzureCliCredential", "ManagedIdentityCredential", "wild"),
    "IDENTITY_HEADER": ("h", ""),
    "MSI_SECRET": ("s",),
    "IDENTITY_SERVER_THUMBPRINT": ("t",),
    "AZURE_REGIONAL_AUTHORITY_NAME": ("r", ""),
}

ENVIRONMENTS = st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.integers(0, 20), min_size=1, max_size=5).map(
    lambda drawn: {name: VARIABLES[name][number % len(VARIABLES[name])] for name, number in drawn.items()}
)


@fuzz(0.24)
@given(PROVIDERS, MODES, ACTIONS, ENVIRONMENTS, st.booleans(), st.booleans())
@example(AMAZON, "cancel", "delete", {"AWS_ENDPOINT_URL": "localhost:4566"}, True, False)
@example(AMAZON, "ignore", "delete", {"AWS_PROFILE": "process", "AWS_ACCESS_KEY_ID": "ABSENT"}, False, True)
@example(AZURE, "ignore", "delete", {KEY_ENV: "a\nb"}, False, False)
def test_any_environment(
    service: Service,
    files: Mapping[str, str],
    provider: _GuardProvider,
    mode: str,
    action: str,
    environment: dict[str, str],
    no_endpoint: bool,
    special: bool,
) -> None:
    """Credentials, endpoints, proxies and certificates of every kind, alone and together."""
    service.begin()
    olds = properties(provider, service, mode)
    if provider is AMAZON:
        olds |= {"endpoint_url": None if no_endpoint else service.url}
        olds |= {"assume_role_arn": f"arn:aws:iam::{ACCOUNT}:role/r"} if special else {}
    elif special:
        olds["account_resource_id"] = (
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"
        )
    values = baseline(service, files) | {
        name: service.url if value == "SERVICE" else files.get(value, value) for name, value in environment.items()
    }
    values = {name: value for name, value in values.items() if value != "ABSENT"}
    with mock.patch.dict(os.environ, values, clear=True):
        run_all(
            provider,
            {**olds, "scope": [{"whole_region" if provider is AMAZON else "whole_resource": True}]},
            olds,
            action,
        )


# States

NAMES = (
    *("name", "stack", "project", "format", "protects", "triggers", "on_delete", "grace_period", "timeout"),
    *("quiet_period", "poll_interval", "region", "endpoint", "endpoint_url", "account_id", "expected_account_id"),
    *("profile", "assume_role_arn", "api_version", "key_env", "account_resource_id", "scope", "undecided_timeout"),
)
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        GARBAGE,
        st.sampled_from([10**400, -1e308, "ignore", "s3://b/", "1h", f"https://x/?sig={SIGNATURE}", "ÿ", "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*NAMES, "urn", "id"]), inner)
    ),
    max_leaves=5,
)
EDITS = st.dictionaries(st.sampled_from(NAMES), st.one_of(JSON, st.just("ABSENT")), min_size=1, max_size=3)


@fuzz(0.4)
@given(PROVIDERS, MODES, ACTIONS, EDITS, st.dictionaries(st.text(max_size=5), JSON, max_size=2))
@example(AMAZON, "ignore", "delete", {"scope": "ABSENT"}, {})
@example(AMAZON, "cancel", "delete", {"format": 10**400}, {})
@example(AZURE, "ignore", "delete", {"timeout": "soon"}, {})
def test_any_stored_properties(
    service: Service,
    files: Mapping[str, str],
    provider: _GuardProvider,
    mode: str,
    action: str,
    edits: dict[str, Any],
    selectors: dict[str, Any],
) -> None:
    """An edited state: whatever stands where, or does not."""
    service.begin()
    olds = properties(provider, service, mode)
    if selectors and "scope" not in edits:
        edits = {**edits, "scope": [{**olds["scope"][0], **selectors}]}
    # A longer timeout would only be waited for.
    if isinstance(timeout := edits.get("timeout"), (int, float)) and timeout > TIMEOUT:
        edits = {**edits, "timeout": TIMEOUT}
    props = {
        name: value for name, value in {**olds, **edits}.items() if not isinstance(value, str) or value != "ABSENT"
    }
    with mock.patch.dict(os.environ, baseline(service, files), clear=True):
        run_all(provider, olds, props, action)


# Answers

HEADER_TEXT = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20)
RETRY_AFTER = ("86400", "1", "-1", "²", "soon", "1e9", "inf", "nan", "Fri, 31 Dec 2999 23:59:59 GMT")
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.just("Retry-After"), st.sampled_from(RETRY_AFTER)),
        st.tuples(st.just("Content-Type"), st.sampled_from(["text/html", "application/json", "a/b; charset=wild", ""])),
        st.tuples(st.just("Content-Encoding"), st.sampled_from(["gzip", "br", "wild"])),
        st.tuples(st.just("Location"), st.sampled_from(["/", "//[", "http://127.0.0.1:1/", "ftp://x"])),
        st.tuples(st.just("x-amzn-ErrorType"), st.sampled_from(["AccessDeniedException:", "\x7f", "x" * 300])),
        st.tuples(st.just("WWW-Authenticate"), st.sampled_from(["Bearer", 'Bearer claims="%%%"', "Basic realm=ECHO"])),
        st.tuples(st.just("Age"), st.sampled_from(["59", "-1", "old"])),
        st.tuples(st.just("Transfer-Encoding"), st.just("chunked")),
        st.tuples(st.sampled_from(["Date", "X-Any", "Set-Cookie", "ETag"]), HEADER_TEXT),
    ),
    max_size=3,
).map(tuple)
CODES = (
    *("AccessDeniedException", "ThrottlingException", "ExpiredTokenException", "ResourceNotFoundException"),
    *("ValidationException", "InternalServerException", "401", "PermissionDenied", "Wild\x1b", ""),
)
FIELDS = (
    *("TextTranslationJobPropertiesList", "NextToken", *JOB, "value", "@nextLink", "nextLink", *BATCH, "summary"),
    *(
        "status",
        "error",
        "__type",
        "message",
        "code",
        "Message",
        "Error",
        "sourcePath",
        "path",
        "TextTranslationJobProperties",
    ),
)
SERVED = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(),
        st.text(max_size=10),
        st.sampled_from(
            ["IN_PROGRESS", "STOPPED", "Running", "ECHO", "2026-01-02T03:04:05Z", f"?sig={SIGNATURE}", "mine-"]
        ),
        st.just(JOB),
        st.just(BATCH),
        st.just(DOCUMENT),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)),
    max_leaves=8,
)


def _list_of(key: str, entry: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Draw a listing with entries in which some field differs."""
    changed = st.dictionaries(st.sampled_from(sorted(entry)), SERVED, max_size=2).map(lambda edit: {**entry, **edit})
    more = st.dictionaries(st.sampled_from(["NextToken", "@nextLink", "nextLink"]), SERVED, max_size=1)
    return st.tuples(st.lists(changed, max_size=3), more).map(lambda drawn: {key: drawn[0], **drawn[1]})


BODIES = st.one_of(
    st.binary(max_size=50),
    st.sampled_from([b"", b"<html>ECHO</html>", b"<a", b"{", b"null", b"[]", b"ECHO", b"\xff\xfe", b"0\r\n\r\n"]),
    st.builds(
        lambda code, message: json.dumps(
            {"__type": code, "message": message, "error": {"code": code, "message": message}}
        ).encode(),
        st.sampled_from(CODES),
        st.sampled_from(["ECHO", f"see https://x/?sig={SIGNATURE}", "a\nb\x1b[2J", "x" * 3000, ""]),
    ),
    st.one_of(
        SERVED,
        _list_of("TextTranslationJobPropertiesList", JOB),
        _list_of("value", BATCH),
        _list_of("value", DOCUMENT),
    ).map(lambda value: json.dumps(value).encode()),
)
STATUSES = st.one_of(st.sampled_from([200, 200, 200, 400, 401, 403, 404, 429, 500, 503]), st.integers(200, 999))
ANSWERS = st.builds(Answer, STATUSES, HEADERS, BODIES, st.sampled_from([None, None, None, None, 0, 3, 10_000]))
PLANS = st.dictionaries(st.sampled_from(OPERATIONS), ANSWERS, min_size=1, max_size=2)


@fuzz(0.38)
@given(PROVIDERS, MODES, ACTIONS, PLANS)
@example(AMAZON, "cancel", "delete", {"list": Answer(429, (("Retry-After", "²"),), b"{}")})
@example(AZURE, "cancel", "delete", {"stop": Answer(401, (), b'{"error": {"code": "401", "message": "ECHO"}}')})
def test_any_answer(
    service: Service,
    files: Mapping[str, str],
    provider: _GuardProvider,
    mode: str,
    action: str,
    answers: dict[str, Answer],
) -> None:
    """Any status, header and body: of the service, of STS, or of a gateway between."""
    service.begin(answers)
    olds = properties(provider, service, mode)
    narrower = [{"job_ids": ["b"]}] if provider is AMAZON else [{"translation_ids": [DOCUMENT["id"]]}]
    with mock.patch.dict(os.environ, baseline(service, files), clear=True):
        run_all(provider, {**olds, "scope": narrower}, olds, action)


@pytest.mark.parametrize("provider", [AMAZON, AZURE], ids=["amazon", "azure"])
@pytest.mark.parametrize("mode", ["cancel", "ignore"])
def test_the_server_is_a_service(
    service: Service, files: Mapping[str, str], provider: _GuardProvider, mode: str
) -> None:
    """What is judged here is a guard at work: with proper answers it stops its job."""
    service.begin()
    olds = {**properties(provider, service, mode), "timeout": 60.0}
    with mock.patch.dict(os.environ, baseline(service, files), clear=True):
        check(olds, lambda: provider.delete("id", olds), may_fail=False)
    assert service.stopped is (mode == "cancel")
