"""Where to look: the connections to the places that options, the environment and stacks name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from translation_job_guard.cli.groups import flags
from translation_job_guard.cli.options import (
    ENDPOINT_ENV,
    CredentialOptions,
    PlaceOptions,
    ScopeOptions,
    SelectorOptions,
    StopOptions,
)
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.guard.arguments import GuardArguments, read_connection
from translation_job_guard.guard.properties import UNKNOWN
from translation_job_guard.guard.selectors import SELECTORS, Kind
from translation_job_guard.guard.validation import Problem, problems
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import regions_beside
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.state import ExportedStack, Tie, TieKind

__all__ = [
    "PlaceNames",
    "check",
    "connect",
    "connections",
    "every_region",
    "given_places",
    "id_option",
    "merged",
    "nowhere",
    "places_of_environment",
    "places_of_guards",
    "places_of_stack",
    "properties_of",
    "scope_of",
    "service_of",
    "stack_places",
]

PlaceNames = Mapping[str, Sequence[str]]
"""Regions and endpoints, by the service that runs there; each service has an entry."""

_VARIABLES: Final = {AMAZON_TRANSLATE: "AWS_REGION", AZURE_DOCUMENT_TRANSLATION: ENDPOINT_ENV}
"""The environment variables that name a place."""


# What options say


def given_places(options: PlaceOptions) -> PlaceNames:
    """Return the places that options name."""
    return {
        service: list(dict.fromkeys(getattr(options, connection.place_name)))
        for service, connection in CONNECTIONS.items()
    }


def merged(*places: PlaceNames) -> PlaceNames:
    """Return all places of several mappings, each once."""
    return {service: list(dict.fromkeys(one for some in places for one in some[service])) for service in CONNECTIONS}


def scope_of(selectors: SelectorOptions, service: str) -> dict[str, Any]:
    """Return the selectors of a service that were given, as a stored scope."""
    values = ((name, getattr(selectors, name, None)) for name in SELECTORS[service])
    return {name: value for name, value in values if value}


def connect(
    service: str, place: str, credentials: CredentialOptions, scope: Mapping[str, Any] | None = None
) -> Connection:
    """Return the connection to a place.

    Args:
        service: the service that runs there.
        place: a region or an endpoint.
        credentials: the options that say how to reach it.
        scope: the jobs to look for there, as a stored scope; it is checked too.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    properties = properties_of(service, place, credentials)
    check(service, {**properties, "scope": [scope] if scope else UNKNOWN})
    return read_connection(service, properties)


def connections(places: PlaceNames, credentials: CredentialOptions) -> list[Connection]:
    """Return the connections to some places.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    return [connect(service, place, credentials) for service, some in places.items() for place in some]


def properties_of(service: str, place: str, credentials: CredentialOptions) -> dict[str, Any]:
    """Return what a guard at a place with these credentials would store."""
    connection = CONNECTIONS[service]
    names = {field.name for field in fields(connection) if hasattr(type(credentials), field.name)}
    return {connection.place_name: place, **{name: getattr(credentials, name) for name in sorted(names)}}


def check(service: str, properties: Mapping[str, Any]) -> None:
    """Check options as a guard checks its properties.

    Raises:
        InvalidArgument: an option cannot be used.
    """
    found = problems(service, properties)
    if found:
        raise InvalidArgument(" ".join(_in_options(service, problem) for problem in found))


def _in_options(service: str, problem: Problem) -> str:
    option = {**flags(PlaceOptions, CredentialOptions, ScopeOptions, StopOptions), "profile": "--profile"}
    if problem.path != "scope":
        # scope.container_urls[0] came from --container-url.
        return f"{option[re.sub(r'^scope[.]|[[][0-9]+[]]$', '', problem.path)]} {problem.reason}."
    selectors = [option[name] for name, selector in SELECTORS[service].items() if selector.kind is Kind.LIST]
    return f"A time only narrows what another option selects; give {' or '.join(selectors)} as well."


def id_option(service: str) -> str:
    """Return the option that names a service's jobs by their ids."""
    return flags(SelectorOptions)[next(name for name in SELECTORS[service] if name.endswith("_ids"))]


# What the environment says


def places_of_environment(profile: str | None) -> PlaceNames:
    """Return the region and the endpoint that the environment names, as far as it does.

    Args:
        profile: the AWS profile, whose region counts where no variable names one.

    Raises:
        InvalidArgument: the profile cannot be used.
    """
    found = {
        AMAZON_TRANSLATE: _region_of_environment(profile),
        AZURE_DOCUMENT_TRANSLATION: os.environ.get(ENDPOINT_ENV, "").strip(),
    }
    return {service: [place] if place else [] for service, place in found.items()}


