"""Make policies of rules: with their options and waivers, and never letting an exception out.

A rule that raises would end the whole preview. So a rule that fails reports what it could not judge, and an exception
about a value that is not known yet leaves the resource for the update.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
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

from translation_job_guard._project import REPOSITORY
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.policies.nodes import guard_properties
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.waivers import SCHEMA, Finding, Ledger, read_waivers
from translation_job_guard.redaction import redact
from translation_job_guard.resource_types import GUARD_TYPES

__all__ = ["GuardRule", "NoOptions", "Report", "Rule", "StackRule", "judge_each", "option", "unknown_option"]

_Options = TypeVar("_Options")
DOCUMENTATION: Final = f"{REPOSITORY}/blob/main/docs/policies.md"


@dataclass(frozen=True)
class NoOptions:
    """The options of a rule that has none."""


class Report:
    """Report the findings of one validation of a rule, unless a waiver accepts them."""

    def __init__(self, rule: str, report_violation: ReportViolation, ledger: Ledger, urn: str) -> None:
        """Prepare a validation.

        Args:
            rule: the name of the rule.
            report_violation: the function of pulumi-policy.
            ledger: the waivers of the pack.
            urn: the URN of any resource, which says which stack this is.
        """
        self._rule, self._report, self._ledger = rule, report_violation, ledger
        parts = urn.split("::")
        stack = parts[0].removeprefix("urn:pulumi:")
        self.stacks = (stack, f"{parts[1]}/{stack}") if len(parts) > 1 else ()
        """The names of the stack, without and with its project."""

    def __call__(self, message: str, urn: str, name: str = "") -> None:
        """Report a finding about a resource, or about the place ``name`` if ``urn`` is empty."""
        finding = Finding(self._rule, urn.rpartition("::")[2] or name, urn, self.stacks)
        if not self._ledger.accepts(finding):
            self.always(message, urn)

    def always(self, message: str, urn: str) -> None:
        """Report what no waiver can accept: a resource that could not be judged, or an error in the configuration."""
        self._report(redact(message), urn or None)


@dataclass(frozen=True)
class Rule(Generic[_Options]):
    """One rule of the pack.

    Args:
        name: the name in configurations.
        description: what the rule checks.
        level: the level if the configuration names none.
        severity: the severity of a violation.
        options: a dataclass whose fields are made by ``option``.
        fix: how to fix a violation.
    """

    name: str
    description: str
    level: EnforcementLevel
    severity: Severity
    options: type[_Options]
    fix: str

    def policy(
        self,
        level: EnforcementLevel | None = None,
        options: Mapping[str, Any] | None = None,
        ledger: Ledger | None = None,
    ) -> Policy:
        """Return the rule as a policy.

        Args:
            level: a level other than the rule's own.
            options: by their names in the configuration, which takes precedence.
            ledger: the waivers of the pack.

        Raises:
            InvalidArgument: there is no such option.
        """
        defaults = self.defaults
        for name in set(options or {}) - defaults.keys():
            raise InvalidArgument(f"`{name}` is not an option of {self.name}; expected {', '.join(defaults)}.")
        chosen = defaults | dict(options or {})
        kind, calls = self._validation(chosen, Ledger() if ledger is None else ledger)
        policy: Policy = kind(
            self.name,
            self.description,
            enforcement_level=level or self.level,
            # The engine fills in the defaults of the schema, so they have to be the options chosen here.
            config_schema=PolicyConfigSchema(
                {name: {**one, "default": chosen[name]} for name, one in self.schema.items()}
            ),
            severity=self.severity,
            tags=["translation", "cost", "teardown"],
            remediation_steps=self.fix,
            display_name=self.name.replace("-", " ").capitalize(),
            url=f"{DOCUMENTATION}#{self.name}",
            **calls,
        )
        return policy

    @property
    def schema(self) -> dict[str, dict[str, Any]]:
        """The JSON schema of each option."""
        return {field.metadata["name"]: field.metadata["schema"] for field in self._fields} | {"waivers": dict(SCHEMA)}

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of each option."""
        return {**{field.metadata["name"]: field.metadata["default"] for field in self._fields}, "waivers": []}

    @property
    def _fields(self) -> tuple[dataclasses.Field[Any], ...]:
        return dataclasses.fields(self.options)  # type: ignore[arg-type]

    @abstractmethod
    def _validation(self, chosen: Mapping[str, Any], ledger: Ledger) -> tuple[type[Any], dict[str, Any]]:
        """Return the type of the policy and the functions that it calls."""

    def _check_configuration(
        self, chosen: Mapping[str, Any], config: Mapping[str, Any], ledger: Ledger, report: Report
    ) -> None:
        """Read the waivers of a configuration into the ledger, and report errors in the configuration."""
        given = config.get("waivers")
        ledger.waivers[self.name], problems = read_waivers(chosen["waivers"] if given is None else given)
        for name in sorted(config.keys() - {*chosen, "enforcementLevel"}):
            report.always(unknown_option(self, name), "")
        for problem in problems:
            report.always(f"{problem}, so it is not used by {self.name}.", "")

    def _settings(self, chosen: Mapping[str, Any], config: Mapping[str, Any]) -> _Options:
        values = {**chosen, **{name: value for name, value in config.items() if name in chosen and value is not None}}
        names = {field.name: field.metadata["name"] for field in self._fields}
        return self.options(**{field: _fitting(values[name], chosen[name]) for field, name in names.items()})


