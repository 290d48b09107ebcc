"""Outputs compared with files. ``UPDATE_GOLDEN=1`` writes them anew, for a person to read the difference."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["check_golden", "normalised"]


def normalised(text: str, url: str) -> str:
    """``text`` without what differs from run to run: the emulator's port, moments, closing spaces."""
    # As long as the real one, so that columns stay where they are.
    host = urlsplit(url).netloc
    text = text.replace(host, re.sub(r"\d+$", lambda port: "P" * len(port[0]), host))
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-02T03:04:05Z", text)
    text = re.sub(r'"seconds": [\d.]+', '"seconds": 0.1', text)
    text = re.sub(r'"tool": "[^"]*"', '"tool": "0"', text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def check_golden(path: Path, text: str) -> None:
    """Fail unless the file has exactly ``text``."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
