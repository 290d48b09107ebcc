"""What a guard can be told: every bad argument, named with its remedy, and never repeated."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard import validation
from translation_job_guard.guard.arguments import Protected, read
from translation_job_guard.guard.properties import DEFAULTS, FORMAT, UNKNOWN
from translation_job_guard.guard.selectors import SELECTORS, Kind
from translation_job_guard.guard.validation import missing_packages, problems
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, AmazonScope, AzureScope
from translation_job_guard.provider import AmazonTranslateJobGuardProvider, AzureDocumentTranslationJobGuardProvider
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.services.azure import AzureConnection
from translation_job_guard.teardown import Mode, TeardownOptions

ROLE = "arn:aws:iam::123456789012:role/translate"
CONTAINER = "https://store.blob.core.windows.net/source"
BATCH_ID = "727bf148-f327-47a0-9481-abae6362f11e"

AMAZON: dict[str, Any] = {
    "service": AMAZON_TRANSLATE,
    "name": "guard",
    "stack": "dev",
    "project": "app",
    "format": FORMAT,
    "region": "eu-west-1",
    "scope": [{"data_access_role_arns": [ROLE]}],
    "protects": [{"urn": "urn:pulumi:dev::app::aws:iam/role:Role::role", "id": "translate"}],
    "triggers": [],
    "on_delete": "cancel",
    "grace_period": 0.0,
    "timeout": "30m",
    "quiet_period": "3s",
}
AZURE: dict[str, Any] = {
    **{name: value for name, value in AMAZON.items() if name != "region"},
    "service": AZURE_DOCUMENT_TRANSLATION,
    "endpoint": "https://name.cognitiveservices.azure.com/",
    "scope": [{"container_urls": [CONTAINER]}],
    "undecided_timeout": "2m",
    "api_version": "2024-05-01",
    "key_env": "AZURE_DOCUMENT_TRANSLATION_KEY",
}
OF = {AMAZON_TRANSLATE: AMAZON, AZURE_DOCUMENT_TRANSLATION: AZURE}

URL_SELECTORS = ("container_urls", "source_container_urls", "target_container_urls")

PLANTED = "PLANTED"
"""Part of every bad value that can hold it: found in no reason, it is printed nowhere."""
SAS = f"?sv=2024-01-01&sr=c&sig={PLANTED}%2Fabc%3D"

OUTPUT_AS_TEXT = f"Calling __str__ on an Output[T] is not supported.\n\n1. o.apply(lambda v: {PLANTED})-"
"""What an f-string makes of one of Pulumi's outputs."""


def amazon(**changes: Any) -> list[tuple[str, str]]:
    """Path and reason of what is wrong with an Amazon guard with these changes."""
    return [(one.path, one.reason) for one in problems(AMAZON_TRANSLATE, {**AMAZON, **changes})]


def azure(**changes: Any) -> list[tuple[str, str]]:
    """Path and reason of what is wrong with an Azure guard with these changes."""
    return [(one.path, one.reason) for one in problems(AZURE_DOCUMENT_TRANSLATION, {**AZURE, **changes})]


KEYS: tuple[str, ...] = (
    *("0123456789abcdef" * 2, "ABCDEFabcdef" * 2 + "ABCDEFAB", "Az09" * 21, "A1" * 22, "0123abc" * 4, "Azbq" * 21),
    *("_" + "0123456789abcdef" * 2, "Q" * 84),
)
"""Keys of Azure's old and new form, which could be names of variables."""


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_not_taken_for_a_variables_name(key: str) -> None:
    """It would be stored in the state; and the reason does not repeat it."""
    ((path, reason),) = azure(key_env=key)
    assert (path, "looks like a key" in reason) == ("key_env", True)
    assert key not in reason


@pytest.mark.parametrize(
    "name",
    [
        "KEY",
        "AZURE_DOCUMENT_TRANSLATION_KEY",
        "A" * 40,
        "TRANSLATOR_KEY_OF_THE_SECOND_RESOURCE_2",
        "_" * 32,
        "A" * 33 + "2",
    ],
)
def test_long_names_of_variables_are_accepted(name: str) -> None:
    """Only what looks like a key is refused."""
    assert azure(key_env=name) == []


def _encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text, safe="")
    return text


@pytest.mark.parametrize("times", range(5))
@pytest.mark.parametrize(
    "query",
    [
        f"?sv=2024&sig={PLANTED}",
        f"?SIG={PLANTED}",
        f"?X-Amz-Signature={PLANTED}",
        f"?X-Amz-Algorithm=a&X-Amz-Credential={PLANTED}",
        f"?x-amz-security-token={PLANTED}",
        f"?AWSAccessKeyId={PLANTED}&Signature={PLANTED}",
    ],
)
def test_a_signature_is_refused_however_often_encoded(query: str, times: int) -> None:
    """In every property and selector that takes a URL."""
    query = _encoded(query, times)
    found = azure(scope=[{key: [f"{CONTAINER}{query}", f"{CONTAINER}/in{query}"] for key in URL_SELECTORS}])
    assert len(found) == 6
    found += azure(endpoint=f"https://name.cognitiveservices.azure.com/{query}")
    found += amazon(scope=[{"s3_uri_prefixes": [f"s3://bucket/{query}", f"s3://bucket/in/{query}", f"s3://b{query}"]}])
    found += amazon(endpoint_url=f"https://translate.example.com/{query}")
    assert len(found) == 11
    for path, reason in found:
        assert "SAS or AWS signature" in reason, path
        assert PLANTED not in reason


