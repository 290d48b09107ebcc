"""What is kept out of everything that a guard says."""

from __future__ import annotations

import ast
import base64
import html
import importlib
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import translation_job_guard
from translation_job_guard import redaction
from translation_job_guard.errors import UnexpectedError
from translation_job_guard.redaction import (
    excerpt,
    forms,
    printable,
    redact,
    redactor,
    remember_secret,
    remember_variable,
)

SECRET = "wJalrXUtnFEMI/K7MDENG"


@pytest.mark.parametrize(
    "text",
    [
        f"https://s.blob.core.windows.net/c?sv=2024&sig={SECRET}%3D&se=1",
        f"https://s.blob.core.windows.net/c?SIG={SECRET}",
        f"at '…?sig={SECRET}' failed",
        f'{{"url": "…?sig={SECRET}"}}',
        f"?X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}",
        f"?Signature={SECRET} and more",
    ],
)
def test_signatures_are_kept_out(text: str) -> None:
    """Of Azure and AWS, in any case and whatever stands around them."""
    assert SECRET not in redact(text)


def test_what_stands_around_a_signature_is_kept() -> None:
    """An error that says nothing helps nobody."""
    assert redact(f"GET https://s/c?sig={SECRET}&se=1 failed") == "GET https://s/c?sig=…&se=1 failed"
    assert redact("design=new, signal=9") == "design=new, signal=9"


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_DOCUMENT_TRANSLATION_KEY", "MY_KEY"],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_secrets_of_the_environment_are_kept_out(name: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The known ones and the guard's own, also where the variable was read from a file with a line break."""
    monkeypatch.setenv(name, SECRET + end)
    assert redact(f"the key {SECRET} was refused, {SECRET}!", "MY_KEY") == "the key … was refused, …!"


def test_a_variable_that_nobody_named_is_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every variable is a secret: half of a text would be gone."""
    monkeypatch.setenv("MY_KEY", SECRET)
    assert redact(SECRET) == SECRET
    assert redact(SECRET, None) == SECRET


@pytest.mark.parametrize("value", ["", "a", "eu-west", "  "])
def test_a_short_or_empty_variable_blots_nothing_out(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no key."""
    monkeypatch.setenv("MY_KEY", value)
    assert redact("a job in eu-west ended", "MY_KEY") == "a job in eu-west ended"


def test_an_encoded_signature_is_kept_out() -> None:
    """A SAS signature is one also where its question mark and equals sign were percent-encoded."""
    text = redact("https://a.blob.core.windows.net/c%3Fsv%3D2024%26sig%3DPLANTED and ?sig=PLANTED")
    assert "PLANTED" not in text


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_remembered", {})
    monkeypatch.setattr(redaction, "_variables", {})


def _encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text, safe="")
    return text


@pytest.mark.parametrize("times", range(5))
@pytest.mark.parametrize(
    "query",
    [
        "?sv=2024&sig=PLANTED%2Babc&se=1",
        "?SIG=PLANTED",
        "?X-Amz-Credential=PLANTED&X-Amz-Signature=PLANTED&X-Amz-Security-Token=PLANTED",
        "?AWSAccessKeyId=PLANTED&Signature=PLANTED",
        "?subscription-key=PLANTED",
        "?access_token=PLANTED",
    ],
)
def test_signatures_in_urls_are_kept_out_however_often_encoded(query: str, times: int) -> None:
    """A proxy or a log may have encoded a URL once more."""
    shown = redact(f"GET https://a.blob.core.windows.net/c{_encoded(query, times)} failed")
    assert "PLANTED" not in shown
    assert shown.startswith("GET https://a.blob.core.windows.net/c")
    assert shown.endswith(" failed")


_HEADERS = [
    "x-amz-security-token",
    "X-Amz-Security-Token",
    "X_AMZ_SECURITY_TOKEN",
    "Ocp-Apim-Subscription-Key",
    "ocp-apim-subscription-key",
    "Authorization",
    "authorization",
    "Proxy-Authorization",
    "HTTP_AUTHORIZATION",
    "x-ms-authorization",
    "api-key",
    "X-Identity-Header",
    "Set-Cookie",
]
_SHAPES = [
    "{name}:{value}",
    "{name}: {value}",
    "{name} : {value}",
    "{name}={value}",
    "{name}: {value}\nx-amz-target:Translate",
    "'{name}': '{value}'",
    '"{name}": "{value}"',
    '"{name}": ["{value}"]',
    '\\"{name}\\":\\"{value}\\"',
    "b'{name}': b'{value}'",
    "('{name}', '{value}')",
]


