from __future__ import annotations

from hypothesis import given

from promptetheus.cause.baseline import nearest
from promptetheus.cause.comparison import Change
from promptetheus.cause.deviation import DeviationKind, deviation
from promptetheus.cause.diff_json import report_as_json
from promptetheus.cause.divergence import DivergenceKind
from promptetheus.cause.effects import infer_effects
from promptetheus.cause.held_against import Comparison, compare
from promptetheus.cause.side_by_side_text import banner_lines, row_lines
from promptetheus.cause.signatures import make_run
from promptetheus.exporters.diff_html import diff_html
from tests.builders import SessionBuilder, a_session
from tests.cause.hostile import EVENTS
from tests.cause.reports import report_of


def compared(left: SessionBuilder, right: SessionBuilder) -> Comparison:
    return compare(make_run(left.events), make_run(right.events))


def booking(day: str = "Tuesday", words: str = "Done") -> SessionBuilder:
    return (
        a_session()
        .asks("Book Tuesday")
        .calls("search_slots", {"day": "Tuesday"}, result=["2pm"])
        .calls("book_slot", {"day": day, "hour": 14}, result="booked")
        .says(words)
        .ends()
    )


@given(EVENTS)
def test_a_session_does_not_differ_from_itself(events: list[dict[str, object]]) -> None:
    run = make_run(events)
    found = compare(run, run)
    assert (found.first, found.effective, found.candidates) == (None, None, ())
    assert found.sides.equal == len(run.steps)


@given(EVENTS, EVENTS)
def test_hostile_events_never_raise_and_every_step_has_a_row(
    one: list[dict[str, object]], other: list[dict[str, object]]
) -> None:
    left, right = make_run(one), make_run(other)
    found = compare(left, right)
    assert sum(row.left is not None for row in found.sides.rows) == len(left.steps)
    assert sum(row.right is not None for row in found.sides.rows) == len(right.steps)
    deviation(right, [left], infer_effects([left, right]))


def test_a_change_made_with_other_arguments_is_the_effective_divergence() -> None:
    found = compared(booking(), booking(day="Wednesday"))
    assert found.effective is not None
    assert (found.effective.kind, found.effective.name) == (DivergenceKind.ARGUMENTS, "book_slot")
    assert found.effective.arguments == ("day",)
    assert [change.describe() for change in found.effective.changes] == ['day: "Tuesday" → "Wednesday"']
    assert found.effective.how_sure == "sure"


def test_how_many_steps_are_equal_before_it_is_said_in_the_singular_too() -> None:
    one = a_session().asks("Book Tuesday").calls("book_slot", {"day": "Tuesday"}, result="booked").ends()
    other = a_session().asks("Book Tuesday").calls("book_slot", {"day": "Wednesday"}, result="booked").ends()
    first = compared(one, other).first
    assert first is not None and first.reason == "1 of 1 step equal before it"


def test_steps_before_it_in_other_words_are_said_to_be_no_more_than_that() -> None:
    def booked(words: str, day: str, model: str = "gpt-5") -> SessionBuilder:
        begun = a_session().asks("Book Tuesday").says(words).event("llm_call", {"model": model})
        return begun.says(words).calls("book_slot", {"day": day}, result="booked").ends()

    first = compared(booked("I look.", "Tuesday"), booked("Let me see.", "Wednesday")).first
    assert first is not None and first.reason == "2 of 4 steps equal before it, the others in other words"
    first = compared(booked("I look.", "Tuesday"), booked("I look.", "Wednesday", "gpt-4")).first
    assert first is not None and first.reason == "3 of 4 steps equal before it, the other much the same"


def test_other_words_are_the_first_divergence_only_when_there_is_no_other() -> None:
    found = compared(booking(), booking(words="It is booked."))
    assert found.first is not None
    assert (found.first.kind, found.effective) == (DivergenceKind.WORDING, None)
    otherwise = compared(booking(), booking(day="Wednesday", words="It is booked."))
    assert otherwise.first is not None
    assert otherwise.first.kind is DivergenceKind.ARGUMENTS


def test_looking_elsewhere_is_a_difference_but_no_effective_one() -> None:
    more = booking()
    more.events[2:2] = a_session().calls("search_slots", {"day": "Monday"}, result=[]).events[1:]
    for seq, event in enumerate(more.events):
        event["seq"] = seq
    found = compared(booking(), more)
    assert found.first is not None
    assert (found.first.kind, found.effective) == (DivergenceKind.EXTRA, None)


def test_a_change_never_made_is_named() -> None:
    found = compared(booking(), a_session().asks("Book Tuesday").says("I cannot").ends())
    assert [(each.kind, each.name) for each in found.missing_effects] == [
        (DivergenceKind.MISSING, "book_slot")
    ]
    assert "was never made" in found.missing_effects[0].reason


def test_a_change_that_was_tried_in_vain_is_told_apart_from_one_never_tried() -> None:
    failing = (
        a_session().asks("Book Tuesday").calls("book_slot", {"day": "Tuesday", "hour": 14}, error="full")
    )
    found = compared(booking(), failing)
    assert "was tried, and answered with an error" in found.missing_effects[0].reason