@pytest.mark.parametrize("times", range(3))
@pytest.mark.parametrize("part", ["*", "in*", "*.txt", ".", "..", "%2e%2E", "%2e", "in/../out", "in%2f..", "./in"])
def test_a_path_that_never_matches_is_refused(part: str, times: int) -> None:
    """Text is compared, no pattern and no path: such a guard would never find a job."""
    encoded = _encoded(part, times) if times else part
    found = azure(scope=[{key: [f"{CONTAINER}/{encoded}", f"{CONTAINER}/{encoded}/x"] for key in URL_SELECTORS}])
    assert len(found) == 6
    if "%" not in part:
        found += amazon(scope=[{"s3_uri_prefixes": [f"s3://bucket/{part}", f"s3://bucket/a/{part}/"]}])
        assert len(found) == 8
    for _path, reason in found:
        assert "would match nothing" in reason


@pytest.mark.parametrize("uri", ["s3://bucket/in/?", "s3://bucket/?/"])
def test_a_question_mark_in_an_s3_uri_is_a_wildcard(uri: str) -> None:
    """Or the beginning of a query string: neither is ever part of what a job reads."""
    ((path, reason),) = amazon(scope=[{"s3_uri_prefixes": [uri]}])
    assert (path, "has a wildcard" in reason) == ("scope.s3_uri_prefixes[0]", True)


@pytest.mark.parametrize(
    "uri",
    ["s3://bucket/...", "s3://bucket/.hidden/", "s3://bucket/a..b/", "s3://bucket-s3alias/in/", "s3://b.c-d/100%/",
     "s3://bkt/a%2Ab/", "s3://bkt/%2e%2e/", "s3://bkt/x&sig=3/", "s3://bkt/%3F/"],
)  # fmt: skip
def test_odd_but_good_s3_uris_are_accepted(uri: str) -> None:
    """Dots are refused only as whole parts; an access point alias is a bucket's name."""
    assert amazon(scope=[{"s3_uri_prefixes": [uri]}]) == []


# Regions and packages


@pytest.mark.parametrize(
    ("region", "near"),
    [
        ("eu-wst-1", "eu-west-1"),
        ("us-eats-1", "us-east-1"),
        ("ap-southeast-12", "ap-southeast-1"),
        ("xx-y-1", "eu-west-1"),
    ],
)
def test_a_region_that_botocore_does_not_know_is_refused(region: str, near: str) -> None:
    """It would cost `up` its whole timeout; the nearest names help."""
    ((path, reason),) = amazon(region=region)
    assert path == "region"
    assert near in reason
    assert region not in reason.split() or region == "ap-southeast-12"


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1"])
def test_regions_of_every_partition_are_known(region: str) -> None:
    """Also where the endpoint is one of the account's own."""
    assert amazon(region=region) == []
    assert amazon(region=region, endpoint_url="https://vpce-1.translate.eu-west-1.vpce.amazonaws.com") == []


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:4566/", UNKNOWN])
def test_an_emulator_may_have_any_region(endpoint: Any) -> None:
    """And an endpoint that is not known in preview may be an emulator's."""
    assert amazon(region="xx-nowhere-1", endpoint_url=endpoint) == []


def test_without_botocores_data_no_region_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be known is not refused; that the package is missing is said by itself."""
    monkeypatch.setattr(validation, "known_regions", frozenset)
    assert amazon(region="eu-wst-1") == []


@pytest.mark.parametrize(
    ("service", "package", "extra"),
    [
        (AMAZON_TRANSLATE, "boto3", "[aws]"),
        (AZURE_DOCUMENT_TRANSLATION, "azure.ai.translation.document", "[azure]"),
        (AZURE_DOCUMENT_TRANSLATION, "azure.identity", "[azure]"),
    ],
)
def test_a_missing_extra_is_found_before_anything_is_made(
    service: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In preview, by both providers, with the command that installs it."""
    provider = {
        AMAZON_TRANSLATE: AmazonTranslateJobGuardProvider(),
        AZURE_DOCUMENT_TRANSLATION: AzureDocumentTranslationJobGuardProvider(),
    }[service]
    assert missing_packages(service) is None
    assert provider.check({}, OF[service]).failures == []
    monkeypatch.setitem(sys.modules, package, None)
    missing = missing_packages(service)
    assert missing is not None
    assert f"translation-job-guard{extra}" in str(missing)
    assert [failure.reason for failure in provider.check({}, OF[service]).failures] == [f"{missing}."]


