"""Keep secrets and control characters out of everything that leaves: lines, errors, receipts, results and logs.

The one redactor. It removes, in this order:

1. control characters and escape sequences (``printable``), so that none can hide a secret or reach a terminal;
2. known secrets: values of environment variables, the passwords in proxy and endpoint URLs of the environment, and what
   ``remember_secret`` was given at run time (fetched keys, bearer tokens, temporary credentials of AWS);
3. what has the form of a secret: headers in any spelling, signatures and tokens in URLs, forms and JSON at any depth of
   percent-encoding, and user names and passwords in URLs.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote

__all__ = ["excerpt", "looks_like_key", "printable", "redact", "redactor", "remember_secret", "remember_variable"]

_VARIABLES: Final = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "AZURE_DOCUMENT_TRANSLATION_KEY",
    "ARM_CLIENT_SECRET",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
)
_URL_VARIABLES: Final = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_TRANSLATE",
    "AWS_ENDPOINT_URL_STS",
    *(name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())),
)
"""Their values are printed in errors, and may hold a user name and a password."""
_SHORTEST: Final = 8
"""A shorter value is no key, and would blot out half of a text."""
_EXCERPT: Final = 2_000
"""Characters of what a service said that an error repeats: a proxy's page may be long."""
_AT_MOST: Final = 16_384
"""Characters of a redacted text. What a service answers may be of any length."""
_MARGIN: Final = 16_384
"""Characters that are searched beyond that, and not shown: a secret that the cut divides is not recognised."""
_REMEMBERED_AT_MOST: Final = 200

_remembered: dict[str, None] = {}
_variables: dict[str, None] = {}
_lock = threading.Lock()


def redactor(*key_envs: str | None) -> Callable[[str], str]:
    """Return a function that redacts texts, for many of them: the secrets are looked up once.

    Args:
        key_envs: more environment variables that hold a secret.
    """
    known = [(_clues(secret), secret) for secret in _secrets(key_envs)]

    def clean(text: str) -> str:
        if len(text) <= _AT_MOST + _MARGIN:
            return _cut(searched(text), _AT_MOST)
        # The end may be half of a secret: of what is left after the search, as much as the margin is dropped.
        return _cut(searched(text[: _AT_MOST + _MARGIN])[:-_MARGIN] + "…", _AT_MOST)

    def searched(text: str) -> str:
        text = printable(text)
        for clues, secret in known:
            if any(clue in text for clue in clues):
                text = _spelled_out(secret).sub("…", text)
        if not _TELLTALE.search(text):
            return text
        for form, shown in _forms():
            text = form.sub(shown, text)
        return text

    return clean


def redact(text: str, key_env: str | None = None) -> str:
    """Return ``text`` without secrets and control characters; line breaks and tabs stay.

    Args:
        key_env: one more environment variable that holds a secret.
    """
    return redactor(key_env)(text)


def excerpt(text: str, most: int = _EXCERPT) -> str:
    """Return the beginning of what a service said, in one line and without secrets.

    The cut comes after the search for secrets: half of a secret is not recognised, and is half of a secret.

    Args:
        most: the number of characters to return.
    """
    return _cut(" ".join(redact(text).split()), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def remember_secret(value: str | bytes | None) -> None:
    """Keep ``value`` out of everything that this process says from now on.

    For what is no environment variable: a key that was fetched, a bearer token, the secret key and session token of a
    profile, of SSO or of an assumed role. None and what is too short for a secret are ignored.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not text or len(text.strip()) < _SHORTEST:
        return
    _remember(_remembered, text)


def remember_variable(name: str) -> None:
    """Keep the value of an environment variable out of everything that this process says from now on."""
    _remember(_variables, name)


def _remember(memory: dict[str, None], text: str) -> None:
    with _lock:
        # Tokens are renewed for as long as a teardown takes: the latest stay.
        memory.pop(text, None)
        memory[text] = None
        while len(memory) > _REMEMBERED_AT_MOST:
            del memory[next(iter(memory))]


def looks_like_key(text: str) -> bool:
    """Check whether a text that may be a variable's name is rather a key: 32 hexadecimal digits, or 84 characters."""
    return bool(re.fullmatch(r"[0-9A-Fa-f]{32}|(?=.*\d)[A-Za-z0-9]{32,}", text))


def _secrets(key_envs: Iterable[str | None]) -> tuple[str, ...]:
    with _lock:
        found = list(_remembered)
        names = [*_VARIABLES, *_variables, *(name for name in key_envs if name)]
    found += [name for name in names if looks_like_key(name)]
    for name in names:
        # As the key is used: without the line break that a file often ends with.
        if value := _variable(name):
            found.append(value)
    for name in _URL_VARIABLES:
        user_info = _user_info(_variable(name))
        password = user_info.partition(":")[2]
        found += [user_info, password, unquote(password)]
    return tuple(sorted({one for one in found if len(one) >= _SHORTEST}, key=lambda one: (-len(one), one)))


def _user_info(url: str) -> str:
    """Return the user name and password of a URL, also of one without a scheme or with a slash in its password."""
    rest = re.sub(r"^\w[\w+.-]*://", "", url)
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in place:
        return place.rpartition("@")[0]
    # What begins like a host, with or without a port, is one: the rest is a path.
    begins_with_host = re.fullmatch(r"[\w.-]+(?::\d*)?|\[[0-9A-Fa-f:.]*\](?::\d*)?", place)
    return "" if begins_with_host else rest.rpartition("@")[0]


def _variable(name: str) -> str:
    try:
        return os.environ.get(name, "").strip()
    except ValueError:
        return ""  # of an edited state: no name at all


_LONG: Final = 16
"""A known secret of as many characters is kept out also within a longer word."""
_LINE_BREAKS: Final = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BLANKS: Final = r"(?:\s|\+|\\{1,4}[nrt]|%(?:25){0,8}(?:0[aAdD9]|20))*"
_NAME_BEGINS: Final = r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\u00[0-9A-Fa-f]{2}))"
_ENTITIES: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


