"""Read the stacks' configuration. An error is one sentence with the command that fixes it.

A stack reads all of it before it makes anything: a program that fails half-way leaves half of its resources behind.
"""

from __future__ import annotations

import re

import pulumi

from translation_job_guard.teardown import Mode

__all__ = ["account_id", "boolean", "choice", "mode", "optional", "text"]


def text(
    key: str,
    *,
    namespace: str | None = None,
    default: str | None = None,
    example: str = "VALUE",
    pattern: str = ".*",
    must_be: str = "",
) -> str:
    """Return a text. It is required unless it has a default, and must match the pattern."""
    value = pulumi.Config(namespace).get(key) or default
    if not value:
        name = _name(key, namespace)
        raise pulumi.RunError(f"The configuration value `{name}` is not set: `pulumi config set {name} {example}`.")
    return _matching(value, key, namespace, example, pattern, must_be)


def optional(key: str, *, example: str, pattern: str, must_be: str) -> str | None:
    """Return a text, or None if it is not set."""
    value = pulumi.Config().get(key)
    return None if value is None else _matching(value, key, None, example, pattern, must_be)


def boolean(key: str, *, default: bool) -> bool:
    return choice(key, *(("true", "false") if default else ("false", "true"))) == "true"


def choice(key: str, *choices: str) -> str:
    """Return one of some words; the first is the default."""
    value = pulumi.Config().get(key) or choices[0]
    if value not in choices:
        raise _wrong(key, None, " or ".join([", ".join(choices[:-1]), choices[-1]]), choices[0])
    return value


def mode(key: str) -> str:
    """Return what a guard does when it is deleted."""
    return choice(key, *(mode.value for mode in Mode))


def account_id(key: str) -> str | None:
    """Return the 12 digits of an AWS account, or None if it is not set."""
    # `pulumi config set` keeps a leading zero; a YAML file written by hand loses it.
    must_be = "12 digits, in quotes if you write the file by hand"
    return optional(key, example="123456789012", pattern=r"\d{12}", must_be=must_be)


def _matching(value: str, key: str, namespace: str | None, example: str, pattern: str, must_be: str) -> str:
    if not re.fullmatch(pattern, value, re.DOTALL):
        raise _wrong(key, namespace, must_be, example)
    return value


def _wrong(key: str, namespace: str | None, must_be: str, example: str) -> pulumi.RunError:
    name = _name(key, namespace)
    return pulumi.RunError(f"The configuration value `{name}` must be {must_be}: `pulumi config set {name} {example}`.")


def _name(key: str, namespace: str | None) -> str:
    return f"{namespace}:{key}" if namespace else key
