"""The wire format of Azure Resource Manager: resources by their IDs, and the keys of accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation_job_emulator.azure import DocumentTranslation
from translation_job_emulator.azure_accounts import Account
from translation_job_emulator.azure_http import PATH
from translation_job_emulator.azure_wire import base_url, failure, json_answer
from translation_job_emulator.log import Call
from translation_job_emulator.messages import Exchange, Request, Response
from translation_job_emulator.resource_manager import ResourceManager, ResourceManagerError, type_of

ARM_PATH = "/azure-arm/"


class ResourceManagerApi:
    """Azure Resource Manager over HTTP: `/azure-arm/subscriptions/...`, and `{id}/listKeys`."""

    def __init__(self, service: DocumentTranslation, resources: ResourceManager) -> None:
        self._service = service
        self._resources = resources

    def identify(self, request: Request) -> Call:
        """Return the entry of a request in the log."""
        path = request.path[len(ARM_PATH) - 1 :].rstrip("/")
        parent, _, last = path.rpartition("/")
        posts = {"listkeys": "ListKeys", "regeneratekey": "RegenerateKey"}
        if request.method == "POST":
            call = Call("cognitiveservices", posts.get(last.lower(), "Unknown"), resource=parent)
        elif request.method == "GET" and type_of(path).lower() == "microsoft.cognitiveservices/accounts":
            call = Call("cognitiveservices", "GetAccount", resource=path)
        else:
            call = Call("resource-manager", f"{request.method.title()}Resource", resource=path)
        call.credential = "bearer" if request.bearer() else ""
        return call

    async def perform(self, exchange: Exchange) -> Response:
        """Answer a request."""
        call, request = exchange.call, exchange.request
        if not call.credential:
            return failure(401, "AuthenticationFailed", "Authentication failed. There is no bearer token.")
        try:
            return self._resource(call, request) if call.service == "resource-manager" else self._account(call, request)
        except ResourceManagerError as error:
            return failure(error.status, error.code, error.message)

    def _resource(self, call: Call, request: Request) -> Response:
        if call.operation == "PutResource":
            status = 201 if self._resources.get(call.resource) is None else 200
            endpoints = f"{base_url(request)}{PATH.rstrip('/')}"
            return json_answer(status, self._resources.put(call.resource, request.json(), endpoints))
        if call.operation == "DeleteResource":
            return Response(200 if self._resources.delete(call.resource) else 204)
        found = self._resources.get(call.resource)
        return json_answer(200, found) if found is not None else _not_found(call.resource)

    def _account(self, call: Call, request: Request) -> Response:
        keys = self._resources.storage_keys(call.resource)
        if keys is not None and call.operation == "ListKeys":
            return json_answer(200, {"keys": keys})
        # An account is made on first use only if nobody has put its resource group.
        known = self._resources.get(call.resource) is not None or not self._resources.has_group_of(call.resource)
        account = self._service.accounts.by_id(call.resource) if known else None
        if account is None:
            return _not_found(call.resource)
        if call.operation == "GetAccount":
            return json_answer(200, self._resources.get(call.resource) or _account(account, base_url(request)))
        if not account.local_auth:
            return failure(400, "BadRequest", "Failed to list key. disableLocalAuth is set to be true")
        if call.operation == "RegenerateKey":
            account = self._service.accounts.regenerate(account, str(request.json().get("keyName", "Key1")))
        elif call.operation != "ListKeys":
            return failure(404, "InvalidResourceType", "The emulator knows no such operation on a resource.")
        return json_answer(200, {"key1": account.keys[0], "key2": account.keys[1]})

    def refuse(self, call: Call, kind: str, details: Mapping[str, Any]) -> Response:
        """Return the error that the service answers for a fault."""
        if kind == "throttle":
            return failure(429, "TooManyRequests", "The request is being throttled.")
        if kind == "denied":
            action = f"Microsoft.CognitiveServices/accounts/{call.operation[0].lower()}{call.operation[1:]}/action"
            what = f"perform action '{action}' over scope '{call.resource}'"
            return failure(403, "AuthorizationFailed", f"The client does not have authorization to {what}.")
        if kind == "expired":
            return failure(401, "ExpiredAuthenticationToken", "The access token has expired.")
        status = int(details.get("status", 500))
        return failure(status, "InternalServerError", "Encountered internal server error.")


def _account(account: Account, base: str) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "type": "Microsoft.CognitiveServices/accounts",
        "location": account.location,
        "kind": "TextTranslation",
        "sku": {"name": "S1"},
        "properties": {"provisioningState": "Succeeded", "endpoint": f"{base}{PATH}{account.name}"},
    }


def _not_found(id_: str) -> Response:
    name = id_.rpartition("/providers/")[2] or id_
    return failure(404, "ResourceNotFound", f"The Resource '{name}' was not found.")
