"""The gateway as an ASGI application.

`uvicorn promptetheus.gateway.app:create_app --factory` serves it with the environment's options; `promptetheus dev`
and `promptetheus serve` add limits on slow connections, which need the server's help.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.routing import Route

from promptetheus import __version__
from promptetheus.gateway.answers import HANDLERS
from promptetheus.gateway.auth import Door
from promptetheus.gateway.edge import Edge
from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.options import Options
from promptetheus.gateway.retention import run_retention
from promptetheus.gateway.routes import (
    artifacts,
    incidents,
    ingest,
    mcp,
    operations,
    otlp,
    projects,
    runtime,
    sessions,
    stream,
)
from promptetheus.gateway.schemas import REFUSALS
from promptetheus.gateway.state import Gateway, open_gateway

ROUTERS = (ingest, sessions, artifacts, stream, incidents, projects, runtime, otlp, mcp, operations)
"""The subjects of the API, in the order of its description."""

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})

_MAINTAIN_S = 3600.0
_logger = logging.getLogger("promptetheus.gateway")


def create_app(options: Options | None = None, gateway: Gateway | None = None) -> FastAPI:
    """The application. Without arguments, as the environment says. Raises BadOptions and StoreUnavailable."""
    served = gateway if gateway is not None else open_gateway(options or Options.from_environment())
    app = FastAPI(
        title="Promptetheus gateway",
        version=__version__,
        description='Sessions of agents: received, kept, read. Errors are JSON: {"detail": "…"}.',
        lifespan=_lifespan,
        exception_handlers=HANDLERS,
        responses=REFUSALS,
        generate_unique_id_function=_operation_id,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.gateway = served
    app.state.door = Door(served)
    app.state.evidence = mcp.ProjectEvidence(served)
    for subject in ROUTERS:
        app.include_router(subject.router)
    app.router.routes.append(Route("/mcp/{workspace}/{project_ref}", mcp.HostedMCP()))
    if served.options.console_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(served.options.console_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Promptetheus-Workspace-Id"],
        )
    hosts = LOOPBACK_HOSTS if served.options.mode == "dev" else None
    app.add_middleware(Edge, metrics=lambda: served.metrics, hosts=hosts)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    gateway: Gateway = app.state.gateway
    housekeeping = asyncio.create_task(_housekeeping(gateway))
    try:
        yield
    finally:
        housekeeping.cancel()
        await asyncio.gather(housekeeping, return_exceptions=True)
        await run_in_threadpool(app.state.evidence.close)
        await run_in_threadpool(gateway.close)


async def _housekeeping(gateway: Gateway) -> None:
    """Maintenance of the store at once and every hour, retention as often as the options say."""
    hours = gateway.options.retention_hours
    pause_s = min(_MAINTAIN_S, hours * 3600.0) if hours else _MAINTAIN_S
    while True:
        try:
            await run_in_threadpool(gateway.events.maintain)
            if hours:
                await run_in_threadpool(run_retention, gateway, "gateway")
        except StoreUnavailable as error:
            _logger.warning("maintenance will be tried again: %s", error)
        await asyncio.sleep(max(1.0, pause_s))
