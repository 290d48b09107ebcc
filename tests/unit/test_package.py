"""What the modules of the package may import; the names that it exports are in test_public."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import translation_job_guard

PULUMI = {"pulumi", "pulumi_aws", "pulumi_azure_native", "pulumi_policy"}
CLOUD = {"boto3", "botocore", "azure"}


def imported_with(statement: str) -> set[str]:
    """The top-level packages that a fresh process has after `statement`."""
    script = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "jobs",
        "teardown.machine",
        "teardown.runner",
        "services.amazon",
        "services.azure",
        "guard.changes",
        "guard.lifecycle",
    ],
)
def test_the_core_and_the_services_import_neither_pulumi_nor_a_cloud(module: str) -> None:
    """They are used where Pulumi is not, and an SDK is imported by the guard that needs it."""
    assert not imported_with(f"import translation_job_guard.{module}") & (PULUMI | CLOUD)


def test_the_public_names_import_no_cloud_sdk() -> None:
    """A program with an Azure guard needs no boto3, and the other way round; nor any provider's SDK."""
    found = imported_with("from translation_job_guard import *")
    assert not found & (CLOUD | PULUMI - {"pulumi"})
    assert "pulumi" in found, "the check itself works"


def test_the_provider_module_imports_no_cloud_sdk() -> None:
    """The pickled reference to it is loaded by every dynamic resource of a stack."""
    assert not imported_with("import translation_job_guard.provider") & CLOUD


def test_the_package_has_a_version_and_type_information() -> None:
    """PEP 440, and PEP 561."""
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+|\.dev\d+)?", translation_job_guard.__version__)
    marker = f"{translation_job_guard.__path__[0]}/py.typed"
    with open(marker, encoding="utf-8"):  # noqa: PTH123 - it is there
        pass
