"""Whether a role's trust policy lets Amazon Translate assume the role."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from translation_job_guard.guard.properties import UNKNOWN

__all__ = ["Trust", "trust"]

_TRANSLATE: Final = re.compile(r"(?i)translate(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")
_ASSUME: Final = "sts:assumerole"


class Trust(enum.Enum):
    """Whether Amazon Translate can assume a role. UNKNOWN: it depends on what is not known yet, or cannot be read."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def trust(document: Any) -> Trust:
    """Whether a trust policy lets Amazon Translate assume its role.

    Args:
        document: JSON text or the same as objects, with ``UNKNOWN`` where a value is not known yet.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return Trust.UNKNOWN
    if document is None:
        return Trust.NO
    if not isinstance(document, Mapping):
        return Trust.UNKNOWN
    answers = [_statement(statement) for statement in _list(_element(document, "Statement"))]
    allowed = [answer for denies, answer in answers if not denies]
    denied = [answer for denies, answer in answers if denies]
    if Trust.YES in denied or not allowed or set(allowed) == {Trust.NO}:
        return Trust.NO
    if Trust.YES in allowed and Trust.UNKNOWN not in denied:
        return Trust.YES
    return Trust.UNKNOWN


def _statement(statement: Any) -> tuple[bool, Trust]:
    """Whether a statement denies, and whether it speaks of Amazon Translate assuming the role."""
    if not isinstance(statement, Mapping):
        return False, Trust.UNKNOWN
    effect = _element(statement, "Effect")
    denies = isinstance(effect, str) and effect.lower() == "deny"
    conditions = _element(statement, "Condition")
    who, everyone = _principals(statement)
    answer = _both(who, _actions(statement))
    if effect is UNKNOWN and answer is not Trust.NO:
        answer = Trust.UNKNOWN
    if conditions:
        if denies:
            # Usually "unless it comes from our account": the account's own jobs pass.
            answer = Trust.NO
        elif everyone and answer is Trust.YES:
            # Whether a service can meet it cannot be told. A service that is named is meant to.
            answer = Trust.UNKNOWN
    return denies, answer


def _principals(statement: Mapping[str, Any]) -> tuple[Trust, bool]:
    """Whether Amazon Translate is meant, and whether it is only because everyone is."""
    principal = _element(statement, "Principal")
    if principal is not None:
        return _principal(principal)
    excluded = _element(statement, "NotPrincipal")
    if excluded is None:
        return Trust.NO, False
    listed, _ = _principal(excluded)
    return {Trust.YES: Trust.NO, Trust.NO: Trust.YES, Trust.UNKNOWN: Trust.UNKNOWN}[listed], True


def _principal(principal: Any) -> tuple[Trust, bool]:
    if principal is UNKNOWN:
        return Trust.UNKNOWN, False
    if not isinstance(principal, Mapping):
        return (Trust.YES if principal == "*" else Trust.NO), True
    services = _list(_element(principal, "Service"))
    if any(isinstance(service, str) and _TRANSLATE.fullmatch(service) for service in services):
        return Trust.YES, False
    # IAM takes {"AWS": "*"} for "*".
    if "*" in _list(_element(principal, "AWS")):
        return Trust.YES, True
    return (Trust.UNKNOWN if UNKNOWN in services else Trust.NO), False


def _actions(statement: Mapping[str, Any]) -> Trust:
    actions = _element(statement, "Action")
    if actions is not None:
        return _names_assume(actions)
    excluded = _element(statement, "NotAction")
    if excluded is None:
        return Trust.NO
    listed = _names_assume(excluded)
    return {Trust.YES: Trust.NO, Trust.NO: Trust.YES, Trust.UNKNOWN: Trust.UNKNOWN}[listed]


def _names_assume(actions: Any) -> Trust:
    listed = _list(actions)
    if any(isinstance(action, str) and fnmatchcase(_ASSUME, action.lower()) for action in listed):
        return Trust.YES
    return Trust.UNKNOWN if UNKNOWN in listed else Trust.NO


def _both(one: Trust, other: Trust) -> Trust:
    if Trust.NO in (one, other):
        return Trust.NO
    return Trust.UNKNOWN if Trust.UNKNOWN in (one, other) else Trust.YES


def _element(of: Mapping[str, Any], name: str) -> Any:
    # IAM does not mind the case of its elements' names.
    return next((value for key, value in of.items() if str(key).lower() == name.lower()), None)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
