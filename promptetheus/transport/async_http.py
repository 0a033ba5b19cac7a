"""Events to a gateway from an event loop: kept in memory until `flush` is awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import httpx
import orjson

from promptetheus.delivery.wire import account, batch_body, compressed, trace_url
from promptetheus.encoding import encode_line
from promptetheus.transport.http import runs_of_sessions

_Item = tuple[str, Mapping[str, Any]]


class AsyncHTTPTransport:
    """Holds what it is given in order; `flush` sends it. What could not be sent, was refused or not accounted
    for is held for the next flush. A process that ends loses what is held: sessions are safer in the spool.

    Args:
        endpoint: URL of the gateway.
        api_key: Key of a project there.
        timeout: Seconds for a request.
        client: A client of your own; it is not closed here.
    """

    def __init__(
        self,
        endpoint: str,
        api_key: str | None = None,
        *,
        timeout: float = 5.0,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.endpoint = endpoint.rstrip("/") + "/"
        self.api_key = api_key
        self._api_url = endpoint.rstrip("/")
        self._client = client or httpx.AsyncClient(timeout=timeout)
        self._is_own_client = client is None
        self._held: list[_Item] = []
        self._closed = False

    @property
    def pending_count(self) -> int:
        """How many events and traces wait for a flush."""
        return len(self._held)

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called."""
        return self._closed

    @property
    def closed_with_pending(self) -> bool:
        """Whether it was closed while something was still held."""
        return self._closed and bool(self._held)

    def create_trace(self, trace: Mapping[str, Any]) -> None:
        """Hold a trace."""
        self._hold("trace", trace)

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Hold an event."""
        self._hold("event", event)

    def send_batch(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Hold events."""
        for event in events:
            self._hold("event", event)

    async def flush(self, timeout: float | None = None) -> None:
        """Send what is held, in order, up to the first failure."""
        held, self._held = self._held, []
        while held:
            kind, first = held[0]
            if kind == "trace":
                if not (
                    await self._post(f"{self._api_url}/api/traces", orjson.dumps(dict(first)))
                ).is_success:
                    break
                held = held[1:]
                continue
            events = []
            for kind, item in held:
                if kind != "event":
                    break
                events.append(item)
            session_id, batch = next(runs_of_sessions(events))
            body = batch_body([encode_line(event) for event in batch])
            response = await self._post(trace_url(self._api_url, session_id, "events"), body)
            if not response.is_success:
                break
            found = account(response.content, [str(event.get("idempotency_key")) for event in batch])
            refused = {refusal.place for refusal in found.refused}
            held = held[len(batch) :]
            self._held += [
                ("event", event)
                for place, event in enumerate(batch)
                if place in refused or not found.is_complete
            ]
        self._held = held + self._held

    async def aclose(self) -> None:
        """Flush and refuse further events."""
        if not self._closed:
            await self.flush()
            self._closed = True
            if self._is_own_client:
                await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def _hold(self, kind: str, item: Mapping[str, Any]) -> None:
        if self._closed:
            raise RuntimeError("the transport is closed")
        self._held.append((kind, dict(item)))

    async def _post(self, url: str, body: bytes) -> httpx.Response:
        content, headers = compressed(body)
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        try:
            return await self._client.post(url, content=content, headers=headers)
        except httpx.HTTPError:
            return httpx.Response(503)
