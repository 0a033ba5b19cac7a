"""Events as they come, as server-sent events: a session with resume, or all sessions of a project.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from promptetheus.gateway.auth import Part, Reader, session_tenant, tenants_of
from promptetheus.gateway.errors import Refused
from promptetheus.gateway.hub import Listener, Span
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.routes.sessions import scoped
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.events import Stored

if TYPE_CHECKING:
    from promptetheus.gateway.stores.postgres_news import News

router = APIRouter(tags=["stream"])

HEARTBEAT_S = 15.0
MAX_STREAM_S = 3600.0
"""Then the client comes again, with `Last-Event-ID`: a key that was revoked meanwhile opens nothing then."""

LOOK_S = 1.0
"""How often a store that others write to is looked at."""

_READ_AT_ONCE = 500
_SSE: dict[str, Any] = {
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
    "description": "`id`, `event: event` and `data`, the event as JSON; a comment every 15 seconds.",
}


@router.get(
    "/api/stream", response_class=StreamingResponse, responses={200: _SSE}, summary="Events as they come"
)
async def stream(
    gateway: Part,
    who: Reader,
    request: Request,
    project_id: str | None = None,
    session_id: str | None = None,
    after_seq: Annotated[int | None, Query(ge=-1, le=2**62)] = None,
) -> StreamingResponse:
    """With `session_id`: what is stored (after `after_seq`, or after the `Last-Event-ID` of a stream that broke),
    then what comes. Without: what comes in the project from now on, or since the event that `Last-Event-ID` names;
    `event: missed` says that some are not told: the reader was too slow, or away for too long. An event may come
    twice after a break; its `idempotency_key` tells."""
    if session_id is not None:
        tenant = await run_in_threadpool(session_tenant, gateway, who, session_id, project_id)
        position = _position(request.headers.get("last-event-id"))
        lines = _session(gateway, tenant, session_id, position, -1 if after_seq is None else after_seq)
    else:
        tenants = await run_in_threadpool(tenants_of, gateway, who, project_id)
        lines = _projects(gateway, tenants, request.headers.get("last-event-id"))
    return _Stream(lines, gateway.streams.take(who.project_id or who.workspace_id or who.kind))


class _Stream(StreamingResponse):
    """An answer that ends after an hour, and holds its share of the streams until then, however it ends."""

    def __init__(self, lines: AsyncIterator[bytes], share: AbstractContextManager[None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_for_a_while(lines), media_type="text/event-stream", headers=headers)
        self._share = ExitStack()
        self._share.enter_context(share)  # before the answer begins, so that one too many is told so

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._share:
            await super().__call__(scope, receive, send)


async def _for_a_while(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    ends_s = time.monotonic() + MAX_STREAM_S
    async for line in lines:
        yield line
        if time.monotonic() > ends_s:
            return


async def _session(
    gateway: Gateway, tenant: Tenant, session_id: str, position: int, after_seq: int
) -> AsyncIterator[bytes]:
    with gateway.hub.listen([tenant]) as listener:
        yield b": open\n\n"
        quiet_since = time.monotonic()
        while True:
            listener.take()
            found = await run_in_threadpool(
                gateway.events.arrived, tenant, session_id, position, _READ_AT_ONCE
            )
            for stored in found:
                position = stored.position
                if stored.event.get("seq", 0) > after_seq:
                    yield _record(stored, tenant, str(position))
            if found:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > HEARTBEAT_S:
                quiet_since = time.monotonic()
                yield b": heartbeat\n\n"
            if len(found) < _READ_AT_ONCE:
                await listener.wait(LOOK_S if gateway.shared_news is not None else HEARTBEAT_S)


async def _projects(gateway: Gateway, tenants: list[Tenant], place: str | None) -> AsyncIterator[bytes]:
    with gateway.hub.listen(tenants) as listener:
        watch = _SharedWatch if gateway.shared_news is not None else _Watch
        reader = watch(gateway, tenants, listener)
        await reader.begin(place)
        yield b": open\n\n"
        quiet_since = time.monotonic()
        while True:
            await listener.wait(LOOK_S if gateway.shared_news is not None else HEARTBEAT_S)
            async for record in reader.news():
                quiet_since = time.monotonic()
                yield record
            if time.monotonic() - quiet_since > HEARTBEAT_S:
                quiet_since = time.monotonic()
                yield b": heartbeat\n\n"


class _Watch:
    """How far one reader was told of its projects, where all news comes from this gateway."""

    def __init__(self, gateway: Gateway, tenants: list[Tenant], listener: Listener) -> None:
        self._gateway, self._tenants, self._listener = gateway, tenants, listener
        self._place = ""
        """Everything up to here was told."""

    async def begin(self, place: str | None) -> None:
        """From a place on, or from now on."""
        self._place = self._gateway.hub.place()
        if place is not None and self._gateway.hub.catch_up(self._listener, self._tenants, place):
            self._place = place

    async def news(self) -> AsyncIterator[bytes]:
        """The events that came since."""
        before, spans = self._place, await self._spans()
        if self._listener.has_missed:
            self._listener.has_missed = False
            yield b"event: missed\ndata: {}\n\n"
        held: tuple[Stored, Tenant, str] | None = None
        async for stored, tenant in self._between(spans):
            if held is not None:
                yield _record(*held)
            held = stored, tenant, before
        if held is not None:  # with the last of them, all of them were told
            yield _record(held[0], held[1], self._place)

    async def _between(self, spans: list[Span]) -> AsyncIterator[tuple[Stored, Tenant]]:
        for tenant, session_id, start, end in spans:
            position = start
            while position < end:
                found = await run_in_threadpool(
                    self._gateway.events.arrived, tenant, session_id, position, _READ_AT_ONCE
                )
                for stored in found:
                    if stored.position <= end:  # what lies behind is news of its own
                        yield stored, tenant
                if not found:
                    break
                position = found[-1].position

    async def _spans(self) -> list[Span]:
        self._place = self._gateway.hub.place()
        return [Span(tenant, name, *span) for (tenant, name), span in self._listener.take().items()]


class _SharedWatch(_Watch):
    """The same where other gateways write to the same store: what was stored is asked of the store."""

    def __init__(self, gateway: Gateway, tenants: list[Tenant], listener: Listener) -> None:
        super().__init__(gateway, tenants, listener)
        self._told: dict[tuple[Tenant, str], int] = {}
        """How far the sessions of the last look were told: its place may lie before what it saw."""

    async def begin(self, place: str | None) -> None:
        """From a place on, or from now on."""
        self._place = place if place is not None else (await self._since("")).place

    async def _since(self, place: str) -> News:
        assert self._gateway.shared_news is not None
        return await run_in_threadpool(self._gateway.shared_news.since, self._tenants, place)

    async def _spans(self) -> list[Span]:
        self._listener.take()
        found = await self._since(self._place)
        self._place = found.place
        if not found.is_complete:
            self._listener.miss()
        told, self._told = self._told, {(span.tenant, span.session_id): span.end for span in found.spans}
        return [span for span in (_behind(span, told) for span in found.spans) if span.start < span.end]


def _behind(span: Span, told: dict[tuple[Tenant, str], int]) -> Span:
    """What of a span was not told yet. A session that is shorter than it was began anew."""
    end = told.get((span.tenant, span.session_id), 0)
    return span if end > span.end else span._replace(start=max(span.start, end))


def _record(stored: Stored, tenant: Tenant, place: str) -> bytes:
    data = orjson.dumps(scoped(stored.event, tenant))
    return (
        b"id: "
        + place.replace("\n", " ").replace("\r", " ").encode()
        + b"\nevent: event\ndata: "
        + data
        + b"\n\n"
    )


def _position(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not last_event_id.isdecimal() or len(last_event_id) > 18:
        raise Refused(400, "Last-Event-ID is not one of this stream")
    return int(last_event_id)
