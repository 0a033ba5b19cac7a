from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptetheus.pytest_plugin.recorded_events import merged
from promptetheus.pytest_plugin.run import RecordedRun
from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session


def run_of(session: SessionBuilder) -> RecordedRun:
    return RecordedRun(lambda: session.events)


@pytest.fixture
def booking() -> RecordedRun:
    session = a_session().asks("Book").calls("search", {"day": "Tuesday"}, result=["2pm"])
    session.calls("book", {"day": "Wednesday", "time": "2pm"}, result="ok").calls("mail", error="no server")
    return run_of(session.says("Booked Wednesday 2pm"))


def test_assertions_that_hold_are_true(booking: RecordedRun) -> None:
    assert booking.calls("search").before("book").once()
    assert booking.calls("mail").after("book")
    assert booking.calls("book").with_arguments(day="Wednesday").succeeded()
    assert booking.calls("pay").never()
    assert booking.says("booked wednesday")
    assert run_of(a_passing_booking()).goal_passed()
    assert run_of(a_passing_booking()).no_errors()


def test_calls_are_a_sequence_in_order(booking: RecordedRun) -> None:
    calls = booking.calls()
    assert [call.tool for call in calls] == ["search", "book", "mail"]
    assert len(booking.calls("book")) == 1
    assert not booking.calls("pay")
    assert (calls[0].step, calls[0].arguments, calls[0].result) == (2, {"day": "Tuesday"}, ["2pm"])
    assert (calls[2].failed, calls[2].result) == (True, "no server")


CALLS = (
    'The calls were:\n  step 2: search(day="Tuesday") → ["2pm"]\n'
    '  step 3: book(day="Wednesday", time="2pm") → "ok"\n  step 4: mail() → no server'
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda run: run.calls("book").before("search"),
            f"book was called (step 3) only after search (step 2).\n{CALLS}",
        ),
        (
            lambda run: run.calls("search").after("book"),
            f"search was called (step 2) already before book (step 3).\n{CALLS}",
        ),
        (lambda run: run.calls("pay").before("book"), f"pay was never called.\n{CALLS}"),
        (lambda run: run.calls("book").before("pay"), f"pay was never called.\n{CALLS}"),
        (lambda run: run.calls("book").times(2), f"book was called once, not twice.\n{CALLS}"),
        (lambda run: run.calls("book").never(), f"book was called once.\n{CALLS}"),
        (
            lambda run: run.calls("book").with_arguments(day="Tuesday"),
            'no call of book was made with day="Tuesday".\nThey were:\n'
            '  step 3: book(day="Wednesday", time="2pm") → "ok"',
        ),
        (lambda run: run.calls("mail").succeeded(), "mail failed once.\n  step 4: mail() → no server"),
        (lambda run: run.no_errors(), "1 step(s) failed.\n  mail() → no server"),
        (
            lambda run: run.says("Tuesday"),
            "the agent never said 'Tuesday'.\nIt said:\n  Booked Wednesday 2pm",
        ),
    ],
)
def test_a_failure_says_what_was_expected_and_what_was(
    booking: RecordedRun, wrong: Callable[[RecordedRun], Any], message: str
) -> None:
    with pytest.raises(AssertionError) as failure:
        wrong(booking)
    assert str(failure.value) == message


def test_a_goal_that_failed_or_was_never_checked_is_told(booking: RecordedRun) -> None:
    with pytest.raises(AssertionError, match=r"^Failed its goal: selected Wednesday, not Tuesday\."):
        run_of(a_failing_booking()).goal_passed()
    with pytest.raises(AssertionError, match=r"^nothing checked the goal\."):
        booking.goal_passed()


def test_a_run_matches_another_that_changes_the_same(booking: RecordedRun, tmp_path: Path) -> None:
    session = a_session("other").calls("search", {"day": "Thursday"}, result=[])
    same = session.calls("book", {"day": "Wednesday", "time": "2pm"}, result="ok")
    failing_alike = same.calls("mail", error="no server").says("Done")
    assert booking.matches(run_of(failing_alike))
    assert booking.matches(failing_alike.events)
    assert booking.matches(failing_alike.write(tmp_path))


def test_a_run_that_changes_something_else_does_not_match(booking: RecordedRun) -> None:
    other = a_session().calls("book", {"day": "Tuesday", "time": "2pm"}, result="ok")
    with pytest.raises(AssertionError) as failure:
        booking.matches(other.events)
    first, *lines = str(failure.value).splitlines()
    assert first == "it departs from its baseline."
    assert lines == [
        '  book was called with another day: "Tuesday" → "Wednesday"',
        "  fails in a way that the baseline did not: tool_error:mail:no server",
    ]


def test_a_run_is_live() -> None:
    session = a_session()
    run = run_of(session)
    assert run.fingerprint == ""
    session.calls("search", error="down").ends("failed")
    assert run.calls("search").once()
    assert run.narrative(1) == "Ended as failed: search: down."
    assert len(run.fingerprint) == 12


def test_without_calls_that_is_said() -> None:
    with pytest.raises(AssertionError, match=r"^search was never called\.\nNo tool was called at all\.$"):
        run_of(a_session()).calls("search").once().once()


def test_sessions_that_ran_at_the_same_time_become_one_by_time() -> None:
    outer, inner = a_session("outer").asks("a"), a_session("inner")
    inner.event("agent_message", {"content": "b"}, after_s=5)
    outer.event("agent_message", {"content": "c"}, after_s=60)
    both = merged([outer.events, inner.events])
    assert [event["seq"] for event in both] == list(range(5))
    assert [event["payload"].get("content") for event in both if "content" in event["payload"]] == [
        "a",
        "b",
        "c",
    ]
