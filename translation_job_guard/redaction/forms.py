"""What has the form of a secret: headers, parameters, tokens, and user names and passwords in URLs.

A sign that a URL may percent-encode is matched at any depth: "=" is also %3D, %253D, %25253D.

A service's answer may be made to take long to search. The time must grow with the length and not with its square, so a
repeat without a bound stands only where nothing after it is required: what it has consumed is not searched again.
"""

from __future__ import annotations

import functools
import re
from typing import Final

__all__ = ["TELLTALE", "forms", "without_forms"]


def without_forms(text: str) -> str:
    """Return a text without what has the form of a secret."""
    if TELLTALE.search(text):
        for form, shown in forms():
            text = form.sub(shown, text)
    return text


def _sign(sign: str) -> str:
    return f"(?:{re.escape(sign)}|%(?:25){{0,8}}{ord(sign):02X})"


def _spelled(names: str) -> str:
    """Return a pattern of names whose words are joined by -, _ or nothing: x-amz-security-token, XAmzSecurityToken."""
    return "|".join("[-_]?".join(name.split()) for name in names.split(", "))


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
"""How a sentence continues after the name of a secret and a colon."""
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
    "x amz security token, x amz signature, x aws ec2 metadata token, ocp apim subscription key, "
    "subscription key, api key, functions key, identity header"
)
_PARAMETERS: Final = _spelled(
    "sig, signature, x amz signature, x amz security token, x amz credential, aws access key id, "
    "aws secret access key, aws session token, secret access key, session token, security token, "
    "subscription key, api key, account key, access token, refresh token, id token, auth token, client secret, "
    "client assertion, web identity token, saml assertion, shared access signature, shared access key, "
    "secret key, sso bearer token, password, passphrase"
)


@functools.cache
def forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return each form, and what is shown instead. Not at import time: compiling them takes longer than the import."""
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
        # Between quotes it may contain anything, blanks as well.
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
        # A scheme without its header, except in a sentence: "Basic authentication".
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


TELLTALE: Final = re.compile(
    r"(?i)[=@]|%(?:25){0,8}(?:3D|40)|u003d|x3d|&#|&equals|[\"']\s{0,8}[:,]|authorization|amz|metadata|subscription|key|token|secret|sig|"
    r"credential|assertion|pass|identity|cookie|bearer|basic|sharedkey|aws4|eyj"
)
"""Part of every text that has one of the forms. Most texts have no such part, and are not searched further."""
