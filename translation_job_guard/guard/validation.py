"""Validate new properties of a guard, in preview too, where some of them are ``UNKNOWN``."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from translation_job_guard.durations import parse_duration
from translation_job_guard.errors import MissingExtra
from translation_job_guard.guard import values
from translation_job_guard.guard.properties import DEFAULTS, UNKNOWN
from translation_job_guard.guard.selectors import SELECTORS, Kind, Selector
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.services import is_loopback
from translation_job_guard.services.registry import CONNECTIONS
from translation_job_guard.teardown.schedule import FASTEST_POLL

__all__ = ["Problem", "known_regions", "missing_packages", "problems"]


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a guard's properties.

    Attributes:
        path: The property, as the program writes it: ``scope.container_urls[0]``. Empty if it is not about one.
        reason: What is wrong, and what is expected: a sentence without its subject, which is the path, and without
            its full stop. Other properties stand in it in backticks. It never repeats a value, which may be a secret.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"`{self.path}` {self.reason}." if self.path else self.reason


_COMMON: Final[Mapping[str, values.Check]] = {
    "on_delete": values.mode,
    "grace_period": values.duration,
    "timeout": values.duration,
    "quiet_period": values.duration,
    "poll_interval": values.duration,
}
_OWN: Final[Mapping[str, Mapping[str, values.Check]]] = {
    AMAZON_TRANSLATE: {
        "region": values.REGION,
        "expected_account_id": values.ACCOUNT_ID,
        "assume_role_arn": values.ROLE_ARN,
        "endpoint_url": values.url,
        "profile": values.PROFILE,
    },
    AZURE_DOCUMENT_TRANSLATION: {
        "endpoint": values.url,
        "undecided_timeout": values.duration,
        "api_version": values.API_VERSION,
        "key_env": values.key_env,
        "account_resource_id": values.RESOURCE_ID,
    },
}
_MISSING_PLACE: Final = {
    AMAZON_TRANSLATE: "is missing; set `region`, or run `pulumi config set aws:region …`",
    AZURE_DOCUMENT_TRANSLATION: "is missing; expected the Translator resource's endpoint",
}
_NOT_DERIVED: Final = {
    AMAZON_TRANSLATE: "",
    AZURE_DOCUMENT_TRANSLATION: (
        ". It is not derived from a Translator account, which may be shared: set `whole_resource` for an account of "
        "this environment's own"
    ),
}
_EMPTY: Final = "is empty: an output that it was made from resolved to nothing. Leave it out, or give a value"


def problems(service: str, properties: Mapping[str, Any]) -> list[Problem]:
    """Return everything that is wrong with new properties, as far as they are known.

    Args:
        service: ``jobs.AMAZON_TRANSLATE`` or ``jobs.AZURE_DOCUMENT_TRANSLATION``.
        properties: As the resource registers them; ``UNKNOWN`` where they are not known yet, at any depth.
    """
    found = list(_single_problems(service, properties))
    paths = {problem.path for problem in found}
    if not paths & _COMMON.keys():
        found += _duration_problems(properties)
    if not paths & {"region", "endpoint_url"}:
        found += _region_problems(properties)
    found += _scope_problems(service, properties.get("scope"))
    if not _is_storable(properties.get("triggers")):
        reason = (
            "is not a valid list of triggers; expected text, numbers, lists and maps of them. An asset or a resource "
            "could not be read from the state again, not even to delete the guard. Give a hash of the file, or the "
            "resource's ID"
        )
        found.append(Problem("triggers", reason))
    return found


def missing_packages(service: str) -> MissingExtra | None:
    """Return the error that says how to install a service's packages; None if they are there. Imports none of them."""
    needs = CONNECTIONS[service]
    return None if all(map(_is_installed, needs.packages)) else MissingExtra(needs.title, needs.extra)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False  # its parent is missing


def _single_problems(service: str, properties: Mapping[str, Any]) -> Iterable[Problem]:
    place = CONNECTIONS[service].place_name
    if properties.get(place) in (None, ""):
        yield Problem(place, _MISSING_PLACE[service])
    for name, check in {**_COMMON, **_OWN[service]}.items():
        value = properties.get(name)
        if value is None or value is UNKNOWN or (name == place and value == ""):
            continue
        if reason := _EMPTY if value == "" else check(value):
            yield Problem(name, reason)


