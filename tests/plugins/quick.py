"""Start a plugin without the rest of Pulumi's SDK, most of whose start that would be: the engine starts plugins often.

Of the SDK a plugin uses the protocol alone, which needs nothing else of it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def protocol_only() -> None:
    """Make `pulumi.runtime.proto` importable, and nothing else of `pulumi` be run."""
    spec = importlib.util.find_spec("pulumi")
    assert spec is not None
    (directory,) = list(spec.submodule_search_locations or [])
    for name, path in (("pulumi", Path(directory)), ("pulumi.runtime", Path(directory, "runtime"))):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
