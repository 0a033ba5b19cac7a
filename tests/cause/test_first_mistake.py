from __future__ import annotations

import time

import pytest
from hypothesis import given

from promptetheus.cause.first_mistake import CHANCES, first_mistakes
from promptetheus.cause.mistake_signs import MAX_MOVES, Sign, is_empty
from promptetheus.cause.moves import Move, moves_of
from promptetheus.cause.signatures import make_run
from tests.builders import SessionBuilder, a_passing_booking, a_session
from tests.cause.hostile import EVENTS


def signs(session: SessionBuilder) -> dict[int, tuple[Sign, ...]]:
    """By number of the step: why it is suspect."""
    return {found.step: found.signs for found in first_mistakes(session.events, limit=100)}


def test_words_and_the_call_after_them_are_one_move() -> None:
    session = a_session().asks("hi").says("I look").calls("search").says("Done").says("Bye").calls("book")
    moves = list(moves_of(make_run(session.events)))
    assert moves == [Move(1, 2), Move(3, None), Move(4, 5)]


def test_a_call_that_changes_the_wrong_thing_goes_before_the_looking_around_it() -> None:
    session = a_session().asks("Book Tuesday").calls("search_slots", {"day": "Tuesday"}, result=["2pm"])
    session.calls("book_slot", {"day": "Wednesday"}, result="ok").says("Booked Wednesday 2pm")
    best = first_mistakes(session.events)[0]
    assert (best.step, best.signs) == (3, (Sign.CHANGE,))
    assert best.text == 'book_slot(day="Wednesday") → "ok"'


def test_of_two_equal_errors_the_first_is_likelier() -> None:
    session = a_session().calls("run_code", {"code": "a"}, error="x").calls("fetch_page", {"b": 2}, error="y")
    assert [found.step for found in first_mistakes(session.events)] == [1, 2]


def test_an_error_that_a_like_call_mended_counts_for_little() -> None:
    session = a_session().calls("book_slot", {"day": "Tuesday", "time": "2 pm"}, error="bad time")
    session.calls("book_slot", {"day": "Tuesday", "time": "2:00"}, result="ok")
    assert Sign.MENDED in signs(session)[1]
    assert first_mistakes(session.events)[0].step == 2


def test_an_answer_without_content_is_a_sign_only_where_one_was_asked_for() -> None:
    session = a_session().calls("search", {"q": 1}, result=[]).calls("think", {"thought": "hm"}, result="")
    session.calls("book_slot", {"day": "Tuesday"}, result="")
    found = signs(session)
    assert Sign.EMPTY_ANSWER in found[1]
    assert Sign.EMPTY_ANSWER not in found[2] + found[3]


@pytest.mark.parametrize("answer", [None, "", [], {}, "None", "no results found.", "The longest word is:"])
def test_answers_without_content(answer: object) -> None:
    assert is_empty(answer)


@pytest.mark.parametrize("answer", [0, False, "0 seats", ["a"], "None of them fits, take the next", "a: b"])
def test_answers_with_content(answer: object) -> None:
    assert not is_empty(answer)


def test_figures_that_nothing_before_shows_are_unfounded() -> None:
    made_up = "The tower is 1083 feet high and was built in 1889."
    asked = a_session().asks("How high is it?")
    assert Sign.UNFOUNDED in signs(asked.says(made_up))[2]
    looked = a_session().asks("How high is it?").calls("search", result="1,083 feet, opened 1889")
    assert Sign.UNFOUNDED not in signs(looked.says(made_up))[3]


def test_going_on_without_a_new_try_after_a_failure_is_a_sign() -> None:
    session = (
        a_session().calls("fetch_page", error="404").says("Let us assume that the page lists four slots.")
    )
    assert {Sign.PAST_FAILURE, Sign.SUBSTITUTE} <= set(signs(session)[2])
    again = a_session().calls("fetch_page", error="404").says("I try once more, elsewhere.").calls("search")
    assert Sign.PAST_FAILURE not in signs(again)[3]


def test_the_same_call_with_the_same_answer_is_suspect_the_second_time() -> None:
    found = signs(a_session().calls("search", {"q": 1}, result=["a"]).calls("search", {"q": 1}, result=["a"]))
    assert Sign.REPEATED not in found[1]
    assert Sign.REPEATED in found[2]


def test_a_click_after_which_the_page_is_the_same_is_in_vain() -> None:
    page = {"url": "https://a.example", "visible_text": "Choose a slot"}
    session = a_session()
    for target in ("#a", "#b"):
        session.event("browser_action", {"action": "click", "target": target}).event("dom_snapshot", page)
    found = signs(session)
    assert (Sign.IN_VAIN in found[1], Sign.IN_VAIN in found[2]) == (False, True)


def test_a_word_that_ends_a_conversation_is_no_step_past_a_failure() -> None:
    assert signs(a_session().calls("search", error="no").says("TERMINATE"))[2] == (Sign.WORDS,)


def test_the_verdict_changes_nothing() -> None:
    told = a_session().asks("Book").calls("search", error="down").says("Booked")
    before = first_mistakes(told.events)
    assert first_mistakes(told.checks(False, "not booked").ends("failed", "x").events) == before


def test_every_candidate_says_why() -> None:
    found = first_mistakes(a_passing_booking().events)
    assert found and all(each.signs and each.reason for each in found)
    assert set(CHANCES) == set(Sign)


def test_a_session_without_moves_has_no_candidates() -> None:
    assert first_mistakes(a_session().asks("hello").ends().events) == []


def test_a_very_long_session_costs_no_more_than_its_first_moves() -> None:
    session = a_session()
    for number in range(MAX_MOVES + 2_000):
        session.calls("search", {"q": number}, result=[f"flight {number}"])
    began = time.process_time()
    found = first_mistakes(session.events)
    assert found[0].step <= MAX_MOVES
    assert time.process_time() - began < 20  # a quadratic search over them takes minutes


@given(EVENTS)
def test_hostile_events_never_raise_and_chances_are_chances(events: list[dict[str, object]]) -> None:
    found = first_mistakes(events)
    assert found == first_mistakes(events)
    assert all(0 < each.chance <= 1 and "\n" not in each.text for each in found)
    assert sum(each.chance for each in found) <= 1.001
    assert [each.chance for each in found] == sorted((each.chance for each in found), reverse=True)
