"""What agents send: traces and events."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from promptetheus import ids
from promptetheus.gateway import runtime, schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Ingest, Part, writing_tenant
from promptetheus.gateway.bodies import body, json_body
from promptetheus.gateway.errors import Refused
from promptetheus.gateway.identity import Principal, Tenant
from promptetheus.gateway.intake import Batch, answer, examine, inflated, json_object
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.events import Appended
from promptetheus.schema import event_schema

router = APIRouter(tags=["ingest"])

SMALL_BYTES = 512 << 10
"""Bodies that inflate to no more are looked through at once: 500 ordinary events have 160 kB and take 1 ms."""

_DECLARED = ("agent", "user_goal", "environment", "source")
_EVENT: dict[str, Any] = {
    key: value for key, value in event_schema().items() if key not in ("events", "definitions")
}
_BATCH_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["events"],
                    "properties": {"events": {"type": "array", "items": _EVENT}},
                }
            }
        },
        "description": "A batch, or one bare event. May be gzip (Content-Encoding) and chunked.",
    }
}
_TRACE_BODY = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "maxLength": 512},
                        **{name: {"type": ["string", "null"]} for name in _DECLARED},
                        "metadata": {"type": "object"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                    },
                }
            }
        }
    }
}


@router.post(
    "/api/traces",
    status_code=201,
    response_model=schemas.Trace,
    openapi_extra=_TRACE_BODY,
    summary="Declare a trace",
)
async def declare_trace(gateway: Part, who: Ingest, request: Request, project_id: str | None = None) -> Json:
    """Make a trace before its first event, or change what it was declared with. Not needed: the first batch of a
    session makes its trace. The project is that of the credential, whatever the body says."""
    given = await json_body(gateway, request)
    found = await run_in_threadpool(_declare, gateway, who, given, project_id)
    return Json({"trace": found}, 201)


@router.post(
    "/api/traces/{trace_id:path}/events",
    response_model=schemas.Accounting,
    responses={422: {"model": schemas.Accounting, "description": "The one bare event was rejected."}},
    openapi_extra=_BATCH_BODY,
    summary="Append events",
)
async def append_events(
    gateway: Part, who: Ingest, request: Request, trace_id: str, project_id: str | None = None
) -> Json:
    """Store a batch. The answer comes when the events are on disk and can be read; an event that came before (by its
    `idempotency_key`) is accepted and not stored again. The first batch makes the trace."""
    limits = gateway.options.limits
    encoding = request.headers.get("content-encoding", "")
    async with body(gateway, request, limits.body_bytes) as data:
        # A small batch is looked through here: threads that compute take turns of 5 ms, and all would wait for them.
        batch = _looked_through(gateway, trace_id, data, encoding, SMALL_BYTES)
        if batch is None:
            batch = await run_in_threadpool(_large, gateway, trace_id, data, encoding)
        tenant, appended = await run_in_threadpool(_store, gateway, who, trace_id, project_id, batch)
    if appended is not None and appended.stored:
        gateway.hub.publish(tenant, trace_id, appended.start, appended.end)
    return Json(answer(batch), 422 if batch.is_bare and batch.rejected else 200)


def _looked_through(
    gateway: Gateway, session_id: str, data: bytes, encoding: str, most_bytes: int
) -> Batch | None:
    """The batch in a body; None when the body inflates to more. Raises Refused."""
    if len(data) > most_bytes:
        return None
    try:
        plain = inflated(data, encoding, most_bytes)
    except Refused as error:
        if error.status == 413:
            return None
        raise
    gateway.metrics.add("event_bytes_total", len(plain))
    return examine(json_object(plain), session_id, gateway.options.limits.batch_events)


def _large(gateway: Gateway, session_id: str, data: bytes, encoding: str) -> Batch:
    limit_bytes = gateway.options.limits.inflated_bytes
    batch = _looked_through(gateway, session_id, data, encoding, limit_bytes)
    if batch is None:
        raise Refused(413, f"the body inflates to more than {limit_bytes} bytes")
    return batch


def _store(
    gateway: Gateway, who: Principal, session_id: str, project_id: str | None, batch: Batch
) -> tuple[Tenant, Appended | None]:
    metrics = gateway.metrics
    tenant = writing_tenant(gateway, who, session_id, project_id)
    appended = None
    if batch.events:
        appended = gateway.events.append(tenant, session_id, batch.events)
        if appended.start == 0:
            gateway.records.mark_begun(tenant, session_id)
        if appended.stored and batch.events[-1].event["type"] == "session_end":
            _close_runtime(gateway, tenant, session_id)
    stored = appended.stored if appended else 0
    metrics.add("events_total", stored, result="stored")
    metrics.add("events_total", len(batch.events) - stored, result="duplicate")
    metrics.add("events_total", len(batch.rejected), result="rejected")
    return tenant, appended


def _close_runtime(gateway: Gateway, tenant: Tenant, session_id: str) -> None:
    """A line in the audit log for a session that was helped while it ran."""
    state = gateway.records.runtime(tenant, session_id)
    if state is not None:
        told = {"session_id": session_id, **runtime.summary(state, time.time())}
        gateway.accounts.note(tenant, "runtime_finalize", "gateway", told)


def _declare(
    gateway: Gateway, who: Principal, given: dict[str, Any], project_id: str | None
) -> dict[str, Any]:
    trace_id = given.get("id")
    if trace_id is None or trace_id == "":
        trace_id = ids.new_session_id()
    if not isinstance(trace_id, str):
        raise Refused(400, "id must be a string")
    tenant = writing_tenant(gateway, who, trace_id, project_id)
    told = {name: given[name] for name in _DECLARED if isinstance(given.get(name), str)}
    if isinstance(given.get("metadata"), dict):
        told["metadata"] = given["metadata"]
    if isinstance(given.get("tags"), list):
        told["tags"] = [tag for tag in given["tags"] if isinstance(tag, str)]
    row = gateway.records.declare_trace(tenant, trace_id, told)
    if gateway.events.has(tenant, trace_id):
        gateway.records.mark_begun(tenant, trace_id)
    names = ("user_goal", "agent", "environment")
    return {
        **dict.fromkeys(names),
        "metadata": {},
        "tags": [],
        **row,
        "workspace_id": tenant.workspace_id,
        "project_id": tenant.project_id,
        "status": "running",
    }
