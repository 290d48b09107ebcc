"""The emulator, as a server in a thread of this process."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any, Literal

from translation_job_emulator.control import Control


class Emulator:
    """Amazon Translate (with S3, IAM and STS) and Azure Document Translation on one port.

    Use it as a context manager.

    Args:
        clock: `real`, or `stepped`: time stands still until `control.advance`.
        stop_latency: seconds from a stop request to the end of a job.
        host: the address to listen on; by default loopback.
        port: the port to listen on; 0 for any free port.
        settings: fields of `settings.Settings`.
    """

    def __init__(
        self,
        clock: Literal["real", "stepped"] = "real",
        stop_latency: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        **settings: Any,
    ) -> None:
        self._clock = clock
        self._settings = {**settings, "stop_latency": stop_latency}
        self._host = host
        self._port = port
        self._thread: threading.Thread | None = None
        self._server: Any = None
        self._application: Any = None
        self.url = ""

    @property
    def control(self) -> Control:
        """Return the client that controls and inspects the emulator."""
        return Control(self.url)

    @property
    def azure_arm_endpoint(self) -> str:
        """Return the URL of Azure Resource Manager: resources by their IDs, and the keys of accounts."""
        return f"{self.url}/azure-arm"

    @property
    def azure_identity_endpoint(self) -> str:
        """Return the value for `IDENTITY_ENDPOINT`, which gives Entra ID tokens to a managed identity."""
        return f"{self.url}/azure-identity/token"

    def azure_endpoint(self, name: str) -> str:
        """Return the endpoint of a Translator resource."""
        return f"{self.url}/azure/{name}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that direct the SDKs here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "emulator",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_REGION": "us-east-1",
            # boto3 and the AWS command line read this one.
            "AWS_DEFAULT_REGION": "us-east-1",
            "AZURE_DOCUMENT_TRANSLATION_ENDPOINT": self.azure_endpoint("translator"),
            "AZURE_DOCUMENT_TRANSLATION_KEY": "emulator-key",
        }

    def start(self) -> Emulator:
        """Start the server in a thread, and return this emulator.

        Raises:
            OSError: the address cannot be listened on.
            ValueError: a setting is unknown or not valid.
        """
        # Imported here, because a process that only uses `Control` needs none of it.
        import uvicorn

        from translation_job_emulator.app import Application
        from translation_job_emulator.world import make_clock

        self._application = Application(make_clock(self._clock), self._settings, _drop)
        listening = _listen(self._host, self._port)
        host, port = listening.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        config = uvicorn.Config(
            self._application,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=600,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="emulator", daemon=True
        )
        # It listens already: clients that connect before the thread runs wait in the backlog.
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the server. Does nothing if it is not running."""
        if self._thread is None:
            return
        self._server.should_exit = True
        if self._application.loop is not None:
            self._application.loop.call_soon_threadsafe(self._application.close)
        self._thread.join(timeout=10)
        self._thread = None

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    # Not `socket.create_server`: asyncio sets TCP_NODELAY only on sockets whose protocol is TCP, and without it
    # every answer waits 40 ms for the client's acknowledgement of its headers.
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


def _drop(send: Any) -> None:
    # ASGI cannot end a connection. Without the server's middleware, `send` is a method of what has the transport.
    send.__self__.transport.abort()
