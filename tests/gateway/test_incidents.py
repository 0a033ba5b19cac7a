"""Incidents and their life; retention; runtime notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from promptetheus.gateway.options import Options
from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session
from tests.gateway.conftest import on_files
from tests.gateway.test_keys import CONSOLE, bearer

SERVER = {"Authorization": "Bearer a-server-token-of-the-tests"}


def send(client: Any, built: SessionBuilder, day: int = 20) -> None:
    for event in built.events:
        event["timestamp"] = f"2026-11-{day}T10:00:00Z"
    client.post(f"/api/traces/{built.session_id}/events", json={"events": built.events})


def only_incident(client: Any) -> dict[str, Any]:
    [incident] = client.get("/api/incidents").json()["incidents"]
    found: dict[str, Any] = incident
    return found


def test_sessions_that_fail_alike_are_one_incident(client: Any) -> None:
    for number in range(3):
        send(client, a_failing_booking(f"f{number}"))
    send(client, a_passing_booking())
    incident = only_incident(client)
    assert incident["fingerprint"] == "8ae0f41220d0"
    assert incident["session_count"] == 3
    assert (incident["status"], incident["severity"]) == ("new", "high")
    assert incident["first_seen"] == "2026-11-20T10:00:00Z"


def test_the_title_of_an_incident_has_a_mark_where_it_was_cut(client: Any) -> None:
    said = "the final database state differs from the expected one in three places"
    send(client, a_session().checks(False, said).ends())
    incident = only_incident(client)
    assert incident["label"] == "goal mismatch: the final database state differs from the expect"
    assert incident["title"] == f"{incident['label']}…"


def test_a_passing_session_is_no_incident(client: Any) -> None:
    send(client, a_passing_booking())
    assert client.get("/api/incidents").json() == {"incidents": []}


def test_the_same_failure_in_two_projects_is_two_incidents(client: Any, new_key: Callable[..., str]) -> None:
    send(client, a_failing_booking())
    other = bearer(new_key("other"))
    client.post("/api/traces/x/events", json={"events": a_failing_booking("x").events}, headers=other)
    [theirs] = client.get("/api/incidents", headers=other).json()["incidents"]
    ours = only_incident(client)
    assert theirs["fingerprint"] == ours["fingerprint"] and theirs["id"] != ours["id"]
    assert client.get(f"/api/incidents/{ours['id']}", headers=other).status_code == 404


def test_what_is_verified_and_happens_again_is_new_again(client: Any) -> None:
    send(client, a_failing_booking("first"), 20)
    path = f"/api/incidents/{only_incident(client)['id']}"
    for status in ("triaged", "fixing", "verified"):
        changed = client.patch(path, json={"status": status, "owner_id": "ann"}).json()["incident"]
        assert (changed["status"], changed["owner_id"]) == (status, "ann")
    assert only_incident(client)["status"] == "verified"
    later = a_failing_booking("second")
    for event in later.events:
        event["timestamp"] = "2199-01-01T00:00:00Z"
    client.post("/api/traces/second/events", json={"events": later.events})
    incident = only_incident(client)
    assert (incident["status"], incident["reopened"], incident["owner_id"]) == ("new", True, "ann")


def test_decisions_are_checked_and_audited(client: Any) -> None:
    send(client, a_failing_booking())
    path = f"/api/incidents/{only_incident(client)['id']}"
    assert client.patch(path, json={"status": "done"}).status_code == 400
    assert client.patch(path, json={"owner_id": 5}).status_code == 400
    assert client.post(f"{path}/pr-link", json={"pr_url": " "}).status_code == 400
    linked = client.post(f"{path}/pr-link", json={"pr_url": "https://example.com/pull/1"}).json()["incident"]
    assert linked["pr_url"] == "https://example.com/pull/1"
    actions = [row["action"] for row in client.get("/api/audit").json()["audit"]]
    assert actions[0] == "incident_pr_link"


def test_incidents_can_be_searched(client: Any) -> None:
    send(client, a_failing_booking("a"))
    send(client, a_session("b").event("error", {"message": "TimeoutError: mail"}).ends("failed", "mail"))
    found = client.get("/api/incidents", params={"q": "WEDNESDAY"}).json()["incidents"]
    assert [incident["fingerprint"] for incident in found] == ["8ae0f41220d0"]
    assert len(client.get("/api/incidents").json()["incidents"]) == 2


def test_a_context_has_the_failing_event_with_what_surrounds_it_and_no_secret(client: Any) -> None:
    built = a_session("s").asks("Book").says("my key is sk-ant-api03-" + "a" * 90)
    for number in range(30):
        built.says(f"thinking {number}")
    built.calls("book", {"password": "hunter2"}, error="refused").checks(False, "selected Wednesday").ends()
    send(client, built)
    context = client.get(f"/api/incidents/{only_incident(client)['id']}/context").json()["context"]
    types = [event["type"] for event in context["events"]]
    assert {"goal_check", "tool_result", "tool_call"} <= set(types)
    assert len(types) < 15 and context["events_left_out"] > 20
    assert set(context["evidence"][0]["evidence_refs"]) <= {event["seq"] for event in context["events"]}
    assert "hunter2" not in str(context) and "sk-ant" not in str(context)
    assert context["redaction_summary"]["fields_masked"] >= 1
    assert context["session"]["status"] == "failed goal"


def test_retention_deletes_what_is_past_it_and_counts_first(client: Any, options: Options) -> None:
    send(client, a_passing_booking("p"))
    client.post("/api/traces/p/artifacts", content=b"\x89PNG", headers={"Content-Type": "image/png"})
    run = {"dry_run": False}
    kept = client.post("/internal/retention/run", json=run, headers=SERVER).json()["retention"]
    assert kept["sessions_deleted"] == 0
    assert (
        client.patch("/api/projects/proj_dev", json={"retention_days": 0}, headers=CONSOLE).status_code == 200
    )
    counted = client.post("/internal/retention/run", json={}, headers=SERVER).json()["retention"]
    assert (counted["dry_run"], counted["sessions_matched"], counted["sessions_deleted"]) == (True, 1, 0)
    done = client.post("/internal/retention/run", json=run, headers=SERVER).json()["retention"]
    assert (done["sessions_deleted"], done["artifacts_deleted"], done["failures"]) == (1, 1, [])
    assert client.get("/api/sessions").json()["sessions"] == []
    assert client.post("/internal/retention/run", json=run, headers=CONSOLE).status_code == 403


@pytest.mark.parametrize("days", [-1, 3651, "30", 1.5, True])
@on_files
def test_a_retention_is_a_number_of_days(client: Any, days: object) -> None:
    answer = client.patch("/api/projects/proj_dev", json={"retention_days": days}, headers=CONSOLE)
    assert answer.status_code == 400


def test_notes_are_remembered_without_secrets_and_before_the_first_event(client: Any) -> None:
    note = {"kind": "hypothesis", "value": {"summary": "auth header", "password": "hunter2"}}
    kept = client.post("/api/traces/early/runtime/memory", json=note).json()["memory"]
    assert kept["kind"] == "hypothesis" and "hunter2" not in str(kept)
    client.post("/api/traces/early/runtime/memory", json={"value": 2})
    found = client.get("/api/traces/early/runtime/memory").json()["memory"]
    assert [each["kind"] for each in found] == ["hypothesis", "note"]
    assert len(client.get("/api/traces/early/runtime/memory", params={"limit": 1}).json()["memory"]) == 1
    assert client.get("/api/traces/unknown/runtime/memory").status_code == 404


def test_a_call_that_failed_before_is_warned_of_until_it_goes_well(client: Any) -> None:
    path = "/api/traces/s1/runtime"
    call = {"tool_name": "pytest", "command": "pytest tests", "args": {"x": 1}}
    first = client.post(f"{path}/tool-call", json={**call, "status": "planned"}).json()
    assert (first["seen_recently"], first["attempt_count"], first["hint"]) == (False, 0, None)
    client.post(f"{path}/tool-call", json={**call, "status": "failed", "error": "2 failed"})
    again = client.post(f"{path}/tool-call", json={**call, "status": "planned"}).json()
    assert (again["seen_recently"], again["failure_count"]) == (True, 1)
    assert again["hint"]["kind"] == "repeated_tool_failure"
    assert client.get(f"{path}/hint").json()["hint"]["tool_name"] == "pytest"
    client.post(f"{path}/tool-call", json={**call, "status": "succeeded"})
    assert client.get(f"{path}/hint").json() == {"hint": None}
    assert client.post(f"{path}/tool-call", json={**call, "status": "planned"}).json()["hint"] is None


def test_a_heartbeat_is_kept_and_the_end_of_a_session_is_audited(client: Any) -> None:
    beat = client.post("/api/traces/p/runtime/heartbeat", json={"phase": "testing"}).json()["heartbeat"]
    assert beat["phase"] == "testing" and beat["updated_at"].endswith("Z")
    send(client, a_passing_booking("p"))
    [row] = [row for row in client.get("/api/audit").json()["audit"] if row["action"] == "runtime_finalize"]
    assert row["details"]["heartbeat_present"] is True
