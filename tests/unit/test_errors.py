"""The exceptions."""

from __future__ import annotations

import re

from translation_job_guard import errors
from translation_job_guard.errors import GuardError, WrongAccount
from translation_job_guard.teardown import failures


def _drawn() -> dict[str, str]:
    """Each class that the module's docstring draws, with the class that it hangs below."""
    assert errors.__doc__
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        match = re.match(r"^(?P<lead>[\s│├└─]*)(?P<name>[A-Z]\w+)(\s{2,}|$)", line)
        if match is None:
            continue
        depth = len(match["lead"])
        above = [(at, name) for at, name in above if at < depth]
        if above:
            parents[match["name"]] = above[-1][1]
        above.append((depth, match["name"]))
    return parents


def test_the_tree_that_is_drawn_is_the_tree_that_is() -> None:
    """Every exported exception is in the drawing, below the class that it derives from, and nothing else is."""
    real = {
        name: next(base.__name__ for base in getattr(module, name).__bases__ if issubclass(base, GuardError))
        for module in (errors, failures)
        for name in module.__all__
        if name != "GuardError"
    }
    assert _drawn() == real


def test_every_exception_of_the_module_is_exported() -> None:
    """One tree: nothing outside it, and nothing hidden."""
    for module, imported in ((errors, set()), (failures, {"GuardError"})):
        defined = {
            name: value
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Exception) and name not in imported
        }
        assert set(defined) == set(module.__all__)
        assert all(issubclass(value, GuardError) for value in defined.values())


def test_a_bad_argument_is_also_a_value_error() -> None:
    """Callers who know nothing of this package catch it as what it is."""
    assert issubclass(errors.InvalidArgument, ValueError)


def test_a_missing_extra_is_the_command_that_installs_it() -> None:
    """The remedy is one line to copy."""
    assert str(errors.MissingExtra("A guard", "aws")).endswith('pip install "translation-job-guard[aws]"')


def test_a_service_error_carries_what_decides_on_it() -> None:
    """Operation, permission and waiting time are fields, not text to search."""
    assert errors.Denied("no", operation="Stop", permission="translate:Stop").permission == "translate:Stop"
    throttled = errors.Throttled("slow down", operation="Stop", retry_after=2.0)
    assert (throttled.operation, throttled.retry_after) == ("Stop", 2.0)


def test_advice_ends_a_message_and_can_be_left_out() -> None:
    """Whoever reports an error outside of a Pulumi operation says what happened, with advice of its own."""
    plain, advised = GuardError("It failed."), WrongAccount("It failed.", advice="Set VARIABLE=1.")
    assert (str(plain), plain.happened) == ("It failed.", "It failed.")
    assert (str(advised), advised.happened) == ("It failed. Set VARIABLE=1.", "It failed.")
