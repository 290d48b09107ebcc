"""The schema of the plugin: what SDKs and documentation are made from."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from translation_job_guard._version import __version__

__all__ = ["PACKAGE", "schema"]

PACKAGE: Final = "translation-job-guard"


def schema(plugin_download_url: str = "") -> dict[str, Any]:
    """Return the schema of this release.

    Args:
        plugin_download_url: Where the release archives of the plugin are. SDKs write it into each state, so that a
            destroy on another machine can download the plugin.
    """
    text = resources.files(__package__).joinpath("schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = {**json.loads(text), "version": __version__}
    if plugin_download_url:
        found["pluginDownloadURL"] = plugin_download_url
    return found
