"""The real teardown, as a state that can be kept, compared and continued in more than one way.

A generator cannot be copied, so a state is the teardown's fields at the head of a round, and the answers since then. At
the head of a round the fields are everything: a new script over a copy of them is where the old one was. That is not
assumed but compared: same functions, same instructions, same local variables, same fields.

Nothing here depends on private names, so the teardown's modules may be rearranged. A change to their source can be
applied while they are loaded: the mistakes made on purpose are such changes.
"""

from __future__ import annotations

import copy
import enum
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timezone
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from translation_job_guard.errors import ServiceError
from translation_job_guard.jobs import Coverage, Job

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
PACKAGE = "translation_job_guard"
TEARDOWN = f"{PACKAGE}.teardown"
MACHINE = f"{TEARDOWN}.machine"
READING = f"{PACKAGE}.services.reading"
_LOADED = (TEARDOWN, MACHINE, READING)
_NOTES = frozenset({"seen_at", "came_late", "before", "started", "service", "place", "account", "requests", "waited"})
"""Fields of records and reports that are written for people and never decide anything; a test holds them to that."""
COMPARED = 200
_UNTIL_ANSWERED = "_before_asking"
"""A field of records that is only read while stop requests are under way. If renamed, there are more states."""

_GIVEN = frozenset({"options", "_options", "covers", "timeout"})
"""What a teardown is given and never changes."""

Covers = Callable[[Job], Coverage]


@dataclass(frozen=True)
class Change:
    """One change to the source of the code under test: ``old`` occurs once in one of its modules."""

    old: str
    new: str
    also: Change | None = None

    def edits(self) -> list[tuple[str, str]]:
        """Return each text with the one that takes its place."""
        return [(self.old, self.new), *(self.also.edits() if self.also else [])]


class Code:
    """The modules under test, loaded once more with a change, or as they are."""

    def __init__(self, change: Change | None = None) -> None:
        modules = _load(change) if change else {name: importlib.import_module(name) for name in _LOADED}
        self.compared = 0
        """Heads of rounds that were compared with a script that begins there."""
        self.teardown: Any = modules[TEARDOWN]
        self.machine: Any = modules[MACHINE]
        self.reading: Any = modules[READING]
        self.list: Any = self.machine.List
        self.locate: Any = self.machine.Locate
        self.stop: Any = self.machine.Stop
        self.look: Any = self.machine.Look
        self.wait: Any = self.machine.Wait
        self.answers: Any = self.machine.Answers


