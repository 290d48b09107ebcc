"""The dynamic providers: Pulumi's protocol around ``guard.operations``, and nothing more.

Import-pure: an instance is pickled into the state by reference (module, name), so this module's path and the classes'
names are a stored format. An instance holds nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

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

from translation_job_guard.errors import GuardError
from translation_job_guard.guard import operations
from translation_job_guard.guard.changes import Answer
from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION

__all__ = ["AmazonTranslateJobGuardProvider", "AzureDocumentTranslationJobGuardProvider"]

_T = TypeVar("_T")


class _GuardProvider(ResourceProvider):
    # There is nothing secret in a reference to a class; as a secret it could not be compared or read in a state.
    serialize_as_secret_always = False
    _service: ClassVar[str]

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Report everything that is wrong with the new properties. The old ones are never checked again."""
        found = _reported(news, lambda: operations.check(self._service, _known(news)))
        # Under a property's own name Pulumi would print its value, secrets included: hence the empty name.
        return CheckResult(news, [CheckFailure("", str(problem)) for problem in found])

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Decide what a change needs, with one line about the jobs that it would stop."""
        decision = _reported(news, lambda: operations.diff(self._service, id_, _known(olds), _known(news)))
        return DiffResult(
            changes=decision.answer is not Answer.KEEP,
            replaces=list(decision.because),
            delete_before_replace=decision.delete_first,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Prove that the guard can do its work; starts and stops nothing."""
        return CreateResult(*_reported(props, lambda: operations.create(self._service, props)))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Stop what a changed scope leaves behind; refuse credentials that lead to another account."""
        return UpdateResult(_reported(news, lambda: operations.update(self._service, olds, news)))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Tear down the guard whose properties are in the state."""
        _reported(props, lambda: operations.delete(self._service, props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return what is stored: nothing of a guard changes by itself."""
        return ReadResult(id_, props)


class AmazonTranslateJobGuardProvider(_GuardProvider):
    """The provider of ``AmazonTranslateJobGuard``."""

    _service = AMAZON_TRANSLATE


class AzureDocumentTranslationJobGuardProvider(_GuardProvider):
    """The provider of ``AzureDocumentTranslationJobGuard``."""

    _service = AZURE_DOCUMENT_TRANSLATION


def _known(value: Any) -> Any:
    """Return ``value`` with this package's ``UNKNOWN`` in place of Pulumi's, at any depth."""
    if isinstance(value, PulumiUnknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return value


def _reported(props: Mapping[str, Any], work: Callable[[], _T]) -> _T:
    """Return ``work``'s result; raise its error as one line.

    Pulumi prints an error of a dynamic resource with nine lines of where in its own code it was raised. In the process
    that Pulumi starts for dynamic resources they are switched off once a guard has failed there; from then on the
    errors of the stack's other dynamic resources are printed without their tracebacks too.
    """
    try:
        return operations.in_one_line(props, work)
    except GuardError:
        main = getattr(sys.modules.get("__main__"), "__spec__", None)
        if main is not None and main.name == "pulumi.dynamic.__main__":
            sys.tracebacklimit = 0
        raise
