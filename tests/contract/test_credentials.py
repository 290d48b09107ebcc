"""Where credentials come from, against the emulator: what each way needs, and what is said where it has none."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from azure.core.pipeline.transport import RequestsTransport
from botocore.credentials import AssumeRoleCredentialFetcher
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.emulator import REGION
from tests.support.services import KEY_ENV, azure_at, batch, portal
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    InvalidArgument,
    MissingExtra,
    Rejected,
    ServiceError,
    Transient,
)
from translation_job_guard.services import amazon, azure
from translation_job_guard.services.reading import LONGEST_WAIT

pytestmark = pytest.mark.usefixtures("no_pauses")

ROLE = "arn:aws:iam::210987654321:role/operator"
ACCOUNT = "/subscriptions/sub/resourceGroups/group/providers/Microsoft.CognitiveServices/accounts/translator"


@pytest.fixture(autouse=True)
def home(bare_environment: Path) -> Path:
    return bare_environment


def keys(monkeypatch: pytest.MonkeyPatch, access_key_id: str = "AKIAENVIRONMENT") -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def assume(emulator: Emulator, profile: str | None = None) -> amazon.AmazonTranslate:
    return amazon.AmazonConnection(REGION, None, profile, ROLE, emulator.url).open()


def profiles(monkeypatch: pytest.MonkeyPatch, home: Path, text: str) -> None:
    (home / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))


# AWS


def test_keys_of_the_environment(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain case; the account is what STS says, in one request at the emulator's endpoint."""
    keys(monkeypatch)
    stepped.control.settings(accounts={"AKIAENVIRONMENT": "210987654321"})
    service = amazon.AmazonConnection(REGION, endpoint_url=stepped.url).open()
    assert stepped.control.requests() == []
    assert service.account() == "210987654321"
    [call] = stepped.control.requests()
    assert (call["operation"], call["credential"], call["region"]) == ("GetCallerIdentity", "AKIAENVIRONMENT", REGION)


