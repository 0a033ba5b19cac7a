"""Keys that come in one burst are answered as if each had waited for the one before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.failures.failures_screen import FailuresScreen
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.session.session_screen import SessionScreen
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, a_failing, a_passing
from tests.tui.tmux import needs_tmux, shell_in_tmux, tui_command


@pytest.fixture
def app(spool: Path) -> PromptetheusApp:
    a_failing(spool, "failing")
    a_passing(spool, "passing")
    return PromptetheusApp(spool, clock=lambda: NOW)


def burst(shown: OnScreen, *keys: str) -> None:
    """Press keys without waiting for anything in between."""
    for key in keys:
        shown.app.post_message(events.Key(key, key if len(key) == 1 else None))


def typed(app: PromptetheusApp) -> str:
    """What stands in the filter of the sessions."""
    return app.sessions_screen.query_one(FilterBar).input.value


async def test_what_follows_the_enter_of_a_filter_goes_to_the_list(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        await shown.until_text("failing")
        burst(shown, "slash", *"book", "enter", "j", "enter")
        await shown.until(
            lambda: isinstance(shown.app.screen, SessionScreen), what="the second session is open"
        )
        await shown.until_text("p play")
        assert typed(app) == "book"


async def test_what_follows_the_enter_of_the_palette_goes_to_the_view(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        await shown.until_text("failing")
        burst(shown, "ctrl+p", *("V", "i", "e", "w", "space", "4"), "enter", "1", "enter", "4")
        await shown.until(
            lambda: app.last_session is not None and isinstance(app.screen, FailuresScreen),
            what="a session was opened, and the failures are shown",
        )
        await shown.until_text("first seen")


async def test_what_a_key_does_to_a_list_is_done_at_once(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        await shown.until_text("failing")
        table = app.sessions_screen.table
        assert table.cursor == 0
        await app.on_event(events.Key("j", "j"))
        assert table.cursor == 1, "it did not wait for its turn with everything that the list stands in"


async def test_letters_keep_their_order(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        await shown.until_text("failing")
        text = "thequickbrownfoxjumpsoverthelazydog" * 3
        burst(shown, "slash", *text, "enter")
        await shown.until(lambda: typed(app) == text, what="all of it was typed")


@pytest.mark.terminal
@needs_tmux
def test_a_macro_runs_as_it_was_recorded(spool: Path, tmp_path: Path) -> None:
    a_failing(spool, "failing")
    a_passing(spool, "passing")
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(tui_command(str(spool)))
        terminal.keys("Enter")
        terminal.until_text("failed goal")
        terminal.type("/booking\r4")
        terminal.until_text("first seen")
        terminal.type("1")
        terminal.until(
            lambda screen: "/ booking " in screen and "first seen" not in screen, "the filter is kept"
        )
