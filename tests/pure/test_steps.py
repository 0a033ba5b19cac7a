from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.describe import describe
from promptetheus.cause.steps import StepKind, build_steps
from promptetheus.events import EVENT_TYPES
from promptetheus.summary import SummaryCounter
from tests.builders import a_failing_booking, a_session


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [str(step.kind) for step in build_steps(events)]


def lines(events: list[dict[str, Any]]) -> list[str]:
    return [describe(step, events.__getitem__) for step in build_steps(events)]


def test_a_booking_is_told_in_steps() -> None:
    assert lines(a_failing_booking().events) == [
        "calendar-agent · Book Tuesday at 2pm",
        "Book Tuesday at 2pm",
        'search_calendar(day="Tuesday") → ["Tuesday 2pm", "Tuesday 3pm"]',
        "choose-slot",
        "Booked Wednesday 2pm",
        "selected Wednesday, not Tuesday",
        "completed",
    ]


def test_a_call_and_its_result_are_one_step_whatever_lies_between() -> None:
    session = a_session()
    first, second = session.opens_call("a"), session.opens_call("b")
    session.says("meanwhile")
    session.event("tool_result", {"call_id": first, "result": 1, "error": None})
    session.event("tool_result", {"call_id": second, "result": None, "error": "no"})
    steps = build_steps(session.events)
    assert [(step.name, step.events, step.ok) for step in steps if step.kind is StepKind.TOOL] == [
        ("a", [1, 4], True),
        ("b", [2, 5], False),
    ]
    assert steps[1].duration_ms is not None and round(steps[1].duration_ms) == 300


def test_a_call_without_a_result_is_open() -> None:
    session = a_session()
    session.opens_call("slow")
    assert build_steps(session.events)[-1].open


def test_a_result_without_a_call_is_a_step_of_its_own() -> None:
    events = a_session().event("tool_result", {"call_id": "never", "result": 1, "error": None}).events
    assert kinds(events) == ["start", "tool"]
    assert lines(events)[-1] == "result without its call → 1"


def test_a_browser_action_takes_the_pictures_that_follow_it() -> None:
    session = a_session().event("browser_action", {"action": "click", "target": "#pay", "url": None})
    session.event("screenshot", {"size_bytes": 10}).event("dom_snapshot", {"url": "u", "visible_text": "t"})
    session.says("done").event("screenshot", {"size_bytes": 10})
    assert kinds(session.events) == ["start", "action", "agent", "shot"]
    assert build_steps(session.events)[1].events == [1, 2, 3]


def test_spans_nest() -> None:
    session = a_session()
    session.event("state_change", {"name": "span_start", "span_name": "outer"}, span_id="a", parent_id=None)
    session.event("state_change", {"name": "span_start", "span_name": "inner"}, span_id="b", parent_id="a")
    session.event("metric", {"name": "n", "value": 1}, span_id="b", parent_id="a")
    session.event(
        "state_change",
        {"name": "span_end", "span_name": "inner", "duration_ms": 7},
        span_id="b",
        parent_id="a",
    )
    steps = build_steps(session.events)[1:]
    assert [(step.name, step.depth, step.open) for step in steps] == [
        ("outer", 0, True),
        ("inner", 1, False),
        ("n", 2, False),
    ]
    assert steps[1].duration_ms == 7


def test_a_session_without_times_shows_none() -> None:
    session = a_session()
    session.events[0]["metadata"] = {"imported": {"timed": False}}
    session.calls("search")
    assert {(step.offset_ms, step.duration_ms) for step in build_steps(session.events)} == {(None, None)}


def test_arguments_of_a_decorated_call_are_shown_by_name_where_they_were_recorded_so() -> None:
    session = a_session()
    payload = {"tool_name": "search", "arguments": {"args": "('x',)", "kwargs": "{}"}, "call_id": "c"}
    session.event("tool_call", payload, metadata={"arguments": {"day": "x"}})
    session.event("tool_call", {**payload, "call_id": "d"})
    assert lines(session.events)[1:] == ['search(day="x") …', "search('x') …"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["tool_name", "arguments", "call_id", "result", "error", "name", "after", "documents", "mismatches", "passed",
     "content", "value", "warnings", "model", "input_tokens", "size_bytes", "message", "status", "duration_ms"]
)  # fmt: skip
HOSTILE_EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from([*EVENT_TYPES, "unheard_of"]),
            "payload": st.dictionaries(KEYS, JSON) | JSON,
        },
        optional={"timestamp": JSON, "span_id": JSON, "parent_id": JSON, "metadata": JSON, "seq": JSON},
    ),
    max_size=12,
)


def test_a_message_too_large_for_its_line_is_told_by_its_beginning() -> None:
    kept = {"artifact_id": "2e89", "size_bytes": 2_000_000, "preview": "Once upon a time", "truncated": True}
    (line,) = lines([{"seq": 0, "type": "agent_message", "payload": {"content": kept}}])
    assert line == "Once upon a time"


def test_a_call_with_values_too_large_for_its_line_says_how_they_begin_and_how_large_they_are() -> None:
    kept = {"artifact_id": "2e89", "size_bytes": 2_000_000, "preview": "Once upon a time", "truncated": True}
    call = {"tool_name": "tell", "call_id": "1", "arguments": {"story": kept}}
    (line,) = lines(
        [
            {"seq": 0, "type": "tool_call", "payload": call},
            {"seq": 1, "type": "tool_result", "payload": {"call_id": "1", "result": kept}},
        ]
    )
    assert line == "tell(story=Once upon a time  2.0 MB) → Once upon a time  2.0 MB"
    (whole,) = lines([{"seq": 0, "type": "tool_call", "payload": {**call, "arguments": kept}}])
    assert whole.startswith("tell(Once upon a time  2.0 MB)")


@given(HOSTILE_EVENTS)
def test_any_event_has_a_step_and_a_printable_line(events: list[dict[str, Any]]) -> None:
    steps = build_steps(events)
    assert sorted(number for step in steps for number in step.events) == list(range(len(events)))
    for step in steps:
        text = describe(step, events.__getitem__)
        assert "\n" not in text and "\x1b" not in text and len(text) <= 400


@given(HOSTILE_EVENTS)
def test_the_summary_counts_the_steps_that_a_person_counts(events: list[dict[str, Any]]) -> None:
    counter = SummaryCounter()
    for event in events:
        counter.add(event)
    moves = [step for step in build_steps(events) if step.kind not in (StepKind.START, StepKind.END)]
    assert counter.steps == len(moves)


def test_lists_and_timelines_count_the_same_steps() -> None:
    """Start and end are steps that can be pointed at, but none that count."""
    for session in (
        a_failing_booking(),
        a_session(),
        a_session().calls("x", error="boom").asks("y"),
        a_session().span("s", "1").event("screenshot", {}).ends("failed"),
    ):
        counter = SummaryCounter()
        for event in session.events:
            counter.add(event)
        steps = build_steps(session.events)
        number = counter.result().get("steps", 0)
        assert [step.index for step in steps if step.is_move] == list(range(1, number + 1))
