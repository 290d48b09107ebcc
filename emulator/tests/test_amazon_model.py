"""Checks against botocore's service model."""

from __future__ import annotations

import pytest

from translation_job_emulator.amazon_model import Malformed, compiled, error_status, service_model, violations


def test_every_pattern_of_the_batch_operations_is_understood() -> None:
    """The model's patterns are Java's; every one that a request or an answer can reach compiles without a warning."""
    shapes = [service_model().shape_for(name) for name in service_model().shape_names]
    patterns = {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}
    assert len(patterns) > 5
    for pattern in patterns:
        compiled(pattern)


@pytest.mark.parametrize("name", ["a", "Verträge", "日本語", "a b", "a\u00a0b", "a_b.c:d/e=f+g-h%i@j", "٣"])
def test_job_names_that_aws_takes(name: str) -> None:
    """Letters, digits and spaces of any script, and some signs."""
    assert violations("ListTextTranslationJobs", {"Filter": {"JobName": name}}) == []


@pytest.mark.parametrize("name", ["", "a?", "a\nb", "a\tb", "a*", "😀", "a,b", "a\n"])
def test_job_names_that_aws_does_not_take(name: str) -> None:
    """Other signs, control characters and pictures; a line break at the end does not slip through."""
    assert len(violations("ListTextTranslationJobs", {"Filter": {"JobName": name}})) == 1


def test_all_that_is_wrong_is_said_at_once() -> None:
    """One sentence for each, with the member's path."""
    wrong = violations("StartTextTranslationJob", {"JobName": "", "InputDataConfig": {}})
    assert [sentence.split("'")[-2 if sentence.endswith("'") else 1] for sentence in wrong][:1] == ["outputDataConfig"]
    assert "Value at 'inputDataConfig.s3Uri' failed to satisfy constraint: Member must not be null" in wrong
    assert len(wrong) == 8


@pytest.mark.parametrize("request_", [[], {"JobId": 1}, {"JobId": ["a"]}])
def test_a_wrong_type_is_malformed(request_: object) -> None:
    """It cannot be checked any further."""
    with pytest.raises(Malformed):
        violations("StopTextTranslationJob", request_)


def test_error_statuses_are_the_models() -> None:
    """None for what Translate does not declare."""
    codes = (
        "ResourceNotFoundException",
        "TooManyRequestsException",
        "InternalServerException",
        "AccessDeniedException",
    )
    assert [error_status(code) for code in codes] == [404, 429, 500, None]
