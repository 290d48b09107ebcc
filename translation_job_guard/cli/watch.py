"""``scan --watch``: scan again and again, and show the table live."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console
from rich.live import Live

from translation_job_guard.cli.results import Result
from translation_job_guard.cli.streams import write_out
from translation_job_guard.cli.table import renderable
from translation_job_guard.presentation import cleaned, written
from translation_job_guard.redaction import redact, redactor

__all__ = ["watch"]

_ROOM = 12
"""Lines of a terminal that are not rows of a table."""
_R = TypeVar("_R", bound=Result)


def watch(scan: Callable[[], _R], every: float, key_env: str) -> _R:
    """Scan until nothing is in flight and every place could be looked at.

    On a terminal one table is redrawn; elsewhere each change is a line.

    Args:
        scan: makes one scan.
        every: seconds from one scan to the next.
        key_env: an environment variable whose value is a secret.

    Raises:
        KeyboardInterrupt: the command was interrupted.
    """
    console = Console(highlight=False)
    if console.is_terminal:
        return _live(console, scan, every, key_env)
    said = ""
    while True:
        result = scan()
        page = result.page()
        lead = redact(page.lead.text, key_env)
        if lead != said:
            write_out(f"{written(page.at)} {lead}\n")
            said = lead
        if result.exit_code == 0:
            return result
        time.sleep(every)


def _live(console: Console, scan: Callable[[], _R], every: float, key_env: str) -> _R:
    with Live(console=console, auto_refresh=False, vertical_overflow="visible", redirect_stderr=False) as live:
        while True:
            result = scan()
            page = cleaned(result.page(), redactor(key_env))
            rows = max(5, console.height - _ROOM - len(page.tables[0].rows))
            live.update(renderable(page, console.width, rows), refresh=True)
            sys.stdout.flush()
            if result.exit_code == 0:
                return result
            time.sleep(every)
