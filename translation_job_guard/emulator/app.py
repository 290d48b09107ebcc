"""The ASGI application: which service a request is for, and what every request goes through.

Plain ASGI and one coroutine: between two awaits nothing else happens, so that the services need no locks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from translation_job_guard.emulator.amazon_http import TranslateApi, credential_scope
from translation_job_guard.emulator.azure_http import (
    ARM_PATH,
    PATH,
    DocumentTranslationApi,
    ResourceManagerApi,
)
from translation_job_guard.emulator.clock import Clock
from translation_job_guard.emulator.control_http import CONTROL_PATH, ControlApi
from translation_job_guard.emulator.faults import Fault, Taken
from translation_job_guard.emulator.log import Call, Signal
from translation_job_guard.emulator.messages import Request, Response
from translation_job_guard.emulator.moto_http import MotoApi
from translation_job_guard.emulator.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Api(Protocol):
    """A service over HTTP: what a request is, and its answers."""

    def identify(self, request: Request) -> Call: ...

    def throttled(self, fault: Fault | None = None) -> Response: ...

    def failed(self, call: Call, fault: Fault) -> Response: ...

    def denied(self, call: Call) -> Response: ...

    def expired(self, call: Call) -> Response: ...


class Application:
    def __init__(
        self, clock: Clock, settings: MutableMapping[str, Any], drop: Callable[[Send], None]
    ) -> None:
        """`drop` ends the connection that a `send` belongs to; how is the server's business."""
        self._drop = drop
        self.changed = Signal()
        self.world = World(clock, settings, self.changed.notify)
        self._translate = TranslateApi(self.world.translate, self.world.settings, self.world.moto)
        self._azure = DocumentTranslationApi(self.world.document_translation, self.world.settings)
        self._arm = ResourceManagerApi(self.world.document_translation)
        self._moto = MotoApi(self.world.moto)
        self._control = ControlApi(self.world, self.changed)
        self.loop: asyncio.AbstractEventLoop | None = None

    def close(self) -> None:
        """Answers those who wait, so that the server can end."""
        self._control.closing = True
        self.changed.notify()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.loop = asyncio.get_running_loop()
        request = Request.from_scope(scope, await _body(receive))
        self.world.timeline.settle()
        if request.path.startswith(CONTROL_PATH):
            await _respond(send, await self._control.answer(request))
            return
        # A bucket may be called "azure": what is signed is for AWS.
        signed = credential_scope(request) is not None
        api: Api
        if self._translate.serves(request):
            api = self._translate
        elif request.path.startswith(PATH) and not signed:
            api = self._azure
        elif request.path.startswith(ARM_PATH) and not signed:
            api = self._arm
        else:
            api = self._moto
        call = api.identify(request)
        call.started = self.world.timeline.now
        self.world.log.begin(call)
        self.changed.notify()
        response: Response | None = None
        try:
            response = await self._answer(api, call, request, scope)
        finally:
            # Before the answer goes out: who has it in hand finds the request in the log.
            call.ended = self.world.timeline.clock.now()
            if response is not None:
                call.status, call.error = response.status, response.error
            self.changed.notify()
        if response is None:
            self._drop(send)
            # Until the server has noticed: it complains of applications that return without an answer.
            await receive()
        else:
            await _respond(send, response)

    async def _answer(self, api: Api, call: Call, request: Request, scope: Scope) -> Response | None:
        """None where the connection is to end without an answer."""
        world = self.world
        if api is self._azure and world.settings.azure_gone == "drop" and self._azure.is_gone(call):
            return None
        if not world.rates.admits(call):
            return api.throttled()
        taken = world.faults.strike(call, world.timeline.now)
        call.fault = ", ".join(fault.kind for fault in taken) or None
        for fault in taken:
            if fault.before:
                stop, response = await self._suffer(api, call, fault)
                if stop:
                    return response
        answer = await self._perform(api, call, request, scope, taken)
        for fault in taken:
            if not fault.before:
                stop, response = await self._suffer(api, call, fault)
                if stop:
                    return response
        return answer

    async def _suffer(self, api: Api, call: Call, fault: Fault) -> tuple[bool, Response | None]:
        """Whether the request ends here, and how."""
        if fault.kind == "slow":
            await asyncio.sleep(float(fault.details.get("seconds", 1)))
            self.world.timeline.settle()
            return False, None
        if fault.kind == "drop":
            call.error = "dropped"
            return True, None
        if fault.kind == "throttle":
            return True, api.throttled(fault)
        if fault.kind == "error":
            return True, api.failed(call, fault)
        if fault.kind == "denied":
            return True, api.denied(call)
        if fault.kind == "expired":
            return True, api.expired(call)
        return False, None

    async def _perform(self, api: Api, call: Call, request: Request, scope: Scope, taken: Taken) -> Response:
        if isinstance(api, MotoApi):
            response = await api.forward(call, request, scope)
            # It may have deleted what a job needs, and time has passed.
            self.world.timeline.settle()
            if api.may_delete(request):
                self.world.translate.check_surroundings()
            return response
        assert isinstance(api, (TranslateApi, DocumentTranslationApi, ResourceManagerApi))
        return api.perform(call, request, taken)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body = bytes(message.get("body", b""))
    if not message.get("more_body"):
        return body
    parts = [body]
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
