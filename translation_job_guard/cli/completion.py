"""Complete the values of options in the shell. Never fails and sends no request: a shell waits for it."""

from __future__ import annotations

import json

from translation_job_guard.errors import GuardError

__all__ = ["formats", "regions", "stacks"]

_FORMATS = {"table": "for people", "json": "for programs", "markdown": "for a summary", "html": "a page"}


def formats(incomplete: str) -> list[tuple[str, str]]:
    """Return the formats of ``--output``, with what each is for."""
    return [(name, meaning) for name, meaning in _FORMATS.items() if name.startswith(incomplete)]


def regions(incomplete: str) -> list[str]:
    """Return the regions that have Amazon Translate, of all partitions."""
    try:
        from botocore.session import Session
    except ImportError:
        return []
    session = Session()
    partitions = session.get_available_partitions()
    every = {region for one in partitions for region in session.get_available_regions("translate", one)}
    return sorted(region for region in every if region.startswith(incomplete))


def stacks(incomplete: str) -> list[str]:
    """Return the stacks of the project that the shell is in."""
    # Help, which needs this module, starts no process.
    from translation_job_guard.cli.pulumi_command import pulumi

    try:
        names = [stack["name"] for stack in json.loads(pulumi("stack", "ls", "--json"))]
    except (GuardError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if name.startswith(incomplete)]
