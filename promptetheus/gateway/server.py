"""Serving the application with uvicorn, with what keeps slow and greedy connections from taking it over."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from promptetheus.gateway.options import Limits

KEEP_ALIVE_S = 75
"""Longer than the pause between two batches of a client that keeps its connection."""

GRACE_S = 10
"""Requests that are being served have so long to end when the gateway is told to stop."""

BACKLOG = 2048

SWITCH_S = 0.0005
"""How long a thread computes while another one, back from the database or the disk, waits. With Python's 5 ms a batch
that asks PostgreSQL six times waits six times: 0.47 of the floor instead of 0.68."""


def settle_interpreter() -> None:
    """Fit the interpreter to many batches at once: what is loaded by now is left out of garbage collection, which
    comes less often (a batch of 500 events makes a few thousand objects, none of them in a circle)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(SWITCH_S)


def server_for(
    app: FastAPI, limits: Limits, *, host: str, port: int, log_level: str = "warning"
) -> uvicorn.Server:
    """A server that has not started yet."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_guarded(limits),
        ws="none",
        log_level=log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=limits.connections,
        backlog=BACKLOG,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on; made before anything else, so that a port in use is told at once. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except BaseException:
        listening.close()
        raise
    return listening


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.")


def _guarded(limits: Limits) -> type[asyncio.Protocol]:
    class Guarded(HttpToolsProtocol):
        """Closes a connection whose request does not get to the end of its head in time, or has an endless one."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._deadline: asyncio.TimerHandle | None = None
            self._head_bytes = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_is_here()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._deadline is not None:
                self._head_bytes += len(data)
                if self._head_bytes > limits.header_bytes + len(data):
                    self.transport.close()
                    return
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._expect_head()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._head_is_here()
            super().on_headers_complete()

        def _expect_head(self) -> None:
            self._head_is_here()
            self._deadline = self.loop.call_later(limits.header_timeout_s, self._give_up)

        def _head_is_here(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
            self._head_bytes = 0

        def _give_up(self) -> None:
            self._deadline = None
            self.transport.close()

    return Guarded
