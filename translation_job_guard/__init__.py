"""Stops in-flight batch translation jobs before Pulumi takes away what they need."""

from translation_job_guard._version import __version__
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
