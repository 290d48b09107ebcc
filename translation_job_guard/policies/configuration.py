"""Write an example of a pack's configuration, and find errors in a configuration.

Pulumi gives each rule its own part of a configuration. So no rule sees a part for a rule that does not exist, and only
the whole configuration shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from pulumi_policy import EnforcementLevel

from translation_job_guard.policies import NAMES, rules
from translation_job_guard.policies.rule import Rule, unknown_option
from translation_job_guard.policies.waivers import read_waivers

__all__ = ["example", "problems"]

_LEVELS: Final = [level.value for level in EnforcementLevel]
_ALL: Final = "all"
"""In Pulumi's configurations, the level of every rule."""
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "array": (list,),
}


def example(*, trial: bool = False) -> dict[str, Any]:
    """Return a configuration with the default of every option of every rule.

    Args:
        trial: make every rule advisory.
    """
    return {
        name: {"enforcementLevel": "advisory" if trial else rule.level.value, **rule.defaults}
        for name, rule in rules().items()
    }


def problems(configuration: Any) -> list[str]:
    """Return a sentence about each error in a configuration."""
    if not isinstance(configuration, Mapping):
        return ["The configuration is not a JSON object with the names of rules."]
    found, known = [], rules()
    for name, given in configuration.items():
        rule = known.get(name)
        if rule is None and name != _ALL:
            close = get_close_matches(name, NAMES, n=1)
            meant = f"Did you mean `{close[0]}`?" if close else f"The rules are {', '.join(NAMES)}."
            found.append(f"`{name}` is not a rule of translation-job-guard, so it changes nothing. {meant}")
            continue
        options = given if isinstance(given, Mapping) else {"enforcementLevel": given}
        level = options.get("enforcementLevel")
        if level is not None and level not in _LEVELS:
            found.append(f"`{level}` is not a valid level of {name}; expected {', '.join(_LEVELS)}.")
        if rule is not None:
            found += _wrong_options(rule, options)
    return found


def _wrong_options(rule: Rule[Any], options: Mapping[str, Any]) -> list[str]:
    found, schemas = [], rule.schema
    for name, value in options.items():
        types = _TYPES[schemas[name]["type"]] if name in schemas else ()
        if name not in {*schemas, "enforcementLevel"}:
            found.append(unknown_option(rule, name))
        elif types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
            found.append(f"`{name}` of {rule.name} is not of type {schemas[name]['type']}.")
        elif name == "waivers":
            found += [f"{problem}, in {rule.name}." for problem in read_waivers(value)[1]]
    return found