def test_a_profile_goes_before_the_environment(stepped: Emulator, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """What the guard names is what is used."""
    keys(monkeypatch)
    profiles(monkeypatch, home, "[profile ops]\naws_access_key_id=AKIAPROFILE\naws_secret_access_key=secret\n")
    amazon.AmazonConnection(REGION, profile="ops", endpoint_url=stepped.url).open().list_in_flight()
    assert {call["credential"] for call in stepped.control.requests()} == {"AKIAPROFILE"}


def test_a_profile_that_is_not_there(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at once, by name, with what to do."""
    keys(monkeypatch)
    with pytest.raises(CredentialsUnusable, match=r"profile \(ops\) could not be found\. .*Give .* AWS credentials"):
        amazon.AmazonConnection(REGION, profile="ops", endpoint_url=stepped.url).open()


def test_a_role_is_assumed_in_its_account(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the environment's keys; all else goes out with the role's, once assumed."""
    keys(monkeypatch)
    service = assume(stepped)
    assert stepped.control.requests() == []
    service.list_in_flight()
    assert service.account() == "210987654321"
    first, *others = stepped.control.requests()
    assert (first["operation"], first["credential"], first["parameters"]["RoleArn"]) == (
        "AssumeRole",
        "AKIAENVIRONMENT",
        ROLE,
    )
    assert {call["operation"] for call in others} == {"ListTextTranslationJobs", "GetCallerIdentity"}
    assert "AKIAENVIRONMENT" not in {call["credential"] for call in others}
    assert {call["account"] for call in others} == {"210987654321"}


def test_a_role_is_assumed_with_the_profile(stepped: Emulator, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """And the profile's other settings hold for the role's requests too."""
    text = "[profile ops]\naws_access_key_id=AKIAPROFILE\naws_secret_access_key=secret\nuse_fips_endpoint=true\n"
    profiles(monkeypatch, home, text)
    service = assume(stepped, "ops")
    service.list_in_flight()
    [call] = stepped.control.requests(operation="AssumeRole")
    assert call["credential"] == "AKIAPROFILE"
    plain = amazon.AmazonConnection("us-east-1", None, "ops", ROLE).open()
    assert plain.client.meta.endpoint_url == "https://translate-fips.us-east-1.amazonaws.com"


def test_a_session_that_runs_out_during_a_long_wait_is_renewed(
    stepped: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By botocore, when it has less than a quarter of an hour left."""
    keys(monkeypatch)
    # botocore has no public way to ask for the shortest session.
    asked = AssumeRoleCredentialFetcher._assume_role_kwargs
    monkeypatch.setattr(
        AssumeRoleCredentialFetcher, "_assume_role_kwargs", lambda fetcher: {**asked(fetcher), "DurationSeconds": 900}
    )
    assume(stepped).list_in_flight()
    renewed = stepped.control.requests(operation="AssumeRole")
    listed = stepped.control.requests(operation="ListTextTranslationJobs")
    assert len(renewed) >= len(listed) == 3
    assert {call["credential"] for call in renewed} == {"AKIAENVIRONMENT"}
    assert len({call["credential"] for call in listed}) == 3
    assert {call["account"] for call in listed} == {"210987654321"}


@pytest.mark.parametrize("role", [None, ROLE])
def test_no_aws_credentials(stepped: Emulator, role: str | None) -> None:
    """None found is said with what to do, also where they are wanted to assume a role."""
    with pytest.raises(CredentialsUnusable, match=r"Unable to locate credentials\. Give this environment AWS"):
        amazon.AmazonConnection(REGION, None, None, role, stepped.url).open().account()
    assert stepped.control.requests() == []


def test_half_of_aws_credentials(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key id without its secret."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    with pytest.raises(CredentialsUnusable, match=r"AWS_SECRET_ACCESS_KEY\. Give this environment AWS"):
        amazon.AmazonConnection(REGION, endpoint_url=stepped.url).open().account()


def test_credentials_that_have_expired(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """For STS as for Amazon Translate."""
    keys(monkeypatch)
    stepped.control.fault(kind="expired")
    service = amazon.AmazonConnection(REGION, endpoint_url=stepped.url).open()
    for request in (service.account, service.list_in_flight):
        with pytest.raises(CredentialsUnusable, match=r"Expired.* Renew the AWS credentials of this environment\.$"):
            request()


def test_a_role_that_may_not_be_assumed(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is sts:AssumeRole, whatever was to be done with the role."""
    keys(monkeypatch)
    stepped.control.fault("AssumeRole", "denied")
    with pytest.raises(Denied, match=r"sts:AssumeRole is not permitted") as caught:
        assume(stepped).list_in_flight()
    assert caught.value.permission == "sts:AssumeRole"


def test_sts_that_fails_passes(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked three times."""
    keys(monkeypatch)
    stepped.control.fault("GetCallerIdentity", "error", status=503)
    with pytest.raises(Transient):
        amazon.AmazonConnection(REGION, endpoint_url=stepped.url).open().account()
    assert len(stepped.control.requests(operation="GetCallerIdentity")) == 3


# Azure: keys


@pytest.mark.parametrize("key", ["emulator-key", "emulator-key\n", "  emulator-key\r\n"])
def test_a_key_of_the_environment(stepped: Emulator, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """From the variable that the guard names, also as a file with its line break gave it."""
    monkeypatch.setenv("OTHER_KEY", key)
    monkeypatch.setenv(KEY_ENV, "wrong")
    azure_at(stepped.azure_endpoint("translator"), "OTHER_KEY").list_in_flight()
    assert [call["credential"] for call in stepped.control.requests()] == ["key1"]


def test_a_key_that_is_not_accepted(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line names the variable, and never the key."""
    monkeypatch.setenv("OTHER_KEY", "wrong-key-of-another")
    service = azure_at(stepped.azure_endpoint("translator"), "OTHER_KEY")
    for request in (service.list_in_flight, service.prove, lambda: service.stop(batch("one"))):
        with pytest.raises(
            CredentialsUnusable, match=r"^[^\n]* 401: Access denied [^\n]* Set OTHER_KEY to .*$"
        ) as caught:
            request()
        assert "wrong-key" not in str(caught.value)


# Azure: keys by Azure Resource Manager, and Entra ID


@pytest.fixture
def identity(stepped: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """A managed identity and Azure Resource Manager, both of the emulator."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", stepped.azure_identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    monkeypatch.setenv(azure.ARM_ENDPOINT_ENV, stepped.azure_arm_endpoint)
    return stepped


def by_account(emulator: Emulator) -> azure.AzureDocumentTranslation:
    return azure_at(emulator.azure_endpoint("translator"), account_resource_id=ACCOUNT)


def test_the_key_is_fetched_from_the_account(identity: Emulator) -> None:
    """listKeys with a token for Azure Resource Manager; then the key, and no token, is sent."""
    identity.control.put_azure_account("translator", ["fetched-1", "fetched-2"], ACCOUNT)
    by_account(identity).list_in_flight()
    calls = identity.control.requests()
    assert [(call["operation"], call["credential"]) for call in calls] == [
        ("GetToken", "identity"),
        ("ListKeys", "bearer"),
        ("GetTranslationsStatus", "key1"),
    ]
    assert calls[0]["parameters"]["resource"] == "https://management.azure.com"


def test_a_retry_after_of_a_day_for_a_token_is_capped(identity: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity library sleeps by the transport, as long as the header says."""
    slept: list[float] = []
    monkeypatch.setattr(RequestsTransport, "sleep", lambda _self, seconds: slept.append(seconds))
    identity.control.fault("GetToken", "throttle", times=2, retry_after=86_400)
    azure_at(identity.azure_endpoint("translator")).list_in_flight()
    operations = [call["operation"] for call in identity.control.requests()]
    assert operations == ["GetToken", "GetToken", "GetToken", "GetTranslationsStatus"]
    assert slept == [LONGEST_WAIT, LONGEST_WAIT]


def test_a_key_that_was_rotated_is_fetched_anew(identity: Emulator) -> None:
    """Each time a guard connects."""
    identity.control.put_azure_account("translator", ["before", "second"], ACCOUNT)
    old = by_account(identity)
    identity.control.put_azure_account("translator", ["after", "second"], ACCOUNT)
    with pytest.raises(CredentialsUnusable):
        old.list_in_flight()
    assert by_account(identity).list_in_flight() == []


def test_a_key_of_the_environment_goes_before_the_account(identity: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody is asked for one."""
    monkeypatch.setenv(KEY_ENV, "emulator-key")
    by_account(identity).list_in_flight()
    assert [call["operation"] for call in identity.control.requests()] == ["GetTranslationsStatus"]


def test_listing_keys_may_be_denied(identity: Emulator) -> None:
    """The action that is missing is named."""
    identity.control.fault("ListKeys", "denied")
    action = "Microsoft.CognitiveServices/accounts/listKeys/action"
    with pytest.raises(Denied, match=rf"^listKeys: 403: [^\n]* {action} is not permitted.*") as caught:
        by_account(identity)
    assert caught.value.permission == action
    assert "Cognitive Services User" not in str(caught.value)
    assert "network rules" not in str(caught.value)


def test_an_account_that_is_not_there(identity: Emulator) -> None:
    """A 404 of Azure Resource Manager is about the account, not about a batch."""
    identity.control.settings(azure_resources="explicit")
    with pytest.raises(Rejected, match=r"^listKeys: 404: .* The account of account_resource_id does not exist\.$"):
        by_account(identity)


def test_resource_manager_that_fails_passes(identity: Emulator) -> None:
    """Tried again, and an error that may pass."""
    identity.control.fault("ListKeys", "error", status=503)
    with pytest.raises(Transient, match=r"^listKeys: 503"):
        by_account(identity)
    assert len(identity.control.requests(operation="ListKeys")) == 3


def entra_id(emulator: Emulator) -> azure.AzureDocumentTranslation:
    return azure_at(emulator.azure_endpoint("translator"))


def test_entra_id_over_http_to_loopback(identity: Emulator, no_pauses: list[float]) -> None:
    """One token for everything, all pages and all operations, and none is held back for want of https."""
    ids = identity.control.add_jobs([{"resource": "translator", "documents": 60}] * 60)
    service = entra_id(identity)
    service.prove()
    listed = service.list_in_flight()
    assert [job.id for job in listed] == ids
    assert len(service.locate(listed[0]).locations) == 120
    service.stop(listed[0])
    assert service.look(listed[:1]).keys() == {ids[0]}
    calls = identity.control.requests()
    assert [call["operation"] for call in calls].count("GetToken") == 1
    assert {call["credential"] for call in calls} == {"identity", "bearer"}
    assert calls[0]["parameters"]["resource"] == "https://cognitiveservices.azure.com"
    assert no_pauses == []


@pytest.mark.parametrize(
    ("endpoint", "scope", "authority", "manager"),
    [
        ("https://name.cognitiveservices.azure.com/", "azure.com", "login.microsoftonline.com", "management.azure.com"),
        (
            "https://NAME.cognitiveservices.azure.us",
            "azure.us",
            "login.microsoftonline.us",
            "management.usgovcloudapi.net",
        ),
        (
            "https://name.cognitiveservices.azure.cn",
            "azure.cn",
            "login.chinacloudapi.cn",
            "management.chinacloudapi.cn",
        ),
        ("https://azure.us.example.com", "azure.com", "login.microsoftonline.com", "management.azure.com"),
    ],
)
def test_each_cloud_has_its_own_scope(
    identity: Emulator, monkeypatch: pytest.MonkeyPatch, endpoint: str, scope: str, authority: str, manager: str
) -> None:
    """Public, US government, China: the token is for that cloud, at both services."""
    cloud = azure.cloud_of(endpoint)
    assert (cloud.authority, cloud.resource_manager) == (authority, f"https://{manager}")
    identity.control.settings(azure_resources="explicit")
    with pytest.raises(Rejected, match="does not exist"):
        azure_at(endpoint, account_resource_id=ACCOUNT)
    # Nobody answers there; the token comes first.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    service = azure_at(endpoint)
    with pytest.raises(Transient):
        service.list_in_flight()
    tokens = identity.control.requests(operation="GetToken")
    assert [call["parameters"]["resource"] for call in tokens] == [
        f"https://{manager}",
        f"https://cognitiveservices.{scope}",
    ]


def test_a_role_that_is_missing(identity: Emulator) -> None:
    """With a token it is a role, and the command that gives it is shown."""
    identity.control.fault("CancelTranslation", "denied")
    with pytest.raises(Denied, match=r"^cancel translation: 403: .* Cognitive Services User .* missing.*") as caught:
        entra_id(identity).prove()
    assert caught.value.permission == "Cognitive Services User"


@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_no_azure_credentials(stepped: Emulator, account: str | None) -> None:
    """One line, with both ways out."""
    with pytest.raises(
        CredentialsUnusable, match=r"^[^\n]*DefaultAzureCredential failed [^\n]* Entra ID \(`az login`\)\.$"
    ):
        azure_at(stepped.azure_endpoint("translator"), account_resource_id=account).list_in_flight()
    assert stepped.control.requests() == []


# What is not installed


@pytest.mark.parametrize(
    ("missing", "call", "line"),
    [
        ("botocore", "amazon.AmazonConnection('eu-west-1').open()", "translation-job-guard[aws]"),
        (
            "azure.ai.translation.document",
            "azure.AzureConnection('https://a.cognitiveservices.azure.com', key_env='KEY', api_version='v').open()",
            "translation-job-guard[azure]",
        ),
        (
            "azure.identity",
            "azure.AzureConnection('https://a.cognitiveservices.azure.com', key_env='KEY', api_version='v').open()",
            "translation-job-guard[azure]",
        ),
        (
            "azure.mgmt.cognitiveservices",
            "azure.AzureConnection('https://a.cognitiveservices.azure.us', key_env='K', api_version='2026-03-01', "
            f"account_resource_id='{ACCOUNT}').open()",
            "translation-job-guard[azure]",
        ),
    ],
)
def test_a_missing_extra_says_what_to_install(missing: str, call: str, line: str) -> None:
    """In the last line, whichever package of it is not there."""
    program = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        f"from translation_job_guard.services import amazon, azure\n{call}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"{MissingExtra.__module__}.{MissingExtra.__name__}: ")
    assert last.endswith(f'needs packages that are not installed here: pip install "{line}"')


# Certificates


@contextmanager
def behind_tls(directory: Path) -> Iterator[str]:
    """The URL of a server whose certificate nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_certificate_that_is_not_trusted_is_not_retried(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """A proxy that reads along: said at once, with the variable to set."""
    keys(monkeypatch)
    monkeypatch.setenv(KEY_ENV, "key")
    services: list[tuple[amazon.AmazonTranslate | azure.AzureDocumentTranslation, str]]
    with behind_tls(home) as url:
        services = [
            (amazon.AmazonConnection(REGION, endpoint_url=url).open(), "AWS_CA_BUNDLE"),
            (azure_at(url), "REQUESTS_CA_BUNDLE"),
        ]
        for service, variable in services:
            with pytest.raises(ServiceError, match=rf"CERTIFICATE_VERIFY_FAILED.* Set {variable} ") as caught:
                service.list_in_flight()
            assert type(caught.value) is Rejected


def test_the_certificates_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """What the message above asks for helps."""
    monkeypatch.setenv(KEY_ENV, "key")
    with behind_tls(home) as url:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(home / "server.pem"))
        service = azure_at(url)
        with pytest.raises(ServiceError, match="501"):
            service.list_in_flight()


@pytest.mark.parametrize("excepted", [False, True])
def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, excepted: bool) -> None:
    """And not for the hosts that the environment excepts."""
    monkeypatch.setenv(KEY_ENV, "key")
    with portal(b'{"value": []}', "application/json") as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("NO_PROXY", ".invalid" if excepted else "")
        service = azure_at("http://translator.invalid")
        if excepted:
            with pytest.raises(Transient):
                service.list_in_flight()
        else:
            assert service.list_in_flight() == []


def test_a_netrc_does_not_replace_the_token(identity: Emulator, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """requests would send its password instead, unasked; at neither service."""
    netrc = home / "netrc"
    netrc.write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert entra_id(identity).list_in_flight() == []
    identity.control.put_azure_account("translator", ["fetched", "second"], ACCOUNT)
    assert by_account(identity).list_in_flight() == []


def test_an_authority_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with azure-identity's own traceback, which mode ignore could not get past."""
    monkeypatch.delenv("AZURE_DOCUMENT_TRANSLATION_KEY", raising=False)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "http://login.example.com")
    with pytest.raises(InvalidArgument, match=r"^AZURE_AUTHORITY_HOST or another"):
        azure_at("https://a.cognitiveservices.azure.com")
