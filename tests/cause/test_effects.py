from __future__ import annotations

import pytest
from hypothesis import given

from promptetheus.cause.effects import Effect, infer_effects, name_effect, writes_of
from promptetheus.cause.signatures import make_run
from tests.builders import a_session
from tests.cause.hostile import EVENTS


@pytest.mark.parametrize(
    ("tool", "effect"),
    [
        ("get_user_details", Effect.READ),
        ("searchFlights", Effect.READ),
        ("calendar.create_event", Effect.WRITE),
        ("cancel-order", Effect.WRITE),
        ("check_update", Effect.READ),
        ("transfer_money", Effect.WRITE),
        ("transfer_to_human_agents", Effect.HANDOFF),
        ("frobnicate", None),
    ],
)
def test_the_first_verb_in_a_name_says_what_a_tool_does(tool: str, effect: Effect | None) -> None:
    assert name_effect(tool)[0] is effect


def test_a_declared_effect_beats_the_name() -> None:
    session = a_session().event(
        "tool_call",
        {"tool_name": "get_ticket", "arguments": {}, "call_id": "1"},
        metadata={"effect": "write"},
    )
    found = infer_effects([make_run(session.events)])["get_ticket"]
    assert (found.effect, found.confidence, found.reason) == (Effect.WRITE, 1.0, "declared by the tool")


def test_a_correction_beats_everything() -> None:
    run = make_run(a_session().calls("cancel_order").events)
    found = infer_effects([run], {"cancel_order": "read"})["cancel_order"]
    assert (found.effect, found.reason) == (Effect.READ, "corrected by hand (the guess was write)")


def test_a_tool_after_which_the_same_question_is_answered_otherwise_changes_something() -> None:
    session = a_session()
    for number in range(2):
        session.calls("get_seat", {"flight": number}, result="free")
        session.calls("frobnicate", {"flight": number}, result="ok")
        session.calls("get_seat", {"flight": number}, result="taken")
    found = infer_effects([make_run(session.events)])["frobnicate"]
    assert found.effect is Effect.WRITE
    assert "answers changed after it 2×" in found.reason


def test_a_tool_nothing_is_known_of_is_taken_for_one_that_looks_with_a_coins_confidence() -> None:
    found = infer_effects([make_run(a_session().calls("frobnicate", {"x": 1}, result="ok").events)])
    assert (found["frobnicate"].effect, found["frobnicate"].confidence) == (Effect.READ, 0.5)


def test_a_call_answered_with_an_error_changed_nothing() -> None:
    run = make_run(
        a_session().calls("book", {"day": "Tue"}, error="full").calls("book", {"day": "Wed"}).events
    )
    assert [run.arguments[place] for place in writes_of(run, infer_effects([run]))] == [{"day": "Wed"}]


@given(EVENTS)
def test_hostile_events_never_raise(events: list[dict[str, object]]) -> None:
    run = make_run(events)
    assert len(run.steps) == len(run.signatures)
    for place in range(len(run.steps)):
        assert "\n" not in run.text(place)
    infer_effects([run])
