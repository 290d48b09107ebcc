"""Find every place of an estate: enter the accounts, list the subscriptions, and keep a row for what refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from translation_job_guard.durations import format_duration
from translation_job_guard.errors import GuardError, UnexpectedError
from translation_job_guard.estate.amazon import (
    Entrance,
    accounts_of_organization,
    entrances,
    regions_to_look_at,
)
from translation_job_guard.estate.azure import ResourceManager, TranslatorAccount
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.jobs import counted
from translation_job_guard.looking import Sight
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.services.azure import AzureConnection
from translation_job_guard.threads import each_within

__all__ = ["Found", "find"]

_FIRST_REGION: Final = "us-east-1"


@dataclass(frozen=True)
class Found:
    """The places of an estate.

    Args:
        connections: where to look.
        sights: the rows of what cannot be looked at, and of what needs no look.
        notes: what was left out.
    """

    connections: tuple[Connection, ...]
    sights: tuple[Sight, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Steps:
    """What is to be done in parallel: each step returns connections, and has a row for its failure."""

    timeout: float
    work: list[Callable[[], Sequence[Connection | Sight]]] = field(default_factory=list)
    failed: list[Callable[[GuardError, float], Sight]] = field(default_factory=list)

    def add(
        self, work: Callable[[], Sequence[Connection | Sight]], failed: Callable[[GuardError, float], Sight]
    ) -> None:
        """Add a step."""
        self.work.append(work)
        self.failed.append(failed)

    def run(self, workers: int, seen: Callable[[Sight], None]) -> tuple[list[Connection], list[Sight]]:
        """Run the steps, and return the connections and the rows of all of them, in the order of the steps."""
        late = GuardError(f"no answer in {format_duration(self.timeout)}: give a longer --timeout, or leave this out")
        results: dict[int, Sequence[Connection | Sight]] = {}
        for index, result in each_within(self._one, range(len(self.work)), workers=workers, limit=self.timeout):
            results[index] = [self.failed[index](late, self.timeout)] if result is None else result
            for one in results[index]:
                if isinstance(one, Sight):
                    seen(one)
        everything = [one for index in range(len(self.work)) for one in results[index]]
        sights = [one for one in everything if isinstance(one, Sight)]
        return [one for one in everything if not isinstance(one, Sight)], sights

    def _one(self, index: int) -> Sequence[Connection | Sight]:
        started = time.monotonic()
        try:
            return self.work[index]()
        except GuardError as error:
            failure = error
        except Exception as error:
            failure = UnexpectedError(error, "the look", "Please report this.")
            failure.__cause__ = error
        return [self.failed[index](failure, time.monotonic() - started)]


def find(
    request: EstateRequest, *, here: str | None, timeout: float, seen: Callable[[Sight], None] = lambda _: None
) -> Found:
    """Find every place that a request names.

    Args:
        request: what to look at.
        here: the environment's AWS region, which tells the partition.
        timeout: seconds for each account and subscription.
        seen: called with each row of what cannot be looked at.

    Raises:
        InvalidArgument: an option or an environment variable cannot be used.
        MissingExtra: a package is not installed.
    """
    notes: list[str] = []
    sights: list[Sight] = []
    steps = _Steps(timeout)

    def failed(sight: Sight) -> None:
        sights.append(sight)
        seen(sight)

    if request.aws:
        _add_accounts(request, here, steps, failed, notes)
    if request.azure:
        _add_subscriptions(request, steps, failed, notes)
    connections, rows = steps.run(request.concurrency, seen)
    return Found(tuple(dict.fromkeys(connections)), (*sights, *rows), tuple(notes))


def _add_accounts(
    request: EstateRequest, here: str | None, steps: _Steps, failed: Callable[[Sight], None], notes: list[str]
) -> None:
    regions = regions_to_look_at(request, here)
    first = here or (regions[0] if regions else _FIRST_REGION)
    accounts = list(request.accounts)
    if request.organization:
        try:
            active, others = accounts_of_organization(request, first, steps.timeout)
            accounts += active
            if others:
                notes.append(_left_out("account", len(others), "not active", others))
        except GuardError as error:
            place = AmazonConnection("organization", profile=request.profile)
            failed(Sight(place, 0.0, failure=error))
    for entrance in entrances(request, accounts, first):
        steps.add(_entering(entrance, regions, steps.timeout), entrance.closed)


def _entering(entrance: Entrance, regions: Sequence[str], timeout: float) -> Callable[[], Sequence[Connection]]:
    return lambda: entrance.enter(regions, timeout)


def _add_subscriptions(
    request: EstateRequest, steps: _Steps, failed: Callable[[Sight], None], notes: list[str]
) -> None:
    manager = ResourceManager(request)
    subscriptions = list(request.subscriptions)
    if request.all_subscriptions:
        try:
            listed, deleted = manager.subscriptions(steps.timeout)
            subscriptions += listed
            if deleted:
                notes.append(_left_out("subscription", len(deleted), "deleted", deleted))
        except GuardError as error:
            failed(Sight(_row(request, "all subscriptions"), 0.0, failure=error))
    for subscription in dict.fromkeys(subscriptions):
        steps.add(_listing(manager, subscription, steps.timeout), _unlisted(request, subscription))


def _listing(manager: ResourceManager, subscription: str, timeout: float) -> Callable[[], Sequence[Connection | Sight]]:
    def accounts() -> Sequence[Connection | Sight]:
        found = manager.accounts(subscription, timeout)
        return [account if useless is None else _useless(account, useless) for account, useless in found]

    return accounts


def _useless(account: TranslatorAccount, why: str) -> Sight:
    return Sight(account, 0.0, account.subscription, remark=why)


def _unlisted(request: EstateRequest, subscription: str) -> Callable[[GuardError, float], Sight]:
    def row(error: GuardError, seconds: float) -> Sight:
        return Sight(_row(request, f"subscription {subscription}"), seconds, subscription, failure=error)

    return row


def _row(request: EstateRequest, place: str) -> AzureConnection:
    return AzureConnection(place, key_env=request.key_env, api_version=request.api_version)


def _left_out(what: str, count: int, why: str, which: Sequence[str], most: int = 10) -> str:
    names = ", ".join(which[:most]) + (f" and {count - most} more" if count > most else "")
    return (
        f"{counted(count, what, f'{what}s')} left out, because {'it is' if count == 1 else 'they are'} {why}: {names}."
    )