def _region_of_environment(profile: str | None) -> str | None:
    # boto3 does not read AWS_REGION; every other SDK of AWS does.
    if region := os.environ.get("AWS_REGION", "").strip():
        return region
    try:
        # botocore alone: to import boto3 takes as long as all the rest.
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        return None
    try:
        found = Session(profile=profile).get_config_variable("region")
    except BotoCoreError as error:
        raise InvalidArgument(f"{error} Give --region, or another --profile.") from error
    return str(found) if found else None


def every_region(profile: str | None) -> PlaceNames:
    """Return every region that has Amazon Translate's batch jobs, in the partition of the environment's region.

    Raises:
        InvalidArgument: boto3, which has the list, is not installed.
    """
    try:
        regions = regions_beside(_region_of_environment(profile))
    except ImportError as error:
        raise InvalidArgument('--all-regions needs boto3: pip install "translation-job-guard[aws]"') from error
    return {**{service: [] for service in CONNECTIONS}, AMAZON_TRANSLATE: regions}


def nowhere(services: Iterable[str], *more_options: str) -> InvalidArgument:
    """Return the error for a command that does not know where to look for the jobs of some services.

    Args:
        services: the services whose places are missing.
        more_options: options of the command that name places, besides those of the services.
    """
    services = list(services)
    options = [*(f"--{CONNECTIONS[service].place_name}" for service in services), *more_options]
    variables = " or ".join(_VARIABLES[service] for service in services)
    return InvalidArgument(
        f"There is no place to look at: give {' or '.join(options)}, or set {variables} in this environment."
    )


# What stacks say


def service_of(tie: Tie) -> str:
    """Return the service whose jobs use a resource."""
    return _SERVICES[tie.kind]


_SERVICES: Final = {
    TieKind.ROLE: AMAZON_TRANSLATE,
    TieKind.BUCKET: AMAZON_TRANSLATE,
    TieKind.CONTAINER: AZURE_DOCUMENT_TRANSLATION,
    TieKind.TRANSLATOR: AZURE_DOCUMENT_TRANSLATION,
}


def places_of_guards(guards: Iterable[GuardArguments], more: Iterable[Connection]) -> list[Connection]:
    """Return the connections of guards, and those of ``more`` to places at which none of the guards looks."""
    of_guards = [guard.connection for guard in guards]
    # A guard looks there with credentials of its own, so the environment's add nothing.
    looked = {connection.key for connection in of_guards}
    return list(dict.fromkeys([*of_guards, *(one for one in more if one.key not in looked)]))


def places_of_stack(
    stack: ExportedStack,
    guards: Sequence[GuardArguments],
    ties: Sequence[Tie],
    given: PlaceNames,
    credentials: CredentialOptions,
) -> tuple[list[Connection], list[str]]:
    """Return where jobs could run that ``guards`` cover or that need ``ties``, and what cannot be looked at.

    A role or bucket can be used in any region of the stack's providers and guards, and in the environment's; a
    container by any Translator resource of the stack, of its guards and of the environment. Places that are given are
    looked at in any case.

    Raises:
        InvalidArgument: a place or a credential option cannot be used.
    """
    named = merged(stack_places(stack), places_of_environment(credentials.profile))
    looking, problems, found = list(guards), [], connections(given, credentials)
    for service, connection in CONNECTIONS.items():
        of_service = [tie for tie in ties if service_of(tie) == service]
        anywhere = [tie for tie in of_service if tie.kind is not TieKind.TRANSLATOR]
        found += [connect(service, tie.identity, credentials) for tie in of_service if tie not in anywhere]
        if not anywhere:
            continue
        looking += [guard.arguments for guard in stack.guards if guard.arguments and guard.service == service]
        found += [
            one for one in (connect(service, place, credentials) for place in named[service]) if one.may_have_jobs
        ]
        if not named[service] and service not in {one.service for one in places_of_guards(looking, found)}:
            problems.append(
                f"{_names(anywhere)} may be in use by {connection.title}, and the stack does not say in which "
                f"{connection.place_name}; give --{connection.place_name}, or set {_VARIABLES[service]}."
            )
    return places_of_guards(looking, found), problems


def stack_places(stack: ExportedStack) -> PlaceNames:
    """Return the regions of a stack's providers, and the endpoints of its Translator resources."""
    translators = [tie.identity for tie in stack.ties if tie.kind is TieKind.TRANSLATOR]
    return {AMAZON_TRANSLATE: stack.regions, AZURE_DOCUMENT_TRANSLATION: translators}


def _names(ties: Sequence[Tie], most: int = 3) -> str:
    names = [f"{tie.kind.value} {tie.name}" for tie in ties]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
