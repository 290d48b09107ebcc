"""Say of an account with a firewall that it may be the firewall that refuses."""

from __future__ import annotations

from dataclasses import replace

from translation_job_guard.errors import Denied, GuardError, Transient
from translation_job_guard.estate.azure import TranslatorAccount
from translation_job_guard.looking import Sight

__all__ = ["explained"]


def explained(sight: Sight) -> Sight:
    """Return what was seen of a place, naming the account's firewall where it may be the cause of a failure."""
    connection = sight.connection
    if not isinstance(connection, TranslatorAccount) or connection.wall is None or sight.failure is None:
        return sight
    if not isinstance(sight.failure, (Denied, Transient)):
        return sight
    said = str(sight.failure).split(" The role ")[0].rstrip(". ")
    failure = GuardError(
        f"{said}. The account has a firewall ({connection.wall}): look from a network that it lets in, or let this "
        "machine's address in."
    )
    failure.__cause__ = sight.failure
    return replace(sight, failure=failure)
