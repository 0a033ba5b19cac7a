"""Jumping to a line or a pane by the letter on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.jump_mode import JumpMode
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.session_table import SessionTable
from tests.tui.compared import PASSED, a_pair
from tests.tui.conftest import OnScreen, on_screen

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def pair(spool: Path) -> None:
    a_pair(spool)


def is_on(table: SessionTable, place: int) -> bool:
    return table.cursor == place


async def listed(shown: OnScreen) -> SessionTable:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")
    return shown.app.screen.query_one(SessionTable)


async def jumping(shown: OnScreen) -> None:
    await shown.press("apostrophe")
    await shown.until(lambda: isinstance(shown.app.screen, JumpMode), what="the letters")


async def test_a_letter_leads_to_its_line_and_what_is_behind_stays_in_sight(
    sessions_app: MakeApp, pair: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        table = await listed(shown)
        await jumping(shown)
        await shown.until(lambda: shown.lines[table.region.y + 1].startswith("s"))
        assert "booking-agent" in shown.text
        await shown.press("s")
        await shown.until(lambda: table.cursor == 1)
        await jumping(shown)
        await shown.press("escape")
        await shown.until(lambda: not isinstance(shown.app.screen, JumpMode))
        assert table.cursor == 1


async def test_a_digit_leads_to_another_pane(sessions_app: MakeApp, pair: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        app = shown.app
        assert isinstance(app, PromptetheusApp)
        await app.go("session", spool / f"{PASSED}.jsonl")
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await shown.until(lambda: screen.loaded and screen.focused is screen.timeline)
        await jumping(shown)
        # The footer's keys do nothing meanwhile: in their place stands what to type.
        assert shown.lines[-1].strip() == (
            "jump: type the letter of a line or the digit of a pane   esc gives up"
        )
        assert "│1 " in shown.text
        await shown.press("1")
        timeline = screen.timeline
        await shown.until(lambda: app.screen is screen and not timeline.has_focus)


async def test_a_digit_hides_nothing_of_what_was_typed(sessions_app: MakeApp, pair: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("slash", "o", "k", "enter")
        await shown.until_text("esc clears")
        await jumping(shown)
        await shown.until(lambda: "1 ok" in shown.text)


async def test_a_click_goes_to_the_letter_under_it_and_beside_one_gives_up(
    sessions_app: MakeApp, pair: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        table = await listed(shown)
        for place, cursor in ((40, 0), (0, 1)):
            await jumping(shown)
            await shown.pilot.click(offset=(place, table.region.y + 1))
            await shown.until(lambda: not isinstance(shown.app.screen, JumpMode))
            await shown.until(partial(is_on, table, cursor))


async def test_where_there_is_nothing_to_jump_to_that_is_said(sessions_app: MakeApp) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        await shown.press("apostrophe")
        await shown.until_text("There is no line and no other pane to jump to here.")
