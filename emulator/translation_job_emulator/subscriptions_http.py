"""The part of Azure Resource Manager that lists: subscriptions, and the accounts in one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from translation_job_emulator.azure_http import PATH
from translation_job_emulator.azure_wire import base_url, failure, json_answer
from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response
from translation_job_emulator.resource_manager import ResourceManagerError
from translation_job_emulator.resource_manager_http import ARM_PATH, ResourceManagerApi
from translation_job_emulator.settings import Settings
from translation_job_emulator.subscriptions import Subscriptions

_SUBSCRIPTIONS = re.compile(rf"(?i){ARM_PATH}subscriptions/?")
_ACCOUNTS = re.compile(rf"(?i){ARM_PATH}subscriptions/(?P<id>[^/]+)/providers/Microsoft\.CognitiveServices/accounts/?")


class SubscriptionsApi:
    """`/azure-arm/subscriptions` and `/azure-arm/subscriptions/{id}/providers/Microsoft.CognitiveServices/accounts`."""

    def __init__(self, subscriptions: Subscriptions, settings: Settings, resources: ResourceManagerApi) -> None:
        self._subscriptions = subscriptions
        self._settings = settings
        self._resources = resources

    @staticmethod
    def serves(request: Request) -> bool:
        """Check whether a request asks for one of these lists."""
        path = request.path
        return request.method == "GET" and bool(_SUBSCRIPTIONS.fullmatch(path) or _ACCOUNTS.fullmatch(path))

    def identify(self, request: Request) -> Call:
        """Return what the log says of a request."""
        found = _ACCOUNTS.fullmatch(request.path)
        if found:
            call = Call("cognitiveservices", "ListAccounts", resource=f"/subscriptions/{found['id']}")
        else:
            call = Call("resource-manager", "ListSubscriptions", resource="/subscriptions")
        call.credential = "bearer" if request.bearer() else ""
        return call

    async def perform(self, exchange: Exchange) -> Response:
        """Return a page of the list."""
        call, request = exchange.call, exchange.request
        if not call.credential:
            return failure(401, "AuthenticationFailed", "Authentication failed. There is no bearer token.")
        try:
            if call.operation == "ListSubscriptions":
                return self._page(self._subscriptions.all(), request)
            accounts = self._subscriptions.accounts_of(call.resource.rsplit("/", 1)[-1])
        except ResourceManagerError as error:
            return failure(error.status, error.code, error.message)
        return self._page([_with_endpoint(one, f"{base_url(request)}{PATH}") for one in accounts], request)

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the service's answer to a fault."""
        if kind == "denied":
            what = f"perform action 'Microsoft.CognitiveServices/accounts/read' over scope '{call.resource}'"
            return failure(403, "AuthorizationFailed", f"The client does not have authorization to {what}.")
        if kind == "throttle":
            # Documented: 429, and after how many seconds to come again.
            message = "Number of read requests exceeded the limit for this time interval. Please try again later."
            answer = failure(429, str(details.get("code", "SubscriptionRequestsThrottled")), message)
            answer.headers["Retry-After"] = "1"
            return answer
        return self._resources.refuse(call, kind, details)

    def _page(self, rows: list[dict[str, Any]], request: Request) -> Response:
        begin = int(request.query_value("$skiptoken") or 0)
        end = begin + self._settings.azure_arm_page_size
        body: dict[str, Any] = {"value": rows[begin:end]}
        if end < len(rows):
            version = request.query_value("api-version")
            body["nextLink"] = f"{base_url(request)}{request.path}?api-version={version}&$skiptoken={end}"
        return json_answer(200, body)


def _with_endpoint(account: dict[str, Any], endpoints: str) -> dict[str, Any]:
    properties = account["properties"]
    name = properties.get("customSubDomainName")
    # Documented: without a subdomain of its own an account has the endpoint of its region, which batches cannot use.
    regional = f"https://{account.get('location', 'westeurope')}.api.cognitive.microsoft.com/"
    endpoint = properties.get("endpoint") or (f"{endpoints}{name.lower()}/" if name else regional)
    return {**account, "properties": {**properties, "endpoint": endpoint}}