class _Changed(importlib.abc.MetaPathFinder):
    """Finds the modules under test with one change in their source."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.applied = 0

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not _is_under_test(name):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
        spec.loader = _ChangedLoader(name, spec.loader.path, self)
        return spec


class _ChangedLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, finder: _Changed) -> None:
        super().__init__(name, path)
        self._finder = finder

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_source(fullname)
        assert source is not None
        for old, new in self._finder.change.edits():
            self._finder.applied += source.count(old)
            source = source.replace(old, new)
        return compile(source, self.path, "exec")


def _is_under_test(name: str) -> bool:
    # Errors stay the same classes: the checks tell ends apart by them.
    return name in (TEARDOWN, READING) or (name.startswith(TEARDOWN + ".") and name != f"{TEARDOWN}.failures")


def _load(change: Change) -> Mapping[str, ModuleType]:
    real = {name: importlib.import_module(name) for name in _LOADED}
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_under_test(name)}
    finder = _Changed(change)
    sys.meta_path.insert(0, finder)
    try:
        loaded = {name: importlib.import_module(name) for name in real}
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_under_test(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in real.items():
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, module)
    if finder.applied != len(change.edits()):
        raise LookupError(f"the source under test has this {finder.applied} times: {change}; expected each text once")
    return loaded


Script = Generator[Sequence[Any], Any, None]


@dataclass(frozen=True)
class Saved:
    """Where a teardown is: its fields at the head of the round, and the answers since."""

    head: Mapping[str, Any]
    begin: Any
    """Where a script is at the head of a round."""
    since: tuple[Any, ...] = ()


class _Known(NamedTuple):
    """What a machine knows: of each job, and else; ``named`` is what names jobs by their ids."""

    by_job: Mapping[str, bytes]
    rest: bytes
    named: Any


class Machine:
    """A live teardown that can be continued in more than one way: `fork` it, and send answers to the fork."""

    def __init__(self, code: Code, saved: Saved) -> None:
        self._code = code
        self._head = saved.head
        self._begin = saved.begin
        self._known: _Known | None = None
        self._digests: dict[tuple[str, ...], bytes] = {}
        self._since = saved.since
        self._forked = False
        self.batch: Sequence[Any] = ()
        self.ended = False
        self.error: Exception | None = None
        self.went: dict[Any, Any] = {}
        """Where forks went, for whoever explores them."""
        self._teardown, self._script = _resume(code, saved.head)
        try:
            self.batch = next(self._script)
            for answers in saved.since:
                self.batch = self._script.send(answers)
        except StopIteration:
            self.ended = True

    @classmethod
    def new(cls, code: Code, covers: Covers, options: Any) -> Machine:
        """Begin a teardown."""
        report = code.teardown.Report("service", "place", "account", options, BEGAN)
        teardown = code.machine.Teardown(covers, options, report)
        head = _clone_fields(teardown)
        _, script = _resume(code, head)
        next(script)
        return cls(code, Saved(head, _where(script)))

    @property
    def report(self) -> Any:
        """Its report."""
        return self._teardown.report

    def fork(self) -> Machine:
        """Return a machine that is where this one is. The first one takes over its script, which is not copied then."""
        if self._forked:
            return Machine(self._code, Saved(self._head, self._begin, self._since))
        self.known()
        self._forked = True
        fork = copy.copy(self)
        fork._known, fork._digests, fork.went, fork._forked = None, {}, {}, False
        del self._teardown, self._script
        return fork

    def send(self, answers: Any) -> None:
        """Answer its batch; it makes the next one, or ends."""
        assert not self._forked
        self._known = None
        self._digests.clear()
        try:
            self.batch = self._script.send(answers)
        except StopIteration:
            self.ended = True
            return
        except Exception as error:
            self.ended = True
            self.error = error
            return
        if len(self.batch) == 1 and isinstance(self.batch[0], self._code.list) and self._at_head():
            self._head, self._since = _clone_fields(self._teardown), ()
        else:
            self._since = (*self._since, answers)

    def _at_head(self) -> bool:
        """Return whether a new script over these fields is where this one is.

        That it then has the same fields as well depends on the code alone, so it is compared for the first ones.
        """
        if _where(self._script) != self._begin:
            return False
        if self._code.compared < COMPARED:
            self._code.compared += 1
            again, script = _resume(self._code, _clone_fields(self._teardown))
            next(script)
            jobs: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
            assert _where(script) == self._begin
            assert _facts(again, jobs[0]) == _facts(self._teardown, jobs[1])
            assert jobs[0] == jobs[1]
        return True

    def known(self) -> _Known:
        """Return all that it knows, for digests."""
        if self._known is None:
            stops = bool(self.batch) and isinstance(self.batch[0], self._code.stop)
            skip = "" if stops else _UNTIL_ANSWERED
            by_job: dict[str, Any] = {}
            rest = _facts(self._teardown, by_job, skip)
            named = [_orders(self._teardown, by_job), _where(self._script, skip)]
            self._known = _Known(
                {id_: marshal.dumps(facts, 2) for id_, facts in by_job.items()}, marshal.dumps(rest, 2), named
            )
        return self._known

    def digest(self, order: tuple[str, ...]) -> bytes:
        """Return what is equal for machines that decide alike, with jobs called by their places in ``order``."""
        digest = self._digests.get(order)
        if digest is None:
            known = self.known()
            by_job = [known.by_job.get(id_, b"") for id_ in order]
            names = {old: new for old, new in zip(order, sorted(order), strict=True) if old != new}
            named = _renamed(known.named, names) if names else known.named
            digest = self._digests[order] = marshal.dumps((by_job, known.rest, named), 2)
        return digest


def _resume(code: Code, head: Mapping[str, Any]) -> tuple[Any, Script]:
    teardown = object.__new__(code.machine.Teardown)
    teardown.__dict__.update({name: _clone(value) for name, value in head.items()})
    return teardown, teardown.script()


def _clone_fields(teardown: Any) -> Mapping[str, Any]:
    return {name: _clone(value) for name, value in vars(teardown).items()}


_cloned_by_field: dict[type, bool] = {}


def _clone(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: _clone(one) for key, one in value.items()}
    if kind is list or kind is set:
        return kind(map(_clone, value))
    by_field = _cloned_by_field.get(kind)
    if by_field is None:
        by_field = _cloned_by_field[kind] = is_dataclass(kind) and not kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if by_field:
        new = object.__new__(kind)
        new.__dict__.update({name: _clone(one) for name, one in vars(value).items()})
        return new
    return value


def _where(script: Any, skip: str = "") -> Any:
    """Return at which instruction of which function a script waits, with the local variables."""
    frames = []
    while script is not None and (frame := getattr(script, "gi_frame", None)) is not None:
        variables = [
            (name, _plain(value, skip, named=True))
            for name, value in frame.f_locals.items()
            if name not in ("self", "options")
        ]
        frames.append((frame.f_code.co_name, frame.f_lasti, variables))
        script = script.gi_yieldfrom
    return frames


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return what names jobs by their ids, with other ids."""
    kind = type(value)
    if kind is list or kind is tuple:
        return kind(_renamed(one, names) for one in value)
    return names.get(value, value) if kind is str else value


