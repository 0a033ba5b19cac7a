"""Reading sessions: lists, one of them, its events, what went wrong, and deleting it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from promptetheus.gateway import schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Admin, Part, Reader, session_tenant, tenants_of
from promptetheus.gateway.cursors import cursor_of, event_place, session_place
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.session_json import as_json, declared_as_json
from promptetheus.gateway.sessions import analysis_of, delete_session
from promptetheus.gateway.state import Gateway
from promptetheus.queries.filter import Filter, parse_filter
from promptetheus.queries.paging import newest_first
from promptetheus.queries.rows import SessionRow

router = APIRouter(tags=["sessions"])

MAX_PAGE = 1000
MAX_EVENTS_PAGE = 10_000
MAX_LOOKED_AT = 20_000
"""Sessions that one request with a filter looks through; its answer says where to go on."""

_READ_AT_ONCE = 500

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Project = Annotated[str | None, Query(description="One of the projects that the credential sees.")]


@router.get("/api/sessions", response_model=schemas.Sessions, summary="List sessions, newest first")
def list_sessions(
    gateway: Part,
    who: Reader,
    project_id: Project = None,
    status: str | None = None,
    agent: str | None = None,
    environment: str | None = None,
    filter: Annotated[str, Query(description="As in the terminal: status:failed agent:booking dur>2s")] = "",
    limit: Limit = 100,
    cursor: str | None = None,
) -> Json:
    """Sessions with their status, times, counts, cost and fingerprint."""
    wanted = _wanted(filter, status, agent, environment)
    after = None if cursor is None else session_place(cursor)
    tenants = tenants_of(gateway, who, project_id)
    found, place, is_all = _looked_through(gateway, tenants, wanted, limit, after)
    sessions = [as_json(row, tenant, gateway.records.trace(tenant, row.session_id)) for tenant, row in found]
    if after is None and not wanted:
        waiting = [
            declared_as_json(trace, tenant)
            for tenant in tenants
            for trace in gateway.records.traces_without_events(tenant)
        ]
        sessions = waiting[:limit] + sessions
    return Json({"sessions": sessions, "next_cursor": None if is_all or place is None else cursor_of(place)})


@router.get("/api/sessions/{trace_id:path}", response_model=schemas.OneSession, summary="One session")
def one_session(gateway: Part, who: Reader, trace_id: str, project_id: Project = None) -> Json:
    """A session as lists show it."""
    tenant = session_tenant(gateway, who, trace_id, project_id)
    return Json({"session": _session(gateway, tenant, trace_id)})


@router.delete("/api/sessions/{trace_id:path}", response_model=schemas.Deleted, summary="Delete a session")
def remove_session(gateway: Part, who: Admin, trace_id: str, project_id: Project = None) -> Json:
    """Delete its events, its notes, and the artifacts that no other session has."""
    tenant = session_tenant(gateway, who, trace_id, project_id)
    delete_session(gateway, tenant, trace_id)
    gateway.accounts.note(tenant, "session_delete", who.actor, {"session_id": trace_id})
    return Json({"deleted": True})


@router.get(
    "/api/traces/{trace_id:path}/events", response_model=schemas.Events, summary="The events of a session"
)
def list_events(
    gateway: Part,
    who: Reader,
    trace_id: str,
    project_id: Project = None,
    after_seq: Annotated[int | None, Query(ge=-1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS_PAGE)] = MAX_EVENTS_PAGE,
    cursor: str | None = None,
) -> Json:
    """Events by `seq`, equal ones in the order of arrival."""
    tenant = session_tenant(gateway, who, trace_id, project_id)
    after = (after_seq, 2**62) if after_seq is not None else None
    if cursor is not None:
        after = event_place(cursor)
    found = gateway.events.events(tenant, trace_id, after, limit + 1)
    page = found[:limit]
    more = cursor_of(page[-1][0]) if len(found) > limit else None
    return Json({"events": [scoped(event, tenant) for _, event in page], "next_cursor": more})


@router.get(
    "/api/traces/{trace_id:path}/analysis", response_model=schemas.Analysis, summary="How a session failed"
)
def analysis(gateway: Part, who: Reader, trace_id: str, project_id: Project = None) -> Json:
    """Its fingerprint, label and the step to look at first; null when it did not fail."""
    tenant = session_tenant(gateway, who, trace_id, project_id)
    return Json({"analysis": analysis_of(gateway, tenant, trace_id)})


def scoped(event: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    """An event with the project it belongs to, as the gateway knows it."""
    return {**event, "workspace_id": tenant.workspace_id, "project_id": tenant.project_id}


def _session(gateway: Gateway, tenant: Tenant, session_id: str) -> dict[str, Any]:
    row, declared = gateway.events.row(tenant, session_id), gateway.records.trace(tenant, session_id)
    if row is not None:
        return as_json(row, tenant, declared)
    if declared is not None:
        return declared_as_json(declared, tenant)
    raise not_found("trace")


def _wanted(text: str, status: str | None, agent: str | None, environment: str | None) -> Filter:
    terms = [text]
    for name, value in (("status", status), ("agent", agent), ("env", environment)):
        if value:
            plain = value.replace('"', "")
            terms.append(f'{name}:="{plain}"')
    wanted = parse_filter(" ".join(terms))
    if wanted.problems:
        raise Refused(400, f"filter: {wanted.problems[0]}")
    return wanted


def _looked_through(
    gateway: Gateway,
    tenants: list[Tenant],
    wanted: Filter,
    limit: int,
    after: tuple[float, str] | None,
) -> tuple[list[tuple[Tenant, SessionRow]], tuple[float, str] | None, bool]:
    """Sessions that match, the place up to which was looked, and whether that was the end."""
    found: list[tuple[Tenant, SessionRow]] = []
    looked_at = 0
    size = _READ_AT_ONCE if wanted else limit + 1
    while looked_at < MAX_LOOKED_AT:
        rows = sorted(
            ((tenant, row) for tenant in tenants for row in gateway.events.rows(tenant, after, size)),
            key=lambda pair: newest_first(pair[1]),
        )[:size]
        for tenant, row in rows:
            if len(found) == limit:
                return found, after, False
            after = newest_first(row)
            if wanted.matches(row):
                found.append((tenant, row))
        looked_at += len(rows)
        if len(rows) < size:
            return found, after, True
    return found, after, False
