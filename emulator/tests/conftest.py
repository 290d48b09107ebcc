"""The emulator's tests talk to it through real clients."""

from __future__ import annotations

from emulator_fixtures import emulator, iam, real_server, s3, stepped, stepped_server, uncached

__all__ = ["emulator", "iam", "real_server", "s3", "stepped", "stepped_server", "uncached"]
