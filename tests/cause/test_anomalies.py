from __future__ import annotations

from hypothesis import given

from promptetheus.cause.anomalies import Anomaly, AnomalyKind, anomalies
from tests.builders import SessionBuilder, a_passing_booking, a_session
from tests.cause.hostile import EVENTS


def kinds(session: SessionBuilder) -> list[AnomalyKind]:
    return [found.kind for found in anomalies(session.events)]


def test_an_ordinary_session_has_none() -> None:
    assert anomalies(a_passing_booking().events) == []


def test_success_claimed_against_a_failed_check_comes_first() -> None:
    session = (
        a_session().calls("pay", error="declined").calls("mail").says("All set, it is booked").checks(False)
    )
    found = anomalies(session.ends().events)
    assert [each.kind for each in found] == [AnomalyKind.FALSE_SUCCESS, AnomalyKind.IGNORED_ERROR]
    assert found[0] == Anomaly(
        AnomalyKind.FALSE_SUCCESS, (3,), 'the agent\'s last words say "All set", and a check failed'
    )


def test_an_error_that_was_tried_again_or_spoken_of_is_not_ignored() -> None:
    assert kinds(a_session().calls("pay", error="declined").calls("look").calls("pay")) == []
    assert kinds(a_session().calls("pay", error="declined").says("It was declined").calls("look")) == []


def test_the_same_call_with_the_same_answer_again_and_again() -> None:
    session = a_session()
    for _ in range(3):
        session.calls("search", {"q": 1}, result=["a"])
    found = anomalies(session.events)
    assert (found[0].kind, found[0].steps) == (AnomalyKind.REPETITION, (1, 2, 3))
    assert found[0].text.startswith("3 times: search(q=1)")


def test_asking_again_what_answered_nothing() -> None:
    session = a_session()
    for _ in range(3):
        session.calls("search", {"q": 1}, result=[])
    assert kinds(session) == [AnomalyKind.EMPTY_RESULT]


def test_a_tool_that_never_answers_anything_gives_no_empty_result() -> None:
    session = a_session()
    for _ in range(3):
        session.calls("think", {"thought": "hm"}, result="")
    assert kinds(session) == [AnomalyKind.REPETITION]


def test_polling_whose_answer_changes_is_no_repetition() -> None:
    session = a_session()
    for number in range(4):
        session.calls("progress", result=number)
    assert kinds(session) == []


def test_two_calls_in_turn_are_going_back_and_forth_once() -> None:
    session = a_session()
    for number in range(4):
        session.calls("open_page", result=number).calls("go_back", result=number)
    found = anomalies(session.events)
    assert [each.kind for each in found] == [AnomalyKind.OSCILLATION]
    assert found[0].text == "open_page and go_back in turn, 4 times"


def test_an_answer_cut_off_at_its_limit() -> None:
    session = a_session().event("llm_call", {"model": "m"}, metadata={"finish_reason": "length"})
    assert kinds(session) == [AnomalyKind.CUT_OFF]


def test_a_click_after_which_the_page_is_the_same() -> None:
    page = {"url": "https://a.example", "visible_text": "Choose a slot"}
    session = a_session().event("dom_snapshot", page)
    session.event("browser_action", {"action": "click", "target": "#a"}).event("dom_snapshot", page)
    assert kinds(session) == [AnomalyKind.NO_CHANGE]


def test_a_stall_is_far_longer_than_the_usual_step() -> None:
    session = a_session()
    for took_s in (0.1, 0.2, 0.1, 90):
        call_id = session.opens_call("fetch", {"n": took_s})
        session.event("tool_result", {"call_id": call_id, "result": took_s}, after_s=took_s)
    found = anomalies(session.events)
    assert [each.text for each in found] == ["fetch took 1m 30s"]


def test_a_call_is_unanswered_only_once_the_session_has_ended() -> None:
    session = a_session()
    session.opens_call("search", {})
    assert kinds(session) == []
    assert kinds(session.ends()) == [AnomalyKind.UNANSWERED]


def test_an_error_is_ignored_also_where_a_model_was_called_in_between() -> None:
    session = a_session().calls("pay", error="declined").event("llm_call", {"model": "m"}).calls("look")
    assert kinds(session) == [AnomalyKind.IGNORED_ERROR]


def test_an_empty_answer_taken_for_one_with_content() -> None:
    session = a_session().calls("search_slots", {"day": "Tuesday"}, result=[])
    used = session.calls("book_slot", {"time": "2pm"}, result="ok")
    found = anomalies(used.events)
    assert [(each.kind, each.steps) for each in found] == [(AnomalyKind.EMPTY_RESULT, (1, 2))]
    assert found[0].text.startswith("book_slot was called as if there had been an answer")
    told = a_session().calls("search_slots", result=[]).says("Tuesday at 2pm is free.")
    assert kinds(told) == [AnomalyKind.EMPTY_RESULT]


def test_an_empty_answer_that_was_noticed_is_not_used() -> None:
    assert kinds(a_session().calls("search_slots", result=[]).says("There isn't any slot.")) == []
    assert kinds(a_session().calls("search_slots", result=[]).calls("search_rooms", result=["a"])) == []
    assert kinds(a_session().calls("book_slot", result="").says("Booked.")) == []


def test_a_model_that_is_given_much_less_than_before_has_lost_context() -> None:
    session = a_session()
    for tokens in (9_000, 30_000, 31_000, 6_000):
        session.event("llm_call", {"model": "m", "input_tokens": tokens})
    found = anomalies(session.events)
    assert [each.text for each in found] == ["m was given 6.0k tokens after 31k"]


def test_an_answer_that_says_it_was_truncated_is_context_lost() -> None:
    assert kinds(a_session().calls("read_file", result="a\nb\n[truncated]")) == [AnomalyKind.CONTEXT_LOST]


def test_a_long_pause_is_a_stall_unless_a_person_was_waited_for() -> None:
    session = a_session()
    for number in range(4):
        session.calls("look", {"n": number}, result=number)
    session.event("agent_message", {"content": "hm"}, after_s=120)
    session.event("user_message", {"content": "and?"}, after_s=3_600)
    found = anomalies(session.events)
    assert [(each.kind, each.steps) for each in found] == [(AnomalyKind.STALL, (4, 5))]


def test_the_time_of_a_model_call_that_was_recorded_at_its_end_is_no_pause() -> None:
    session = a_session().asks("hi").calls("look")
    session.event("llm_call", {"model": "m", "latency_ms": 40_000}, after_s=40)
    assert anomalies(session.events) == []


@given(EVENTS)
def test_hostile_events_never_raise(events: list[dict[str, object]]) -> None:
    found = anomalies(events)
    assert found == anomalies(events)
    assert all(each.steps and "\n" not in each.text for each in found)
