"""Everything that one emulator holds, without HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from translation_job_emulator.amazon import Translate, TranslateJob
from translation_job_emulator.azure import DocumentTranslation
from translation_job_emulator.azure_batch import Batch
from translation_job_emulator.azure_cache import Cache
from translation_job_emulator.clock import Clock, RealClock, SteppedClock, Timeline
from translation_job_emulator.faults import Faults
from translation_job_emulator.lifecycle import Lifecycle
from translation_job_emulator.log import RequestLog
from translation_job_emulator.rates import Rates
from translation_job_emulator.resource_manager import ResourceManager
from translation_job_emulator.settings import Settings
from translation_job_emulator.subscriptions import Subscriptions
from translation_job_emulator.surroundings import DEFAULT_ACCOUNT, Moto

AMAZON = "translate"
AZURE = "document-translation"


class World:
    """The services of one emulator, with their clock, settings, faults and log.

    Args:
        clock: the time of the services.
        settings: what differs from the defaults.
        changed: is called after each change.
    """

    def __init__(self, clock: Clock, settings: Mapping[str, Any], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._given = dict(settings)
        self.settings = Settings()
        self.settings.change(self._given)
        self.timeline = Timeline(clock)
        self.faults = Faults()
        self.rates = Rates(clock, self.settings)
        self.log = RequestLog(self.settings.log_limit)
        self.moto = Moto(self.settings)
        self.translate = Translate(self.timeline, self.settings, changed, self.moto)
        self.document_translation = DocumentTranslation(self.timeline, self.settings, changed)
        self.azure_cache = Cache(self.timeline, self.settings)
        self.resource_manager = ResourceManager(self.document_translation.accounts)
        self.subscriptions = Subscriptions(self.document_translation.accounts, self.resource_manager)

    def advance(self, seconds: float) -> None:
        """Move a stepped clock forward.

        Raises:
            ValueError: the clock is real, or `seconds` is negative.
        """
        clock = self.timeline.clock
        if not isinstance(clock, SteppedClock):
            raise ValueError("the clock is real and cannot be advanced; start the emulator with clock='stepped'")
        clock.advance(seconds)
        self.timeline.settle()
        self._changed()

    def due_in(self) -> float:
        """Return the seconds until something is due; infinity with a stepped clock, which does not move by itself."""
        due, clock = self.timeline.next_due(), self.timeline.clock
        if due is None or isinstance(clock, SteppedClock):
            return math.inf
        return max(due - clock.now(), 0.0)

    def reset(self) -> None:
        """Make everything like new, with the settings that the emulator started with. The log keeps counting."""
        self.timeline.clear()
        self.settings.change({**Settings().as_dict(), **self._given})
        self.faults.clear()
        self.rates.clear()
        self.log.clear()
        self.moto.reset()
        self.translate.clear()
        self.document_translation.clear()
        self.azure_cache.clear()
        self.resource_manager.clear()
        self.subscriptions.clear()
        self._changed()

    # Jobs of both services

    def add_job(self, entry: Mapping[str, Any]) -> str:
        """Add a job that is already in some state, and return its ID.

        Without `service`, an entry with `resource` is Azure's.

        Raises:
            ValueError: the service or the state is unknown, or there is a job with this ID.
        """
        service = entry.get("service") or (AZURE if "resource" in entry else AMAZON)
        states = self._lifecycle(service).states
        if "state" in entry and entry["state"] not in states:
            raise ValueError(f"{entry['state']!r} is not a state of {service}")
        if entry.get("id") is not None and self._find(str(entry["id"])) is not None:
            raise ValueError(f"there is already a job {entry['id']}")
        if service == AZURE:
            return self.document_translation.seed(str(entry.get("resource", "translator")), entry).id
        place = (str(entry.get("account", DEFAULT_ACCOUNT)), str(entry.get("region", "us-east-1")))
        return self.translate.seed(place, entry).id

    def set_job(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """Change a job.

        Raises:
            LookupError: The job does not exist.
            ValueError: a field cannot be changed, or a state is unknown.
        """
        lifecycle, job = self._known(job_id)
        allowed = {"state", "outcome", "run_time", "stop_latency", "message"}
        if not set(changes) <= allowed:
            raise ValueError(f"a job's {', '.join(sorted(set(changes) - allowed))} cannot be changed")
        for name in ("state", "outcome"):
            if changes.get(name) is not None and changes[name] not in lifecycle.states:
                raise ValueError(f"{changes[name]!r} is not a state of the job's service")
        for name in allowed - {"state"}:
            if name in changes:
                setattr(job, name, changes[name])
        if isinstance(job, Batch):
            job.behind = None
        # Even without a new state, since what is due next depends on the other fields.
        lifecycle.put(job, changes.get("state", job.state))

    def remove_job(self, job_id: str) -> None:
        """Remove a job.

        Raises:
            LookupError: The job does not exist.
        """
        lifecycle, job = self._known(job_id)
        lifecycle.discard(job)

    def job(self, job_id: str) -> dict[str, Any] | None:
        """Return a job as the control endpoint shows it, or None."""
        found = self._find(job_id)
        return None if found is None else self._shown(found[1])

    def jobs(self) -> list[dict[str, Any]]:
        """Return every job of both services, oldest first."""
        everything: list[TranslateJob | Batch] = [*self.translate.jobs(), *self.document_translation.jobs()]
        return [self._shown(job) for job in sorted(everything, key=lambda job: job.submitted)]

    def _shown(self, job: TranslateJob | Batch) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": job.id,
            "state": job.state,
            "submitted": job.submitted,
            "started": job.started,
            "stop_requested": job.stop_requested,
            "ended": job.ended,
            "message": job.message,
        }
        if isinstance(job, TranslateJob):
            account, region = job.place
            shown |= {
                "service": AMAZON,
                "account": account,
                "region": region,
                "name": job.name,
                "role": job.role,
            }
            shown |= {"input": job.input, "output": job.output, "documents": len(job.documents)}
            shown["documents_done"] = self.translate.progress(job)
        else:
            done = self.document_translation.done(job)
            shown |= {
                "service": AZURE,
                "resource": job.place[0],
                "sources": job.sources,
                "targets": job.targets,
            }
            shown |= {"documents": len(job.documents), "documents_done": int(done)}
            # What it costs so far, although the answers of the service do not say so yet.
            shown["characters_charged"] = int(done * self.settings.azure_characters)
        return shown

    def _lifecycle(self, service: str) -> Lifecycle[Any]:
        if service not in (AMAZON, AZURE):
            raise ValueError(f"{service!r} is not a service; expected {AMAZON} or {AZURE}")
        return self.translate if service == AMAZON else self.document_translation

    def _find(self, job_id: str) -> tuple[Lifecycle[Any], Any] | None:
        for lifecycle in (self.translate, self.document_translation):
            job = lifecycle.find(job_id)
            if job is not None:
                return lifecycle, job
        return None

    def _known(self, job_id: str) -> tuple[Lifecycle[Any], Any]:
        found = self._find(job_id)
        if found is None:
            raise LookupError(f"there is no job {job_id}")
        return found


def make_clock(kind: str, start: float | None = None) -> Clock:
    """Return a clock of a kind: `real` or `stepped`.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind == "real":
        return RealClock()
    if kind == "stepped":
        return SteppedClock(start)
    raise ValueError(f"{kind!r} is not a clock; expected real or stepped")
