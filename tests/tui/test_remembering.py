"""What is remembered of a project, and what --fresh leaves aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.project_files import beside
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.pictures.picture_way import PictureWay
from promptetheus.tui.remembered import FILE_NAME, Layout, read_layout, write_layout
from promptetheus.tui.saved_filters import SavedFilters
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.sessions.session_columns import COLUMN
from promptetheus.tui.sessions.session_groups import Grouping
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def two(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)


async def ready(shown: OnScreen) -> PromptetheusApp:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")
    assert isinstance(shown.app, PromptetheusApp)
    return shown.app


async def test_theme_order_groups_shape_and_panes_come_back(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        app.choose_theme("promptetheus-light")
        app.sessions_screen.table.sort_by(COLUMN["steps"], descending=False)
        app.sessions_screen.table.group_by(Grouping.AGENT)
        await app.go("session", spool / "01M8FAILED.jsonl")
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await shown.until(lambda: screen.loaded, what="the session")
        screen.begin_as(Shape.TREE, inspector=False)
        await shown.until(lambda: screen.timeline.shape is Shape.TREE, what="the tree")
        app.exit()
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        sessions = app.sessions_screen.table.sessions
        assert app.theme == "promptetheus-light"
        assert (sessions.order.key, sessions.descending, sessions.grouping) == (
            "steps",
            False,
            Grouping.AGENT,
        )
        await app.go("session", spool / "01M8FAILED.jsonl")
        again = app.screen
        assert isinstance(again, SessionScreen)
        await shown.until(lambda: again.timeline.shape is Shape.TREE, what="the tree again")
        assert again.has_class("-alone")
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        assert app.theme != "promptetheus-light" and app.sessions_screen.table.sessions.order.key == "started"


async def test_no_color_counts_for_more_than_a_remembered_theme(
    sessions_app: MakeApp, two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert sessions_app(layout=Layout(theme="promptetheus-light")).theme == "promptetheus-terminal"
    monkeypatch.delenv("NO_COLOR")
    assert sessions_app(layout=Layout(theme="no such theme")).theme == sessions_app().theme


async def test_chosen_columns_come_back_and_fresh_leaves_them_aside(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        await shown.press("C")
        await shown.type("agent")
        await shown.press("enter")
        await shown.until(lambda: "agent" not in titles_of(app), what="the column is gone")
        await shown.press("escape")
        app.exit()
    kept = read_layout(spool).columns
    assert kept and "agent" not in kept
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        assert titles_of(await ready(shown)) == kept
    async with on_screen(sessions_app()) as shown:
        assert "agent" in titles_of(await ready(shown))


def titles_of(app: PromptetheusApp) -> list[str]:
    return [placed.column.key for placed in app.sessions_screen.table.columns]


async def test_the_way_of_drawing_pictures_comes_back_in_such_a_terminal_only(
    sessions_app: MakeApp, two: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TERM_PROGRAM", raising=False)
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        before = app.canvas.way
        await shown.press("ctrl+p")
        await shown.type("pictures in kitty")
        await shown.press("enter")
        await shown.until(lambda: app.canvas.way is PictureWay.KITTY, what="kitty graphics")
        app.exit()
    assert sessions_app(layout=read_layout(spool)).canvas.way is PictureWay.KITTY
    assert sessions_app().canvas.way is before
    monkeypatch.setenv("TERM", "linux")
    assert sessions_app(layout=read_layout(spool)).canvas.way is PictureWay.HALF
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert sessions_app(layout=read_layout(spool)).canvas.way is PictureWay.SHADES


async def test_filters_are_saved_used_and_forgotten(sessions_app: MakeApp, two: None, spool: Path) -> None:
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        await shown.press("slash")
        await shown.type("01M8PASSED")
        await shown.press("enter")
        await shown.press("ctrl+p")
        await shown.type("save the filter")
        await shown.press("enter")
        await shown.until_text("Save the filter 01M8PASSED as")
        await shown.type("the good one")
        await shown.press("enter")
        await shown.until(lambda: read_layout(spool).filters == {"the good one": "01M8PASSED"}, what="saved")
        await shown.press("escape")
        await shown.until(lambda: not app.screen.query_one(FilterBar).is_active, what="no filter")
        await shown.press("ctrl+p")
        await shown.type("filter: the good one")
        await shown.press("enter")
        await shown.until_text("1 of 2")
        await shown.press("ctrl+p")
        await shown.type("forget the saved filter")
        await shown.press("enter")
        await shown.until(lambda: not read_layout(spool).filters, what="forgotten")


async def test_saved_filters_are_listed_by_key_with_what_they_let_through(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    saved = Layout(filters={"failing": "status:failed", "good": "status:passed"})
    async with on_screen(sessions_app(layout=saved)) as shown:
        app = await ready(shown)
        await shown.press("V")
        await shown.until_text("good   status:passed")
        await shown.press("down", "ctrl+r")
        await shown.until_text("Another name for the saved filter good")
        await shown.press(*["backspace"] * 4, *"best", "enter")
        await shown.until(lambda: list(saved.filters) == ["failing", "best"], what="renamed")
        await shown.press("V", "down", "enter")
        await shown.until_text("1 of 2")
        assert app.screen.query_one(FilterBar).input.value == "status:passed"
        await shown.press("V", "ctrl+s")
        await shown.until_text("Save the filter status:passed as")
        await shown.press(*"again", "enter")
        await shown.until(lambda: saved.filters.get("again") == "status:passed", what="saved")
        await shown.press("V", "ctrl+x")
        await shown.until(lambda: list(saved.filters) == ["best", "again"], what="forgotten")
        assert isinstance(app.screen, SavedFilters)
        await shown.press("q")
        await shown.until(lambda: app.screen is app.sessions_screen)


async def test_with_fresh_a_filter_is_saved_until_the_program_ends_and_written_nowhere(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await shown.press("slash", *"01M8PASSED", "enter", "V", "ctrl+s", *"quick", "enter")
        await shown.until_text("It holds until you quit")
        await shown.press("escape")
        await shown.until(lambda: not app.screen.query_one(FilterBar).is_active, what="no filter")
        await shown.press("V")
        await shown.until_text("quick   01M8PASSED")
        await shown.press("enter")
        await shown.until_text("1 of 2")
        app.exit()
    assert not beside(spool, FILE_NAME).exists()


@pytest.mark.parametrize("asks", [("V", "ctrl+s"), ("ctrl+p", *"save the filter", "enter")])
async def test_a_name_typed_where_there_is_no_filter_to_save_is_no_key_of_the_list(
    sessions_app: MakeApp, two: None, asks: tuple[str, ...]
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await shown.press(*("space" if key == " " else key for key in asks))
        await shown.until_text("There is no filter to save: / sets one.")
        assert isinstance(app.screen, SavedFilters)
        await shown.press(*"dvs")
        await shown.until_text("dvs")
        assert isinstance(app.screen, SavedFilters)
        assert app.sessions_screen.table.sessions.grouping is Grouping.NONE


async def test_after_a_refusal_to_save_q_is_a_letter(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await shown.press("V", "ctrl+s", *"quick")
        await shown.until_text("quick")
        assert isinstance(app.screen, SavedFilters)


async def test_a_saved_filter_never_takes_the_name_of_another(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    saved = Layout(filters={"a": "x", "b": "y"})
    async with on_screen(sessions_app(layout=saved)) as shown:
        await ready(shown)
        await shown.press("V", "ctrl+r")
        await shown.until_text("Another name for the saved filter a")
        await shown.press("backspace", "b", "enter")
        await shown.until_text("Another saved filter is called b")
        assert saved.filters == {"a": "x", "b": "y"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"theme": 3, "filters": [1], "columns": {"a": 1}, "pictures": {"a": [1]}}',
        b"\xff\x00{",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_counts_as_none(spool: Path, content: bytes) -> None:
    path = beside(spool, FILE_NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert read_layout(spool) == Layout()


async def test_a_file_that_is_not_understood_is_put_aside_and_said(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    path = beside(spool, FILE_NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"filters": {"mine": "status:failed"},,}')
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        await shown.until_text("What was remembered")
        assert any("put aside as tui.json.broken" in said.text for said in app.said.newest_first())
        app.choose_theme("promptetheus-light")
        app.exit()
    assert "mine" in path.with_name("tui.json.broken").read_text()
    assert json.loads(path.read_text())["theme"] == "promptetheus-light"


async def test_a_theme_that_only_suits_this_terminal_is_not_remembered(
    sessions_app: MakeApp, two: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        app.sessions_screen.table.group_by(Grouping.AGENT)
        app.exit()
    assert (read_layout(spool).grouping, read_layout(spool).theme) == ("agent", "")


def test_what_is_written_is_read_again(spool: Path) -> None:
    layout = Layout(
        "x",
        "steps",
        False,
        "agent",
        "tree",
        False,
        ["goal"],
        {"goal": 40},
        {"foot": "sixel"},
        True,
        {"a": "b"},
    )
    write_layout(spool, layout)
    assert read_layout(spool) == layout
    path = beside(spool, FILE_NAME)
    assert json.loads(path.read_text())["order"] == "steps" and path.stat().st_mode & 0o777 == 0o600


async def test_a_layout_that_cannot_be_kept_is_said_once_and_ends_nothing(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    beside(spool, FILE_NAME).mkdir(parents=True)
    async with on_screen(sessions_app(layout=Layout())) as shown:
        app = await ready(shown)
        sessions = app.sessions_screen.table.sessions
        for key in ("steps", "errors"):
            sessions.sort_by(COLUMN[key])
            await shown.until(lambda: app._kept is not None and app._kept.order == sessions.order.key)
        cannot = [said for said in app.said.newest_first() if "cannot be remembered" in said.title]
        assert len(cannot) == 1 and cannot[0].times == 1
        assert FILE_NAME in cannot[0].text and "hold until you quit" in cannot[0].text


async def test_chosen_widths_come_back(sessions_app: MakeApp, two: None, spool: Path) -> None:
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        app.sessions_screen.table.choose_columns((), {"agent": 9, "nonsense": 4, "goal": 9999})
        app.exit()
    async with on_screen(sessions_app(layout=read_layout(spool))) as shown:
        app = await ready(shown)
        assert app.sessions_screen.table.chosen_widths == {"agent": 9, "goal": 200}
