"""Incidents by project and fingerprint, and their life."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from promptetheus.gateway import incidents, schemas
from promptetheus.gateway.answers import Json
from promptetheus.gateway.auth import Admin, Part, Reader, tenants_of
from promptetheus.gateway.bodies import json_body
from promptetheus.gateway.errors import Refused
from promptetheus.gateway.identity import Principal
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.database import Row

router = APIRouter(tags=["incidents"])

_SEARCHED = ("label", "title", "severity", "status", "fingerprint", "life")
_CHANGES = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "status": {"enum": list(incidents.STATUSES)},
                        "owner_id": {"type": ["string", "null"], "maxLength": 2000},
                    },
                }
            }
        }
    }
}
_LINK = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["pr_url"],
                    "properties": {"pr_url": {"type": "string", "minLength": 1, "maxLength": 2000}},
                }
            }
        }
    }
}


@router.get("/api/incidents", response_model=schemas.Incidents, summary="How sessions fail")
def list_incidents(
    gateway: Part,
    who: Reader,
    project_id: str | None = None,
    q: str = "",
    status: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """The ways of failing of each project, the one seen last first. `q` looks into label, severity and status."""
    wanted = q.casefold()
    found = [
        incident
        for tenant in tenants_of(gateway, who, project_id)
        for incident in incidents.incidents(gateway, tenant)
        if status in (None, incident["status"])
        and any(wanted in str(incident[name]).casefold() for name in _SEARCHED)
    ]
    found.sort(key=lambda incident: incident["last_seen"] or "", reverse=True)
    return Json({"incidents": found[:limit]})


@router.get("/api/incidents/{incident_id}", response_model=schemas.OneIncident, summary="One incident")
def one_incident(gateway: Part, who: Reader, incident_id: str) -> Json:
    """A way of failing, and what was decided about it."""
    return Json({"incident": incidents.find(gateway, tenants_of(gateway, who, None), incident_id)[1]})


@router.get(
    "/api/incidents/{incident_id}/context",
    response_model=schemas.Context,
    summary="What one needs to look at it",
)
def incident_context(gateway: Part, who: Reader, incident_id: str) -> Json:
    """The latest session that failed so, the failing events with what surrounds them, redacted."""
    tenant, found = incidents.find(gateway, tenants_of(gateway, who, None), incident_id)
    return Json({"context": incidents.context(gateway, tenant, found)})


@router.patch(
    "/api/incidents/{incident_id}",
    response_model=schemas.OneIncident,
    openapi_extra=_CHANGES,
    summary="Decide about an incident",
)
async def change_incident(gateway: Part, who: Admin, request: Request, incident_id: str) -> Json:
    """Set `status` (new, triaged, fixing, verified, ignored) or `owner_id`. What is verified and happens again is
    new."""
    given = await json_body(gateway, request)
    changes: dict[str, object] = {name: given[name] for name in ("status", "owner_id") if name in given}
    return Json(
        {"incident": await run_in_threadpool(_changed, gateway, who, incident_id, changes, "incident_update")}
    )


@router.post(
    "/api/incidents/{incident_id}/pr-link",
    response_model=schemas.OneIncident,
    openapi_extra=_LINK,
    summary="Link a pull request",
)
async def link_pull_request(gateway: Part, who: Admin, request: Request, incident_id: str) -> Json:
    """Remember where the failure is being mended. The address is kept, not called."""
    given = await json_body(gateway, request)
    url = given.get("pr_url")
    if not isinstance(url, str) or not url.strip():
        raise Refused(400, "pr_url must be a text that is not empty")
    changes = {"pr_url": url}
    return Json(
        {
            "incident": await run_in_threadpool(
                _changed, gateway, who, incident_id, changes, "incident_pr_link"
            )
        }
    )


def _changed(gateway: Gateway, who: Principal, wanted: str, changes: Row, action: str) -> Row:
    tenant, found = incidents.find(gateway, tenants_of(gateway, who, None), wanted)
    changed = incidents.change(gateway, tenant, found, changes)
    gateway.accounts.note(tenant, action, who.actor, {"incident_id": wanted, **changes})
    return changed
