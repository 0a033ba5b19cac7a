"""The course of a session: marks in their places however long it grows, and the way from a place to a step."""

from __future__ import annotations

import pytest

from promptetheus.cause.steps import StepKind
from promptetheus.tui.session.course import BUCKETS, Course, Mark
from tests.tui.session_steps import a_step, course_of, listed, steps_at


def test_marks_lie_where_things_happened() -> None:
    course, _ = course_of(
        [
            a_step(0, 0.0),
            a_step(1, 250.0, kind=StepKind.ERROR, ok=False),
            a_step(2, 500.0, kind=StepKind.SHOT),
            a_step(3, 750.0, kind=StepKind.CHECK, ok=True),
            a_step(4, 1_000.0, kind=StepKind.CHECK, ok=False),
        ]
    )
    marks = [mark for mark, _ in course.columns(4)]
    assert Mark.ERROR in marks[1]
    assert Mark.SHOT in marks[2]
    assert Mark.CHECK_PASSED in marks[3]
    assert Mark.CHECK_FAILED in marks[3]
    assert Mark.ERROR not in marks[0]


def test_a_failed_call_is_marked_where_its_result_came() -> None:
    course, _ = course_of([a_step(0, 0.0, 900.0, ok=False), a_step(1, 1_000.0)])
    marks = [mark for mark, _ in course.columns(10)]
    assert Mark.ERROR in marks[9] and Mark.ERROR not in marks[0]


def test_the_time_of_models_fills_the_cells_it_took() -> None:
    course, _ = course_of([a_step(0, 0.0), a_step(1, 500.0, 500.0, StepKind.LLM), a_step(2, 1_000.0)])
    shares = [share for _, share in course.columns(4)]
    assert shares[0] == pytest.approx(1.0, abs=0.02)
    assert shares[1] == pytest.approx(1.0, abs=0.02)
    assert shares[2:] == [pytest.approx(0.0, abs=0.02)] * 2


def test_a_long_session_keeps_its_marks_as_its_buckets_widen() -> None:
    times = [float(index) * 20_000 for index in range(500)]
    steps = [a_step(index, at, 5.0, ok=index != 250) for index, at in enumerate(times)]
    course, _ = course_of(steps)
    columns = [mark for mark, _ in course.columns(100)]
    assert [place for place, mark in enumerate(columns) if Mark.ERROR in mark] == [50]
    assert all(Mark.STEP in mark for mark in columns)


def test_the_llm_time_of_a_widened_course_is_neither_lost_nor_doubled() -> None:
    steps = [a_step(index, (index + 1) * 10_000.0, 5_000.0, StepKind.LLM) for index in range(1_000)]
    course, _ = course_of(steps)
    shares = [share for _, share in course.columns(100)]
    assert sum(shares) / len(shares) == pytest.approx(0.5, abs=0.02)


def test_a_span_that_begins_after_a_day_of_waiting_does_not_make_the_map_coarse() -> None:
    day = 86_400_000.0
    steps = [a_step(index, index * 1_000.0, ok=index != 3) for index in range(10)]
    steps += [a_step(10, day, kind=StepKind.SPAN, is_open=True), a_step(11, day + 1_000.0)]
    course, _ = course_of(steps)
    columns = [mark for mark, _ in course.columns(100)]
    assert sum(Mark.ERROR in mark for mark in columns) == 1
    assert course.length < 60_000.0


def test_without_times_steps_lie_at_their_numbers() -> None:
    course, found = course_of([a_step(index, None, ok=index != 6) for index in range(10)])
    columns = [mark for mark, _ in course.columns(10)]
    assert [place for place, mark in enumerate(columns) if Mark.ERROR in mark] == [6]
    assert course.step_at(found, 6.0) == 6
    assert course.step_at(found, 1e9) == 9


def test_steps_that_all_have_one_time_lie_at_their_numbers_whatever_they_took() -> None:
    steps = [a_step(0, 0.0, kind=StepKind.START)]
    steps += [a_step(index, 0.0, 2_690.0, ok=index != 6) for index in range(1, 9)]
    steps.append(a_step(9, 2_690.0, kind=StepKind.END))
    course, found = course_of(steps)
    columns = [mark for mark, _ in course.columns(10)]
    assert course.at_once and not course.timed
    assert [place for place, mark in enumerate(columns) if Mark.ERROR in mark] == [6]
    assert course.step_at(found, 6.0) == 6


