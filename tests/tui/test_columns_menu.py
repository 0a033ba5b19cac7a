"""Choosing the columns of the list of sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.chooser import ChoiceList
from promptetheus.tui.sessions.columns_menu import ColumnsMenu
from promptetheus.tui.sessions.session_titles import SessionTitles
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def two(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)


async def with_menu(shown: OnScreen) -> PromptetheusApp:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")
    await shown.press("C")
    await shown.until(lambda: isinstance(shown.app.screen, ColumnsMenu), what="the columns")
    assert isinstance(shown.app, PromptetheusApp)
    return shown.app


def columns(app: PromptetheusApp) -> list[str]:
    return [placed.column.key for placed in app.sessions_screen.table.columns]


async def test_columns_are_hidden_shown_and_put_back(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await with_menu(shown)
        usual = columns(app)
        await shown.press("down", "enter")
        assert columns(app) == [key for key in usual if key != usual[1]]
        await shown.type("start")
        await shown.press("enter")
        assert columns(app) == usual, "it is put where it usually stands"
        await shown.press(*["backspace"] * 5)
        await shown.type("start")
        await shown.press("enter")
        assert "started" not in columns(app)
        await shown.press(*["backspace"] * 5)
        await shown.type("usual")
        await shown.press("enter")
        assert columns(app) == usual
        await shown.press("escape")
        assert str(app.sessions_screen.query_one(SessionTitles).render()).split()[:2] == [
            "status",
            "started↓",
        ]


def under_cursor(app: PromptetheusApp) -> str:
    chosen = app.screen.query_one(ChoiceList).chosen
    assert chosen is not None
    return chosen.title


async def test_enter_twice_hides_a_column_and_shows_it_where_it_was(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await with_menu(shown)
        usual = columns(app)
        for keys in (["down", "down"], ["pageup", "ctrl+down", "ctrl+down"]):
            await shown.press(*keys)
            before, name = columns(app), under_cursor(app)
            await shown.press("enter")
            assert under_cursor(app) == name.replace("✓", "·")
            assert len(columns(app)) == len(usual) - 1
            await shown.press("enter")
            assert under_cursor(app) == name
            assert columns(app) == before, "also one that was moved"


async def test_several_columns_are_hidden_one_below_the_other(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await with_menu(shown)
        usual = columns(app)
        await shown.press("down", "enter", "down", "enter")
        assert columns(app) == [usual[0], *usual[3:]]
        await shown.press("pageup", "ctrl+down")
        assert columns(app) == [usual[3], usual[0], *usual[4:]], "it moves past a shown one, not a hidden one"
        assert under_cursor(app) == "✓ status"


async def test_the_cursor_goes_along_with_a_column_that_finds_its_place(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app(), (80, 24)) as shown:
        app = await with_menu(shown)
        listed = app.screen.query_one(ChoiceList)
        task = next(n for n, each in enumerate(listed.choices) if each.title == "· task")
        await shown.press(*["down"] * task, "enter")
        assert under_cursor(app) == "✓ task"
        await shown.press("enter")
        assert under_cursor(app) == "· task"


async def test_a_column_has_one_name_wherever_it_is_named(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app(), (200, 50)) as shown:
        app = await with_menu(shown)
        over = str(app.sessions_screen.query_one(SessionTitles).render())
        titles = [placed.column.title for placed in app.sessions_screen.table.columns]
        assert {"started", "took", "err", "fails as"} <= set(titles)
        assert all(title in over for title in titles)
        listed = [choice.title[2:] for choice in app.screen.query_one(ChoiceList).choices]
        assert [name.split(" (")[0] for name in listed[: len(titles)]] == titles
        assert "took (duration)" in listed
        commands = {title for title, _ in app.sessions_screen.commands()}
        assert {f"Sort by {name}" for name in listed[:-1]} <= commands


async def test_a_column_that_is_chosen_is_seen_at_once_where_it_is_narrow(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app(), (80, 24)) as shown:
        app = await with_menu(shown)
        assert "task" not in columns(app)
        await shown.type("task")
        await shown.press("enter")
        assert columns(app)[:4] == ["status", "started", "agent", "task"]


async def test_a_column_moves_and_the_cursor_goes_with_it(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await with_menu(shown)
        usual = columns(app)
        await shown.press("ctrl+down", "ctrl+down")
        assert columns(app)[:3] == [usual[1], usual[2], usual[0]]
        await shown.press("ctrl+up", "ctrl+up")
        assert columns(app) == usual
        await shown.press("ctrl+up")
        await shown.until_text("There is no place to move it to")
        assert columns(app) == usual


def width_of(app: PromptetheusApp, key: str) -> int:
    return next(placed.width for placed in app.sessions_screen.table.columns if placed.column.key == key)


async def test_a_column_becomes_wider_and_narrower_and_as_it_was(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await with_menu(shown)
        usual = width_of(app, "agent")
        await shown.type("agent")
        await shown.press("ctrl+right", "ctrl+right", "ctrl+right")
        assert width_of(app, "agent") == usual + 3
        await shown.until_text(f"{usual + 3} wide, as you chose")
        await shown.press("ctrl+left", "ctrl+left", "ctrl+left", "ctrl+left")
        assert width_of(app, "agent") == usual - 1
        await shown.press(*["ctrl+left"] * 40)
        assert width_of(app, "agent") == 3
        await shown.press(*["backspace"] * 5)
        await shown.type("suits")
        await shown.press("enter")
        assert width_of(app, "agent") == usual


async def test_one_column_always_stays(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await with_menu(shown)
        for _ in columns(app):
            await shown.press("enter")
            await shown.press("down")
        await shown.until_text("This is the only column")
        assert len(columns(app)) == 1


async def test_a_chosen_column_without_room_says_so(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app(), (60, 24)) as shown:
        app = await with_menu(shown)
        await shown.type("way of failing")
        await shown.press("enter")
        await shown.until_text("no room for it here")
        assert "fails" not in columns(app)
