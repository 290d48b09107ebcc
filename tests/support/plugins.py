"""Where the engine finds the stand-in plugins, and they and the guards find the emulator."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.plugins.azure_native import ENDPOINT_ENV
from translation_job_guard.emulator import Emulator

PLUGINS = Path(__file__).parents[1] / "plugins"


def environment(emulator: Emulator) -> dict[str, str]:
    """For a `Workspace` whose program uses the real `pulumi_aws` or `pulumi_azure_native`."""
    path = [str(PLUGINS / "bin"), str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)]
    return {
        **emulator.environment,
        "PATH": os.pathsep.join(path),
        ENDPOINT_ENV: emulator.azure_arm_endpoint,
    }


def keyless(emulator: Emulator) -> dict[str, str]:
    """As `environment`, but whoever deploys uses Entra ID: no key, and a stand-in of `az` that is logged in."""
    given = environment(emulator)
    del given["AZURE_DOCUMENT_TRANSLATION_KEY"]
    return {**given, "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}
