"""The page on permissions is made from what the service modules declare."""

from __future__ import annotations

from scripts.permissions_page import PAGE, page
from translation_job_guard.services import amazon, azure


def test_the_page_is_current() -> None:
    """A permission that a service module gains or loses is in the documentation: `make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_names_every_permission() -> None:
    """Required and optional ones of both clouds."""
    for permission in (*amazon.PERMISSIONS, *azure.PERMISSIONS):
        assert f"| `{permission.name}` |" in page()
