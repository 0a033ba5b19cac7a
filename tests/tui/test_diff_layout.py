"""The Diff and the Failures view as pictures in text: what a change of layout changes is seen in review."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.tui.failures.failures_screen import FailuresScreen
from promptetheus.tui.inspector.page_view import PageView
from tests.tui.compared import MakeApp, a_pair, diff_of
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_broken, a_failing, a_passing
from tests.tui.test_session_layout import assert_golden

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("diff-80x24", (80, 24), ()),
        ("diff-120x40", (120, 40), ()),
        ("diff-200x50", (200, 50), ()),
        ("diff-gap-120x40", (120, 40), ("n",)),
        ("diff-words-120x40", (120, 40), ("n", "n")),
        ("diff-numbers-80x24", (80, 24), ("v",)),
    ],
)
async def test_the_diff_is_laid_out_as_it_was(
    spool: Path, name: str, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    async with diff_of(spool, *a_pair(spool), size=size) as diff:
        await diff.press(*keys)
        panes = list(diff.screen.query(PageView))
        await diff.shown.until(lambda: all(pane.is_settled for pane in panes) and diff.details)
        await diff.shown.pilot.pause()
        assert_golden(name, diff.shown.lines)


@pytest.mark.parametrize(
    ("name", "size"),
    [("failures-80x24", (80, 24)), ("failures-120x40", (120, 40)), ("failures-200x50", (200, 50))],
)
async def test_the_failures_are_laid_out_as_they_were(
    sessions_app: MakeApp, spool: Path, name: str, size: tuple[int, int]
) -> None:
    a_broken(spool, "01M80BROKEN", ago=3 * DAY_S, agent="coder", goal="fix the parser")
    a_failing(spool, "01M81FAILED", ago=2 * DAY_S)
    a_failing(spool, "01M82FAILED", ago=60)
    a_passing(spool, "01M83PASSED", ago=30)
    async with on_screen(sessions_app(), size) as shown:
        await shown.until(lambda: shown.app.sessions_screen.scanned)  # type: ignore[attr-defined]
        await shown.press("4")
        await shown.until(lambda: isinstance(shown.app.screen, FailuresScreen))
        await shown.until_text("01M82FAILED")
        await shown.pilot.pause()
        assert_golden(name, shown.lines)
