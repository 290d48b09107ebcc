"""Write to standard output and standard error. A reader that has gone away is no error."""

from __future__ import annotations

import os
import sys

from translation_job_guard.redaction import redact

__all__ = ["abandon_stdout", "say", "write_out"]


def write_out(text: str) -> None:
    """Write to standard output; nothing more is written once its reader has gone."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        abandon_stdout()


def abandon_stdout() -> None:
    """Send what is still to come nowhere, so that the interpreter does not complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def say(text: str) -> None:
    """One line to the person at the terminal, on standard error, without secrets."""
    try:
        print(redact(text), file=sys.stderr, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