@pytest.mark.parametrize("name", _HEADERS)
@pytest.mark.parametrize("shape", _SHAPES)
def test_headers_are_kept_out_in_any_spelling(name: str, shape: str) -> None:
    """As a service, a gateway, an SDK or Python shows them."""
    for value in ("PLANTED", "PLANTED/+aB=="):
        text = f"The request {shape.format(name=name, value=value)} was not accepted"
        shown = redact(text)
        assert "PLANTED" not in shown
        assert name in shown
        assert shown.endswith("was not accepted")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer PLANTED.abc-_~+/=",
        "bearer PLANTEDTOKEN",
        "Basic PLANTED==",
        "SharedKey account:PLANTED=",
        "AWS4-HMAC-SHA256 Credential=PLANTED/20260101/eu-west-1/translate/aws4_request, SignedHeaders=host;x-amz-date, "
        "Signature=PLANTED",
    ],
)
@pytest.mark.parametrize(
    "shape", ["Authorization: {}", "{{'authorization': '{}'}}", "Authorization={}", "sent {} to it"]
)
def test_the_schemes_of_authorization_are_kept_out(value: str, shape: str) -> None:
    """The credentials after the scheme are the secret, not the scheme alone."""
    assert "PLANTED" not in redact("before " + shape.format(value))


@pytest.mark.parametrize(
    "text",
    [
        '{"key1": "PLANTED", "key2": "PLANTED too"}',
        "{'SecretAccessKey': 'PLANTED', 'SessionToken': 'PLANTED\\' still'}",
        '{"access_token":"PLANTED","refresh_token": "PLANTED"}',
        "client_secret=PLANTED&grant_type=client_credentials",
        "AccountKey=PLANTED;EndpointSuffix=core.windows.net",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJQTEFOVEVEIn0.PLANTED-signature was refused",
    ],
)
def test_credentials_in_bodies_are_kept_out(text: str) -> None:
    """Of JSON, forms, connection strings; and web tokens wherever they stand."""
    assert "PLANTED" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:PLANTED@host.example:8443/path",
        "http://PLANTED@host.example",
        "HTTPS://user:PLANTED%2F%40@host.example",
        "https%3A%2F%2Fuser%3APLANTED%40host.example%2Fpath",
        "socks5h://user:PLANTED@host.example",
        "https://a@b:PLANTED@host.example",
    ],
)
def test_user_names_and_passwords_in_urls_are_kept_out(text: str) -> None:
    """Of endpoints and proxies."""
    shown = redact(f"no answer from {text}, later")
    assert "PLANTED" not in shown
    assert "host.example" in shown


