"""The control endpoint, `/_control/...`, which tests use."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable
from typing import Any

from translation_job_emulator.log import Call, Signal
from translation_job_emulator.messages import Request, Response
from translation_job_emulator.world import World

CONTROL_PATH = "/_control/"
LONGEST_POLL = 30.0
"""Seconds; a client that waits longer asks again."""


@dataclasses.dataclass
class Asked:
    """The variable part of the path, the query, and the body."""

    name: str
    query: dict[str, str]
    body: Any


class ControlApi:
    """Answers the requests of `control.Control`."""

    def __init__(self, world: World, changed: Signal) -> None:
        self._world = world
        self._changed = changed
        self.closing = False
        accounts = world.document_translation.accounts
        self._routes: list[tuple[str, str, Callable[[Asked], Any]]] = [
            ("GET", "health", lambda _: {"now": world.timeline.now, "requests": world.log.last}),
            ("GET", "requests", lambda asked: [call.as_dict() for call in self._calls(asked.query)]),
            ("GET", "jobs", lambda _: world.jobs()),
            ("POST", "jobs", lambda asked: self._add_jobs(asked.body)),
            ("GET", "jobs/(.+)", lambda asked: world.job(asked.name)),
            ("PATCH", "jobs/(.+)", lambda asked: world.set_job(asked.name, asked.body)),
            ("DELETE", "jobs/(.+)", lambda asked: world.remove_job(asked.name)),
            ("POST", "advance", lambda asked: world.advance(float(asked.body["seconds"]))),
            ("PATCH", "settings", lambda asked: self._change_settings(asked.body)),
            ("GET", "faults", lambda _: [fault.as_dict() for fault in world.faults.all()]),
            ("POST", "faults", lambda asked: world.faults.add(asked.body).as_dict()),
            ("DELETE", "faults", lambda _: world.faults.clear()),
            ("DELETE", r"faults/(\d+)", lambda asked: world.faults.remove(int(asked.name))),
            ("POST", "reset", lambda _: world.reset()),
            ("GET", "azure/accounts", lambda _: [account.as_dict() for account in accounts.all()]),
            ("PUT", "azure/accounts/(.+)", lambda asked: accounts.put(asked.name, **asked.body).as_dict()),
            ("DELETE", "azure/accounts/(.+)", lambda asked: accounts.delete(asked.name)),
            ("GET", "azure/subscriptions", lambda _: world.subscriptions.all()),
            (
                "PUT",
                "azure/subscriptions/(.+)",
                lambda asked: world.subscriptions.put(asked.name, **(asked.body or {})),
            ),
            ("PUT", "organization", lambda asked: world.moto.put_organization(**asked.body)),
            ("GET", "azure/containers", lambda _: sorted(accounts.containers())),
            ("PUT", "azure/containers", lambda asked: accounts.put_container(str(asked.body["url"]))),
            ("DELETE", "azure/containers", lambda asked: accounts.delete_container(str(asked.body["url"]))),
        ]

    async def answer(self, request: Request) -> Response:
        """Answer a request; an error has a status of 400 or more and a JSON body with `error`."""
        path, query = request.path[len(CONTROL_PATH) :], dict(request.query)
        try:
            if path == "wait/requests":
                return _json(await self._wait(query, self._calls_there(query)))
            if path == "wait/job":
                return _json(await self._wait(query, self._job_there(query)))
            for method, pattern, handle in self._routes:
                found = re.fullmatch(pattern, path)
                if found and method == request.method:
                    return _json(handle(Asked("".join(found.groups()), query, request.json())))
            return _json({"error": f"{request.method} {path} is not a route of the control endpoint"}, 404)
        except KeyError as error:
            return _json({"error": f"`{error.args[0]}` is missing"}, 400)
        except LookupError as error:
            return _json({"error": str(error.args[0])}, 404)
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    async def _wait(self, query: dict[str, str], ready: Callable[[], Any]) -> Any:
        """Return what `ready` returns as soon as it is not None; None after the timeout.

        The timeout is real time, whichever clock the services have.
        """
        deadline = time.monotonic() + min(float(query.get("timeout", LONGEST_POLL)), LONGEST_POLL)
        while True:
            self._world.timeline.settle()
            found = ready()
            left = deadline - time.monotonic()
            if found is not None or left <= 0 or self.closing:
                return found
            # Advancing a stepped clock wakes this, too.
            await self._changed.wait(min(left, self._world.due_in() + 0.001))

    def _calls(self, query: dict[str, str], ended: bool = False) -> list[Call]:
        since, match = int(query.get("since", 0)), json.loads(query.get("match", "{}"))
        found = self._world.log.since(since, query.get("service"), query.get("operation"), ended=ended)
        return [call for call in found if call.is_about(match)]

    def _calls_there(self, query: dict[str, str]) -> Callable[[], Any]:
        count, ended = int(query.get("count", 1)), query.get("arrived") != "true"

        def ready() -> Any:
            found = self._calls(query, ended)
            return [call.as_dict() for call in found] if len(found) >= count else None

        return ready

    def _job_there(self, query: dict[str, str]) -> Callable[[], Any]:
        job_id, states = query["id"], set(query["states"].split(","))

        def ready() -> Any:
            job = self._world.job(job_id)
            return job if job is not None and job["state"] in states else None

        return ready

    def _add_jobs(self, body: Any) -> list[str]:
        if not isinstance(body, list):
            raise ValueError("the body is not a list; expected a list of jobs")
        return [self._world.add_job(entry) for entry in body]

    def _change_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        self._world.settings.change(body)
        return self._world.settings.as_dict()


def _json(body: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
