"""The filter of the session list: while typing, with counts, as a chip, and one key to be rid of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.filter_offers import FilterOffers
from promptetheus.tui.sessions import session_list, session_rows, sessions_reading, sessions_screen
from promptetheus.tui.sessions.session_columns import COLUMN
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


async def test_a_key_pressed_behind_a_filter_of_many_is_about_what_the_filter_left(
    sessions_app: MakeApp, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_screen, "FILTERED_AT_ONCE", 0)
    monkeypatch.setattr(sessions_screen, "FILTERS_FOR_S", 0.0)
    monkeypatch.setattr(session_list, "FILTERED_AT_ONCE", 1)
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("coder")
        await shown.until(lambda: visible(shown) == ["broken"])
        for letter in ("ctrl+u", *"booking", "enter", "j"):
            shown.app.post_message(events.Key(letter, letter if len(letter) == 1 else None))
        await shown.until(lambda: visible(shown) == ["passing", "failing"])
        await shown.until(lambda: table(shown).cursor == 1)
        assert table(shown).has_focus


async def test_many_sessions_are_examined_once_no_keys_are_pressed(
    sessions_app: MakeApp, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests = asyncio.Event()

    async def until_rest(_app: object) -> None:
        await rests.wait()

    monkeypatch.setattr(session_rows, "FEW_ROWS", 0)
    monkeypatch.setattr(sessions_reading, "until_rest", until_rest)
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        assert not table(shown).sessions.is_examined
        rests.set()
        await shown.until(lambda: table(shown).sessions.is_examined)


async def test_an_order_that_asks_something_of_all_sessions_has_it_worked_out_first(
    sessions_app: MakeApp, three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def until_rest(_app: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(session_rows, "FEW_ROWS", 0)
    monkeypatch.setattr(sessions_reading, "until_rest", until_rest)
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        table(shown).sort_by(COLUMN["agent"], descending=False)
        assert visible(shown) == ["passing", "failing", "broken"]
        await shown.until(lambda: table(shown).sessions.is_examined)
        await shown.until(lambda: table(shown).sessions.order.key == "agent")
        await shown.press("v")
        await shown.until_text("▾ booking-agent")


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
        await shown.until_text(
            "No session matches this filter: esc clears it, \\ searches all that was recorded."
        )
        await shown.until_text("0 of 3")


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


async def test_fields_are_offered_below_with_what_they_mean(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("to")
        await shown.until_text("a tool that was called")
        assert "tool:" in shown.lines[2] and "tokens>" in shown.lines[3]
        await shown.press("down", "down", "enter")
        assert bar(shown).input.value == "tokens>"
        assert shown.app.focused is bar(shown).input


async def test_values_are_offered_with_how_often_they_occur(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("!agent:")
        await shown.until(lambda: "!agent:booking-agent" in shown.lines[2])
        assert " 2 " in shown.lines[2]
        await shown.press("down", "down", "enter")
        await shown.until(lambda: visible(shown) == ["passing", "failing"])
        assert bar(shown).input.value == "!agent:coder"
        await shown.press("enter")
        assert shown.app.focused is table(shown)


async def test_what_is_recorded_while_one_types_is_counted_and_a_choice_stays_made(
    sessions_app: MakeApp, three: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agent:")
        await shown.until(lambda: "agent:booking-agent" in shown.lines[2] and " 2 " in shown.lines[2])
        await shown.press("down", "down")
        for number in range(3):
            a_broken(spool, f"more{number}", ago=5, agent="coder")
        await shown.until(lambda: "agent:coder" in shown.lines[2] and " 4 " in shown.lines[2])
        await shown.press("enter")
        await shown.until(lambda: bar(shown).input.value == "agent:coder", what="it is still chosen")


async def test_what_is_recorded_after_the_offers_were_closed_does_not_open_them(
    sessions_app: MakeApp, three: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agent:")
        await shown.until_text("agent:coder")
        await shown.press("escape")
        a_broken(spool, "more", ago=5, agent="poet")
        await shown.until_text("4 sessions")
        offers = shown.app.screen.query_one(FilterOffers)
        await shown.until(
            lambda: not [each for each in offers.workers if each.node is offers], what="at rest"
        )
        assert not offers.is_open


async def test_enter_takes_nothing_that_nobody_chose(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("err")
        await shown.until_text("number of errors")
        await shown.press("enter")
        assert shown.app.focused is table(shown)
        assert bar(shown).input.value == "err"
        assert "number of errors" not in shown.text


async def test_what_is_wrong_is_read_whole_where_it_is_narrow_and_offers_stand_below_it(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app(), (80, 24)) as shown:
        await shown.until_text("live ●")
        await shown.press("slash")
        await shown.type("status:bogus")
        await shown.until_text("There are running, passed,")
        await shown.until_text("failed goal, failed, crashed, completed, empty, error, failing.")
        await shown.type(" ag")
        await shown.until_text("agent:  the agent's name")
        await shown.until_text("failed goal, failed, crashed, completed, empty, error, failing.")
        lines = shown.text.splitlines()
        said = next(place for place, line in enumerate(lines) if "completed, empty, error" in line)
        assert "agent:  the agent's name" in lines[said + 1]


async def test_escape_closes_what_is_offered_first_and_typing_offers_again(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agent:")
        await shown.until_text("agent:coder")
        await shown.press("escape")
        await shown.until(lambda: "agent:coder" not in shown.text)
        assert bar(shown).input.value == "agent:"
        await shown.type("c")
        await shown.until_text("agent:coder")
        await shown.press("escape", "escape")
        await shown.until(lambda: len(visible(shown)) == 3)
        assert shown.app.focused is table(shown)


async def test_tab_in_an_empty_field_lists_every_field(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app(), size=(80, 24)) as shown:
        await ready(shown)
        await shown.press("slash", "tab")
        await shown.until_text("the agent's name")
        assert "tool:" in shown.text
        # The last of them is reached with the arrow, and the list beside and below stays in sight.
        await shown.press(*["down"] * 30)
        await shown.until_text("the sessions' metadata")
        assert "goal met" in shown.text
        await shown.press("escape", "escape")
        assert shown.app.focused is table(shown)


async def test_letters_typed_right_behind_a_taken_offer_are_not_lost(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.press(*"ag", "tab", *"cod", "tab", "space", *"fix", "enter", "j")
        assert bar(shown).input.value == "agent:coder fix"
        assert visible(shown) == ["broken"]


async def test_a_click_takes_an_offer(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agent:")
        await shown.until(lambda: "agent:coder" in shown.lines[3])
        await shown.pilot.click(offset=(shown.lines[3].index("agent:coder") + 2, 3))
        await shown.until(lambda: visible(shown) == ["broken"])
        assert shown.app.focused is bar(shown).input


async def test_a_click_clears_the_filter_or_changes_it(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app(filter_text="agent:coder")) as shown:
        await shown.until(lambda: visible(shown) == ["broken"] and "esc clears" in shown.lines[1])
        await shown.pilot.click(offset=(shown.lines[1].index("1 of 3"), 1))
        await shown.until(lambda: shown.app.focused is bar(shown).input, what="it can be changed")
        await shown.press("enter")
        await shown.until(lambda: shown.app.focused is table(shown))
        await shown.pilot.click(offset=(shown.lines[1].index("clears"), 1))
        await shown.until(lambda: len(visible(shown)) == 3, what="cleared")
        assert shown.app.focused is table(shown) and not bar(shown).is_active


async def test_a_field_that_is_none_is_said_and_the_one_that_was_meant_is_offered(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("slash")
        await shown.type("agnet:coder")
        await shown.until_text("agnet is not a field, did you mean agent?")
        await shown.press("tab")
        await shown.until(lambda: visible(shown) == ["broken"])


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
