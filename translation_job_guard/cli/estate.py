"""The estate that options name: what to ask for, and how a command looks at it with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from translation_job_guard.cli.options import AccountOptions, CredentialOptions, PlaceOptions
from translation_job_guard.cli.places import PlaceNames, given_places, places_of_environment
from translation_job_guard.cli.streams import say
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.estate.finding import Found, find
from translation_job_guard.estate.progress import Progress
from translation_job_guard.estate.request import EstateRequest
from translation_job_guard.estate.walls import explained
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION, Job
from translation_job_guard.looking import Interrupted, Sight, look
from translation_job_guard.services import Connection

__all__ = ["ANYWHERE", "Survey", "looked_at", "named_besides", "request_of", "surveyed", "without_profiles"]

ANYWHERE: Final = {
    AMAZON_TRANSLATE: "us-east-1",
    AZURE_DOCUMENT_TRANSLATION: "https://name.cognitiveservices.azure.com/",
}
"""A place of each service, to check other options with where the places are not known yet."""


@dataclass(frozen=True)
class Survey:
    """An estate that was found, and what is to be told of the look at it."""

    request: EstateRequest
    found: Found
    progress: Progress


def request_of(options: AccountOptions, places: PlaceOptions, credentials: CredentialOptions) -> EstateRequest:
    """Return what options ask for.

    Raises:
        InvalidArgument: options do not go together.
    """
    several = len(credentials.profiles) > 1
    request = EstateRequest(
        accounts=tuple(options.account),
        organization=options.organization,
        role_name=options.role_name,
        profiles=tuple(credentials.profiles) if several else (),
        subscriptions=tuple(options.subscription),
        all_subscriptions=options.all_subscriptions,
        regions=tuple(places.region),
        profile=None if several else credentials.profile,
        endpoint_url=credentials.endpoint_url,
        key_env=credentials.key_env,
        api_version=credentials.api_version,
        concurrency=options.concurrency,
    )
    if request.aws and credentials.assume_role_arn:
        raise InvalidArgument("--assume-role-arn leads into one account: give --account and --role-name for several.")
    return request


def named_besides(request: EstateRequest, places: PlaceOptions) -> PlaceNames:
    """Return the places that options name beside an estate. Regions narrow an estate's accounts, if it has any."""
    names = dict(given_places(places))
    if request.aws:
        names[AMAZON_TRANSLATE] = []
    return names


def without_profiles(credentials: CredentialOptions) -> CredentialOptions:
    """Return the options without profiles: to check others where several profiles lead to accounts."""
    return replace(credentials, profiles=[])


@contextmanager
def surveyed(request: EstateRequest, timeout: float) -> Iterator[Survey]:
    """Find an estate, and show on standard error how far the look at it is, until the end of the block.

    Args:
        request: what to look at.
        timeout: seconds for each account, subscription and place.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    here = None
    if request.aws and not request.profiles:
        here = next(iter(places_of_environment(request.profile)[AMAZON_TRANSLATE]), None)
    with Progress() as progress:
        found = find(request, here=here, timeout=timeout, seen=progress.seen)
        yield Survey(request, found, progress)


def looked_at(
    places: Sequence[Connection],
    survey: Survey | None,
    *,
    timeout: float,
    wants_locations: Callable[[Connection, Sequence[Job]], Sequence[Job]],
    finish: Callable[[Sight], Sight] = lambda sight: sight,
) -> tuple[list[Sight], bool]:
    """Look at places, and return what was seen and whether Ctrl-C ended it.

    Args:
        places: where to look.
        survey: the estate that the places are of; its own rows are among what is returned.
        timeout: seconds for each place.
        wants_locations: as of ``look``.
        finish: as of ``look``.
    """
    more: dict[str, Any] = {}
    if survey is not None:
        survey.progress.begin(len(places))
        more = {"workers": survey.request.concurrency, "seen": survey.progress.seen}
    interrupted = False
    try:
        sights = look(places, timeout=timeout, wants_locations=wants_locations, finish=finish, **more)
    except Interrupted as interruption:
        if survey is None:
            raise
        say("Interrupted: this is what was seen until then.")
        sights, interrupted = interruption.sights, True
    own = list(survey.found.sights) if survey is not None else []
    return [*own, *map(explained, sights)], interrupted
