"""The emulator's fixtures and clients, which are its own tests': one server for a test run, as new for each test.

A conftest imports all of the fixtures, since one finds by name what it asks for.
"""

from __future__ import annotations

from emulator_fixtures import (
    REGION,
    ROLE,
    SOURCE,
    TARGET,
    aws,
    azure,
    emulator,
    iam,
    listed,
    real_server,
    s3,
    start,
    stepped,
    stepped_server,
    submit,
    uncached,
)

__all__ = [
    "REGION",
    "ROLE",
    "SOURCE",
    "TARGET",
    "aws",
    "azure",
    "emulator",
    "iam",
    "listed",
    "real_server",
    "s3",
    "start",
    "stepped",
    "stepped_server",
    "submit",
    "uncached",
]
