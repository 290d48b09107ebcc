"""What creating a guard proves, and for how long it tries again, over HTTP against the emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from tests.support.services import KEY_ENV, guard
from translation_job_guard.emulator import Emulator
from translation_job_guard.errors import (
    CredentialsUnusable,
    Denied,
    GuardError,
    JobNotFound,
    Rejected,
    Throttled,
    Transient,
    WrongAccount,
)
from translation_job_guard.guard import host, lifecycle, retries
from translation_job_guard.jobs import AMAZON_TRANSLATE, AZURE_DOCUMENT_TRANSLATION
from translation_job_guard.services import azure
from translation_job_guard.teardown import TeardownOptions

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")

ACCOUNT = "/subscriptions/sub/resourceGroups/group/providers/Microsoft.CognitiveServices/accounts/translator"


@dataclass
class Time:
    """Stands for ``time``: pauses take none, and may change something in the meantime."""

    # Begins at the real one's: that is what threads with a deadline go by.
    began: float = field(default_factory=monotonic)
    meanwhile: Callable[[], object] = lambda: None
    pauses: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.began + self.waited

    @property
    def waited(self) -> float:
        return sum(self.pauses)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.meanwhile()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    stands = Time()
    monkeypatch.setattr(retries, "time", stands)
    monkeypatch.setattr(host, "time", stands)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEMULATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return stands


def test_a_proof_is_the_account_and_stops_nothing(
    stepped: Emulator, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's id at AWS, the endpoint at Azure; each job runs on."""
    monkeypatch.setenv(KEY_ENV, "emulator-key")
    ids = stepped.control.add_jobs([{"region": "eu-west-1"}, {"resource": "translator"}])
    assert lifecycle.prove(guard(stepped, AMAZON_TRANSLATE)) == "123456789012"
    assert lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION)).endswith("/azure/translator")
    assert [stepped.control.job(id_)["state"] for id_ in ids] == ["IN_PROGRESS", "Running"]
    assert time.pauses == []


def test_another_account_is_refused_first(stepped: Emulator, time: Time) -> None:
    """One request, and no second try."""
    with pytest.raises(WrongAccount, match="expected_account_id` is 210987654321"):
        lifecycle.prove(guard(stepped, AMAZON_TRANSLATE, expected_account_id="210987654321"))
    assert [call["operation"] for call in stepped.control.requests()] == ["GetCallerIdentity"]
    assert time.pauses == []


@pytest.mark.parametrize(
    ("operation", "kind", "details", "times"),
    [
        ("ListTextTranslationJobs", "throttle", {}, 13),
        ("ListTextTranslationJobs", "error", {"status": 503}, 7),
        ("GetCallerIdentity", "drop", {}, 7),
        ("StopTextTranslationJob", "throttle", {}, 13),
    ],
)
def test_transient_errors_are_retried(
    stepped: Emulator, time: Time, operation: str, kind: str, details: dict[str, Any], times: int
) -> None:
    """At once by the service module (5 times where it throttles, else 2), then with pauses until the timeout."""
    stepped.control.fault(operation, kind, times=times, **details)
    assert lifecycle.prove(guard(stepped, AMAZON_TRANSLATE)) == "123456789012"
    assert len(time.pauses) == 2


@pytest.mark.parametrize(("kind", "error"), [("throttle", Throttled), ("drop", Transient)])
def test_what_does_not_pass_is_given_up_at_the_timeout(
    stepped: Emulator, time: Time, kind: str, error: type[GuardError]
) -> None:
    """The guard's own timeout."""
    stepped.control.fault("ListTextTranslationJobs", kind)
    with pytest.raises(error):
        lifecycle.prove(guard(stepped, AMAZON_TRANSLATE, options=TeardownOptions(timeout=100)))
    assert 80 < time.waited <= 100


@pytest.mark.parametrize(("kind", "error"), [("denied", Denied), ("expired", CredentialsUnusable)])
def test_what_is_definite_at_aws_is_said_at_once(
    stepped: Emulator, time: Time, kind: str, error: type[GuardError]
) -> None:
    """A denial, and credentials that have expired."""
    stepped.control.fault("StopTextTranslationJob", kind)
    with pytest.raises(error):
        lifecycle.prove(guard(stepped, AMAZON_TRANSLATE))
    assert time.pauses == []


def test_a_fresh_role_may_be_assumed_a_little_later(stepped: Emulator, time: Time) -> None:
    """IAM takes some seconds."""
    stepped.control.fault("AssumeRole", "denied", times=3)
    role = "arn:aws:iam::123456789012:role/fresh"
    assert lifecycle.prove(guard(stepped, AMAZON_TRANSLATE, assume_role_arn=role)) == "123456789012"
    stepped.control.fault("AssumeRole", "denied")
    with pytest.raises(Denied):
        lifecycle.prove(guard(stepped, AMAZON_TRANSLATE, assume_role_arn=role))
    assert time.waited < 60


def test_a_fresh_azure_account_is_waited_for(stepped: Emulator, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its endpoint is not there at first, then its key is not accepted yet."""
    monkeypatch.setenv(KEY_ENV, "new-key")
    stepped.control.settings(azure_resources="explicit")
    steps = iter([None, ["other-key"], ["new-key"]])

    def meanwhile() -> None:
        keys = next(steps)
        if keys:
            stepped.control.put_azure_account("translator", keys)

    time.meanwhile = meanwhile
    lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION))
    assert len(time.pauses) == 3


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (lambda control: control.delete_azure_account("translator"), JobNotFound),
        (lambda control: control.put_azure_account("translator", ["another-key"]), CredentialsUnusable),
        (lambda control: control.fault("GetTranslationsStatus", "error", status=400), Rejected),
    ],
)
def test_an_azure_account_that_does_not_come_is_given_up(
    stepped: Emulator,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[Any], object],
    error: type[GuardError],
) -> None:
    """After a minute: it is not a fresh one."""
    monkeypatch.setenv(KEY_ENV, "emulator-key")
    broken(stepped.control)
    with pytest.raises(error):
        lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION))
    assert 40 < time.waited <= 60


def test_a_role_assignment_is_waited_for_a_refused_key_is_not(
    stepped: Emulator, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Assignments take minutes to count; network rules do not go away."""
    stepped.control.fault("CancelTranslation", "denied")
    monkeypatch.setenv(KEY_ENV, "emulator-key")
    with pytest.raises(Denied, match="network rules"):
        lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION))
    assert time.pauses == []
    monkeypatch.delenv(KEY_ENV)
    monkeypatch.setenv("IDENTITY_ENDPOINT", stepped.azure_identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    with pytest.raises(Denied, match="Cognitive Services User"):
        lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION))
    assert 280 < time.waited <= 300


@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_no_azure_login_is_said_at_once(stepped: Emulator, time: Time, account: str | None) -> None:
    """Nothing is on its way that would make one."""
    with pytest.raises(CredentialsUnusable, match="az login"):
        lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION, account_resource_id=account))
    assert time.pauses == []


def test_an_account_made_in_the_same_update_is_waited_for(
    stepped: Emulator, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """listKeys finds it a little later."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", stepped.azure_identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    monkeypatch.setenv(azure.ARM_ENDPOINT_ENV, stepped.azure_arm_endpoint)
    stepped.control.settings(azure_resources="explicit")
    time.meanwhile = lambda: stepped.control.put_azure_account("translator", ["fetched"], ACCOUNT)
    lifecycle.prove(guard(stepped, AZURE_DOCUMENT_TRANSLATION, account_resource_id=ACCOUNT))
    assert len(time.pauses) == 1
    assert stepped.control.requests()[-1]["credential"] == "key1"
