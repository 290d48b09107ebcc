"""Looks at several places at once, against the emulator."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.emulator import REGION
from tests.support.services import opened
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import UnexpectedError
from translation_job_guard.looking import Sight, look
from translation_job_guard.services.amazon import AmazonConnection
from translation_job_guard.services.azure import AzureConnection
from translation_job_guard.testing import SimulatedService


def test_credentials_that_never_come_hold_up_no_other_place(
    emulator: Emulator, bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile's credential process hangs; a region with other credentials is looked at meanwhile."""
    pipe = bare_environment / "pipe"
    os.mkfifo(pipe)
    settings = bare_environment / "config"
    settings.write_text(f"[profile hangs]\ncredential_process = {sys.executable} -c \"open('{pipe}').read()\"\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    well = AmazonConnection(REGION, endpoint_url=emulator.url)
    hangs = replace(well, profile="hangs")
    seen, found = threading.Event(), list[Sight]()

    def finish(sight: Sight) -> Sight:
        if sight.connection == well:
            seen.set()
        return sight

    def work() -> None:
        found.extend(look([hangs, well], timeout=60, wants_locations=lambda _, jobs: jobs, finish=finish))

    thread = threading.Thread(target=work)
    thread.start()
    # Until a reader is there, which is the credential process, this waits.
    with pipe.open("w"):
        assert seen.wait(30), "the other place waits for the credentials"
    thread.join(60)
    silent, sight = found
    assert silent.error is not None
    assert (sight.error, sight.account) == (None, "123456789012")


def test_an_sdk_exception_fails_its_place_alone() -> None:
    """With its cause; the other places are seen."""
    broken = SimulatedService()
    broken.fail("list", RuntimeError("odd"))
    sights = look(
        [opened(broken), replace(opened(SimulatedService()), place="eu-north-1")],
        timeout=30,
        wants_locations=lambda _, jobs: jobs,
    )
    assert isinstance(sights[0].failure, UnexpectedError)
    assert isinstance(sights[0].failure.__cause__, RuntimeError)
    assert sights[1].error is None


def test_a_sight_is_of_every_connection_that_leads_there() -> None:
    """In any spelling of the endpoint, with any credentials, unless they lead to another account."""
    azure = AzureConnection("https://name.example.com/", key_env="KEY", api_version="2024-05-01")
    sight = Sight(azure, 0.0)
    assert sight.is_of(replace(azure, place="https://NAME.example.com:443", key_env="OTHER"))
    assert not sight.is_of(replace(azure, place="https://name.example.com/a"))
    amazon = AmazonConnection(REGION, "123456789012")
    assert Sight(amazon, 0.0, "123456789012").is_of(replace(amazon, profile="ci"))
    assert Sight(amazon, 0.0, "123456789012").is_of(replace(amazon, account_id=None))
    assert not Sight(amazon, 0.0, "210987654321").is_of(amazon)
    assert not Sight(amazon, 0.0, "123456789012").is_of(replace(amazon, place="eu-north-1"))
