"""Nobody sees, changes or even notices what belongs to another project: every route, walked with the wrong key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from tests.builders import a_failing_booking
from tests.gateway.test_keys import CONSOLE, bearer

PUBLIC = {"/health", "/ready", "/metrics"}
OWN = {"/api/onboarding/bootstrap", "/api/projects", "/api/sessions", "/api/incidents", "/api/agents", "/api/audit",
       "/api/traces", "/api/stream", "/v1/traces", "/internal/retention/run"}  # fmt: skip
"""Routes that name nothing of anybody: they show or make what is one's own."""
MAKES_ITS_OWN = {"POST /api/traces/{}/events", "POST /api/traces/{}/artifacts", "POST /api/traces/{}/runtime/memory",
                 "POST /api/traces/{}/runtime/tool-call", "POST /api/traces/{}/runtime/heartbeat"}  # fmt: skip
"""A write under an id that another project has, too, makes a session of one's own."""


def routes(app: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    pending = list(app.routes)
    while pending:
        route = pending.pop()
        pending += getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", []
        )
        if isinstance(route, APIRoute):
            found += [
                (method, route.path) for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
            ]
    assert len(found) > 30
    return sorted(found)


EVIDENCE = "/mcp/"
"""What these routes are asked for stands in their bodies."""


@pytest.fixture
def theirs(client: Any) -> dict[str, str]:
    """A failed session, an artifact, notes, an incident and a key of the first project."""
    built = a_failing_booking("secret-session")
    client.post("/api/traces/secret-session/events", json={"events": built.events})
    artifact = client.post(
        "/api/traces/secret-session/artifacts",
        content=b"\x89PNG secret",
        headers={"Content-Type": "image/png"},
    ).json()["artifact"]
    client.post("/api/traces/secret-session/runtime/memory", json={"kind": "k", "value": "secret"})
    [incident] = client.get("/api/incidents").json()["incidents"]
    key = client.post("/api/projects/proj_dev/keys", json={"name": "secret"}, headers=CONSOLE).json()["key"]
    return {
        "trace_id": "secret-session",
        "artifact_id": artifact["artifact_id"],
        "incident_id": incident["id"],
        "project_id": "proj_dev",
        "key_id": key["id"],
    }


def filled(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(?::path)?\}", lambda match: values[match[1]], path)


def bodies(method: str) -> dict[str, Any]:
    return (
        {}
        if method in ("GET", "DELETE")
        else {"json": {"status": "ignored", "pr_url": "x", "name": "mine", "events": []}}
    )


def test_without_a_credential_every_route_but_the_public_ones_is_closed(
    client: Any, theirs: dict[str, str]
) -> None:
    del client.headers["Authorization"]
    for method, path in routes(client.app):
        expected = 200 if path in PUBLIC else 401
        answer = client.request(method, filled(path, theirs), **bodies(method))
        assert answer.status_code in (expected, 429 if expected == 401 else expected), (method, path)


def test_with_the_key_of_another_project_nothing_is_there(
    client: Any, theirs: dict[str, str], new_key: Callable[..., str]
) -> None:
    before = {path: client.get(path).json() for path in snapshots(theirs)}
    # Two projects: what the first walk makes of its own is there for the second.
    for headers in (bearer(new_key("other")), _with_all_scopes(client, bearer(new_key("third")))):
        for method, path in routes(client.app):
            if path in PUBLIC | OWN or path.startswith(EVIDENCE):
                continue
            answer = client.request(method, filled(path, theirs), headers=headers, **bodies(method))
            plain = f"{method} {re.sub(r'{.*?}', '{}', path)}"
            if plain in MAKES_ITS_OWN:
                assert answer.status_code in (200, 201, 400, 415), plain
            else:
                assert answer.status_code in (403, 404), (plain, answer.status_code, answer.text)
                if answer.status_code == 403:
                    assert "scope" in answer.json()["detail"] or "console" in answer.json()["detail"]
            assert "secret" not in answer.text.replace("secret-session", ""), plain
    assert {path: client.get(path).json() for path in snapshots(theirs)} == before


