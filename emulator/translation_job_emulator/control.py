"""The client of the control endpoint, for tests and scripts in this process or another.

Standard library only, so that it costs nothing to import.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

_POLL = 20.0


class ControlError(Exception):
    """The emulator refused what was asked of it."""


class Control:
    """Asks and orders an emulator. `url` is the emulator's.

    `match` is a dictionary of what a request is about: `account`, `region`, `resource`, `credential`, and its
    parameters by their names on the wire (`JobId`, or `id` at Azure). A value may be a pattern with `*`, or a list.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # No proxy: the emulator is on loopback, whatever the environment says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # The request log

    def requests(
        self,
        since: int = 0,
        service: str | None = None,
        operation: str | None = None,
        match: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The requests after number `since`, oldest first."""
        query = {"since": since, "service": service, "operation": operation, "match": _as_json(match)}
        return list(self._ask("GET", "requests", query))

    def last_request(self) -> int:
        """The number of the latest request: what to wait "since"."""
        return int(self._ask("GET", "health")["requests"])

    def wait_for_requests(
        self,
        count: int = 1,
        operation: str | None = "StopTextTranslationJob",
        since: int = 0,
        timeout: float = 30.0,
        *,
        service: str | None = None,
        match: Mapping[str, Any] | None = None,
        arrived: bool = False,
    ) -> list[dict[str, Any]]:
        """Waits until so many requests have been answered, or with `arrived` have come in.

        Raises TimeoutError.
        """
        query = {"since": since, "service": service, "operation": operation, "match": _as_json(match)}
        asked = {**query, "count": count, "arrived": "true" if arrived else None}
        found = self._wait("wait/requests", timeout, asked)
        if found is None:
            there = len(self.requests(since, service, operation, match))
            raise TimeoutError(f"{there} of {count} {operation or 'requests'} after {timeout} seconds")
        return list(found)

    # Jobs

    def jobs(self) -> list[dict[str, Any]]:
        """Every job of both services, oldest first."""
        return list(self._ask("GET", "jobs"))

    def job(self, job_id: str) -> dict[str, Any]:
        found = self._ask("GET", f"jobs/{quote(job_id)}")
        if found is None:
            raise ControlError(f"there is no job {job_id}")
        return dict(found)

    def wait_for_job(self, job_id: str, states: Iterable[str], timeout: float = 30.0) -> dict[str, Any]:
        """Waits until a job is in one of the states. Raises TimeoutError."""
        wanted = [states] if isinstance(states, str) else list(states)
        found = self._wait("wait/job", timeout, {"id": job_id, "states": ",".join(wanted)})
        if found is None:
            job = self._ask("GET", f"jobs/{quote(job_id)}")
            state = "unknown" if job is None else job["state"]
            raise TimeoutError(f"job {job_id} is {state}, not {' or '.join(wanted)}, after {timeout} seconds")
        return dict(found)

    def add_jobs(self, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Puts jobs straight into a state, by default running; returns their ids. Every key is optional.

        Both services: service, id, state, submitted (epoch seconds), run_time, stop_latency, outcome.
        Amazon: account, region, name, role, input, output, source_language, target_languages.
        Azure: resource (which makes it Azure's), source, target, language, documents (a number), invalid (how many of
        them failed at validation), counted (when the total is known), first_row (when the first document is listed)
        and row_interval (from one to the next). Without the last two, all documents are listed once they are counted;
        with row_interval alone, the first one is listed when the batch starts.
        """
        return list(self._ask("POST", "jobs", body=list(jobs)))

    def set_job(self, job_id: str, **changes: Any) -> None:
        """Changes state, outcome, run_time, stop_latency or message of a job."""
        self._ask("PATCH", f"jobs/{quote(job_id)}", body=changes)

    def remove_job(self, job_id: str) -> None:
        self._ask("DELETE", f"jobs/{quote(job_id)}")

    # Time, settings, faults

    def now(self) -> float:
        """The services' time, in seconds since the epoch."""
        return float(self._ask("GET", "health")["now"])

    def advance(self, seconds: float) -> None:
        """Moves a stepped clock."""
        self._ask("POST", "advance", body={"seconds": seconds})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Changes settings, and returns all of them."""
        return dict(self._ask("PATCH", "settings", body=changes))

    def fault(
        self,
        operation: str | None = None,
        kind: str = "error",
        times: int | None = None,
        after: int = 0,
        match: Mapping[str, Any] | None = None,
        probability: float = 1.0,
        seed: int = 0,
        **details: Any,
    ) -> int:
        """Orders a fault for an operation, or for all; returns its number.

        It lets `after` matching requests through, then strikes `times` of them, or all; with `per_job` it counts
        for each job by itself. The kinds and their details are in `faults.KINDS`.
        """
        order: dict[str, Any] = {
            "operation": operation,
            "kind": kind,
            "times": times,
            "after": after,
            "match": dict(match or {}),
        }
        order |= {"probability": probability, "seed": seed, **details}
        return int(self._ask("POST", "faults", body=order)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, each with its number of hits."""
        return list(self._ask("GET", "faults"))

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def reset(self) -> None:
        """Makes the emulator as new: no jobs, buckets, faults or requests, the settings it was started with."""
        self._ask("POST", "reset")

    # What is around Azure's batches

    def azure_accounts(self) -> list[dict[str, Any]]:
        """The Translator resources, with their keys."""
        return list(self._ask("GET", "azure/accounts"))

    def put_azure_account(
        self,
        name: str,
        keys: Sequence[str] | None = None,
        resource_id: str | None = None,
        location: str | None = None,
        kind: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Makes a Translator resource, or changes it.

        `properties` are what Resource Manager shows of it beside its subdomain, which is its name: `networkAcls`,
        `publicNetworkAccess`, or `customSubDomainName: None` for an account that has none.
        """
        body: dict[str, Any] = {"keys": list(keys) if keys else None, "resource_id": resource_id, "location": location}
        body |= {"kind": kind, "properties": dict(properties) if properties else None}
        return dict(self._ask("PUT", f"azure/accounts/{quote(name)}", body=body))

    def delete_azure_account(self, name: str) -> bool:
        """Takes a Translator resource and its endpoint away."""
        return bool(self._ask("DELETE", f"azure/accounts/{quote(name)}"))

    def azure_subscriptions(self) -> list[dict[str, Any]]:
        """Return the subscriptions, as Resource Manager lists them."""
        return list(self._ask("GET", "azure/subscriptions"))

    def put_azure_subscription(self, id_: str, name: str | None = None, state: str = "Enabled") -> dict[str, Any]:
        """Add a subscription, or change it. One that has resources is there without."""
        return dict(self._ask("PUT", f"azure/subscriptions/{quote(id_)}", body={"name": name, "state": state}))

    def put_organization(self, management: str, accounts: Mapping[str, str] | Sequence[str]) -> None:
        """Make an AWS organization of a management account and member accounts, in place of the one it has.

        Args:
            management: the account whose credentials may list the others.
            accounts: the IDs of the members, or their states by their IDs; by default ACTIVE.
        """
        states = accounts if isinstance(accounts, Mapping) else dict.fromkeys(accounts, "ACTIVE")
        self._ask("PUT", "organization", body={"management": management, "accounts": dict(states)})

    def azure_containers(self) -> list[str]:
        return list(self._ask("GET", "azure/containers"))

    def put_azure_container(self, url: str) -> None:
        """Makes a blob container known: batches on it fail when it is deleted."""
        self._ask("PUT", "azure/containers", body={"url": url})

    def delete_azure_container(self, url: str) -> bool:
        """Deletes a container, or by the URL of a storage account all that it has."""
        return bool(self._ask("DELETE", "azure/containers", body={"url": url}))

    def _wait(self, path: str, timeout: float, query: Mapping[str, Any]) -> Any:
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            found = self._ask("GET", path, {**query, "timeout": max(0.0, min(left, _POLL))})
            if found is not None or left <= _POLL:
                return found

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, *, body: Any = None) -> Any:
        asked = urlencode({name: value for name, value in (query or {}).items() if value is not None})
        url = f"{self.url}/_control/{path}" + (f"?{asked}" if asked else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self._opener.open(request, timeout=3 * _POLL) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                message = json.load(error)["error"]
            raise ControlError(message) from None


def _as_json(match: Mapping[str, Any] | None) -> str | None:
    return json.dumps(match) if match else None
