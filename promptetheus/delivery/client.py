"""HTTP to a gateway. The only place, with `transport`, that imports httpx."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import httpx
import orjson

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.wire import compressed, retry_after_s, trace_url

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 4 << 20
"""An answer is read up to so many bytes: a server that never ends its answer must not fill the agent's memory."""

_READ_BYTES = 1 << 16


class Answer(NamedTuple):
    """What came of a request."""

    status: int
    """HTTP status; 0 when there was no answer."""
    body: bytes = b""
    error: str = ""
    """What went wrong, for people; empty after a 2xx."""
    retry_after_s: float | None = None
    date: str = ""
    is_cut: bool = False
    """Whether the answer was longer than was wanted; the rest was not read."""

    @property
    def is_ok(self) -> bool:
        """Whether the request did what it should."""
        return 200 <= self.status < 300


class Client:
    """Requests to one destination over connections that are kept. Nothing here raises: an `Answer` says what
    happened. Redirects are not followed, since they would turn a POST into a GET."""

    def __init__(self, target: Destination, headers: Mapping[str, str] | None = None) -> None:
        self._target = target
        self._http = httpx.Client(
            timeout=httpx.Timeout(target.timeout_s, connect=min(CONNECT_TIMEOUT_S, target.timeout_s)),
            headers={"Authorization": f"Bearer {target.api_key}", **(headers or {})},
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send_events(self, session_id: str, body: bytes) -> Answer:
        """POST a batch."""
        content, headers = compressed(body)
        return self._request("POST", trace_url(self._target.api_url, session_id, "events"), content, headers)

    def create_trace(self, trace: dict[str, Any]) -> Answer:
        """POST a trace, for gateways that do not make one at its first batch."""
        return self.post("/api/traces", orjson.dumps(trace))

    def send_artifact(
        self, session_id: str, data: bytes, *, artifact_id: str, content_type: str, filename: str, kind: str
    ) -> Answer:
        """POST an artifact's bytes."""
        headers = {
            "Content-Type": content_type,
            "Accept": "application/json",
            "X-Promptetheus-Filename": filename,
            "X-Promptetheus-Size-Bytes": str(len(data)),
            "X-Promptetheus-Artifact-Type": kind,
            "X-Promptetheus-Artifact-Id": artifact_id,
        }
        return self._request("POST", trace_url(self._target.api_url, session_id, "artifacts"), data, headers)

    def post(self, path: str, body: bytes) -> Answer:
        """POST JSON to a path below the gateway's URL."""
        content, headers = compressed(body)
        return self._request("POST", self._target.api_url + path, content, headers)

    def get(self, path: str, max_bytes: int = MAX_ANSWER_BYTES) -> Answer:
        """GET a path below the gateway's URL; so many bytes of the answer are read."""
        accept = {"Accept": "application/json, */*;q=0.5"}
        return self._request("GET", self._target.api_url + path, None, accept, max_bytes)

    def _request(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: dict[str, str],
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        try:
            with self._http.stream(method, url, content=content, headers=headers) as response:
                body = _bounded(response, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            return Answer(0, error=f"{type(error).__name__}: {error}"[:500])
        found = response.headers
        return Answer(
            response.status_code,
            body[:max_bytes],
            "" if response.is_success else _told(response.status_code, body, found.get("location")),
            retry_after_s(found.get("retry-after"), time.time()),
            found.get("date", ""),
            len(body) > max_bytes,
        )


def _bounded(response: httpx.Response, max_bytes: int) -> bytes:
    """The answer, or its beginning with one byte more than is wanted."""
    parts, size = [], 0
    for part in response.iter_bytes(_READ_BYTES):  # inflated piece by piece: a bomb is noticed early
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            break
    return b"".join(parts)[: max_bytes + 1]


def _told(status: int, body: bytes, location: str | None) -> str:
    if location:
        return f"HTTP {status}: the gateway has moved to {location[:200]}; set PROMPTETHEUS_API_URL"
    said = body[:200].decode(errors="replace")
    try:
        found = orjson.loads(body)
    except ValueError:
        pass
    else:
        detail = found.get("detail") if isinstance(found, dict) else None
        if isinstance(detail, str):
            said = detail
        elif not (any(found.values()) if isinstance(found, dict) else found):
            said = ""  # `{}`, `null` and the like say nothing
    return f"HTTP {status}: {said.strip()[:300]}".rstrip(": ")
