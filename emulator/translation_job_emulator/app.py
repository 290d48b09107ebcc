"""The ASGI application: which service a request is for, and what every request goes through.

Plain ASGI and one coroutine: between two awaits nothing else happens, so that the services need no locks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from translation_job_emulator.amazon_http import TranslateApi, credential_scope
from translation_job_emulator.azure_http import PATH, DocumentTranslationApi
from translation_job_emulator.clock import Clock
from translation_job_emulator.control_http import CONTROL_PATH, ControlApi
from translation_job_emulator.faults import REFUSING, Fault
from translation_job_emulator.identity_http import TOKEN_PATH, IdentityApi
from translation_job_emulator.log import Signal
from translation_job_emulator.messages import Api, Exchange, Request, Response
from translation_job_emulator.moto_http import MotoApi
from translation_job_emulator.resource_manager_http import ARM_PATH, ResourceManagerApi
from translation_job_emulator.subscriptions_http import SubscriptionsApi
from translation_job_emulator.world import World

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Application:
    """The ASGI application of one emulator.

    Args:
        clock: the time of the services.
        settings: what differs from the defaults.
        drop: ends the connection that a `send` belongs to.
    """

    def __init__(self, clock: Clock, settings: Mapping[str, Any], drop: Callable[[Send], None]) -> None:
        self._drop = drop
        self.changed = Signal()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.world = World(clock, settings, self.changed.notify)
        self._translate = TranslateApi(self.world.translate, self.world.settings, self.world.moto)
        self._azure = DocumentTranslationApi(
            self.world.document_translation, self.world.settings, self.world.azure_cache
        )
        self._arm = ResourceManagerApi(self.world.document_translation, self.world.resource_manager)
        self._subscriptions = SubscriptionsApi(self.world.subscriptions, self.world.settings, self._arm)
        self._identity = IdentityApi()
        self._moto = MotoApi(self.world.moto, self._deleted)
        self._control = ControlApi(self.world, self.changed)

    def close(self) -> None:
        """Answer the clients that wait, so that the server can end."""
        self._control.closing = True
        self.changed.notify()
        self._moto.close()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        self.loop = asyncio.get_running_loop()
        request = Request.from_scope(scope, await _body(receive))
        try:
            self.world.timeline.settle()
            if request.path.startswith(CONTROL_PATH):
                response: Response | None = await self._control.answer(request)
            else:
                response = await self._serve(self._api(request), request)
        except Exception:
            logging.getLogger(__name__).exception("%s %s failed in the emulator", request.method, request.path)
            response = Response(500, b"The emulator failed; its log says how.")
        if response is not None:
            await _respond(send, response)
            return
        self._drop(send)
        # Wait until the server notices: it logs an error for an application that returns without an answer.
        await receive()

    def _api(self, request: Request) -> Api:
        if self._translate.serves(request):
            return self._translate
        # A bucket may be called "azure": signed requests are for AWS.
        if request.path.startswith(PATH) and credential_scope(request) is None:
            return self._azure
        if request.path.startswith(ARM_PATH) and credential_scope(request) is None:
            return self._subscriptions if self._subscriptions.serves(request) else self._arm
        if request.path == TOKEN_PATH and credential_scope(request) is None:
            return self._identity
        return self._moto

    async def _serve(self, api: Api, request: Request) -> Response | None:
        """Log and answer a request. None means: end the connection without an answer."""
        call = api.identify(request)
        call.started = self.world.timeline.now
        self.world.log.begin(call)
        self.changed.notify()
        response: Response | None = None
        try:
            response = await self._answer(api, Exchange(request, call, self.world.faults.none))
        finally:
            # Before the answer is sent, so that a client that has it finds the request in the log.
            call.ended = self.world.timeline.now
            call.status = None if response is None else response.status
            call.error = "dropped" if response is None else response.error
            self.changed.notify()
        return response

    async def _answer(self, api: Api, exchange: Exchange) -> Response | None:
        world, call = self.world, exchange.call
        if api is self._azure and world.settings.azure_gone == "drop" and self._azure.is_gone(call):
            return None
        if not world.rates.admits(call):
            return api.refuse(call, "throttle", {})
        exchange.taken = taken = world.faults.strike(call, world.timeline.now)
        call.fault = ", ".join(fault.kind for fault in taken) or None
        ended, response = await self._suffer(api, exchange, [fault for fault in taken if fault.before])
        if ended:
            return response
        answer = await api.perform(exchange)
        ended, response = await self._suffer(api, exchange, [fault for fault in taken if not fault.before])
        return response if ended else answer

    async def _suffer(self, api: Api, exchange: Exchange, faults: list[Fault]) -> tuple[bool, Response | None]:
        """Return whether a fault ends the request here, and with which answer."""
        for fault in faults:
            if fault.kind == "slow":
                await asyncio.sleep(float(fault.details.get("seconds", 1)))
                self.world.timeline.settle()
            elif fault.kind == "drop":
                return True, None
            elif fault.kind in REFUSING:
                return True, _refusal(api, exchange, fault)
        return False, None

    def _deleted(self) -> None:
        self.world.timeline.settle()
        self.world.translate.check_surroundings()


def _refusal(api: Api, exchange: Exchange, fault: Fault) -> Response:
    response = api.refuse(exchange.call, fault.kind, fault.details)
    if fault.details.get("retry_after") is not None:
        response.headers["Retry-After"] = str(fault.details["retry_after"])
    return response


async def _body(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message.get("body", b"")]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _respond(send: Send, response: Response) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