@pytest.mark.parametrize(
    "value", ["http://user:PLANTED/pass@host:1", "user:PLANTED@localhost:4566", "https://user:PLANTED%21x@host"]
)
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_TRANSLATE", "HTTPS_PROXY", "http_proxy"])
def test_passwords_of_endpoint_variables_are_kept_out(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the value is no URL, and where only the password is repeated."""
    monkeypatch.setenv(name, value)
    password = value.split("user:")[1].rpartition("@")[0]
    for text in (f"Invalid endpoint: {value}", f"ValueError: {value!r}", f"401 for {password}"):
        if len(password) >= 8 or text != f"401 for {password}":
            assert "PLANTED" not in redact(text)


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\n\n", "\t"])
def test_a_secret_with_a_line_break_inside_is_kept_out(separator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted from a terminal: it is printed as it is, joined, escaped, encoded, or in part."""
    value = f"PLANTEDfirst{separator}PLANTEDsecond{separator}end"
    monkeypatch.setenv("AWS_SESSION_TOKEN", value)
    for text in (
        value,
        " ".join(value.split()),
        "".join(value.split()),
        repr(value),
        repr(value.encode()),
        quote(value),
        value.split()[1],
    ):
        assert "PLANTED" not in redact(f"Invalid header value {text} for it")


@pytest.mark.parametrize("secret", ["wJalr/XUtn+FEMI=", 'pass"word\\x', "päss-wörd-1"])
def test_a_known_secret_is_kept_out_in_every_spelling(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Percent-encoded once or twice, and escaped as Python and JSON do."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", secret)
    for text in (secret, quote(secret), quote(secret, safe=""), quote(quote(secret, safe=""), safe=""), repr(secret)):
        assert secret not in redact(text)
        assert "…" in redact(text)
        assert redact(text).strip("'") == "…"


def test_secrets_of_run_time_are_kept_out() -> None:
    """A fetched key, a bearer token, the credentials of a profile, of SSO or of an assumed role."""
    assert redact("a gateway repeats fetched-key-1") == "a gateway repeats fetched-key-1"
    for secret in ("fetched-key-1", b"bytes-token-2", "  token-with-blanks\n", None, "", "short"):
        remember_secret(secret)
    shown = redact("a gateway repeats fetched-key-1, bytes-token-2, token-with-blanks; short")
    assert shown == "a gateway repeats …, …, …; short"


def test_the_latest_secrets_of_run_time_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are renewed for as long as a teardown takes; the memory of them is bounded."""
    monkeypatch.setattr(redaction, "_REMEMBERED_AT_MOST", 3)
    for number in (1, 2, 3, 1, 4):
        remember_secret(f"secret-number-{number}")
    assert list(redaction._remembered) == ["secret-number-3", "secret-number-1", "secret-number-4"]


def test_a_remembered_variable_is_kept_out_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by what does not know of which guard it speaks."""
    monkeypatch.setenv("TEAM_KEY", SECRET)
    remember_variable("TEAM_KEY")
    assert redact(f"refused {SECRET}") == "refused …"


@pytest.mark.parametrize("key", ["0123456789abcdef" * 2, "Az09" * 21])
def test_a_key_in_place_of_a_variables_name_is_kept_out(key: str) -> None:
    """An older state may have it."""
    assert redact(f"there is no key in {key}", key) == "there is no key in …"


def test_a_redactor_knows_several_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is exactly as long as the shortest secret."""
    for name, value in (("ONE_KEY", "12345678"), ("TWO_KEY", "abcdefgh"), ("THREE_KEY", "1234567")):
        monkeypatch.setenv(name, value)
    clean = redactor("ONE_KEY", None, "TWO_KEY", "THREE_KEY", "NO=NAME", "NUL\0")
    assert clean("12345678 abcdefgh") == "… …"
    assert clean("1234567") == "1234567"


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::123456789012:role/translate",
        "https://account.blob.core.windows.net/c/mail@example.com.docx",
        "mail team@example.com",
        "AccessDeniedException: not authorized to perform: translate:StopTextTranslationJob",
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/name",
        "set AZURE_DOCUMENT_TRANSLATION_KEY, or give account_resource_id",
        "key_env='MY_KEY', timeout=30m, assignment=1",
        "The bearer token has expired",
        "Basic authentication is not supported, and bearer authentication is",
        "job 'design=4' (727bf148-f327-47a0-9481-abae6362f11e) Running",
        "https://name.cognitiveservices.azure.com/translator/document/batches?api-version=2024-05-01&top=50",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """An error that says nothing helps nobody."""
    assert redact(text) == text


# Control characters


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "]0;titleafter"),
        ("\x1b]8;;https://evil.example\x1b\\\\link", "]8;;https://evil.example\\\\link"),
        ("a\rb", "a b"),
        ("a\x00b\x07c\x08d\x7fe", "abcde"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("a\u2028b\x85c\x0bd", "a b c d"),
        ("line\n\ttab", "line\n\ttab"),
        ("half \ud800", "half \ufffd"),
        ("Übersetzung 翻訳 🌍 \u00a0é", "Übersetzung 翻訳 🌍 \u00a0é"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("", ""),
    ],
)
def test_control_characters_are_taken_out(text: str, shown: str) -> None:
    """Whoever names a job must not steer the terminal of whoever reads it, nor hide what is said after it."""
    assert printable(text) == shown
    assert redact(text) == shown


@given(st.text(st.characters(), max_size=60))
def test_what_is_printable_can_be_printed(text: str) -> None:
    """Of any text at all: no control character but line breaks and tabs, and it can be encoded."""
    shown = printable(text)
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 for one in shown if one not in "\n\t")
    shown.encode()
    assert printable(shown) == shown


def test_an_escape_sequence_does_not_hide_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken out afterwards would put the parts together again."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert SECRET not in redact(f"{SECRET[:9]}\x1b[0m{SECRET[9:]}")
    assert "PLANTED" not in redact("?si\x00g=PLANTED and authori\x1b[1mzation: PLANTED")


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "a-",
        "://",
        "-eyJaaaaaaaa",
        "https%3A%2F%2F",
        "'password': '",
        "authorization",
        "%25",
        "=&",
        "x-amz-",
        "eyJ.",
    ],
)
def test_a_long_text_is_searched_in_one_go(unit: str) -> None:
    """A service's answer may be anything; where each sign would be searched from each other, this would take hours."""
    assert len(redact(unit * 20_000)) <= len(unit) * 20_000


def test_the_shortest_secret_of_run_time_has_eight_characters() -> None:
    """A shorter one would blot out half of a text."""
    remember_secret("eightchr")
    remember_secret("sevench")
    assert redact("eightchr sevench") == "… sevench"


def test_a_blank_password_of_a_proxy_blots_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its blanks it is shorter than a secret."""
    monkeypatch.setenv("HTTPS_PROXY", "http://u:%20%20abc%20%20%20@proxy")
    assert redact("abc and key") == "abc and key"


# Time: a service's answer may be made to be searched for long


def test_a_new_token_costs_nothing_where_no_text_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pattern of all tokens, made anew for each one, 50 guards that each assume a role took 40 seconds more."""
    tokens = [base64.b64encode(bytes([number]) * 700).decode() for number in range(5)]
    redact("password: so that the forms are compiled")
    compiled: list[str] = []
    compile_ = re.compile

    def recorded(pattern: str) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_(pattern)

    monkeypatch.setattr(re, "compile", recorded)
    for token in tokens:
        remember_secret(token)
        assert redact("[dev/jobs] quiet: nothing was in flight; key") == "[dev/jobs] quiet: nothing was in flight; key"
    assert compiled == []
    assert redact(f"refused {quote(tokens[0], safe='')} of key") == "refused … of key"
    assert len(compiled) == 1


def _parsed(pattern: re.Pattern[str]) -> Iterable[Any]:
    module = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
    parsed: Iterable[Any] = module.parse(pattern.pattern, pattern.flags)
    return parsed


def _has_unbounded(sequence: Any) -> bool:
    """Check whether a repeat without a bound is in it, and that nothing after the repeat is required."""
    found = False
    for position, (operation, argument) in enumerate(sequence):
        assert not found or sequence[position:].getwidth()[0] == 0, "required after a repeat without a bound"
        assert not found or str(operation) not in ("ASSERT", "ASSERT_NOT", "AT"), (
            "checked after a repeat without a bound"
        )
        if str(operation) in ("MAX_REPEAT", "MIN_REPEAT"):
            found |= _has_unbounded(argument[2]) or argument[1] > 4096
        elif str(operation) == "SUBPATTERN":
            found |= _has_unbounded(argument[3])
        elif str(operation) == "BRANCH":
            found |= any(list(map(_has_unbounded, argument[1])))
        elif str(operation) in ("ASSERT", "ASSERT_NOT"):
            assert not _has_unbounded(argument[1]), "a look ahead without a bound"
    return found


@pytest.mark.parametrize("number", range(len(forms.forms())))
def test_no_form_is_searched_twice_over_the_same_text(number: int) -> None:
    """Nothing can fail after a repeat without a bound, so what it consumed is not searched from its middle again."""
    _has_unbounded(_parsed(forms.forms()[number][0]))


def test_the_sign_of_a_secret_is_found_in_one_go() -> None:
    """Every text is searched for it."""
    _has_unbounded(_parsed(forms.TELLTALE))


@pytest.mark.parametrize("pattern", [r"\b[a-z][a-z.-]*:", r"eyJ\w{8,}\.", r"(?:a+b)", r"a(?=.*b)"])
def test_a_pattern_of_quadratic_time_is_recognised(pattern: str) -> None:
    """The check above sees what it is for."""
    with pytest.raises(AssertionError):
        _has_unbounded(_parsed(re.compile(pattern)))


@pytest.mark.parametrize("length", [100_000, 1_000_000])
def test_a_redacted_text_has_a_bound(length: int) -> None:
    """A page of a megabyte helps nobody; what is cut is marked."""
    shown = redact("x" * length)
    assert len(shown) == 16_384
    assert shown.endswith("…")
    assert redact("x" * 16_384) == "x" * 16_384


@pytest.mark.parametrize("before", range(32_768 - 44, 32_769, 4))
def test_a_secret_at_the_bound_is_kept_out(before: int) -> None:
    """Also where the text before it gets shorter when it is redacted, so that the end of the search is shown."""
    remember_secret("PLANTED" * 6)
    lead = "?sig=" + "a" * 20_000 + " "
    shown = redact(lead + "b" * (before - len(lead)) + "PLANTED" * 6 + "c" * 20)
    assert "PLANT" not in shown


# Excerpts: what a service said, in an error


@pytest.mark.parametrize("before", [1900, 1956, 1990, 1999, 2000])
def test_an_excerpt_is_cut_after_the_search(before: int) -> None:
    """Half of a key is not recognised as a key."""
    remember_secret("PLANTED" * 12)
    shown = excerpt(f"{'x' * before} {'PLANTED' * 12} and more")
    assert "PLANTED" not in shown
    assert len(shown) <= 2_000


def test_an_excerpt_is_one_line() -> None:
    """Of a short text all is there."""
    assert excerpt("a\n  page\x00 of  a proxy") == "a page of a proxy"
    assert excerpt("one two", 5) == "one…"


def test_an_unexpected_error_is_short_and_without_secrets() -> None:
    """Other packages put whole pages into their exceptions."""
    error = UnexpectedError(
        ValueError(f"{'x' * 480} https://user:wJalrXUtn+FEMI@host/ {'y' * 9999}"), "looking", "Do this."
    )
    assert "wJal" not in str(error)
    assert len(str(error)) < 2_300


def test_no_text_of_a_service_is_cut_before_the_search() -> None:
    """The modules that read what services say cut texts by ``excerpt`` alone."""
    package = Path(translation_job_guard.__file__).parent
    for file in [package / "errors.py", *sorted((package / "services").glob("*.py"))]:
        for node in ast.walk(ast.parse(file.read_text())):
            cut = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
            assert not cut or "said" not in ast.unparse(node), f"{file.name}: {ast.unparse(node)}"
            shown = isinstance(node, ast.FormattedValue) and re.search(r"\berror\b", ast.unparse(node.value))
            assert not shown or re.search(r"excerpt|__name__", ast.unparse(node)), f"{file.name}: {ast.unparse(node)}"


# Known secrets, and ordinary texts


def test_the_words_of_a_passphrase_stay_in_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the whole of it is a secret."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "stop all translation jobs in production now")
    assert redact("a translation in production") == "a translation in production"
    for blank in (" ", "  ", "\n", "+", "%20", "%2520"):
        assert redact("<" + "stop all translation jobs in production now".replace(" ", blank) + ">") == "<…>"


def test_a_short_secret_is_no_part_of_a_longer_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of sixteen characters and more is kept out anywhere."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    for text in ("arn:aws:iam::1:role/emulator-role", "my_emulator", "emulators"):
        assert redact(text) == text
    assert redact("=emulator, 'emulator' %3Demulator%26 \\nemulator.") == "=…, '…' %3D…%26 \\n…."
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulatoremulator")
    assert redact("xemulatoremulator-role") == "x…-role"


@pytest.mark.parametrize("url", ["https://host/team@jobs", "http://host:4566/team@jobs", "http://[::1]:1/team@jobs"])
def test_the_host_of_an_endpoint_is_no_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An at sign in a path does not make what is before it a user name."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert redact(f"no answer from {url}") == f"no answer from {url}"


_ODD = "aB3/xY+z=Q\"w'e&r\\t-ö"


@pytest.mark.parametrize(
    "text",
    [
        quote(_ODD, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        _encoded(_ODD, 3),
        _encoded(_ODD, 5),
        json.dumps(_ODD),
        json.dumps(json.dumps(_ODD)),
        json.dumps(_ODD, ensure_ascii=False).replace("/", "\\/"),
        _ODD.replace("\\", "\\u005C").replace("+", "\\u002B").replace("/", "\\u002f"),
        html.escape(_ODD),
        repr(_ODD),
        repr(_ODD.encode()),
        base64.b64encode(_ODD.encode()).decode(),
        base64.b64encode(f"user:{_ODD}".encode()).decode(),
        base64.urlsafe_b64encode(f"x:{_ODD}:y".encode()).decode(),
        "\u00ad".join(_ODD),
        "\u200d".join(_ODD[:-1]) + _ODD[-1],
        "\u3164\ufe0f".join(_ODD),
    ],
)
def test_a_known_secret_is_kept_out_however_it_is_encoded(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In either case of hexadecimal digits, at any depth, and with characters between that are not seen."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", _ODD)
    shown = redact(f"refused <{text}> today")
    assert "…" in shown
    assert len(shown) < 32


def test_characters_that_are_not_seen_are_taken_out() -> None:
    """Two names that look the same are the same; a keycap, a family and Persian are left."""
    assert printable("a\u00adb\u180ec\u034fd\u3164e\u115ff\uffa0g\u200dh\ufe0f") == "abcdefgh"
    for text in ("1\ufe0f\u20e3", "👩\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e", "\u2764\ufe0f"):
        assert printable(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "x-amz-sso_bearer_token: PLANTED",
        '{"keyName":"key1","value":"PLANTED","permissions":"FULL"}',
        r"{\"key1\":\"PLANTED\"}",
        r"{\"client_secret\":\"PLANTED too\"}",
        "<SecretAccessKey>PLANTED</SecretAccessKey><SessionToken>PLANTED</SessionToken>",
        "secret_key='PLANTED and PLANTED'",
        "Endpoint=sb://x;SharedAccessKey=PLANTED",
        "AccountKey = PLANTED",
        "aws_session_token = PLANTED",
        "password: PLANTED",
        "Authorization: ApiKey PLANTED",
        "authorization: token planted-PLANTED",
        'Authorization: Digest username="PLANTED", realm="a b", response="PLANTED", nc=PLANTED',
        "Cookie: a=PLANTED; b=PLANTED; c=PLANTED",
        r"https://h/c?sv=1\u0026sig\u003dPLANTED\u0026se=1",
        r"https://h/c?sv=1\x26sig\x3dPLANTED\x26se=1",
        "https://h/c?sv=1&#38;sig&#61;PLANTED&#38;se&#61;1",
        "https://h/c?sv=1&#x26;sig&#x3D;PLANTED&#x26;se&#x3D;1",
        "https://h/c?sv=1&amp;sig&equals;PLANTED&amp;se&equals;1",
        "https://h/c?sv=1&amp%3Bsig=PLANTED",
        "Authorization%3A%20Bearer%20PLANTED",
    ],
)
def test_less_usual_forms_are_kept_out(text: str) -> None:
    """One table of names, and every separator; what is shown once is shown the same again."""
    shown = redact(f"before {text}\nafter")
    assert "PLANTED" not in shown
    assert shown.startswith("before ")
    assert shown.endswith("after")
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "api-key: header is missing",
        "authorization: denied by policy deny-all",
        "password: is required",
        "the key is missing, and the token has expired; authorization failed",
        "s3://bucket/keys/token/signature/file.txt",
        "waited 1h30m, 2.5 s",
    ],
)
def test_sentences_about_secrets_stay(text: str) -> None:
    """What a service says about a header is not the header."""
    assert redact(text) == text