def _facts(teardown: Any, by_job: dict[str, Any], skip: str = "") -> Any:
    """Return the fields of a teardown and its report; what they know by a job's id goes into ``by_job``."""
    rest: list[Any] = []
    for owner in _owners(teardown):
        for name, value in owner.items():
            if name in _NOTES or name in _GIVEN or _is_state(value):
                continue
            if type(value) is dict:
                for id_, one in value.items():
                    by_job.setdefault(id_, []).append((name, _plain(one, skip)))
            else:
                rest.append((name, _plain(value)))
    return rest


def _owners(teardown: Any) -> Iterator[dict[str, Any]]:
    """Yield the fields of a teardown, and of what it keeps its state in."""
    yield vars(teardown)
    for value in vars(teardown).values():
        if _is_state(value):
            yield vars(value)


def _is_state(value: Any) -> bool:
    kind = type(value)
    known = _states.get(kind)
    if known is None:
        ours = kind.__module__.startswith(f"{TEARDOWN}.") and is_dataclass(kind)
        known = _states[kind] = ours and not kind.__dataclass_params__.frozen
    return known


_states: dict[type, bool] = {}


def _orders(teardown: Any, ids: Collection[str]) -> list[list[str]]:
    return [
        list(value)
        for owner in _owners(teardown)
        for name, value in owner.items()
        if type(value) is dict and name not in _NOTES and all(id_ in ids for id_ in value)
    ]


_fields_of: dict[type, list[str]] = {}


def _plain(value: Any, skip: str = "", *, named: bool = False) -> Any:
    """Return a value of a machine as numbers, texts and lists of them; ``named``: jobs with their ids."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is Job:
        total = value.documents.total if value.documents else -1
        changed = (value.changed_at - BEGAN).total_seconds() if value.changed_at else -1.0
        # Decisions depend on whether a job has ended, not on how.
        state = value.state.value if value.state.in_flight else "ended"
        return (value.id if named else "", state, changed, total, len(value.rows))
    if kind in (list, tuple):
        return [_plain(one, skip, named=named) for one in value]
    if kind is set or kind is frozenset:
        return sorted(_plain(one, named=named) for one in value)
    if kind is dict:
        return [(_plain(key), _plain(one, named=named)) for key, one in value.items()]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, ServiceError):
        return kind.__name__
    if is_dataclass(kind):
        known = _fields_of.get(kind)
        if known is None:
            # Decisions depend on whether a job has ended, not on when.
            known = _fields_of[kind] = [one.name for one in fields(kind) if one.name not in _NOTES]
        return [
            kind.__name__,
            *[
                getattr(value, name) is None if name == "ended_at" else _plain(getattr(value, name), named=named)
                for name in known
                if name != skip
            ],
        ]
    raise TypeError(f"a teardown remembers {value!r}; say here what of it decides")
