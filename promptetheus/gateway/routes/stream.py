"""Events as they come, as server-sent events: a session with resume, or all sessions of a project.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from promptetheus.gateway.auth import Part, Reader, session_tenant, tenants_of
from promptetheus.gateway.errors import Refused
from promptetheus.gateway.hub import Listener
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.routes.sessions import scoped
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.events import Stored

router = APIRouter(tags=["stream"])

HEARTBEAT_S = 15.0
MAX_STREAM_S = 3600.0
"""Then the client comes again, with `Last-Event-ID`: a key that was revoked meanwhile opens nothing then."""

LOOK_S = 1.0
"""How often a store that others write to is looked at."""

_READ_AT_ONCE = 500
_KNOWN_S = 86_400.0
"""Sessions that rested longer than this are sent from their beginning when they go on."""

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
                await listener.wait(LOOK_S if gateway.is_shared else HEARTBEAT_S)


async def _projects(gateway: Gateway, tenants: list[Tenant], place: str | None) -> AsyncIterator[bytes]:
    with gateway.hub.listen(tenants) as listener:
        told_to = "" if gateway.is_shared else gateway.hub.place()
        if place is not None and gateway.is_shared:
            listener.miss()  # what other gateways stored meanwhile was told to nobody here
        elif place is not None and gateway.hub.catch_up(listener, tenants, place):
            told_to = place
        watch = _Watch(gateway, tenants, listener, told_to)
        await watch.begin()
        yield b": open\n\n"
        quiet_since = time.monotonic()
        while True:
            await listener.wait(LOOK_S if gateway.is_shared else HEARTBEAT_S)
            async for record in watch.news():
                quiet_since = time.monotonic()
                yield record
            if time.monotonic() - quiet_since > HEARTBEAT_S:
                quiet_since = time.monotonic()
                yield b": heartbeat\n\n"


class _Watch:
    """Where one reader stands in each session of its projects."""

    def __init__(self, gateway: Gateway, tenants: list[Tenant], listener: Listener, place: str) -> None:
        self._gateway, self._tenants, self._listener = gateway, tenants, listener
        self._positions: dict[tuple[Tenant, str], int] = {}
        self._looked_s = time.time()
        self._place = place
        """Everything up to here was told; empty where only each session's own place is known."""

    async def begin(self) -> None:
        """Only what comes from now on is told."""
        if self._gateway.is_shared:
            for tenant in self._tenants:
                ends = await run_in_threadpool(
                    self._gateway.events.positions, tenant, self._looked_s - _KNOWN_S
                )
                self._positions.update({(tenant, name): end for name, end in ends.items()})

    async def news(self) -> AsyncIterator[bytes]:
        """The events that came since."""
        if self._listener.has_missed:
            self._listener.has_missed = False
            yield b"event: missed\ndata: {}\n\n"
        before, spans = self._place, await self._spans()
        held: tuple[Stored, Tenant, str] | None = None
        async for stored, tenant, own_place in self._between(spans):
            if held is not None:
                yield _record(*held)
            held = stored, tenant, before or own_place
        if held is not None:  # with the last of them, all of them were told
            yield _record(held[0], held[1], self._place or held[2])

    async def _between(
        self, spans: list[tuple[Tenant, str, int, int]]
    ) -> AsyncIterator[tuple[Stored, Tenant, str]]:
        for tenant, session_id, start, end in spans:
            position = start
            while position < end:
                found = await run_in_threadpool(
                    self._gateway.events.arrived, tenant, session_id, position, _READ_AT_ONCE
                )
                for stored in found:
                    if stored.position <= end:  # what lies behind is news of its own
                        yield stored, tenant, f"{session_id}/{stored.position}"
                if not found:
                    break
                position = found[-1].position

    async def _spans(self) -> list[tuple[Tenant, str, int, int]]:
        if not self._gateway.is_shared:
            self._place = self._gateway.hub.place()
            return [(tenant, name, *span) for (tenant, name), span in self._listener.take().items()]
        self._listener.take()
        now, spans = time.time(), []
        for tenant in self._tenants:
            ends = await run_in_threadpool(
                self._gateway.events.positions, tenant, self._looked_s - 2 * LOOK_S
            )
            for name, end in ends.items():
                start = self._positions.get((tenant, name), 0)
                if end > start:
                    self._positions[tenant, name] = end
                    spans.append((tenant, name, start, end))
        self._looked_s = now
        return spans


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
