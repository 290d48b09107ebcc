"""A scheduler as clouds have them: it goes on submitting jobs, in the background, until its schedule is deleted.

A thread of the test process, asked over HTTP as the real ones are; `programs/scheduled.py` has a resource for it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

PERIOD = 0.1

Submit = Callable[[Mapping[str, str]], str]


class Scheduler:
    """`submit` starts a job as the schedule says, and returns its id. At most one schedule at a time.

    PUT begins the schedule that the body describes. DELETE ends it: after its answer nothing is submitted any more.
    """

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._grown = threading.Condition()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.submitted: list[str] = []
        self.failed: Exception | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, count: int, time_limit: float = 30.0) -> None:
        """Wait until this many jobs have been submitted."""
        with self._grown:
            assert self._grown.wait_for(lambda: len(self.submitted) >= count, time_limit), self.failed

    def __enter__(self) -> Scheduler:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()
        self._server.shutdown()
        self._server.server_close()

    def _begin(self, schedule: Mapping[str, str]) -> None:
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, args=(schedule,), daemon=True)
        self._thread.start()

    def _end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, schedule: Mapping[str, str]) -> None:
        while not self._ended.wait(PERIOD):
            try:
                job = self._submit(schedule)
            except Exception as error:
                self.failed = error
                return
            with self._grown:
                self.submitted.append(job)
                self._grown.notify_all()

    def _handler(scheduler) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                scheduler._begin(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer()

            def do_DELETE(self) -> None:
                scheduler._end()
                self._answer()

            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                self.send_response(204)
                self.end_headers()

        return Handler
