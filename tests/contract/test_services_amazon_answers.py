"""How ``services/amazon`` reads answers that the model does not have: from gateways, with odd errors or odd entries."""

from __future__ import annotations

import json

import pytest

from tests.support.emulator import REGION
from tests.support.services import portal
from translation_job_guard.errors import CredentialsUnusable, Denied, Rejected, ServiceError, Throttled, Transient
from translation_job_guard.services import amazon

pytestmark = pytest.mark.usefixtures("bare_environment", "no_pauses")

JSON = "application/x-amz-json-1.1"


@pytest.fixture(autouse=True)
def _keys(bare_environment: object, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - set after it
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def connected(url: str) -> amazon.AmazonTranslate:
    return amazon.AmazonConnection(REGION, endpoint_url=url).open()


# Errors


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "AccessDeniedException", Denied),
        (400, "ExpiredTokenException", CredentialsUnusable),
        (400, "ThrottlingException", Throttled),
        (429, "Unlisted", Throttled),
        (400, "InternalServerException", Transient),
        (500, "Unlisted", Transient),
        (599, "Unlisted", Transient),
        (499, "Unlisted", Rejected),
        (400, "Unlisted", Rejected),
    ],
)
def test_a_code_goes_before_the_status(status: int, code: str, error: type[ServiceError]) -> None:
    """A code that is not listed goes by its status: a server error passes, whatever it is called."""
    body = json.dumps({"__type": code, "message": "Said by the service."})
    with portal(body.encode(), JSON, status=status) as url, pytest.raises(ServiceError) as caught:
        connected(url).list_in_flight()
    assert type(caught.value) is error


# Answers that cannot be read


@pytest.mark.parametrize("body", [b"[]", b"null", b"{", b"", b"<html>Log in</html>", b"\xff\xfe"])
def test_the_headers_of_the_service_make_no_answer(body: bytes) -> None:
    """A body that cannot be read is transient, also with the request ID of the service."""
    with (
        portal(body, JSON, headers={"x-amzn-requestid": "one"}) as url,
        pytest.raises(Transient, match="cannot be read"),
    ):
        connected(url).list_in_flight()


def test_pages_that_repeat_are_an_error() -> None:
    """A NextToken that comes again would be asked for without an end."""
    body = b'{"TextTranslationJobPropertiesList": [], "NextToken": "again"}'
    with portal(body, JSON) as url, pytest.raises(Transient, match="pages of the answer repeat"):
        connected(url).list_in_flight()


def test_an_answer_of_the_service_without_a_list_is_empty() -> None:
    """The model does not require it."""
    with portal(b"{}", JSON, headers={"x-amzn-requestid": "one"}) as url:
        assert connected(url).list_in_flight() == []


@pytest.mark.parametrize("body", [b"<html>Log in", b"", b"{}", b"<other/>"])
def test_an_unreadable_answer_of_sts_is_transient(body: bytes) -> None:
    """Its answers are XML, and a gateway's page is not."""
    with portal(body, "text/xml") as url, pytest.raises(Transient, match=r"^GetCallerIdentity: .* cannot be read"):
        connected(url).account()


def test_what_boto3_refuses_to_send_is_said_in_one_line() -> None:
    """Users of Pulumi see the last line only."""
    body = b'{"TextTranslationJobPropertiesList": [], "NextToken": 5}'
    with portal(body, JSON) as url, pytest.raises(Rejected, match="NextToken") as caught:
        connected(url).list_in_flight()
    assert "\n" not in str(caught.value)