def _duration_problems(properties: Mapping[str, Any]) -> Iterable[Problem]:
    def seconds(name: str) -> float | None:
        value = properties.get(name)
        value = DEFAULTS[name] if value is None else value
        return None if value is UNKNOWN or value is None else parse_duration(value)

    timeout, quiet, grace, poll = map(seconds, ("timeout", "quiet_period", "grace_period", "poll_interval"))
    if timeout is not None:
        never = "or the teardown can never succeed"
        if timeout <= 0:
            yield Problem("timeout", f"is not a valid timeout; expected more than 0 s, {never}")
        elif quiet is not None and quiet >= timeout:
            yield Problem("quiet_period", f"is not a valid quiet period; expected less than `timeout`, {never}")
        if grace and grace + (quiet or 0) >= timeout:
            less = "expected less than `timeout` minus `quiet_period`"
            yield Problem("grace_period", f"is not a valid grace period; {less}, {never}")
    if poll is not None and poll < FASTEST_POLL:
        reason = "because a listing costs the whole account's quota"
        yield Problem("poll_interval", f"is not a valid poll interval; expected at least {FASTEST_POLL} s, {reason}")


def _region_problems(properties: Mapping[str, Any]) -> Iterable[Problem]:
    """Refuse a region that botocore does not know: `up` would wait for its host name until ``timeout``."""
    region, endpoint = properties.get("region"), properties.get("endpoint_url")
    # An emulator on loopback has any region, and an endpoint that is not known yet may be one.
    if (
        region in (None, UNKNOWN)
        or endpoint is UNKNOWN
        or (isinstance(endpoint, str) and endpoint and is_loopback(endpoint))
    ):
        return
    known = known_regions()
    if known and region not in known:
        near = difflib.get_close_matches(str(region), known, n=3, cutoff=0.7) or ["eu-west-1"]
        expected = f"expected one that the installed botocore knows, for instance {' or '.join(near)}"
        yield Problem("region", f"is not a valid AWS region; {expected}. For a newer region, upgrade boto3")


@functools.cache
def known_regions() -> frozenset[str]:
    """Return the regions of all partitions that botocore knows; an empty set if its data cannot be read."""
    # Read without botocore: importing it takes longer than all other checks together.
    package = importlib.util.find_spec("botocore")
    if package is None or package.origin is None:
        return frozenset()
    try:
        data = json.loads((Path(package.origin).parent / "data" / "partitions.json").read_text(encoding="utf-8"))
        return frozenset(region for partition in data["partitions"] for region in partition["regions"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()  # another release may have another layout: a region that cannot be known is not refused


def _is_storable(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_storable, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_storable, value))
    return value is None or value is UNKNOWN or isinstance(value, (str, bool, int, float))


def _scope_problems(service: str, scopes: Any) -> Iterable[Problem]:
    if scopes is UNKNOWN:
        return
    if not isinstance(scopes, Sequence) or isinstance(scopes, str) or not scopes:
        yield Problem("scope", f"is missing; expected {_that_select(service)}{_NOT_DERIVED[service]}")
        return
    for index, scope in enumerate(scopes):
        where = "scope" if len(scopes) == 1 else f"scope[{index}]"
        if isinstance(scope, Mapping):
            yield from _one_scope(service, where, scope)
        elif scope is not UNKNOWN:
            yield Problem(where, "is not a valid scope; expected a map of selectors")


def _one_scope(service: str, where: str, scope: Mapping[str, Any]) -> Iterable[Problem]:
    selectors = SELECTORS[service]
    # A flag that is False was not given.
    given = {
        name: selectors[name]
        for name, value in scope.items()
        if name in selectors and not (selectors[name].kind is Kind.WHOLE and value is False)
    }
    for name in set(scope) - set(selectors):
        yield Problem(f"{where}.{name}", f"is not a valid selector; expected one of {_listed(selectors)}")
    if all(selector.kind is Kind.TIME for selector in given.values()):
        yield Problem(where, f"has no selector; expected {_that_select(service)}")
    whole = next((name for name, selector in given.items() if selector.kind is Kind.WHOLE), None)
    if whole is not None and len(given) > 1 and scope[whole] is not UNKNOWN:
        yield Problem(
            f"{where}.{whole}",
            "cannot be combined with another selector; leave it out to narrow the scope, or leave out the others to "
            "cover every job there",
        )
    for name, selector in given.items():
        yield from _selector_problems(f"{where}.{name}", selector, scope[name])


def _selector_problems(path: str, selector: Selector, value: Any) -> Iterable[Problem]:
    if value is UNKNOWN:
        return
    if value is None or value == "" or (selector.kind is Kind.LIST and isinstance(value, Sequence) and not value):
        yield Problem(path, _EMPTY)
    elif selector.kind is not Kind.LIST:
        if reason := selector.check(value):
            yield Problem(path, reason)
    elif isinstance(value, str) or not isinstance(value, Sequence):
        yield Problem(path, "is not a valid list; expected a list of values, even for one")
    else:
        for index, element in enumerate(value):
            if element is UNKNOWN:
                continue
            nothing = element is None or (isinstance(element, str) and not element.strip())
            if reason := _EMPTY if nothing else selector.check(element):
                yield Problem(f"{path}[{index}]", reason)


def _that_select(service: str) -> str:
    return f"at least one of {_listed(name for name, one in SELECTORS[service].items() if one.kind is not Kind.TIME)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
