"""For those who run a gateway: health, readiness, metrics, retention."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from promptetheus.gateway import schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Part, Server
from promptetheus.gateway.bodies import json_body
from promptetheus.gateway.errors import Refused
from promptetheus.gateway.retention import run_retention

router = APIRouter(tags=["operations"])

MAX_RETENTION_LIMIT = 1000
_METRICS: dict[str, Any] = {
    "content": {"text/plain": {"schema": {"type": "string"}}},
    "description": "Prometheus' text format.",
}
_RETENTION = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "project_id": {"type": ["string", "null"]},
                        "limit": {"type": "integer", "minimum": 1},
                        "dry_run": {"type": "boolean"},
                    },
                }
            }
        }
    }
}


@router.get("/health", response_model=schemas.Health, summary="The process answers")
async def health() -> Json:
    """200 as long as it runs."""
    return Json({"status": "ok"})


@router.get("/ready", response_model=schemas.Health, summary="The store can be used")
def ready(gateway: Part) -> Json:
    """200 when events can be stored now, else 503."""
    gateway.events.check()
    return Json({"status": "ok"})


@router.get(
    "/metrics", response_class=PlainTextResponse, responses={200: _METRICS}, summary="Numbers for Prometheus"
)
async def metrics(gateway: Part) -> PlainTextResponse:
    """Counts and durations of the gateway as a whole; nothing that names a project."""
    return PlainTextResponse(gateway.metrics.text(), media_type="text/plain; version=0.0.4")


@router.post(
    "/internal/retention/run",
    response_model=schemas.Retention,
    openapi_extra=_RETENTION,
    summary="Run retention now",
)
async def retention(gateway: Part, who: Server, request: Request) -> Json:
    """Delete (or with `dry_run`, the default, only count) the sessions past the retention of their project."""
    given = await json_body(gateway, request)
    project_id, limit, dry_run = given.get("project_id"), given.get("limit", 100), given.get("dry_run", True)
    if project_id is not None and not isinstance(project_id, str):
        raise Refused(400, "project_id must be a string")
    if type(limit) is not int or limit < 1:
        raise Refused(400, "limit must be a whole number above 0")
    if not isinstance(dry_run, bool):
        raise Refused(400, "dry_run must be true or false")
    done = await run_in_threadpool(
        run_retention,
        gateway,
        who.actor,
        project_id=project_id,
        limit=min(limit, MAX_RETENTION_LIMIT),
        dry_run=dry_run,
    )
    return Json({"retention": done})
