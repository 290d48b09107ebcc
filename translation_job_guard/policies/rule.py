"""What a rule is, and how it becomes a policy of a pack: with its options, and never letting an exception out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
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
from translation_job_guard.policies.stack import Stack, guard_properties
from translation_job_guard.policies.waivers import SCHEMA, Finding, Ledger, read_waivers
from translation_job_guard.redaction import redact
from translation_job_guard.resource_types import GUARD_TYPES

__all__ = ["GuardRule", "Report", "Rule", "StackRule", "judge_each", "option", "unknown_option"]


class Report:
    """Takes what a rule finds, and reports it unless a waiver accepts it."""

    def __init__(self, rule: str, report_violation: ReportViolation, ledger: Ledger, urn: str) -> None:
        """Report the violations of one validation of a rule.

        Args:
            rule: the name of the rule.
            report_violation: of pulumi-policy.
            ledger: the waivers of the pack.
            urn: of any resource of the stack, to tell which stack it is.
        """
        self._rule, self._report, self._ledger = rule, report_violation, ledger
        parts = urn.split("::")
        stack = parts[0].removeprefix("urn:pulumi:")
        self._stacks = (stack, f"{parts[1]}/{stack}") if len(parts) > 1 else ()

    def __call__(self, message: str, urn: str, name: str = "") -> None:
        """Report a finding about a resource, or about the place ``name`` where ``urn`` is empty."""
        finding = Finding(self._rule, urn.rpartition("::")[2] or name, urn, self._stacks)
        if not self._ledger.accepts(finding):
            self.always(message, urn)

    def always(self, message: str, urn: str) -> None:
        """Report what no waiver accepts: that something could not be judged, or how the rule is configured."""
        self._report(redact(message), urn or None)

    @property
    def stacks(self) -> tuple[str, ...]:
        """The names of the stack, without and with its project."""
        return self._stacks


_Options = TypeVar("_Options")
DOCUMENTATION: Final = f"{REPOSITORY}/blob/main/docs/policies.md"
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

    def policy(
        self,
        level: EnforcementLevel | None = None,
        options: Mapping[str, Any] | None = None,
        ledger: Ledger | None = None,
    ) -> Policy:
        """Return the rule as a policy.

        Args:
            level: other than the rule's own.
            options: by their names in the configuration; what the pack's configuration says goes before.
            ledger: the waivers of the pack.

        Raises:
            InvalidArgument: there is no such option.
        """
        defaults = self.defaults
        for name in set(options or {}) - defaults.keys():
            raise InvalidArgument(f"{self.name} has no option {name!r}: there are {', '.join(defaults)}.")
        chosen = defaults | dict(options or {})
        # The engine fills in the schema's defaults, so the options chosen here have to be them.
        schema = {name: {**one, "default": chosen[name]} for name, one in self.schema.items()}
        return self._policy(level or self.level, PolicyConfigSchema(schema), chosen, ledger or Ledger())

    @property
    def schema(self) -> dict[str, dict[str, Any]]:
        """The JSON schema of each option."""
        fields = dataclasses.fields(self.options)  # type: ignore[arg-type]
        return {field.metadata["name"]: field.metadata["schema"] for field in fields} | {"waivers": dict(SCHEMA)}

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of each option."""
        return {**_defaults(self.options), "waivers": []}

    @property
    def display_name(self) -> str:
        """The name in words."""
        return self.name.replace("-", " ").capitalize()

    @property
    def url(self) -> str:
        """Where the documentation of the rule is."""
        return f"{DOCUMENTATION}#{self.name}"

    def _policy(
        self, level: EnforcementLevel, schema: PolicyConfigSchema, chosen: dict[str, Any], ledger: Ledger
    ) -> Policy:
        raise NotImplementedError

    def _annotations(self) -> dict[str, Any]:
        return {
            "severity": self.severity,
            "tags": _TAGS,
            "remediation_steps": self.remedy,
            "display_name": self.display_name,
            "url": self.url,
        }

    def _read(self, chosen: Mapping[str, Any], config: Mapping[str, Any], ledger: Ledger) -> list[str]:
        """Put the waivers of a configuration into the ledger; returns what is wrong with the configuration."""
        given = config.get("waivers")
        ledger.waivers[self.name], problems = read_waivers(chosen["waivers"] if given is None else given)
        return [
            *(unknown_option(self, name) for name in config if name not in {*chosen, "enforcementLevel"}),
            *(f"{problem}, so it is not used by {self.name}." for problem in problems),
        ]

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

    def _policy(
        self, level: EnforcementLevel, schema: PolicyConfigSchema, chosen: dict[str, Any], ledger: Ledger
    ) -> Policy:
        def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
            urn = args.resources[0].urn if args.resources else ""
            report = Report(self.name, report_violation, ledger, urn)
            ledger.told.clear()

            def check() -> None:
                config = args.get_config()
                for problem in self._read(chosen, config, ledger):
                    report.always(problem, "")
                stack = Stack(args.resources)
                for resource in stack.unreadable:
                    report.always(_not_judged(self.name, f"'{resource.name}'"), resource.urn)
                self.check(stack, self._settings(chosen, config), report)

            _safely(self.name, report, "the stack", "", check)

        return StackValidationPolicy(self.name, self.description, validate, level, schema, **self._annotations())


@dataclass(frozen=True)
class GuardRule(Rule[_Options]):
    """A rule over a guard's own properties. ``judge`` gets the guard's name and properties and answers what is wrong.

    ``mend`` answers the properties to change, where the rule can.
    """

    judge: Callable[[str, Mapping[str, Any], _Options], str | None]
    mend: Callable[[Mapping[str, Any], _Options], Mapping[str, Any]] | None = None

    def _policy(
        self, level: EnforcementLevel, schema: PolicyConfigSchema, chosen: dict[str, Any], ledger: Ledger
    ) -> Policy:
        def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
            if args.resource_type not in GUARD_TYPES and self.name in ledger.told:
                return
            config = args.get_config()
            report = Report(self.name, report_violation, ledger, args.urn)
            if self.name not in ledger.told:
                # Whatever the first resource is: it is the only one that is certain to come.
                ledger.told.add(self.name)
                for problem in self._read(chosen, config, ledger):
                    report.always(problem, "")
            if args.resource_type not in GUARD_TYPES:
                return

            def check() -> None:
                message = self.judge(args.name, guard_properties(args.props), self._settings(chosen, config))
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
            **self._annotations(),
        )


def option(name: str, default: Any, **schema: Any) -> Any:
    """A field of a rule's options: its name and default in the configuration, and its JSON schema."""
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


def judge_each(rule: str, report: Report, ones: Sequence[Any], judge: Callable[[Any], None]) -> None:
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
        report.always(_not_judged(rule, what, type(error).__name__), urn)


def _not_judged(rule: str, what: str, error: str = "unreadable") -> str:
    # The exception's own text could repeat a property.
    return (
        f"{what[:1].upper()}{what[1:]} could not be judged by {rule} ({error}), which is not the same as being in "
        'order. To go on without this rule, set it to "disabled" in the pack\'s configuration, and tell the '
        "maintainers of translation-job-guard."
    )


def _defaults(options: type[Any]) -> dict[str, Any]:
    return {field.metadata["name"]: field.metadata["default"] for field in dataclasses.fields(options)}


def _fitting(value: Any, default: Any) -> Any:
    """``value`` if it is of the default's kind, as the engine checks by the schema; lists as tuples."""
    if isinstance(default, list):
        return tuple(str(one) for one in (value if isinstance(value, list) else default))
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        return value if isinstance(value, type(default)) else default
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default