def test_one_move_has_its_time_and_so_have_all_once_one_begins_later() -> None:
    course, found = course_of([a_step(0, 0.0, 500.0)])
    assert course.timed
    found.steps += [a_step(1, 0.0), a_step(2, 400.0)]
    course.take(found, found.take(2), lambda number: "tool_call")
    assert not course.timed
    course.take(found, found.take(3), lambda number: "tool_call")
    assert course.timed and course.step_at(found, 450.0) == 2


def test_a_place_leads_to_the_last_step_that_stands_before_it() -> None:
    course, found = course_of(steps_at(0.0, 100.0, 200.0, 300.0))
    assert course.step_at(found, -5.0) == 0
    assert course.step_at(found, 150.0) == 1
    assert course.step_at(found, 200.0) == 2
    assert course.step_at(found, 1e12) == 3


def test_every_step_is_found_at_its_own_place() -> None:
    course, found = course_of(steps_at(*(index * 7_000.0 for index in range(300))))
    assert all(course.step_at(found, course.at(found, index) + 0.01) == index for index in range(300))


def test_a_step_without_a_time_stands_with_the_one_before_it() -> None:
    course, found = course_of([a_step(0, 100.0), a_step(1, None), a_step(2, 200.0)])
    assert course.at(found, 1) == 100.0


def test_screenshots_are_noted_once_though_their_action_grows() -> None:
    types = {0: "browser_action", 1: "screenshot", 2: "screenshot"}
    action = a_step(0, 0.0, kind=StepKind.ACTION, events=(0,))
    course, found = Course(), listed([action])
    course.take(found, [0], types.__getitem__)
    assert course.shots == []
    for number in (1, 2):
        action.events.append(number)
        course.take(found, [0], types.__getitem__)
    assert course.shots == [0]


@pytest.mark.parametrize("at", [1e17, 253_402_300_799_000.0])
def test_a_time_at_the_end_of_the_calendar_is_no_trouble(at: float) -> None:
    course, _ = course_of([a_step(0, 0.0), a_step(1, at, 10.0, is_open=True)])
    assert len(course.columns(BUCKETS)) == BUCKETS


def test_an_empty_course_can_be_drawn() -> None:
    course, found = course_of([])
    assert course.columns(3) == [(Mark(0), 0.0)] * 3
    assert course.step_at(found, 5.0) == 0


def test_a_session_with_one_time_for_everything_has_one_mark_a_step_in_its_order() -> None:
    kinds = [StepKind.START, StepKind.USER, StepKind.SHOT, StepKind.CHECK, StepKind.END]
    steps = [
        a_step(index, 0.0, kind=kind, ok=False if kind is StepKind.CHECK else None)
        for index, kind in enumerate(kinds)
    ]
    course, found = course_of(steps)
    columns = [mark for mark, _ in course.columns(108)]
    assert [place for place, mark in enumerate(columns) if Mark.CHECK_FAILED in mark] == [81]
    assert [place for place, mark in enumerate(columns) if Mark.SHOT in mark] == [54]
    assert sum(bool(mark) for mark in columns) == len(steps)
    assert [course.step_at(found, course.at(found, step.index)) for step in steps] == [0, 1, 2, 3, 4]


def test_a_session_without_times_has_one_mark_a_step_too() -> None:
    course, _ = course_of([a_step(0, None), a_step(1, None, kind=StepKind.CHECK, ok=False), a_step(2, None)])
    assert sum(Mark.CHECK_FAILED in mark for mark, _ in course.columns(108)) == 1


def test_once_time_passes_all_steps_stand_where_they_belong() -> None:
    steps = [a_step(0, 0.0), a_step(1, 0.0, kind=StepKind.CHECK, ok=False), a_step(2, 1_000.0)]
    whole, _ = course_of(steps)
    grown, found = Course(), listed(steps)
    for index in range(3):
        grown.take(found, [index], lambda _: "tool_call")
    assert grown.columns(100) == whole.columns(100)
    assert Mark.CHECK_FAILED in grown.columns(100)[0][0]
