"""Contract tests talk to the emulator through real clients."""

from __future__ import annotations

from tests.support.emulator import emulator, real_server, stepped, stepped_server

__all__ = ["emulator", "real_server", "stepped", "stepped_server"]
