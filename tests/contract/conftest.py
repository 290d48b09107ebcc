"""Contract tests talk to the emulator through real clients."""

from __future__ import annotations

from tests.support.emulator import emulator, iam, real_server, s3, stepped, stepped_server, uncached
from tests.support.services import bare_environment, no_pauses

__all__ = [
    "bare_environment",
    "emulator",
    "iam",
    "no_pauses",
    "real_server",
    "s3",
    "stepped",
    "stepped_server",
    "uncached",
]
