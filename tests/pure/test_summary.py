from __future__ import annotations

import pytest

from promptetheus.summary import MAX_NAMES, SummaryCounter
from tests.builders import SessionBuilder, a_failing_booking, a_session


def summary_of(session: SessionBuilder) -> dict[str, object]:
    counter = SummaryCounter()
    for event in session.events:
        counter.add(event)
    return counter.result()


def test_a_booking_in_numbers() -> None:
    found = summary_of(a_failing_booking())
    assert found["events"] == 9
    assert found["steps"] == 5
    assert found["tools"] == {"search_calendar": 1}
    assert found["failed_checks"] == 1
    assert found["fingerprint"] == "8ae0f41220d0"
    assert found["status"] == "completed"
    assert found["duration_ms"] == pytest.approx(800, abs=1)


def test_tokens_are_summed_by_model_and_only_recorded_costs_are_costs() -> None:
    session = a_session()
    used = {"model": "m", "input_tokens": 10, "output_tokens": 2}
    session.event("llm_call", used, metadata={"cost_usd": 0.25}).event("llm_call", used)
    found = summary_of(session)
    assert found["usage"] == {"m": {"calls": 2, "input": 20, "output": 4, "cached": 0}}
    assert found["cost_usd"] == 0.25


def test_a_cost_that_nobody_recorded_is_absent() -> None:
    assert "cost_usd" not in summary_of(a_session().event("llm_call", {"model": "m"}))


def test_metadata_and_tags_are_merged_as_they_change() -> None:
    session = a_session()
    session.events[0]["metadata"] = {"session_metadata": {"task": 1, "big": {"left": "out"}}}
    session.event("state_change", {"name": "metadata_update", "after": {"task": 2, "more": "x"}})
    session.event("state_change", {"name": "tags_added", "after": {"tags": ["a", "b"]}})
    found = summary_of(session)
    assert (found["metadata"], found["tags"]) == ({"task": 2, "more": "x"}, ["a", "b"])


def test_the_number_of_names_is_bounded() -> None:
    session = a_session()
    for number in range(MAX_NAMES + 50):
        session.calls(f"tool-{number}")
    tools = summary_of(session)["tools"]
    assert isinstance(tools, dict)
    assert len(tools) == MAX_NAMES + 1
    assert tools["…"] == 50


def test_errors_are_error_events_and_failed_calls() -> None:
    session = a_session().calls("a", error="no").calls("b").event("error", {"message": "x", "handled": True})
    assert summary_of(session)["errors"] == 2
