"""The client of a gateway's five `/mcp/*` endpoints, and the MCP server over it, by the names of release 2.0.1.

New programs are better served by `promptetheus mcp`, which needs no gateway, and `promptetheus mcp --hosted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from promptetheus.delivery.destination import Destination, destination
from promptetheus.mcp.classic import MAX_SERVICES, clamped

TIMEOUT_S = 8.0
_ADVISORS = ("security", "performance")


@dataclass(frozen=True)
class MCPConfig:
    """Where the gateway is, and the key."""

    api_url: str
    api_key: str = field(repr=False)


def resolve_mcp_config(config: MCPConfig | None = None) -> MCPConfig:
    """The configuration from the environment or the settings. Raises RuntimeError when there is no key."""
    if config is not None:
        return config
    found = destination()
    if found is None:
        raise RuntimeError(
            "The hosted MCP needs a key: set PROMPTETHEUS_API_KEY (and PROMPTETHEUS_API_URL to override the hosted "
            "default). It takes a project's key, never database service-role keys."
        )
    return MCPConfig(found.api_url, found.api_key)


class PromptetheusAPIClient:
    """Asks the gateway. Every method returns an object with `ok`, `status` and `source`; none raises."""

    def __init__(self, api_url: str, api_key: str, *, timeout: float = TIMEOUT_S) -> None:
        from promptetheus.delivery.client import Client

        self._api_url = api_url.rstrip("/")
        self._client = Client(Destination(self._api_url, api_key, timeout), _HEADERS)

    def get_failure_context(self, **given: Any) -> dict[str, Any]:
        """What happened in a failing session: `incident_id`, `session_id`, `run_id`."""
        return self.post("/mcp/failure-context", given)

    def get_promptetheus_evidence(self, **given: Any) -> dict[str, Any]:
        """Evidence of a failure: `incident_id`, `project_ref`, `session_id`, `services`, `limit`."""
        services = [str(name).strip() for name in given.get("services") or [] if str(name).strip()]
        asked = {**given, "services": services[:MAX_SERVICES] or None, "limit": clamped(given.get("limit"))}
        return self.post("/mcp/promptetheus/evidence", asked)

    def search_promptetheus_logs(self, service: str, **given: Any) -> dict[str, Any]:
        """What was recorded: `query`, `project_ref`, `incident_id`, `start_time`, `end_time`, `limit`."""
        asked = {**given, "service": service, "limit": clamped(given.get("limit"))}
        return self.post("/mcp/promptetheus/logs/search", asked)

    def get_promptetheus_advisors(self, advisor_type: str = "security", **given: Any) -> dict[str, Any]:
        """What to look at: `project_ref`, `incident_id`."""
        kind = advisor_type if advisor_type in _ADVISORS else _ADVISORS[0]
        return self.post("/mcp/promptetheus/advisors", {**given, "type": kind})

    def get_fix_brief(self, **given: Any) -> dict[str, Any]:
        """Where to mend: `incident_id`, `session_id`, `include_evidence`."""
        return self.post("/mcp/fix-brief", {"include_evidence": True, **given})

    def post(self, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """POST an object without its empty fields."""
        source = {"service": "promptetheus-hosted-api", "method": "POST", "url": self._api_url + path}
        body = {name: value for name, value in given.items() if value is not None}
        try:
            answer = self._client.post(path, orjson.dumps(body))
        except Exception as error:
            return _failed(None, source, "unexpected_error", f"{type(error).__name__}: {error}")
        if not answer.status:
            return _failed(None, source, "unavailable", answer.error)
        if not answer.is_ok:
            return _failed(answer.status, source, "http_error", answer.error)
        try:
            found = orjson.loads(answer.body)
        except ValueError:
            return _failed(answer.status, source, "invalid_json", "the answer is no JSON")
        defaults = {"ok": True, "status": answer.status, "source": source}
        return {**defaults, **found} if isinstance(found, dict) else {**defaults, "data": found}


def run() -> None:
    """Serve the five tools over stdio. Raises RuntimeError without a key."""
    from mcp.server.mcpserver import MCPServer

    config = resolve_mcp_config()
    client = PromptetheusAPIClient(config.api_url, config.api_key)
    server: MCPServer[Any] = MCPServer("promptetheus", log_level="ERROR")

    def get_failure_context(
        incident_id: str | None = None, session_id: str | None = None, run_id: str | None = None
    ) -> dict[str, Any]:
        """Context of a failing session."""
        return client.get_failure_context(incident_id=incident_id, session_id=session_id, run_id=run_id)

    def get_promptetheus_evidence(
        incident_id: str | None = None,
        project_ref: str | None = None,
        session_id: str | None = None,
        services: list[str] | None = None,
        limit: int = 20,
    ) -> dict[str, Any]:
        """Evidence of a failure."""
        return client.get_promptetheus_evidence(
            incident_id=incident_id,
            project_ref=project_ref,
            session_id=session_id,
            services=services,
            limit=limit,
        )

    def search_promptetheus_logs(
        service: str,
        query: str | None = None,
        project_ref: str | None = None,
        incident_id: str | None = None,
        start_time: str | None = None,
        end_time: str | None = None,
        limit: int = 20,
    ) -> dict[str, Any]:
        """Search what was recorded."""
        return client.search_promptetheus_logs(
            service,
            query=query,
            project_ref=project_ref,
            incident_id=incident_id,
            start_time=start_time,
            end_time=end_time,
            limit=limit,
        )

    def get_promptetheus_advisors(
        advisor_type: str = "security", project_ref: str | None = None, incident_id: str | None = None
    ) -> dict[str, Any]:
        """What to look at."""
        return client.get_promptetheus_advisors(
            advisor_type, project_ref=project_ref, incident_id=incident_id
        )

    def get_fix_brief(
        incident_id: str | None = None, session_id: str | None = None, include_evidence: bool = True
    ) -> dict[str, Any]:
        """Where to mend."""
        return client.get_fix_brief(
            incident_id=incident_id, session_id=session_id, include_evidence=include_evidence
        )

    for tool in (
        get_failure_context,
        get_promptetheus_evidence,
        search_promptetheus_logs,
        get_promptetheus_advisors,
        get_fix_brief,
    ):
        server.tool()(tool)
    server.run("stdio")


def _failed(status: int | None, source: dict[str, str], kind: str, message: str) -> dict[str, Any]:
    error = {"type": kind, "message": message}
    return {"ok": False, "status": status, "source": source, "error": error}


_HEADERS = {"User-Agent": "promptetheus-mcp/0.0.1", "X-Promptetheus-Client": "mcp"}
