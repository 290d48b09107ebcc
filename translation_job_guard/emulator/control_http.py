"""The control endpoint, `/_control/...`: what tests ask and order."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from translation_job_guard.emulator.log import Signal
from translation_job_guard.emulator.messages import Request, Response
from translation_job_guard.emulator.world import World

CONTROL_PATH = "/_control/"
LONGEST_POLL = 30.0
"""Seconds; a client that waits longer asks again."""


class ControlApi:
    def __init__(self, world: World, changed: Signal) -> None:
        self._world = world
        self._changed = changed
        self.closing = False

    async def answer(self, request: Request) -> Response:
        path = request.path[len(CONTROL_PATH) :]
        given: dict[str, Any] = dict(request.query)
        try:
            if path == "wait/requests":
                return _json(await self._wait(given, self._requests_there(given)))
            if path == "wait/job":
                return _json(await self._wait(given, self._job_there(given)))
            for method, pattern, handler in self._routes():
                found = re.fullmatch(pattern, path)
                if found and method == request.method:
                    body = request.json() if request.body else {}
                    return _json(handler(*map(unquote, found.groups()), **{"given": given, "body": body}))
            return _json({"error": f"there is no {request.method} {path}"}, 404)
        except LookupError as error:
            return _json({"error": str(error.args[0])}, 404)
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        world, accounts = self._world, self._world.document_translation.accounts
        return [
            ("GET", "health", lambda given, body: {"now": world.timeline.now, "requests": world.log.last}),
            ("GET", "requests", lambda given, body: [call.as_dict() for call in self._requests(given)]),
            ("GET", "jobs", lambda given, body: world.jobs()),
            ("POST", "jobs", lambda given, body: self._add_jobs(body)),
            ("PATCH", "jobs/(.+)", lambda job_id, given, body: world.set_job(job_id, body)),
            ("DELETE", "jobs/(.+)", lambda job_id, given, body: world.remove_job(job_id)),
            ("POST", "advance", lambda given, body: world.advance(float(body["seconds"]))),
            ("GET", "settings", lambda given, body: world.settings.as_dict()),
            ("PATCH", "settings", lambda given, body: self._change_settings(body)),
            ("GET", "faults", lambda given, body: [fault.as_dict() for fault in world.faults.all()]),
            ("POST", "faults", lambda given, body: world.faults.add(body).as_dict()),
            ("DELETE", "faults", lambda given, body: world.faults.clear()),
            (r"DELETE", r"faults/(\d+)", lambda number, given, body: world.faults.remove(int(number))),
            ("POST", "reset", lambda given, body: world.reset()),
            ("PUT", "azure/accounts/(.+)", lambda name, given, body: self._put_account(name, body)),
            ("DELETE", "azure/accounts/(.+)", lambda name, given, body: accounts.delete(name)),
            ("PUT", "azure/containers", lambda given, body: accounts.put_container(str(body["url"]))),
            ("DELETE", "azure/containers", lambda given, body: accounts.delete_container(str(body["url"]))),
        ]

    async def _wait(self, given: dict[str, Any], ready: Callable[[], Any]) -> Any:
        """What is there as soon as it is, or null. Time is the caller's, whatever clock the services have."""
        deadline = time.monotonic() + min(float(given.get("timeout", LONGEST_POLL)), LONGEST_POLL)
        while True:
            self._world.timeline.settle()
            found = ready()
            left = deadline - time.monotonic()
            if found is not None or left <= 0 or self.closing:
                return found
            due = self._world.timeline.next_due()
            if due is not None:
                # A stepped clock is at rest until someone advances it, which wakes this too.
                left = min(left, max(due - self._world.timeline.clock.now(), 0.001))
            await self._changed.wait(left)

    def _requests(self, given: dict[str, Any], ended: bool = False) -> list[Any]:
        since = int(given.get("since", 0))
        return self._world.log.since(since, given.get("service"), given.get("operation"), ended=ended)

    def _requests_there(self, given: dict[str, Any]) -> Callable[[], Any]:
        count, ended = int(given.get("count", 1)), given.get("arrived") != "true"

        def ready() -> Any:
            found = self._requests(given, ended)
            return [call.as_dict() for call in found] if len(found) >= count else None

        return ready

    def _job_there(self, given: dict[str, Any]) -> Callable[[], Any]:
        job_id, states = given["id"], set(given["states"].split(","))

        def ready() -> Any:
            job = self._world.job(job_id)
            return job if job is not None and job["state"] in states else None

        return ready

    def _add_jobs(self, body: Any) -> list[str]:
        if not isinstance(body, list):
            raise ValueError("expected a list of jobs")
        return [self._world.add_job(entry) for entry in body]

    def _change_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        self._world.settings.change(body)
        return self._world.settings.as_dict()

    def _put_account(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        accounts = self._world.document_translation.accounts
        account = accounts.put(name, body.get("keys"), body.get("resource_id"), body.get("location"))
        return {"name": account.name, "keys": list(account.keys), "id": account.id}


def _json(body: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
