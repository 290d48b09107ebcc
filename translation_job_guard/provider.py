"""The dynamic providers: between Pulumi and ``lifecycle``, and nothing more.

Import-pure: an instance is pickled into the state by reference (module, name), so this module's path and the classes'
names are a stored format. An instance holds nothing.
"""

from __future__ import annotations

import contextlib
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, TypeVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown as PulumiUnknown

from translation_job_guard.errors import GuardError, UnexpectedError
from translation_job_guard.guard import lifecycle
from translation_job_guard.guard.arguments import GuardArguments, missing_packages, problems, read
from translation_job_guard.guard.changes import Answer, decide
from translation_job_guard.guard.environment import ON_DELETE, overrides
from translation_job_guard.guard.progress import Voice, label, one_line
from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, named
from translation_job_guard.redaction import redact
from translation_job_guard.teardown import Mode

__all__ = ["AmazonTranslateJobGuardProvider", "AzureDocumentTranslationJobGuardProvider"]

_T = TypeVar("_T")

_announced: set[str] = set()
"""The guards whose replacement was announced by this process."""


class _GuardProvider(ResourceProvider):
    # There is nothing secret in a reference to a class; as a secret it could not be compared or read in a state.
    serialize_as_secret_always = False
    _service: ClassVar[str]

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """All that is wrong with the new properties, at once. The old ones are never checked again."""
        found = _told(news, lambda: problems(self._service, _known(news)))
        # Under a property's own name Pulumi would print its value, secrets included: hence the empty name.
        failures = [CheckFailure("", f"{problem.path} {problem.reason}.") for problem in found]
        # Missing in preview, they would be missing in `up` as well.
        if missing := missing_packages(self._service):
            failures.append(CheckFailure("", f"{missing}."))
        return CheckResult(news, failures)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """What ``decide`` says, and one line about the jobs that a replacement or a narrower scope would stop."""
        known = _known(news)
        decision = _told(news, lambda: decide(_known(olds), known))
        if decision.answer is Answer.REPLACE:
            self._announce(id_, "a replacement", olds)
        elif decision.answer is Answer.UPDATE and olds.get("scope") != known.get("scope"):
            self._announce(id_, "the changed scope", olds, known)
        if decision.unprotected:
            _say_unprotected(id_, olds, decision.unprotected)
        return DiffResult(
            changes=decision.answer is not Answer.KEEP,
            replaces=list(decision.because),
            delete_before_replace=decision.delete_first,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Prove that the guard can do its work; starts and stops nothing."""
        account = _told(props, lambda: lifecycle.prove(self._read(props)))
        # New for each creation: a create-first replacement has two guards at once.
        return CreateResult(f"guard-{uuid.uuid4().hex[:12]}", self._outputs(props, account))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Stop what a changed scope leaves behind; refuse credentials that lead to another account."""

        def work() -> str:
            old, new = self._read(olds), self._read(news)
            moved = self._may_lead_elsewhere(old, new)
            account = lifecycle.verify_move(old, new) if moved else old.connection.account_id
            lifecycle.stop_left_behind(old, new)
            return account or ""

        return UpdateResult(self._outputs(news, _told(news, work)))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """The teardown of the properties in the state."""
        _told(props, lambda: self._tear_down(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What is stored: nothing of a guard changes by itself."""
        return ReadResult(id_, props)

    def _tear_down(self, props: Mapping[str, Any]) -> None:
        try:
            guard = self._read(props)
        except Exception as error:
            if _mode(props) != Mode.IGNORE.value:
                raise
            # The way out of a state that nobody can read any more, too.
            said = error if isinstance(error, GuardError) else type(error).__name__
            Voice(_label(props)).say(f"mode ignore: could not look what is left ({said}); going on")
            return
        lifecycle.tear_down(guard)

    def _read(self, props: Mapping[str, Any]) -> GuardArguments:
        return read(self._service, props)

    # Of the service: an endpoint is an account, and not looked up.

    def _outputs(self, props: Mapping[str, Any], account: str) -> dict[str, Any]:  # noqa: ARG002
        return dict(props)

    def _may_lead_elsewhere(self, old: GuardArguments, new: GuardArguments) -> bool:  # noqa: ARG002
        return False

    def _announce(self, id_: str, what: str, olds: Mapping[str, Any], news: Mapping[str, Any] | None = None) -> None:
        if id_ in _announced:
            return
        _announced.add(id_)
        # A preview must not fail for a line of it: whatever is wrong, or not known yet, shows where it counts.
        with contextlib.suppress(Exception):
            guard, new = self._read(olds), None if news is None else self._read(news)
            if new is not None and set(guard.scopes) <= set(new.scopes):
                return
            meets = lifecycle.in_flight(guard, new, within=5.0)
            voice = Voice(label(guard.stack, guard.name), guard.connection.secret_env)
            does, would_do = _REPLACEMENT[overrides(guard.name, stack=guard.stack).mode or (new or guard).options.mode]
            where = "its scope" if new is None else "what it leaves behind"
            if meets is None:
                voice.say(f"{what} would {would_do} {where}; which are in flight could not be found out")
                return
            undecided = f"; {len(meets.undecided)} in flight are undecided" if meets.undecided else ""
            if meets.jobs:
                voice.say(f"{what} {does} {len(meets.jobs)} jobs in flight: {named(meets.jobs, most=3)}{undecided}")
            elif new is None:
                voice.say(f"{what} stops nothing: no job in its scope is in flight{undecided}")
            elif undecided:
                voice.say(f"{what} leaves no job behind that is known to be its own{undecided}")


_REPLACEMENT: Final = {
    Mode.CANCEL: ("stops", "stop the jobs in"),
    Mode.DRAIN: ("waits for the end of", "wait for the end of the jobs in"),
    Mode.FAIL: ("is refused while there are", "be refused while there are jobs in flight in"),
    Mode.IGNORE: ("leaves", "leave the jobs in"),
}
"""What a replacement or a narrower scope does about jobs in flight, and would do."""


class AmazonTranslateJobGuardProvider(_GuardProvider):
    """The provider of ``AmazonTranslateJobGuard``."""

    _service = AMAZON_TRANSLATE

    def _outputs(self, props: Mapping[str, Any], account: str) -> dict[str, Any]:
        return {**props, "account_id": account}

    def _may_lead_elsewhere(self, old: GuardArguments, new: GuardArguments) -> bool:
        here = old.connection
        source = replace(new.connection, place=here.place, account_id=here.account_id)
        return here.account_id is None or (source, new.expected_account_id) != (here, old.expected_account_id)


class AzureDocumentTranslationJobGuardProvider(_GuardProvider):
    """The provider of ``AzureDocumentTranslationJobGuard``."""

    _service = AZURE_DOCUMENT_TRANSLATION


def _say_unprotected(id_: str, olds: Mapping[str, Any], urns: Sequence[str]) -> None:
    key = f"{id_} unprotected"
    if key in _announced:
        return
    _announced.add(key)
    key_env = olds.get("key_env")
    voice = Voice(
        label(str(olds.get("stack") or ""), str(olds.get("name") or "guard")),
        key_env if isinstance(key_env, str) else None,
    )
    names = ", ".join(" ".join(urn.split("::", 3)[-2:]) for urn in urns)
    voice.say(f"no longer protected: {names}. From now on jobs are not stopped before it is deleted or replaced")


def _known(value: Any) -> Any:
    """``value`` with this package's ``UNKNOWN`` for Pulumi's, at any depth."""
    if isinstance(value, PulumiUnknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return value


def _label(props: Mapping[str, Any]) -> str:
    return label(str(props.get("stack") or ""), str(props.get("name") or "guard"))


def _mode(props: Mapping[str, Any]) -> Any:
    """The mode of stored properties that cannot be read, if need be by the environment."""
    chosen = overrides(str(props.get("name") or ""), stack=str(props.get("stack") or ""))
    return chosen.mode.value if chosen.mode is not None else props.get("on_delete")


def _told(props: Mapping[str, Any], work: Callable[[], _T]) -> _T:
    """``work``'s result. Pulumi shows a provider's exception as a traceback: keep it to one line that says it all.

    Raises:
        GuardError: whatever went wrong, without secrets; the guard's name comes first.
    """
    try:
        return work()
    except GuardError as error:
        failure = error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        failure = UnexpectedError(error, "the guard's work", _REMEDY)
    key_env = props.get("key_env")
    text = f"[{_label(props)}] {redact(str(failure), key_env if isinstance(key_env, str) else None)}"
    failure.args = (one_line(text), *failure.args[1:])
    _shorten_tracebacks()
    # Not within the handler, and from None: Pulumi would print the inner exceptions too, as they are.
    raise failure.with_traceback(None) from None


_REMEDY: Final = (
    f"Run the same command again; if it fails again, {ON_DELETE}=ignore lets a destroy go on without looking "
    "(docs/runbook.md). Please report this."
)


def _shorten_tracebacks() -> None:
    """Let Pulumi print an error as its one line, without nine lines of where in its own code it was raised.

    Only in the process that Pulumi starts for dynamic resources, and only once a guard has failed there: from then on
    the errors of the stack's other dynamic resources are printed without their tracebacks too.
    """
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    if main is not None and main.name == "pulumi.dynamic.__main__":
        sys.tracebacklimit = 0
