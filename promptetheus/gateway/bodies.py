"""Reading the bodies of requests: no more than allowed, in no more time than allowed, by no more callers than fit."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from promptetheus.gateway.errors import Refused
from promptetheus.gateway.intake import inflated, json_object
from promptetheus.gateway.state import Gateway

SMALL_BODY_BYTES = 1 << 20
"""What is not a batch or an artifact is no larger."""

_UNKNOWN_BYTES = 1 << 20
"""What a body without a length is taken for until it is read."""

_IN_MEMORY_BYTES = 1 << 20


@asynccontextmanager
async def body(gateway: Gateway, request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body, as it came over the wire. Raises Refused: 411 never, 413 too large, 408 too slow, 503 no room.

    Chunked bodies are read as any other.
    """
    declared = _declared(request, limit_bytes)
    with gateway.intake.take("", _UNKNOWN_BYTES if declared is None else declared):
        pieces: list[bytes] = []
        size = 0
        async with _in_time(gateway):
            async for piece in request.stream():
                size += len(piece)
                if size > limit_bytes:
                    raise _too_large(limit_bytes)
                pieces.append(piece)
        yield b"".join(pieces)


@asynccontextmanager
async def spooled(gateway: Gateway, request: Request, limit_bytes: int) -> AsyncIterator[BinaryIO]:
    """A large body as a temporary file. Raises what `body` raises."""
    _declared(request, limit_bytes)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        size = 0
        async with _in_time(gateway):
            async for piece in request.stream():
                size += len(piece)
                if size > limit_bytes:
                    raise _too_large(limit_bytes)
                if size > _IN_MEMORY_BYTES:
                    await run_in_threadpool(file.write, piece)
                else:
                    file.write(piece)
        file.seek(0)
        yield cast(BinaryIO, file)


async def json_body(gateway: Gateway, request: Request) -> dict[str, Any]:
    """The JSON object of a small body. Raises Refused."""
    encoding = request.headers.get("content-encoding", "")
    async with body(gateway, request, SMALL_BODY_BYTES) as data:
        return json_object(inflated(data, encoding, SMALL_BODY_BYTES))


@asynccontextmanager
async def _in_time(gateway: Gateway) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(gateway.options.limits.body_timeout_s):
            yield
    except TimeoutError:
        raise Refused(408, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise Refused(400, "the connection was closed within the body") from None


def _declared(request: Request, limit_bytes: int) -> int | None:
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not text.isdecimal():
        raise Refused(400, "Content-Length is not a number")
    if int(text) > limit_bytes:
        raise _too_large(limit_bytes)
    return int(text)


def _too_large(limit_bytes: int) -> Refused:
    return Refused(413, f"the body has more than {limit_bytes} bytes")
