"""The footer: at most seven keys, and whoever reads nothing else finds the way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.footer import MOST_KEYS, fitting
from promptetheus.tui.keymap import footer_shortcuts
from promptetheus.tui.sql.result_grid import ResultGrid
from tests.tui.compared import a_pair
from tests.tui.conftest import OnScreen, on_screen

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def pair(spool: Path) -> None:
    a_pair(spool)


def is_named(shown: OnScreen, view: str) -> bool:
    return view in shown.lines[0]


def footer(shown: OnScreen) -> str:
    return shown.lines[-1]


@pytest.mark.parametrize("columns", [80, 120])
async def test_every_view_says_how_to_go_back(sessions_app: MakeApp, pair: None, columns: int) -> None:
    async with on_screen(sessions_app(), (columns, 30)) as shown:
        await shown.until_text("live ●")
        for key, view in (
            ("3", "diff"),
            ("4", "failures"),
            ("s", "suspects"),
            ("6", "delivery"),
            ("2", "steps"),
        ):
            await shown.press(key)
            await shown.until(partial(is_named, shown, view), what=view)
            await shown.until(lambda: "esc back" in footer(shown), what=f"the way back from {view}")
            shortcuts = fitting(footer_shortcuts(shown.app.screen), columns)
            assert len(shortcuts) <= MOST_KEYS
            assert [each.action for each in shortcuts[-2:]] == ["help", "palette"]
            assert shortcuts[-3].label == "back", "at the same place in every view"
        await shown.press("5")
        await shown.until(lambda: "leave the query" in footer(shown), what="the way back from a query")
        asked = [each.label for each in fitting(footer_shortcuts(shown.app.screen), columns)]
        assert asked[0] == "run" and asked[-2:] == ["leave the query", "palette"], "at the same place, too"
        await shown.type("select 1")
        await shown.press("enter")
        await shown.until_text("1 row")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.focused, ResultGrid))
        await shown.until(lambda: "esc back" in footer(shown), what="the way back from a result")


async def test_where_there_is_room_it_says_how_to_quit(sessions_app: MakeApp) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        assert "D load the demo   q quit   ? help" in footer(shown)
