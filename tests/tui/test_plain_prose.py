"""What was said, in a row of the terminal: without the marks of Markdown, and nothing else taken away."""

from __future__ import annotations

import pytest

from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.plain_prose import plain_prose, step_text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Your check-up is booked: **Tuesday at 2pm**", "Your check-up is booked: Tuesday at 2pm"),
        ("Done:⏎⏎```diff⏎- int(number)⏎+ str(number)⏎```", "Done:⏎- int(number)⏎+ str(number)"),
        ("## What changed⏎The `parse` function", "What changed⏎The parse function"),
        ("> quoted⏎answer", "quoted⏎answer"),
        ("__very important__ words", "very important words"),
    ],
)
def test_marks_of_markdown_are_left_out_of_a_row(line: str, shown: str) -> None:
    assert plain_prose(line) == shown


@pytest.mark.parametrize(
    "line",
    ["2 ** 3 ** 4", "call __init__ first", "a * b * c", "#1 of 3", "x > y", "one ** mark", "snake_case_name"],
)
def test_what_is_no_markdown_stays_as_it_was_said(line: str) -> None:
    assert plain_prose(line) == line


def test_the_row_of_the_start_has_agent_and_goal_as_they_were_given() -> None:
    said = "`rm -rf`calendar-agent · Book `Tuesday`, **not** Wednesday"
    assert step_text(Step(0, StepKind.START, "", [0], None), said) == said
    assert step_text(Step(1, StepKind.AGENT, "", [1], None), "I am **sure**") == "I am sure"
