"""What is kept out of everything that a guard says."""

from __future__ import annotations

import pytest

from translation_job_guard.redaction import redact

SECRET = "wJalrXUtnFEMI/K7MDENG"


@pytest.mark.parametrize(
    "text",
    [
        f"https://s.blob.core.windows.net/c?sv=2024&sig={SECRET}%3D&se=1",
        f"https://s.blob.core.windows.net/c?SIG={SECRET}",
        f"at '…?sig={SECRET}' failed",
        f'{{"url": "…?sig={SECRET}"}}',
        f"?X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}",
        f"?Signature={SECRET} and more",
    ],
)
def test_signatures_are_kept_out(text: str) -> None:
    """Of Azure and AWS, in any case and whatever stands around them."""
    assert SECRET not in redact(text)


def test_what_stands_around_a_signature_is_kept() -> None:
    """An error that says nothing helps nobody."""
    assert redact(f"GET https://s/c?sig={SECRET}&se=1 failed") == "GET https://s/c?sig=…&se=1 failed"
    assert redact("design=new, signal=9") == "design=new, signal=9"


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_DOCUMENT_TRANSLATION_KEY", "MY_KEY"],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_secrets_of_the_environment_are_kept_out(name: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The known ones and the guard's own, also where the variable was read from a file with a line break."""
    monkeypatch.setenv(name, SECRET + end)
    assert redact(f"the key {SECRET} was refused, {SECRET}!", "MY_KEY") == "the key … was refused, …!"


def test_a_variable_that_nobody_named_is_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every variable is a secret: half of a text would be gone."""
    monkeypatch.setenv("MY_KEY", SECRET)
    assert redact(SECRET) == SECRET
    assert redact(SECRET, None) == SECRET


@pytest.mark.parametrize("value", ["", "a", "eu-west", "  "])
def test_a_short_or_empty_variable_blots_nothing_out(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no key."""
    monkeypatch.setenv("MY_KEY", value)
    assert redact("a job in eu-west ended", "MY_KEY") == "a job in eu-west ended"


def test_an_encoded_signature_is_kept_out() -> None:
    """A SAS signature is one also where its question mark and equals sign were percent-encoded."""
    text = redact("https://a.blob.core.windows.net/c%3Fsv%3D2024%26sig%3DPLANTED and ?sig=PLANTED")
    assert "PLANTED" not in text
