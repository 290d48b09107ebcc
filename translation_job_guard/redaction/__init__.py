"""Keep secrets and control characters out of everything that leaves: lines, errors, receipts, results and logs.

Every text goes through this one redactor. It removes, in this order:

1. control characters and escape sequences (``printable``), so that none can hide a secret or reach a terminal;
2. known secrets in any spelling (``characters``): values of environment variables, the passwords in proxy and endpoint
   URLs of the environment, and what ``remember_secret`` was given at run time (fetched keys, bearer tokens, temporary
   credentials of AWS);
3. what has the form of a secret (``forms``): headers in any spelling, signatures and tokens in URLs, forms and JSON at
   any depth of percent-encoding, and user names and passwords in URLs.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote

from translation_job_guard.redaction.characters import SHORTEST, clues_of, pattern_of, printable
from translation_job_guard.redaction.forms import without_forms

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
"""Variables whose values appear in errors, and may hold a user name and a password."""
_EXCERPT: Final = 2_000
"""Characters of what a service said that an error repeats: a proxy's page may be long."""
_AT_MOST: Final = 16_384
"""Characters of a redacted text. What a service answers may be of any length."""
_MARGIN: Final = 16_384
"""Characters that are searched beyond that, and not shown: half of a secret is not recognised."""
_REMEMBERED_AT_MOST: Final = 200

_remembered: dict[str, None] = {}
_variables: dict[str, None] = {}
_lock = threading.Lock()


def redactor(*key_envs: str | None) -> Callable[[str], str]:
    """Return a function that redacts texts. It looks up the secrets once, for many texts.

    Args:
        *key_envs: more environment variables that hold a secret.
    """
    known = [(clues_of(secret), secret) for secret in _secrets(key_envs)]

    def clean(text: str) -> str:
        if len(text) <= _AT_MOST + _MARGIN:
            return _cut(searched(text), _AT_MOST)
        # The end may be half of a secret, so the margin is dropped after the search.
        return _cut(searched(text[: _AT_MOST + _MARGIN])[:-_MARGIN] + "…", _AT_MOST)

    def searched(text: str) -> str:
        text = printable(text)
        for clues, secret in known:
            if any(clue in text for clue in clues):
                text = pattern_of(secret).sub("…", text)
        return without_forms(text)

    return clean


def redact(text: str, key_env: str | None = None) -> str:
    """Return ``text`` without secrets and control characters; line breaks and tabs stay.

    Args:
        text: any text.
        key_env: one more environment variable that holds a secret.
    """
    return redactor(key_env)(text)


def excerpt(text: str, most: int = _EXCERPT) -> str:
    """Return the beginning of what a service said, in one line and without secrets.

    The cut comes after the search for secrets: half of a secret is not recognised, and is half of a secret.

    Args:
        text: what the service said.
        most: the largest number of characters to return.
    """
    return _cut(" ".join(redact(text).split()), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def remember_secret(value: str | bytes | None) -> None:
    """Keep ``value`` out of everything that this process says from now on.

    This is for secrets that no environment variable holds: a key that was fetched, a bearer token, the secret key and
    session token of a profile, of SSO or of an assumed role. None and values too short for a secret are ignored.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not text or len(text.strip()) < SHORTEST:
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
    """Check whether what should be a variable's name is a key: at least 32 letters and digits."""
    return bool(re.fullmatch(r"[0-9A-Fa-f]{32}|(?=.*\d)[A-Za-z0-9]{32,}", text))


def _secrets(key_envs: Iterable[str | None]) -> tuple[str, ...]:
    with _lock:
        found = list(_remembered)
        names = [*_VARIABLES, *_variables, *(name for name in key_envs if name)]
    found += [name for name in names if looks_like_key(name)]
    for name in names:
        # Without the line break that a file often ends with, as the key is used.
        if value := _variable(name):
            found.append(value)
    for name in _URL_VARIABLES:
        user_info = _user_info(_variable(name))
        password = user_info.partition(":")[2]
        found += [user_info, password, unquote(password)]
    return tuple(sorted({one for one in found if len(one) >= SHORTEST}, key=lambda one: (-len(one), one)))


def _user_info(url: str) -> str:
    """Return the user name and password of a URL, also of one without a scheme or with a slash in its password."""
    rest = re.sub(r"^\w[\w+.-]*://", "", url)
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in place:
        return place.rpartition("@")[0]
    # What begins like a host, with or without a port, is a host: the rest is a path.
    begins_with_host = re.fullmatch(r"[\w.-]+(?::\d*)?|\[[0-9A-Fa-f:.]*\](?::\d*)?", place)
    return "" if begins_with_host else rest.rpartition("@")[0]


def _variable(name: str) -> str:
    try:
        return os.environ.get(name, "").strip()
    except ValueError:
        return ""  # of an edited state: not a valid name
