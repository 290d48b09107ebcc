"""Reads the stacks' configuration; what is missing or wrong is said in one sentence, with the command that mends it."""

from __future__ import annotations

import re

import pulumi

from translation_job_guard.teardown import Mode

__all__ = ["account_id", "boolean", "choice", "mode", "text"]


def text(key: str, *, namespace: str | None = None, default: str | None = None, example: str = "VALUE") -> str:
    """A text; required unless it has a default."""
    value = pulumi.Config(namespace).get(key) or default
    if not value:
        name = f"{namespace}:{key}" if namespace else key
        raise pulumi.RunError(f"The configuration value `{name}` is not set: `pulumi config set {name} {example}`.")
    return value


def boolean(key: str, *, default: bool) -> bool:
    value = pulumi.Config().get(key)
    if value is None:
        return default
    if value not in ("true", "false"):
        raise _wrong(key, "true or false")
    return value == "true"


def choice(key: str, *choices: str) -> str:
    """One of some words; the first is the default."""
    value = pulumi.Config().get(key) or choices[0]
    if value not in choices:
        raise _wrong(key, ", ".join(choices[:-1]) + f" or {choices[-1]}")
    return value


def mode(key: str) -> str:
    """What a guard does when it is deleted."""
    return choice(key, *(mode.value for mode in Mode))


def account_id(key: str) -> str | None:
    """The 12 digits of an AWS account; None if it is not set."""
    value = pulumi.Config().get(key)
    if value is not None and not re.fullmatch(r"\d{12}", value):
        # `pulumi config set` of digits alone is fine; a YAML file written by hand may have lost a leading zero.
        raise _wrong(key, "12 digits, in quotes if you write the file by hand")
    return value


def _wrong(key: str, must: str) -> pulumi.RunError:
    return pulumi.RunError(f"The configuration value `{key}` must be {must}: `pulumi config set {key} …`.")
