"""The filter of the session list: while typing, with counts, as a chip, and one key to be rid of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.sessions.session_table import SessionTable
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_broken, a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def three(spool: Path) -> None:
    """Newest first: passing (booking-agent), failing (booking-agent), broken (coder)."""
    a_broken(spool, "broken", ago=120, agent="coder", goal="fix the parser")
    a_failing(spool, "failing", ago=60)
    a_passing(spool, "passing", ago=10)


def table(shown: OnScreen) -> SessionTable:
    return shown.app.screen.query_one(SessionTable)


def bar(shown: OnScreen) -> FilterBar:
    return shown.app.screen.query_one(FilterBar)


def visible(shown: OnScreen) -> list[str]:
    return [row.session_id for row in table(shown).sessions.visible]


async def ready(shown: OnScreen) -> None:
    await shown.until_text("3 sessions")
    await shown.until_text("live ●")


async def test_each_letter_filters(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agent:")
        await shown.until(lambda: len(visible(shown)) in (0, 3))
        await shown.type("c")
        await shown.until(lambda: visible(shown) == ["broken"])
        assert "1 of 3" in shown.lines[1]
        assert "esc clears" in shown.lines[1]


async def test_no_line_is_spent_on_a_filter_that_is_not_there(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        assert "───" in shown.lines[1]


async def test_enter_keeps_the_filter_as_a_chip_and_goes_to_the_list(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("coder")
        await shown.press("enter")
        assert shown.app.focused is table(shown)
        assert bar(shown).has_class("-chip")
        assert "/ coder" in shown.lines[1]
        await shown.press("j", "k")
        assert visible(shown) == ["broken"]


async def test_escape_in_the_field_clears_and_goes_back(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("coder")
        await shown.press("escape")
        await shown.until(lambda: len(visible(shown)) == 3)
        assert shown.app.focused is table(shown)
        assert "───" in shown.lines[1]


async def test_escape_in_the_list_clears_the_chip(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app(filter_text="coder")) as shown:
        await shown.until_text("1 of 3")
        await shown.press("escape")
        await shown.until(lambda: len(visible(shown)) == 3)
        assert "/ coder" not in shown.text


async def test_a_filter_from_the_command_line_is_there_from_the_start(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app(filter_text="status:passed")) as shown:
        await shown.until_text("1 of 3")
        assert visible(shown) == ["passing"]
        assert "/ status:passed" in shown.lines[1]
        assert shown.app.focused is table(shown)


async def test_a_filter_that_hides_the_chosen_session_says_so_and_brings_it_back(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("j")
        await shown.press("slash")
        await shown.type("coder")
        await shown.until_text("hides failing")
        await shown.press("escape")
        await shown.until(lambda: len(visible(shown)) == 3)
        row = table(shown).highlighted
        assert row is not None and row.session_id == "failing"


async def test_what_a_filter_does_not_understand_is_said(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app(filter_text="dur>soon")) as shown:
        await shown.until(lambda: table(shown).sessions.filter.problems)
        await shown.until_text(table(shown).sessions.filter.problems[0][:20])


async def test_nothing_found_is_said_in_the_list(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app(filter_text="no such thing anywhere")) as shown:
        await shown.until_text("0 of 3")
        assert "No session matches this filter: esc clears it." in shown.text


async def test_a_session_that_arrives_is_filtered_too(
    sessions_app: MakeApp, three: None, spool: Path
) -> None:
    async with on_screen(sessions_app(filter_text="agent:coder")) as shown:
        await shown.until_text("1 of 3")
        a_passing(spool, "another", ago=1)
        await shown.until_text("1 of 4")
        a_passing(spool, "more code", ago=1, agent="coder")
        await shown.until_text("2 of 5")


async def test_tab_completes_from_what_is_there(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agent:book")
        await shown.until_text("agent:booking-agent")
        await shown.press("tab")
        assert bar(shown).input.value.strip() == "agent:booking-agent"
        await shown.until(lambda: len(visible(shown)) == 2)
        await shown.press("tab")
        assert shown.app.focused is table(shown)


async def test_pasted_control_characters_are_shown_and_not_obeyed(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        bar(shown).input.post_message(events.Paste("\x1b]52;c;AAAA\x07\u202e evil"))
        await shown.until_text("evil")
        assert bar(shown).input.value == "␛]52;c;AAAA␇\\u202e evil"


async def test_the_keys_of_the_list_are_letters_in_the_field(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("q?1o/-")
        assert bar(shown).input.value == "q?1o/-"
        assert "filter" not in shown.lines[-1] and "quit" not in shown.lines[-1]
        assert "enter to the list" in shown.lines[-1]
