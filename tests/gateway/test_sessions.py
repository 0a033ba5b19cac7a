"""Reading sessions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session
from tests.gateway.conftest import on_files
from tests.gateway.test_store_conformance import an_event


def send(client: Any, built: SessionBuilder) -> None:
    answer = client.post(f"/api/traces/{built.session_id}/events", json={"events": built.events})
    assert answer.json()["rejected"] == []


def ids(client: Any, **parameters: Any) -> list[str]:
    answer = client.get("/api/sessions", params=parameters)
    assert answer.status_code == 200, answer.text
    return [session["id"] for session in answer.json()["sessions"]]


def test_a_session_is_listed_with_its_numbers(client: Any) -> None:
    built = a_failing_booking("f")
    built.events.insert(-1, {**an_event(50, "llm"), "type": "llm_call",
                             "payload": {"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100}})  # fmt: skip
    send(client, built)
    session = client.get("/api/sessions/f").json()["session"]
    assert session["agent"] == "calendar-agent"
    assert session["user_goal"] == "Book Tuesday at 2pm"
    assert session["status"] == "failed goal"
    assert session["event_count"] == 10
    assert session["llm_calls"] == 1
    assert session["input_tokens"] == 1000
    assert session["cost_usd"] == pytest.approx(0.0035)
    assert session["fingerprint"] == "8ae0f41220d0"
    assert session["labels"] == ["goal mismatch: selected wednesday, not tuesday"]
    assert session["started_at"] is not None and session["ended_at"] is not None
    assert session["duration_ms"] == pytest.approx(800, abs=1)


def test_lists_can_be_filtered(client: Any) -> None:
    for built in (a_failing_booking("f"), a_passing_booking("p"), a_session("r", agent="other")):
        send(client, built)
    assert ids(client, status="passed") == ["p"]
    assert ids(client, status="failed goal") == ["f"]
    assert ids(client, agent="other") == ["r"]
    assert set(ids(client, filter="agent:calendar tool:search")) == {"f", "p"}
    assert ids(client, filter="fp:8ae0") == ["f"]
    assert ids(client, project_id="proj_dev", filter="nothing matches") == []


def test_a_filter_that_is_not_understood_is_a_400_and_not_everything(client: Any) -> None:
    answer = client.get("/api/sessions", params={"filter": "dur>abc"})
    assert answer.status_code == 400
    assert "abc" in answer.json()["detail"]


def test_pages_follow_each_other(client: Any) -> None:
    for number in range(7):
        built = a_session(f"s{number}")
        for event in built.events:
            event["timestamp"] = f"2026-11-2{number}T10:00:00Z"
        send(client, built)
    found, cursor = [], None
    for _ in range(4):
        page = client.get(
            "/api/sessions", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        found += [session["id"] for session in page["sessions"]]
        cursor = page["next_cursor"]
    assert found == [f"s{number}" for number in reversed(range(7))]
    assert cursor is None


def test_events_come_by_seq_in_pages(client: Any) -> None:
    events = [an_event(n, f"k{n}") for n in (4, 2, 0, 3, 1)]
    client.post("/api/traces/s1/events", json={"events": events})
    first = client.get("/api/traces/s1/events", params={"limit": 3}).json()
    assert [event["seq"] for event in first["events"]] == [0, 1, 2]
    rest = client.get("/api/traces/s1/events", params={"cursor": first["next_cursor"]}).json()
    assert [event["seq"] for event in rest["events"]] == [3, 4]
    assert rest["next_cursor"] is None
    after = client.get("/api/traces/s1/events", params={"after_seq": 3}).json()
    assert [event["seq"] for event in after["events"]] == [4]


@on_files
@pytest.mark.parametrize("cursor", ["x", "", "W10", "WzEsMl0=="])
def test_a_cursor_that_is_not_ours_is_a_400(client: Any, cursor: str) -> None:
    send(client, a_session("s1"))
    assert client.get("/api/sessions", params={"cursor": "nonsense"}).status_code == 400
    answer = client.get("/api/traces/s1/events", params={"cursor": cursor})
    assert answer.status_code == (200 if cursor == "WzEsMl0==" else 400)


def test_an_analysis_says_where_it_failed_and_nothing_of_a_session_that_did_not(client: Any) -> None:
    send(client, a_failing_booking("f"))
    send(client, a_passing_booking("p"))
    found = client.get("/api/traces/f/analysis").json()["analysis"]
    assert found["fingerprint"] == "8ae0f41220d0"
    [check] = [e for e in client.get("/api/traces/f/events").json()["events"] if e["type"] == "goal_check"]
    assert found["critical_step_seq"] == check["seq"]
    assert "Wednesday" in found["root_cause"]
    assert client.get("/api/traces/p/analysis").json() == {"analysis": None}


def test_a_session_can_be_deleted_with_its_artifacts(client: Any) -> None:
    send(client, a_session("s1"))
    headers = {"Content-Type": "image/png"}
    kept = client.post("/api/traces/s1/artifacts", content=b"\x89PNG one", headers=headers).json()["artifact"]
    shared = client.post("/api/traces/s1/artifacts", content=b"\x89PNG two", headers=headers).json()[
        "artifact"
    ]
    client.post("/api/traces/s2/artifacts", content=b"\x89PNG two", headers=headers)
    assert client.delete("/api/sessions/s1").json() == {"deleted": True}
    assert client.get("/api/sessions/s1").status_code == 404
    assert client.get(f"/artifacts/{kept['artifact_id']}").status_code == 404
    assert client.get(f"/artifacts/{shared['artifact_id']}").status_code == 200
    actions = [row["action"] for row in client.get("/api/audit").json()["audit"]]
    assert "session_delete" in actions
