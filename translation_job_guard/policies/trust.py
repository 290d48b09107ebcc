"""Read IAM policy documents: whether Amazon Translate can assume a role, and which statements a document has."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from translation_job_guard.guard.properties import UNKNOWN

__all__ = ["Trust", "as_list", "element", "statements", "trust"]

_TRANSLATE: Final = re.compile(r"(?i)translate(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?")


class Trust(enum.Enum):
    """What a policy document permits. UNKNOWN: it depends on what is not known yet, or it cannot be read."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def inverted(self) -> Trust:
        """The answer about everything but what was asked, as ``NotAction`` and ``NotPrincipal`` mean it."""
        return {Trust.YES: Trust.NO, Trust.NO: Trust.YES}.get(self, self)


def trust(document: Any) -> Trust:
    """Return whether a trust policy lets Amazon Translate assume its role.

    Args:
        document: JSON text or the same as objects, with ``UNKNOWN`` where a value is not known yet.
    """
    if document is None:
        return Trust.NO
    found = statements(document)
    if found is None:
        return Trust.UNKNOWN
    answers = [_statement(statement) for statement in found]
    allowed = {answer for denies, answer in answers if not denies}
    denied = {answer for denies, answer in answers if denies}
    if Trust.YES in denied or allowed <= {Trust.NO}:
        return Trust.NO
    return Trust.YES if Trust.YES in allowed and Trust.UNKNOWN not in denied else Trust.UNKNOWN


def statements(document: Any) -> list[Any] | None:
    """Return the statements of a policy document, which is JSON text or an object; None if it is neither."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return None
    return as_list(element(document, "Statement")) if isinstance(document, Mapping) else None


def element(of: Mapping[str, Any], name: str) -> Any:
    """Return an element of a policy document. IAM ignores the case of the names."""
    return next((value for key, value in of.items() if str(key).lower() == name.lower()), None)


def as_list(value: Any) -> list[Any]:
    """Return the values of an element, which may be one value, a list, or missing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _statement(statement: Any) -> tuple[bool, Trust]:
    """Return whether a statement denies, and whether it is about Amazon Translate assuming the role."""
    if not isinstance(statement, Mapping):
        return False, Trust.UNKNOWN
    effect = element(statement, "Effect")
    denies = isinstance(effect, str) and effect.lower() == "deny"
    principal, everyone = _principal(statement)
    both = {principal, _action(statement)}
    answer = next((one for one in (Trust.NO, Trust.UNKNOWN) if one in both), Trust.YES)
    if effect is UNKNOWN and answer is not Trust.NO:
        answer = Trust.UNKNOWN
    if element(statement, "Condition"):
        if denies:
            # Usually "unless the request comes from our account", so jobs of that account are permitted.
            answer = Trust.NO
        elif everyone and answer is Trust.YES:
            # Nobody can tell whether a service meets the condition. A service that is named is meant to meet it.
            answer = Trust.UNKNOWN
    return denies, answer


def _principal(statement: Mapping[str, Any]) -> tuple[Trust, bool]:
    """Return whether a statement is about Amazon Translate, and whether it is about everyone."""
    principal = element(statement, "Principal")
    if principal is not None:
        return _names_translate(principal)
    excluded = element(statement, "NotPrincipal")
    return (Trust.NO, False) if excluded is None else (_names_translate(excluded)[0].inverted, True)


def _names_translate(principal: Any) -> tuple[Trust, bool]:
    if principal is UNKNOWN:
        return Trust.UNKNOWN, False
    if not isinstance(principal, Mapping):
        return (Trust.YES if principal == "*" else Trust.NO), True
    services = as_list(element(principal, "Service"))
    if any(isinstance(service, str) and _TRANSLATE.fullmatch(service) for service in services):
        return Trust.YES, False
    # IAM reads {"AWS": "*"} as "*".
    if "*" in as_list(element(principal, "AWS")):
        return Trust.YES, True
    return (Trust.UNKNOWN if UNKNOWN in services else Trust.NO), False


def _action(statement: Mapping[str, Any]) -> Trust:
    actions = element(statement, "Action")
    if actions is not None:
        return _names_assume_role(actions)
    excluded = element(statement, "NotAction")
    return Trust.NO if excluded is None else _names_assume_role(excluded).inverted


def _names_assume_role(actions: Any) -> Trust:
    listed = as_list(actions)
    if any(isinstance(action, str) and fnmatchcase("sts:assumerole", action.lower()) for action in listed):
        return Trust.YES
    return Trust.UNKNOWN if UNKNOWN in listed else Trust.NO
