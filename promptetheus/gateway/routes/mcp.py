"""Evidence for coding agents: the MCP of a project over streamable HTTP, and the five endpoints of release 2.0.1.

Both are read only and see one project: that of the key, or one of a console user's.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Part, Reader, door_of, gateway_of, reader, tenants_of
from promptetheus.gateway.bodies import json_body
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import Principal, Tenant
from promptetheus.gateway.project_spools import ProjectSpools
from promptetheus.gateway.state import Gateway
from promptetheus.mcp import classic
from promptetheus.mcp.answers import Answer, write
from promptetheus.mcp.answers import Refused as Unanswerable
from promptetheus.mcp.evidence import Evidence

MAX_PROJECTS = 32
"""So many projects are kept open; the one asked for the longest time ago is closed."""

router = APIRouter(tags=["mcp"])


class ProjectEvidence:
    """The evidence of each project, opened when it is asked for."""

    def __init__(self, gateway: Gateway) -> None:
        self._spools = ProjectSpools(gateway.events)
        self._open: OrderedDict[Tenant, Evidence] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tenant: Tenant) -> Evidence:
        """The evidence of a project, as new as its store."""
        spool = self._spools.spool_of(tenant)
        with self._lock:
            found = self._open.pop(tenant, None) or Evidence(spool)
            self._open[tenant] = found
            surplus = self._open.popitem(last=False)[1] if len(self._open) > MAX_PROJECTS else None
        if surplus is not None:
            surplus.close()
        return found

    def close(self) -> None:
        """Close all."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
        self._spools.close()


class HostedMCP:
    """The ASGI application at `/mcp/{workspace}/{project_ref}`. Each request stands for itself, so that it may reach
    any of several gateways."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        who = await reader(await door_of(request).principal(request))
        gateway = gateway_of(request)
        workspace, project = request.path_params["workspace"], request.path_params["project_ref"]
        tenant = await run_in_threadpool(_tenant, gateway, who, workspace, project)
        try:
            from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

            from promptetheus.mcp.server import build_server
        except ModuleNotFoundError:
            raise Refused(501, 'MCP needs one more package here: pip install "promptetheus[mcp]"') from None
        evidence = await run_in_threadpool(evidence_of(request).of, tenant)
        server = build_server(evidence)
        manager = StreamableHTTPSessionManager(server._lowlevel_server, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)


def evidence_of(request: Request) -> ProjectEvidence:
    """The evidence of the gateway that serves this request."""
    found: ProjectEvidence = request.app.state.evidence
    return found


def _tenant(gateway: Gateway, who: Principal, workspace: str, project: str) -> Tenant:
    """The project by its id or name, among those that the principal sees. Another's is not found."""
    for tenant in tenants_of(gateway, who, None):
        row = gateway.accounts.project(tenant.workspace_id, tenant.project_id) or {}
        if project in (tenant.project_id, row.get("name")) and _is_workspace(gateway, tenant, workspace):
            return tenant
    raise not_found("project")


def _is_workspace(gateway: Gateway, tenant: Tenant, workspace: str) -> bool:
    if workspace == tenant.workspace_id:
        return True
    row = gateway.accounts.workspace(tenant.workspace_id)
    return row is not None and row.get("name") == workspace


def _described(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


_TEXT = {"type": ["string", "null"]}
_ABOUT = _described(incident_id=_TEXT, session_id=_TEXT, run_id=_TEXT)


@router.post("/mcp/failure-context", openapi_extra=_ABOUT, summary="What happened in a failing session")
async def failure_context(gateway: Part, who: Reader, request: Request) -> Json:
    """By session, or the newest of an incident."""
    given = await json_body(gateway, request)
    incident, session = _text(given, "incident_id"), _text(given, "session_id") or _text(given, "run_id")
    return await _answered(
        gateway, who, request, given, lambda e: classic.failure_context(e, incident, session)
    )


@router.post("/mcp/promptetheus/evidence", openapi_extra=_ABOUT, summary="Where a failing session departs")
async def evidence(gateway: Part, who: Reader, request: Request) -> Json:
    """Held against the nearest passing one."""
    given = await json_body(gateway, request)
    services = given.get("services")
    names = [name for name in services if isinstance(name, str)] if isinstance(services, list) else None
    incident, session = _text(given, "incident_id"), _text(given, "session_id")
    limit = given.get("limit", classic.DEFAULT_LIMIT)
    return await _answered(
        gateway,
        who,
        request,
        given,
        lambda e: classic.failure_evidence(e, incident, session, names, limit),
    )


@router.post(
    "/mcp/promptetheus/logs/search",
    openapi_extra=_described(service=_TEXT, query=_TEXT, limit={"type": ["integer", "null"]}),
    summary="Where a text stands",
)
async def logs(gateway: Part, who: Reader, request: Request) -> Json:
    """In everything that was recorded."""
    given = await json_body(gateway, request)
    service, query = _text(given, "service"), _text(given, "query")
    if not service and not query:
        raise Refused(400, "say which service or query")
    return await _answered(
        gateway,
        who,
        request,
        given,
        lambda e: classic.search_logs(e, service, query, given.get("limit", classic.DEFAULT_LIMIT)),
    )


@router.post("/mcp/promptetheus/advisors", openapi_extra=_ABOUT, summary="What to look at")
async def advisors(gateway: Part, who: Reader, request: Request) -> Json:
    """The situation, or one incident."""
    given = await json_body(gateway, request)
    incident = _text(given, "incident_id")
    return await _answered(gateway, who, request, given, lambda e: classic.advisors(e, incident))


@router.post("/mcp/fix-brief", openapi_extra=_ABOUT, summary="Where to mend")
async def fix_brief(gateway: Part, who: Reader, request: Request) -> Json:
    """The comparison with a passing session, or the outline."""
    given = await json_body(gateway, request)
    incident, session = _text(given, "incident_id"), _text(given, "session_id")
    wants = given.get("include_evidence") is not False
    return await _answered(
        gateway, who, request, given, lambda e: classic.fix_brief(e, incident, session, wants)
    )


async def _answered(
    gateway: Gateway,
    who: Principal,
    request: Request,
    given: dict[str, Any],
    ask: Callable[[Evidence], Answer],
) -> Json:
    project = _text(given, "project_ref") or request.query_params.get("project_id")
    tenants = await run_in_threadpool(tenants_of, gateway, who, project or None)

    def work() -> dict[str, Any]:
        written = write(ask(evidence_of(request).of(tenants[0])))
        return {"ok": True, "text": written.text(), **written.as_json()}

    try:
        return Json(await run_in_threadpool(work))
    except Unanswerable as refusal:
        raise Refused(404, str(refusal)[:1000]) from None


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""
