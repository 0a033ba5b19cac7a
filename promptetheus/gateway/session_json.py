"""A session as the API shows it."""

from __future__ import annotations

from typing import Any

from promptetheus.clock import format_timestamp
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.stores.database import Row
from promptetheus.queries.rows import SessionRow


def as_json(row: SessionRow, tenant: Tenant, declared: Row | None = None) -> dict[str, Any]:
    """The session; `declared`: what its trace was declared with, where its events do not say it."""
    told = declared or {}
    return {
        "id": row.session_id,
        "session_id": row.session_id,
        "workspace_id": tenant.workspace_id,
        "project_id": tenant.project_id,
        "agent": row.agent or told.get("agent") or "",
        "user_goal": row.goal or told.get("user_goal") or "",
        "environment": row.environment or told.get("environment") or "",
        "source": told.get("source"),
        "status": str(row.status),
        "started_at": _time(row.started),
        "ended_at": _time(row.ended),
        "received_at": _time(row.mtime),
        "duration_ms": row.duration_ms,
        "event_count": row.events,
        "step_count": row.steps,
        "error_count": row.errors,
        "failed_checks": row.failed_checks,
        "passed_checks": row.passed_checks,
        "tool_calls": row.tool_calls,
        "llm_calls": row.llm_calls,
        "types": dict(row.types),
        "tools": dict(row.tools),
        "models": {
            model: {
                "calls": used.calls,
                "input_tokens": used.input_tokens,
                "output_tokens": used.output_tokens,
            }
            for model, used in row.usage.items()
        },
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": row.cost_usd,
        "unpriced_calls": row.unpriced_calls,
        "scores": dict(row.scores),
        "fingerprint": row.fingerprint,
        "label": row.label,
        "labels": [row.label] if row.label else [],
        "error": row.error,
        "tags": list(row.tags) or told.get("tags") or [],
        "metadata": {**(told.get("metadata") or {}), **row.metadata},
        "size_bytes": row.size_bytes,
        "imported": row.imported,
    }


def declared_as_json(declared: Row, tenant: Tenant) -> dict[str, Any]:
    """A declared trace that has sent nothing yet."""
    return {
        "id": declared["id"],
        "session_id": declared["id"],
        "workspace_id": tenant.workspace_id,
        "project_id": tenant.project_id,
        "agent": declared.get("agent") or "",
        "user_goal": declared.get("user_goal") or "",
        "environment": declared.get("environment") or "",
        "source": declared.get("source"),
        "status": "running",
        "started_at": declared["started_at"],
        "ended_at": None,
        "duration_ms": None,
        "event_count": 0,
        "error_count": 0,
        "cost_usd": None,
        "fingerprint": "",
        "labels": [],
        "tags": declared.get("tags") or [],
        "metadata": declared.get("metadata") or {},
    }


def _time(seconds: float | None) -> str | None:
    try:
        return None if seconds is None else format_timestamp(seconds)
    except (ValueError, OverflowError, OSError):  # a time outside the calendar
        return None
