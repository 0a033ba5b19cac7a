"""The five tools of release 2.0.1, answered from the spool. `incident` is what is a fingerprint now."""

from __future__ import annotations

from typing import Any

from promptetheus.mcp.answers import Answer, Refused
from promptetheus.mcp.evidence import Evidence

MAX_SERVICES = 10
MAX_LIMIT = 100
DEFAULT_LIMIT = 20


def failure_context(
    evidence: Evidence, incident_id: str = "", session_id: str = "", run_id: str = ""
) -> Answer:
    """What happened in the failing session, or in the newest one of an incident."""
    return evidence.outline(_session(evidence, session_id or run_id, incident_id))


def failure_evidence(
    evidence: Evidence,
    incident_id: str = "",
    session_id: str = "",
    services: list[str] | None = None,
    limit: Any = DEFAULT_LIMIT,
) -> Answer:
    """The steps of a failing session that went wrong or differ, for some tools when `services` names them."""
    if not session_id and not incident_id and services:
        words = [name.strip() for name in services if name.strip()][:MAX_SERVICES]
        return evidence.find(" ".join(f"tool:{name}" for name in words[:1]), "session", clamped(limit))
    return evidence.compare(_session(evidence, session_id, incident_id))


def search_logs(evidence: Evidence, service: str, query: str = "", limit: Any = DEFAULT_LIMIT) -> Answer:
    """Where a text stands in what was recorded; without one, where the tool is named."""
    return evidence.find(query or service, "step", clamped(limit))


def advisors(evidence: Evidence, incident_id: str = "") -> Answer:
    """What to look at: the situation, or one failure."""
    return evidence.fingerprint(incident_id) if incident_id else evidence.situation()


def fix_brief(
    evidence: Evidence, incident_id: str = "", session_id: str = "", include_evidence: bool = True
) -> Answer:
    """Where to mend: the comparison with a passing session, or only the outline."""
    session = _session(evidence, session_id, incident_id)
    if not include_evidence:
        return evidence.outline(session, 1_500)
    try:
        return evidence.compare(session)
    except Refused:  # there is no passing session
        return evidence.outline(session)


def clamped(limit: Any) -> int:
    """1 to 100; what is no number counts as 20."""
    try:
        return min(max(int(limit), 1), MAX_LIMIT)
    except (TypeError, ValueError):
        return DEFAULT_LIMIT


def _session(evidence: Evidence, session: str, incident: str) -> str:
    if session:
        return session
    failing = [row for row in evidence.reader.rows() if row.status.is_failing]
    if incident:
        failing = [row for row in failing if row.fingerprint.startswith(incident)]
    if not failing:
        raise Refused("No failing session is there. `find` lists sessions.")
    return failing[0].session_id
