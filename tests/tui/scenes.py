"""Places in the program in which keys are pressed: how to get there, whose bindings are at hand there, and what has
to be pressed before a key has something to do."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from promptetheus.tui.agent_side import AgentSide
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.ask_words import AskWords
from promptetheus.tui.chooser import Chooser, ChooserInput
from promptetheus.tui.confirm import Confirm
from promptetheus.tui.delivery.list import DeliveryList
from promptetheus.tui.delivery.screen import DeliveryScreen
from promptetheus.tui.delivery.taking import TakingDelivery
from promptetheus.tui.diff.screen import DiffScreen
from promptetheus.tui.diff.table import DiffTable
from promptetheus.tui.diff.taking import TakingDiff
from promptetheus.tui.diff.value_screen import DiffValueScreen
from promptetheus.tui.diff.walked import WalkedDiff
from promptetheus.tui.failures.failure_table import FailureTable
from promptetheus.tui.failures.failures_screen import FailuresScreen
from promptetheus.tui.failures.suspect_table import SuspectTable
from promptetheus.tui.failures.suspects_screen import SuspectsScreen
from promptetheus.tui.filter_bar import FilterInput
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.line_list import LineList
from promptetheus.tui.messages import Messages
from promptetheus.tui.newest import FollowsNewest
from promptetheus.tui.note_taking import NoteTaking
from promptetheus.tui.pictures.before_screen import LooksBefore
from promptetheus.tui.pictures.picture_screen import FilmPicture, FilmScreen, MomentScreen, PictureScreen
from promptetheus.tui.pictures.picture_view import PictureView
from promptetheus.tui.remembered import Layout
from promptetheus.tui.remembering import Remembering
from promptetheus.tui.saved_filters import SavedFilters
from promptetheus.tui.session.session_opening import OpeningScreen
from promptetheus.tui.session.session_playing import PlayingScreen
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.session_shapes import ShapedScreen
from promptetheus.tui.session.session_taking import TakingSession
from promptetheus.tui.session.timeline import Timeline
from promptetheus.tui.sessions.columns_menu import ColumnsMenu
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.sessions.taking import TakingSessions
from promptetheus.tui.shell import Shell
from promptetheus.tui.sql.choosers import QueryChooser
from promptetheus.tui.sql.editor import SqlEditor
from promptetheus.tui.sql.narrowing import NarrowingResult
from promptetheus.tui.sql.query_book import QueryBook
from promptetheus.tui.sql.query_library import QueryLibrary
from promptetheus.tui.sql.result_grid import ResultGrid
from promptetheus.tui.sql.screen import SqlScreen
from promptetheus.tui.sql.taking import TakingResult
from promptetheus.tui.taking import TakingScreen
from promptetheus.tui.views import Place
from tests.tui.compared import FAILED, PASSED, a_pair
from tests.tui.conftest import OnScreen
from tests.tui.recorded import a_broken, a_failing
from tests.tui.session_recording import a_browser_run
from tests.tui.test_film import Browsing

BROWSER, CLICKS = "01M8113BROWSER", "01CLICKS"


@dataclass(frozen=True)
class Scene:
    """A place in the program."""

    owners: tuple[type[Any], ...]
    """The classes whose bindings are at hand there."""
    go: Callable[[OnScreen], Awaitable[object]]
    """Gets there from a program that has just started."""
    start: Callable[[Path], Place | None] = lambda spool: None
    """The view that it is started with."""
    record: Callable[[Path], object] = lambda spool: everything(spool)
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By key: what is pressed before, so that the key has something to do."""
    without: frozenset[str] = frozenset()
    """Keys that are letters here; another scene presses them."""


_BELOW = {"up": ("down", "down"), "ctrl+p": ("down", "down"), "pageup": ("pagedown",)}
"""In a chooser there is nothing above the first line."""


def everything(spool: Path) -> None:
    """Sessions that every view has something to show of."""
    a_pair(spool)
    a_failing(spool, "01M8FAILED", ago=50)
    a_broken(spool, "01M80BROKEN", ago=3000, agent="coder", goal="fix the parser")
    a_browser_run(spool, BROWSER)
    QueryBook(spool).save("a query", "select 1 as kept")


def two_pictures(spool: Path) -> None:
    """Clicks with the page after each, no part of which looks like another."""
    run = Browsing(spool, CLICKS)
    run.user("click around")
    for target, turn in (("#one", 0), ("#two", 90)):
        picture = Image.merge(
            "RGB", [Image.linear_gradient("L").rotate(turn + angle) for angle in (0, 90, 180)]
        )
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        run.click(target, buffer.getvalue())
    run.end()


