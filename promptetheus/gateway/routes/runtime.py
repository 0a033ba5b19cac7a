"""Runtime coordination of one session: what `AgentRuntime` calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool

from promptetheus.gateway import runtime, schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Ingest, Part, session_tenant, tenants_of, writing_tenant
from promptetheus.gateway.bodies import json_body
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import Principal
from promptetheus.gateway.state import Gateway

router = APIRouter(tags=["runtime"])

Change = Callable[[runtime.State, dict[str, Any], float], tuple[runtime.State, dict[str, Any]]]

_TEXT = {"type": ["string", "null"]}
_OBJECT = {"type": ["object", "null"]}


def _described(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


_NOTE = _described(kind=_TEXT, value={}, metadata=_OBJECT)
_CALL = _described(tool_name=_TEXT, command=_TEXT, args=_OBJECT, status=_TEXT, error=_TEXT, metadata=_OBJECT)
_BEAT = _described(phase=_TEXT, current_file=_TEXT, current_hypothesis=_TEXT, metadata=_OBJECT)


class Told(NamedTuple):
    """What an agent tells of its session."""

    gateway: Gateway
    who: Principal
    session_id: str
    project_id: str | None
    given: dict[str, Any]

    async def become(self, change: Change) -> dict[str, Any]:
        """Change the session's notes by it; the answer."""
        return await run_in_threadpool(_changed, *self, change)


async def _told(
    gateway: Part, who: Ingest, request: Request, trace_id: str, project_id: str | None = None
) -> Told:
    return Told(gateway, who, trace_id, project_id, await json_body(gateway, request))


Message = Annotated[Told, Depends(_told)]


@router.post(
    "/api/traces/{trace_id:path}/runtime/memory",
    response_model=schemas.Memory,
    openapi_extra=_NOTE,
    summary="Remember something",
)
async def remember(told: Message) -> Json:
    """A note of this session, for itself and for whoever works on it. The session's events may come later."""
    return Json({"memory": await told.become(runtime.noted)})


@router.get(
    "/api/traces/{trace_id:path}/runtime/memory", response_model=schemas.Memory, summary="What was remembered"
)
def recall(
    gateway: Part,
    who: Ingest,
    trace_id: str,
    limit: Annotated[int, Query(ge=1, le=runtime.MAX_NOTES)] = 20,
    project_id: str | None = None,
) -> Json:
    """The latest notes, the oldest of them first."""
    state = _state(gateway, who, trace_id, project_id)
    return Json({"memory": runtime.notes(state, time.time())[-limit:]})


@router.post(
    "/api/traces/{trace_id:path}/runtime/tool-call",
    response_model=schemas.ToolCall,
    openapi_extra=_CALL,
    summary="Tell of a tool call",
)
async def tool_call(told: Message) -> Json:
    """Before and after a call: whether the same one failed before, and what to think of."""
    return Json(await told.become(runtime.called))


@router.post(
    "/api/traces/{trace_id:path}/runtime/heartbeat",
    response_model=schemas.Heartbeat,
    openapi_extra=_BEAT,
    summary="Say that the agent is alive",
)
async def heartbeat(told: Message) -> Json:
    """What the agent is about."""
    return Json({"heartbeat": await told.become(runtime.beaten)})


@router.get(
    "/api/traces/{trace_id:path}/runtime/hint", response_model=schemas.Hint, summary="What to think of next"
)
def hint(gateway: Part, who: Ingest, trace_id: str, project_id: str | None = None) -> Json:
    """The failure that repeats and has not been mended, until it is."""
    if not _state(gateway, who, trace_id, project_id):
        return Json({"hint": None})
    return Json(_changed(gateway, who, trace_id, project_id, {}, runtime.hinted))


def _changed(
    gateway: Gateway,
    who: Principal,
    session_id: str,
    project_id: str | None,
    given: dict[str, Any],
    change: Change,
) -> dict[str, Any]:
    tenant = writing_tenant(gateway, who, session_id, project_id)
    answers: list[dict[str, Any]] = []

    def changed(state: runtime.State) -> runtime.State:
        after, answer = change(state, given, time.time())
        answers.append(answer)
        return after

    gateway.records.change_runtime(tenant, session_id, changed)
    return answers[0]


def _state(gateway: Gateway, who: Principal, session_id: str, project_id: str | None) -> runtime.State:
    """The notes of a session that exists. Raises Refused (404)."""
    for tenant in tenants_of(gateway, who, project_id):
        state = gateway.records.runtime(tenant, session_id)
        if state is not None:
            return state
    try:
        session_tenant(gateway, who, session_id, project_id)
    except Refused as error:
        raise (not_found("trace") if error.status == 404 else error) from None
    return {}
