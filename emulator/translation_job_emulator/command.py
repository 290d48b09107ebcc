"""The command `translation-job-emulator`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from translation_job_emulator.server import Emulator


def main(argv: Sequence[str] | None = None) -> int:
    """Run an emulator until SIGINT or SIGTERM, and return the exit code."""
    given = _parser().parse_args(argv)
    settings: dict[str, Any] = {}
    for name in ("run_time", "start_latency"):
        if getattr(given, name) is not None:
            settings[name] = getattr(given, name)
    if given.documented_rates:
        from translation_job_emulator.settings import DOCUMENTED_RATES

        settings["rates"] = DOCUMENTED_RATES
    settings.update(given.set)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    emulator = Emulator(given.clock, given.stop_latency, given.host, given.port, **settings)
    try:
        emulator.start()
    except (OSError, ValueError) as error:
        print(f"the emulator cannot start: {error}", file=sys.stderr)
        return 2
    print(f"emulator ready at {emulator.url}")
    for name, value in emulator.environment.items():
        print(f"export {name}={value}")
    sys.stdout.flush()
    ended.wait()
    emulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="translation-job-emulator",
        description="Amazon Translate (with S3, IAM and STS) and Azure Document Translation on this machine.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument(
        "--clock",
        choices=("real", "stepped"),
        default="real",
        help="stepped stands still until it is advanced (default: real)",
    )
    parser.add_argument(
        "--stop-latency",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="from a stop request to the end of a job (default: 1)",
    )
    parser.add_argument("--start-latency", type=float, metavar="SECONDS", help="from submission to the start of a job")
    parser.add_argument("--run-time", type=float, metavar="SECONDS", help="of a job that nobody stops")
    parser.add_argument("--documented-rates", action="store_true", help="throttle at the rates that AWS documents")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=JSON",
        help="any other setting; can be repeated",
    )
    return parser


def _setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
