"""What every request passes first and last: which host it was meant for, counting, headers of the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from promptetheus.gateway.answers import refusal
from promptetheus.gateway.metrics import Metrics

_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


class Edge:
    """ASGI middleware. `hosts`: the names under which the gateway may be called; None: any.

    A gateway with well-known keys is for this machine: a web page that has its own name point to 127.0.0.1 comes with
    that name, and is turned away.
    """

    def __init__(self, app: ASGIApp, metrics: Callable[[], Metrics], hosts: frozenset[str] | None) -> None:
        self._app, self._metrics, self._hosts = app, metrics, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        try:
            if self._hosts is not None and _host(scope) not in self._hosts:
                await refusal(403, "this gateway serves its own machine only")(scope, receive, sent)
            else:
                await self._app(scope, receive, sent)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            metrics = self._metrics()
            metrics.add("requests_total", route=route, status=str(status))
            if not route.endswith("/stream"):
                metrics.observe("request_seconds", time.perf_counter() - began, route=route)


def _host(scope: dict[str, Any] | Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            text: str = value.decode("latin-1").strip().lower()
            if text.startswith("["):
                return text[: text.find("]") + 1]
            return text.partition(":")[0]
    return ""
