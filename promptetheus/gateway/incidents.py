"""Incidents: the ways in which a project's sessions fail, told from the sessions themselves, and what people decided
about them. Nothing is written when a session fails, so nothing can be out of date."""

from __future__ import annotations

import hashlib
from typing import Any

from promptetheus.cause.failures import Failure, Life, failures
from promptetheus.clock import format_timestamp, now_timestamp, parse_timestamp
from promptetheus.fingerprint import marked_label
from promptetheus.gateway.errors import Refused, not_found
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.session_json import as_json
from promptetheus.gateway.sessions import all_events, analysed
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores.database import Row
from promptetheus.redaction import REDACTION_PLACEHOLDER, build_default_redactor

STATUSES = ("new", "triaged", "fixing", "verified", "ignored")

HIGH_FROM = 3
"""So many sessions make an incident severe, as does one that was thought to be gone."""

WINDOW = 3
"""Events before and after each piece of evidence that a context shows."""

MAX_CONTEXT_EVENTS = 200
_MAX_TEXT = 2000


def incident_id(tenant: Tenant, fingerprint: str) -> str:
    """The id of a way of failing in a project."""
    project = hashlib.sha256(tenant.project_id.encode()).hexdigest()[:12]
    return f"inc_{project}_{fingerprint}"


def incidents(gateway: Gateway, tenant: Tenant) -> list[Row]:
    """The incidents of a project, the one seen last first."""
    states = gateway.records.incident_states(tenant)
    return [
        _incident(tenant, failure, states.get(failure.fingerprint))
        for failure in failures(gateway.events.outcomes(tenant))
    ]


def find(gateway: Gateway, tenants: list[Tenant], wanted: str) -> tuple[Tenant, Row]:
    """An incident by its id. Raises Refused (404)."""
    for tenant in tenants:
        if wanted.startswith(incident_id(tenant, "")):
            for found in incidents(gateway, tenant):
                if found["id"] == wanted:
                    return tenant, found
    raise not_found("incident")


def change(gateway: Gateway, tenant: Tenant, incident: Row, changes: dict[str, Any]) -> Row:
    """Set `status`, `owner_id` or `pr_url`. Raises Refused (400)."""
    state = {name: incident[name] for name in ("status", "owner_id", "pr_url")}
    if "status" in changes:
        if changes["status"] not in STATUSES:
            raise Refused(400, f"status must be one of {', '.join(STATUSES)}")
        state["status"] = changes["status"]
    for name in ("owner_id", "pr_url"):
        if name in changes:
            value = changes[name]
            if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
                raise Refused(400, f"{name} must be a text of at most {_MAX_TEXT} characters, or null")
            state[name] = value.replace("\0", "") if value is not None else None
    gateway.records.set_incident(tenant, incident["fingerprint"], {**state, "status_at": now_timestamp()})
    return {**incident, **state, "reopened": False}


def context(gateway: Gateway, tenant: Tenant, incident: Row) -> Row:
    """What one needs to look at an incident: its latest session, the failing events and those near, redacted."""
    session_id = incident["representative_session_id"]
    row = gateway.events.row(tenant, session_id)
    events = all_events(gateway, tenant, session_id)
    analysis = analysed(events, session_id) or {}
    evidence = set(analysis.get("evidence_refs", ()))
    places = [place for place, event in enumerate(events) if event.get("seq") in evidence]
    near = sorted({near for place in places for near in range(place - WINDOW, place + WINDOW + 1)})
    chosen = {0, *(place for place in near if 0 <= place < len(events))} if events else set()
    redact = build_default_redactor()
    shown = [redact(events[place]) for place in sorted(chosen)[:MAX_CONTEXT_EVENTS]]
    masked = sum(str(event).count(REDACTION_PLACEHOLDER) for event in shown)
    session = redact({"session": as_json(row, tenant)})["session"] if row is not None else None
    replay = next(
        (
            record
            for record in gateway.records.artifacts_of(tenant, session_id)
            if record.artifact_type == "replay"
        ),
        None,
    )
    return {
        "incident": incident,
        "source": (session or {}).get("source") or "unknown",
        "representative_session_id": session_id,
        "session": session,
        "user_goal": (session or {}).get("user_goal", ""),
        "critical_step_seq": analysis.get("critical_step_seq"),
        "root_cause": redact({"text": analysis.get("root_cause")})["text"],
        "labels": analysis.get("labels", []),
        "evidence": [{"label": incident["label"], "evidence_refs": sorted(evidence)}],
        "events": shown,
        "events_left_out": len(events) - len(shown),
        "replay_artifact": replay
        and {"artifact_id": replay.artifact_id, "storage_path": replay.storage_path},
        "redaction_summary": {
            "events_redacted": sum(REDACTION_PLACEHOLDER in str(event) for event in shown),
            "fields_masked": masked,
            "policy": "default",
        },
        "verified": False,
    }


def _incident(tenant: Tenant, failure: Failure, state: Row | None) -> Row:
    kept = state or {"status": "new", "owner_id": None, "pr_url": None, "status_at": None}
    decided_s = parse_timestamp(kept["status_at"])
    # What was said to be verified and happens again is not.
    reopened = kept["status"] == "verified" and decided_s is not None and failure.last_s > decided_s
    severe = failure.sessions >= HIGH_FROM or failure.life is Life.BACK or reopened
    return {
        "id": incident_id(tenant, failure.fingerprint),
        "workspace_id": tenant.workspace_id,
        "project_id": tenant.project_id,
        "fingerprint": failure.fingerprint,
        "label": failure.label,
        "title": marked_label(failure.label),
        "severity": "high" if severe else "medium",
        "status": "new" if reopened else kept["status"],
        "reopened": reopened,
        "life": failure.life.value,
        "owner_id": kept["owner_id"],
        "pr_url": kept["pr_url"],
        "session_count": failure.sessions,
        "session_ids": list(failure.examples),
        "representative_session_id": failure.examples[0],
        "agents": list(failure.agents),
        "first_seen": _time(failure.first_s),
        "last_seen": _time(failure.last_s),
        "sessions_since": failure.since,
        "per_day": dict(failure.per_day),
    }


def _time(moment_s: float) -> str | None:
    try:
        return format_timestamp(moment_s)
    except (ValueError, OverflowError, OSError):  # a time outside the calendar
        return None
