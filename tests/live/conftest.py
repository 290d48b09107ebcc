"""The live check, against the emulator."""

from __future__ import annotations

from tests.support.emulator import emulator, real_server, s3, stepped, stepped_server
from tests.support.services import bare_environment

__all__ = ["bare_environment", "emulator", "real_server", "s3", "stepped", "stepped_server"]