@dataclass(frozen=True)
class StackRule(Rule[_Options]):
    """A rule that checks a whole stack."""

    check: Callable[[Stack, _Options, Report], None]

    def _validation(self, chosen: Mapping[str, Any], ledger: Ledger) -> tuple[type[Any], dict[str, Any]]:
        def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
            report = Report(self.name, report_violation, ledger, args.resources[0].urn if args.resources else "")
            ledger.checked.clear()

            def check() -> None:
                config = args.get_config()
                self._check_configuration(chosen, config, ledger, report)
                stack = Stack(args.resources)
                for resource in stack.unreadable:
                    report.always(_not_judged(self.name, f"'{resource.name}'"), resource.urn)
                self.check(stack, self._settings(chosen, config), report)

            _judge(self.name, report, "the stack", "", check)

        return StackValidationPolicy, {"validate": validate}


@dataclass(frozen=True)
class GuardRule(Rule[_Options]):
    """A rule that checks the properties of each guard.

    Args:
        judge: returns what is wrong with the guard of a name and properties, None if nothing is.
        changes: returns the properties to change in order to fix it, with their new values.
    """

    judge: Callable[[str, Mapping[str, Any], _Options], str | None]
    changes: Callable[[Mapping[str, Any], _Options], Mapping[str, Any]]

    def _validation(self, chosen: Mapping[str, Any], ledger: Ledger) -> tuple[type[Any], dict[str, Any]]:
        def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
            report = Report(self.name, report_violation, ledger, args.urn)
            config = args.get_config()
            if self.name not in ledger.checked:
                # At the first resource of any type: a stack may have no guard.
                ledger.checked.add(self.name)
                self._check_configuration(chosen, config, ledger, report)

            def check() -> None:
                message = self.judge(args.name, guard_properties(args.props), self._settings(chosen, config))
                if message:
                    report(message, args.urn)

            if args.resource_type in GUARD_TYPES:
                _judge(self.name, report, f"guard '{args.name}'", args.urn, check)

        def remediate(args: ResourceValidationArgs) -> Any:
            if args.resource_type not in GUARD_TYPES:
                return None
            try:
                changes = self.changes(guard_properties(args.props), self._settings(chosen, args.get_config()))
                for name, value in changes.items():
                    # In place, so that secrets and the provider's code stay what they are.
                    args.props[name] = value  # type: ignore[index]
            except Exception:
                return None  # the validation reports it
            return args.props if changes else None

        return ResourceValidationPolicy, {"validate": validate, "remediate": remediate}


def option(name: str, default: Any, **schema: Any) -> Any:
    """Return a field of a rule's options, with its name and default in the configuration and its JSON schema."""
    metadata = {"name": name, "schema": schema, "default": default}
    return dataclasses.field(default=_fitting(default, default), metadata=metadata)


def unknown_option(rule: Rule[Any], name: str) -> str:
    """Return a message about an option that a rule does not have."""
    close = get_close_matches(name, rule.defaults, n=1)
    meant = f" Did you mean `{close[0]}`?" if close else ""
    return (
        f"`{name}` is not an option of {rule.name}, so it changes nothing.{meant} The options are "
        f"{', '.join(rule.defaults)}."
    )


def judge_each(rule: str, report: Report, resources: Iterable[Any], judge: Callable[[Any], None]) -> None:
    """Judge each of some resources. One that cannot be judged does not hide the others."""
    for one in resources:
        _judge(rule, report, one.label, one.urn, partial(judge, one))


def _judge(rule: str, report: Report, what: str, urn: str, judge: Callable[[], Any]) -> None:
    try:
        judge()
    except UnknownValueError:
        return  # the update will judge it
    except Exception as error:
        report.always(_not_judged(rule, what, type(error).__name__), urn)


def _not_judged(rule: str, what: str, error: str = "unreadable") -> str:
    # The text of the exception could repeat a property.
    return (
        f"{what[:1].upper()}{what[1:]} could not be judged by {rule} ({error}), so it may or may not violate the rule. "
        'To continue without this rule, set it to "disabled" in the configuration of the pack, and tell the '
        "maintainers of translation-job-guard."
    )


def _fitting(value: Any, default: Any) -> Any:
    """Return ``value`` if it has the type of the default, as the engine checks by the schema; lists as tuples."""
    if isinstance(default, list):
        return tuple(map(str, value if isinstance(value, list) else default))
    kinds = (int, float) if isinstance(default, (int, float)) and not isinstance(default, bool) else (type(default),)
    return value if isinstance(value, kinds) and isinstance(value, bool) is isinstance(default, bool) else default
