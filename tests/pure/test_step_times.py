"""When a step was at work."""

from __future__ import annotations

import pytest

from promptetheus.cause.step_times import Stretch, stretch_of
from promptetheus.cause.steps import Step, StepKind


def step(kind: StepKind, at: float | None, took: float | None = None) -> Step:
    return Step(0, kind, "", [0], at, took)


def test_a_call_lies_after_its_event() -> None:
    assert stretch_of(step(StepKind.TOOL, 100.0, 50.0)) == Stretch(100.0, 150.0)


def test_an_llm_call_lies_before_its_event_because_it_is_recorded_once_it_has_answered() -> None:
    assert stretch_of(step(StepKind.LLM, 700.0, 640.0)) == Stretch(60.0, 700.0)


def test_an_llm_call_never_begins_before_its_session() -> None:
    assert stretch_of(step(StepKind.LLM, 100.0, 1e300)) == Stretch(0.0, 100.0)


@pytest.mark.parametrize("took", [None, 0.0, -5.0])
def test_what_took_no_time_is_a_moment(took: float | None) -> None:
    assert stretch_of(step(StepKind.CHECK, 42.0, took)) == Stretch(42.0, 42.0)


def test_without_times_there_is_no_stretch() -> None:
    assert stretch_of(step(StepKind.LLM, None, 640.0)) is None
