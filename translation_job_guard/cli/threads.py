"""The command line's name for ``translation_job_guard.threads``."""

from __future__ import annotations

from translation_job_guard.threads import each

__all__ = ["each"]
