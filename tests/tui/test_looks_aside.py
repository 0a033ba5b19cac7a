"""Number keys lead aside, one way leads back from all of them, and a key that does nothing says so everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.sessions.session_copies import ShownList, session_copies
from promptetheus.tui.sessions.session_groups import Grouping
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.sql.screen import SqlScreen
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def two(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=10)


async def test_one_escape_leads_home_from_many_number_keys_and_keeps_a_query(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        await shown.until(lambda: isinstance(shown.app.screen, SqlScreen))
        await shown.type("select 42")
        await shown.press("escape", "6")
        await shown.until_text("sessions › delivery")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))
        await shown.press("5")
        await shown.until_text("select 42")


@pytest.mark.parametrize("view", ["1", "2", "6"])
async def test_a_key_that_does_nothing_says_so_in_every_view(
    sessions_app: MakeApp, two: None, view: str
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press(view)
        await shown.press("9")
        await shown.until_text("9 does nothing here: ? lists the keys that do.")


async def test_a_key_that_does_something_in_another_view_says_what_and_how_to_get_there(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("6")
        await shown.until_text("sessions › delivery")
        await shown.press("v")
        told = "v does nothing here. In the list of sessions: group by agent, goal, way of failing, or not at all."
        await shown.until(lambda: told in " ".join(each.message for each in shown.app._notifications))


async def test_of_several_keys_that_do_nothing_only_the_last_is_answered_on_screen(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        for key in ("9", "0", "J"):
            await shown.press(key)
            await shown.until_text(f"{key} does nothing here")
        await shown.until(lambda: shown.text.count("does nothing here") == 1)


def test_what_is_copied_of_a_list_keeps_its_order_groups_and_filter() -> None:
    shown = ShownList("status:failed", ["a'b"], "took", False, Grouping.AGENT)
    texts = {copy.title: copy.text for copy in session_copies(None, (), Path("spool"), shown)}
    assert "--sort dur:asc" in texts["The command that prints it, sorted so"]
    assert texts["The SQL behind this list"].splitlines()[1:] == [
        "where session_id in ('a''b')",
        "order by agent nulls last, duration_ms asc nulls last",
    ]