def test_a_check_loads_no_cloud_sdk() -> None:
    """It runs in each preview, and an SDK takes longer to load than all of it."""
    code = (
        "import sys\n"
        "from translation_job_guard.guard.validation import missing_packages, problems\n"
        "for service in ('amazon-translate', 'azure-document-translation'):\n"
        "    missing_packages(service), problems(service, {'region': 'eu-wst-1'})\n"
        "print(sorted({'boto3', 'botocore', 'azure.core', 'azure.ai.translation.document'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("service", OF)
def test_good_properties_have_no_problem(service: str) -> None:
    """The happy path that every other test here changes in one place."""
    assert problems(service, OF[service]) == []


@pytest.mark.parametrize(
    ("service", "changes"),
    [
        (AMAZON_TRANSLATE, {"region": "us-gov-west-1"}),
        (AMAZON_TRANSLATE, {"region": "xx-nowhere-12", "endpoint_url": "http://127.0.0.1:4566"}),
        (AMAZON_TRANSLATE, {"scope": [{"data_access_role_arns": ["arn:aws-cn:iam::123456789012:role/a/b"]}]}),
        (AMAZON_TRANSLATE, {"scope": [{"data_access_role_arns": ["arn:aws-us-gov:iam::123456789012:role/b"]}]}),
        (AMAZON_TRANSLATE, {"scope": [{"s3_uri_prefixes": ["s3://bucket", "s3://bucket/", "s3://bucket/ü ber/"]}]}),
        (AMAZON_TRANSLATE, {"scope": [{"job_name_prefixes": ["pr-17-", "übersetzung"]}]}),
        (AMAZON_TRANSLATE, {"scope": [{"job_ids": ["a" * 32], "submitted_after": "2025-01-31T12:00:00Z"}]}),
        (AMAZON_TRANSLATE, {"scope": [{"whole_region": True}]}),
        (AMAZON_TRANSLATE, {"scope": [{"whole_region": False, "job_ids": ["a"]}]}),
        (AMAZON_TRANSLATE, {"scope": [{"job_ids": ["a"]}, {"job_name_prefixes": ["b"]}]}),
        (AMAZON_TRANSLATE, {"expected_account_id": "123456789012", "profile": "ci", "assume_role_arn": ROLE}),
        (AMAZON_TRANSLATE, {"endpoint_url": "http://127.0.0.1:4566"}),
        (AMAZON_TRANSLATE, {"endpoint_url": "http://localhost:4566/"}),
        (AMAZON_TRANSLATE, {"endpoint_url": "http://[::1]:4566/"}),
        (AMAZON_TRANSLATE, {"endpoint_url": "https://translate.example.com"}),
        (AMAZON_TRANSLATE, {"poll_interval": 0.5, "grace_period": "10m", "timeout": 1800.0, "quiet_period": 0}),
        (AMAZON_TRANSLATE, {"on_delete": None, "timeout": None, "quiet_period": None, "grace_period": None}),
        (AZURE_DOCUMENT_TRANSLATION, {"api_version": "2031-12-01-preview"}),
        *((AZURE_DOCUMENT_TRANSLATION, {"undecided_timeout": value}) for value in (0, 90.0, "1h", None)),
        (
            AZURE_DOCUMENT_TRANSLATION,
            {"scope": [{"source_container_urls": [CONTAINER], "target_container_urls": [CONTAINER]}]},
        ),
        (AZURE_DOCUMENT_TRANSLATION, {"scope": [{"translation_ids": [BATCH_ID.upper()]}]}),
        (AZURE_DOCUMENT_TRANSLATION, {"scope": [{"whole_resource": True}]}),
        (
            AZURE_DOCUMENT_TRANSLATION,
            {"scope": [{"container_urls": [CONTAINER], "created_after": "2025-01-31T12:00Z"}]},
        ),
        (AZURE_DOCUMENT_TRANSLATION, {"scope": [{"container_urls": ["http://127.0.0.1:10000/store/source"]}]}),
        (
            AZURE_DOCUMENT_TRANSLATION,
            {
                "account_resource_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices"
                "/accounts/name"
            },
        ),
        *((service, {"on_delete": mode.value}) for mode in Mode for service in OF),
    ],
)
def test_good_arguments_are_let_pass(service: str, changes: dict[str, Any]) -> None:
    """A check that refuses what works is as wrong as one that lets everything pass."""
    assert problems(service, {**OF[service], **changes}) == []


_BAD: list[tuple[str, str, Any, str]] = [
    # service, property, value, what the reason says to do
    (AMAZON_TRANSLATE, "region", None, "set `region`"),
    (AMAZON_TRANSLATE, "region", "", "pulumi config set aws:region"),
    (AMAZON_TRANSLATE, "region", PLANTED, 'expected for instance "eu-west-1"'),
    (AMAZON_TRANSLATE, "region", 7.0, 'expected for instance "eu-west-1"'),
    (AMAZON_TRANSLATE, "expected_account_id", f"12345{PLANTED}", "expected its 12 digits as text"),
    (AMAZON_TRANSLATE, "expected_account_id", 123456789012.0, "expected its 12 digits as text"),
    (AMAZON_TRANSLATE, "expected_account_id", "", "is empty"),
    (AMAZON_TRANSLATE, "assume_role_arn", f"arn:aws:iam::1:role/{PLANTED}", "expected arn:aws:iam::"),
    (AMAZON_TRANSLATE, "assume_role_arn", "", "is empty"),
    (AMAZON_TRANSLATE, "profile", "  ", "expected its name"),
    (AMAZON_TRANSLATE, "profile", "", "is empty"),
    (AMAZON_TRANSLATE, "endpoint_url", f"{PLANTED}.example.com", "expected one with its scheme"),
    (AMAZON_TRANSLATE, "endpoint_url", f"http://{PLANTED}.example.com", "expected https"),
    (AMAZON_TRANSLATE, "endpoint_url", f"http://127.0.0.1.{PLANTED}.com", "expected https"),
    (AMAZON_TRANSLATE, "endpoint_url", f"http://10.0.0.1/{PLANTED}", "expected https"),
    (AMAZON_TRANSLATE, "endpoint_url", f"ftp://{PLANTED}", "expected one with its scheme"),
    (AMAZON_TRANSLATE, "endpoint_url", f"https://user:{PLANTED}@example.com", "credentials come from the environment"),
    (AMAZON_TRANSLATE, "endpoint_url", f"https://example.com:{PLANTED}", "a port number"),
    (AMAZON_TRANSLATE, "endpoint_url", "", "is empty"),
    (AZURE_DOCUMENT_TRANSLATION, "endpoint", None, "expected the Translator resource's endpoint"),
    (AZURE_DOCUMENT_TRANSLATION, "endpoint", "", "expected the Translator resource's endpoint"),
    (AZURE_DOCUMENT_TRANSLATION, "endpoint", f"{PLANTED}.cognitiveservices.azure.com", "expected one with its scheme"),
    (AZURE_DOCUMENT_TRANSLATION, "endpoint", f"http://{PLANTED}.cognitiveservices.azure.com", "expected https"),
    (AZURE_DOCUMENT_TRANSLATION, "endpoint", f"https://a.azure.com/?key={PLANTED}", "up to the question mark"),
    (AZURE_DOCUMENT_TRANSLATION, "endpoint", f"https://a.azure.com/#{PLANTED}", "up to the question mark"),
    (AZURE_DOCUMENT_TRANSLATION, "api_version", PLANTED, 'expected for instance "2024-05-01"'),
    (AZURE_DOCUMENT_TRANSLATION, "key_env", f"0{PLANTED}", "the variable's name, never the key"),
    (AZURE_DOCUMENT_TRANSLATION, "key_env", f"{PLANTED}+/==", "the variable's name, never the key"),
    (AZURE_DOCUMENT_TRANSLATION, "account_resource_id", PLANTED, "Microsoft.CognitiveServices/accounts/name"),
    *(
        (service, "on_delete", value, "cancel, drain, fail, ignore")
        for service in OF
        for value in (PLANTED, 1.0, ["cancel"])
    ),
    *(
        (service, name, value, "expected seconds")
        for service in OF
        for name in ("grace_period", "timeout", "quiet_period", "poll_interval")
        for value in (PLANTED, "-5s", -1.0, "1h30", True)
    ),
    *((AZURE_DOCUMENT_TRANSLATION, "undecided_timeout", value, "expected seconds") for value in (PLANTED, "-5s", True)),
    *((service, "timeout", value, "expected more than 0 s") for service in OF for value in (0, "0s")),
    (AMAZON_TRANSLATE, "quiet_period", "30m", "expected less than `timeout`"),
    *((AMAZON_TRANSLATE, "grace_period", value, "less than `timeout` minus `quiet_period`")
      for value in ("1h", "29m59s", "29m57s")),
    (AMAZON_TRANSLATE, "poll_interval", 0.1, "expected at least 0.5 s"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "name", "value", "remedy"), _BAD)
def test_a_bad_property_is_named_and_not_repeated(service: str, name: str, value: Any, remedy: str) -> None:
    """One property is wrong, and one problem says which and what to write instead."""
    (problem,) = problems(service, {**OF[service], name: value})
    assert problem.path == name
    assert remedy in problem.reason
    assert PLANTED not in problem.reason


_BAD_SELECTORS: list[tuple[str, dict[str, Any], str, str]] = [
    # service, scope, path, what the reason says to do
    (AMAZON_TRANSLATE, {"data_access_role_arns": [f"arn:aws:iam::123456789012:user/{PLANTED}"]},
     "scope.data_access_role_arns[0]", "expected arn:aws:iam::123456789012:role/name"),
    (AMAZON_TRANSLATE, {"data_access_role_arns": [ROLE, PLANTED]},
     "scope.data_access_role_arns[1]", "expected arn:aws:iam::123456789012:role/name"),
    (AMAZON_TRANSLATE, {"data_access_role_arns": [f"arn:aws:iam::123456789012:role/{PLANTED} x"]},
     "scope.data_access_role_arns[0]", "is not a valid ARN"),
    (AMAZON_TRANSLATE, {"s3_uri_prefixes": [f"{PLANTED.lower()}/in/"]}, "scope.s3_uri_prefixes[0]", "expected s3://bucket/"),
    (AMAZON_TRANSLATE, {"s3_uri_prefixes": [f"https://{PLANTED}.s3.amazonaws.com/"]},
     "scope.s3_uri_prefixes[0]", "expected s3://bucket/"),
    (AMAZON_TRANSLATE, {"s3_uri_prefixes": ["s3://"]}, "scope.s3_uri_prefixes[0]", "expected s3://bucket/"),
    (AMAZON_TRANSLATE, {"s3_uri_prefixes": ["s3:///in/"]}, "scope.s3_uri_prefixes[0]", "expected s3://bucket/"),
    (AMAZON_TRANSLATE, {"data_access_role_arns": ["arn:aws:iam::123456789012:role/pr-*"]},
     "scope.data_access_role_arns[0]", "is not a valid ARN"),
    *((AMAZON_TRANSLATE, {"s3_uri_prefixes": [uri]}, "scope.s3_uri_prefixes[0]", "has an empty part")
      for uri in ("s3://bucket//", "s3://bucket/in//")),
    *((AMAZON_TRANSLATE, {"job_name_prefixes": [name]}, "scope.job_name_prefixes[0]", "no job name has")
      for name in ("pr-*", OUTPUT_AS_TEXT)),
    *((AZURE_DOCUMENT_TRANSLATION, {name: [url]}, f"scope.{name}[0]", "has an empty part")
      for name in URL_SELECTORS
      for url in (f"{CONTAINER}//", f"{CONTAINER}//in", "https://store.blob.core.windows.net//in")),
    (AMAZON_TRANSLATE, {"job_name_prefixes": [17.0]}, "scope.job_name_prefixes[0]", "expected text"),
    (AMAZON_TRANSLATE, {"job_name_prefixes": PLANTED}, "scope.job_name_prefixes", "expected a list"),
    (AMAZON_TRANSLATE, {"job_ids": [f"{PLANTED} x"]}, "scope.job_ids[0]", "is not a valid job ID"),
    (AMAZON_TRANSLATE, {"job_ids": ["a"], "submitted_after": PLANTED}, "scope.submitted_after", "expected RFC 3339"),
    (AMAZON_TRANSLATE, {"job_ids": ["a"], "submitted_after": "2025-01-31T12:00:00"},
     "scope.submitted_after", "time zone"),
    (AMAZON_TRANSLATE, {"submitted_after": "2025-01-31T12:00:00Z"}, "scope", "has no selector"),
    (AMAZON_TRANSLATE, {"whole_region": PLANTED}, "scope.whole_region", "expected true or false"),
    (AMAZON_TRANSLATE, {"whole_region": True, "job_name_prefixes": ["pr-"]}, "scope.whole_region", "leave it out"),
    (AMAZON_TRANSLATE, {"whole_region": True, "submitted_after": "2025-01-31T12:00:00Z"},
     "scope.whole_region", "cannot be combined"),
    (AMAZON_TRANSLATE, {"job_ids": ["a"], "job_names": [PLANTED]}, "scope.job_names", "job_name_prefixes"),
    *((AZURE_DOCUMENT_TRANSLATION, {name: [CONTAINER + SAS]}, f"scope.{name}[0]", "SAS or AWS signature")
      for name in URL_SELECTORS),
    (AZURE_DOCUMENT_TRANSLATION, {"container_urls": [CONTAINER, f"{CONTAINER}/{SAS}"]},
     "scope.container_urls[1]", "up to the question mark"),
    (AZURE_DOCUMENT_TRANSLATION, {"container_urls": [CONTAINER + f"%3Fsv%3D2024%26sig%3D{PLANTED}"]},
     "scope.container_urls[0]", "SAS or AWS signature"),
    (AZURE_DOCUMENT_TRANSLATION, {"container_urls": [f"https://store.blob.core.windows.net{SAS}"]},
     "scope.container_urls[0]", "SAS or AWS signature"),
    (AZURE_DOCUMENT_TRANSLATION, {"container_urls": [f"https://{PLANTED}.blob.core.windows.net/"]},
     "scope.container_urls[0]", "is not a valid container URL"),
    (AZURE_DOCUMENT_TRANSLATION, {"container_urls": [f"http://{PLANTED}.blob.core.windows.net/source"]},
     "scope.container_urls[0]", "expected https"),
    (AZURE_DOCUMENT_TRANSLATION, {"container_urls": [PLANTED]}, "scope.container_urls[0]", "with its scheme"),
    (AZURE_DOCUMENT_TRANSLATION, {"translation_ids": [PLANTED]}, "scope.translation_ids[0]", "a UUID"),
    (AZURE_DOCUMENT_TRANSLATION, {"whole_resource": True, "translation_ids": [BATCH_ID]},
     "scope.whole_resource", "leave it out"),
    *((service, {}, "scope", "has no selector") for service in OF),
    (AMAZON_TRANSLATE, {"whole_region": False}, "scope", "has no selector"),
    (AZURE_DOCUMENT_TRANSLATION, {"whole_resource": False}, "scope", "has no selector"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "scope", "path", "remedy"), _BAD_SELECTORS)
def test_a_bad_selector_is_named_and_not_repeated(service: str, scope: dict[str, Any], path: str, remedy: str) -> None:
    """The path is as in the program, down to the element."""
    (problem,) = problems(service, {**OF[service], "scope": [scope]})
    assert problem.path == path
    assert remedy in problem.reason
    assert PLANTED not in problem.reason


_MANY = {
    AMAZON_TRANSLATE: ["data_access_role_arns", "s3_uri_prefixes", "job_name_prefixes", "job_ids"],
    AZURE_DOCUMENT_TRANSLATION: ["translation_ids", *URL_SELECTORS],
}
_GOOD_ELEMENT = {
    "data_access_role_arns": ROLE,
    "s3_uri_prefixes": "s3://bucket/",
    "job_name_prefixes": "pr-",
    "job_ids": "a",
    "translation_ids": BATCH_ID,
    **dict.fromkeys(URL_SELECTORS, CONTAINER),
}


@pytest.mark.parametrize(("service", "name"), [(service, name) for service, names in _MANY.items() for name in names])
def test_a_selector_that_resolves_to_nothing_is_refused(service: str, name: str) -> None:
    """Dropped, it would leave the other selectors, and with them a wider scope."""
    other = next(one for one in _MANY[service] if one != name)
    nothing: Any
    for nothing in (None, "", []):
        scope = {name: nothing, other: [_GOOD_ELEMENT[other]]}
        (problem,) = problems(service, {**OF[service], "scope": [scope]})
        assert problem.path == f"scope.{name}"
        assert "resolved to nothing. Leave it out, or give a value" in problem.reason
    for nothing in (None, "", "  "):
        scope = {name: [_GOOD_ELEMENT[name], nothing], other: [_GOOD_ELEMENT[other]]}
        (problem,) = problems(service, {**OF[service], "scope": [scope]})
        assert problem.path == f"scope.{name}[1]"
        assert "resolved to nothing" in problem.reason


@pytest.mark.parametrize(
    ("service", "name"), [(AMAZON_TRANSLATE, "submitted_after"), (AZURE_DOCUMENT_TRANSLATION, "created_after")]
)
def test_a_time_that_resolves_to_nothing_is_refused(service: str, name: str) -> None:
    """Without it the scope would reach further back."""
    for nothing in (None, ""):
        scope = {**OF[service]["scope"][0], name: nothing}
        (problem,) = problems(service, {**OF[service], "scope": [scope]})
        assert (problem.path, "resolved to nothing" in problem.reason) == (f"scope.{name}", True)


@pytest.mark.parametrize("service", OF)
@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: ["a", {"b": [one]}], lambda one: one])
def test_triggers_that_the_state_cannot_give_back_are_refused(service: str, wrap: Any) -> None:
    """Pulumi stores an asset without its content and fails to read it again: such a guard could not be deleted."""
    good = wrap([None, True, 1, 1.5, "text", {}, UNKNOWN])
    assert problems(service, {**OF[service], "triggers": good}) == []
    for bad in (pulumi.StringAsset(PLANTED), pulumi.FileArchive(PLANTED)):
        (problem,) = problems(service, {**OF[service], "triggers": wrap(bad)})
        assert problem.path == "triggers"
        assert "Give a hash of the file" in problem.reason
        assert PLANTED not in problem.reason


