"""Keeps secrets out of whatever a guard says: lines, errors and receipts."""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["redact"]

_SIGNATURE = re.compile(
    r"(?i)(?:\b|(?<=%3f)|(?<=%26))(sig|signature|x-amz-signature|x-amz-security-token)(?:=|%3d)[^&\s\"']+"
)
_NAMED: Final = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_DOCUMENT_TRANSLATION_KEY",
)
_SHORTEST: Final = 8
"""A shorter value of the environment is no key, and would blot out half of a text."""


def redact(text: str, key_env: str | None = None) -> str:
    """``text`` without signatures and without the secrets of this environment.

    Args:
        key_env: one more environment variable that holds a secret.
    """
    text = _SIGNATURE.sub(r"\1=…", text)
    for name in (*_NAMED, key_env):
        # As the key is used: without the line break that a file often ends with.
        value = os.environ.get(name, "").strip() if name else ""
        if len(value) >= _SHORTEST:
            text = text.replace(value, "…")
    return text