def snapshots(theirs: dict[str, str]) -> list[str]:
    return [
        "/api/traces/secret-session/events",
        "/api/traces/secret-session/artifacts",
        "/api/traces/secret-session/runtime/memory",
        "/api/incidents",
        "/api/projects/proj_dev/keys",
    ]


def _with_all_scopes(client: Any, headers: dict[str, str]) -> dict[str, str]:
    project = client.get("/api/projects", headers=headers).json()["projects"][0]["id"]
    body = {"name": "all", "scopes": ["ingest", "read", "admin"]}
    return bearer(client.post(f"/api/projects/{project}/keys", json=body, headers=CONSOLE).json()["api_key"])


def test_evidence_of_another_project_is_not_given(
    client: Any, theirs: dict[str, str], new_key: Callable[..., str]
) -> None:
    wrong = bearer(new_key("other"))
    asked = {"session_id": "secret-session", "incident_id": theirs["incident_id"], "run_id": "secret-session",
             "service": "calendar", "query": "Tuesday", "project_ref": "proj_dev"}  # fmt: skip
    paths = [path for method, path in routes(client.app) if path.startswith(EVIDENCE) and method == "POST"]
    for path in paths:
        for body in (asked, {"session_id": "secret-session"}, {"incident_id": theirs["incident_id"]}, {}):
            answer = client.post(path, json=body, headers=wrong)
            assert answer.status_code < 500, path
            told = answer.text.replace("Tuesday", "", 1)
            assert "Wednesday" not in told and "search_calendar" not in told and "Book" not in told, path


def test_lists_of_another_project_are_empty(
    client: Any, theirs: dict[str, str], new_key: Callable[..., str]
) -> None:
    wrong = bearer(new_key("other"))
    assert client.get("/api/sessions", headers=wrong).json()["sessions"] == []
    assert client.get("/api/incidents", headers=wrong).json()["incidents"] == []
    assert [p["name"] for p in client.get("/api/projects", headers=wrong).json()["projects"]] == ["other"]
    for path in ("/api/sessions", "/api/incidents", "/api/agents"):
        assert client.get(path, params={"project_id": "proj_dev"}, headers=wrong).status_code == 404


def test_a_known_id_cannot_be_taken_over(
    client: Any, theirs: dict[str, str], new_key: Callable[..., str]
) -> None:
    before = client.get("/api/traces/secret-session/events").json()
    wrong = bearer(new_key("other"))
    client.post("/api/traces", json={"id": "secret-session", "agent": "thief"}, headers=wrong)
    client.post(
        "/api/traces/secret-session/events", json={"events": a_failing_booking("x").events[:1]}, headers=wrong
    )
    assert client.get("/api/traces/secret-session/events").json() == before
    assert len(client.get("/api/traces/secret-session/events", headers=wrong).json()["events"]) == 1
    assert client.get("/api/sessions/secret-session").json()["session"]["agent"] == "calendar-agent"


def test_the_same_bytes_in_two_projects_are_two_artifacts(
    client: Any, theirs: dict[str, str], new_key: Callable[..., str]
) -> None:
    wrong = bearer(new_key("other"))
    path = f"/artifacts/{theirs['artifact_id']}"
    assert client.get(path, headers=wrong).status_code == 404
    png = {"Content-Type": "image/png", **wrong}
    client.post("/api/traces/mine/artifacts", content=b"\x89PNG secret", headers=png)
    assert client.get(path, headers=wrong).status_code == 200
    admin = _with_all_scopes(client, wrong)
    assert client.delete("/api/sessions/mine", headers=admin).status_code == 200
    assert client.get(path, headers=wrong).status_code == 404
    assert client.get(path).content == b"\x89PNG secret"


def test_another_workspace_is_not_reached_by_naming_it(client: Any, theirs: dict[str, str]) -> None:
    for name in ("ws_other", "ws_dev'--", "*"):
        headers = {**CONSOLE, "X-Promptetheus-Workspace-Id": name}
        assert client.get("/api/sessions", headers=headers).status_code == 401
    own = {**CONSOLE, "X-Promptetheus-Workspace-Id": "ws_dev"}
    assert client.get("/api/sessions", headers=own).status_code == 200
