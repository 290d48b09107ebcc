"""Read from a preview what an update does to guards and to what jobs need. Works on parsed JSON and a parsed state.

``pulumi preview --json --show-sames`` prints one step for each resource, in no reliable order. When the old resource
is deleted follows from its step and from dependencies:

- **delete-first**: a ``replace`` whose old state is ``pendingReplacement``. The old resource is deleted while
  the program runs, after everything that depends on it and is replaced as well.
- **in the end**: a ``delete``, and a ``replace`` whose old state has ``delete``. The old resource is
  deleted after the program has ended, also after everything that depends on it.

A resource that depends on a delete-first one and that the program no longer has is deleted first as well, and then it
has no step at all; everything else has one.

So a guard acts before a resource is deleted if the guard is deleted first and the resource in the end, or if both are
deleted at the same time and the guard depends on the resource. ``decide`` says what a guard's changed inputs mean, as
it does when the engine asks the guard itself.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import read_scope
from translation_job_guard.guard.changes import Answer, decide
from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.jobs import Coverage, Job, Scope, coverage, left_behind
from translation_job_guard.resource_types import GUARD_TYPES
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.state import ExportedStack, StateGuard, Tie

__all__ = ["Change", "Created", "Forecast", "GuardChange", "Loss", "forecast", "parse_preview"]

_UNKNOWN: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Placeholders for values that are not known yet (Pulumi's sdk/go/common/resource/plugin/rpc.go)."""
_SECRET: Final = "[secret]"
"""The placeholder for a secret."""

_COMMAND: Final = "`pulumi preview --json --show-sames`"


class Change(enum.Enum):
    """What an update does with a resource."""

    NONE = "none"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class GuardChange:
    """What an update does with a guard of the state.

    Attributes:
        because: the properties that make the update replace it.
        scopes: its scopes afterwards, as far as they are known.
        obstacles: why the engine would not call the guard when it deletes it.
        problem: why it is not known which jobs the guard would stop.
    """

    guard: StateGuard
    change: Change
    delete_first: bool = False
    because: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    obstacles: tuple[str, ...] = ()
    problem: str | None = None

    def reach(self, job: Job) -> Coverage:
        """Return whether the guard covers ``job`` now and would run its teardown for it in this update."""
        if self.guard.arguments is None or self.change is Change.NONE:
            return Coverage.OUTSIDE
        if self.change is Change.UPDATE:
            return left_behind(self.guard.arguments.scopes, self.scopes, job)
        return coverage(self.guard.arguments.scopes, job)


@dataclass(frozen=True)
class Loss:
    """A resource that jobs need and that an update deletes or replaces.

    Attributes:
        guards: the guards that act before it is deleted.
    """

    tie: Tie
    change: Change
    delete_first: bool
    guards: tuple[GuardChange, ...]


@dataclass(frozen=True)
class Created:
    """A guard that an update creates, as far as its place and scopes are known."""

    service: str
    place: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True)
class Forecast:
    """What an update does to the guards of a stack, in their order, and to what jobs need."""

    guards: tuple[GuardChange, ...]
    losses: tuple[Loss, ...]
    created: tuple[Created, ...] = ()


