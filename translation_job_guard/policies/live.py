"""The rules that look at the cloud: jobs in flight that a teardown of the stack would orphan, or that take too long."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import (
    AMAZON_TRANSLATE,
    AZURE_DOCUMENT_TRANSLATION,
    Coverage,
    Job,
    JobState,
    Scope,
    coverage,
)
from translation_job_guard.policies.coverage_prediction import answers_for
from translation_job_guard.policies.listings import Seen, Sweeps
from translation_job_guard.policies.places import Place, places
from translation_job_guard.policies.rule import Report, Rule, StackRule, option
from translation_job_guard.policies.stack import Guard, Kind, Node, Stack
from translation_job_guard.policies.suggested_code import amazon_guard, azure_guard
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import any_unknown
from translation_job_guard.services.registry import place_key

__all__ = ["live_rules"]

ORPHANED: Final = "orphaned-translation-jobs"
OVERDUE: Final = "overdue-translation-jobs"
ABANDONED: Final = "abandoned-translation-jobs"
REACHABLE: Final = "translation-places-reachable"
READING: Final = json.dumps({"Effect": "Allow", "Action": ["translate:ListTextTranslationJobs"], "Resource": "*"})
"""The statement of an IAM policy that is enough to look."""
AZURE_READING: Final = (
    'az role assignment create --role "Cognitive Services Data Reader" --assignee OBJECT_ID --scope RESOURCE_ID'
)
"""The built-in role that is enough to look: its data actions only read."""
NAMED: Final = 5
"""Jobs in full in one message; the rest is counted."""

_DEADLINE: Final[dict[str, Any]] = {
    "type": "number",
    "exclusiveMinimum": 0,
    "description": "Seconds after which a place that has not answered counts as unreachable.",
}
_PLACES: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}}
_REGIONS: Final = {**_PLACES, "description": "AWS regions to look at besides those that the stack tells."}
_ENDPOINTS: Final = {
    **_PLACES,
    "description": "Endpoints of Translator resources to look at besides those of the stack.",
}


@dataclass(frozen=True)
class LiveOptions:
    """What every rule that looks has."""

    deadline: float = option("deadlineSeconds", 15, **_DEADLINE)
    regions: tuple[str, ...] = option("regions", [], **_REGIONS)
    endpoints: tuple[str, ...] = option("endpoints", [], **_ENDPOINTS)


@dataclass(frozen=True)
class OrphanedOptions(LiveOptions):
    """The options of orphaned-translation-jobs."""

    check_abandoned: bool = option(
        "checkAbandoned",
        False,
        type="boolean",
        description="Also look for jobs of any stack whose role, bucket or container is known to be gone; "
        "abandoned-translation-jobs reports them.",
    )


@dataclass(frozen=True)
class OverdueOptions(LiveOptions):
    """The options of overdue-translation-jobs."""

    max_age: float = option(
        "maxAgeHours", 24, type="number", exclusiveMinimum=0, description="How long a job may be in flight."
    )
    max_stopping: float = option(
        "maxStoppingMinutes", 60, type="number", exclusiveMinimum=0, description="How long a job may be stopping."
    )


@dataclass(frozen=True)
class AbandonedOptions:
    """abandoned-translation-jobs has no options: checkAbandoned of orphaned-translation-jobs is its switch."""


@dataclass(frozen=True)
class ReachableOptions:
    """translation-places-reachable has no options of its own: it reports what the other rules could not look at."""


@dataclass
class _HandedOn:
    """What the rules that look leave to the advisory ones: sights for the abandoned jobs, and what nobody could see."""

    sights: list[Seen] = field(default_factory=list)
    unseen: dict[tuple[str, str], str] = field(default_factory=dict)
    """The message about each place that could not be looked at, by the place and the reason. Two rules look at it."""


def live_rules() -> tuple[Rule[Any], ...]:
    """The rules that look, with one sweep for all of them."""
    sweeps, handed_on = Sweeps(), _HandedOn()
    return (
        StackRule(
            name=ORPHANED,
            description="Checks whether jobs are in flight that a teardown of the stack would orphan.",
            level=EnforcementLevel.MANDATORY,
            severity=Severity.HIGH,
            options=OrphanedOptions,
            remedy="Add a guard that covers the jobs, or stop them with `translation-job-guard cancel`.",
            check=lambda stack, options, report: _orphaned(sweeps, handed_on, stack, options, report),
        ),
        StackRule(
            name=OVERDUE,
            description="Checks whether jobs of the stack are in flight or stopping for too long.",
            level=EnforcementLevel.ADVISORY,
            severity=Severity.MEDIUM,
            options=OverdueOptions,
            remedy="Stop the jobs with `translation-job-guard cancel`, or allow them more time.",
            check=lambda stack, options, report: _overdue(sweeps, handed_on, stack, options, report),
        ),
        StackRule(
            name=ABANDONED,
            description="Checks whether jobs are in flight whose role, bucket or container is gone.",
            level=EnforcementLevel.ADVISORY,
            severity=Severity.MEDIUM,
            options=AbandonedOptions,
            remedy="Stop the jobs with `translation-job-guard cancel`.",
            check=lambda _stack, _options, report: _abandoned(handed_on, report),
        ),
        StackRule(
            name=REACHABLE,
            description="Checks whether every place where jobs of the stack can be could be looked at.",
            level=EnforcementLevel.ADVISORY,
            severity=Severity.MEDIUM,
            options=ReachableOptions,
            remedy="Run the check with credentials that may list jobs.",
            check=lambda _stack, _options, report: _reachable(handed_on, report),
        ),
    )


def _orphaned(sweeps: Sweeps, handed_on: _HandedOn, stack: Stack, options: OrphanedOptions, report: Report) -> None:
    ties = _Ties(stack)
    handed_on.sights = []
    where = places(stack, options.regions, options.endpoints)
    if not options.check_abandoned:
        # Where the stack has nothing yet, no job can be tied to it: a first preview asks nobody.
        where = [place for place in where if ties.any_at(place)]
    sights = sweeps.sweep(
        ORPHANED,
        where,
        within=options.deadline,
        wants_locations=ties.wants_locations,
        with_gone=options.check_abandoned,
    )
    handed_on.unseen.update(_unseen(ties, sights))
    if options.check_abandoned:
        handed_on.sights = sights
    found = _by_resource(sights, lambda place, job: [] if ties.covered(place, job) else ties.of(place, job)[:1])
    for node, place, jobs in found:
        report(
            f"{_counted(jobs)} in flight in {place.label}, tied to the {node.label}, and "
            f"{ties.why_not_covered(place, _them(jobs))}: `pulumi destroy` would leave {_them(jobs)} behind, "
            "running and costing money.\n"
            f"{_listed(jobs)}\n"
            f"Add a guard, or stop {_them(jobs)} with `translation-job-guard cancel`:\n"
            f"{_guard_for(stack, node, place)}",
            node.urn,
        )


def _overdue(sweeps: Sweeps, handed_on: _HandedOn, stack: Stack, options: OverdueOptions, report: Report) -> None:
    ties = _Ties(stack)
    where = [
        place
        for place in places(stack, options.regions, options.endpoints)
        if ties.any_at(place) or ties.scopes_at(place)
    ]
    sights = sweeps.sweep(OVERDUE, where, within=options.deadline, wants_locations=ties.wants_locations)
    handed_on.unseen.update(_unseen(ties, sights))
    now = datetime.now(timezone.utc)

    def late(job: Job) -> bool:
        if job.submitted_at is not None and now - job.submitted_at > timedelta(hours=options.max_age):
            return True
        # Amazon Translate does not tell since when a job is stopping: at the earliest since its submission.
        since = job.changed_at or job.submitted_at
        if job.state is not JobState.STOPPING or since is None:
            return False
        return now - since > timedelta(minutes=options.max_stopping)

    def nodes(place: Place, job: Job) -> Sequence[Node]:
        return [*ties.of(place, job), *ties.guards_covering(place, job)][:1] if late(job) else []

    for node, place, jobs in _by_resource(sights, nodes):
        stopping = [job for job in jobs if job.state is JobState.STOPPING]
        running = [job for job in jobs if job.state is not JobState.STOPPING]
        if running:
            report(
                f"{_counted(running)} in flight in {place.label} for more than {_hours(options.max_age)}, tied to the "
                f"{node.label}: what hangs goes on costing money and holds a place in the queue.\n{_listed(running)}\n"
                f"Stop {_them(running)} with `translation-job-guard cancel`, or allow more time:\n"
                f'    {{"{OVERDUE}": {{"maxAgeHours": …}}}}',
                node.urn,
            )
        if stopping:
            report(
                f"{_counted(stopping)} stopping in {place.label} for more than "
                f"{format_duration(options.max_stopping * 60)} (at AWS counted from the submission: Amazon Translate "
                f"does not tell since when), tied to the {node.label}; a teardown waits for {_them(stopping)} until "
                f"its timeout.\n{_listed(stopping)}\n"
                "If that does not change, ask the service's support; a longer timeout of the guard bears it:\n"
                '    timeout="2h",',
                node.urn,
            )


def _abandoned(handed_on: _HandedOn, report: Report) -> None:
    sights, handed_on.sights = handed_on.sights, []
    for sight in sights:
        if not sight.gone:
            continue
        jobs = [job for job, _ in sight.gone]
        what = "\n".join(f"    {job.id}: {gone}" for job, gone in sight.gone[:NAMED])
        report(
            f"{_counted(jobs)} in flight in {sight.place.label} without what {_them(jobs, 'it needs', 'they need')}: "
            f"that can only fail, and costs money until then.\n{_listed(jobs)}\nGone is\n{what}\n"
            f"Stop {_them(jobs)}:\n    translation-job-guard cancel",
            "",
            sight.place.label,
        )


class _Ties:
    """What ties jobs to a stack, and which of them its guards cover."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._roles = {arn: role for arn, role in stack.roles.items() if role.trust is not Trust.NO}
        self._accounts = {
            place_key(AZURE_DOCUMENT_TRANSLATION, node.endpoint): node
            for node in stack.of(Kind.ACCOUNT)
            if (node.translates or node.may_translate) and node.endpoint
        }
        self._guards: dict[Hashable, list[Guard]] = {}
        self._known_scopes: dict[Hashable, list[Scope]] = {}

    def any_at(self, place: Place) -> bool:
        """Whether something known of this stack can have jobs at ``place``."""
        if place.service == AMAZON_TRANSLATE:
            return bool(self._roles or self._stack.made_buckets)
        return place.key in self._accounts or bool(self._stack.containers)

    @property
    def has_roles(self) -> bool:
        """Whether jobs can run under a role of this stack."""
        return any(role.trust is Trust.YES for role in self._roles.values())

    def scopes_at(self, place: Place) -> bool:
        """Whether a guard at ``place`` has a scope that is known, of things that are there."""
        return any(
            scope is not None
            for guard in self._guards_at(place)
            if not any_unknown(guard.properties.get("protects"))
            for _, scope in guard.readable_scopes
        )

    def of(self, place: Place, job: Job) -> list[Node]:
        """The resources that a job is tied to, the most telling one first."""
        if job.service == AMAZON_TRANSLATE:
            found = [self._roles.get(job.role_arn or ""), *map(self._stack.bucket_of, job.locations)]
        else:
            found = [*map(self._stack.container_of, job.locations), self._accounts.get(place.key)]
        return list({node.urn: node for node in found if node is not None}.values())

    def covered(self, place: Place, job: Job) -> bool:
        """Whether a guard covers a job, or may cover it: an undecided batch is not called orphaned."""
        decision = coverage(self._scopes(place), job)
        if decision is not Coverage.OUTSIDE:
            # A teardown waits for an undecided batch, and fails rather than leave it.
            return True
        nodes = self.of(place, job)
        return any(answers_for(self._stack, guard, node) for guard in self._undecided(place) for node in nodes)

    def why_not_covered(self, place: Place, them: str) -> str:
        """Return a clause about jobs that no guard covers: whether a guard works there at all."""
        guards = self._guards_at(place)
        if not guards:
            return f"no guard of this stack covers {them}"
        named = " and ".join(f"guard '{guard.name}'" for guard in guards[:NAMED])
        works, scope, do = ("works", "its scope", "does") if len(guards) == 1 else ("work", "their scopes", "do")
        return f"{named} {works} there, but {scope} {do} not cover {them}"

    def guards_covering(self, place: Place, job: Job) -> list[Node]:
        """The guards that cover a job for certain."""
        return [
            guard
            for guard in self._guards_at(place)
            if coverage([scope for _, scope in guard.readable_scopes if scope], job) is Coverage.COVERED
        ]

    def wants_locations(self, place: Place, job: Job) -> bool:
        """Whether what a job reads and writes has to be asked for to tell whose it is."""
        if coverage(self._scopes(place), job) is Coverage.UNKNOWN:
            return True
        return bool(self._stack.containers) and not self.of(place, job)

    def _scopes(self, place: Place) -> list[Scope]:
        if place.key not in self._known_scopes:
            self._known_scopes[place.key] = [
                scope for guard in self._guards_at(place) for _, scope in guard.readable_scopes if scope
            ]
        return self._known_scopes[place.key]

    def _guards_at(self, place: Place) -> list[Guard]:
        if not self._guards:
            for guard in self._stack.guards:
                if isinstance(guard.place, str):
                    self._guards.setdefault(place_key(guard.service, guard.place), []).append(guard)
        return self._guards.get(place.key, [])

    def _undecided(self, place: Place) -> Iterable[Guard]:
        here = {guard.urn for guard in self._guards_at(place)}
        for guard in self._stack.guards:
            elsewhere = isinstance(guard.place, str) and guard.urn not in here
            if guard.service == place.service and not elsewhere and (guard.undecided or guard.urn not in here):
                yield guard


