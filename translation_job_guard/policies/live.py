"""The rules that look at the cloud: jobs in flight that a teardown of the stack would orphan, or that take too long."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity

from translation_job_guard.durations import format_duration
from translation_job_guard.jobs import Job, JobState
from translation_job_guard.policies.listings import Listing, Listings
from translation_job_guard.policies.live_messages import in_flight, job_lines, pronoun, unreachable
from translation_job_guard.policies.nodes import Node
from translation_job_guard.policies.places import Place, places
from translation_job_guard.policies.rule import NoOptions, Report, Rule, StackRule, option
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.suggested_code import SuggestedCode
from translation_job_guard.policies.ties import Ties
from translation_job_guard.services.registry import CONNECTIONS

__all__ = ["live_rules"]

ORPHANED: Final = "orphaned-translation-jobs"
OVERDUE: Final = "overdue-translation-jobs"


@dataclass(frozen=True)
class LiveOptions:
    """The options of every rule that looks at the cloud."""

    deadline: float = option(
        "deadlineSeconds",
        15,
        type="number",
        exclusiveMinimum=0,
        description="Seconds after which a place that has not answered counts as unreachable.",
    )
    regions: tuple[str, ...] = option(
        "regions",
        [],
        type="array",
        items={"type": "string"},
        description="AWS regions to look at besides those that the stack tells.",
    )
    endpoints: tuple[str, ...] = option(
        "endpoints",
        [],
        type="array",
        items={"type": "string"},
        description="Endpoints of Translator resources to look at besides those of the stack.",
    )


@dataclass(frozen=True)
class OrphanedOptions(LiveOptions):
    """The options of orphaned-translation-jobs."""

    check_abandoned: bool = option(
        "checkAbandoned",
        False,
        type="boolean",
        description="Also look for jobs of any stack whose role, bucket or container does not exist any more; "
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

    def is_late(self, job: Job, now: datetime) -> bool:
        """Check whether a job is in flight or stopping for longer than it may be."""
        if job.submitted_at is not None and now - job.submitted_at > timedelta(hours=self.max_age):
            return True
        # Amazon Translate does not tell since when a job is stopping. It is since its submission at the earliest.
        since = job.changed_at or job.submitted_at or now
        return job.state is JobState.STOPPING and now - since > timedelta(minutes=self.max_stopping)


@dataclass
class _Shared:
    """What the rules that look at the cloud share within one validation."""

    listings: Listings = field(default_factory=Listings)
    with_gone: list[Listing] = field(default_factory=list)
    """The listings for abandoned-translation-jobs to report from."""
    unreachable: dict[tuple[str, str], str] = field(default_factory=dict)
    """The message about each place that could not be looked at, by place and reason: two rules look at it."""

    def list_jobs(
        self, rule: str, ties: Ties, where: Sequence[Place], options: LiveOptions, *, with_gone: bool = False
    ) -> list[Listing]:
        """List the jobs at these places, and note the places that could not be looked at."""
        listings = self.listings.of(
            rule, where, within=options.deadline, wants_locations=ties.wants_locations, with_gone=with_gone
        )
        seen = {listing.place.service for listing in listings}
        for title in sorted(CONNECTIONS[service].title for service in ties.needed_services - seen):
            reason = "no region is known. Set aws:region, or the rule's option regions"
            self.unreachable[title, ""] = unreachable(title, reason)
        for listing in listings:
            if listing.problem:
                self.unreachable.setdefault(
                    (listing.place.label, listing.problem),
                    unreachable(
                        f"{listing.place.connection.title} in {listing.place.label}",
                        listing.problem,
                        listing.place.service,
                    ),
                )
        return listings


def live_rules() -> tuple[Rule[Any], ...]:
    """Return the rules that look at the cloud, which share their listings."""
    shared = _Shared()
    return (
        StackRule(
            name=ORPHANED,
            description="Checks whether jobs are in flight that a teardown of the stack would orphan.",
            level=EnforcementLevel.MANDATORY,
            severity=Severity.HIGH,
            options=OrphanedOptions,
            fix="Add a guard that covers the jobs, or stop them with `translation-job-guard cancel`.",
            check=partial(_check_orphaned, shared),
        ),
        StackRule(
            name=OVERDUE,
            description="Checks whether jobs of the stack are in flight or stopping for too long.",
            level=EnforcementLevel.ADVISORY,
            severity=Severity.MEDIUM,
            options=OverdueOptions,
            fix="Stop the jobs with `translation-job-guard cancel`, or allow them more time.",
            check=partial(_check_overdue, shared),
        ),
        StackRule(
            name="abandoned-translation-jobs",
            description="Checks whether jobs are in flight whose role, bucket or container does not exist any more.",
            level=EnforcementLevel.ADVISORY,
            severity=Severity.MEDIUM,
            options=NoOptions,
            fix="Stop the jobs with `translation-job-guard cancel`.",
            check=partial(_check_abandoned, shared),
        ),
        StackRule(
            name="translation-places-reachable",
            description="Checks whether every place where jobs of the stack can be could be looked at.",
            level=EnforcementLevel.ADVISORY,
            severity=Severity.MEDIUM,
            options=NoOptions,
            fix="Run the check with credentials that may list jobs.",
            check=partial(_check_reachable, shared),
        ),
    )


def _check_orphaned(shared: _Shared, stack: Stack, options: OrphanedOptions, report: Report) -> None:
    ties, code = Ties(stack), SuggestedCode(stack)
    where = places(stack, options.regions, options.endpoints)
    if not options.check_abandoned:
        # No job can be tied to resources that do not exist yet, so the first preview of a stack sends no request.
        where = [place for place in where if ties.any_at(place)]
    listings = shared.list_jobs(ORPHANED, ties, where, options, with_gone=options.check_abandoned)
    shared.with_gone = listings if options.check_abandoned else []
    found = _by_resource(listings, lambda place, job: [] if ties.covered(place, job) else ties.of(place, job))
    for node, place, jobs in found:
        them = pronoun(jobs)
        # All batches at an endpoint have the account in common, whatever else they are tied to.
        suggested = code.guard(stack.account_of(place.connection.place) or node, place.connection.place)
        report(
            f"{in_flight(jobs)} in {place.label}, tied to the {node.label}, and "
            f"{_why_not_covered(ties, place, them)}: `pulumi destroy` would leave {them} running and costing money.\n"
            f"{job_lines(jobs)}\n"
            f"Add a guard, or stop {them} with `translation-job-guard cancel`:\n{suggested}",
            node.urn,
        )


def _check_overdue(shared: _Shared, stack: Stack, options: OverdueOptions, report: Report) -> None:
    ties, now = Ties(stack), datetime.now(timezone.utc)
    where = places(stack, options.regions, options.endpoints)
    where = [place for place in where if ties.any_at(place) or ties.scopes_at(place)]
    listings = shared.list_jobs(OVERDUE, ties, where, options)

    def nodes(place: Place, job: Job) -> Sequence[Node]:
        return [*ties.of(place, job), *ties.guards_covering(place, job)] if options.is_late(job, now) else []

    for node, place, jobs in _by_resource(listings, nodes):
        stopping = [job for job in jobs if job.state is JobState.STOPPING]
        running = [job for job in jobs if job.state is not JobState.STOPPING]
        if running:
            report(
                f"{in_flight(running)} in {place.label} for more than {format_duration(options.max_age * 3600)}, tied "
                f"to the {node.label}. A job that hangs costs money and occupies the queue.\n{job_lines(running)}\n"
                f"Stop {pronoun(running)} with `translation-job-guard cancel`, or allow more time:\n"
                f'    {{"{OVERDUE}": {{"maxAgeHours": …}}}}',
                node.urn,
            )
        if stopping:
            report(
                f"{in_flight(stopping, 'stopping')} in {place.label} for more than "
                f"{format_duration(options.max_stopping * 60)}, tied to the {node.label}. (At AWS this is counted from "
                "the submission, since Amazon Translate does not tell since when a job is stopping.) A teardown waits "
                f"for {pronoun(stopping)} until its timeout.\n{job_lines(stopping)}\n"
                "If the state does not change, ask the support of the service. To wait longer, change the guard:\n"
                '    timeout="2h",',
                node.urn,
            )


def _check_abandoned(shared: _Shared, _stack: Stack, _options: NoOptions, report: Report) -> None:
    listings, shared.with_gone = shared.with_gone, []
    for listing in listings:
        if listing.gone:
            jobs, gone = [job for job, _ in listing.gone], {job.id: what for job, what in listing.gone}
            report(
                f"{in_flight(jobs)} in {listing.place.label}, but what {pronoun(jobs, 'it needs', 'they need')} does "
                f"not exist any more: {pronoun(jobs)} can only fail, and costs money until then.\n"
                f"{job_lines(jobs, gone)}\n"
                f"Stop {pronoun(jobs)}:\n    translation-job-guard cancel",
                "",
                listing.place.label,
            )


def _check_reachable(shared: _Shared, _stack: Stack, _options: NoOptions, report: Report) -> None:
    messages, shared.unreachable = shared.unreachable, {}
    for (place, _), message in messages.items():
        report(message, "", place)


def _by_resource(
    listings: Iterable[Listing], nodes: Callable[[Place, Job], Sequence[Node]]
) -> list[tuple[Node, Place, list[Job]]]:
    """Return the jobs of each resource at each place: of those that a job is tied to, the first one counts."""
    found: dict[tuple[str, Hashable], tuple[Node, Place, dict[str, Job]]] = {}
    for listing in listings:
        for job in listing.jobs:
            for node in nodes(listing.place, job)[:1]:
                # By place, without the credentials: two ways to look at one account show the same jobs.
                _, _, jobs = found.setdefault((node.urn, listing.place.key), (node, listing.place, {}))
                jobs[job.id] = job
    return [(node, place, list(jobs.values())) for node, place, jobs in found.values()]


def _why_not_covered(ties: Ties, place: Place, them: str) -> str:
    guards = ties.guards_at(place)
    if not guards:
        return f"no guard of this stack covers {them}"
    named = " and ".join(f"guard '{guard.name}'" for guard in guards[:5])
    cover, scope = ("covers", "its scope does") if len(guards) == 1 else ("cover", "their scopes do")
    return f"{named} {cover} jobs there, but {scope} not include {them}"