def test_independent_changes_in_another_order_leave_the_same_world() -> None:
    one = a_session().calls("book", {"room": "a"}).calls("book", {"room": "b"})
    other = a_session().calls("book", {"room": "b"}).calls("book", {"room": "a"})
    assert compared(one, other).effective is None


def test_changes_of_one_thing_in_another_order_may_matter() -> None:
    one = a_session().calls("open_door", {"door": "a"}).calls("close_door", {"door": "a"})
    other = a_session().calls("close_door", {"door": "a"}).calls("open_door", {"door": "a"})
    found = compared(one, other).effective
    assert found is not None
    assert (found.kind, found.how_sure) == (DivergenceKind.ORDER, "unsure")


def test_a_note_in_other_words_with_the_same_figures_is_no_other_effect() -> None:
    one = a_session().calls("send_note", {"text": "Your flight HAT136 leaves at 9 on Monday"})
    other = a_session().calls("send_note", {"text": "On Monday at 9 the flight HAT136 is leaving"})
    wrong = a_session().calls("send_note", {"text": "On Monday at 9 the flight HAT999 is leaving"})
    assert compared(one, other).effective is None
    assert compared(one, wrong).effective is not None


def test_the_same_question_with_another_answer_is_a_result_that_differs() -> None:
    one = a_session().calls("search_slots", {"day": "Tue"}, result=["2pm"])
    other = a_session().calls("search_slots", {"day": "Tue"}, result=["3pm"])
    found = compared(one, other)
    assert [row.change for row in found.sides.rows] == [Change.RESULT]
    assert found.first is not None
    assert found.first.changes[0].path == "[0]"


def test_sessions_about_different_things_are_not_comparable_and_it_says_why() -> None:
    one = a_session().calls("a").calls("b").calls("c")
    other = a_session().calls("x").calls("y").calls("z")
    found = compared(one, other)
    assert "no call or action in common" in found.sides.not_comparable
    assert found.first is not None
    assert found.first.confidence == 0
    assert banner_lines(report_of(one, other))[0].startswith("not comparable: ")


def of_task(agent: str, goal: str, task_id: str = "") -> SessionBuilder:
    session = a_session(agent=agent, goal=goal)
    if task_id:
        session.events[0]["metadata"] = {"session_metadata": {"task_id": task_id}}
    return session


def test_sessions_of_other_agents_and_goals_with_no_step_in_common_claim_no_divergence() -> None:
    one = of_task("calendar-agent", "Book Tuesday").calls("create_event", {"day": "Tuesday"})
    other = of_task("coding-agent", "Fix the test").calls("edit_file", {"path": "a.py"})
    report = report_of(one, other)
    assert report.banner.not_comparable == "another agent and another goal, and no step in common"
    assert (report.banner.first_row, report.banner.effective_row) == (None, None)
    lines = banner_lines(report)
    assert lines[0] == "not comparable: another agent and another goal, and no step in common"
    assert "another agent's session: " in lines[1]
    assert not any("divergence" in line or "create_event" in line for line in lines)
    data = report_as_json(report, rows=False)
    assert data["not_comparable"] == report.banner.not_comparable
    assert (data["first_divergence"], data["effective_divergence"]) == (None, None)
    assert data["effect_differences"] == []
    page = diff_html(report, lambda pair: None)  # type: ignore[arg-type, return-value]
    assert "Not comparable:" in page and "divergence:</strong>" not in page


def test_sessions_of_one_agent_and_goal_with_no_step_in_common_keep_what_is_said_of_them() -> None:
    one = of_task("a", "Book Tuesday").calls("create_event", {"day": "Tuesday"})
    other = of_task("a", "Book Tuesday").calls("give_up", {})
    report = report_of(one, other)
    assert (report.banner.not_comparable, report.banner.other_task) == ("", "")
    assert report.banner.first_row is not None and report.banner.how_sure == "unsure"


def test_another_goal_alone_does_not_hide_where_sessions_part_that_share_their_steps() -> None:
    one, other = (
        of_task("a", goal).calls("log_in", {"as": "me"}).calls("book", {"day": day})
        for goal, day in (("Book Tuesday", "Tuesday"), ("Book Friday", "Friday"))
    )
    report = report_of(one, other)
    assert report.banner.not_comparable == "" and report.banner.first_row == 1
    assert report.banner.other_task == "a session of another goal: calendar-agent, Book"


def test_one_agent_that_does_the_same_for_another_goal_can_be_compared() -> None:
    one, other = (
        of_task("a", f"Book {day}").calls("search", {"day": day}).calls("book", {"day": day})
        for day in ("Tuesday", "Friday")
    )
    report = report_of(one, other)
    assert report.banner.not_comparable == "" and report.banner.first_row == 0


