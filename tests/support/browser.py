"""A real browser, driven through the pipe of Chromium's DevTools protocol: no driver, no package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TIME_LIMIT = 60
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


class Browser:
    """One page of a running browser, and the addresses that it has asked for."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._last, self._rest = 0, b""
        self.requested: list[str] = []
        target = self._send("Target.createTarget", {"url": "about:blank"}, session=None)["targetId"]
        attached = self._send("Target.attachToTarget", {"targetId": target, "flatten": True}, session=None)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._send(f"{domain}.enable")

    def resize(self, width: int, height: int = 900) -> None:
        """Show the page on a screen of this size, in CSS pixels."""
        self._send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def prefer(self, scheme: str) -> None:
        """Prefer the colour scheme ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._send("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str) -> None:
        """Go to an address and wait until the page is complete."""
        for one in ("about:blank", url):  # so that a page is loaded anew, too
            self._send("Page.navigate", {"url": one})
            self.wait_for(f"document.readyState == 'complete' && location.href == {json.dumps(one)}")

    def forget(self, origin: str) -> None:
        """Forget what pages of an origin have stored, with none of them open that could store it again."""
        self.open("about:blank")
        self._send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, in the page."""
        done = self._send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Wait until a JavaScript expression is true; returns its value."""
        end = time.monotonic() + TIME_LIMIT
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"{expression} did not become true"
            time.sleep(0.05)  # between two questions: the page has no way to call back
        return value

    def _send(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = "own") -> Any:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("method") == "Network.requestWillBeSent":
                self.requested.append(answer["params"]["request"]["url"])
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> Any:
        while b"\0" not in self._rest:
            chunk = os.read(self._read, 1 << 20)
            assert chunk, "the browser has ended"
            self._rest += chunk
        one, _, self._rest = self._rest.partition(b"\0")
        return json.loads(one)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, for as long as the context lasts."""
    assert BROWSER is not None
    to_browser, from_browser = os.pipe(), os.pipe()

    def pipes() -> None:
        # The protocol reads from 3 and writes to 4.
        kept = os.dup(from_browser[1])
        os.dup2(to_browser[0], 3)
        os.dup2(kept, 4)

    process = subprocess.Popen(
        [BROWSER, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        preexec_fn=pipes,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser[0])
    os.close(from_browser[1])
    try:
        yield Browser(from_browser[0], to_browser[1])
    finally:
        process.terminate()
        process.wait(TIME_LIMIT)
        os.close(to_browser[1])
        os.close(from_browser[0])
