"""The cache in front of Azure Document Translation's GETs, as recorded traffic shows it.

- An answer is kept by its URL, all query parameters included. Who asks makes no difference, nor do other headers.
- There are several nodes, and each keeps answers of its own. Which node a request reaches is not the client's choice,
  so answers of one URL can go backwards.
- An answer from the cache has an `Age` header, `Age: 0` included, and the `ETag` and `X-RequestId` of the answer that
  was kept. It is served for up to 60 s, although `Cache-Control` says `max-age=1`.
- A DELETE does not empty the cache.

Only answers with status 200 are kept: no recording shows another one with an `Age`.
"""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections import OrderedDict

from translation_job_emulator.clock import Timeline
from translation_job_emulator.messages import Request, Response
from translation_job_emulator.settings import Settings

LARGEST = 32 * 2**20
"""How many bytes of bodies all nodes keep together. The oldest answers go first."""

_SEED = 13


@dataclasses.dataclass(frozen=True)
class _Kept:
    response: Response
    since: float


class Cache:
    """The answers that all nodes keep."""

    def __init__(self, timeline: Timeline, settings: Settings, largest: int = LARGEST) -> None:
        self._timeline = timeline
        self._settings = settings
        self._largest = largest
        self._kept: OrderedDict[tuple[int, str], _Kept] = OrderedDict()
        self._bytes = 0
        self._turn = 0
        self._random = random.Random(_SEED)

    def __len__(self) -> int:
        return len(self._kept)

    def next_node(self) -> int:
        """Return the node that the next request reaches."""
        nodes = max(1, self._settings.azure_cache_nodes)
        if self._settings.azure_cache_route == "random":
            return self._random.randrange(nodes)
        self._turn = (self._turn + 1) % nodes
        return self._turn

    def find(self, node: int, request: Request) -> Response | None:
        """Return the answer that the node has kept for a URL, with its `Age`."""
        kept = self._kept.get((node, url_of(request)))
        if kept is None:
            return None
        age = self._age(kept)
        if age >= self._settings.azure_cache_seconds:
            return None
        headers = {**kept.response.headers, "apim-request-id": str(uuid.uuid4()), "Age": str(int(age))}
        return Response(kept.response.status, kept.response.body, headers)

    def keep(self, node: int, request: Request, response: Response) -> None:
        """Keep an answer if it is one to keep, and drop those that have expired."""
        if not is_kept(response):
            return
        key = (node, url_of(request))
        self._drop(key)
        self._kept[key] = _Kept(response, self._timeline.now)
        self._bytes += len(response.body)
        # The oldest is first.
        while self._kept:
            oldest = next(iter(self._kept))
            expired = self._age(self._kept[oldest]) >= self._settings.azure_cache_seconds
            if not expired and self._bytes <= self._largest:
                break
            self._drop(oldest)

    def clear(self) -> None:
        """Forget every answer, and begin again with the first node."""
        self._kept.clear()
        self._bytes = 0
        self._turn = 0
        self._random = random.Random(_SEED)

    def _age(self, kept: _Kept) -> float:
        return max(0.0, self._timeline.now - kept.since)

    def _drop(self, key: tuple[int, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.response.body)


def is_kept(response: Response) -> bool:
    """Check whether the cache keeps an answer."""
    return response.status == 200


def url_of(request: Request) -> str:
    """Return the URL that the cache knows a request by: path and query, not normalised."""
    return f"{request.raw_path or request.path}?{request.raw_query}"
