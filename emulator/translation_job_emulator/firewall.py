"""The firewall of a Cognitive Services account: whom it lets in.

Evidence: the properties are those of the service model (`networkAcls`, `publicNetworkAccess`), and that requests are
refused with 403 is documented. The words of a refusal are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

CLIENT_ADDRESS = "127.0.0.1"
"""Where all clients of an emulator are."""


def refusal(properties: Mapping[str, Any]) -> str | None:
    """Return what the firewall of an account with these properties says; None if it lets clients in."""
    if properties.get("publicNetworkAccess") == "Disabled":
        return "Public access is disabled. Please configure private endpoint."
    rules = properties.get("networkAcls") or {}
    if rules.get("defaultAction") != "Deny":
        return None
    networks = [ip_network(str(rule["value"]), strict=False) for rule in rules.get("ipRules") or ()]
    if any(ip_address(CLIENT_ADDRESS) in network for network in networks):
        return None
    return "Access denied due to Virtual Network/Firewall rules."
