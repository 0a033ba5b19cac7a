"""stdio to the hosted MCP of a gateway: what a client says on stdin goes there, what comes back goes to stdout.

The key is taken from the environment or the settings when it starts and is in no file of the client.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server


async def run_bridge(url: str, api_key: str) -> None:
    """Pass messages on until either side ends."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx2.AsyncClient(
                headers={"Authorization": f"Bearer {api_key}"}, timeout=httpx2.Timeout(60.0, connect=10.0)
            )
        )
        remote = await stack.enter_async_context(streamable_http_client(url, http_client=http))
        local = await stack.enter_async_context(stdio_server())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, local[0], remote[1], tasks.cancel_scope)
            tasks.start_soon(_pass_on, remote[0], local[1], tasks.cancel_scope)


async def _pass_on(source: Any, target: Any, end: anyio.CancelScope) -> None:
    try:
        async for message in source:
            if isinstance(message, Exception):
                print(f"promptetheus mcp: {type(message).__name__}: {message}"[:500], file=sys.stderr)
                continue
            await target.send(message)
    except (anyio.ClosedResourceError, anyio.BrokenResourceError):
        pass
    end.cancel()
