"""A gateway that repeats what it was sent: no credential of a run time leaves in an error."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.services import API_VERSION, KEY_ENV, azure_at
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import ServiceError
from translation_job_guard.services import amazon, azure

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")


@pytest.fixture
def identity(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """A managed identity and Azure Resource Manager, both of the emulator."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", stepped.azure_identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    monkeypatch.setenv(azure.ARM_ENDPOINT_ENV, stepped.azure_arm_endpoint)
    return stepped


@contextmanager
def echo(lead: str = "") -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that refuses everything and repeats the values of all headers, and what it repeated."""
    said: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said.extend(self.headers.values())
            text = lead + " ".join(self.headers.values())
            body = json.dumps({"__type": "Odd", "message": text, "error": {"code": "Odd", "message": text}}).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_DELETE = do_POST  # noqa: N815 - names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Not on standard error."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", said
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize(
    ("token", "role"),
    # One token each: what was remembered once is kept out for good.
    [("plantedtokenofaprofile", None), ("plantedtokenofasource", "arn:aws:iam::123456789012:role/cleaner")],
)
def test_a_token_of_a_profile_is_kept_out(
    token: str, role: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No environment variable holds it. With a role, it is what the role is assumed with."""
    (tmp_path / "credentials").write_text(
        f"[team]\naws_access_key_id = AKIA1\naws_secret_access_key = secret\naws_session_token = {token}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with echo() as (url, said), pytest.raises(ServiceError) as caught:
        amazon.AmazonConnection(
            "eu-west-1", profile="team", assume_role_arn=role, endpoint_url=url
        ).open().list_in_flight()
    assert token in said
    assert "…" in str(caught.value), "the gateway did not repeat it"
    assert token not in str(caught.value)


def test_a_token_of_sso_is_kept_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The portal is asked for a role's credentials with it."""
    token = "plantedtokenofsso"
    (tmp_path / "config").write_text(
        "[profile team]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = cleaner\n"
        "[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://work.awsapps.com/start\n"
    )
    cached = tmp_path / ".aws" / "sso" / "cache" / f"{hashlib.sha1(b'work').hexdigest()}.json"
    cached.parent.mkdir(parents=True)
    cached.write_text(json.dumps({"accessToken": token, "expiresAt": "2999-01-01T00:00:00Z"}))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    # botocore looks there for the cached token, and works the directory out when it is imported.
    monkeypatch.setattr("botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR", str(cached.parent))
    with echo() as (url, said):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", url)
        with pytest.raises(ServiceError) as caught:
            amazon.AmazonConnection("eu-west-1", profile="team", endpoint_url=url).open().list_in_flight()
    assert token in said
    assert "…" in str(caught.value), "the gateway did not repeat it"
    assert token not in str(caught.value)


def test_a_fetched_key_and_a_bearer_token_are_kept_out(identity: Emulator) -> None:
    """The key comes from Azure Resource Manager, the token from Entra ID."""
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/translator"
    identity.control.put_azure_account("translator", ["plantedfetchedkey", "plantedsecondkey"], account)
    for resource in (account, None):
        with echo() as (url, said), pytest.raises(ServiceError) as caught:
            azure_at(url, account_resource_id=resource).list_in_flight()
        secrets = [one.removeprefix("Bearer ") for one in said if one == "plantedfetchedkey" or one[:7] == "Bearer "]
        assert secrets
        for secret in secrets:
            assert "…" in str(caught.value), "the gateway did not repeat it"
            assert secret not in str(caught.value)


def test_the_warnings_of_the_azure_sdk_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody has set up logging, as in the provider's process, Python prints them on standard error."""
    printed = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(printed))
    monkeypatch.setenv("IDENTITY_HEADER", "plantedidentityheader")
    with echo() as (url, said):
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        with pytest.raises(ServiceError):
            azure.AzureConnection(url, api_version=API_VERSION, key_env=KEY_ENV).open().list_in_flight()
    assert "plantedidentityheader" in said
    assert not printed.getvalue()


@pytest.mark.parametrize("before", range(1_880, 2_000, 4))
def test_no_part_of_a_key_is_in_an_error_that_is_cut(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cut may fall into what a gateway repeats."""
    key = "Planted0" * 10 + "1234"
    monkeypatch.setenv(KEY_ENV, key)
    with echo("x" * before + " ") as (url, said), pytest.raises(ServiceError) as caught:
        azure_at(url).list_in_flight()
    assert key in said
    assert "Plant" not in str(caught.value)
    assert len(str(caught.value)) < 2_300