def _by_resource(
    sights: Iterable[Seen], nodes: Callable[[Place, Job], Sequence[Node]]
) -> list[tuple[Node, Place, list[Job]]]:
    found: dict[tuple[str, Hashable], tuple[Node, Place, dict[str, Job]]] = {}
    for sight in sights:
        for job in sight.jobs:
            for node in nodes(sight.place, job):
                # By place, not by credentials: two ways to look at one account show the same jobs.
                _, _, jobs = found.setdefault((node.urn, sight.place.key), (node, sight.place, {}))
                jobs[job.id] = job
    return [(node, place, list(jobs.values())) for node, place, jobs in found.values()]


def _reachable(handed_on: _HandedOn, report: Report) -> None:
    unseen, handed_on.unseen = handed_on.unseen, {}
    for (place, _), message in unseen.items():
        report(message, "", place)


def _unseen(ties: _Ties, sights: Sequence[Seen]) -> Mapping[tuple[str, str], str]:
    """Return a message about each place that could not be looked at, by the place and the reason."""
    found = {}
    if ties.has_roles and not any(sight.place.service == AMAZON_TRANSLATE for sight in sights):
        what = "Amazon Translate"
        found[what, ""] = _not_looked(what, "no region is known. Set aws:region, or the rule's option regions", None)
    for sight in sights:
        if sight.problem:
            what = f"{sight.place.connection.title} in {sight.place.label}"
            message = _not_looked(what, sight.problem, sight.place.service)
            found.setdefault((sight.place.label, sight.problem), message)
    return found


