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
    """Controls and inspects an emulator, in this process or another.

    In every `match`, the keys are `account`, `region`, `resource`, `credential` and the parameters of a request by
    their names on the wire (`JobId`; at Azure `id`). A value may be a pattern with `*`, or a list of values.

    Args:
        url: the URL of the emulator.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # Without the proxies of the environment: the emulator is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # The request log

    def requests(
        self,
        since: int = 0,
        service: str | None = None,
        operation: str | None = None,
        match: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the logged requests, oldest first.

        Args:
            since: only requests with a higher number than this one.
            service: only requests to this service.
            operation: only requests for this operation.
            match: only requests that match.
        """
        query = {"since": since, "service": service, "operation": operation, "match": _as_json(match)}
        return list(self._ask("GET", "requests", query))

    def last_request(self) -> int:
        """Return the number of the latest request. Pass it as `since` to wait for later ones."""
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
        """Wait until a number of requests have been answered, and return them.

        Args:
            count: how many requests to wait for.
            operation: the operation; None for any.
            since: only requests with a higher number than this one count.
            timeout: seconds.
            service: only requests to this service count.
            match: only requests that match count.
            arrived: whether requests count before they have been answered.

        Raises:
            TimeoutError: there were fewer requests within `timeout`.
        """
        query = {"since": since, "service": service, "operation": operation, "match": _as_json(match)}
        asked = {**query, "count": count, "arrived": "true" if arrived else None}
        found = self._wait("wait/requests", timeout, asked)
        if found is None:
            there = len(self.requests(since, service, operation, match))
            raise TimeoutError(f"{there} of {count} {operation or 'requests'} within {timeout:g} s")
        return list(found)

    # Jobs

    def jobs(self) -> list[dict[str, Any]]:
        """Return every job of both services, oldest first."""
        return list(self._ask("GET", "jobs"))

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job.

        Raises:
            ControlError: The job does not exist.
        """
        found = self._ask("GET", f"jobs/{quote(job_id)}")
        if found is None:
            raise ControlError(f"there is no job {job_id}")
        return dict(found)

    def wait_for_job(self, job_id: str, states: Iterable[str], timeout: float = 30.0) -> dict[str, Any]:
        """Wait until a job is in one of some states, and return it.

        Raises:
            TimeoutError: it was not within `timeout` seconds.
        """
        wanted = [states] if isinstance(states, str) else list(states)
        found = self._wait("wait/job", timeout, {"id": job_id, "states": ",".join(wanted)})
        if found is None:
            job = self._ask("GET", f"jobs/{quote(job_id)}")
            state = "unknown" if job is None else job["state"]
            raise TimeoutError(f"job {job_id} is {state} after {timeout:g} s; expected {' or '.join(wanted)}")
        return dict(found)

    def add_jobs(self, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add jobs that are already in some state, by default running, and return their IDs.

        Args:
            jobs: a dictionary for each job. Every key is optional.
                Both services: `service`, `id`, `state`, `submitted` (seconds since the epoch), `run_time`,
                `stop_latency`, `outcome`.
                Amazon: `account`, `region`, `name`, `role`, `input`, `output`, `source_language`, `target_languages`.
                Azure: `resource` (which makes the job Azure's), `source`, `target`, `language`, `documents` (how many),
                `invalid` (how many of them failed at validation), `counted` (when the total is known), `first_row`
                (when the first document is listed) and `row_interval` (seconds from one document to the next). Without
                the last two, all documents are listed once they are counted; with `row_interval` alone, the first one
                is listed when the batch starts.
        """
        return list(self._ask("POST", "jobs", body=list(jobs)))

    def set_job(self, job_id: str, **changes: Any) -> None:
        """Change `state`, `outcome`, `run_time`, `stop_latency` or `message` of a job."""
        self._ask("PATCH", f"jobs/{quote(job_id)}", body=changes)

    def remove_job(self, job_id: str) -> None:
        """Remove a job, as if it had never been there."""
        self._ask("DELETE", f"jobs/{quote(job_id)}")

    # Time, settings, faults

    def now(self) -> float:
        """Return the services' time, in seconds since the epoch."""
        return float(self._ask("GET", "health")["now"])

    def advance(self, seconds: float) -> None:
        """Move a stepped clock forward."""
        self._ask("POST", "advance", body={"seconds": seconds})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings, and return all of them."""
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
        """Order a fault, and return its number.

        Args:
            operation: the operation that fails; None for all.
            kind: one of `faults.KINDS`.
            times: how many requests are hit; None for all.
            after: how many matching requests are let through first.
            match: only requests that match are hit.
            probability: of hitting a matching request.
            seed: of the generator that decides.
            details: `per_job=True` counts `after` and `times` for each job separately; else what `faults.KINDS` says.
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
        """Return the faults in force, each with its number of hits."""
        return list(self._ask("GET", "faults"))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._ask("DELETE", "faults")

    def reset(self) -> None:
        """Make the emulator like new: no jobs, buckets, faults or requests, and the settings that it started with."""
        self._ask("POST", "reset")

    # Azure's accounts and containers, and organizations

    def azure_accounts(self) -> list[dict[str, Any]]:
        """Return the Translator resources, with their keys."""
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
        """Add a Translator resource, or change it.

        Args:
            name: its name, which is its subdomain too.
            keys: its keys.
            resource_id: its resource ID.
            location: its region.
            kind: its kind.
            properties: what Resource Manager shows besides its subdomain: `networkAcls`, `publicNetworkAccess`, or
                `customSubDomainName: None` for an account without a subdomain.
        """
        body: dict[str, Any] = {"keys": list(keys) if keys else None, "resource_id": resource_id, "location": location}
        body |= {"kind": kind, "properties": dict(properties) if properties else None}
        return dict(self._ask("PUT", f"azure/accounts/{quote(name)}", body=body))

    def delete_azure_account(self, name: str) -> bool:
        """Delete a Translator resource with its endpoint; return whether there was one."""
        return bool(self._ask("DELETE", f"azure/accounts/{quote(name)}"))

    def azure_subscriptions(self) -> list[dict[str, Any]]:
        """Return the subscriptions, as Resource Manager lists them."""
        return list(self._ask("GET", "azure/subscriptions"))

    def put_azure_subscription(self, id_: str, name: str | None = None, state: str = "Enabled") -> dict[str, Any]:
        """Add a subscription, or change it. A subscription that has resources need not be added."""
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
        """Return the URLs of the blob containers."""
        return list(self._ask("GET", "azure/containers"))

    def put_azure_container(self, url: str) -> None:
        """Add a blob container. Batches that use it fail when it is deleted."""
        self._ask("PUT", "azure/containers", body={"url": url})

    def delete_azure_container(self, url: str) -> bool:
        """Delete a container, or all containers of a storage account; return whether there was one."""
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
