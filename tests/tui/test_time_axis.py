"""Time on one line, idle stretches cut: positions, the way back, and growth step by step."""

from __future__ import annotations

import random

import pytest

from promptetheus.cause.step_times import stretch_of
from promptetheus.cause.steps import StepKind
from promptetheus.tui.session.time_axis import IDLE_MS, TimeAxis
from tests.tui.session_steps import a_step, axis_of, steps_at

HOUR = 3_600_000.0


def test_time_without_long_pauses_stays_as_it_is() -> None:
    axis = axis_of(steps_at(0.0, 1_000.0, 25_000.0))
    assert [axis.position(ms) for ms in (0.0, 500.0, 25_000.0)] == [0.0, 500.0, 25_000.0]
    assert axis.cuts(0.0, axis.length) == []


def test_an_hour_of_waiting_is_drawn_as_half_a_minute() -> None:
    axis = axis_of(steps_at(0.0, HOUR, HOUR + 1_000.0))
    assert axis.position(HOUR) == IDLE_MS
    assert axis.length == IDLE_MS + 1_000.0
    assert axis.cuts(0.0, axis.length) == [(IDLE_MS / 2, HOUR)]


def test_a_call_that_takes_an_hour_is_no_waiting() -> None:
    axis = axis_of([a_step(0, 0.0, HOUR), a_step(1, HOUR)])
    assert axis.position(HOUR) == HOUR


def test_while_a_call_is_open_nothing_is_idle() -> None:
    axis = axis_of([a_step(0, 0.0, is_open=True), a_step(1, HOUR)])
    assert axis.position(HOUR) == HOUR


def test_an_llm_call_was_at_work_before_its_event() -> None:
    axis = axis_of([a_step(0, 0.0), a_step(1, HOUR, HOUR, StepKind.LLM)])
    assert axis.position(HOUR) == HOUR


def test_a_span_around_everything_does_not_make_waiting_work() -> None:
    axis = axis_of([a_step(0, 0.0, HOUR, StepKind.SPAN), a_step(1, 10.0), a_step(2, HOUR)])
    assert axis.position(HOUR) == pytest.approx(IDLE_MS + 10.0)


def test_what_a_span_claims_of_its_length_does_not_stretch_the_axis() -> None:
    axis = axis_of([a_step(0, 0.0, 1e300, StepKind.SPAN), a_step(1, 10.0)])
    assert axis.length == 10.0


def test_steps_without_times_change_nothing() -> None:
    axis = axis_of([a_step(0, None), a_step(1, None)])
    assert axis.length == 0.0


def test_positions_and_moments_are_each_others_way_back() -> None:
    dice = random.Random(5)
    at, times = 0.0, []
    for _ in range(200):
        at += dice.choice([10.0, 500.0, 40_000.0, HOUR])
        times.append(at)
    axis = axis_of(steps_at(*times, took=5.0))
    positions = [axis.position(ms) for ms in times]
    assert positions == sorted(positions)
    for ms in (*times, *(dice.uniform(0.0, at) for _ in range(200))):
        assert axis.moment(axis.position(ms)) == pytest.approx(ms, rel=1e-6, abs=1e-3)


def test_a_step_that_is_told_of_again_changes_nothing() -> None:
    steps = steps_at(0.0, 100.0, HOUR, HOUR + 50.0, 3 * HOUR)
    told = TimeAxis()
    for index, step in enumerate(steps):
        for again in (steps[index - 1], step) if index else (step,):
            told.take(again, stretch_of(again))
    once = axis_of(steps)
    assert told.cuts(0.0, 1e12) == once.cuts(0.0, 1e12)
    assert told.length == once.length


def test_a_call_that_ends_later_was_at_work_until_then() -> None:
    call, after = a_step(0, 0.0, is_open=True), a_step(1, 10.0)
    axis = axis_of([call, after])
    call.open, call.duration_ms = False, HOUR
    axis.take(call, stretch_of(call))
    last = a_step(2, HOUR + 5.0)
    axis.take(last, stretch_of(last))
    assert axis.position(HOUR) == HOUR


def test_only_cuts_in_the_part_that_is_asked_for_are_given() -> None:
    axis = axis_of(steps_at(0.0, HOUR, 2 * HOUR, 3 * HOUR))
    assert len(axis.cuts(0.0, axis.length)) == 3
    assert axis.cuts(IDLE_MS + 1, 2 * IDLE_MS) == [(IDLE_MS * 1.5, HOUR)]