@pytest.mark.parametrize("nothing", [None, [], "", "text", {}])
def test_a_missing_scope_is_refused(nothing: Any) -> None:
    """A guard without a scope answers for nothing."""
    for service in OF:
        (problem,) = problems(service, {**OF[service], "scope": nothing})
        assert problem.path == "scope"
        assert all(
            (f"`{name}`" in problem.reason) is (selector.kind is not Kind.TIME)
            for name, selector in SELECTORS[service].items()
        ), "the reason lists what selects"


def test_of_several_scopes_the_bad_one_is_named() -> None:
    """By its place in the list."""
    assert [path for path, _ in amazon(scope=[{"job_ids": ["a"]}, {}, PLANTED])] == ["scope[1]", "scope[2]"]
    assert [path for path, _ in azure(scope=[{"translation_ids": [BATCH_ID, "no"]}, AZURE["scope"][0]])] == [
        "scope[0].translation_ids[1]"
    ]


def test_everything_wrong_is_told_at_once() -> None:
    """Nobody mends one argument to be told of the next."""
    found = amazon(
        region=PLANTED,
        on_delete=PLANTED,
        expected_account_id=PLANTED,
        endpoint_url=PLANTED,
        scope=[{"data_access_role_arns": [PLANTED, ROLE, PLANTED], "whole_region": True}],
    )
    assert {path for path, _ in found} == {
        "region",
        "on_delete",
        "expected_account_id",
        "endpoint_url",
        "scope.whole_region",
        "scope.data_access_role_arns[0]",
        "scope.data_access_role_arns[2]",
    }
    assert {path for path, _ in amazon(region=PLANTED, timeout=0)} == {"region", "timeout"}
    assert {path for path, _ in amazon(grace_period="2h", quiet_period="1h", poll_interval=0)} == {
        "grace_period",
        "quiet_period",
        "poll_interval",
    }


