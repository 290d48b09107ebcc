"""Characters: which ones are shown, and how the characters of a known secret may be spelled."""

from __future__ import annotations

import base64
import functools
import re
import unicodedata
from typing import Final

__all__ = ["SHORTEST", "clues_of", "pattern_of", "printable"]

SHORTEST: Final = 8
"""Characters of the shortest secret: a shorter value is not a key, and would blot out half of a text."""

# Of an escape sequence only the part that steers a terminal's colours and cursor is taken out, never a text after it:
# whoever chose a job's name could hide the rest of a line otherwise.
_COLOURS: Final = re.compile(r"(?:\x1b\[|\x9b)[0-9;:?]{0,32}[ -/]{0,2}[@-~]")
_HIDDEN: Final = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    r"\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Invisible characters that change how others appear, above all the direction of writing."""

_JOINERS: Final = re.compile(r"(?<=[!-~])[\u200c\u200d\ufe00-\ufe0f]+(?!\u20e3)")
"""Characters that join letters of other scripts and emoji, where they join nothing and may divide a secret."""


def printable(text: str) -> str:
    """Return ``text`` without escape sequences, control characters and marks that change the direction of writing.

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


_LONG: Final = 16
"""Characters from which on a known secret is removed even within a longer word."""
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
    """Return what base64 makes of a secret, alone or after other characters."""
    value = secret.strip().encode("utf-8", "replace")
    found = set()
    for before in range(3):
        # The characters at both ends also depend on what stands before and after the secret.
        bits = 8 * (before + len(value))
        core = base64.b64encode(b"\0" * before + value + b"\0\0").decode()[-(-8 * before // 6) : bits // 6]
        found |= {core, core.translate(str.maketrans("+/", "-_"))} if len(core) >= SHORTEST else set()
    return found


@functools.lru_cache(maxsize=512)
def clues_of(secret: str) -> tuple[str, ...]:
    """Return strings of which at least one is in every text that has the secret in any spelling.

    Most texts have none of them, and need no pattern. To compile one takes 30 ms for a token of 1,000 characters: every
    guard of a process may have a token of its own, and no thread runs meanwhile.
    """
    # Letters and digits are never encoded, except in base64.
    stretches = (max(re.findall(r"[A-Za-z0-9_]+", line), key=len, default="") for line in _lines(secret))
    return tuple(sorted({*stretches, *_in_base64(secret)}))


def _lines(secret: str) -> list[str]:
    """Return the lines of a secret as they are printed, without empty ones."""
    lines = [printable(line).strip() for line in _LINE_BREAKS.split(secret)]
    return [line for line in lines if line]


@functools.lru_cache(maxsize=64)
def pattern_of(secret: str) -> re.Pattern[str]:
    """Return a pattern that matches a secret in the spellings in which programs repeat it."""
    spellings: list[str] = []
    # A value with a line break inside is printed with it, escaped, or joined by a blank, and in parts. The words of a
    # line are not parts: those of a passphrase stand in ordinary sentences.
    lines = _lines(secret)
    if len(lines) > 1:
        spellings.append(_BLANKS.join(map(_in_any_spelling, lines)))
    for line in lines:
        if len(line) >= SHORTEST:
            spelling = _in_any_spelling(line)
            # A short value may be a word that is part of an ordinary name.
            spellings.append(spelling if len(line) >= _LONG else rf"{_NAME_BEGINS}(?:{spelling})(?![\w-])")
    spellings += map(re.escape, _in_base64(secret))
    # Nothing may be left of a secret that is mostly blanks: that pattern matches nowhere.
    return re.compile("|".join(spellings) or r"(?!)")
