"""The command line ``translation-job-guard``. Programs may rely on its output and its exit codes."""

from __future__ import annotations

import gc

__all__ = ["main"]


def main() -> None:
    """Run the command line; the entry point of the package."""
    # A command is short, and modules and parsed JSON, which are most of what it allocates, are no garbage.
    gc.set_threshold(100_000)
    from translation_job_guard.cli.app import run

    run()