# Unknown values: in preview


@pytest.mark.parametrize("service", OF)
def test_an_unknown_value_is_let_pass_wherever_it_stands(service: str) -> None:
    """In preview any property, any scope, any selector and any element may not be known yet."""
    good = OF[service]
    for name in good:
        assert problems(service, {**good, name: UNKNOWN}) == []
    for name in ("expected_account_id", "profile", "endpoint_url", "poll_interval", "account_resource_id"):
        assert problems(service, {**good, name: UNKNOWN}) == []
    assert problems(service, {**good, "scope": [UNKNOWN]}) == []
    for name in SELECTORS[service]:
        assert problems(service, {**good, "scope": [{name: UNKNOWN, **good["scope"][0]}]}) == []
    for name in _MANY[service]:
        assert problems(service, {**good, "scope": [{name: UNKNOWN}]}) == []
        assert problems(service, {**good, "scope": [{name: [UNKNOWN, _GOOD_ELEMENT[name]]}]}) == []


def test_what_is_known_beside_an_unknown_value_is_still_checked() -> None:
    """One unknown element excuses no other."""
    assert [path for path, _ in amazon(timeout=UNKNOWN, quiet_period="soon")] == ["quiet_period"]
    assert [path for path, _ in amazon(scope=[{"data_access_role_arns": [UNKNOWN, PLANTED]}])] == [
        "scope.data_access_role_arns[1]"
    ]
    assert [path for path, _ in amazon(scope=[UNKNOWN, {}])] == ["scope[1]"]


