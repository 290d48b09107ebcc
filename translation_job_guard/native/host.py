"""The plugin's process: Pulumi's engine starts it with its own address, and reads a port from the first line.

Standard output has that line alone: the engine shows nothing else that a plugin prints. Lines of guards go to the
engine's log.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from translation_job_guard.native.schema import schema

__all__ = ["main"]

_WORKERS: Final = 1000
"""Calls under way at once: as many guards as a stack has, with room for ``Cancel``. Threads are made when needed."""
_LARGEST_MESSAGE: Final = 400 * 1024 * 1024
"""Pulumi's own limit, in bytes."""


def main(arguments: Sequence[str] | None = None, plugin_download_url: str = "") -> None:
    """Serve the engine until it ends this process, or print the schema.

    Args:
        arguments: Of the command line: the engine's address, which comes last.
        plugin_download_url: Where the release archives of the plugin are; stands in the schema.
    """
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-translation-job-guard",
        description="The provider plugin of translation job guards. Pulumi starts it; nobody else needs to.",
    )
    parser.add_argument("--schema", action="store_true", help="print the schema that SDKs are generated from")
    parser.add_argument("--plugin-download-url", default=plugin_download_url, metavar="URL", help="where releases are")
    parser.add_argument("engine", nargs="?", help="the engine's address")
    # The engine may add options of its own, such as --logtostderr.
    given, _ = parser.parse_known_args(arguments)
    described = schema(given.plugin_download_url)
    if given.schema:
        print(json.dumps(described, indent=2, ensure_ascii=False))
        return
    _serve(given.engine, described)


def _serve(engine: str | None, described: dict[str, Any]) -> None:
    import grpc  # type: ignore[import-untyped]  # most of the start, and the schema does without it
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

    from translation_job_guard.native.servicer import Servicer, Severity

    severities = {Severity.INFO: engine_pb2.INFO, Severity.WARNING: engine_pb2.WARNING}
    stub = None
    if engine:
        channel = grpc.insecure_channel(engine, options=[("grpc.max_send_message_length", _LARGEST_MESSAGE)])
        _end_with_the_engine(channel)
        stub = engine_pb2_grpc.EngineStub(channel)

    def log(severity: Severity, line: str, urn: str) -> None:
        # A line that nobody can read any more must not fail a teardown.
        if stub is not None:
            with suppress(grpc.RpcError):
                stub.Log(engine_pb2.LogRequest(severity=severities[severity], message=line, urn=urn), timeout=5)

    # In a terminal Ctrl-C may reach the plugin too; the engine tells of it by Cancel, and ends the plugin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=_WORKERS),
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(log, described), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


def _end_with_the_engine(channel: Any) -> None:
    """End this process when the engine is gone: an engine that was killed cannot stop its plugins."""
    import grpc

    seen: list[Any] = []

    def changed(state: Any) -> None:
        if state is grpc.ChannelConnectivity.READY:
            seen.append(state)
        elif state is grpc.ChannelConnectivity.TRANSIENT_FAILURE and seen:
            # The next destroy goes on from the services' own state.
            os._exit(1)

    channel.subscribe(changed, try_to_connect=True)


if __name__ == "__main__":
    main()
