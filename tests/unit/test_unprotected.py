"""What a diff says of a resource that is only taken out of ``protects``."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.unit.test_decide import BUCKET_URN, OLD_AMAZON, ROLE_URN
from translation_job_guard import provider

_ids = (f"unprotected-{number}" for number in itertools.count())


def _diff(id_: str, protects: Any) -> Any:
    olds = {**OLD_AMAZON, "name": "jobs", "protects": [{"urn": ROLE_URN, "id": "r"}, {"urn": BUCKET_URN, "id": "b"}]}
    news = {name: value for name, value in {**olds, "protects": protects}.items() if name != "account_id"}
    return provider.AmazonTranslateJobGuardProvider().diff(id_, olds, news)


def test_what_is_no_longer_protected_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The engine asks for a diff in preview and in `up`, and more than once."""
    id_ = next(_ids)
    for _ in range(2):
        answer = _diff(id_, [{"urn": BUCKET_URN, "id": "b"}])
        assert (answer.changes, answer.replaces) == (True, [])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("[dev/jobs] no longer protected: aws:iam/role:Role role. ")
    assert "bucket" not in line


@pytest.mark.parametrize("id_", ["r", "r-2"])
def test_a_rename_is_not_called_unprotected(id_: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is protected under its new name, or replaced."""
    _diff(next(_ids), [{"urn": ROLE_URN + "-renamed", "id": id_}, {"urn": BUCKET_URN, "id": "b"}])
    assert "no longer protected" not in capsys.readouterr().out
