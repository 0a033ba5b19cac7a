"""Steps made by hand, for the parts of the terminal that only know steps."""

from __future__ import annotations

from collections.abc import Iterable

from promptetheus.cause.step_times import stretch_of
from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.session.course import Course
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.session.time_axis import TimeAxis


def a_step(
    index: int,
    at: float | None,
    took: float | None = None,
    kind: StepKind = StepKind.TOOL,
    *,
    ok: bool | None = None,
    is_open: bool = False,
    events: tuple[int, ...] = (),
) -> Step:
    return Step(index, kind, "", list(events or (index,)), at, took, ok, is_open)


def steps_at(*times: float, took: float = 0.0) -> list[Step]:
    """Calls that began at these milliseconds."""
    return [a_step(index, at, took) for index, at in enumerate(times)]


def listed(steps: Iterable[Step]) -> StepList:
    """All of them taken in."""
    found = StepList(list(steps))
    found.take(len(found.steps))
    return found


def axis_of(steps: list[Step]) -> TimeAxis:
    axis = TimeAxis()
    for step in steps:
        axis.take(step, stretch_of(step))
    return axis


def course_of(steps: list[Step], types: dict[int, str] | None = None) -> tuple[Course, StepList]:
    """The course of steps; `types` of events that are not tool calls."""
    course, found = Course(), listed(steps)
    course.take(found, range(len(steps)), lambda number: (types or {}).get(number, "tool_call"))
    return course, found
