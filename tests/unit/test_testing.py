"""What users are given to test with."""

from __future__ import annotations

import doctest
import subprocess
import sys

import pytest

from translation_job_guard import testing
from translation_job_guard.testing import SimulatedService

pytest_plugins = ["translation_job_guard.pytest_plugin"]


def test_the_examples_of_the_documentation_run() -> None:
    """The example in the module's docstring runs and answers what it says."""
    result = doctest.testmod(testing)
    assert result.attempted > 10
    assert result.failed == 0


def test_the_fixtures_give_an_empty_service_each(
    simulated_amazon_translate: SimulatedService, simulated_azure_document_translation: SimulatedService
) -> None:
    """Each fixture is a service without jobs, on a clock of its own."""
    job = simulated_amazon_translate.add(name="pr-17-manual")
    assert [one.id for one in simulated_amazon_translate.list_in_flight()] == [job.id]
    assert not simulated_azure_document_translation.list_in_flight()
    assert simulated_amazon_translate.clock is not simulated_azure_document_translation.clock


def test_it_needs_neither_pulumi_nor_a_clouds_sdk() -> None:
    """Importing it imports no Pulumi, boto3 or Azure package."""
    code = (
        "import sys, translation_job_guard.testing\n"
        "print([name for name in ('pulumi', 'boto3', 'botocore', 'azure') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_crash_is_swallowed_by_nothing() -> None:
    """A crash is no `Exception`: whatever catches those lets it through."""
    service = SimulatedService()
    service.fail(None, testing.Crash())
    with pytest.raises(testing.Crash):
        testing.tear_down(service, [])
    assert not issubclass(testing.Crash, Exception)
