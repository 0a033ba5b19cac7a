"""The palette shows what cannot be done here, too, and says where it can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.chooser import ChoiceList
from promptetheus.tui.palette import OUT_OF_REACH_SHOWN, PaletteScreen
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing

MakeApp = Callable[..., PromptetheusApp]


async def opened(shown: OnScreen) -> ChoiceList:
    await shown.press("ctrl+p")
    await shown.until(lambda: isinstance(shown.app.screen, PaletteScreen))
    return shown.app.screen.query_one(ChoiceList)


@pytest.fixture
def one(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)


async def test_an_action_of_another_view_is_shown_below_and_enter_says_where_it_is(
    sessions_app: MakeApp, one: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("6")
        await shown.until_text("delivery")
        listed = await opened(shown)
        await shown.type("diff")
        await shown.until_text("d in the list of sessions")
        titles = [choice.title for choice in listed.choices]
        out_of_reach = [choice for choice in listed.choices if choice.is_out_of_reach]
        assert titles.index("Not here") > titles.index("View 3: two sessions side by side")
        assert 0 < len(out_of_reach) <= OUT_OF_REACH_SHOWN
        # The cursor is on what can be done; what cannot is reached with the arrows.
        assert listed.chosen is not None and not listed.chosen.is_out_of_reach
        await shown.press("down")
        assert listed.chosen.is_out_of_reach
        await shown.press("enter")
        await shown.until_text("d does that in the failures: 4 leads there.")
        assert isinstance(shown.app.screen, PaletteScreen), "one can go on typing"


async def test_what_cannot_be_done_yet_says_why(sessions_app: MakeApp) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        listed = await opened(shown)
        await shown.type("compare marked")
        await shown.until_text("d not now")
        await shown.until(lambda: listed.chosen is not None and listed.chosen.is_out_of_reach)
        await shown.press("enter")
        await shown.until_text("Nothing is recorded here yet: D records")


async def test_a_message_stands_once_also_where_a_chooser_is_in_front(
    sessions_app: MakeApp, one: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        shown.app.notify("Only once, please", timeout=60)
        await shown.until_text("Only once, please")
        await opened(shown)
        await shown.until(lambda: shown.app.screen.query(Toast))
        await shown.until(lambda: shown.text.count("Only once, please") == 1, what="one toast")
        await shown.press("escape")
        await shown.until(lambda: not isinstance(shown.app.screen, PaletteScreen))
        await shown.until(lambda: shown.text.count("Only once, please") == 1, what="it stands there again")


async def test_what_the_footer_calls_an_action_finds_it_first(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        listed = await opened(shown)
        await shown.type("diff")
        await shown.until(lambda: listed.chosen is not None and listed.chosen.note == "d")
