"""Read what the environment overrides for one run: a destroy sees only the state, not the program's arguments."""

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
    "parse_timeout",
    "read_environment",
    "refuse_unknown_names",
]

ON_DELETE: Final = "TRANSLATION_JOB_GUARD_ON_DELETE"
TIMEOUT: Final = "TRANSLATION_JOB_GUARD_TIMEOUT"
UNDECIDED: Final = "TRANSLATION_JOB_GUARD_UNDECIDED"
RECEIPTS: Final = "TRANSLATION_JOB_GUARD_RECEIPTS"


@dataclass(frozen=True)
class Overrides:
    """What is overridden for one guard; None where nothing is.

    Attributes:
        timeout: In seconds.
        receipts: The directory to write receipts to.
        only_for: The guards that the variable of the mode names, if this guard is not among them.
    """

    mode: Mode | None = None
    timeout: float | None = None
    leave_undecided: bool | None = None
    receipts: Path | None = None
    only_for: tuple[str, ...] = ()


def read_environment(name: str, environment: Mapping[str, str] = os.environ, *, stack: str = "") -> Overrides:
    """Return what the environment overrides for one guard.

    Args:
        name: The guard's name, as the program gives it.
        environment: The environment variables.
        stack: The guard's stack; a variable may name the guard ``stack/name``, as the output does.

    Raises:
        InvalidArgument: A variable is not valid, even if it names other guards only.
    """
    everyone, by_name = _modes(environment.get(ON_DELETE, "").strip())
    # The longer name is more exact, whatever the order.
    named = by_name.get(label(stack, name)) or by_name.get(name)
    return Overrides(
        mode=named or everyone,
        timeout=parse_timeout(TIMEOUT, timeout) if (timeout := environment.get(TIMEOUT, "").strip()) else None,
        leave_undecided=_leave_undecided(environment.get(UNDECIDED, "").strip()),
        receipts=Path(where) if (where := environment.get(RECEIPTS, "").strip()) else None,
        only_for=() if named else tuple(by_name),
    )


def refuse_unknown_names(guards: Iterable[tuple[str, str]], environment: Mapping[str, str] = os.environ) -> None:
    """Check that each guard that the environment names exists.

    Args:
        guards: Stack and name of every guard.
        environment: The environment variables.

    Raises:
        InvalidArgument: No guard has a name, so nothing would be overridden; or the variable is not valid.
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


def parse_timeout(name: str, text: str) -> float:
    """Return the seconds of a timeout.

    Args:
        name: The variable or option that it comes from, for the error.
        text: The duration.

    Raises:
        InvalidArgument: It is not a valid duration, or 0.
    """
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InvalidArgument(f"{name} {error}.") from error
    if not seconds:
        raise InvalidArgument(f"{name} is not a valid timeout; expected more than 0 s.")
    return seconds


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
    # Mode ignore uses neither, and must go on whatever happens.
    if timeout <= options.quiet_period and options.mode is not Mode.IGNORE:
        quiet = format_duration(options.quiet_period)
        raise InvalidArgument(
            f"{TIMEOUT} is {format_duration(timeout)}, and the guard has to see nothing in flight for {quiet} "
            f"(`quiet_period`); expected more than {quiet}."
        )
    return replace(options, timeout=timeout)


def _with_time_to_stop(options: TeardownOptions, stored_timeout: float, voice: Voice) -> TeardownOptions:
    """Return ``options`` with a grace period that leaves time to stop jobs and for ``quiet_period``.

    A shorter timeout for one run means that the jobs have to be stopped by then. Stored durations that can never
    succeed come from an older release or an edited state: a delete must not fail because of them.
    """
    half = max(options.timeout - options.quiet_period, 0.0) / 2
    never = options.grace_period + options.quiet_period >= options.timeout
    if options.grace_period <= half or not (never or options.timeout < stored_timeout):
        return options
    if options.mode is Mode.CANCEL:
        voice.say(f"grace_period is shortened to {format_duration(half)}, so that there is time to stop the jobs")
    return replace(options, grace_period=half)


def _modes(text: str) -> tuple[Mode | None, Mapping[str, Mode]]:
    """Return the mode for every guard, and the modes by name; if a name is given twice, its last mode."""
    if not text:
        return None, {}
    modes = {mode.value: mode for mode in Mode}
    everyone: Mode | None = None
    by_name: dict[str, Mode] = {}
    for part in text.split(","):
        who, equals, word = (piece.strip() for piece in part.rpartition("="))
        if word not in modes or (equals and (not who or set("=;") & set(who))) or (not equals and "," in text):
            raise InvalidArgument(
                f"{ON_DELETE} is not valid; expected a mode for all guards ({', '.join(modes)}), or name=mode for "
                f"some, separated by commas ({ON_DELETE}=guard=drain,other=ignore)."
            )
        if equals:
            by_name[who] = modes[word]
        else:
            everyone = modes[word]
    return everyone, by_name


def _leave_undecided(text: str) -> bool | None:
    if not text:
        return None
    if text not in ("fail", "leave"):
        raise InvalidArgument(
            f'{UNDECIDED} is not valid; expected "fail" (the default), or "leave" to go on although it is not known '
            "whether some batches are in scope, and to leave them running."
        )
    return text == "leave"
