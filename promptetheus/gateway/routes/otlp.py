"""OTLP over HTTP: any OpenTelemetry exporter may send its traces here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from promptetheus.encoding import jsonable
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Ingest, Part, tenants_of
from promptetheus.gateway.bodies import body
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import Principal, Tenant
from promptetheus.gateway.intake import examine, inflated, json_object
from promptetheus.gateway.otlp_requests import from_json, from_protobuf
from promptetheus.gateway.otlp_sessions import is_usable, sessions_of
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.events import Appended
from promptetheus.otlp_spans import Span

router = APIRouter(tags=["otlp"])

PROTOBUF = "application/x-protobuf"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}},
                }
            },
        },
        "description": "An ExportTraceServiceRequest. May be gzip.",
    }
}
_ANSWER: dict[str, Any] = {
    "content": {
        PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": {"type": "object"}},
    },
    "description": "An ExportTraceServiceResponse: which spans were not taken, and why.",
}


@router.post(
    "/v1/traces",
    response_class=Response,
    responses={200: _ANSWER},
    openapi_extra=_BODY,
    summary="OTLP traces",
)
async def receive_traces(
    gateway: Part, who: Ingest, request: Request, project_id: str | None = None
) -> Response:
    """Each trace becomes a session; spans of a trace may come in any order and number of requests."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (PROTOBUF, "application/json"):
        raise Refused(415, f"OTLP comes as {PROTOBUF} or application/json")
    encoding = request.headers.get("content-encoding", "")
    async with body(gateway, request, gateway.options.limits.body_bytes) as data:
        refused, reason, stored = await run_in_threadpool(
            _store, gateway, who, project_id, data, encoding, media == PROTOBUF
        )
    for tenant, session_id, appended in stored:
        gateway.hub.publish(tenant, session_id, appended.start, appended.end)
    if media == PROTOBUF:
        return Response(_protobuf_answer(refused, reason), media_type=PROTOBUF)
    told = {"rejectedSpans": str(refused), "errorMessage": reason} if refused else {}
    return Json({"partialSuccess": told})


def _store(
    gateway: Gateway,
    who: Principal,
    project_id: str | None,
    data: bytes,
    encoding: str,
    is_protobuf: bool,
) -> tuple[int, str, list[tuple[Tenant, str, Appended]]]:
    """Store all traces; how many spans were refused, why, and what came where."""
    tenants = tenants_of(gateway, who, project_id)
    if not tenants:
        raise not_found("project")
    plain = inflated(data, encoding, gateway.options.limits.inflated_bytes)
    spans = from_protobuf(plain) if is_protobuf else from_json(json_object(plain))
    usable: list[Span] = [span for span in spans if is_usable(span)]
    refused, reason = (
        len(spans) - len(usable),
        "spans without valid ids or times" if len(usable) < len(spans) else "",
    )
    stored = []
    for session_id, events in sessions_of(usable).items():
        batch = examine({"events": [jsonable(event) for event in events]}, session_id, len(events))
        if batch.rejected:
            refused, reason = refused + len(batch.rejected), str(batch.rejected[0]["reason"])
        if batch.events:
            appended = gateway.events.append(tenants[0], session_id, batch.events)
            stored.append((tenants[0], session_id, appended))
            gateway.metrics.add("events_total", appended.stored, result="stored")
    return refused, reason, stored


def _protobuf_answer(refused: int, reason: str) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTracePartialSuccess,
        ExportTraceServiceResponse,
    )

    if not refused:
        return bytes(ExportTraceServiceResponse().SerializeToString())
    told = ExportTracePartialSuccess(rejected_spans=refused, error_message=reason)
    return bytes(ExportTraceServiceResponse(partial_success=told).SerializeToString())