async def _front(shown: OnScreen, kind: type[Any]) -> Any:
    await shown.until(lambda: isinstance(shown.app.screen, kind), what=kind.__name__)
    return shown.app.screen


async def sessions(shown: OnScreen) -> None:
    await shown.until_text("live ●")
    await shown.press("g", "j", "j")


async def empty(shown: OnScreen) -> None:
    await shown.until_text("Nothing recorded here yet")


async def session(shown: OnScreen) -> SessionScreen:
    screen: SessionScreen = await _front(shown, SessionScreen)
    await shown.until(lambda: screen.loaded and screen.inspector.is_settled, what="the session is read")
    await shown.press("g", "j", "j")
    await shown.until(lambda: screen.inspector.is_settled, what="the step is shown")
    return screen


async def inspector(shown: OnScreen) -> None:
    screen = await session(shown)
    await shown.press("enter")
    await shown.until(lambda: screen.inspector.has_focus, what="the inspector has the keys")
    await shown.press("j", "j")


async def full(shown: OnScreen) -> None:
    await session(shown)
    await shown.press("r", "o")
    screen = await _front(shown, FullView)
    page = screen.query_one(PageView)
    await shown.until(lambda: page.lines, what="the page")
    page.select(next(place for place, line in enumerate(page.lines) if line.fold))
    await shown.pilot.pause()


async def film(shown: OnScreen) -> None:
    await session(shown)
    await shown.press("f")
    screen = await _front(shown, FilmScreen)
    await shown.until(lambda: screen.view.shown is not None and screen.film, what="the film")


async def picture(shown: OnScreen) -> None:
    screen = await session(shown)
    await shown.press("G", "S")
    await shown.until(lambda: screen.inspector.is_settled, what="the step is shown")
    await shown.press("enter")
    page = screen.inspector
    await shown.until(lambda: page.has_focus, what="the inspector has the keys")
    place = next(place for place, line in enumerate(page.lines) if line.opens is not None)
    page.select(place)
    await shown.press("o")
    found = await _front(shown, PictureScreen)
    await shown.until(lambda: found.view.shown is not None and "×" in shown.text, what="the picture")


async def page_before(shown: OnScreen) -> None:
    await shown.until_text("live ●")
    await shown.press("b")
    screen = await _front(shown, MomentScreen)
    await shown.until(lambda: screen.view.change is not None, what="the page before")


async def diff(shown: OnScreen) -> DiffScreen:
    screen: DiffScreen = await _front(shown, DiffScreen)
    await shown.until(lambda: screen.compared is not None, what="compared")
    await shown.pilot.pause()
    return screen


async def diff_value(shown: OnScreen) -> None:
    await diff(shown)
    await shown.press("enter")
    await _front(shown, DiffValueScreen)


async def failures(shown: OnScreen) -> None:
    await sessions(shown)
    await shown.press("4")
    await _front(shown, FailuresScreen)
    await shown.until_text("ways of failing")


async def suspects(shown: OnScreen) -> None:
    await sessions(shown)
    await shown.press("4")
    await _front(shown, FailuresScreen)
    await shown.until_text("ways of failing")
    await shown.press("s")
    screen = await _front(shown, SuspectsScreen)
    await shown.until(lambda: screen.found is not None, what="the suspects")


async def sql(shown: OnScreen) -> SqlScreen:
    screen: SqlScreen = await _front(shown, SqlScreen)
    await shown.until(lambda: screen.result is not None and screen.grid.has_focus, what="an answer")
    await shown.press("j", "l")
    return screen


async def sql_editor(shown: OnScreen) -> None:
    screen = await sql(shown)
    await shown.press("e")
    await shown.until(lambda: screen.editor.has_focus, what="the editor has the keys")


async def queries(shown: OnScreen) -> None:
    await sql(shown)
    await shown.press("ctrl+o")
    await _front(shown, QueryChooser)
    await shown.until_text("a query")


async def delivery(shown: OnScreen) -> DeliveryScreen:
    await sessions(shown)
    await shown.press("6")
    screen: DeliveryScreen = await _front(shown, DeliveryScreen)
    await shown.until(lambda: screen.listed.lines, what="sessions")
    return screen


async def filtering(shown: OnScreen) -> None:
    await sessions(shown)
    await shown.press("slash")
    await shown.type("stat")


async def palette(shown: OnScreen) -> None:
    await sessions(shown)
    await shown.press("ctrl+p")
    await _front(shown, Chooser)


