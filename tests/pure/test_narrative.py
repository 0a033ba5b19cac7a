from __future__ import annotations

from promptetheus.cause.narrative import headline
from tests.builders import a_failing_booking, a_passing_booking, a_session


def test_a_failed_check_is_the_headline() -> None:
    assert headline(a_failing_booking().events) == "Failed its goal: selected Wednesday, not Tuesday."


def test_a_passed_check_says_so() -> None:
    assert headline(a_passing_booking().events) == "Met its goal."


def test_an_error_of_the_session_is_named() -> None:
    assert (
        headline(a_session().ends("failed", "ValueError: bad").events) == "Ended as failed: ValueError: bad."
    )


def test_a_failure_without_words_of_its_own_takes_those_of_the_last_failed_call() -> None:
    events = a_session().calls("search", error="503 upstream").ends("failed").events
    assert headline(events) == "Ended as failed: search: 503 upstream."


def test_a_session_without_an_end_says_so() -> None:
    assert headline(a_session().events) == "No end recorded."


def test_a_completed_session_claims_no_more_than_it_knows() -> None:
    assert headline(a_session().ends().events) == "Completed; nothing checked its goal."


def test_hostile_text_is_made_printable() -> None:
    assert "\x1b" not in headline(a_session().checks(False, "\x1b[2J").events)
