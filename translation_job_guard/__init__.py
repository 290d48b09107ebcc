"""Stops in-flight batch translation jobs before Pulumi takes away what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translation_job_guard._version import __version__

if TYPE_CHECKING:
    from translation_job_guard.resource import (
        AmazonTranslateJobGuard,
        AmazonTranslateScope,
        AzureDocumentTranslationJobGuard,
        AzureDocumentTranslationScope,
    )

__all__ = [
    "AmazonTranslateJobGuard",
    "AmazonTranslateScope",
    "AzureDocumentTranslationJobGuard",
    "AzureDocumentTranslationScope",
    "__version__",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of this package's

    def __getattr__(name: str) -> object:
        # Importing Pulumi takes half a second, and the command line and the emulator do without it.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from translation_job_guard import resource

        value = globals()[name] = getattr(resource, name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
