from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.explain import GUESS_FROM_LINES, MIN_BYTES, explain
from promptetheus.cause.narrative import headline
from promptetheus.cause.steps import StepKind, build_steps
from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session
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


def test_the_likeliest_first_mistake_of_a_failed_session_is_named() -> None:
    text = explain(a_long_session().events)
    guess = next(line for line in text.splitlines() if line.startswith("Likeliest first mistake: "))
    assert 'step 2, look(at=0) → "nothing": it got an answer without content (a guess, ' in guess
    assert "Likeliest" not in explain(a_passing_booking().events)
    assert "Likeliest" not in explain(a_long_session().events, lines=GUESS_FROM_LINES - 1)


def test_a_failed_check_is_kept_before_any_number_of_failed_calls() -> None:
    session = a_session()
    for number in range(30):
        session.calls("pay", {"amount": number}, error=f"declined {'x' * number}")
    lines = explain(session.checks(False, "not paid").says("bye").events, lines=5).splitlines()
    assert any("check" in line and line.endswith("not paid") for line in lines)


def test_what_does_not_fit_in_bytes_is_counted_not_cut() -> None:
    text = explain(a_long_session().events, lines=500, max_bytes=400)
    assert tally(text) == steps_of(a_long_session())


class Tally(NamedTuple):
    """How many steps a text accounts for, and how many of them failed."""

    steps: int
    failed: int


_LINE = re.compile(r"^(?P<mark>[✗ ]) +\d+  .*?(?:  ×(?P<times>\d+))?$")
_GAP = re.compile(r"^  … (?P<steps>\d+) steps(?:, (?P<failed>\d+) of them failed)?$")


def tally(text: str) -> Tally:
    """What the lines of a text say: each its step or steps, a mark for those left out how many they are."""
    steps = failed = 0
    for line in text.splitlines():
        if gap := _GAP.match(line):
            steps += int(gap["steps"])
            failed += int(gap["failed"] or 0)
        elif told := _LINE.match(line):
            steps += int(told["times"] or 1)
            failed += int(told["times"] or 1) if told["mark"] == "✗" else 0
    return Tally(steps, failed)


def steps_of(session: SessionBuilder) -> Tally:
    """What there is to tell of a session."""
    quiet = (StepKind.START, StepKind.END)
    steps = [step for step in build_steps(session.events) if step.kind not in quiet or step.ok is False]
    return Tally(len(steps), sum(step.ok is False for step in steps))


_MOVES = st.lists(
    st.tuples(st.sampled_from(["look", "pay", "fail", "say", "check", "pass", "error"]), st.integers(0, 2)),
    max_size=40,
)


def played(moves: list[tuple[str, int]]) -> SessionBuilder:
    session = a_session().asks("Please")
    for what, number in moves:
        match what:
            case "look" | "pay":
                session.calls(what, {"n": number}, result=number)
            case "fail":
                session.calls("pay", {"n": number}, error=f"declined {number}")
            case "say":
                session.says(f"word {number}")
            case "error":
                session.event("error", {"message": f"broken {number}"})
            case _:
                session.checks(what == "pass", *([] if what == "pass" else [f"wrong {number}"]))
    return session.ends()


@given(_MOVES, st.integers(5, 60))
def test_every_step_and_every_failure_is_told_or_counted_in_any_number_of_lines(
    moves: list[tuple[str, int]], lines: int
) -> None:
    session = played(moves)
    text = explain(session.events, lines=lines)
    assert len(text.splitlines()) <= lines
    assert tally(text) == steps_of(session)


@given(_MOVES, st.integers(300, 4_000))
def test_every_step_and_every_failure_is_told_or_counted_in_any_number_of_bytes(
    moves: list[tuple[str, int]], budget: int
) -> None:
    session = played(moves)
    text = explain(session.events, lines=budget, max_bytes=budget)
    assert len(text.encode()) <= budget
    assert tally(text) == steps_of(session)


@given(_MOVES)
def test_what_failed_has_a_line_of_its_own_wherever_there_is_room_for_all_that_failed(
    moves: list[tuple[str, int]],
) -> None:
    session = played(moves)
    failed = steps_of(session).failed
    text = explain(session.events, lines=4 + 2 * failed + 1)
    assert not any(gap["failed"] for line in text.splitlines() if (gap := _GAP.match(line)))


@given(_MOVES)
def test_ids_and_times_change_nothing(moves: list[tuple[str, int]]) -> None:
    def other(event: dict[str, Any]) -> dict[str, Any]:
        payload = dict(event["payload"])
        if "call_id" in payload:
            payload["call_id"] = f"other-{payload['call_id']}"
        timestamp = event["timestamp"].replace("2026-11-", "2031-02-")
        return {**event, "session_id": "other", "timestamp": timestamp, "payload": payload}

    events = played(moves).events
    assert explain([other(event) for event in events]) == explain(events)


@given(EVENTS, st.integers(1, 12), st.integers(MIN_BYTES, 500))
def test_hostile_events_never_raise_and_budgets_hold(
    events: list[dict[str, object]], lines: int, budget: int
) -> None:
    text = explain(events, lines=lines, max_bytes=budget)
    assert len(text.encode()) <= budget
    assert len(text.splitlines()) <= lines
    assert text == explain(events, lines=lines, max_bytes=budget)
