from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.explain import MIN_BYTES, explain
from promptetheus.narrative import headline
from tests.builders import SessionBuilder, a_failing_booking, a_session
from tests.cause.hostile import EVENTS


def a_long_session() -> SessionBuilder:
    session = a_session().asks("Book Tuesday")
    for number in range(40):
        session.calls("look", {"at": number}, result="nothing")
    session.calls("book_slot", {"day": "Wednesday"}, result="ok")
    for _ in range(6):
        session.calls("poll", {}, result="waiting")
    return session.calls("pay", {"amount": 3}, error="declined").says("Paid").checks(False, "not paid").ends()


def test_one_line_is_the_headline() -> None:
    events = a_failing_booking().events
    assert explain(events, lines=1) == headline(events)


def test_ten_lines_keep_errors_failed_checks_and_changes_before_all_else() -> None:
    text = explain(a_long_session().events)
    lines = text.splitlines()
    assert len(lines) <= 10
    assert lines[:2] == ["Failed its goal: not paid.", "Task of calendar-agent: Book Tuesday at 2pm"]
    assert "declined" in text and "not paid" in lines[-1]
    assert 'book_slot(day="Wednesday")' in text
    assert "… " in text


def test_repeats_stand_once_and_are_counted() -> None:
    assert 'poll() → "waiting"  ×6' in explain(a_long_session().events, lines=200)


def test_a_short_session_is_told_whole() -> None:
    text = explain(a_failing_booking().events)
    assert "…" not in text
    assert 'search_calendar(day="Tuesday") → ["Tuesday 2pm", "Tuesday 3pm"]' in text


def test_failures_that_do_not_fit_are_counted() -> None:
    session = a_session()
    for number in range(30):
        session.calls("pay", {"amount": number}, error=f"declined {'x' * number}")
    assert "of them failed" in explain(session.events, lines=6)


@pytest.mark.parametrize("budget", [MIN_BYTES, 200, 1_000])
def test_a_byte_budget_is_kept(budget: int) -> None:
    text = explain(a_long_session().says("ü" * 400).events, lines=500, max_bytes=budget)
    assert len(text.encode()) <= budget
    assert text.startswith("Failed its goal")


@given(EVENTS, st.integers(1, 12), st.integers(MIN_BYTES, 500))
def test_hostile_events_never_raise_and_budgets_hold(
    events: list[dict[str, object]], lines: int, budget: int
) -> None:
    text = explain(events, lines=lines, max_bytes=budget)
    assert len(text.encode()) <= budget
    assert len(text.splitlines()) <= lines
    assert text == explain(events, lines=lines, max_bytes=budget)
