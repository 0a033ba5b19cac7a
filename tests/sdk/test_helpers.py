"""What each helper of a session records."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from tests.sdk.spooled import a_session, events_of, payloads

CALLS: list[tuple[str, Callable[[pt.Session], Any], str, dict[str, Any]]] = [
    ("user_message", lambda s: s.user_message("hi"), "user_message", {"content": "hi"}),
    ("agent_message", lambda s: s.agent_message({"text": 1}), "agent_message", {"content": {"text": 1}}),
    (
        "tool_call",
        lambda s: s.tool_call("search", {"q": 1}, "c1"),
        "tool_call",
        {"tool_name": "search", "arguments": {"q": 1}, "call_id": "c1"},
    ),
    (
        "tool_result",
        lambda s: s.tool_result("c1", [1, 2]),
        "tool_result",
        {"call_id": "c1", "result": [1, 2], "error": None},
    ),
    (
        "tool_result with an error",
        lambda s: s.tool_result("c1", error="503"),
        "tool_result",
        {"call_id": "c1", "result": None, "error": "503"},
    ),
    (
        "tool_result with an exception",
        lambda s: s.tool_result("c1", error=ValueError("bad")),  # type: ignore[arg-type]
        "tool_result",
        {"call_id": "c1", "result": None, "error": "ValueError('bad')"},
    ),
    (
        "retrieval",
        lambda s: s.retrieval("q", [{"id": "d1", "score": 0.5}]),
        "retrieval",
        {"query": "q", "documents": [{"id": "d1", "score": 0.5}]},
    ),
    (
        "browser_action",
        lambda s: s.browser_action("click", "#buy"),
        "browser_action",
        {"action": "click", "target": "#buy", "url": None},
    ),
    (
        "dom_snapshot",
        lambda s: s.dom_snapshot("http://x", "Book", {"day": "Tue"}, ["slow"]),
        "dom_snapshot",
        {"url": "http://x", "visible_text": "Book", "selected_values": {"day": "Tue"}, "warnings": ["slow"]},
    ),
    (
        "dom_snapshot with defaults",
        lambda s: s.dom_snapshot("http://x", "Book"),
        "dom_snapshot",
        {"url": "http://x", "visible_text": "Book", "selected_values": {}, "warnings": []},
    ),
    ("llm_call with defaults", lambda s: s.llm_call("gpt-5"), "llm_call", {"model": "gpt-5"}),
    (
        "llm_call",
        lambda s: s.llm_call(
            "gpt-5", input_tokens=3, output_tokens=4, latency_ms=5, messages_ref="m", prompt_ref="p"
        ),
        "llm_call",
        {
            "model": "gpt-5", "input_tokens": 3, "output_tokens": 4, "latency_ms": 5,
            "messages_ref": "m", "prompt_ref": "p",
        },
    ),
    ("goal_check", lambda s: s.goal_check(True), "goal_check", {"passed": True, "mismatches": []}),
    (
        "goal_check that failed",
        lambda s: s.goal_check(False, ["wrong day"]),
        "goal_check",
        {"passed": False, "mismatches": ["wrong day"]},
    ),
    ("score", lambda s: s.score("quality", 0.5), "score", {"name": "quality", "value": 0.5}),
    (
        "score with its reason",
        lambda s: s.score("ok", True, comment="fine", source="judge"),
        "score",
        {"name": "ok", "value": True, "comment": "fine", "source": "judge"},
    ),
    ("metric", lambda s: s.metric("steps", 12), "metric", {"name": "steps", "value": 12}),
    ("metric with unit", lambda s: s.metric("t", 1.5, "s"), "metric", {"name": "t", "value": 1.5, "unit": "s"}),
    ("error as text", lambda s: s.error("boom"), "error", {"handled": True, "message": "boom"}),
    (
        "error as text with its type",
        lambda s: s.error("boom", error_type="E", handled=False),
        "error",
        {"handled": False, "message": "boom", "error_type": "E"},
    ),
    (
        "state_change",
        lambda s: s.state_change("page", "a", "b"),
        "state_change",
        {"name": "page", "before": "a", "after": "b"},
    ),
    (
        "update_metadata",
        lambda s: s.update_metadata(customer=7),
        "state_change",
        {"name": "metadata_update", "before": None, "after": {"customer": 7}},
    ),
    (
        "add_tags",
        lambda s: s.add_tags("old", "new", "new"),
        "state_change",
        {"name": "tags_added", "before": None, "after": {"tags": ["new"]}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "call", "kind", "payload"), CALLS, ids=[row[0] for row in CALLS])
def test_a_helper_records_its_payload_and_returns_the_event(
    name: str, call: Callable[[pt.Session], Any], kind: str, payload: dict[str, Any], spool: Path
) -> None:
    with a_session(spool, tags=["old"]) as session:
        returned = call(session)
        recorded = events_of(spool)[-1]
    assert (recorded["type"], recorded["payload"]) == (kind, payload)
    assert {key: returned[key] for key in ("type", "seq", "idempotency_key", "timestamp")} == {
        key: recorded[key] for key in ("type", "seq", "idempotency_key", "timestamp")
    }


@pytest.mark.parametrize(
    "call",
    [
        lambda s, m: s.event("metric", {"name": "x", "value": 1}, m),
        lambda s, m: s.user_message("x", m),
        lambda s, m: s.agent_message("x", m),
        lambda s, m: s.tool_call("x", metadata=m),
        lambda s, m: s.tool_result("x", metadata=m),
        lambda s, m: s.retrieval("x", [], m),
        lambda s, m: s.browser_action("x", "y", metadata=m),
        lambda s, m: s.dom_snapshot("x", "y", metadata=m),
        lambda s, m: s.screenshot(b"x", m),
        lambda s, m: s.replay_artifact(b"x", metadata=m),
        lambda s, m: s.llm_call("x", metadata=m),
        lambda s, m: s.score("x", 1, metadata=m),
        lambda s, m: s.metric("x", 1, metadata=m),
        lambda s, m: s.error("x", metadata=m),
        lambda s, m: s.goal_check(True, metadata=m),
        lambda s, m: s.state_change("x", metadata=m),
    ],
)
def test_every_helper_takes_metadata(call: Callable[[pt.Session, Any], Any], spool: Path) -> None:
    with a_session(spool) as session:
        call(session, {"note": [1]})
        assert events_of(spool)[-1]["metadata"] == {"note": [1]}
        call(session, {})
        assert "metadata" not in events_of(spool)[-1]


def test_an_exception_is_recorded_with_its_class_and_traceback(spool: Path) -> None:
    with a_session(spool) as session:
        try:
            raise KeyError("room")
        except KeyError as error:
            session.error(error, handled=False)
    (payload,) = payloads(spool, "error")
    assert payload["message"] == "'room'"
    assert payload["error_type"] == "KeyError"
    assert payload["handled"] is False
    assert 'raise KeyError("room")' in payload["traceback"]


def test_a_tool_call_without_an_id_gets_one_of_32_hex_digits(spool: Path) -> None:
    with a_session(spool) as session:
        call_ids = [session.tool_call("x")["payload"]["call_id"] for _ in range(2)]
    assert all(re.fullmatch("[0-9a-f]{32}", call_id) for call_id in call_ids)
    assert call_ids[0] != call_ids[1]


def test_counts_of_other_number_types_are_recorded_as_integers(spool: Path) -> None:
    with a_session(spool) as session:
        session.llm_call("m", input_tokens=3.0, output_tokens=4, latency_ms=12.0)  # type: ignore[arg-type]
    assert payloads(spool, "llm_call") == [
        {"model": "m", "input_tokens": 3, "output_tokens": 4, "latency_ms": 12}
    ]


def test_metadata_and_tags_of_the_session_follow_its_updates(spool: Path) -> None:
    with a_session(spool, metadata={"a": 1}, tags=["x"]) as session:
        session.update_metadata(a=2, b=3)
        session.add_tags("y", "x")
        assert session.metadata == {"a": 2, "b": 3}
        assert session.tags == ["x", "y"]
    summary = events_of(spool)[-1]["metadata"]["summary"]
    assert summary["metadata"] == {"a": 2, "b": 3}
    assert summary["tags"] == ["x", "y"]
