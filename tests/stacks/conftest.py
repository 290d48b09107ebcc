"""The example stacks on the real engine: `pulumi_aws` and `pulumi_azure_native` by the stand-in plugins."""

from __future__ import annotations

from tests.engine.conftest import MakeWorkspace, emulator, real_server, workspace
from tests.stacks.wheels import wheel, wheels
from tests.support.emulator import stepped, stepped_server

__all__ = ["MakeWorkspace", "emulator", "real_server", "stepped", "stepped_server", "wheel", "wheels", "workspace"]