def test_an_unknown_flag_beside_a_selector_waits_for_its_value() -> None:
    """It may still come out False."""
    assert amazon(scope=[{"whole_region": UNKNOWN, "job_ids": ["a"]}]) == []


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(OF)), st.data())
def test_no_value_at_all_breaks_the_check(service: str, data: st.DataObject) -> None:
    """Whatever the engine hands over is let pass or refused, never a traceback."""
    name = data.draw(st.sampled_from(sorted({*OF[service], *DEFAULTS})))
    problems(service, {**OF[service], name: data.draw(_json)})
    selector = data.draw(st.sampled_from(sorted(SELECTORS[service])))
    problems(service, {**OF[service], "scope": [{selector: data.draw(_json)}]})


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=6, max_size=40), st.data())
def test_no_reason_repeats_a_value(value: str, data: st.DataObject) -> None:
    """It may be a secret, in whatever property it was put by mistake."""
    marked = f"{PLANTED}{value}"
    service = data.draw(st.sampled_from(sorted(OF)))
    name = data.draw(st.sampled_from(sorted({*OF[service], *DEFAULTS})))
    selector = data.draw(st.sampled_from(sorted(SELECTORS[service])))
    for changes in ({name: marked}, {"scope": [{selector: marked}]}, {"scope": [{selector: [marked]}]}):
        for problem in problems(service, {**OF[service], **changes}):
            assert PLANTED not in problem.path + problem.reason


