"""Where to look for the jobs of a stack: where its guards work, and where jobs could use what it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translation_job_guard.cli.options import ENDPOINT_ENV, Access, places_of_environment
from translation_job_guard.guard.arguments import GuardArguments
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import has_batch_jobs
from translation_job_guard.state import ExportedStack, Tie, TieKind

__all__ = ["has_amazon", "places_of", "places_of_stack"]


def has_amazon(ties: Iterable[Tie]) -> bool:
    """Check whether any of the resources is one that Amazon Translate's jobs use."""
    return any(tie.kind in (TieKind.ROLE, TieKind.BUCKET) for tie in ties)


def places_of(
    guards: Iterable[GuardArguments], regions: Iterable[str], endpoints: Iterable[str], access: Access
) -> list[Connection]:
    """Return the places of guards, and the regions and endpoints at which none of the guards looks.

    Raises:
        InvalidArgument: a region, an endpoint or an option of ``access`` cannot be used.
    """
    of_guards = [guard.connection for guard in guards]
    wanted = [
        *(access.connection(AMAZON_TRANSLATE, region) for region in regions),
        *(access.connection(AZURE_DOCUMENT_TRANSLATION, url) for url in endpoints),
    ]
    # Where a guard looks already with credentials of its own, the environment's add nothing.
    looked = {connection.key for connection in of_guards}
    return list(dict.fromkeys([*of_guards, *(one for one in wanted if one.key not in looked)]))


def places_of_stack(
    stack: ExportedStack,
    guards: Sequence[GuardArguments],
    ties: Sequence[Tie],
    regions: Sequence[str],
    endpoints: Sequence[str],
    access: Access,
) -> tuple[list[Connection], list[str]]:
    """Return where jobs could run that ``guards`` answer for or that need ``ties``, and what cannot be looked at.

    A role or bucket can be used in any region of the stack's providers and guards, and in the environment's; a
    container by any Translator resource of the stack, of its guards and of the environment. Regions and endpoints that
    are given are looked at in any case.

    Raises:
        InvalidArgument: a region, an endpoint or an option of ``access`` cannot be used.
    """
    every = [guard.arguments for guard in stack.guards if guard.arguments]
    here_regions, here_endpoints = places_of_environment(access.profile)
    at_regions, at_endpoints, looking = list(regions), list(endpoints), list(guards)
    problems = []
    if has_amazon(ties):
        looking += [one for one in every if one.connection.service == AMAZON_TRANSLATE]
        at_regions += [region for region in (*stack.regions, *here_regions) if has_batch_jobs(region)]
        if not stack.regions and not here_regions and not at_regions and not _any(looking, AMAZON_TRANSLATE):
            problems.append(
                f"{_names(tie for tie in ties if has_amazon([tie]))} may be in use by Amazon Translate, and the "
                "stack names no region: give --region, or set AWS_REGION."
            )
    containers = [tie for tie in ties if tie.kind is TieKind.CONTAINER]
    if containers:
        looking += [one for one in every if one.connection.service == AZURE_DOCUMENT_TRANSLATION]
        at_endpoints += [tie.identity for tie in stack.ties if tie.kind is TieKind.TRANSLATOR]
        at_endpoints += here_endpoints
        if not at_endpoints and not _any(looking, AZURE_DOCUMENT_TRANSLATION):
            problems.append(
                f"{_names(containers)} may be in use by Azure Document Translation, and the stack has no "
                f"Translator resource: give --endpoint, or set {ENDPOINT_ENV}."
            )
    at_endpoints += [tie.identity for tie in ties if tie.kind is TieKind.TRANSLATOR]
    return places_of(looking, at_regions, at_endpoints, access), problems


def _any(guards: Iterable[GuardArguments], service: str) -> bool:
    return any(guard.connection.service == service for guard in guards)


def _names(ties: Iterable[Tie], most: int = 3) -> str:
    names = [f"{tie.kind.value} {tie.name}" for tie in ties]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
