from __future__ import annotations

from typing import Any

from promptetheus.trace_tree import build_trace_forest, render_tree
from tests.builders import a_failing_booking, a_session


def marker(name: str, span_id: str, parent_id: str | None, **payload: Any) -> dict[str, Any]:
    return {
        "type": "state_change",
        "seq": payload.pop("seq", 0),
        "span_id": span_id,
        "parent_id": parent_id,
        "payload": {"name": name, **payload},
    }


def test_the_booking_prints_as_in_the_readme() -> None:
    text = render_tree(build_trace_forest(a_failing_booking().events))
    assert text.splitlines() == [
        "[0] state_change name='session_started'",
        "[1] user_message content='Book Tuesday at 2pm'",
        "[2] tool_call tool_name='search_calendar'",
        "[3] tool_result call_id='call-1'",
        "[6] agent_message content='Booked Wednesday 2pm'",
        "[7] goal_check passed=False",
        "[8] session_end status='completed'",
        "choose-slot span=span_1 duration_ms=5.0",
    ]


def test_spans_inside_spans_are_indented() -> None:
    session = a_session()
    session.event("state_change", {"name": "span_start", "span_name": "outer"}, span_id="a", parent_id=None)
    session.event("metric", {"name": "n", "value": 1}, span_id="a", parent_id=None)
    session.span("inner", "b", parent="a", took_ms=3)
    assert render_tree(build_trace_forest(session.events[1:])).splitlines() == [
        "outer span=a",
        "  [2] metric name='n' value=1",
        "  inner span=b duration_ms=3.0",
    ]


def test_an_unknown_parent_makes_a_root_and_an_unclosed_span_stays() -> None:
    roots = build_trace_forest([marker("span_start", "a", "gone", span_name="orphan")])
    assert [(root.name, root.end_seq) for root in roots] == [("orphan", None)]


def test_circles_are_cut_and_every_span_stays_reachable() -> None:
    events = [
        marker("span_start", "a", "c"),
        marker("span_start", "b", "a"),
        marker("span_start", "c", "b"),
        marker("span_start", "self", "self"),
    ]
    seen = []
    waiting = build_trace_forest(events)
    while waiting:
        node = waiting.pop()
        seen.append(node.span_id)
        waiting.extend(node.children)
    assert sorted(map(str, seen)) == ["a", "b", "c", "self"]


def test_a_chain_of_100000_spans_is_built_and_printed() -> None:
    events = [
        marker("span_start", f"s{level}", f"s{level - 1}" if level else None, seq=level, span_name="deep")
        for level in range(100_000)
    ]
    roots = build_trace_forest(events)
    assert len(roots) == 1
    assert len(render_tree(roots).splitlines()) == 100_000


def test_what_is_no_event_is_left_out() -> None:
    assert build_trace_forest([None, 3, "x"]) == []  # type: ignore[list-item]
    assert render_tree([]) == ""