# Stored properties


def test_stored_amazon_properties_are_read() -> None:
    """Every property has its place, numbers come as floats."""
    guard = read(
        AMAZON_TRANSLATE,
        {
            **AMAZON,
            "scope": [
                {
                    "data_access_role_arns": [ROLE],
                    "s3_uri_prefixes": ["s3://bucket/"],
                    "job_name_prefixes": ["pr-"],
                    "job_ids": ["a"],
                    "submitted_after": "2025-01-31T13:00:00+01:00",
                },
                {"whole_region": True},
            ],
            "protects": [{"urn": "urn:a", "id": "a"}, {"urn": "urn:component"}],
            "on_delete": "drain",
            "grace_period": "1m",
            "timeout": 600.0,
            "quiet_period": 0.0,
            "poll_interval": "2s",
            "account_id": "123456789012",
            "expected_account_id": "123456789012",
            "profile": "ci",
            "assume_role_arn": ROLE,
            "endpoint_url": "http://127.0.0.1:1",
        },
    )
    assert guard.scopes == (
        AmazonScope((ROLE,), ("s3://bucket/",), ("pr-",), ("a",), datetime(2025, 1, 31, 12, tzinfo=timezone.utc)),
        AmazonScope(whole_region=True),
    )
    assert guard.options == TeardownOptions(Mode.DRAIN, 60.0, 600.0, 0.0, 2.0)
    assert guard.protects == (Protected("urn:a", "a"), Protected("urn:component", None))
    assert (guard.name, guard.stack, guard.project) == ("guard", "dev", "app")
    assert guard.connection == AmazonConnection("eu-west-1", "123456789012", "ci", ROLE, "http://127.0.0.1:1")
    assert guard.expected_account_id == "123456789012"


def test_stored_azure_properties_are_read() -> None:
    """Every property has its place."""
    guard = read(
        AZURE_DOCUMENT_TRANSLATION,
        {
            **AZURE,
            "scope": [
                {"translation_ids": [BATCH_ID], "created_after": "2025-01-31T12:00:00Z"},
                {"source_container_urls": [CONTAINER], "target_container_urls": [f"{CONTAINER}-out"]},
                *AZURE["scope"],
            ],
            "undecided_timeout": "90s",
            "api_version": "2026-03-01",
            "key_env": "KEY",
            "account_resource_id": "/subscriptions/s",
        },
    )
    assert guard.scopes == (
        AzureScope((BATCH_ID,), created_after=datetime(2025, 1, 31, 12, tzinfo=timezone.utc)),
        AzureScope(source_container_urls=(CONTAINER,), target_container_urls=(f"{CONTAINER}-out",)),
        AzureScope(container_urls=(CONTAINER,)),
    )
    assert guard.options.undecided_timeout == 90.0
    assert guard.connection == AzureConnection(
        AZURE["endpoint"], key_env="KEY", api_version="2026-03-01", account_resource_id="/subscriptions/s"
    )


