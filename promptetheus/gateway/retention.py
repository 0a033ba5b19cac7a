"""Deleting sessions that are older than their project keeps them."""

from __future__ import annotations

import time
from typing import Any

from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.sessions import delete_session
from promptetheus.gateway.state import Gateway

DAY_S = 86_400.0


def run_retention(
    gateway: Gateway, actor: str, *, project_id: str | None = None, limit: int = 1000, dry_run: bool = False
) -> dict[str, Any]:
    """Delete at most `limit` sessions whose last event is past the retention of their project.

    A project without a retention keeps everything; one of 0 days keeps nothing. A session of which something could
    not be deleted stays on the list.
    """
    matched = deleted = artifacts = 0
    failures: list[dict[str, str]] = []
    for tenant, days in gateway.accounts.with_retention():
        if project_id not in (None, tenant.project_id) or matched >= limit:
            continue
        old = gateway.events.older_than(tenant, time.time() - days * DAY_S, limit - matched)
        matched += len(old)
        if dry_run:
            continue
        removed, gone, failed = _delete(gateway, tenant, old)
        deleted, artifacts = deleted + removed, artifacts + gone
        failures += failed
        if removed:
            gateway.accounts.note(tenant, "retention_cleanup", actor, {"sessions": removed, "days": days})
    return {
        "dry_run": dry_run,
        "project_id": project_id,
        "limit": limit,
        "sessions_matched": matched,
        "deleted_sessions": deleted,
        "sessions_deleted": deleted,
        "deleted_artifacts": artifacts,
        "artifacts_deleted": artifacts,
        "failures": failures,
    }


def _delete(
    gateway: Gateway, tenant: Tenant, session_ids: list[str]
) -> tuple[int, int, list[dict[str, str]]]:
    deleted = artifacts = 0
    failures = []
    for session_id in session_ids:
        try:
            artifacts += delete_session(gateway, tenant, session_id)
            deleted += 1
        except StoreUnavailable as error:
            failures.append({"session_id": session_id, "reason": str(error)})
    return deleted, artifacts, failures
