"""Workspaces, projects, keys, agents and the audit log."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from promptetheus.clock import format_timestamp, parse_timestamp
from promptetheus.gateway import schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Admin, Anyone, Console, Part, Reader, door_of, tenants_of
from promptetheus.gateway.bodies import json_body
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import DEFAULT_SCOPES, Principal, Scope, Tenant
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.database import Row
from promptetheus.gateway.stores.keys import TooManyKeys

router = APIRouter(tags=["projects"])

MAX_NAME_LENGTH = 120
MAX_RETENTION_DAYS = 3650
MAX_OVERLAP_S = 30 * 86_400.0

_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH}


def _described(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


@router.post(
    "/api/onboarding/bootstrap",
    response_model=schemas.Bootstrapped,
    responses={201: {"model": schemas.Bootstrapped, "description": "Something was made."}},
    openapi_extra=_described(
        workspace_name=_NAME, project_name=_NAME, agent_name=_NAME, new_key={"type": "boolean"}
    ),
    summary="A workspace, a project and its first key",
)
async def bootstrap(gateway: Part, who: Anyone, request: Request) -> Json:
    """What is there is used, what is missing is made. The key is shown when it is made: for the first one of a
    project, and for a further one with `new_key`."""
    if who.kind != "console":
        raise Refused(401, "bootstrap needs a console token")
    given = await json_body(gateway, request)
    return await run_in_threadpool(_bootstrap, gateway, who, given)


@router.get("/api/projects", response_model=schemas.Projects, summary="The projects of the workspace")
def list_projects(gateway: Part, who: Reader) -> Json:
    """With the previews of their keys. A key sees its own project."""
    tenants = tenants_of(gateway, who, None)
    workspace = {"id": who.workspace_id, "user_id": who.user_id or None, "role": who.role or None}
    return Json({"workspace": workspace, "projects": [_project(gateway, tenant) for tenant in tenants]})


@router.patch(
    "/api/projects/{project_id}",
    response_model=schemas.OneProject,
    openapi_extra=_described(
        name=_NAME, retention_days={"type": ["integer", "null"], "minimum": 0, "maximum": MAX_RETENTION_DAYS}
    ),
    summary="Change a project",
)
async def change_project(gateway: Part, who: Admin, request: Request, project_id: str) -> Json:
    """Its `name` or `retention_days` (null: sessions are kept for ever)."""
    given = await json_body(gateway, request)
    changes: dict[str, Any] = {}
    if "name" in given:
        changes["name"] = _name(given, "name", "")
    if "retention_days" in given:
        days = given["retention_days"]
        if days is not None and (type(days) is not int or not 0 <= days <= MAX_RETENTION_DAYS):
            raise Refused(400, f"retention_days is a number from 0 to {MAX_RETENTION_DAYS}, or null")
        changes["retention_days"] = days
    return Json({"project": await run_in_threadpool(_changed, gateway, who, project_id, changes)})


@router.get(
    "/api/projects/{project_id}/keys", response_model=schemas.ApiKeys, summary="The keys of a project"
)
def list_keys(gateway: Part, who: Admin, project_id: str) -> Json:
    """All keys, also those that have ended; never the keys themselves."""
    [tenant] = tenants_of(gateway, who, project_id)
    return Json({"keys": [key.as_json() for key in gateway.keys.of_project(tenant)]})


@router.post(
    "/api/projects/{project_id}/keys",
    status_code=201,
    response_model=schemas.NewKey,
    openapi_extra=_described(
        name=_NAME,
        scopes={"type": "array", "items": {"enum": [scope.value for scope in Scope]}, "minItems": 1},
        expires_at={"type": ["string", "null"], "format": "date-time"},
    ),
    summary="Make a key",
)
async def add_key(gateway: Part, who: Admin, request: Request, project_id: str) -> Json:
    """A further key with its own scopes (ingest, read, admin) and end. The others stay."""
    given = await json_body(gateway, request)
    scopes, expires_at = _scopes(given.get("scopes")), _end(given.get("expires_at"))
    name = _name(given, "name", "key")
    return Json(await run_in_threadpool(_added, gateway, who, project_id, name, scopes, expires_at), 201)


@router.delete(
    "/api/projects/{project_id}/keys/{key_id}", response_model=schemas.Deleted, summary="End a key"
)
async def revoke_key(gateway: Part, who: Admin, request: Request, project_id: str, key_id: str) -> Json:
    """At once here, within seconds on other gateways."""
    await run_in_threadpool(_revoked, gateway, who, project_id, key_id)
    door_of(request).forget()
    return Json({"deleted": True})


@router.post(
    "/api/projects/{project_id}/api-key",
    status_code=201,
    response_model=schemas.NewKey,
    openapi_extra=_described(overlap_seconds={"type": "number", "minimum": 0, "maximum": MAX_OVERLAP_S}),
    summary="Rotate the keys of a project",
)
async def rotate_key(gateway: Part, who: Admin, request: Request, project_id: str) -> Json:
    """A new key; those before it end after `overlap_seconds` (default 0), so that agents can change one by one."""
    given = await json_body(gateway, request)
    overlap = given.get("overlap_seconds", 0)
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or not 0 <= overlap <= MAX_OVERLAP_S:
        raise Refused(400, f"overlap_seconds is a number from 0 to {MAX_OVERLAP_S:.0f}")
    answer = await run_in_threadpool(_rotated, gateway, who, project_id, float(overlap))
    door_of(request).forget()
    return Json(answer, 201)


@router.get("/api/agents", response_model=schemas.Agents, summary="Agents")
def list_agents(gateway: Part, who: Reader, project_id: str | None = None) -> Json:
    """The agents that were declared in each project."""
    return Json({"agents": gateway.accounts.agents(tenants_of(gateway, who, project_id))})


@router.post(
    "/api/agents",
    status_code=201,
    response_model=schemas.OneAgent,
    responses={200: {"model": schemas.OneAgent, "description": "It was there already."}},
    openapi_extra=_described(name=_NAME, project_id={"type": ["string", "null"]}),
    summary="Declare an agent",
)
async def add_agent(gateway: Part, who: Console, request: Request) -> Json:
    """The agent of this name in the project."""
    given = await json_body(gateway, request)
    project_id = given.get("project_id")
    if project_id is not None and not isinstance(project_id, str):
        raise Refused(400, "project_id must be a string")
    name = _name(given, "name", "")
    agent, is_new = await run_in_threadpool(_agent, gateway, who, project_id, name)
    return Json({"agent": agent}, 201 if is_new else 200)


@router.get("/api/audit", response_model=schemas.Audit, summary="Who changed what")
def audit(
    gateway: Part,
    who: Admin,
    project_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """The newest lines of the audit log, of the project or of all projects that the credential sees."""
    tenants = tenants_of(gateway, who, project_id)
    if not tenants:
        raise not_found("project")
    only = tenants[0].project_id if who.project_id or project_id else None
    return Json({"audit": gateway.accounts.audit(tenants[0].workspace_id, only, limit)})


def _bootstrap(gateway: Gateway, who: Principal, given: dict[str, Any]) -> Json:
    accounts = gateway.accounts
    workspace_name = _name(given, "workspace_name", "Promptetheus Workspace")
    project_name = _name(given, "project_name", "Default Project")
    agent_name = _name(given, "agent_name", "") if given.get("agent_name") is not None else None
    member = accounts.membership(who.user_id, who.workspace_id)
    created_workspace = member is None
    if member is None:
        accounts.add_workspace(workspace_name, who.user_id)
        member = accounts.membership(who.user_id)
    assert member is not None
    if member.role != "owner":
        raise Refused(403, "only an owner of the workspace can set up a project")
    project, created_project = accounts.add_project(member.workspace_id, project_name)
    tenant = Tenant(member.workspace_id, project["id"])
    valid = [key for key in gateway.keys.of_project(tenant) if key.is_valid(time.time())]
    secret = None
    if not valid or given.get("new_key") is True:
        key, secret = _new_key(gateway, tenant, "init", DEFAULT_SCOPES, None)
        valid = [key, *valid]
    agent, created_agent = accounts.add_agent(tenant, agent_name) if agent_name else (None, False)
    is_new = created_workspace or created_project or secret is not None or created_agent
    if is_new:
        accounts.note(tenant, "onboarding_bootstrap", who.actor, {"project": project_name})
    return Json(
        {
            "workspace": accounts.workspace(member.workspace_id),
            "membership": member._asdict(),
            "project": _project(gateway, tenant),
            "api_key": secret,
            "api_key_preview": valid[0].preview,
            "agent": agent,
            "created_workspace": created_workspace,
            "created_project": created_project,
            "api_key_created": secret is not None,
        },
        201 if is_new else 200,
    )


def _project(gateway: Gateway, tenant: Tenant) -> Row:
    row = gateway.accounts.project(tenant.workspace_id, tenant.project_id)
    if row is None:
        raise not_found("project")
    valid = [key for key in gateway.keys.of_project(tenant) if key.is_valid(time.time())]
    newest = valid[0] if valid else None
    return {
        **row,
        "api_key_preview": newest.preview if newest else None,
        "api_key_rotated_at": newest.created_at if newest else None,
    }


def _changed(gateway: Gateway, who: Principal, project_id: str, changes: dict[str, Any]) -> Row:
    [tenant] = tenants_of(gateway, who, project_id)
    if changes:
        gateway.accounts.change_project(tenant, changes)
        gateway.accounts.note(tenant, "project_update", who.actor, changes)
    return _project(gateway, tenant)


def _added(
    gateway: Gateway,
    who: Principal,
    project_id: str,
    name: str,
    scopes: frozenset[Scope],
    expires_at: str | None,
) -> Row:
    [tenant] = tenants_of(gateway, who, project_id)
    if not scopes <= who.scopes:
        raise Refused(403, "a key cannot be given more than the credential itself allows")
    key, secret = _new_key(gateway, tenant, name, scopes, expires_at)
    gateway.accounts.note(tenant, "api_key_add", who.actor, {"key_id": key.key_id, "scopes": sorted(scopes)})
    return _shown_once(gateway, tenant, key, secret)


def _rotated(gateway: Gateway, who: Principal, project_id: str, overlap_s: float) -> Row:
    [tenant] = tenants_of(gateway, who, project_id)
    try:
        key, secret = gateway.keys.rotate(tenant, overlap_s)
    except TooManyKeys as error:
        raise Refused(400, str(error)) from None
    gateway.accounts.note(
        tenant, "project_api_key_rotate", who.actor, {"key_id": key.key_id, "overlap_seconds": overlap_s}
    )
    return _shown_once(gateway, tenant, key, secret)


def _shown_once(gateway: Gateway, tenant: Tenant, key: Any, secret: str) -> Row:
    return {
        "project": _project(gateway, tenant),
        "api_key": secret,
        "api_key_preview": key.preview,
        "key": key.as_json(),
    }


def _revoked(gateway: Gateway, who: Principal, project_id: str, key_id: str) -> None:
    [tenant] = tenants_of(gateway, who, project_id)
    if not gateway.keys.revoke(tenant, key_id):
        raise not_found("key")
    gateway.accounts.note(tenant, "api_key_revoke", who.actor, {"key_id": key_id})


def _agent(gateway: Gateway, who: Principal, project_id: str | None, name: str) -> tuple[Row, bool]:
    tenants = tenants_of(gateway, who, project_id)
    if not tenants:
        raise not_found("project")
    agent, is_new = gateway.accounts.add_agent(tenants[0], name)
    if is_new:
        gateway.accounts.note(tenants[0], "agent_create", who.actor, {"name": name})
    return agent, is_new


def _new_key(
    gateway: Gateway, tenant: Tenant, name: str, scopes: frozenset[Scope], expires_at: str | None
) -> tuple[Any, str]:
    try:
        return gateway.keys.add(tenant, name, scopes, expires_at)
    except TooManyKeys as error:
        raise Refused(400, str(error)) from None


def _name(given: dict[str, Any], field: str, default: str) -> str:
    value = given.get(field, default)
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > MAX_NAME_LENGTH or "\0" in name:
        raise Refused(400, f"{field} must be a text of 1 to {MAX_NAME_LENGTH} characters")
    return name


def _scopes(given: object) -> frozenset[Scope]:
    if given is None:
        return DEFAULT_SCOPES
    known = {scope.value: scope for scope in Scope}
    if (
        not isinstance(given, list)
        or not given
        or not all(isinstance(name, str) and name in known for name in given)
    ):
        raise Refused(400, f"scopes is a list of {', '.join(known)}")
    return frozenset(known[name] for name in given)


def _end(given: object) -> str | None:
    if given is None:
        return None
    moment = parse_timestamp(given)
    if moment is None:
        raise Refused(400, "expires_at must be a time in ISO 8601, or null")
    try:
        return format_timestamp(moment)
    except (ValueError, OverflowError, OSError):
        raise Refused(400, "expires_at lies outside the calendar") from None