@pytest.mark.parametrize("service", OF)
def test_what_an_older_release_did_not_store_is_as_its_default(service: str) -> None:
    """The least that a state can hold: where, and what."""
    least: dict[str, Any] = {name: OF[service][name] for name in ("region", "endpoint", "scope") if name in OF[service]}
    guard = read(service, least)
    assert guard.options == TeardownOptions()
    if isinstance(guard.connection, AzureConnection):
        assert guard.connection.api_version == "2024-05-01"
        assert guard.connection.key_env == "AZURE_DOCUMENT_TRANSLATION_KEY"
    assert (guard.protects, guard.name, guard.connection.account_id) == ((), "", None)
    assert read(service, {**least, **dict.fromkeys(DEFAULTS)}) == guard, "null is as missing"


def _without(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != name}


@pytest.mark.parametrize(
    "properties",
    [
        {**AMAZON, "format": FORMAT + 1.0},
        {**AMAZON, "format": "new"},
        {**AMAZON, "format": 10**400},
        _without(AMAZON, "region"),
        _without(AMAZON, "scope"),
        {**AMAZON, "scope": []},
        {**AMAZON, "scope": None},
        {**AMAZON, "scope": "everything"},
        {**AMAZON, "scope": [{}]},
        {**AMAZON, "scope": [{"submitted_after": "2025-01-31T12:00:00Z"}]},
        {**AMAZON, "scope": [{"whole_region": "false"}]},
        {**AMAZON, "scope": [{"whole_region": True, "job_ids": ["a"]}]},
        {**AMAZON, "scope": [{"job_ids": ["a"], "job_name_prefixes": []}]},
        {**AMAZON, "scope": [{"job_ids": ["a"], "job_name_prefixes": ""}]},
        {**AMAZON, "scope": [{"job_name_prefixes": "pr-"}]},
        {**AMAZON, "scope": [{"job_name_prefixes": [None]}]},
        {**AMAZON, "scope": [{"job_name_prefixes": [""]}]},
        {**AMAZON, "scope": [{"job_ids": ["a"], "a_selector_of_tomorrow": ["b"]}]},
        {**AMAZON, "scope": [{"job_ids": ["a"], "submitted_after": ""}]},
        {**AMAZON, "on_delete": "explode"},
        {**AMAZON, "timeout": "soon"},
        {**AMAZON, "protects": [{"id": "no urn"}]},
    ],
)
def test_unreadable_stored_properties_are_an_error(properties: dict[str, Any]) -> None:
    """Never a scope that is guessed: wider it stops a neighbour's jobs, narrower it leaves its own."""
    with pytest.raises(
        InvalidArgument, match=r"newer release of translation-job-guard\. Install that release, or correct"
    ):
        read(AMAZON_TRANSLATE, properties)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(OF)), st.data())
def test_reading_an_edited_state_never_ends_in_anything_else(service: str, data: st.DataObject) -> None:
    """A guard, or InvalidArgument: and if a guard, one that has a scope, none of it without a selector."""
    properties = copy.deepcopy(OF[service])
    where = data.draw(st.sampled_from(["property", "scope", "selector"]))
    if where == "property":
        properties[data.draw(st.sampled_from(sorted(properties)))] = data.draw(_json)
    elif where == "scope":
        properties["scope"] = data.draw(_json)
    else:
        properties["scope"][0][data.draw(st.sampled_from(sorted(SELECTORS[service])))] = data.draw(_json)
    try:
        guard = read(service, properties)
    except InvalidArgument:
        return
    assert guard.scopes
    assert all(scope not in (AmazonScope(), AzureScope()) for scope in guard.scopes)


def test_unknown_is_shown_by_its_name() -> None:
    """It appears in failures of tests, and nowhere else."""
    assert repr(UNKNOWN) == "UNKNOWN"


def test_a_stored_flag_that_is_off_is_no_selector() -> None:
    """A guard whose program says `whole_region=False` can be deleted, and covers what its selectors say."""
    at_amazon = read(AMAZON_TRANSLATE, {**AMAZON, "scope": [{"whole_region": False, "job_ids": ["a"]}]})
    assert at_amazon.scopes == (AmazonScope(job_ids=("a",)),)
    scope = {"whole_resource": False, "translation_ids": [BATCH_ID]}
    at_azure = read(AZURE_DOCUMENT_TRANSLATION, {**AZURE, "scope": [scope]})
    assert at_azure.scopes == (AzureScope(translation_ids=(BATCH_ID,)),)
    with pytest.raises(InvalidArgument):
        read(AMAZON_TRANSLATE, {**AMAZON, "scope": [{"whole_region": False}]})
