"""Pytest fixtures for tests of your own guards and scopes.

To use them, write ``pytest_plugins = ["translation_job_guard.pytest_plugin"]`` in a conftest. They are not registered
automatically: installing this package must not change anybody's test run.
"""

from __future__ import annotations

import pytest

from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.testing import SimulatedService

__all__ = ["simulated_amazon_translate", "simulated_azure_document_translation"]


@pytest.fixture
def simulated_amazon_translate() -> SimulatedService:
    """Return Amazon Translate in memory, without jobs, on a clock of its own."""
    return SimulatedService(AMAZON_TRANSLATE)


@pytest.fixture
def simulated_azure_document_translation() -> SimulatedService:
    """Return Azure Document Translation in memory, without batches, on a clock of its own."""
    return SimulatedService(AZURE_DOCUMENT_TRANSLATION)