def _not_looked(what: str, problem: str, service: str | None) -> str:
    needed = {
        AMAZON_TRANSLATE: " Looking needs no more than this statement in the IAM policy of the credentials, and no "
        f"permission to stop:\n    {READING}",
        AZURE_DOCUMENT_TRANSLATION: " Looking needs a key of the Translator resource, or no more than this role, and "
        f"no permission to cancel:\n    {AZURE_READING}",
    }
    return (
        f"{what} could not be looked at, so whether jobs are in flight there is not known: {problem}."
        f"{needed.get(service or '', '')}"
    )


def _guard_for(stack: Stack, node: Node, place: Place) -> str:
    if place.service == AMAZON_TRANSLATE:
        return amazon_guard(stack, node, place.connection.place)
    # The account is what all batches there have in common, whatever else they are tied to.
    return azure_guard(stack, stack.account_of(place.connection.place) or node)


def _counted(jobs: Sequence[Job]) -> str:
    return "1 job is" if len(jobs) == 1 else f"{len(jobs)} jobs are"


def _them(jobs: Sequence[Job], one: str = "it", more: str = "them") -> str:
    return one if len(jobs) == 1 else more


def _hours(hours: float) -> str:
    return format_duration(hours * 3600)


def _listed(jobs: Sequence[Job]) -> str:
    """The oldest jobs in full, the rest counted."""
    now = datetime.now(timezone.utc)
    oldest = sorted(jobs, key=lambda job: (job.submitted_at or now, job.id))
    lines = [f"    {_described(job, now)}" for job in oldest[:NAMED]]
    if len(jobs) > NAMED:
        lines.append(f"    and {len(jobs) - NAMED} more")
    return "\n".join(lines)


def _described(job: Job, now: datetime) -> str:
    parts = [str(job)]
    if job.submitted_at is not None:
        parts.append(f"for {format_duration(max(0.0, (now - job.submitted_at).total_seconds()))}")
    if job.documents is not None and job.documents.total:
        parts.append(f"{job.documents.total} documents" if job.documents.total > 1 else "1 document")
    return ", ".join(parts)