def test_the_same_call_of_a_model_is_nothing_in_common() -> None:
    one, other = of_task("a", "Book Tuesday"), of_task("a", "Fix the test")
    for session, tool in ((one, "book"), (other, "edit")):
        for _ in range(5):
            session.event("llm_call", {"model": "gpt-5"})
        session.calls(tool, {})
    assert report_of(one, other).banner.not_comparable == (
        "another goal, and no step in common, calls of models aside"
    )


def test_one_equal_step_of_many_is_hardly_anything_in_common() -> None:
    one, other = of_task("a", "Book Tuesday").calls("log_in", {}), of_task("b", "Fix it").calls("log_in", {})
    for number in range(11):
        one.calls("look", {"at": f"slot {number}"})
        other.calls("read", {"at": f"line {number}"})
    assert report_of(one, other).banner.not_comparable == (
        "another agent and another goal, and only 1 of 12 steps in common"
    )


def test_a_task_that_is_put_in_other_words_is_the_same_by_its_id() -> None:
    one = of_task("a", "Book Tuesday", "t-one").calls("book", {"day": "Tuesday"})
    other = of_task("a", "I want to come on Tuesday", "t-one").calls("look", {"day": "Tuesday"})
    assert report_of(one, other).banner.not_comparable == ""


def test_steps_that_are_not_lined_up_are_named() -> None:
    one = booking().event("metric", {"name": "hours", "value": 19})
    other = booking().event("goal_check", {"passed": False, "mismatches": []})
    assert banner_lines(report_of(one, other))[-1] == "not lined up: metrics and checks"
    assert not any("not lined up" in line for line in banner_lines(report_of(booking(), booking("Friday"))))


def test_long_stretches_of_equal_rows_are_one_line() -> None:
    one, other = a_session(), a_session()
    for number in range(9):
        one.calls("look", {"at": f"place {number}"})
        other.calls("look", {"at": f"place {number}"})
    assert row_lines(report_of(one, other.calls("book", {"day": "x"}))) == [
        "= 9 equal steps",
        '+    ·   10  tool      book(day="x") → null',
    ]


def test_a_deviation_is_named_by_kind_tool_and_arguments() -> None:
    good, handed = booking(), a_session().asks("Book").calls("transfer_to_human_agents", {}).ends()
    cases = {
        DeviationKind.WRONG_ARGUMENTS: booking(day="Wednesday"),
        DeviationKind.EXTRA_EFFECT: booking().calls("cancel_slot", {"day": "Monday"}),
        DeviationKind.MISSING_EFFECT: a_session().asks("Book").ends(),
        DeviationKind.GAVE_UP: handed,
        DeviationKind.NO_EFFECT: booking(words="No idea"),
        DeviationKind.ERROR: a_session().asks("Book").ends("failed", "boom"),
    }
    runs = {kind: make_run(session.events) for kind, session in cases.items()}
    passing = make_run(good.events)
    effects = infer_effects([passing, *runs.values()])
    found = {kind: deviation(run, [passing], effects) for kind, run in runs.items()}
    assert {kind: each.kind for kind, each in found.items() if each} == {kind: kind for kind in cases}
    wrong = found[DeviationKind.WRONG_ARGUMENTS]
    assert wrong is not None
    assert wrong.label == "wrong arguments: book_slot(day)"


def test_the_same_call_again_and_again_is_a_loop() -> None:
    stuck = booking()
    for _ in range(5):
        stuck.calls("search_slots", {"day": "Tuesday"}, result=["2pm"])
    runs = [make_run(session.events) for session in (booking(), stuck)]
    found = deviation(runs[1], runs[:1], infer_effects(runs))
    assert found is not None
    assert (found.kind, found.tool) == (DeviationKind.LOOP, "search_slots")


def test_without_a_passing_run_there_is_no_class() -> None:
    run = make_run(booking().events)
    assert deviation(run, [], infer_effects([run])) is None


def test_a_class_is_the_same_under_other_ids_and_times() -> None:
    def renamed(session: SessionBuilder) -> SessionBuilder:
        for event in session.events:
            event["session_id"] = "another"
            event["timestamp"] = "2030-01-01T00:00:00.000001Z"
            if "call_id" in event["payload"]:
                event["payload"]["call_id"] = "renamed-" + event["payload"]["call_id"]
        return session

    passing = make_run(booking().events)
    effects = infer_effects([passing])
    one = deviation(make_run(booking(day="Wednesday").events), [passing], effects)
    other = deviation(make_run(renamed(booking(day="Wednesday")).events), [passing], effects)
    assert one is not None and other is not None
    assert one.label == other.label


def test_the_nearest_run_has_most_steps_in_common_and_says_how_many() -> None:
    far = make_run(a_session().asks("Book").calls("look", {}).events)
    failing, near = make_run(booking(day="Wednesday").events), make_run(booking().events)
    choice = nearest(failing, [far, near])
    assert choice is not None
    assert (choice.place, choice.describe(2)) == (1, "the one of 2 with the most steps in common (1 of 2)")
    assert nearest(failing, []) is None
