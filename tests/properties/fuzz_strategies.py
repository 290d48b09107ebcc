"""What the provider's fuzz tests draw: environments, edits of stored properties, and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.properties.fuzz_service import BATCH, DOCUMENT, JOB, OPERATIONS, SIGNATURE, Answer
from tests.support.services import KEY_ENV

GARBAGE = st.one_of(st.text(max_size=20), st.sampled_from(["", " ", "%", "://", "[", "\\", "\x1b[2J", "true", "-1"]))

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
