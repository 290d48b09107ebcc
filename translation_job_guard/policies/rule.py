"""What a rule is, and how it becomes a policy of a pack: with its options, and never letting an exception out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from translation_job_guard.errors import InvalidArgument
from translation_job_guard.policies.stack import GUARD_TYPES, Stack, guard_properties
from translation_job_guard.redaction import redact

__all__ = ["GuardRule", "Report", "Rule", "StackRule", "each", "option"]

Report = Callable[[str, str], None]
"""Takes a message and the URN that it is about; an empty one is the whole stack."""

_Options = TypeVar("_Options")
_TAGS: Final = ["translation", "cost", "teardown"]


@dataclass(frozen=True)
class Rule(Generic[_Options]):
    """One rule. ``options`` is a dataclass whose fields were made by ``option``."""

    name: str
    description: str
    level: EnforcementLevel
    severity: Severity
    options: type[_Options]
    remedy: str

    def policy(self, level: EnforcementLevel | None = None, options: Mapping[str, Any] | None = None) -> Policy:
        """The rule as a policy.

        Args:
            level: other than the rule's own.
            options: by their names in the configuration; what the pack's configuration says goes before.

        Raises:
            InvalidArgument: there is no such option.
        """
        chosen = _defaults(self.options) | dict(options or {})
        for name in chosen.keys() - _defaults(self.options).keys():
            there = ", ".join(_defaults(self.options)) or "none"
            raise InvalidArgument(f"{self.name} has no option {name!r}: there are {there}.")
        # The engine fills in the schema's defaults, so the options chosen here have to be them.
        schema = {
            field.metadata["name"]: {**field.metadata["schema"], "default": chosen[field.metadata["name"]]}
            for field in dataclasses.fields(self.options)  # type: ignore[arg-type]
        }
        return self._policy(level or self.level, PolicyConfigSchema(schema) if schema else None, chosen)

    def _policy(self, level: EnforcementLevel, schema: PolicyConfigSchema | None, chosen: dict[str, Any]) -> Policy:
        raise NotImplementedError

    def _settings(self, chosen: Mapping[str, Any], config: Mapping[str, Any]) -> _Options:
        values = {**chosen, **{name: value for name, value in config.items() if name in chosen and value is not None}}
        return self.options(
            **{
                field.name: _fitting(values[field.metadata["name"]], chosen[field.metadata["name"]])
                for field in dataclasses.fields(self.options)  # type: ignore[arg-type]
            }
        )


@dataclass(frozen=True)
class StackRule(Rule[_Options]):
    """A rule over a whole stack."""

    check: Callable[[Stack, _Options, Report], None]

    def _policy(self, level: EnforcementLevel, schema: PolicyConfigSchema | None, chosen: dict[str, Any]) -> Policy:
        def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
            report = _redacting(report_violation)

            def check() -> None:
                stack = Stack(args.resources)
                for resource in stack.unreadable:
                    report(_not_judged(self.name, f"'{resource.name}'"), resource.urn)
                self.check(stack, self._settings(chosen, args.get_config()), report)

            _safely(self.name, report, "the stack", "", check)

        return StackValidationPolicy(
            self.name,
            self.description,
            validate,
            level,
            schema,
            severity=self.severity,
            tags=_TAGS,
            remediation_steps=self.remedy,
        )


@dataclass(frozen=True)
class GuardRule(Rule[_Options]):
    """A rule over a guard's own properties. ``judge`` gets the guard's name and properties and answers what is wrong.

    ``mend`` answers the properties to change, where the rule can.
    """

    judge: Callable[[str, Mapping[str, Any], _Options], str | None]
    mend: Callable[[Mapping[str, Any], _Options], Mapping[str, Any]] | None = None

    def _policy(self, level: EnforcementLevel, schema: PolicyConfigSchema | None, chosen: dict[str, Any]) -> Policy:
        def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
            if args.resource_type not in GUARD_TYPES:
                return
            report = _redacting(report_violation)

            def check() -> None:
                message = self.judge(args.name, guard_properties(args.props), self._settings(chosen, args.get_config()))
                if message:
                    report(message, args.urn)

            _safely(self.name, report, f"guard '{args.name}'", args.urn, check)

        def remediate(args: ResourceValidationArgs) -> Any:
            if args.resource_type not in GUARD_TYPES or self.mend is None:
                return None
            try:
                changes = self.mend(guard_properties(args.props), self._settings(chosen, args.get_config()))
                if not changes:
                    return None
                for name, value in changes.items():
                    # In place: the secrets and the provider's code among the properties stay what they are.
                    args.props[name] = value  # type: ignore[index]
            except Exception:
                # Then it is not remedied, and the validation says so.
                return None
            return args.props

        return ResourceValidationPolicy(
            self.name,
            self.description,
            validate,
            level,
            schema,
            remediate=remediate if self.mend else None,
            severity=self.severity,
            tags=_TAGS,
            remediation_steps=self.remedy,
        )


def option(name: str, default: Any, **schema: Any) -> Any:
    """A field of a rule's options: its name and default in the configuration, and its JSON schema."""
    metadata = {"name": name, "schema": schema, "default": default}
    return dataclasses.field(default=_fitting(default, default), metadata=metadata)


def each(rule: str, report: Report, ones: Sequence[Any], judge: Callable[[Any], None]) -> None:
    """Judge each of some resources, so that one that cannot be judged hides no other."""
    for one in ones:
        _safely(rule, report, one.label, one.urn, partial(judge, one))


def _safely(rule: str, report: Report, what: str, urn: str, judge: Callable[[], Any]) -> None:
    try:
        judge()
    except UnknownValueError:
        # Not known yet: left for the update.
        return
    except Exception as error:
        # The engine would give up the whole preview.
        report(_not_judged(rule, what, type(error).__name__), urn)


def _not_judged(rule: str, what: str, error: str = "unreadable") -> str:
    # The exception's own text could repeat a property.
    return (
        f"{what[:1].upper()}{what[1:]} could not be judged by {rule} ({error}), which is not the same as being in "
        'order. To go on without this rule, set it to "disabled" in the pack\'s configuration, and tell the '
        "maintainers of translation-job-guard."
    )


def _redacting(report_violation: ReportViolation) -> Report:
    return lambda message, urn: report_violation(redact(message), urn or None)


def _defaults(options: type[Any]) -> dict[str, Any]:
    return {field.metadata["name"]: field.metadata["default"] for field in dataclasses.fields(options)}


def _fitting(value: Any, default: Any) -> Any:
    """``value`` if it is of the default's kind, as the engine checks by the schema; lists as tuples."""
    if isinstance(default, list):
        return tuple(str(one) for one in (value if isinstance(value, list) else default))
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        return value if isinstance(value, type(default)) else default
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default
