"""The five tools of release 2.0.1 as MCP tools."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from promptetheus.mcp import classic
from promptetheus.mcp.classic import DEFAULT_LIMIT
from promptetheus.mcp.evidence import Evidence
from promptetheus.mcp.server import READ_ONLY, answered


def add_classic_tools(server: MCPServer[Any], evidence: Evidence) -> None:
    """Offer them beside the others."""

    def get_failure_context(
        incident_id: str | None = None, session_id: str | None = None, run_id: str | None = None
    ) -> CallToolResult:
        """Context of a failing session (release 2.0.1; see outline)."""
        return answered(
            lambda: classic.failure_context(evidence, incident_id or "", session_id or "", run_id or "")
        )

    def get_promptetheus_evidence(
        incident_id: str | None = None,
        project_ref: str | None = None,
        session_id: str | None = None,
        services: list[str] | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> CallToolResult:
        """Evidence of a failure (release 2.0.1; see compare)."""
        return answered(
            lambda: classic.failure_evidence(evidence, incident_id or "", session_id or "", services, limit)
        )

    def search_promptetheus_logs(
        service: str,
        query: str | None = None,
        project_ref: str | None = None,
        incident_id: str | None = None,
        start_time: str | None = None,
        end_time: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> CallToolResult:
        """Search what was recorded (release 2.0.1; see find)."""
        return answered(lambda: classic.search_logs(evidence, service, query or "", limit))

    def get_promptetheus_advisors(
        advisor_type: str = "security", project_ref: str | None = None, incident_id: str | None = None
    ) -> CallToolResult:
        """What to look at (release 2.0.1; see situation)."""
        return answered(lambda: classic.advisors(evidence, incident_id or ""))

    def get_fix_brief(
        incident_id: str | None = None, session_id: str | None = None, include_evidence: bool = True
    ) -> CallToolResult:
        """Where to mend (release 2.0.1; see compare)."""
        return answered(
            lambda: classic.fix_brief(evidence, incident_id or "", session_id or "", include_evidence)
        )

    for function in (
        get_failure_context,
        get_promptetheus_evidence,
        search_promptetheus_logs,
        get_promptetheus_advisors,
        get_fix_brief,
    ):
        server.tool(annotations=READ_ONLY, structured_output=False)(function)
