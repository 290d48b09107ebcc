"""Whatever the environment, the state and the service answer: a guard fails with its own errors only, each with a
remedy and without secrets, within its timeout; in mode ignore its delete does not fail at all.

Through the real SDKs, against a server on this machine's loopback. Nothing else is reached: all other hosts go by a
proxy that is not there.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.properties.fuzz_service import ACCOUNT, DOCUMENT, SIGNATURE, Answer, Service
from tests.properties.fuzz_strategies import EDITS, ENVIRONMENTS, JSON, PLANS
from translation_job_guard.errors import GuardError
from translation_job_guard.provider import (
    AmazonTranslateJobGuardProvider,
    AzureDocumentTranslationJobGuardProvider,
    _GuardProvider,
)

pytestmark = [pytest.mark.usefixtures("no_sdk_pauses"), pytest.mark.no_cover]

AMAZON, AZURE = AmazonTranslateJobGuardProvider(), AzureDocumentTranslationJobGuardProvider()

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

PLANTED = (*SECRETS.values(), SIGNATURE)

PAUSING = tuple(
    module
    for name, module in sys.modules.items()
    if name.startswith(
        (
            "translation_job_guard.guard.host",
            "translation_job_guard.guard.lifecycle",
            "translation_job_guard.guard.retries",
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
