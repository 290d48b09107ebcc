"""What each step of Pulumi asks of a guard: check, diff, create, update and delete, over plain properties.

The dynamic provider and the native plugin call these, each inside ``in_one_line``, and add only what their protocol
needs. Values that are not known yet arrive as ``UNKNOWN``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from translation_job_guard.errors import GuardError, UnexpectedError
from translation_job_guard.guard import lifecycle, preview
from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.guard.changes import Decision, decide
from translation_job_guard.guard.environment import ON_DELETE, read_environment
from translation_job_guard.guard.progress import one_line, stored_voice
from translation_job_guard.guard.validation import Problem, missing_packages, problems
from translation_job_guard.redaction import redact
from translation_job_guard.teardown import Mode

__all__ = ["check", "create", "delete", "diff", "in_one_line", "update"]

_T = TypeVar("_T")

_ADVICE: Final = (
    f"Run the same command again; if it fails again, {ON_DELETE}=ignore lets a destroy go on without looking "
    "(docs/runbook.md). Please report this."
)


def check(service: str, news: Mapping[str, Any]) -> list[Problem]:
    """Return every problem of new properties, packages that are not installed included."""
    found = problems(service, news)
    # A package that is missing in preview would be missing in `up` as well.
    if missing := missing_packages(service):
        found.append(Problem("", f"{missing}."))
    return found


def diff(service: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Decision:
    """Decide what a change needs, and print a line about the jobs that it would stop."""
    decision = decide(olds, news)
    preview.announce(service, id_, decision, olds, news)
    return decision


def create(service: str, props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Prove that the guard can do its work, and return its ID and outputs. Starts and stops nothing.

    Raises:
        GuardError: The guard could not do its work from here.
    """
    guard = read(service, props)
    account = lifecycle.prove(guard)
    # New for each creation: a create-first replacement has two guards at once.
    return f"guard-{uuid.uuid4().hex[:12]}", _outputs(guard, props, account)


def update(service: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Stop what a changed scope leaves behind, and return the new outputs.

    Raises:
        GuardError: The new credentials lead to another account, or the jobs did not end.
    """
    old, new = read(service, olds), read(service, news)
    account = lifecycle.verify_move(old, new) if _may_lead_elsewhere(old, new) else old.connection.account_id
    lifecycle.stop_left_behind(old, new)
    return _outputs(new, news, account or "")


def delete(service: str, props: Mapping[str, Any]) -> None:
    """Tear down the guard whose properties are stored. Mode ``ignore`` gets through a state that cannot be read.

    Raises:
        GuardError: The teardown did not reach quiet, or could not tell.
    """
    try:
        guard = read(service, props)
    except Exception as error:
        if _mode_of_unreadable(props) != Mode.IGNORE.value:
            raise
        reason = error if isinstance(error, GuardError) else type(error).__name__
        stored_voice(props).say(f"mode ignore: could not find out what is left ({reason}); continuing")
        return
    lifecycle.tear_down(guard)


def in_one_line(props: Mapping[str, Any], work: Callable[[], _T]) -> _T:
    """Return ``work``'s result; raise its error as one line that begins with the guard's name.

    Raises:
        GuardError: Whatever went wrong, without secrets and without the errors behind it.
    """
    try:
        return work()
    except GuardError as error:
        failure = error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        failure = UnexpectedError(error, "the guard's work", _ADVICE)
    voice = stored_voice(props)
    failure.args = (one_line(redact(f"[{voice.label}] {failure}", voice.key_env)), *failure.args[1:])
    # Not within the handler, and from None: Pulumi would print the inner exceptions too, as they are.
    raise failure.with_traceback(None) from None


def _outputs(guard: GuardArguments, props: Mapping[str, Any], account: str) -> dict[str, Any]:
    return {**props, "account_id": account} if guard.connection.stores_account else dict(props)


def _may_lead_elsewhere(old: GuardArguments, new: GuardArguments) -> bool:
    here = old.connection
    if not here.stores_account:
        return False
    source = replace(new.connection, place=here.place, account_id=here.account_id)
    return here.account_id is None or (source, new.expected_account_id) != (here, old.expected_account_id)


def _mode_of_unreadable(props: Mapping[str, Any]) -> Any:
    chosen = read_environment(str(props.get("name") or ""), stack=str(props.get("stack") or ""))
    return chosen.mode.value if chosen.mode is not None else props.get("on_delete")
