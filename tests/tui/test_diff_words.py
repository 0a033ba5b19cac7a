"""A difference goes by one name: in the banner, in its row, and in the pane below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.cause.comparison import Change
from promptetheus.cause.picture_changes import PictureChange, PictureKind
from promptetheus.tui.diff.row import change_said
from tests.builders import SessionBuilder, a_session
from tests.cause.reports import report_of
from tests.tui.compared import a_pair_with_pictures, diff_of


def _after_a_click(text: str) -> SessionBuilder:
    session = a_session().event("browser_action", {"action": "click", "target": "#next"})
    return session.event("dom_snapshot", {"url": "https://x.example", "visible_text": text})


_MADE: dict[Change, Callable[[str], SessionBuilder]] = {
    Change.ARGUMENTS: lambda text: a_session().event("state_change", {"name": "plan", "after": text}),
    Change.PAGE: _after_a_click,
    Change.RESULT: lambda text: a_session().calls("look", {"at": 1}, result=text),
    Change.MODEL: lambda text: a_session().event("llm_call", {"model": text}),
    Change.WORDS: lambda text: a_session().says(text),
    Change.PICTURE: lambda text: a_session().event("screenshot", {"storage_path": f"{text}.png"}),
}


@pytest.mark.parametrize("change", _MADE)
def test_a_row_is_called_what_the_banner_calls_it(change: Change) -> None:
    report = report_of(_MADE[change]("Tuesday"), _MADE[change]("Wednesday"))
    report = report.with_pictures(lambda pair: PictureChange(PictureKind.OTHER))
    first = report.comparison.first
    assert first is not None and report.rows[report.differences[0]].change is change
    assert change_said(report, report.differences[0]) == first.kind.value


def test_arguments_are_not_called_wrong_beside_the_step_that_had_the_right_ones() -> None:
    report = report_of(a_session().calls("book", {"day": "Tue"}), a_session().calls("book", {"day": "Wed"}))
    assert change_said(report, 0) == "other arguments"


async def test_another_page_is_called_alike_wherever_it_is_told_of(spool: Path) -> None:
    async with diff_of(spool, *a_pair_with_pictures(spool)) as diff:
        await diff.shown.until_text("click, other page")
        assert "· other page" in diff.here
        await diff.shown.until(lambda: "≠ other page" in diff.details)
        assert "another page" not in diff.text
