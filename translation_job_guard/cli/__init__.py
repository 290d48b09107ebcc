"""The command line ``translation-job-guard``: what programs may rely on is its output and its exit codes."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """The entry point."""
    from translation_job_guard.cli.app import run

    run()
