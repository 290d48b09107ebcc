"""What the environment overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.environment import (
    ON_DELETE,
    RECEIPTS,
    TIMEOUT,
    UNDECIDED,
    Overrides,
    read_environment,
    refuse_unknown_names,
)
from translation_job_guard.teardown import Mode


def test_nothing_is_overridden_by_default() -> None:
    """Unset and blank are the same."""
    assert read_environment("guard", {}) == Overrides()
    assert read_environment("guard", {ON_DELETE: " ", TIMEOUT: "", RECEIPTS: "  "}) == Overrides()


@pytest.mark.parametrize("mode", Mode)
def test_one_mode_is_for_all_guards(mode: Mode) -> None:
    """Whatever their names."""
    for name in ("guard", "other", ""):
        assert read_environment(name, {ON_DELETE: f" {mode.value} "}).mode is mode


def test_names_choose_among_guards() -> None:
    """A guard that is not named keeps its own mode."""
    environment = {ON_DELETE: "guard=drain, other = ignore"}
    assert read_environment("guard", environment).mode is Mode.DRAIN
    assert read_environment("other", environment).mode is Mode.IGNORE
    assert read_environment("third", environment).mode is None
    assert read_environment("guar", environment).mode is None
    assert read_environment("guard", {ON_DELETE: "other=ignore"}).mode is None


def test_a_guard_may_be_named_with_its_stack() -> None:
    """As the output names it; the longer name wins, whatever the order."""
    for text in ("dev/guard=ignore,guard=drain", "guard=drain,dev/guard=ignore"):
        assert read_environment("guard", {ON_DELETE: text}, stack="dev").mode is Mode.IGNORE
        assert read_environment("guard", {ON_DELETE: text}, stack="prod").mode is Mode.DRAIN
        assert read_environment("guard", {ON_DELETE: text}).mode is Mode.DRAIN


def test_a_guard_that_is_not_named_knows_who_is() -> None:
    """To say so: its jobs are stopped although somebody may have meant it."""
    environment = {ON_DELETE: "job=ignore,dev/other=drain"}
    assert read_environment("jobs", environment, stack="dev").only_for == ("job", "dev/other")
    assert read_environment("job", environment, stack="dev").only_for == ()
    assert read_environment("other", environment, stack="dev").only_for == ()
    assert read_environment("jobs", {ON_DELETE: "drain"}).only_for == ()


def test_a_name_that_is_no_guards_is_an_error() -> None:
    """For those who know all names; the names that exist are given."""
    guards = [("dev", "jobs"), ("prod", "batches"), ("", "old")]
    for text in ("drain", "jobs=drain", "dev/jobs=drain,batches=ignore,old=fail", ""):
        refuse_unknown_names(guards, {ON_DELETE: text})
    for text in ("job=ignore", "jobs=drain,prod/jobs=ignore"):
        with pytest.raises(InvalidArgument, match=r"no guard has that name.*dev/jobs, prod/batches, old"):
            refuse_unknown_names(guards, {ON_DELETE: text})
    with pytest.raises(InvalidArgument, match="there is no guard"):
        refuse_unknown_names([], {ON_DELETE: "job=ignore"})
    with pytest.raises(InvalidArgument, match=f"{ON_DELETE} is not valid"):
        refuse_unknown_names(guards, {ON_DELETE: "jobs=stop"})


def test_undecided_batches_can_be_left() -> None:
    """Only by the word for it; "fail" is what a guard does anyway."""
    assert read_environment("guard", {UNDECIDED: " leave "}).leave_undecided is True
    assert read_environment("guard", {UNDECIDED: "fail"}).leave_undecided is False
    for text in ("yes", "LEAVE", "1"):
        with pytest.raises(InvalidArgument, match=f"^{UNDECIDED} is not valid; expected"):
            read_environment("guard", {UNDECIDED: text})


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "CANCEL",
        "guard=stop",
        "=cancel",
        "guard=",
        "cancel,ignore",
        "guard=cancel,ignore",
        "guard=cancel,",
        ",",
        "guard==ignore",
        "guard=ignore;x=drain",
        "guard;x=drain",
        "a=b=fail",
    ],
)
def test_a_mode_that_cannot_be_used_is_an_error_for_every_guard(text: str) -> None:
    """Taken for nothing, it would stop jobs that somebody wanted to keep."""
    for name in ("guard", "other"):
        with pytest.raises(InvalidArgument, match=f"^{ON_DELETE} is not valid; expected a mode"):
            read_environment(name, {ON_DELETE: text})


def test_a_timeout_is_a_duration() -> None:
    """As in the program."""
    assert read_environment("guard", {TIMEOUT: "1h30m"}).timeout == 5400
    assert read_environment("guard", {TIMEOUT: "90"}).timeout == 90


@pytest.mark.parametrize("text", ["soon", "-1", "0", "0s", "nan"])
def test_a_timeout_that_cannot_be_used_is_an_error(text: str) -> None:
    """The variable is named, with the remedy."""
    with pytest.raises(InvalidArgument, match=f"^{TIMEOUT} is not a valid (duration|timeout); expected"):
        read_environment("guard", {TIMEOUT: text})


def test_receipts_go_to_a_directory() -> None:
    """Whether it exists is asked when one is written."""
    assert read_environment("guard", {RECEIPTS: "somewhere/receipts"}).receipts == Path("somewhere/receipts")


def test_the_environment_is_the_one_of_this_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delete uses today's, and tests can set it."""
    monkeypatch.setenv(ON_DELETE, "ignore")
    assert read_environment("guard").mode is Mode.IGNORE
    monkeypatch.delenv(ON_DELETE)
    assert read_environment("guard").mode is None
