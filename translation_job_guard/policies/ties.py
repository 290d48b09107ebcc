"""Tell which jobs are tied to a stack, and which of them its guards cover."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cached_property

from translation_job_guard.jobs import Coverage, Job, Scope, coverage
from translation_job_guard.policies.coverage_prediction import will_cover
from translation_job_guard.policies.nodes import Guard, Kind, Node
from translation_job_guard.policies.places import Place
from translation_job_guard.policies.stack import Stack
from translation_job_guard.policies.trust import Trust
from translation_job_guard.policies.values import any_unknown
from translation_job_guard.services.registry import place_key

__all__ = ["Ties"]


class Ties:
    """What ties jobs to one stack: roles, buckets, containers, accounts and guards."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._roles = {arn: role for arn, role in stack.roles.items() if role.trust is not Trust.NO}
        self._accounts = {
            place_key(node.service, node.endpoint): node
            for node in stack.of(Kind.ACCOUNT)
            if (node.translates or node.may_translate) and node.endpoint
        }
        anywhere = [*self._roles.values(), *stack.made_buckets, *stack.containers.values()]
        self._services = {node.service for node in anywhere}

    @property
    def needed_services(self) -> set[str]:
        """The services whose jobs can certainly run with a resource of the stack, at any place."""
        return {role.service for role in self._roles.values() if role.trust is Trust.YES}

    def any_at(self, place: Place) -> bool:
        """Check whether a job at ``place`` can be tied to a resource that exists."""
        return place.service in self._services or place.key in self._accounts

    def scopes_at(self, place: Place) -> bool:
        """Check whether a guard at ``place`` has a known scope, and protects nothing that does not exist yet."""
        guards = self.guards_at(place)
        return any(guard.known_scopes and not any_unknown(guard.properties.get("protects")) for guard in guards)

    def of(self, place: Place, job: Job) -> list[Node]:
        """Return the resources that a job is tied to, the most telling one first."""
        found = [
            self._roles.get(job.role_arn or ""),
            *map(self._stack.bucket_of, job.locations),
            *map(self._stack.container_of, job.locations),
            self._accounts.get(place.key),
        ]
        return list({node.urn: node for node in found if node is not None}.values())

    def covered(self, place: Place, job: Job) -> bool:
        """Check whether a guard covers a job, or may cover it.

        An undecided batch is not orphaned: a teardown waits for it, and fails rather than leave it.
        """
        if coverage(self._scopes_at(place), job) is not Coverage.OUTSIDE:
            return True
        nodes = self.of(place, job)
        return any(will_cover(self._stack, guard, node) for guard in self._may_cover(place) for node in nodes)

    def guards_at(self, place: Place) -> list[Guard]:
        """Return the guards that cover jobs at ``place``."""
        return self._guards.get(place.key, [])

    def guards_covering(self, place: Place, job: Job) -> list[Guard]:
        """Return the guards that certainly cover a job."""
        guards = self.guards_at(place)
        return [guard for guard in guards if coverage(guard.known_scopes, job) is Coverage.COVERED]

    def wants_locations(self, place: Place, job: Job) -> bool:
        """Check whether only what a job reads and writes can tell which stack it belongs to."""
        if coverage(self._scopes_at(place), job) is Coverage.UNKNOWN:
            return True
        return bool(self._stack.containers) and not self.of(place, job)

    def _scopes_at(self, place: Place) -> list[Scope]:
        return [scope for guard in self.guards_at(place) for scope in guard.known_scopes]

    @cached_property
    def _guards(self) -> dict[Hashable, list[Guard]]:
        found: dict[Hashable, list[Guard]] = {}
        for guard in self._stack.guards:
            if isinstance(guard.place, str):
                found.setdefault(place_key(guard.service, guard.place), []).append(guard)
        return found

    def _may_cover(self, place: Place) -> Iterable[Guard]:
        """Yield the guards whose scope or place is not known yet and may turn out to cover jobs at ``place``."""
        for guard in self._stack.guards_of(place.service):
            if not isinstance(guard.place, str) or (guard in self.guards_at(place) and any_unknown(guard.scopes)):
                yield guard
