"""The names that the package gives, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import translation_job_emulator
import translation_job_guard
import translation_job_guard.emulator

NAMES = {
    "AmazonTranslateJobGuard",
    "AmazonTranslateScope",
    "AzureDocumentTranslationJobGuard",
    "AzureDocumentTranslationScope",
    "__version__",
}


def test_the_public_names_are_exactly_these() -> None:
    """Each of them can be had, `dir` shows it, and nothing else is public."""
    assert set(translation_job_guard.__all__) == NAMES
    assert set(dir(translation_job_guard)).issuperset(NAMES)
    assert all(getattr(translation_job_guard, name) is not None for name in NAMES)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    """A lazy module still refuses what it does not have."""
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        translation_job_guard.Nonsense  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("translation_job_guard", ("pulumi", "boto3", "azure")),
        ("translation_job_guard.guard.lifecycle", ("pulumi", "boto3", "azure")),
        ("translation_job_guard.resource", ("boto3", "azure")),
    ],
)
def test_importing_loads_no_more_than_it_needs(imported: str, absent: tuple[str, ...]) -> None:
    """SDKs are loaded when they are used."""
    script = f"import sys, {imported}; print([one for one in {absent!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported_in_a_fresh_process() -> None:
    """`from translation_job_guard import …` works, although nothing is loaded before."""
    script = f"from translation_job_guard import {', '.join(sorted(NAMES))}"
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)


def test_the_emulators_names_are_those_of_its_own_package() -> None:
    """`translation_job_guard.emulator` was documented first; it can also still be run."""
    names = translation_job_guard.emulator.__all__
    assert set(names) == set(translation_job_emulator.__all__) - {"__version__"}
    for name in names:
        assert getattr(translation_job_guard.emulator, name) is getattr(translation_job_emulator, name)
    run = [sys.executable, "-m", "translation_job_guard.emulator", "--help"]
    assert "--stop-latency" in subprocess.run(run, capture_output=True, text=True, timeout=60, check=True).stdout
