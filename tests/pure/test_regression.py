from __future__ import annotations

import pytest

from promptetheus.regression import assert_no_regression, diff_sessions
from tests.builders import a_failing_booking, a_passing_booking, a_session


def test_a_session_does_not_differ_from_itself() -> None:
    diff = diff_sessions(a_failing_booking().events, a_failing_booking().events)
    assert (diff.changes, diff.summary(), diff.regressed) == ((), "", False)


def test_a_check_that_fails_now_is_a_regression() -> None:
    diff = diff_sessions(a_passing_booking().events, a_failing_booking().events)
    assert diff.summary() == "! regressed goal_check passed before, now fails"
    assert diff.regressed
    with pytest.raises(AssertionError, match="now fails"):
        assert_no_regression(a_passing_booking().events, a_failing_booking().events)


def test_a_check_that_passes_now_is_a_change() -> None:
    diff = diff_sessions(a_failing_booking().events, a_passing_booking().events)
    assert diff.summary() == "~ changed goal_check failed before, now passes"
    assert not diff.regressed


def test_added_and_removed_calls_are_named() -> None:
    before = a_session().calls("a").calls("b").events
    after = a_session().calls("b").calls("c").event("error", {"message": "Boom " + "x" * 60}).events
    assert diff_sessions(before, after).summary().splitlines() == [
        "+ added tool_call c",
        "+ added tool_result c",
        "+ added error Boom " + "x" * 35,
        "- removed tool_call a",
        "- removed tool_result a",
    ]
    assert diff_sessions(before, after).regressed


def test_changed_arguments_and_results_are_shown() -> None:
    before = a_session().calls("book", {"day": "Tuesday"}, result="ok Tuesday").events
    after = a_session().calls("book", {"day": "Wednesday"}, result="ok Wednesday").events
    assert diff_sessions(before, after).summary().splitlines() == [
        '~ changed tool_call book arguments {day: "Tuesday"} -> {day: "Wednesday"}',
        '~ changed tool_result book result "ok Tuesday" -> "ok Wednesday"',
    ]


def test_ids_and_numbers_in_results_are_no_difference() -> None:
    before = a_session().calls("book", result="booking 17 at 0xaa").events
    after = a_session().calls("book", result="booking 9999 at 0xbb").events
    assert diff_sessions(before, after).changes == ()


def test_a_span_that_takes_much_longer_is_a_change() -> None:
    before = a_session().span("fetch", "s", took_ms=100).events
    after = a_session().span("fetch", "s", took_ms=5000).events
    assert diff_sessions(before, after).summary() == "~ changed span fetch duration 100ms -> 5000ms"


def test_a_session_that_ends_in_failure_is_a_regression() -> None:
    diff = diff_sessions(a_session().ends().events, a_session().ends("failed", "boom").events)
    assert diff.regressed
