"""What the environment overrides for one run: a destroy sees only the state, not the program's present arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from translation_job_guard.durations import format_duration, parse_duration
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.guard.progress import Voice, label
from translation_job_guard.teardown import Mode, TeardownOptions

__all__ = [
    "ON_DELETE",
    "RECEIPTS",
    "TIMEOUT",
    "UNDECIDED",
    "Overrides",
    "options_in_force",
    "overrides",
    "refuse_unknown_names",
]

ON_DELETE: Final = "TRANSLATION_JOB_GUARD_ON_DELETE"
TIMEOUT: Final = "TRANSLATION_JOB_GUARD_TIMEOUT"
UNDECIDED: Final = "TRANSLATION_JOB_GUARD_UNDECIDED"
RECEIPTS: Final = "TRANSLATION_JOB_GUARD_RECEIPTS"


@dataclass(frozen=True)
class Overrides:
    """What is overridden for one guard; None where nothing is. ``timeout`` in seconds.

    ``only_for`` are the guards that the mode names, where this guard is not among them.
    """

    mode: Mode | None = None
    timeout: float | None = None
    leave_undecided: bool | None = None
    receipts: Path | None = None
    only_for: tuple[str, ...] = ()


def overrides(name: str, environment: Mapping[str, str] = os.environ, *, stack: str = "") -> Overrides:
    """Return what the environment overrides for one guard.

    Args:
        name: the guard's name, as the program gives it.
        stack: the guard's stack; the variable may name the guard ``stack/name``, as the output does.

    Raises:
        InvalidArgument: a variable cannot be used, also where it speaks of other guards only.
    """
    everyone, by_name = _modes(environment.get(ON_DELETE, "").strip())
    # The longer name is the more exact one, whatever the order.
    named = by_name.get(label(stack, name)) or by_name.get(name)
    return Overrides(
        mode=named or everyone,
        timeout=_timeout(environment.get(TIMEOUT, "").strip()),
        leave_undecided=_leave_undecided(environment.get(UNDECIDED, "").strip()),
        receipts=Path(where) if (where := environment.get(RECEIPTS, "").strip()) else None,
        only_for=() if named else tuple(by_name),
    )


def refuse_unknown_names(guards: Iterable[tuple[str, str]], environment: Mapping[str, str] = os.environ) -> None:
    """Check that each guard that the environment names exists.

    Args:
        guards: stack and name of every guard there is.

    Raises:
        InvalidArgument: a name is not a guard's, so nothing would be overridden; or the variable cannot be used.
    """
    _, by_name = _modes(environment.get(ON_DELETE, "").strip())
    pairs = list(guards)
    labels = [label(stack, name) for stack, name in pairs]
    known = {*labels, *(name for _, name in pairs)}
    for one in by_name:
        if one not in known:
            there_are = f"the guards are: {', '.join(labels)}" if labels else "there is no guard"
            raise InvalidArgument(
                f'{ON_DELETE} names "{one}", and no guard has that name, so nothing would be overridden; {there_are}. '
                "Correct the name, or take it out."
            )


def options_in_force(guard: GuardArguments, chosen: Overrides, voice: Voice) -> TeardownOptions:
    """Return the guard's options with what is overridden, and print a line for each override.

    Raises:
        InvalidArgument: The chosen timeout is not longer than the guard's quiet period.
    """
    options = guard.options
    if chosen.mode is not None:
        voice.say(f"{ON_DELETE} is in force: {chosen.mode.value} (the guard says {options.mode.value})")
        options = replace(options, mode=chosen.mode)
    elif chosen.only_for:
        others = ", ".join(chosen.only_for)
        voice.say(f"{ON_DELETE} is for {others}, not for this guard, which keeps its own mode: {options.mode.value}")
    if chosen.leave_undecided is not None:
        if chosen.leave_undecided and not guard.connection.lists_locations:
            voice.say(f"{UNDECIDED} is in force: leave, so batches that may be in scope can be left running")
        options = replace(options, leave_undecided=chosen.leave_undecided)
    if chosen.timeout is not None:
        voice.say(f"{TIMEOUT} is in force: {format_duration(chosen.timeout)}")
        options = _with_timeout(options, chosen.timeout)
    return _with_time_to_stop(options, guard.options.timeout, voice)


def _with_timeout(options: TeardownOptions, timeout: float) -> TeardownOptions:
    # Mode ignore uses neither, and nothing must keep it from going on.
    if timeout <= options.quiet_period and options.mode is not Mode.IGNORE:
        quiet = format_duration(options.quiet_period)
        raise InvalidArgument(
            f"{TIMEOUT} is {format_duration(timeout)}, and the guard has to see nothing in flight for {quiet} "
            f"(quiet_period): give more than {quiet}."
        )
    return replace(options, timeout=timeout)


def _with_time_to_stop(options: TeardownOptions, stored_timeout: float, voice: Voice) -> TeardownOptions:
    """Return ``options`` with a grace period that leaves time to stop jobs, and to see nothing for ``quiet_period``.

    Whoever shortens the timeout of one run wants it over by then, with the jobs stopped, not refused. Stored durations
    that can never succeed are of an older release or an edited state: a delete must not fail because of them.
    """
    half = max(options.timeout - options.quiet_period, 0.0) / 2
    never = options.grace_period + options.quiet_period >= options.timeout
    if options.grace_period <= half or not (never or options.timeout < stored_timeout):
        return options
    if options.mode is Mode.CANCEL:
        voice.say(f"grace_period is shortened to {format_duration(half)}, so that there is time to stop the jobs")
    return replace(options, grace_period=half)


def _modes(text: str) -> tuple[Mode | None, Mapping[str, Mode]]:
    """The mode for every guard, and the modes by name; where a name is given twice, the last one."""
    if not text:
        return None, {}
    modes = {mode.value: mode for mode in Mode}
    everyone: Mode | None = None
    by_name: dict[str, Mode] = {}
    for part in text.split(","):
        who, equals, word = (piece.strip() for piece in part.rpartition("="))
        if word not in modes or (equals and (not who or set("=;") & set(who))) or (not equals and "," in text):
            raise InvalidArgument(
                f"{ON_DELETE} cannot be used: give a mode for all guards ({', '.join(modes)}), or name=mode for some, "
                f"separated by commas ({ON_DELETE}=guard=drain,other=ignore)."
            )
        if equals:
            by_name[who] = modes[word]
        else:
            everyone = modes[word]
    return everyone, by_name


def _timeout(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InvalidArgument(f"{TIMEOUT} {error}.") from error
    if not seconds:
        raise InvalidArgument(f"{TIMEOUT} must be longer than nothing: the teardown would fail at once.")
    return seconds


def _leave_undecided(text: str) -> bool | None:
    if not text:
        return None
    if text not in ("fail", "leave"):
        raise InvalidArgument(
            f'{UNDECIDED} cannot be used: give "fail" (the default) or "leave", which goes on although it is not known '
            "whether some batches are in scope, and leaves them running."
        )
    return text == "leave"
