"""Write to standard output and standard error. A reader that has closed them is not an error."""

from __future__ import annotations

import os
import sys

from translation_job_guard.redaction import redact

__all__ = ["abandon_stdout", "say", "write_out"]


def write_out(text: str) -> None:
    """Write to standard output; once its reader has closed it, write nothing more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        abandon_stdout()


def abandon_stdout() -> None:
    """Discard all further output, so that the interpreter does not complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def say(text: str) -> None:
    """Print a line on standard error, without secrets."""
    try:
        print(redact(text), file=sys.stderr, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
