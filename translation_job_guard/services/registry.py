"""Every service that jobs run on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from translation_job_guard.services import Connection
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.services.azure import AzureConnection

__all__ = ["CONNECTIONS", "place_key"]

CONNECTIONS: Final[Mapping[str, type[Connection]]] = {
    connection.service: connection for connection in (AmazonConnection, AzureConnection)
}
"""The class of each service's connections, by the service."""


def place_key(service: str, place: str) -> Hashable:
    """Return the ``Connection.key`` of a place."""
    return service, CONNECTIONS[service].place_key(place)
