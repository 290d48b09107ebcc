"""Contract tests talk to the emulator through real clients."""

from __future__ import annotations

from tests.support.emulator import emulator, iam, real_server, s3, stepped, stepped_server

__all__ = ["emulator", "iam", "real_server", "s3", "stepped", "stepped_server"]
