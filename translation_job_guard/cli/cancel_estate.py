"""``cancel`` over an estate: with one confirmation for each account, or with ``--yes`` for accounts that are named."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import typer

from translation_job_guard.cli.cancel import cancel, dry_run
from translation_job_guard.cli.cancel import run as of_places
from translation_job_guard.cli.cancel_result import NAME, DryRunResult
from translation_job_guard.cli.estate import ANYWHERE, named_besides, request_of, surveyed, without_profiles
from translation_job_guard.cli.options import (
    AccountOptions,
    CredentialOptions,
    OutputOptions,
    PlaceOptions,
    ScopeOptions,
    StopOptions,
)
from translation_job_guard.cli.output import Sink, emit, prepare
from translation_job_guard.cli.places import check, properties_of, scope_of
from translation_job_guard.cli.results import JobRow
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.guard.arguments import GuardArguments, read
from translation_job_guard.guard.environment import parse_timeout
from translation_job_guard.jobs import counted
from translation_job_guard.looking import Sight
from translation_job_guard.services import Connection
from translation_job_guard.services.registry import CONNECTIONS

__all__ = ["run"]


def run(
    places: PlaceOptions,
    accounts: AccountOptions,
    selectors: ScopeOptions,
    stopping: StopOptions,
    credentials: CredentialOptions,
    output: OutputOptions,
) -> int:
    """Stop the jobs in scope, or show what would be stopped; returns the exit code.

    Raises:
        InvalidArgument: an option cannot be used, or it is not clear enough what would be stopped.
    """
    request = request_of(accounts, places, credentials)
    if not request.wanted:
        return of_places(places, selectors, stopping, credentials, output)
    return _run(request, places, selectors, stopping, credentials, prepare(output))


def _run(
    request: EstateRequest,
    places: PlaceOptions,
    selectors: ScopeOptions,
    stopping: StopOptions,
    credentials: CredentialOptions,
    sinks: Sequence[Sink],
) -> int:
    if stopping.yes and request.open_ended:
        raise InvalidArgument(
            "--yes stops jobs only in accounts that are named one by one: give --account, --profile or --subscription "
            "in place of --organization and --all-subscriptions, or run this on a terminal, where it asks for each."
        )
    if stopping.expected_account_id:
        raise InvalidArgument("--expected-account-id is for one account: leave it out.")
    if any(named_besides(request, places).values()):
        raise InvalidArgument(
            "--endpoint or --region, and accounts that do not have it: give each a `cancel` of its own."
        )
    templates = _templates(selectors, stopping, without_profiles(credentials))
    timeout = parse_timeout("--timeout", stopping.timeout)
    with surveyed(request, timeout) as survey:
        guards = [
            replace(templates[one.service], connection=one)
            for one in survey.found.connections
            if one.service in templates
        ]
        seen = dry_run(guards, timeout=timeout, survey=survey)
    if seen.interrupted:
        emit(seen, sinks, [credentials.key_env])
        return 130
    chosen = _chosen(seen, yes=stopping.yes)
    if not chosen:
        return emit(seen, sinks, [credentials.key_env])
    result = cancel([guard for guard in guards if guard.connection in chosen], stopping.receipts)
    code = emit(result, sinks, [credentials.key_env])
    failed = [sight for sight in seen.sights if sight.error]
    for sight in failed:
        typer.echo(f"{sight.account or ''} {sight.connection.place}: {sight.error}".strip(), err=True)
    return 2 if failed else code


def _templates(
    selectors: ScopeOptions, stopping: StopOptions, credentials: CredentialOptions
) -> Mapping[str, GuardArguments]:
    """Return a teardown for each service that has a scope, at any place."""
    found: dict[str, GuardArguments] = {}
    for service in CONNECTIONS:
        if scope := scope_of(selectors, service):
            properties: dict[str, Any] = {
                "name": NAME,
                **stopping.properties(),
                **properties_of(service, ANYWHERE[service], credentials),
                "scope": [scope],
            }
            check(service, properties)
            found[service] = read(service, properties)
    if not found:
        raise InvalidArgument(
            "There is no scope, and everything would be stopped: name jobs, or say --whole-region or --whole-resource "
            "if you mean it."
        )
    return found


def _chosen(seen: DryRunResult, *, yes: bool) -> set[Connection]:
    """Return the places to stop jobs at: all, or those of the accounts that somebody at the terminal confirms."""
    rows = (*seen.jobs, *seen.undecided)
    by_account: dict[str, list[Sight]] = {}
    for sight in seen.sights:
        if any(_is_at(row, sight) for row in rows):
            # At Azure each Translator resource is an account.
            by_account.setdefault(f"{sight.connection.title} {sight.account}", []).append(sight)
    if not yes and not sys.stdin.isatty():
        return set()
    chosen: set[Connection] = set()
    for account, sights in by_account.items():
        count = sum(_is_at(row, sight) for sight in sights for row in rows)
        where = ", ".join(sight.connection.place for sight in sights)
        if yes or typer.confirm(f"Stop {counted(count, 'job', 'jobs')} of {account} ({where})?", err=True):
            chosen |= {sight.connection for sight in sights}
    return chosen


def _is_at(row: JobRow, sight: Sight) -> bool:
    return (row.service, row.account, row.place) == (sight.connection.service, sight.account, sight.connection.place)