def _in_any_spelling(text: str) -> str:
    """Return a pattern of a text: each character raw, or encoded for URLs (at any depth), JSON, Python or HTML."""
    return "".join(
        _BLANKS[:-1] + "+" if character == " " else character if _plain(character) else _spellings_of(character)
        for character in re.sub(r"\s+", " ", text)
    )


def _plain(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


@functools.lru_cache(maxsize=256)
def _spellings_of(character: str) -> str:
    octets = character.encode("utf-8", "replace")
    spellings = [
        rf"\\{{0,8}}{re.escape(character)}",
        "".join(rf"%(?:25){{0,8}}(?i:{octet:02x})" for octet in octets),
        "".join(rf"\\{{1,4}}x(?i:{octet:02x})" for octet in octets),
        rf"&#(?:0{{0,4}}{ord(character)}|[xX]0{{0,4}}(?i:{ord(character):x}));",
    ]
    units = character.encode("utf-16-be", "replace").hex()
    spellings.append("".join(rf"\\{{1,4}}u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)))
    if len(octets) == 2 and ord(character) < 0x100:
        spellings.append(rf"\\{{1,4}}x(?i:{ord(character):02x})")
    if character in _ENTITIES:
        spellings.append(f"&{_ENTITIES[character]};")
    return f"(?:{'|'.join(spellings)})"


def _in_base64(secret: str) -> set[str]:
    """Return what a text in base64 has in it where the secret, or the secret after other characters, was encoded."""
    value = secret.strip().encode("utf-8", "replace")
    found = set()
    for before in range(3):
        # The characters at both ends also depend on what stands before and after the secret.
        bits = 8 * (before + len(value))
        core = base64.b64encode(b"\0" * before + value + b"\0\0").decode()[-(-8 * before // 6) : bits // 6]
        found |= {core, core.translate(str.maketrans("+/", "-_"))} if len(core) >= _SHORTEST else set()
    return found


@functools.lru_cache(maxsize=512)
def _clues(secret: str) -> tuple[str, ...]:
    """Return texts of which at least one is in any text that has the secret in any spelling.

    They spare the pattern, which takes 30 ms to compile for a token of 1,000 characters: every guard of a process may
    have a token of its own, and no thread runs meanwhile.
    """
    # Letters and digits are never encoded, except in base64.
    stretches = (max(re.findall(r"[A-Za-z0-9_]+", line), key=len, default="") for line in _lines(secret))
    return tuple(sorted({*stretches, *_in_base64(secret)}))


def _lines(secret: str) -> list[str]:
    """Return the lines of a secret as they are printed, without empty ones."""
    lines = [printable(line).strip() for line in _LINE_BREAKS.split(secret)]
    return [line for line in lines if line]


@functools.lru_cache(maxsize=64)
def _spelled_out(secret: str) -> re.Pattern[str]:
    """Return a pattern of a secret in the spellings in which programs repeat it."""
    spellings: list[str] = []
    # A value with a line break inside is printed with it, escaped, or joined by a blank, and in parts. The words of a
    # line are not parts: those of a passphrase stand in ordinary sentences.
    lines = _lines(secret)
    if len(lines) > 1:
        spellings.append(_BLANKS.join(map(_in_any_spelling, lines)))
    for line in lines:
        if len(line) >= _SHORTEST:
            spelling = _in_any_spelling(line)
            # A short value may be a word that is part of an ordinary name.
            spellings.append(spelling if len(line) >= _LONG else rf"{_NAME_BEGINS}(?:{spelling})(?![\w-])")
    spellings += map(re.escape, _in_base64(secret))
    # Of a secret that is mostly blanks nothing may be left: that matches nowhere.
    return re.compile("|".join(spellings) or r"(?!)")


# Forms. A sign that a URL may percent-encode is matched at any depth: "=" is also %3D, %253D, %25253D.
#
# A service's answer may be made to take long to search. So that the time grows with the length and not with its square,
# a repeat without a bound stands only where nothing after it is required: what it has consumed is not searched again.


def _sign(sign: str) -> str:
    return f"(?:{re.escape(sign)}|%(?:25){{0,8}}{ord(sign):02X})"


def _spelled(*names: str) -> str:
    """Names of which the words may be joined by -, _ or nothing: x-amz-security-token, XAmzSecurityToken."""
    return "|".join("[-_]?".join(name.split()) for name in names)


_BEGINS: Final = (
    r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-F]{2})|(?<=25[0-9A-F]{2})|(?<=u00[0-9A-F]{2})|(?<=\\x[0-9A-F]{2})|(?<=HTTP_)|"
    r"(?<=x-ms-)|(?<=x-))"
)
_AND: Final = rf"(?:{_sign('&')}|\\{{1,4}}(?:u00|x)26)"
_EQUALS: Final = rf"(?:{_sign('=')}|\\{{1,4}}(?:u00|x)3d|&#0{{0,4}}61;|&#x0{{0,4}}3d;|&equals;)"
_QUOTE: Final = r"(?:\\{0,3}[\"']|%(?:25){0,8}2[27])?"
_BLANK: Final = r"(?:\s|%(?:25){0,8}20){0,8}"
_VALUE: Final = rf"(?:(?!{_AND})(?:[^\s\"'<>\\]|\\{{1,4}}(?:/|u00[0-9a-f]{{2}})))+"
_PROSE: Final = (
    r"(?-i:(?:[a-z]{1,11}\s{1,8})?(?:is|are|was|were|has|must|not|by|for|to|cannot|missing|required|invalid|denied|expired|"
    r"failed)(?![\w-]))"
)
"""How a sentence goes on after the name of a secret and a colon."""
# "Name: value", "name=value", <name>value, "name": ["value"], and as Python shows headers: b'name': b'value',
# ('name', 'value').
_SEPARATOR: Final = (
    rf"(?:{_QUOTE}{_BLANK}(?:{_sign(':')}|{_EQUALS}|>(?!\s)|&gt;){_BLANK}|[\"']\s{{0,8}},\s{{0,8}})(?:\[(?=\\{{0,3}}[\"']))?"
    r"(?:b(?=[\"']))?"
)
_QUOTED: Final = r"(?P<quote>\\{0,3}[\"'])(?:(?!(?P=quote))(?:\\{3}[\"']|\\[\s\S]|[^\\]))+"
_SECRET: Final = rf"(?:{_QUOTED}|(?!{_PROSE}){_QUOTE}{_VALUE})"
_SCHEMES: Final = (
    "Bearer|Basic|Digest|Negotiate|NTLM|Token|Key|Api-?Key|OAuth|Hawk|Signature|SharedKeyLite|SharedKey|"
    "SharedAccessSignature|EndpointKey|DPoP|AWS4-HMAC-SHA256"
)
_PIECE: Final = rf"(?:[\w-]{{1,64}}=\\?[\"'][^\"'\n\\]{{0,1024}}\\?[\"'][,;]?|{_VALUE})"
_WORD: Final = r"(?-i:[A-Z]?[a-z]{0,30}[.,;:!?)]?(?![^\s]))"
_HEADERS: Final = _spelled(
    "x amz security token",
    "x amz signature",
    "x aws ec2 metadata token",
    "ocp apim subscription key",
    "subscription key",
    "api key",
    "functions key",
    "identity header",
)
_PARAMETERS: Final = _spelled(
    "sig",
    "signature",
    "x amz signature",
    "x amz security token",
    "x amz credential",
    "aws access key id",
    "aws secret access key",
    "aws session token",
    "secret access key",
    "session token",
    "security token",
    "subscription key",
    "api key",
    "account key",
    "access token",
    "refresh token",
    "id token",
    "auth token",
    "client secret",
    "client assertion",
    "web identity token",
    "saml assertion",
    "shared access signature",
    "shared access key",
    "secret key",
    "sso bearer token",
    "password",
    "passphrase",
)


@functools.cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return each form, and what is shown instead. Not at import: to compile them takes longer than to import this."""
    return (
        # The credentials after the scheme and their parameters, up to the next word of a sentence.
        (
            re.compile(
                rf"(?i){_BEGINS}((?:proxy[-_]?)?authorization{_SEPARATOR})(?!{_BLANK}…)"
                rf"(?:{_QUOTED}|(?!{_PROSE}){_QUOTE}(?:(?:{_SCHEMES})\s{{1,8}}(?!{_PROSE}))?{_PIECE}"
                rf"(?:[^\S\n]{{1,8}}(?!{_WORD}){_PIECE})*)"
            ),
            r"\1\g<quote>…",
        ),
        # All cookies, not the first alone.
        (
            re.compile(
                rf"(?i){_BEGINS}((?:set[-_]?)?cookie{_SEPARATOR})"
                rf"(?:{_QUOTED}|(?!{_PROSE}){_QUOTE}{_VALUE}(?:(?<=;)[^\S\n]{{1,8}}{_VALUE})*)"
            ),
            r"\1\g<quote>…",
        ),
        (re.compile(rf"(?i){_BEGINS}((?:{_HEADERS}|{_PARAMETERS}){_SEPARATOR}){_SECRET}"), r"\1\g<quote>…"),
        # As text between quotes it may have anything in it, blanks as well.
        (
            re.compile(rf"(?i)(\\{{0,3}}[\"'](?:access_?key|key[12])\\{{0,3}}[\"']\s{{0,8}}:\s{{0,8}}){_QUOTED}"),
            r"\1\g<quote>…",
        ),
        # The answer of another listKeys: {"keyName": "key1", "value": "…"}.
        (
            re.compile(
                rf"(?i)([\"']key_?name\\{{0,3}}[\"']\s{{0,8}}:[^{{}}]{{1,200}}?[\"']value{_SEPARATOR}){_QUOTED}"
            ),
            r"\1\g<quote>…",
        ),
        # A scheme without its header, but not in a sentence: "Basic authentication".
        (
            re.compile(
                r"(?i)\b(Bearer|Basic|SharedKey|SharedKeyLite|AWS4-HMAC-SHA256)(\s{1,8})(?=\S{8})(?-i:(?![a-z]{1,64}(?:[\s,.;]|$)))"
                r"[\w.~+/=,:-]+"
            ),
            r"\1\2…",
        ),
        # A JSON web token, wherever it stands.
        (re.compile(r"\beyJ[\w-]{8,1024}\.[\w-]{8,}(?:\.[\w-]*)?"), "…"),
        # A user name and password in a URL.
        (re.compile(rf"(?i)({_sign(':')}{_sign('/')}{{2}})[^\s\"'<>\\/?#]{{1,512}}{_sign('@')}"), r"\1…@"),
    )


_TELLTALE: Final = re.compile(
    r"(?i)[=@]|%(?:25){0,8}(?:3D|40)|u003d|x3d|&#|&equals|[\"']\s{0,8}[:,]|authorization|amz|metadata|subscription|key|token|secret|sig|"
    r"credential|assertion|pass|identity|cookie|bearer|basic|sharedkey|aws4|eyj"
)
"""What is in every text that has one of the forms: most texts have none of it, and are not searched further."""

# Of an escape sequence only the part that steers a terminal's colours and cursor is taken out, never a text after it:
# whoever chose a job's name could hide the rest of a line otherwise.
_COLOURS: Final = re.compile(r"(?:\x1b\[|\x9b)[0-9;:?]{0,32}[ -/]{0,2}[@-~]")
_HIDDEN: Final = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    r"\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Characters that are not seen and change what is: the direction of writing, above all."""


_JOINERS: Final = re.compile(r"(?<=[!-~])[\u200c\u200d\ufe00-\ufe0f]+(?!\u20e3)")
"""Characters that join letters of other scripts and emoji, where they join nothing and may divide a secret."""


def printable(text: str) -> str:
    """Return ``text`` without escape sequences, control characters and what turns the direction of writing.

    Line breaks and tabs stay. What cannot be encoded becomes U+FFFD, the replacement character.
    """
    if text.isascii() and text.isprintable():
        return text
    text = "".join(map(_shown, _HIDDEN.sub("", _COLOURS.sub("", text))))
    return _JOINERS.sub("", text)


def _shown(character: str) -> str:
    if character in "\n\t":
        return character
    if character in "\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    category = unicodedata.category(character)
    return "\ufffd" if category == "Cs" else "" if category == "Cc" else character