async def columns(shown: OnScreen) -> None:
    await sessions(shown)
    await shown.press("C")
    await _front(shown, ColumnsMenu)


async def asking(shown: OnScreen) -> None:
    await sessions(shown)
    await shown.press("n")
    await _front(shown, AskWords)


async def saved_filters(shown: OnScreen) -> None:
    await sessions(shown)
    app = shown.app
    assert isinstance(app, PromptetheusApp)
    app.layout = Layout(filters={"mine": "status:failed"})
    await shown.press("V")
    await _front(shown, SavedFilters)


async def confirming(shown: OnScreen) -> None:
    await sessions(shown)
    app = shown.app
    assert isinstance(app, PromptetheusApp)
    await app.open_screen(Confirm("Really?", "It is gone for good.", lambda: app.notify("It is done.")))
    await _front(shown, Confirm)


def _opened(view: str, *session_ids: str) -> Callable[[Path], Place]:
    def place(spool: Path) -> Place:
        paths = tuple(spool / f"{session_id}.jsonl" for session_id in session_ids)
        return Place(view, paths[0] if view == "session" else paths)

    return place


_THREE_COLUMNS = "select i, i * 2 as twice, 'word' as words from range(100) t(i)"

_PAN = dict.fromkeys(("H", "L", "J", "K", "shift+left", "shift+right", "shift+up", "shift+down"), ("z", "z"))

SCENES: Mapping[str, Scene] = {
    "sessions": Scene(
        (
            SessionsScreen, TakingSessions, LooksBefore, FollowsNewest, SessionTable, LineList,
            Shell, PromptetheusApp, Messages, NoteTaking, AgentSide, Remembering,
        ),
        sessions,
        before={"1": ("2",), "pageup": ("G",), "ctrl+b": ("G",), "enter": ("g",)},
    ),
    "nothing recorded": Scene((), empty, record=lambda spool: None),
    "filter": Scene((FilterInput,), filtering),
    "palette": Scene(
        (Chooser, ChooserInput), palette,
        before=_BELOW,
        without=frozenset({"q", "slash"}),
    ),
    "columns": Scene((ColumnsMenu,), columns, before={"ctrl+up": ("down",), "shift+up": ("down",)}),
    "question": Scene((AskWords,), asking),
    "confirmation": Scene((Confirm,), confirming),
    "saved filters": Scene((SavedFilters,), saved_filters),
    "session": Scene(
        (
            SessionScreen, OpeningScreen, PlayingScreen, FollowsNewest, ShapedScreen, TakingSession,
            TakingScreen, Timeline,
        ),
        session,
        start=_opened("session", BROWSER),
        before={"h": ("v", "G", "k", "k"), "l": ("v", "g", "j", "j")},
    ),
    "inspector": Scene((PageView,), inspector, start=_opened("session", BROWSER)),
    "full screen": Scene((FullView,), full, start=_opened("session", BROWSER)),
    "film": Scene(
        (FilmScreen, FilmPicture), film, start=_opened("session", BROWSER),
        before={"left": ("l",), "h": ("l",), "g": ("G",), "home": ("G",)},
    ),
    "picture": Scene(
        (PictureScreen, PictureView), picture, start=_opened("session", CLICKS), record=two_pictures,
        before=_PAN | {"Z": ("z",), "0": ("z",)},
    ),
    "page before": Scene((MomentScreen,), page_before, record=two_pictures),
    "diff": Scene(
        (DiffScreen, DiffTable, TakingDiff, TakingScreen, WalkedDiff), diff, start=_opened("diff", PASSED, FAILED),
    ),
    "diff value": Scene((DiffValueScreen,), diff_value, start=_opened("diff", PASSED, FAILED)),
    "failures": Scene((FailuresScreen, FailureTable, TakingScreen), failures),
    "suspects": Scene((SuspectsScreen, SuspectTable, TakingScreen), suspects),
    "SQL": Scene(
        (SqlScreen, TakingResult, NarrowingResult, QueryLibrary, ResultGrid, TakingScreen), sql,
        start=lambda spool: Place("sql", _THREE_COLUMNS),
    ),
    "SQL editor": Scene((SqlEditor,), sql_editor, start=lambda spool: Place("sql", _THREE_COLUMNS)),
    "queries": Scene(
        (QueryChooser, ChooserInput), queries,
        start=lambda spool: Place("sql", _THREE_COLUMNS), before=_BELOW,
    ),
    "delivery": Scene((DeliveryScreen, TakingDelivery, DeliveryList), delivery),
}  # fmt: skip
