"""Stops in-flight batch translation jobs before Pulumi takes away what they need."""

from translation_job_guard._version import __version__

__all__ = ["__version__"]