def parse_preview(text: str, source: str) -> Mapping[str, Any]:
    """Read a preview.

    Args:
        text: what ``pulumi preview --json --show-sames`` printed.
        source: where it came from, for messages.

    Raises:
        InvalidArgument: it is not such a preview, or not a complete one.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "is empty: the preview failed before it printed anything" if not text.strip() else "is not valid JSON"
        raise InvalidArgument(f"{source} {what}; expected what {_COMMAND} prints.") from error
    steps = document.get("steps") if isinstance(document, Mapping) else None
    summary = document.get("changeSummary") if isinstance(document, Mapping) else None
    if not isinstance(steps, list) or not all(map(_is_step, steps)) or not isinstance(summary, Mapping):
        raise InvalidArgument(f"{source} is not a preview; expected what {_COMMAND} prints.")
    for one in document.get("diagnostics") or []:
        if isinstance(one, Mapping) and str(one.get("severity")).startswith("error"):
            reason = " ".join(str(one.get("message")).split())
            raise InvalidArgument(
                f"{source} is the preview of an update that fails, so it does not show what would be deleted: {reason}"
            )
    shown = sum(step["op"] == "same" for step in steps)
    if shown < int(summary.get("same") or 0):
        raise InvalidArgument(
            f"{source} leaves out unchanged resources ({shown} of {summary['same']} resources): add --show-sames, as "
            f"in {_COMMAND}."
        )
    return dict(document)


def forecast(preview: Mapping[str, Any], stack: ExportedStack) -> Forecast:
    """Return what the update of ``preview`` does to ``stack``.

    Args:
        preview: what ``parse_preview`` returned.
        stack: the stack before the update, with its secrets.

    Raises:
        InvalidArgument: the preview is of another stack, or was made from another state of it.
    """
    # What a refresh finds changed is not done by the update, whose own steps follow.
    vanished = {
        step["oldState"]["urn"]
        for step in preview["steps"]
        if step["op"] == "refresh" and step.get("oldState") and not step.get("newState")
    }
    steps = [step for step in preview["steps"] if step["op"] != "refresh"]
    here = f"urn:pulumi:{stack.name}::{stack.project}::"
    if stack.name and any(not step["urn"].startswith(here) for step in steps):
        raise InvalidArgument(
            f"The preview is not of the stack {stack.label}: name its stack with --stack, or give the state that "
            "it was made from with --state FILE."
        )
    by_urn: dict[str, list[Mapping[str, Any]]] = {}
    for step in steps:
        if old := step.get("oldState"):
            by_urn.setdefault(old["urn"], []).append(step)
    delete_first = any(
        _change(step) is Change.REPLACE and step["oldState"].get("pendingReplacement")
        for found in by_urn.values()
        for step in found
    )
    needed = {*(guard.urn for guard in stack.guards), *(tie.urn for tie in stack.ties)}
    unseen = needed - by_urn.keys() - vanished
    if unseen and not delete_first:
        raise InvalidArgument(
            f"The preview has no step for {min(unseen).rpartition('::')[2]}, which the state of {stack.label} has: it "
            f"was made from another state. Make it again with {_COMMAND}."
        )
    going = {urn for urn, found in by_urn.items() if any(_change(step) in _GOING for step in found)} | unseen
    graph = _Graph(by_urn, stack.guards)
    guards = tuple(_guard_change(guard, by_urn.get(guard.urn), going) for guard in stack.guards)
    losses: list[Loss] = []
    for tie in stack.ties:
        step = next((one for one in _steps_of(tie, by_urn) if _change(one) in _GOING), None)
        if step is not None and not step["oldState"].get("retainOnDelete"):
            change, first = _change(step), _is_delete_first(step, otherwise=True)
        elif tie.urn in unseen:
            change, first = Change.DELETE, True
        else:
            continue
        acting = tuple(one for one in guards if _acts_before(one, tie, first, graph))
        losses.append(Loss(tie, change, first, acting))
    return Forecast(guards, tuple(losses), tuple(_created(steps)))


def _is_step(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("op"), str) or not isinstance(value.get("urn"), str):
        return False
    states = [value.get(name) for name in ("oldState", "newState")]
    return all(one is None or (isinstance(one, Mapping) and isinstance(one.get("urn"), str)) for one in states)


_GOING: Final = frozenset({Change.REPLACE, Change.DELETE})


def _change(step: Mapping[str, Any]) -> Change:
    # "discard" deletes nothing: it is for resources that the program only reads.
    return _CHANGES.get(step["op"], Change.NONE)


_CHANGES: Final = {
    "update": Change.UPDATE,
    "replace": Change.REPLACE,
    "create-replacement": Change.REPLACE,
    "delete-replaced": Change.REPLACE,
    "import-replacement": Change.REPLACE,
    "delete": Change.DELETE,
}


def _is_delete_first(step: Mapping[str, Any], *, otherwise: bool) -> bool:
    """Check whether the old resource of a step is deleted while the program runs, not only in the end."""
    old = step["oldState"]
    if _change(step) is Change.DELETE or old.get("delete"):
        return False
    return bool(old.get("pendingReplacement")) or otherwise


def _steps_of(tie: Tie, by_urn: Mapping[str, Sequence[Mapping[str, Any]]]) -> Sequence[Mapping[str, Any]]:
    """Return the steps of a resource: of those with its URN, the ones with its identity if it is seen in any.

    After an update that failed, a resource that is still to be deleted has the URN of the one that took its place.
    """
    steps = by_urn.get(tie.urn, [])
    if len(steps) < 2:
        return steps
    named = [one for one in steps if tie.identity in (one["oldState"].get("id"), *_texts(one["oldState"]))]
    return named or steps


def _texts(state: Mapping[str, Any]) -> Iterable[str]:
    outputs = state.get("outputs")
    return [one for one in outputs.values() if isinstance(one, str)] if isinstance(outputs, Mapping) else []


class _Graph:
    """The dependencies of old resources: each is deleted before what it depends on."""

    def __init__(self, by_urn: Mapping[str, Sequence[Mapping[str, Any]]], guards: Iterable[StateGuard]) -> None:
        self._by_urn = by_urn
        # A guard that has no step has no dependencies in the preview.
        self._protects = {
            guard.urn: [one.urn for one in guard.arguments.protects] for guard in guards if guard.arguments
        }
        self._reached: dict[str, frozenset[str]] = {}

    def depends(self, urn: str, other: str) -> bool:
        """Check whether a resource depends on another, directly or not."""
        if urn not in self._reached:
            seen: set[str] = set()
            waiting = [urn]
            while waiting:
                for one in self._direct(waiting.pop()):
                    if one not in seen:
                        seen.add(one)
                        waiting.append(one)
            self._reached[urn] = frozenset(seen)
        return other in self._reached[urn]

    def _direct(self, urn: str) -> Iterable[str]:
        if urn not in self._by_urn:
            yield from self._protects.get(urn, ())
        for step in self._by_urn.get(urn, ()):
            old = step["oldState"]
            yield from old.get("dependencies") or ()
            for urns in (old.get("propertyDependencies") or {}).values():
                yield from urns or ()
            # A provider is stored with its id behind its URN.
            provider = str(old.get("provider") or "").rpartition("::")[0]
            yield from (one for one in (old.get("parent"), old.get("deletedWith"), provider) if one)


def _acts_before(one: GuardChange, tie: Tie, tie_first: bool, graph: _Graph) -> bool:
    """Check whether a guard has done its work before a resource is deleted."""
    if one.change is Change.NONE or one.obstacles:
        return False
    if one.change is Change.UPDATE:
        # An update runs after the replacement of what the guard depends on.
        return not tie_first
    if one.delete_first is not tie_first:
        return one.delete_first
    return graph.depends(one.guard.urn, tie.urn)


def _guard_change(guard: StateGuard, steps: Sequence[Mapping[str, Any]] | None, going: set[str]) -> GuardChange:
    # deletedWith has no effect for a resource that stays.
    present = replace(guard, deleted_with=guard.deleted_with if guard.deleted_with in going else None)
    if steps is None:
        return GuardChange(guard, Change.DELETE, delete_first=True, obstacles=present.obstacles)
    step = next((one for one in steps if one["oldState"].get("id") == guard.id), None)
    change = Change.NONE if step is None else _change(step)
    kept = guard.arguments.scopes if guard.arguments else ()
    if step is None or change is Change.NONE:
        return GuardChange(guard, Change.NONE, scopes=kept)
    if change is Change.DELETE:
        return GuardChange(guard, change, obstacles=present.obstacles)
    old, new = step["oldState"].get("outputs") or {}, (step.get("newState") or {}).get("inputs") or {}
    decision = decide(_known(old), _known(new))
    scopes = _scopes(guard.service, _known(new.get("scope")))
    moved = not _PLACE.isdisjoint(decision.because)
    if change is Change.REPLACE or decision.answer is Answer.REPLACE:
        return GuardChange(
            guard,
            Change.REPLACE,
            _is_delete_first(step, otherwise=decision.delete_first),
            decision.because,
            () if moved else scopes,
            present.obstacles,
        )
    problem = None
    if new.get("scope") == _SECRET:
        problem = (
            "its scope is a secret, which the preview does not show, so the jobs that the update leaves out are not "
            "known. Make the preview with --show-secrets as well."
        )
    return GuardChange(guard, change, scopes=kept if problem else scopes, problem=problem)


_PLACE: Final = frozenset({"region", "endpoint", "expected_account_id"})


def _created(steps: Iterable[Mapping[str, Any]]) -> Iterable[Created]:
    for step in steps:
        new = step.get("newState")
        service = GUARD_TYPES.get(new.get("type") or "") if new and step["op"] == "create" else None
        if new and service is not None:
            inputs = _known(new.get("inputs") or {})
            place = inputs.get(CONNECTIONS[service].place_name)
            if isinstance(place, str):
                yield Created(service, place, _scopes(service, inputs.get("scope")))


def _known(value: Any) -> Any:
    """Return a value of a preview with ``UNKNOWN`` for what is not known yet, at any depth."""
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWN else value
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return value


def _scopes(service: str, scopes: Any) -> tuple[Scope, ...]:
    """Return scopes as far as they are known: values that are not known yet cover nothing."""
    found = []
    for scope in scopes if isinstance(scopes, list) else ():
        if not isinstance(scope, Mapping):
            continue
        known = {
            name: [one for one in value if one is not UNKNOWN] if isinstance(value, list) else value
            for name, value in scope.items()
        }
        # A kind of selector with no known value could leave out any job.
        if any(value is UNKNOWN or value == [] for value in known.values()):
            continue
        try:
            found.append(read_scope(service, known))
        except InvalidArgument:
            continue
    return tuple(found)
